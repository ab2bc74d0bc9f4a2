"""Three-valued comparison: met, not met, or unknown because a fact is not documented. It is SQL's own NULL logic."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from facetwise.knowledge.parts import Measure, Test
from facetwise.knowledge.schema import decimal_text

Status = Literal["met", "not_met", "unknown"]
Fact = Decimal | bool | str | date
_DAYS = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "years": 12}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A status, the facts that were seen, and the facts that are missing where the status is unknown."""

    status: Status
    found: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Return not met when one is not met, else unknown when one is unknown, else met."""
    return _joined(list(outcomes), decisive="not_met", neutral="met")


def any_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Return met when one is met, else unknown when one is unknown, else not met."""
    return _joined(list(outcomes), decisive="met", neutral="not_met")


def plain(held: bool) -> Outcome:
    """Return met or not met for what is known to hold or not to."""
    return Outcome("met" if held else "not_met")


def not_of(outcome: Outcome) -> Outcome:
    """Return the opposite; unknown stays unknown."""
    turned: dict[Status, Status] = {"met": "not_met", "not_met": "met", "unknown": "unknown"}
    return Outcome(turned[outcome.status], outcome.found, outcome.missing)


def _joined(outcomes: list[Outcome], decisive: Status, neutral: Status) -> Outcome:
    found = {name: value for one in outcomes for name, value in one.found.items()}
    if any(one.status == decisive for one in outcomes):
        return Outcome(decisive, found)
    missing = tuple(dict.fromkeys(name for one in outcomes if one.status == "unknown" for name in one.missing))
    return Outcome("unknown" if any(one.status == "unknown" for one in outcomes) else neutral, found, missing)


def compare(test: Test, value: Fact | None, unit: str | None) -> Outcome:
    """Compare one fact with a leaf test; `unit` is the unit in which the fact is kept."""
    assert test.asks is not None
    if value is None:
        return Outcome("unknown", {}, (test.asks,))
    seen = {test.asks: shown(value)}
    if isinstance(value, bool):
        return Outcome("met" if test.is_ == ("true" if value else "false") else "not_met", seen)
    if isinstance(value, Decimal):
        return Outcome("met" if within(test, value, unit) else "not_met", seen)
    wanted = ([test.is_] if test.is_ else []) + list(test.one_of)
    return Outcome("met" if value in wanted else "not_met", seen)


def within(bound: Test | Measure, value: Decimal, unit: str | None) -> bool:
    """Whether a number, kept in `unit`, lies within the bounds, which may be stated in another span of time."""

    def inner(limit: Decimal) -> Decimal:
        return in_unit(limit, bound.unit, unit)

    return (
        (bound.at_least is None or value >= inner(bound.at_least))
        and (bound.more_than is None or value > inner(bound.more_than))
        and (bound.at_most is None or value <= inner(bound.at_most))
        and (bound.less_than is None or value < inner(bound.less_than))
    )


def in_unit(number: Decimal, unit: str | None, wanted: str | None) -> Decimal:
    """Return a span of time in another unit: a month is a twelfth of 365 days, rounded down to whole days."""
    if unit == wanted or unit is None or wanted is None:
        return number
    days = _in_days(number, unit)
    if wanted in _DAYS:
        return days / _DAYS[wanted]
    if unit in _MONTHS and wanted in _MONTHS:
        return number * _MONTHS[unit] / _MONTHS[wanted]
    return days * 12 / 365 / _MONTHS[wanted]


def _in_days(number: Decimal, unit: str) -> Decimal:
    if unit in _DAYS:
        return number * _DAYS[unit]
    if unit in _MONTHS:
        return Decimal(int(number * _MONTHS[unit] * 365 / 12))
    raise ValueError(f"{unit!r} is no span of time")


def days_of(measure_number: Decimal, unit: str) -> int:
    """Return a span of time in whole days: 12 months are 365 days, 6 months 182, 2 weeks 14."""
    return int(_in_days(measure_number, unit))


def after(day: date, number: Decimal, unit: str) -> date:
    """Return the day a span after `day`: whole days and weeks, or the same day of a later month (its last at most)."""
    if unit in _DAYS:
        return day + timedelta(days=int(number) * _DAYS[unit])
    months = day.year * 12 + day.month - 1 + int(number) * _MONTHS[unit]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def shown(value: Fact) -> str:
    """Return a fact as text for people and JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    return value.isoformat() if isinstance(value, date) else value
