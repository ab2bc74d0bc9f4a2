"""Limits over time: how many sessions a window holds, and the next day on which a further one fits.

A rolling 12 months is taken as 365 days that end on the day of service, that day included: a session 364 days earlier
counts, one 365 days earlier does not. No source that we hold says whether the window's ends count; the choice is stated
with every limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from facetwise.coverage.evaluate import Context
from facetwise.coverage.logic import Outcome, all_of, days_of, not_of, shown
from facetwise.coverage.rulebook import EACH_REGION, JUDGEMENT, PLACES, SESSIONS, over_all_perhaps
from facetwise.coverage.sites import Earlier
from facetwise.knowledge.kinds import Limit


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a limit is used before this procedure: surely, and at most when the history is unclear.

    `window_days` is None where the source gives no span of time: then all of the history counts.
    """

    sure: tuple[date, ...]
    possible: tuple[date, ...]
    window_days: int | None
    missing: tuple[str, ...] = ()


def window_days(limit: Limit, day: date) -> int | None:
    """Return the length of a limit's window in days on a day; None for windows that are not spans of time."""
    window = limit.window
    if window.kind == "rolling" and window.length is not None and window.unit is not None:
        return days_of(window.length, window.unit)
    if window.kind == "calendar_year":
        return (day - date(day.year, 1, 1)).days + 1
    return None


def used(context: Context, limit: Limit) -> Used:
    """Return the sessions that the limit's window holds before this procedure."""
    case = context.case
    length = window_days(limit, case.day)
    if case.history is None:
        return Used((), (), length, ("history",))
    sure: set[date] = set()
    possible: set[date] = set()
    missing: list[str] = []
    held = [one for one in context.sites.earlier if _counts(limit, one)]
    if limit.applies.sequence == ("repeat",):
        held = [one for one in held if one.event.day > held[0].event.day]  # the first is no repeat
    for one in held:
        event = one.event
        if length is not None and (case.day - event.day).days >= length:
            continue
        # Where the case names no joints, nothing is supposed: a limit that is used up is told, not guessed.
        place = all_of(one.at(what, supposing=False) for what in limit.per if what in PLACES)
        if place.status == "not_met":
            continue
        unclear = [*_within(limit, one).missing, *place.missing]
        if limit.applies.purpose and not event.purpose:
            unclear.append("history.purpose")
        if limit.counts not in SESSIONS:
            unclear.append(JUDGEMENT)
        missing += unclear
        (possible if unclear else sure).add(event.day)
    return Used(tuple(sorted(sure)), tuple(sorted(possible - sure)), length, tuple(dict.fromkeys(missing)))


def standing(context: Context, limit: Limit, held: Used) -> Outcome:
    """Return whether this procedure still fits the limit: unknown where number, span or history is not clear."""
    found = {"history": ", ".join(day.isoformat() for day in held.sure) or "none in the window"}
    if limit.at_most is None:
        return Outcome("unknown", found, (JUDGEMENT,))
    if context.case.history is None:
        return Outcome("unknown", found, held.missing)
    if len(held.sure) + 1 > limit.at_most:
        if held.window_days is None:
            return Outcome("unknown", found, (JUDGEMENT,))
        unclear = bool(limit.applies.purpose) and not context.case.purpose
        return Outcome("unknown", found, ("procedure.purpose",)) if unclear else Outcome("not_met", found)
    if len(held.sure) + len(held.possible) + 1 > limit.at_most:
        return Outcome("unknown", found, held.missing)
    return Outcome("met", found)


def in_session(context: Context, limit: Limit) -> Outcome:
    """Return whether this session keeps to the limit on its levels, regions or injections."""
    name = "procedure.regions" if limit.counts == "region" else "procedure.levels"
    numbers = _numbers(context, limit, name)
    if not numbers:
        return Outcome("unknown", {}, (name,))
    low, high = min(numbers), max(numbers)
    found = {name: " or ".join(shown(number) for number in sorted(numbers))}
    if limit.at_most is None:
        return Outcome("unknown", found, (JUDGEMENT,))
    unclear = context.sites.unsettled
    if limit.counts in ("injection", "block") and context.case.sides in ("", "bilateral"):
        high *= 2
        low = low * 2 if limit.counts == "injection" and context.case.sides else low
        unclear = unclear if len(numbers) > 1 else JUDGEMENT if context.case.sides else "procedure.sides"
    if low > limit.at_most:
        return Outcome("not_met", found)
    return Outcome("unknown", found, (unclear,)) if high > limit.at_most else Outcome("met", found)


def _numbers(context: Context, limit: Limit, name: str) -> set[Decimal]:
    """Return the number of levels or regions that counts, by each reading of the rule for a pair over a border."""
    stated = context.facts.get(name)
    readings = context.sites.readings
    if limit.counts == "region":
        return {stated} if isinstance(stated, Decimal) else {Decimal(len(one)) for one in readings}
    if context.sites.pair is not None and "region" in limit.per:
        return {Decimal(max(one.values())) for one in readings}
    return {stated} if isinstance(stated, Decimal) else set()


def _within(limit: Limit, one: Earlier) -> Outcome:
    # A limit on regions counts the other regions; all others count within the procedure's own. Where the source does not say
    # that the limit is for each region, the other regions may count as well.
    if limit.counts == "region":
        return not_of(one.counted)
    if one.counted.status == "not_met" and over_all_perhaps(limit):
        return Outcome("unknown", {}, (EACH_REGION,))
    return one.counted


def _counts(limit: Limit, one: Earlier) -> bool:
    applies, event = limit.applies, one.event
    if _within(limit, one).status == "not_met":
        return False
    if applies.technique and event.technique not in applies.technique:
        return False
    return not (applies.purpose and event.purpose and event.purpose not in applies.purpose)


def next_day(days: tuple[date, ...], allowed: Decimal, window: int, limit: Limit, day: date) -> date | None:
    """Return the first day on or after `day` on which a further session fits; None when it fits on `day`."""
    most = int(allowed)
    if _held(days, day, window, limit) < most:
        return None
    if most <= 0:
        return None
    if limit.window.kind == "calendar_year":
        return date(day.year + 1, 1, 1)
    candidates = sorted(one + timedelta(days=window) for one in days)
    return next((one for one in candidates if one > day and _held(days, one, window, limit) < most), None)


def _held(days: tuple[date, ...], day: date, window: int, limit: Limit) -> int:
    if limit.window.kind == "calendar_year":
        return sum(one.year == day.year and one <= day for one in days)
    return sum(0 <= (day - one).days < window for one in days)
