"""Cases of `check` that stand beside the knowledge: claims in short notation, and the findings that they must give.

A case has `claim`, what its lines share (payer, state, date, setting, kind, dx, provider, group, person, auth, place, bill; whole, or as
what differs from a `base` of its file), `lines`, perhaps `history`, and `findings`. A line is written

    64493 RT KX x1                       code, modifiers, units (x1 when left out)
    64494 LT x1 date=2026-03-02 claim=B  and any of the claim's facts where the line differs; claim names the claim it belongs to

Lines are numbered from 1 through the case, lines of the history from h1. A finding is "edit severity line", or "edit severity line with
line" where the other line matters. Those given must be found; `only: true` says that there are no others, `absent` names edits that must
not be found. `history: []` is a history without lines, which is not the same as none.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2] / "knowledge"
ENDING = ".check.cases.yaml"
_KEYS = {"name", "source", "base", "claim", "lines", "history", "findings", "only", "absent"}
_FACTS = {
    "payer", "state", "date", "setting", "kind", "dx", "provider", "group", "person", "auth", "place", "bill", "claim", "pointers"
}  # fmt: skip
_PLACES = {"office": "11", "asc": "24", "hopd": "22"}
_DEFAULTS: dict[str, Any] = {
    "payer": "medicare", "state": "OH", "date": "2026-10-02", "setting": "office", "kind": "professional", "dx": ["M47.816"],
    "provider": "1000000001", "group": "1000000009", "person": "P1", "claim": "A",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Case:
    """A case: rows of the claim-line table, and (edit, severity, line) that must be found; lines by their number in the case."""

    name: str
    sources: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]
    history: tuple[dict[str, Any], ...] | None
    findings: tuple[str, ...]
    only: bool
    absent: tuple[str, ...]

    def shown(self, found: list[tuple[str, str, str, int, tuple[str, int] | None]]) -> list[str]:
        """Return findings in the notation of the cases, sorted."""
        earlier = enumerate(self.history or (), start=1)
        places = {(row["claim_id"], row["claim_line_number"]): f"h{n}" for n, row in earlier}
        # A claim that stands in both is the checked one.
        places |= {(row["claim_id"], row["claim_line_number"]): str(n) for n, row in enumerate(self.lines, start=1)}
        return sorted(
            f"{edit} {severity} {places[claim, number]}" + (f" with {places[other]}" if other else "")
            for edit, severity, claim, number, other in found
        )

    def faults(self, found: list[str]) -> list[str]:
        """Return how the findings, as `shown`, differ from what the case expects."""
        unmatched = list(found)
        said = []
        for wanted in self.findings:
            match = next((one for one in unmatched if one == wanted or one.split(" with ")[0] == wanted), None)
            if match is None:
                said.append(f"not found: {wanted}")
            else:
                unmatched.remove(match)
        if self.only:
            said += [f"not expected: {one}" for one in unmatched]
        said += [f"must be absent: {one}" for one in found if one.split()[0] in self.absent]
        return said


def read_cases(root: Path = ROOT) -> list[Case]:
    """Return the cases of all files; a word that is none of the notation raises ValueError with its place."""
    found = []
    for path in sorted(root.rglob(f"*{ENDING}")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for number, entry in enumerate(content["cases"]):
            name = f"{path.relative_to(root)}:{entry.get('name', number)}"
            try:
                found.append(_case(name, entry, content.get("bases", {})))
            except (ValueError, KeyError) as error:
                raise ValueError(f"{name}: {error}") from error
    names = [case.name for case in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"cases of one name: {', '.join(sorted(twice))}")
    return found


def _case(name: str, entry: dict[str, Any], bases: dict[str, Any]) -> Case:
    if not set(entry) <= _KEYS:
        raise ValueError(f"unknown keys {sorted(set(entry) - _KEYS)}")
    shared = {**_DEFAULTS, **(bases[entry["base"]] if "base" in entry else {}), **entry["claim"]}
    lines = tuple(_row(text, shared, n) for n, text in enumerate(entry["lines"], start=1))
    earlier = entry.get("history")
    history = None
    if earlier is not None:
        history = tuple(_row(text, {**shared, "claim": "H"}, n) for n, text in enumerate(earlier, start=1))
    return Case(
        name,
        tuple(entry["source"]),
        lines,
        history,
        tuple(entry["findings"]),
        entry.get("only") == "true",
        tuple(entry.get("absent", ())),
    )


def _row(text: str, shared: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the row of the claim-line table that a line in short notation stands for."""
    code, *words = text.split()
    facts = dict(shared)
    modifiers: list[str] = []
    units = "1"
    for word in words:
        name, sign, value = word.partition("=")
        if sign:
            facts[name] = value.split(",") if name in ("dx", "pointers") else value
        elif word[0] == "x" and word[1:].replace(".", "").isdigit():
            units = word[1:]
        elif len(word) == 2:
            modifiers.append(word)
        else:
            raise ValueError(
                f"{word!r} in {text!r} is neither a modifier, units such as x1, nor a fact such as date=2026-03-02"
            )
    if not set(facts) <= _FACTS:
        raise ValueError(f"unknown facts {sorted(set(facts) - _FACTS)}")
    return _written(code, modifiers, units, facts, number)


def _written(code: str, modifiers: list[str], units: str, facts: dict[str, Any], number: int) -> dict[str, Any]:
    kind, setting = facts["kind"], facts["setting"]
    institutional = kind == "facility" and setting != "asc"
    place = facts.get("place") or _PLACES.get(setting, "")
    row: dict[str, Any] = {
        "claim_id": facts["claim"],
        "claim_line_number": number,
        "claim_type": "institutional" if institutional else "professional",
        "person_id": facts["person"] or None,
        "payer": facts["payer"] or None,
        "place_of_service_code": None if institutional else place or None,
        "bill_type_code": (facts.get("bill") or ("131" if setting == "hopd" else None)) if institutional else None,
        "claim_line_start_date": date.fromisoformat(facts["date"]),
        "hcpcs_code": None if code == "-" else code,
        "service_unit_quantity": Decimal(units).quantize(Decimal("0.001")),
        "charge_amount": Decimal("100.00"),
        "rendering_npi": None if kind == "facility" else facts["provider"] or None,
        "billing_npi": facts["group"] or None,
        "state": facts["state"] or None,
        "prior_authorization_number": facts.get("auth") or None,
    }
    row |= {f"hcpcs_modifier_{n}": modifiers[n - 1] if n <= len(modifiers) else None for n in range(1, 6)}
    diagnoses = [one.replace(".", "") for one in facts["dx"] if one]
    row |= {f"diagnosis_code_{n}": diagnoses[n - 1] if n <= len(diagnoses) else None for n in range(1, 26)}
    pointers = [int(one) for one in facts.get("pointers", ())]
    row |= {f"diagnosis_pointer_{n}": pointers[n - 1] if n <= len(pointers) else None for n in range(1, 5)}
    return row
