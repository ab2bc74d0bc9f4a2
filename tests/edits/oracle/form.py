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
_ONCE_A_SIDE, _ONCE = "one_a_side_and_day", "one_an_encounter"


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

    A setting that the claim does not tell picks no layout that is bound to a setting; ('', False) then.
    """
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
    groups = grouped(claims.facets, lambda line: (line.person, line.day, line.provider, line.code, line.claim))
    for group in groups.values():
        for line in group:
            if line.checked:
                yield from _sides_of(world, line, group)


def _sides_of(world: World, line: Line, group: list[Line]) -> Iterator[Found]:
    edit = "bilateral-reporting"
    wanted, certain = layout(world, line)
    severity: Severity = "deny" if certain else "review"
    fifty = "50" in line.modifiers
    once = line.facet is not None and line.facet.units_rule == _ONCE_A_SIDE
    if fifty and line.units > 1 and once and wanted != _TWO_UNITS:
        yield line.finding(edit, severity, units=str(line.units))
    if fifty and wanted in (_TWO_LINES, _TWO_UNITS):
        yield line.finding(edit, severity, wanted=wanted)
    if wanted in (_FIFTY_LINE, _TWO_UNITS):
        yield from _two_lines(line, group, severity)
    if wanted == _FIFTY_LINE:
        yield from _fifty_and_side(line, group)


def _two_lines(line: Line, group: list[Line], severity: Severity) -> Iterator[Found]:
    """RT on one line, LT on another: on the last checked one."""
    sided = [one for one in group if one.side in (RIGHT, LEFT)]
    if line is _last(sided):
        other = next((one for one in sided if one.side != line.side), None)
        if other:
            yield line.finding("bilateral-reporting", severity, other)


def _fifty_and_side(line: Line, group: list[Line]) -> Iterator[Found]:
    """50, which says both sides, together with RT or LT, which says one: on the last checked line with a side's modifier."""
    fifty = [one for one in group if "50" in one.modifiers]
    if fifty and line is _last([one for one in group if one.modifiers & {"RT", "LT"}]):
        yield line.finding("bilateral-reporting", "review", None if line is fifty[0] else fifty[0])


def _last(lines: list[Line]) -> Line | None:
    return max((line for line in lines if line.checked), key=lambda line: line.id, default=None)


def fact_not_established(world: World, claims: Claims) -> Iterator[Found]:
    """Once a claim: its payer is not in the knowledge, or no contractor is known for its state."""
    told: set[str] = set()
    for line in claims.checked:
        if line.facet and (not line.book.payer or line.book.no_contractor) and line.claim_id not in told:
            told.add(line.claim_id)
            yield line.finding("fact-not-established", "info", payer=line.book.payer)
