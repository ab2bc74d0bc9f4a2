"""The lines as the edits see them: prepared from rows of the claim-line table, and grouped."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from edits.oracle.finding import Found
from edits.oracle.world import HOSPITAL, PRACTITIONER, Book, Facet, World
from facetwise.findings import Severity

PROFESSIONAL, FACILITY = "professional", "facility"
RIGHT, LEFT, BOTH = "R", "L", "B"
DIAGNOSTIC, THERAPEUTIC = "diagnostic", "therapeutic"
Key = TypeVar("Key")
_MINUTES = "MJ"  # of anesthesia: one service, however long
_HOSPITAL_OUTPATIENT = "13"  # the first two digits of the bill type


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line. Lines are the same only when they are the same object; `id` is their order in the input, history last.

    `purpose` is diagnostic or therapeutic where the payer's own rule lets a claim tell it, else ''. `place` is the region in which the
    line counts: the code's own, but for the pair of joints at the border of two regions where the payer says which one they count in.
    """

    id: int
    checked: bool
    claim_id: str
    number: int
    person: str
    provider: str
    group: str
    day: date
    book: Book
    service: int
    claim: str
    setting: str
    code: str
    modifiers: frozenset[str]
    side: str
    bypass: frozenset[str]
    units: Decimal
    authorized: bool
    diagnoses: tuple[str, ...]
    facet: Facet | None
    purpose: str
    place: str

    def finding(self, edit: str, severity: Severity, other: Line | None = None, apart: str = "", **seen: Any) -> Found:
        return Found(
            edit,
            severity,
            self.id,
            self.claim_id,
            self.number,
            (other.claim_id, other.number) if other else None,
            apart,
            seen,
        )


class Claims:
    """All lines that count, in their order, with the groups that edits look into."""

    def __init__(self, lines: list[Line], *, with_history: bool):
        self.lines = lines
        self.with_history = with_history

    @property
    def checked(self) -> list[Line]:
        return [line for line in self.lines if line.checked]

    @property
    def facets(self) -> list[Line]:
        return [line for line in self.lines if line.facet]

    @functools.cached_property
    def of_day(self) -> dict[tuple[str, date], list[Line]]:
        """The lines of a person and day."""
        return grouped(self.lines, lambda line: (line.person, line.day))

    @functools.cached_property
    def of_person(self) -> dict[str, list[Line]]:
        """The facet lines of a person."""
        return grouped(self.facets, lambda line: line.person)

    @functools.cached_property
    def of_visit(self) -> dict[tuple[str, date, str], list[Line]]:
        """The lines of a person, day and provider."""
        return grouped(self.lines, lambda line: (line.person, line.day, line.provider))

    def together(self, line: Line) -> list[Line]:
        """Return the lines of the same person, day and provider, the line itself included."""
        return self.of_visit[line.person, line.day, line.provider]


