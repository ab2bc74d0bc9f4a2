"""Limits over time: sessions in a window, repetitions, and what should have come before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from edits.oracle.claims import BOTH, DIAGNOSTIC, THERAPEUTIC, Claims, Line, diagnostic_modifiers, grouped
from edits.oracle.finding import Found
from edits.oracle.limits import certain
from edits.oracle.world import ABLATION, INJECTION, World, bears_on
from facetwise.coverage.logic import days_of
from facetwise.findings import Severity
from facetwise.knowledge.kinds import Criterion, Limit
from facetwise.knowledge.parts import Test, Window
from facetwise.payers import Said

_SESSIONS = (
    "ablation-sessions",
    "ablation-interval",
    "diagnostic-sessions",
    "therapeutic-sessions",
    "injection-sessions",
    "cyst-limit",
    "levels-per-session",
    "regions-per-session",
)
_BY_SESSION = ("session", "procedure", "injection", "block")
_FINER = {"level", "side", "site"}
_POSITIVE_BLOCKS = 2  # a therapeutic injection wants two positive diagnostic ones before it


def _over_time(world: World, line: Line, kind: str) -> list[Said]:
    """Return the payer's limits over a span of time that bear on a kind and count sessions, or what a session stands for."""
    return [
        one
        for question in _SESSIONS
        for one in world.said(line.day, line.book, question)
        if isinstance(one.value, Limit)
        and one.value.at_most is not None
        and one.value.window.kind in ("rolling", "calendar_year")
        and one.value.counts in _BY_SESSION
        and bears_on(world, one.value, kind)
    ]


def _of_kind(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line.facet and line.facet.kind == kind]


def _judged(lines: list[Line]) -> dict[tuple[Any, ...], list[Line]]:
    """Return the checked lines by what is judged together: day, claim and payer."""
    return grouped((line for line in lines if line.checked), lambda line: (line.day, line.claim, line.book))


def _once(limit: Limit) -> bool:
    """Whether the limit says how long a repetition must wait, rather than how many there may be."""
    return limit.at_most == 1 and limit.window.kind == "rolling"


def _begins(window: Window, day: date) -> date:
    if window.kind == "calendar_year":
        return date(day.year, 1, 1)
    assert window.length is not None
    assert window.unit is not None
    return day - timedelta(days=days_of(window.length, window.unit) - 1)


def session_limit(world: World, claims: Claims) -> Iterator[Found]:
    """More sessions in the window that ends on the day than the payer allows; a session is a day, whoever billed it."""
    for everything in claims.of_person.values():
        for kind in (INJECTION, ABLATION):
            lines = _of_kind(everything, kind)
            for group in _judged(lines).values():
                for one in _over_time(world, group[0], kind):
                    if not _once(one.value):
                        yield from _sessions(one, group, lines)


def _sessions(one: Said, group: list[Line], lines: list[Line]) -> Iterator[Found]:
    limit: Limit = one.value
    finer = _FINER & set(limit.per)
    if finer and limit.counts != "session":
        return
    if limit.applies.purpose:
        group = [line for line in group if line.purpose in limit.applies.purpose]
        lines = [line for line in lines if line.purpose in limit.applies.purpose]
    for place, of_place in grouped(group, lambda line: line.place).items():
        first = of_place[0]
        held = [line for line in lines if _begins(limit.window, first.day) <= line.day <= first.day]
        here, everywhere = {line.day for line in held if line.place == place}, {line.day for line in held}
        severity: Severity = "review" if finer else certain(one)
        if len(here) > (limit.at_most or 0):
            yield first.finding("session-limit", severity, days=sorted(map(str, here)), allowed=limit.at_most)
        elif not limit.per and len(everywhere) > (limit.at_most or 0):
            # Its source does not say whether the limit is for each region.
            yield first.finding("session-limit", "review", days=sorted(map(str, everywhere)), allowed=limit.at_most)


def repeat_too_soon(world: World, claims: Claims) -> Iterator[Found]:
    """The same kind of procedure in the same region again before the payer's interval is over."""
    for everything in claims.of_person.values():
        for kind in (INJECTION, ABLATION):
            lines = _of_kind(everything, kind)
            for group in _judged(lines).values():
                for one in _over_time(world, group[0], kind):
                    if _once(one.value):
                        yield from _repeats(one, group, lines)
                if kind == INJECTION:
                    yield from _spacing(world, group, lines)


def _repeats(one: Said, group: list[Line], lines: list[Line]) -> Iterator[Found]:
    limit: Limit = one.value
    finer = bool(_FINER & set(limit.per))
    if limit.applies.purpose:
        group = [line for line in group if line.purpose in limit.applies.purpose]
        lines = [line for line in lines if line.purpose in limit.applies.purpose]
    for place, of_place in grouped(group, lambda line: line.place).items():
        begins = _begins(limit.window, of_place[0].day)
        here = [line for line in lines if line.place == place]
        yield from _too_soon(of_place, here, begins, "review" if finer else certain(one), finer)
        if not limit.per:
            # Its source does not say whether the limit is for each region.
            yield from _too_soon(of_place, [line for line in lines if line.place != place], begins, "review", finer)


def _spacing(world: World, group: list[Line], lines: list[Line]) -> Iterator[Found]:
    """A diagnostic injection too few days after the one before it."""
    group = [line for line in group if line.purpose == DIAGNOSTIC]
    if not group:
        return
    before = [line for line in lines if line.purpose == DIAGNOSTIC]
    for one in world.said(group[0].day, group[0].book, "second-diagnostic"):
        value = one.value
        if not isinstance(value, Criterion) or value.test is None or not bears_on(world, value, INJECTION):
            continue
        days = max(_apart(value.test), default=0)
        for place, of_place in grouped(group, lambda line: line.place).items():
            here = [line for line in before if line.place == place]
            yield from _too_soon(of_place, here, of_place[0].day - timedelta(days=days - 1), "review", True)


def _apart(test: Test) -> Iterator[int]:
    """Yield the spacings in a test, in days. Exceptions are for the record to show, so the greatest counts."""
    if test.apart is not None and test.apart.at_least is not None:
        yield days_of(test.apart.at_least, test.apart.unit)
    for one in (*test.all, *test.any, *test.none):
        yield from _apart(one)


def _too_soon(group: list[Line], lines: list[Line], begins: date, severity: Severity, by_side: bool) -> Iterator[Found]:
    for line in group:
        earlier = [other for other in lines if begins <= other.day < line.day and (not by_side or overlap(line, other))]
        if earlier:
            latest = max(other.day for other in earlier)
            other = next(other for other in earlier if other.day == latest)
            yield line.finding("repeat-too-soon", severity, other, latest=str(latest))
            return


def overlap(line: Line, other: Line) -> bool:
    """Whether two lines may lie on the same side; a line without a side may lie on either."""
    return line.side == other.side or not line.side or not other.side or BOTH in (line.side, other.side)


def diagnostic_modifier_missing(world: World, claims: Claims) -> Iterator[Found]:
    """A line billed as therapeutic though the history shows no two diagnostic sessions in the region. Asked only of a history."""
    if not claims.with_history:
        return
    for lines in claims.of_person.values():
        for line in lines:
            if (
                not line.checked
                or line.purpose != THERAPEUTIC
                or not diagnostic_modifiers(world, line.day, line.book, line.code)
            ):
                continue
            before = {
                other.day
                for other in lines
                if other.purpose == DIAGNOSTIC and other.place == line.place and other.day < line.day
            }
            if len(before) < _POSITIVE_BLOCKS:
                yield line.finding("diagnostic-modifier-missing", "review", before=len(before))
