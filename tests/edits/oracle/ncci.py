"""The national edits: add-ons and their primaries, pairs of procedures, unlikely units."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from edits.oracle.claims import FACILITY, LEFT, RIGHT, Claims, Line, grouped
from edits.oracle.finding import Found
from edits.oracle.world import World
from facetwise.findings import Severity

_SIDES = frozenset(("RT", "LT"))


def _severity(world: World, line: Line, edit: str) -> Severity:
    """Deny where a source says that the payer applies these edits; else somebody must ask."""
    return "deny" if world.applies(line.day, line.book, edit) else "review"


def add_on_without_primary(world: World, claims: Claims) -> Iterator[Found]:
    """An add-on of a listed kind stands without any of its primaries: same person, day and table, same provider or same group."""
    edit = "add-on-without-primary"
    for line in claims.checked:
        rows = [row for row in world.ncci.add_on.get(line.code, ()) if row[0] <= line.day <= row[1]]
        kinds = {kind for *_, kind in rows} & {"1", "3"}
        if not kinds:
            continue
        near = {
            one.code
            for one in claims.of_day[line.person, line.day]
            if one.service == line.service
            and (one.provider == line.provider or (one.group and one.group == line.group))
        }
        primaries = {primary for *_, primary, _ in rows}
        if near & primaries:
            continue
        own = "1" in kinds and not _named_pair(world, line, near)
        yield line.finding(edit, _severity(world, line, edit) if own else "review", primaries=sorted(primaries))


def _named_pair(world: World, line: Line, near: set[str]) -> bool:
    """Whether the payer's own rule for the joints at a region's border has the add-on reported with a code that is there."""
    if line.facet is None:
        return False
    said = world.said(line.day, line.book, "junction-pair", world.techniques[line.facet.kind])
    return any(line.code in one.value.codes and near & (set(one.value.codes) - {line.code}) for one in said)


def ptp_pair(world: World, claims: Claims) -> Iterator[Found]:
    """Two lines are a pair of which column 2 is not paid. A modifier may bypass it where the indicator is 1.

    Each pair of lines is judged by itself; of the lines of one column-1 code the gravest result stands, on the first of them.
    """
    for line in claims.checked:
        found: dict[str, tuple[Severity, Line]] = {}
        for other in claims.together(line):
            severity = _pair(world, other, line) if other.service == line.service else None
            if severity and (other.code not in found or (severity, found[other.code][0]) == ("deny", "review")):
                found[other.code] = severity, other
        for column1, (severity, other) in found.items():
            yield line.finding("ptp-pair", severity, other, apart=column1, column1=column1)


def _pair(world: World, first: Line, second: Line) -> Severity | None:
    rows = world.ncci.ptp.get((first.service, first.code, second.code), ())
    indicators = {row[2] for row in rows if row[0] <= second.day <= row[1]}
    if "0" in indicators:
        return _severity(world, second, "ptp-pair")
    if "1" not in indicators:
        return None
    modifiers = first.bypass | second.bypass
    if not modifiers:
        return _severity(world, second, "ptp-pair")
    # Sides set two lines apart only where they are opposite; RT on one line says nothing of a line without a side.
    return "review" if modifiers <= _SIDES and {first.side, second.side} != {RIGHT, LEFT} else None


def mue_exceeded(world: World, claims: Claims) -> Iterator[Found]:
    """More units than pass: on a line (adjudication indicator 1), or of a day (2 and 3), person, provider and payer, on the last line."""
    groups = grouped(
        claims.lines, lambda line: (line.person, line.day, line.provider, line.service, line.code, line.book)
    )
    for group in groups.values():
        first = group[0]
        for begins, ends, value, indicator, inferred in world.ncci.mue.get((first.service, first.code), ()):
            if not begins <= first.day <= ends:
                continue
            for line in _over(group, Decimal(value), indicator):
                severity = "review" if inferred else _severity(world, line, "mue-exceeded")
                yield line.finding("mue-exceeded", severity, value=value, indicator=indicator)


def _over(group: list[Line], value: Decimal, indicator: str) -> list[Line]:
    if indicator == "1":
        return [line for line in group if line.checked and line.units > value]
    if indicator not in ("2", "3") or sum(line.units for line in group) <= value:
        return []
    return [] if _center_pair(group, value) else [line for line in group if line.checked][-1:]


def _center_pair(group: list[Line], value: Decimal) -> bool:
    """A surgery center reports both sides on two lines, RT and LT, one unit each; that is how it is told to."""
    return (
        value == 1
        and len(group) == 2
        and {line.side for line in group} == {RIGHT, LEFT}
        and all(line.claim == FACILITY and line.setting == "asc" and line.units == 1 for line in group)
    )
