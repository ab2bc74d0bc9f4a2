"""Finds the resources in a FHIR file of any size: one a line (NDJSON), in a Bundle, in an array, or one by itself.

Only the resource at hand is held, up to 64 MB of it; a longer one is refused and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

BLOCK = 1 << 18
ITEM_MOST = 64 << 20
# Strings as a whole, so that no bracket in one counts, and the brackets.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
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
            if line.strip():
                yield Item(number, line)
                number += 1
        if len(held) > ITEM_MOST:
            yield Item(number, b"", "the line is longer than 64 MB")
            number += 1
            held, skipping = b"", True
        block = read(BLOCK)
    if held.strip():
        yield Item(number, held)


class _Scan:
    """Goes through JSON by its brackets and gives top-level objects, elements of a top-level array, and Bundle entries."""

    def __init__(self, head: bytes, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._data = head
        self._ended = False
        self._number = 0

    def __iter__(self) -> Iterator[Item]:
        # Where an item begins in `_data`, how deep that is, and whether it is so long that it is not kept.
        begin, base, lost = -1, 0, False
        depth, at = 0, 0
        while True:
            token = _TOKEN.search(self._data, at)
            if token is None or (token.end() == len(self._data) and not self._ended):
                # A string may go on in the next block; what is before it is done with.
                keep = begin if begin >= 0 and not lost else (self._open_string(at))
                if begin >= 0 and not lost and len(self._data) - begin > ITEM_MOST:
                    lost, keep = True, self._open_string(at)
                if self._ended:
                    break
                self._data = self._data[keep:]
                at = max(0, at - keep)
                begin = begin - keep if begin >= 0 and not lost else begin
                self._more()
                continue
            sign = token[0]
            at = token.end()
            if sign == b"{":
                if begin < 0:
                    begin, base, lost = token.start(), depth, False
                depth += 1
            elif sign == b"[":
                depth += 1
            elif sign in b"}]":
                depth -= 1
                if begin >= 0 and depth == base and sign == b"}":
                    yield self._item(b"" if lost else self._data[begin:at], lost)
                    begin = -1
                elif begin >= 0 and depth < base:
                    yield self._broken("brackets do not match")
                    begin = -1
                depth = max(depth, 0)
            elif sign == b'"entry"' and begin >= 0 and depth == base + 1:
                if len(self._data) - at < 64 and not self._ended:
                    self._more()
                follows = _ENTRY_FOLLOWS.match(self._data, at)
                if follows:
                    # A Bundle: from here on its entries are the items.
                    begin = -1
                    depth += 1
                    at = follows.end()
        if begin >= 0:
            yield self._broken("the file ends within a resource")
        elif depth > 0:
            yield self._broken("the file ends within a Bundle or an array")

    def _open_string(self, at: int) -> int:
        """Return from where on the data is still needed when no item is kept: an open string, or its end."""
        rest = self._data.find(b'"', at)
        return rest if rest >= 0 and len(self._data) - rest <= ITEM_MOST else len(self._data)

    def _more(self) -> None:
        block = self._read(BLOCK)
        self._ended = not block
        self._data += block

    def _item(self, json: bytes, lost: bool) -> Item:
        self._number += 1
        return Item(self._number - 1, json, "the resource is longer than 64 MB" if lost else "")

    def _broken(self, fault: str) -> Item:
        self._number += 1
        return Item(self._number - 1, b"", fault)
