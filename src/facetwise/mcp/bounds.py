"""Answers of a size that an assistant can read: what is too long is cut at whole entries, and the answer says what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from facetwise.document.model import SourceEntry
from facetwise.document.sources import source_entries
from facetwise.knowledge import View

# Bytes of JSON of one answer, its sources included.
MOST_BYTES = 64_000
# What is cut leaves room for the sources of the rest.
_ANSWER_BYTES = 40_000
_CITING = ("citations", "sources")


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that an answer had no room for: the path of their list in it, how many, and how to get them."""

    path: str
    entries: int
    how: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as a tool gives it: the answer of the API, the sources that it cites, and what it had no room for."""

    answer: dict[str, Any]
    sources: tuple[SourceEntry, ...]
    left_out: tuple[LeftOut, ...] = ()


def told(answer: dict[str, Any], view: View, how: str = "") -> Told:
    """Return the answer with its sources, cut to MOST_BYTES; `how` tells how to ask for what is left out."""
    most = _ANSWER_BYTES
    while True:
        left = _cut(answer, most, how)
        found = Told(answer=answer, sources=source_entries(view, list(dict.fromkeys(cited(answer)))), left_out=left)
        size = len(msgspec.json.encode(found))
        if size <= MOST_BYTES or most < 1_000:
            return found
        most = most * 3 // 4


def cited(value: Any) -> Iterator[str]:
    """Yield the keys of the sources that an answer cites, in its order."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in _CITING and isinstance(one, list) and all(isinstance(key, str) for key in one):
                yield from one
            else:
                yield from cited(one)
    elif isinstance(value, list):
        for one in value:
            yield from cited(one)


def _cut(answer: dict[str, Any], most: int, how: str) -> tuple[LeftOut, ...]:
    """Cut the longest lists of an answer in place until it has at most `most` bytes; one entry of each stays."""
    gone: dict[str, int] = {}
    while (size := _size(answer)) > most:
        lists = [(path, one, _size(one)) for path, one in _lists(answer, "") if len(one) > 1]
        if not lists:
            break
        # The outermost of the longest: its entries are things of their own, and it is never shorter than one inside it.
        path, longest, length = max(lists, key=lambda found: found[2])
        room = length - (size - most)
        fitting = sum(1 for end in _ends(longest) if end <= room)
        kept = max(1, min(fitting, len(longest) - 1))
        gone[path] = gone.get(path, 0) + len(longest) - kept
        del longest[kept:]
    return tuple(LeftOut(path=path, entries=number, how=how) for path, number in gone.items())


def _ends(entries: list[Any]) -> Iterator[int]:
    end = 2
    for one in entries:
        end += _size(one) + 1
        yield end


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _lists(value: Any, path: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _lists(one, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        # A list of plain words (modifiers, citations) is part of its entry.
        if any(isinstance(one, dict | list) for one in value):
            yield path, value
        for number, one in enumerate(value):
            yield from _lists(one, f"{path}[{number}]")
