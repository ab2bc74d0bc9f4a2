"""Limits over time: how many sessions a window holds, and the next day on which a further one fits.

A rolling 12 months is taken as 365 days that end on the day of service, that day included: a session 364 days earlier
counts, one 365 days earlier does not. No source that we hold says whether the window's ends count; the choice is stated
with every limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from facetwise.coverage.case import Event
from facetwise.coverage.evaluate import Context, same_region
from facetwise.coverage.logic import days_of
from facetwise.knowledge.kinds import Limit
from facetwise.knowledge.parts import Applies


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a limit is used before this procedure: surely, and at most when the history is unclear."""

    sure: tuple[date, ...]
    possible: tuple[date, ...]
    window_days: int
    missing: tuple[str, ...] = ()


def window_days(limit: Limit, day: date) -> int | None:
    """Return the length of a limit's window in days on a day; None for windows that are not spans of time."""
    window = limit.window
    if window.kind == "rolling" and window.length is not None and window.unit is not None:
        return days_of(window.length, window.unit)
    if window.kind == "calendar_year":
        return (day - date(day.year, 1, 1)).days + 1
    return None


def used(context: Context, limit: Limit) -> Used | None:
    """Return the sessions that the limit's window holds before this procedure; None when it is no limit over time."""
    case = context.case
    length = window_days(limit, case.day)
    if length is None or limit.counts not in ("session", "procedure", "block"):
        return None
    if case.history is None:
        return Used((), (), length, ("history",))
    sure: set[date] = set()
    possible: set[date] = set()
    missing: list[str] = []
    for event in case.history:
        if not _counts(context, limit.applies, event) or (case.day - event.day).days >= length:
            continue
        unclear = bool(limit.applies.purpose) and not event.purpose
        if unclear:
            missing.append("history.purpose")
        (possible if unclear else sure).add(event.day)
    return Used(tuple(sorted(sure)), tuple(sorted(possible - sure)), length, tuple(dict.fromkeys(missing)))


def _counts(context: Context, applies: Applies, event: Event) -> bool:
    if not same_region(context.view, event.region, context.case.region):
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
