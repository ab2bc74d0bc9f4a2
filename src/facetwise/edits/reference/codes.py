"""Reference rows from the knowledge that name no payer: days of codes, modifiers, adjustment codes to expect."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from facetwise.claims.columns import DIAGNOSES
from facetwise.edits.tables import FAR, LONG_AGO
from facetwise.knowledge import Knowledge, Thing
from facetwise.knowledge.kinds import Modifier

Rows = list[tuple[object, ...]]
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - _EPOCH).days


def iso_day(number: int) -> date:
    """Return the date of a day number."""
    return _EPOCH + timedelta(days=number)


def from_day(day: date | None) -> int:
    """Return the first day of a span; None: the source does not date it."""
    return LONG_AGO if day is None else day_number(day)


def to_day(day: date | None) -> int:
    """Return the last day of a span; None: open."""
    return FAR if day is None else day_number(day)


def joined(sources: Iterable[str]) -> str:
    """Return source keys as the tables hold them."""
    return " ".join(dict.fromkeys(sources))


def code_rows(knowledge: Knowledge) -> dict[str, Rows]:
    """Return the rows of code_span, modifier, edit_fact, ordinal and place_setting."""
    spans: dict[str, tuple[int, int, str]] = {}
    modifiers: Rows = []
    for row, record in knowledge.store.tables["codes/others"].records():
        code, end = str(record["code"]), to_day(row.end)
        _, before, cited = spans.get(code, (LONG_AGO, LONG_AGO, ""))
        spans[code] = LONG_AGO, max(before, end), joined([*cited.split(), *row.sources])
    for thing in knowledge.store.things.values():
        if thing.kind == "code":
            spans[thing.slug] = _span(thing)
        for dated in thing.history:
            if isinstance(dated.value, Modifier):
                value = dated.value.bypasses_ncci
                modifiers.append((thing.slug, value, from_day(dated.start), to_day(dated.end), joined(dated.sources)))
    for row, record in knowledge.store.tables["edits/bypass-modifiers"].records():
        value = "yes" if record["bypasses"] else "no"
        modifiers.append((record["modifier"], value, from_day(row.start), to_day(row.end), joined(row.sources)))
    return {
        "ordinal": [(number,) for number in range(1, DIAGNOSES + 1)],
        "place_setting": [
            (record["place_of_service"], record["setting"], from_day(row.start), to_day(row.end))
            for row, record in knowledge.store.tables["fees/places"].records()
        ],
        "code_span": [(code, *span) for code, span in sorted(spans.items())],
        "modifier": modifiers,
        "edit_fact": [
            (record["edit"], record["carc"] or "", from_day(row.start), to_day(row.end), joined(row.sources))
            for row, record in knowledge.store.tables["edits/expected-adjustments"].records()
        ],
    }


def _span(thing: Thing) -> tuple[int, int, str]:
    """Return the days of a code. Its first day counts only where the knowledge calls it a change: else our sources begin there."""
    first, last = thing.history[0], thing.history[-1]
    cited = joined(key for dated in thing.history for key in dated.all_sources())
    return (from_day(first.start) if first.change else LONG_AGO), to_day(last.end), cited
