"""Finds the resources in a FHIR file of any size: one a line (NDJSON), in a Bundle, in an array, or one by itself.

Only the resource at hand is held, up to 64 MB of it; a longer one is refused and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

BLOCK = 1 << 18
ITEM_MOST = 64 << 20
_TOKEN = re.compile(rb'["{}\[\]]')
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_ENTRY_FOLLOWS = re.compile(rb"\s*:\s*\[")


class Item(NamedTuple):
    """The JSON of one resource or Bundle entry, and its number in the file from 0; `fault` says why there is none."""

    number: int
    json: bytes
    fault: str = ""


def items(read: Callable[[int], bytes]) -> Iterator[Item]:
    """Give the resources of a file opened as `read`."""
    head = read(BLOCK).removeprefix(b"\xef\xbb\xbf").lstrip()
    if _is_lines(head):
        yield from _lines(head, read)
    else:
        yield from _Scan(head, read)


def _is_lines(head: bytes) -> bool:
    """Whether the first line is a whole JSON object by itself and another follows: then every line is one."""
    import msgspec

    line, end, rest = head.partition(b"\n")
    if not head.startswith(b"{") or not end or rest.lstrip()[:1] not in (b"{", b""):
        return False
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except msgspec.DecodeError:
        # A first line that is damaged does not make the others something else.
        return rest.lstrip()[:1] == b"{" and line.rstrip()[-1:] not in (b"{", b"[", b",", b":")
    return True


def _lines(head: bytes, read: Callable[[int], bytes]) -> Iterator[Item]:
    number, held, skipping, block = 0, b"", False, head
    while block:
        if skipping:
            end = block.find(b"\n")
            if end >= 0:
                block, skipping = block[end + 1 :], False
            else:
                block = read(BLOCK)
                continue
        held += block
        *whole, held = held.split(b"\n")
        for line in whole:
            for item in _of_line(line, number):
                yield item
                number = item.number + 1
        if len(held) > ITEM_MOST:
            yield Item(number, b"", "the line is longer than 64 MB")
            number += 1
            held, skipping = b"", True
        block = read(BLOCK)
    yield from _of_line(held, number)


def _of_line(line: bytes, number: int) -> Iterator[Item]:
    if b'"Bundle"' in line:
        yield from (item._replace(number=number + item.number) for item in _Scan(line, _nothing))
    elif line.strip():
        yield Item(number, line)


def _nothing(size: int) -> bytes:
    return b""


class _Scan:
    """Goes through JSON by its brackets and gives top-level objects, elements of a top-level array, and Bundle entries."""

    def __init__(self, head: bytes, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._data = head
        self._at = 0
        self._ended = False
        self._number = 0
        # Where the item at hand begins in the data (-1: none), and how deep it lies; `_lost`: it is not kept.
        self._begin = -1
        self._base = 0
        self._depth = 0
        self._lost = False

    def __iter__(self) -> Iterator[Item]:
        while True:
            token = _TOKEN.search(self._data, self._at)
            if token is None:
                self._at = len(self._data)
                if not self._more():
                    break
                continue
            begin, self._at = token.span()
            sign = token[0]
            if sign == b'"':
                name = self._string()
                if name == b"entry" and self._begin >= 0 and self._depth == self._base + 1:
                    self._entries()
            elif sign in b"{[":
                if sign == b"{" and self._begin < 0:
                    self._begin, self._base, self._lost = begin, self._depth, False
                self._depth += 1
            else:
                self._depth = max(self._depth - 1, 0)
                if self._begin >= 0 and self._depth <= self._base:
                    yield self._item()
        if self._begin >= 0:
            yield self._broken("the file ends within a resource")
        elif self._depth > 0:
            yield self._broken("the file ends within a Bundle or an array")

    def _string(self) -> bytes:
        """Go to the end of a string; return it, or nothing where it is long."""
        short = _STRING.match(self._data, self._at)
        if short is not None and short.end() < len(self._data) and self._data[short.end()] == ord('"'):
            name, self._at = self._data[self._at : short.end()], short.end() + 1
            return name
        while True:
            rest = _STRING.match(self._data, self._at)
            self._at = rest.end() if rest is not None else self._at
            if self._data[self._at : self._at + 1] == b'"':
                self._at += 1
                return b""
            # The end of the data, or a backslash whose sign has not come yet.
            if not self._more():
                self._at = len(self._data)
                return b""

    def _entries(self) -> None:
        """After the name `entry`: where an array follows, the item at hand is a Bundle and the elements are the items."""
        while len(self._data) - self._at < 64 and self._more():
            pass
        follows = _ENTRY_FOLLOWS.match(self._data, self._at)
        if follows is not None:
            self._begin = -1
            self._depth += 1
            self._at = follows.end()

    def _more(self) -> bool:
        """Read on; forget what is done with. Return whether there was more."""
        if self._ended:
            return False
        if self._begin >= 0 and not self._lost and len(self._data) - self._begin > ITEM_MOST:
            self._lost = True
        keep = self._at if self._begin < 0 or self._lost else self._begin
        self._data = self._data[keep:]
        self._at -= keep
        if self._begin >= 0:
            self._begin = 0
        block = self._read(BLOCK)
        self._ended = not block
        self._data += block
        return bool(block)

    def _item(self) -> Item:
        number, begin = self._number, self._begin
        self._number, self._begin = number + 1, -1
        if self._lost:
            return Item(number, b"", "the resource is longer than 64 MB")
        return Item(number, self._data[begin : self._at])

    def _broken(self, fault: str) -> Item:
        self._number += 1
        return Item(self._number - 1, b"", fault)
