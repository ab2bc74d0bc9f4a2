"""Edits of the line's form: the code's dates, units, sides, and whose rules hold at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from edits.oracle.claims import LEFT, RIGHT, Claims, Line, grouped
from edits.oracle.finding import Found
from edits.oracle.world import Book, World
from facetwise.findings import Severity
from facetwise.knowledge import Thing
from facetwise.knowledge.kinds import Billing

_LAYOUTS = ("modifier_50_one_line", "rt_lt_two_lines", "modifier_50_or_rt_lt", "one_line_two_units")
_FIFTY_LINE, _TWO_LINES, _, _TWO_UNITS = _LAYOUTS
_ONCE_A_SIDE, _ONCE_A_JOINT, _ONCE = "one_a_side_and_day", "one_a_level", "one_an_encounter"


def code_not_effective(world: World, claims: Claims) -> Iterator[Found]:
    """The code has ended, or is not yet in use. A first day counts only where the knowledge calls it a change; else our sources begin there."""
    for line in claims.checked:
        thing = world.store.things.get(f"codes/{line.code}")
        begins, ends = _span(thing) if thing else (date.min, _last_of_others(world, line.code))
        if not begins <= line.day <= ends:
            yield line.finding("code-not-effective", "reject", begins=begins, ends=ends)


def _span(thing: Thing) -> tuple[date, date]:
    first, last = thing.history[0], thing.history[-1]
    return (first.start if first.change and first.start else date.min), last.end or date.max


def _last_of_others(world: World, code: str) -> date:
    return max(
        (row.end or date.max for row in world.store.tables["codes/others"].rows if row.cells[0] == code),
        default=date.max,
    )


def units_not_one(world: World, claims: Claims) -> Iterator[Found]:
    """A code that is reported once a side and day has other units than one; two are right where the payer wants both sides so."""
    for line in claims.checked:
        if line.facet is None or line.facet.units_rule not in (_ONCE_A_SIDE, _ONCE) or line.units == 1:
            continue
        if not (line.units == 2 and layout(world, line)[0] == _TWO_UNITS):
            yield line.finding("units-not-one", "deny", units=str(line.units))


def laterality_missing(world: World, claims: Claims) -> Iterator[Found]:
    """A facet line names no side."""
    for line in claims.checked:
        if line.facet and not line.side and not (line.units == 2 and layout(world, line)[0] == _TWO_UNITS):
            yield line.finding("laterality-missing", "review")


def layout(world: World, line: Line) -> tuple[str, bool]:
    """Return how the payer wants both sides reported, and whether it is certain; the public program's way where the payer is silent.

    A setting that the claim does not tell picks no layout that is bound to a setting, and an unknown payer none at all; ('', False) then.
    """
    if not line.book.payer:
        return "", False
    question = "bilateral-facility" if line.claim == "facility" else "bilateral-professional"
    asked: list[tuple[Book, bool]] = [(line.book, True), *((book, False) for book in world.program_rules(line.day))]
    for book, own in asked:
        for one in world.said(line.day, book, question, claim=line.claim, setting=line.setting, codes=line.code):
            if not isinstance(one.value, Billing) or one.value.layout not in _LAYOUTS:
                continue
            if line.setting or not one.value.applies.setting:
                return one.value.layout, own and one.dated.evidence != "inferred" and not one.conflicting
    return "", False


def bilateral_reporting(world: World, claims: Claims) -> Iterator[Found]:
    """Both sides of a code are reported otherwise than the payer wants."""
    groups = grouped(
        claims.facets,
        lambda line: (line.person, line.day, line.provider, line.code, line.claim, line.book, layout(world, line)[0]),
    )
    for group in groups.values():
        for line in group:
            if line.checked:
                yield from _one_line(world, line)
        yield from _two_lines(world, group)


def _one_line(world: World, line: Line) -> Iterator[Found]:
    """50 says both sides by itself: with more units, with a side, or where the payer wants two lines."""
    wanted, severity = _wanted(world, line)
    if "50" not in line.modifiers:
        return
    if line.units > 1 and _unit_rule(line) == _ONCE_A_SIDE and wanted != _TWO_UNITS:
        yield line.finding("bilateral-reporting", severity, units=str(line.units))
    if wanted in (_TWO_LINES, _TWO_UNITS):
        yield line.finding("bilateral-reporting", severity, wanted=wanted)
    if wanted == _FIFTY_LINE and line.modifiers & {"RT", "LT"}:
        yield line.finding("bilateral-reporting", "review", wanted=wanted)


def _two_lines(world: World, group: list[Line]) -> Iterator[Found]:
    """Both sides on two lines, or 50 on one and a side on another: on the last checked line with one side.

    Of a code with one unit a joint, the two lines may be two joints: RT and LT are for a person to look at, 50 and RT are right.
    """
    sided = [line for line in group if line.side in (RIGHT, LEFT) and "50" not in line.modifiers]
    last = _last(sided)
    if last is None:
        return
    wanted, severity = _wanted(world, last)
    by_joint = _unit_rule(last) == _ONCE_A_JOINT
    opposite = next((line for line in sided if line.side != last.side), None)
    fifty = next((line for line in group if "50" in line.modifiers), None)
    if opposite and wanted in (_FIFTY_LINE, _TWO_UNITS):
        yield last.finding("bilateral-reporting", "review" if by_joint else severity, opposite)
    elif fifty and not opposite and wanted == _FIFTY_LINE and not by_joint:
        yield last.finding("bilateral-reporting", "review", fifty)


def _wanted(world: World, line: Line) -> tuple[str, Severity]:
    wanted, certain = layout(world, line)
    return wanted, "deny" if certain else "review"


def _unit_rule(line: Line) -> str:
    return line.facet.units_rule if line.facet else ""


def _last(lines: list[Line]) -> Line | None:
    return max((line for line in lines if line.checked), key=lambda line: line.id, default=None)


def fact_not_established(world: World, claims: Claims) -> Iterator[Found]:
    """Once a claim: its payer is not in the knowledge, or no contractor is known for its state."""
    told: set[str] = set()
    for line in claims.checked:
        if line.facet and (not line.book.payer or line.book.no_contractor) and line.claim_id not in told:
            told.add(line.claim_id)
            yield line.finding("fact-not-established", "info", payer=line.book.payer)
