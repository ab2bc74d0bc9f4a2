"""Histories: what a thing says over which dates, according to whom.

A thing has fields that always hold and a `history` of entries; each entry has its dates, its sources and whatever
fields hold only then. `extends` lays one thing's entries over another's: where the extension has an entry, its fields
win within that entry's dates, and the base shows through everywhere else.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from facetwise.knowledge.dating import UNDATED, day_after, day_before, first_day, last_day
from facetwise.knowledge.reading import Document, Path_
from facetwise.problems import FacetwiseError, Problem

ENTRY_KEYS = (
    "from",
    "until",
    "sources",
    "evidence",
    "note",
    "change",
    "means",
    "not_established",
    "conflict",
)
SIDE_KEYS = ("sources", "evidence", "note")
_TEXT_KEYS = ("evidence", "note", "change", "means", "not_established")
_BEGINNING = date.min
_END = date.max


@dataclass(slots=True)
class Span:
    """Raw fields over dates, before they become a typed value. `start` None: the source is undated."""

    start: date | None
    end: date | None
    since: str
    fields: dict[str, Any]
    sources: list[str]
    evidence: str | None = None
    note: str = ""
    change: str = ""
    means: str = ""
    not_established: str = ""
    sides: list[Span] = field(default_factory=list)
    layer: str = ""
    file: str = ""
    line: int = 0

    @property
    def low(self) -> date:
        return self.start or _BEGINNING

    @property
    def high(self) -> date:
        return self.end or _END


def read_spans(document: Document, layer: str, static: dict[str, Any] | None, place: Path_ = ()) -> list[Span]:
    """Turn the `history` below `place` into spans over the fields that always hold (`static`).

    `static` None leaves the fields aside, for an extension whose base is not known yet. Entries stand in the order of
    their dates; an entry without `until` lasts until the next begins. Raises FacetwiseError on entries that overlap, on
    a gap that is not declared, on a date that is none.
    """
    problems: list[Problem] = []
    data: Any = document.data
    for key in place:
        data = data[key]
    entries = data.get("history")
    here = (*place, "history")
    if not isinstance(entries, list) or not entries:
        raise FacetwiseError(
            Problem(
                document.file,
                document.line(here),
                "no history",
                "'history:' with at least one entry that has 'from' and 'sources'",
            )
        )
    spans: list[Span] = []
    for index, entry in enumerate(entries):
        at = (*here, index)
        if not isinstance(entry, dict):
            problems.append(
                Problem(document.file, document.line(at), "an entry that is no mapping", "from, sources ...")
            )
            continue
        span = read_span(document, at, entry, layer, static, problems)
        if span is not None:
            spans.append(span)
    if problems:
        raise FacetwiseError(problems)
    close_spans(spans, problems)
    if problems:
        raise FacetwiseError(problems)
    return spans


def close_spans(spans: list[Span], problems: list[Problem]) -> None:
    """Give every span but the last an end, and add to `problems` what overlaps or leaves a gap."""
    for earlier, later in itertools.pairwise(spans):
        if later.start is None or later.low <= earlier.low:
            problems.append(
                Problem(
                    later.file,
                    later.line,
                    f"this entry does not begin after the one before it ({earlier.since})",
                    "entries in the order of their dates",
                    "move it, or state both sides in one entry under 'conflict'",
                )
            )
            continue
        if earlier.end is None:
            earlier.end = day_before(later.start)
            earlier.sides = _dated_alike(earlier.sides, earlier)
        elif earlier.end >= later.start:
            problems.append(
                Problem(
                    later.file,
                    later.line,
                    f"this entry begins {later.start}, inside the one before it, which lasts until {earlier.end}",
                    mend="end the earlier one the day before, or state both sides in one entry under 'conflict'",
                )
            )
        elif day_after(earlier.end) < later.start:
            problems.append(
                Problem(
                    later.file,
                    later.line,
                    f"nothing is said from {day_after(earlier.end)} until {day_before(later.start)}",
                    "no gap",
                    "declare it with an entry that has 'not_established: why'",
                )
            )


def read_span(
    document: Document,
    at: Path_,
    entry: dict[str, Any],
    layer: str,
    static: dict[str, Any] | None,
    problems: list[Problem],
) -> Span | None:
    """Read one entry; problems are appended, and None is returned when its dates cannot be read."""
    line = document.line(at)
    start, since = _start(document, at, entry, problems)
    if since == "":
        return None
    end = None
    if entry.get("until") is not None:
        try:
            end = last_day(str(entry["until"]))
        except ValueError as error:
            problems.append(Problem(document.file, document.line((*at, "until")), str(error), "a date"))
            return None
        if start and end < start:
            problems.append(
                Problem(
                    document.file, document.line((*at, "until")), f"this entry ends {end}, before it begins {start}"
                )
            )
            return None
    if not _all_text(document, at, entry, problems):
        return None
    fields = {key: value for key, value in entry.items() if key not in ENTRY_KEYS}
    span = Span(
        start=start,
        end=end,
        since=since,
        fields={} if static is None else apply_patch(static, fields, document, at, problems),
        sources=_texts(document, at, entry, "sources", problems),
        evidence=entry.get("evidence"),
        note=entry.get("note") or "",
        change=entry.get("change") or "",
        means=entry.get("means") or "",
        not_established=entry.get("not_established") or "",
        layer=layer,
        file=document.file,
        line=line,
    )
    for index, side in enumerate(entry.get("conflict") or []):
        there = (*at, "conflict", index)
        if not isinstance(side, dict):
            problems.append(
                Problem(document.file, document.line(there), "a side that is no mapping", "fields and sources")
            )
            continue
        if not _all_text(document, there, side, problems):
            continue
        if not side.get("sources"):
            problems.append(_no_source(document, there))
        own = {key: value for key, value in side.items() if key not in ENTRY_KEYS}
        span.sides.append(
            Span(
                start=start,
                end=end,
                since=since,
                fields={} if static is None else apply_patch(span.fields, own, document, there, problems),
                sources=_texts(document, there, side, "sources", problems),
                evidence=side.get("evidence"),
                note=side.get("note") or "",
                layer=layer,
                file=document.file,
                line=document.line(there),
            )
        )
    if entry.get("conflict") is not None and len(span.sides) < 2:
        problems.append(
            Problem(
                document.file, document.line((*at, "conflict")), "a conflict of fewer than two sides", "two or more"
            )
        )
    if not span.sources and not span.sides:
        problems.append(_no_source(document, at))
    return span


def _no_source(document: Document, at: Path_) -> Problem:
    return Problem(
        document.file,
        document.line(at),
        "no source",
        "'sources: [key]' with a key of knowledge/sources",
        "say who says so",
    )


def _all_text(document: Document, at: Path_, entry: dict[str, Any], problems: list[Problem]) -> bool:
    odd = [key for key in _TEXT_KEYS if entry.get(key) is not None and not isinstance(entry[key], str)]
    problems.extend(Problem(document.file, document.line((*at, key)), f"{key!r} is no text", "text") for key in odd)
    return not odd


def _dated_alike(sides: list[Span], span: Span) -> list[Span]:
    """Return the sides of a conflict with the dates of the span that they stand in."""
    return [replace(side, start=span.start, end=span.end, since=span.since) for side in sides]


def _start(document: Document, at: Path_, entry: dict[str, Any], problems: list[Problem]) -> tuple[date | None, str]:
    since = entry.get("from")
    if since is None:
        problems.append(
            Problem(
                document.file,
                document.line(at),
                "no date",
                "'from: 2026-03-02', or 'from: undated' where the source bears no date",
            )
        )
        return None, ""
    if since == UNDATED:
        return None, UNDATED
    try:
        return first_day(str(since)), str(since)
    except ValueError as error:
        problems.append(Problem(document.file, document.line((*at, "from")), str(error), "a date, or 'undated'"))
        return None, ""


def _texts(document: Document, at: Path_, entry: dict[str, Any], key: str, problems: list[Problem]) -> list[str]:
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        problems.append(
            Problem(document.file, document.line((*at, key)), f"{key!r} is no list", f"a list, such as {key}: [a, b]")
        )
        return []
    return list(value)


def apply_patch(
    static: dict[str, Any], fields: dict[str, Any], document: Document, at: Path_, problems: list[Problem]
) -> dict[str, Any]:
    """Return `static` with `fields` laid over it; a dotted key such as `test.any.1` reaches inside."""
    merged = static if not fields else copy.deepcopy(static)
    for key, value in fields.items():
        if "." not in key:
            merged[key] = value
            continue
        *way, last = key.split(".")
        target: Any = merged
        try:
            for step in way:
                target = target[int(step)] if isinstance(target, list) else target[step]
            if isinstance(target, list):
                target[int(last)] = value
            else:
                target[last] = value
        except (KeyError, IndexError, ValueError, TypeError):
            problems.append(
                Problem(
                    document.file,
                    document.line((*at, key)),
                    f"{key!r} reaches nothing in what it extends",
                    "a way such as test.any.1, counted from 0",
                )
            )
    return merged


def overlay_spans(
    base: list[Span], document: Document, layer: str, static: dict[str, Any], place: Path_ = ()
) -> list[Span]:
    """Lay the history of an extension over the spans it extends. See the module's text."""
    problems: list[Problem] = []
    patches = read_spans(document, layer, None, place)
    data: Any = document.data
    for key in place:
        data = data[key]
    entries = data["history"]
    result: list[Span] = []
    cursor = list(base)
    for index, patch in enumerate(patches):
        at = (*place, "history", index)
        fields = {key: value for key, value in entries[index].items() if key not in ENTRY_KEYS}
        conflict = entries[index].get("conflict") or []
        under = [
            _cut(span, patch.low, patch.high) for span in cursor if span.low <= patch.high and span.high >= patch.low
        ]
        pieces = under or [Span(patch.start, patch.end, patch.since, {}, [])]
        for number, piece in enumerate(pieces):
            merged = apply_patch(piece.fields, static, document, place, problems)
            merged = apply_patch(merged, fields, document, at, problems)
            sides = [
                replace(
                    side,
                    fields=apply_patch(
                        merged,
                        {key: value for key, value in conflict[which].items() if key not in ENTRY_KEYS},
                        document,
                        (*at, "conflict", which),
                        problems,
                    ),
                )
                for which, side in enumerate(patch.sides)
            ]
            first = number == 0
            starts_here = first or piece.start is None
            result.append(
                Span(
                    start=(patch.start if first and patch.start else piece.start),
                    end=(patch.end if number == len(pieces) - 1 else piece.end),
                    since=patch.since if starts_here else piece.since,
                    fields=merged,
                    # Words of its own rest on its own sources; words that show through rest on the base's too.
                    sources=_joined(patch.sources, [] if "statement" in fields else piece.sources),
                    evidence=patch.evidence or (None if "statement" in fields else piece.evidence),
                    note=patch.note if "statement" in fields else " ".join(filter(None, (patch.note, piece.note))),
                    change=patch.change if first else piece.change,
                    means=patch.means if first else piece.means,
                    not_established=patch.not_established,
                    sides=sides,
                    layer=layer,
                    file=patch.file,
                    line=patch.line,
                )
            )
        cursor = [rest for span in cursor for rest in _without(span, patch.low, patch.high)]
    if problems:
        raise FacetwiseError(problems)
    laid = sorted([*cursor, *result], key=lambda span: span.low)
    return [replace(span, sides=_dated_alike(span.sides, span)) for span in laid]


def _joined(first: list[str], second: list[str]) -> list[str]:
    return [*first, *(key for key in second if key not in first)]


def _cut(span: Span, low: date, high: date) -> Span:
    piece = copy.copy(span)
    if span.low < low:
        piece.start, piece.since = low, low.isoformat()
    if span.high > high:
        piece.end = high
    return piece


def _without(span: Span, low: date, high: date) -> list[Span]:
    if span.high < low or span.low > high:
        return [span]
    rest = []
    if span.low < low:
        before = copy.copy(span)
        before.end = day_before(low)
        rest.append(before)
    if span.high > high:
        after = copy.copy(span)
        after.start = day_after(high)
        after.since = after.start.isoformat()
        after.change = after.means = ""
        rest.append(after)
    return rest