def grouped(lines: Iterable[Line], key: Callable[[Line], Key]) -> dict[Key, list[Line]]:
    """Return the lines by key, in their order."""
    found: dict[Key, list[Line]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return found


def prepare(world: World, lines: Iterable[Mapping[str, Any]], history: Iterable[Mapping[str, Any]] | None) -> Claims:
    """Return the lines that bear a procedure code, prepared. A line with only a revenue code takes part in nothing.

    A line of the history that is of a checked claim of the same person is that claim's own, and is left out.
    """
    made: list[Line] = []
    number = 0
    lines = list(lines)
    own = {(row["claim_id"], row.get("person_id")) for row in lines}
    earlier = [row for row in history or () if (row["claim_id"], row.get("person_id")) not in own]
    for checked, rows in ((True, lines), (False, earlier)):
        for row in rows:
            number += 1
            if row["hcpcs_code"]:
                made.append(_line(world, number, checked, row))
    return Claims(_placed(world, made), with_history=history is not None)


def _line(world: World, number: int, checked: bool, row: Mapping[str, Any]) -> Line:
    day = row["claim_line_start_date"]
    code = row["hcpcs_code"]
    institutional = row["claim_type"] == "institutional"
    rendering, billing = row.get("rendering_npi") or "", row.get("billing_npi") or ""
    place = row.get("place_of_service_code") or ""
    setting = _setting(world, day, place) if not institutional else ""
    if institutional and (row.get("bill_type_code") or "").startswith(_HOSPITAL_OUTPATIENT):
        setting = "hopd"
    centers_own = setting == "asc" and rendering in ("", billing)
    modifiers = frozenset(row[f"hcpcs_modifier_{n}"] for n in range(1, 6) if row.get(f"hcpcs_modifier_{n}"))
    book = world.book(day, world.payer(row.get("payer") or ""), row.get("state") or "")
    facet = world.facet(day, code)
    return Line(
        id=number,
        checked=checked,
        claim_id=row["claim_id"],
        number=row["claim_line_number"],
        person=row.get("person_id") or f"\0{row['claim_id']}",  # a person that is not named is nobody else
        provider=rendering or billing,
        group=billing,
        day=day,
        book=book,
        service=HOSPITAL if institutional else PRACTITIONER,
        claim=FACILITY if institutional or centers_own else PROFESSIONAL,
        setting=setting,
        code=code,
        modifiers=modifiers,
        side=_side(modifiers),
        bypass=world.bypassing(day, modifiers),
        units=Decimal(1) if row.get("unit_basis") == _MINUTES else Decimal(row["service_unit_quantity"]),
        authorized=bool(row.get("prior_authorization_number")),
        diagnoses=_diagnoses(row),
        facet=facet,
        purpose=_purpose(world, day, book, code, facet, modifiers),
        place=facet.region if facet else "",
    )


def _setting(world: World, day: date, place: str) -> str:
    rows = world.rows("fees/places", "place_of_service", place, day)
    return str(rows[0]["setting"]) if rows else ""


def _side(modifiers: frozenset[str]) -> str:
    if "50" in modifiers or {"RT", "LT"} <= modifiers:
        return BOTH
    return RIGHT if "RT" in modifiers else LEFT if "LT" in modifiers else ""


def _diagnoses(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the diagnoses that the line points to; all of the claim's where it points nowhere."""
    of_claim = [row.get(f"diagnosis_code_{n}") or "" for n in range(1, 26)]
    pointers = [row[f"diagnosis_pointer_{n}"] for n in range(1, 5) if row.get(f"diagnosis_pointer_{n}")]
    if pointers:
        of_claim = [of_claim[pointer - 1] for pointer in pointers if 0 < pointer <= len(of_claim)]
    return tuple(dict.fromkeys(one for one in of_claim if one))


def _purpose(world: World, day: date, book: Book, code: str, facet: Facet | None, modifiers: frozenset[str]) -> str:
    """Return the purpose that a line's modifiers tell by the payer's rule for diagnostic injections; '' where it has none."""
    if facet is None or facet.kind != "injection":
        return ""
    wanted = diagnostic_modifiers(world, day, book, code)
    if not wanted:
        return ""
    return DIAGNOSTIC if wanted & modifiers else THERAPEUTIC


def diagnostic_modifiers(world: World, day: date, book: Book, code: str) -> frozenset[str]:
    """Return the modifiers that the payer wants on a diagnostic line of the code; none where it has no such rule."""
    said = world.said(day, book, "diagnostic-modifier", world.techniques["injection"])
    return frozenset(
        modifier for one in said if not one.value.codes or code in one.value.codes for modifier in one.value.modifiers
    )


def _placed(world: World, lines: list[Line]) -> list[Line]:
    """Count the pair of joints at a region's border in the region that the payer names for it."""
    found: dict[int, str] = {}
    for group in session_claims(lines).values():
        pair = pair_of(world, group)
        regions = {one.region for one in pair if one.certain and one.regions == 1 and one.region}
        if regions:
            found.update((line.id, min(regions)) for line in group)
    return [replace(line, place=found[line.id]) if line.id in found else line for line in lines]


def session_claims(lines: Iterable[Line]) -> dict[tuple[Any, ...], list[Line]]:
    """Return the facet lines that are judged together: of a person, day and payer, the professional's and the facility's apart."""
    return grouped((line for line in lines if line.facet), lambda line: (line.person, line.day, line.claim, line.book))


@dataclass(frozen=True, slots=True)
class Pair:
    """What one statement says of the codes of a claim that are those of its pair of joints."""

    regions: int | None
    region: str
    certain: bool


def pair_of(world: World, group: list[Line]) -> list[Pair]:
    """Return what the payer says of the pair of joints at a region's border, where a group's codes are exactly those it names."""
    codes = {line.code for line in group}
    kinds = {line.facet.kind for line in group if line.facet}
    if len(codes) != 2 or len(kinds) != 1:
        return []
    day, book, (kind,) = group[0].day, group[0].book, kinds
    return [
        Pair(one.value.regions, one.value.region, not one.conflicting and one.dated.evidence != "inferred")
        for one in world.said(day, book, "junction-pair", world.techniques[kind])
        if set(one.value.codes) == codes
    ]
