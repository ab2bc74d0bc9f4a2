"""Which official releases are newer than what the knowledge and the catalog hold, as far as the facts name any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any, Literal

from facetwise.catalog.pull import Offer, offers
from facetwise.knowledge.store import Store
from facetwise.knowledge.tables import Row

HELD = "catalog/held"

Standing = Literal["current", "in_part", "behind", "none", "not_established"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A release in the catalog (a row of its manifest)."""

    kind: str
    release: str
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class Release:
    """One kind of release. `newest` is the newest named for the day or before; `due`: its span is over, none newer is named."""

    kind: str
    newest: Offer | None
    due: bool
    page: str
    knowledge: Standing
    knowledge_holds: dict[str, int]
    knowledge_until: date | None
    catalog: Standing
    catalog_holds: tuple[Entry, ...]


def in_catalog() -> list[Entry]:
    """Return what the manifest of the user's catalog lists; nothing when there is no catalog."""
    try:
        catalog = import_module("facetwise.catalog").open_catalog(read_only=True)
    except (ImportError, AttributeError):
        return []
    rows = catalog.connection.execute("SELECT kind, release, effective_from, effective_to FROM manifest").fetchall()
    return [Entry(*row) for row in rows]


def compare_releases(store: Store, day: date, manifest: Iterable[Entry]) -> list[Release]:
    """Return each kind that the knowledge or the catalog holds, against the newest release that the facts name by `day`."""
    known = list(offers(store))
    held = store.tables.get(HELD)
    places = {record["release_kind"]: record for _, record in held.records()} if held else {}
    entries = list(manifest)
    found = []
    for kind in sorted({*places, *(entry.kind for entry in entries)}):
        named = [one for one in known if one.kind == kind and one.release and one.start and one.start <= day]
        newest = max(named, key=lambda one: one.start or date.min, default=None)
        page = next((one.page for one in known if one.kind == kind and one.page), "")
        names, until, standing = (
            _in_knowledge(store, places[kind], newest, day) if kind in places else ({}, None, "none")
        )
        mine = tuple(sorted((one for one in entries if one.kind == kind), key=lambda one: one.start or date.min))
        found.append(
            Release(
                kind,
                newest,
                bool(newest and newest.end and newest.end < day),
                page,
                standing,
                names,
                until,
                _in_catalog(mine, newest),
                mine,
            )
        )
    return found


def _in_knowledge(
    store: Store, place: dict[str, Any], newest: Offer | None, day: date
) -> tuple[dict[str, int], date | None, Standing]:
    table = store.tables.get(place["in_table"])
    where = {place["where"]: place["value"]} if place["where"] else {}
    rows = list(table.records(**where)) if table else []
    on_day = [(row, record) for row, record in rows if (row.start or date.min) <= day <= (row.end or date.max)]
    if not on_day and rows:
        # Nothing holds today: what held last is what we have.
        last = max(row.end or date.max for row, _ in rows)
        on_day = [(row, record) for row, record in rows if (row.end or date.max) == last]
    if not on_day:
        return {}, None, "none"
    ends = [row.end for row, _ in on_day]
    until = max((end for end in ends if end), default=None) if all(ends) else None
    if not place["column"]:
        # An older release carried on past its end is inferred, not held.
        read = [row for row, _ in rows if row.evidence != "inferred"]
        until = max((row.end for row in read if row.end), default=None) if all(row.end for row in read) else None
        return {}, until, _by_span(read, newest)
    names = Counter(str(record[place["column"]] or "") for _, record in on_day)
    if newest is None:
        return dict(names), until, "not_established"
    fitting = sum(count for name, count in names.items() if newest.named(name))
    return dict(names), until, "current" if fitting == names.total() else "in_part" if fitting else "behind"


def _by_span(rows: list[Row], newest: Offer | None) -> Standing:
    if newest is None or newest.start is None:
        return "not_established"
    start = newest.start
    return "current" if any((row.end or date.max) >= start for row in rows) else "behind"


def _in_catalog(entries: tuple[Entry, ...], newest: Offer | None) -> Standing:
    if not entries:
        return "none"
    if newest is None or newest.start is None:
        return "not_established"
    start = newest.start
    # Edits reach back to days before their own edition, so that the name tells where the first day does not.
    is_there = any(newest.named(one.release) or (one.start or date.min) >= start for one in entries)
    return "current" if is_there else "behind"
