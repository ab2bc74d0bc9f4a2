"""What the NCCI tables say of the few lines of a pattern: so that clean patterns are clean, and planted ones list all that fires.

Read from the knowledge, or with a catalog from the very tables that a check reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from facetwise.knowledge import Knowledge, Store, View
from facetwise.knowledge.kinds import Modifier
from facetwise.sample.patterns import CENTER, SIDE_MODIFIER, Claim, Expected, Line, places, side_of

_DAY = timedelta(days=1)
_CHECKED_KINDS = ("1", "3")  # the primaries of type 2 are the contractor's to say
_SERVICES = {"practitioner": 1, "outpatient_hospital": 2, "hospital": 2}


@dataclass(slots=True)
class Ncci:
    """The pairs and unit limits by service and code, each with its first and last day."""

    pairs: dict[tuple[int, str, str], list[tuple[date, date, str]]] = field(default_factory=dict)
    limits: dict[tuple[int, str], list[tuple[date, date, int, str]]] = field(default_factory=dict)
    add_ons: dict[str, list[tuple[date, date, str, str]]] = field(default_factory=dict)
    _on: dict[date, frozenset[tuple[object, ...]]] = field(default_factory=dict)
    _bypass: dict[int, frozenset[str]] = field(default_factory=dict)
    _same: dict[frozenset[tuple[object, ...]], frozenset[tuple[object, ...]]] = field(default_factory=dict)
    _found: dict[Any, list[Expected]] = field(default_factory=dict)

    def findings(
        self, view: View, claims: Sequence[Claim], start: date, end: date, *, steady: bool = True
    ) -> list[Expected]:
        """Return the pairs, units and lone add-ons that fire among the claims of the visit's own day, on any day from `start` to `end`.

        `steady`: what holds is the same on all these days.
        """
        bypass = self._bypassing(view)
        said = tuple((one.service, one.provider, one.days_before, one.lines, one.form) for one in claims)
        key = (said, bypass, self.on(start) if steady else (start, end))
        if key not in self._found:
            self._found[key] = self._findings(claims, bypass, start, end)
        return self._found[key]

    def _findings(self, claims: Sequence[Claim], bypass: frozenset[str], start: date, end: date) -> list[Expected]:
        today = [one for one in places(claims) if one[1].days_before == 0 and one[3].code]
        found = set()
        for service, provider in sorted({(claim.service, claim.provider) for _, claim, _, _ in today}):
            lines = [one for one in today if (one[1].service, one[1].provider) == (service, provider)]
            found |= self._pairs(lines, service, bypass, start, end)
            found |= self._units(lines, service, start, end)
            here = {line.code for *_, line in lines}
            for number, _, place, line in lines:
                if self._alone(line.code, here, start, end):
                    found.add(Expected("add-on-without-primary", number, place))
        return sorted(found)

    def _alone(self, code: str, here: set[str], start: date, end: date) -> bool:
        """Whether on some day from `start` to `end` the code is an add-on none of whose primaries is here."""
        begins = {from_ for from_, *_ in self.add_ons.get(code, ())} | {
            to + _DAY for _, to, *_ in self.add_ons.get(code, ()) if to < date.max
        }
        days = {start, *(day for day in begins if start < day <= end)}
        named = [self.primaries(code, day) for day in days]
        return any(primaries and not primaries & here for primaries in named)

    def _bypassing(self, view: View) -> frozenset[str]:
        if id(view) not in self._bypass:
            self._bypass[id(view)] = frozenset(
                thing.slug
                for thing, dated in view.of_kind("modifier")
                if isinstance(dated.value, Modifier) and dated.value.bypasses_ncci == "yes"
            )
        return self._bypass[id(view)]

    def _pairs(
        self, lines: list[tuple[int, Claim, int, Line]], service: int, bypass: frozenset[str], start: date, end: date
    ) -> set[Expected]:
        found: dict[tuple[int, int, str], Expected] = {}
        for number, _, place, first in lines:
            for other, _, at, second in lines:
                if (number, place) == (other, at):
                    continue
                for from_, to, indicator in self.pairs.get((service, first.code, second.code), ()):
                    if from_ <= end and start <= to and _fires(indicator, first, second, bypass):
                        # One finding a column-2 line and column-1 code: with the first line of that code.
                        found.setdefault((other, at, first.code), Expected("ptp-pair", other, at, number, place))
        return set(found.values())

    def _units(self, lines: list[tuple[int, Claim, int, Line]], service: int, start: date, end: date) -> set[Expected]:
        found = set()
        for code in sorted({line.code for *_, line in lines}):
            mine = [one for one in lines if one[3].code == code]
            for from_, to, value, mai in self.limits.get((service, code), ()):
                if not (from_ <= end and start <= to):
                    continue
                if mai == "1":
                    found |= {Expected("mue-exceeded", n, p) for n, _, p, line in mine if line.units > value}
                elif sum(line.units for *_, line in mine) > value and not _two_sides(mine, value):
                    number, _, place, _ = mine[-1]
                    found.add(Expected("mue-exceeded", number, place))
        return found

    def on(self, day: date) -> frozenset[tuple[object, ...]]:
        """Return what holds on a day, the dates aside: the same on two days when nothing that matters changed."""
        if day not in self._on:
            kept: tuple[dict[Any, Any], ...] = (self.pairs, self.limits, self.add_ons)
            found = frozenset(
                (place, key, row[2:])
                for place, held in enumerate(kept)
                for key, spans in held.items()
                for row in spans
                if row[0] <= day <= row[1]
            )
            self._on[day] = self._same.setdefault(found, found)
        return self._on[day]

    def turns(self) -> set[date]:
        """Return the days on which a row begins, or on which it holds no more."""
        rows = [row for held in (self.pairs, self.limits, self.add_ons) for spans in held.values() for row in spans]
        ends = {row[1] + timedelta(days=1) for row in rows if row[1] < date.max}
        return {row[0] for row in rows} | ends

    def primaries(self, code: str, day: date) -> set[str]:
        """Return the primaries of an add-on of type 1 or 3 on a day; empty for a code that is no such add-on."""
        return {
            primary
            for from_, to, kind, primary in self.add_ons.get(code, ())
            if kind in _CHECKED_KINDS and from_ <= day <= to
        }


def _fires(indicator: str, first: Line, second: Line, bypass: frozenset[str]) -> bool:
    if indicator == "0":
        return True
    if indicator != "1":
        return False
    used = [modifier for line in (first, second) for modifier in line.modifiers if modifier in bypass]
    if not used:
        return True
    # Sides set two lines apart only where they are opposite.
    return set(used) <= set(SIDE_MODIFIER.values()) and {side_of(first), side_of(second)} != {"R", "L"}


def _two_sides(mine: list[tuple[int, Claim, int, Line]], value: int) -> bool:
    """Whether these are the right and the left line of a surgery center, one unit each, which are not too many."""
    sides = sorted(side_of(line) for *_, line in mine)
    return value == 1 and sides == ["L", "R"] and all(c.form == CENTER and line.units == 1 for _, c, _, line in mine)


def read_ncci(knowledge: Knowledge, catalog: Path | None, codes: Iterable[str]) -> Ncci:
    """Return what a check would hold these codes against: the releases of the catalog on their days, else the knowledge."""
    known = set(codes)
    return (
        _of_tables(knowledge, catalog, sorted(known)) if catalog is not None else _of_knowledge(knowledge.store, known)
    )


def _of_knowledge(store: Store, known: set[str]) -> Ncci:
    ncci = Ncci()
    for row, record in store.tables["edits/ptp"].records():
        first, second = record["column1"], record["column2"]
        if {first, second} <= known:
            for service, name in ((1, "practitioner"), (2, "hospital")):
                indicator, deleted = record[f"{name}_indicator"], record[f"{name}_deleted"]
                if indicator is not None:
                    last = _before(deleted) if deleted else row.end or date.max
                    span = (row.start or date.min, min(last, row.end or date.max), str(indicator))
                    ncci.pairs.setdefault((service, first, second), []).append(span)
    for row, record in store.tables["edits/mue"].records():
        if record["code"] in known:
            limit = (row.start or date.min, row.end or date.max, int(record["value"]), str(record["mai"]))
            ncci.limits.setdefault((_SERVICES[record["table"]], record["code"]), []).append(limit)
    for row, record in store.tables["edits/add-on-codes"].records():
        if record["add_on"] not in known:
            continue
        spans = ncci.add_ons.setdefault(record["add_on"], [])
        spans.append((row.start or date.min, row.end or date.max, str(record["type"]), record["primary"]))
    return ncci


def _of_tables(knowledge: Knowledge, catalog: Path, codes: list[str]) -> Ncci:
    import duckdb

    from facetwise.edits.reference.build import reference

    ncci = Ncci()
    with duckdb.connect(str(reference(knowledge, catalog).duckdb), read_only=True) as connection:

        def rows(query: str) -> list[Any]:
            return connection.execute(query, {"codes": codes}).fetchall()

        for service, first, second, indicator, start, end in rows(
            "SELECT service, column1, column2, indicator, from_day, to_day FROM ptp"
            " WHERE list_contains($codes, column1) AND list_contains($codes, column2)"
        ):
            ncci.pairs.setdefault((service, first, second), []).append((_date(start), _date(end), indicator))
        for service, code, value, mai, start, end in rows(
            "SELECT service, code, value, mai, from_day, to_day FROM mue WHERE list_contains($codes, code)"
        ):
            ncci.limits.setdefault((service, code), []).append((_date(start), _date(end), value, mai))
        for code, primary, kind, start, end in rows(
            "SELECT code, primary_code, type, from_day, to_day FROM add_on WHERE list_contains($codes, code)"
        ):
            ncci.add_ons.setdefault(code, []).append((_date(start), _date(end), kind, primary))
    return ncci


def _date(number: int) -> date:
    """Return the day of a number of days since 1970; the far end of an open span is the last day there is."""
    return date(1970, 1, 1) + timedelta(days=number)


def _before(day: date) -> date:
    return day - timedelta(days=1)
