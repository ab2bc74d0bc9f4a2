"""Dates of facts: whole days, or a year or month where the source says no more."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

UNDATED = "undated"
_PATTERN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_ONE_DAY = timedelta(days=1)


def first_day(text: str) -> date:
    """Return the first day that `text` (YYYY, YYYY-MM or YYYY-MM-DD) can mean. Raises ValueError."""
    year, month, day = _parts(text)
    return date(year, month or 1, day or 1)


def last_day(text: str) -> date:
    """Return the last day that `text` (YYYY, YYYY-MM or YYYY-MM-DD) can mean. Raises ValueError."""
    year, month, day = _parts(text)
    month = month or 12
    return date(year, month, day or calendar.monthrange(year, month)[1])


def day_before(day: date) -> date:
    """Return the day before `day`."""
    return day - _ONE_DAY


def day_after(day: date) -> date:
    """Return the day after `day`."""
    return day + _ONE_DAY


def in_words(text: str | date) -> str:
    """Return a date for prose: "2 March 2026", "March 2026" or "2026"; other text is returned as it is."""
    if isinstance(text, date):
        text = text.isoformat()
    match = _PATTERN.fullmatch(text)
    if not match:
        return text
    year, month, day = match.groups()
    if not month:
        return year
    name = calendar.month_name[int(month)]
    return f"{int(day)} {name} {year}" if day else f"{name} {year}"


def _parts(text: str) -> tuple[int, int | None, int | None]:
    match = _PATTERN.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a date such as 2026-03-02, 2026-03 or 2026")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    if month is not None and not 1 <= month <= 12:
        raise ValueError(f"{text!r} has no month {month}")
    date(year, month or 1, 1 if day is None else day)
    return year, month, day
