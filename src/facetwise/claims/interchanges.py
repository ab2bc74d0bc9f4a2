"""Walks through an X12 file of any size in blocks: finds its interchanges, takes the delimiters from each, and cuts segments.

Nothing is read by lines, and no more is held than a block and the longest segment that is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Protocol

from facetwise.claims.delimiters import ISA_MOST, Delimiters, Header, read_header

BLOCK = 1 << 16
# The longest segment of an 837 by its guides stays under 2,000 bytes.
SEGMENT_MOST = 1 << 20
_BLANK = b" \t\r\n"
# A service line where the delimiters are not known: LX and its number.
_LINE = re.compile(rb"(?<![0-9A-Za-z])LX[^0-9A-Za-z\s][0-9]{1,6}(?![0-9A-Za-z])")


class Sink(Protocol):
    """What is told of the segments. `inside` is whether an interchange is open."""

    inside: bool

    def interchange(self, header: Header, place: int) -> None:
        """An interchange begins at this byte."""

    def take(self, segments: list[bytes], starts: list[int], gap: int) -> int:
        """Take segments; segment i starts at byte `starts[i] + i * gap`. Return how many were taken: not all where the
        interchange ends and no other with the same delimiters follows at once."""

    def too_long(self, place: int) -> None:
        """A segment was longer than is accepted and is skipped up to its end."""

    def noise(self, place: int, length: int, lines: int) -> None:
        """So many bytes, with so many service lines in them, were found where an interchange should begin."""

    def end(self, place: int, rest: bytes) -> None:
        """The file ends; `rest` is a last segment without its end, `place` where that begins."""


class Walk:
    """Reads through a file and tells a sink. Iterating over it reads it, a block a step."""

    def __init__(self, read: Callable[[int], bytes], sink: Sink) -> None:
        self._read = read
        self._sink = sink
        self._data = b""
        self._place = 0
        self._delimiters: Delimiters | None = None
        self._noise = -1
        self._noise_lines = 0
        self._noise_end = b""
        self._skipping = False

    def __iter__(self) -> Iterator[None]:
        ended = False
        while not ended:
            block = self._read(BLOCK)
            ended = not block
            self._data += block
            while self._step(ended):
                pass
            yield
        if self._sink.inside:
            self._sink.end(self._place, b"" if self._skipping else self._data)
        else:
            self._end_noise(self._place + len(self._data.rstrip(_BLANK)))
            self._sink.end(self._place, b"")

    def _drop(self, count: int) -> None:
        self._data = self._data[count:]
        self._place += count

    def _step(self, ended: bool) -> bool:
        """Do what can be done with the bytes there are; return whether there may be more to do with them."""
        if self._delimiters is None:
            return self._open(ended)
        if self._skipping:
            return self._skip(self._delimiters.segment)
        self._drop(len(self._data) - len(self._data.lstrip(b"\r\n")) if self._delimiters.segment not in b"\r\n" else 0)
        cut = self._data.rfind(self._delimiters.segment)
        if cut < 0:
            if len(self._data) <= SEGMENT_MOST:
                return False
            self._sink.too_long(self._place)
            self._skipping = True
            return True
        segments, starts, gap = _cut(self._data[: cut + 1], self._delimiters.segment, self._place)
        taken = self._sink.take(segments, starts, gap)
        if taken == len(segments):
            self._drop(cut + 1)
        else:
            self._drop(starts[taken] + taken * gap - self._place)
        if not self._sink.inside:
            self._delimiters = None
            return True
        return False

    def _open(self, ended: bool) -> bool:
        """Find the next interchange; what stands before it is noise unless it is blank."""
        if self._noise < 0:
            self._drop(len(self._data) - len(self._data.lstrip(_BLANK)))
        begin, header = self._data.find(b"ISA"), None
        while begin >= 0 and (ended or len(self._data) - begin >= ISA_MOST):
            header = read_header(self._data[begin : begin + ISA_MOST])
            if header is not None:
                break
            begin = self._data.find(b"ISA", begin + 1)
        if header is None:
            # The end of the block may hold the beginning of an ISA.
            whole = len(self._data) if ended else max(0, len(self._data) - 2)
            self._pass(whole if begin < 0 else begin)
            return False
        self._pass(begin)
        self._end_noise(self._place)
        self._sink.interchange(header, self._place)
        self._delimiters = header.delimiters
        self._drop(header.length)
        return True

    def _pass(self, count: int) -> None:
        if count and self._noise < 0:
            self._noise = self._place
        noise = self._noise_end + self._data[:count]
        end = 0
        for line in _LINE.finditer(noise):
            self._noise_lines += 1
            end = line.end()
        # What may be the beginning of a line that ends in the next block.
        self._noise_end = noise[max(end, len(noise) - 10) :]
        self._drop(count)

    def _end_noise(self, place: int) -> None:
        if self._noise >= 0:
            self._sink.noise(self._noise, place - self._noise, self._noise_lines)
        self._noise, self._noise_lines, self._noise_end = -1, 0, b""

    def _skip(self, terminator: bytes) -> bool:
        end = self._data.find(terminator)
        self._drop(len(self._data) if end < 0 else end + 1)
        self._skipping = end < 0
        return not self._skipping


def _cut(chunk: bytes, terminator: bytes, place: int) -> tuple[list[bytes], list[int], int]:
    """Cut whole segments; return them, and starts and a gap such that segment i starts at byte starts[i] + i * gap."""
    first = chunk.find(terminator)
    for between in (terminator + b"\r\n", terminator + b"\n"):
        # The last terminator of a chunk has nothing behind it.
        if chunk.startswith(between, first) and chunk.count(between) == chunk.count(terminator) - 1:
            segments = chunk[:-1].split(between)
            return segments, list(accumulate(map(len, segments), initial=place)), len(between)
    segments = chunk[:-1].split(terminator)
    if b"\r" in chunk or (terminator != b"\n" and b"\n" in chunk):
        starts, bare = [], []
        for number, start in enumerate(accumulate(map(len, segments[:-1]), initial=place)):
            segment = segments[number].lstrip(_BLANK)
            starts.append(start + len(segments[number]) - len(segment))
            bare.append(segment.rstrip(_BLANK))
        return bare, starts, 1
    return segments, list(accumulate(map(len, segments), initial=place)), 1
