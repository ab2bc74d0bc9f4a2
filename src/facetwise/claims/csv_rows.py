"""Reads a CSV row by row where it is not clean: what is ragged, wrongly encoded or endless is refused, its neighbours are not.

DuckDB reads a clean CSV many times faster, but lets an open quote take the rest of the file and drops a line of hundreds of
megabytes without a word; `flat.py` finds out whether a file is clean and comes here where it is not.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from facetwise.claims.rejected import ROW, Quarantine, Rejected

BLOCK = 1 << 19
ROW_MOST = 1 << 20
_ROWS = 16_384


class Shape(NamedTuple):
    """What is found out about a CSV before its rows are read.

    `delimiter` is one character, `columns` the header's names as written, `rows` how many rows there are if none holds a
    line break, `clean` whether no row is too long.
    """

    delimiter: str
    columns: tuple[str, ...]
    rows: int
    clean: bool


def look(read: Callable[[int], bytes]) -> Shape:
    """Return the shape of a CSV opened as `read`. Its header may be at most 1,048,576 bytes long."""
    head = read(ROW_MOST)
    begin = head.removeprefix(b"\xef\xbb\xbf")
    line = begin.split(b"\n", 1)[0].decode("utf-8", "replace")
    delimiter = max((",", "\t", ";", "|"), key=line.count)
    columns = next(csv.reader([line], delimiter=delimiter), [])
    ends, last, clean, block = 0, b"\n", True, head
    while block:
        if b"\n" not in block and len(block) >= BLOCK:
            clean = False
        ends += block.count(b"\n")
        last = block[-1:]
        block = read(BLOCK)
    return Shape(delimiter, tuple(columns), ends + (last != b"\n") - 1, clean)


def batches(read: Callable[[int], bytes], shape: Shape, file: int, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
    """Give the rows as text, each with `place`, its number from 1; what is no row goes to `quarantine`.

    Blank lines are not counted as rows.
    """
    width = len(shape.columns)
    kinds = pa.schema(
        [*(pa.field(f"c{number}", pa.string()) for number in range(width)), pa.field("place", pa.int64())]
    )
    rows: list[Sequence[str]] = []
    places: list[int] = []

    def batch() -> pa.RecordBatch:
        columns = [pa.array([cell or None for cell in column], pa.string()) for column in zip(*rows, strict=True)]
        return pa.RecordBatch.from_arrays(
            [*(columns or [pa.array([], pa.string())] * width), pa.array(places, pa.int64())], schema=kinds
        )

    for place, row, fault in _records(_lines(read), shape.delimiter):
        if row is not None and len(row) != width:
            fault = f"the row has {len(row)} cells, the header has {width}"
        if fault:
            quarantine.add(Rejected(file, place, ROW, None, None, 1, fault))
        elif row is not None:
            rows.append(row)
            places.append(place)
            if len(rows) >= _ROWS:
                yield batch()
                rows.clear()
                places.clear()
    yield batch()


def _records(lines: Iterator[bytes | None], delimiter: str) -> Iterator[tuple[int, list[str] | None, str]]:
    """Give (number, cells, fault) of each row after the header; a row goes on over lines as long as a quote is open."""
    waiting: list[bytes | None] = []
    place = -1

    def following() -> bytes | None:
        return waiting.pop(0) if waiting else next(lines)

    while True:
        try:
            line = following()
        except StopIteration:
            return
        if line is not None and not line.strip():
            continue
        place += 1
        if line is None:
            yield place, None, "the row is longer than 1,048,576 bytes"
            continue
        record, more = line, list[bytes | None]()
        while record.count(b'"') % 2:
            try:
                part = following()
            except StopIteration:
                break
            more.append(part)
            if part is None or len(record) + len(part) > ROW_MOST:
                break
            record += part
        if record.count(b'"') % 2:
            # What follows an open quote stands for itself.
            waiting[:0] = more
            if place:
                yield place, None, "a quote is not closed"
        elif place:
            yield place, *_cells(record, delimiter)


def _cells(record: bytes, delimiter: str) -> tuple[list[str] | None, str]:
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError:
        return None, "the row is not UTF-8"
    try:
        return next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter, strict=True), []), ""
    except csv.Error:
        return None, "the row's quotes cannot be read"


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes | None]:
    """Give the lines with their ends; None for one that is too long."""
    held, skipping, first = b"", False, True
    while block := read(BLOCK):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, skipping = block[end + 1 :], False
        held += block
        *whole, held = held.split(b"\n")
        for line in whole:
            yield line + b"\n" if len(line) < ROW_MOST else None
        if len(held) > ROW_MOST:
            yield None
            held, skipping = b"", True
    if held:
        yield held
