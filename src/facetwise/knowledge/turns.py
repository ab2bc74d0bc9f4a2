"""The days on which the knowledge turns: between two of them all days are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from facetwise.knowledge.dating import day_after
from facetwise.knowledge.store import Store, Thing


def turns(store: Store, concerns: Callable[[Thing], bool], tables: Iterable[str] = ()) -> list[date]:
    """Return the days from which something else holds, in order, of the things that concern and of these tables."""
    spans = [(dated.start, dated.end) for thing in store.things.values() if concerns(thing) for dated in thing.history]
    spans += [(row.start, row.end) for name in tables if name in store.tables for row in store.tables[name].rows]
    ends = {day_after(end) for _, end in spans if end and end < date.max}
    return sorted({start for start, _ in spans if start} | ends)
