"""Which days a release answers for: what its content says, and how the releases of one kind follow each other.

A release holds from its own first day to the end of its year (calendar, or fiscal for ICD-10-CM), or to the day before a
later release of the same year begins. Where rows carry dates of their own, it also answers for the days before its first
one that no earlier release has.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from facetwise.catalog.kinds import Kind

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dated:
    """The first day that a content names. `precise` False: only its year; `says` is where that stands."""

    start: date
    precise: bool
    says: str


@dataclass(frozen=True, slots=True)
class Own:
    """What one release claims for itself: first and last day, and how far back its rows reach (None: not at all)."""

    id: int
    name: str
    start: date
    end: date
    reach: date | None = None


class SpanConflictError(ValueError):
    """Two releases of one kind claim the same days and neither follows the other."""

    def __init__(self, earlier: Own, later: Own, reason: str):
        super().__init__(reason)
        self.earlier, self.later = earlier, later


def quarter_of(day: date) -> date:
    """Return the first day of the quarter that `day` lies in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def settle(kind: Kind, releases: Sequence[Own]) -> dict[int, tuple[date, date]]:
    """Return the days, both ends included, that each release of a kind answers for. Raises SpanConflictError."""
    ordered = sorted(releases, key=lambda one: one.start)
    ends = {one.id: one.end for one in ordered}
    for earlier, later in itertools.pairwise(ordered):
        if earlier.start == later.start:
            raise SpanConflictError(earlier, later, f"both begin on {later.start.isoformat()}")
        if earlier.end >= later.start:
            if earlier.end != later.end:
                raise SpanConflictError(
                    earlier,
                    later,
                    f"{earlier.name} runs from {earlier.start.isoformat()} to {earlier.end.isoformat()}, "
                    f"{later.name} from {later.start.isoformat()} to {later.end.isoformat()}",
                )
            ends[earlier.id] = later.start - _DAY
    spans: dict[int, tuple[date, date]] = {}
    free_from = date.min
    for one in ordered:
        start = one.start
        if kind.reaches_back and one.reach is not None:
            start = min(start, max(one.reach, free_from))
        spans[one.id] = (start, ends[one.id])
        free_from = ends[one.id] + _DAY
    return spans
