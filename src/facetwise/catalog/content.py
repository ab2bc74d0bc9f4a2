"""One file as a loader sees it: its first lines, its lines, its records, and how to refuse it."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from facetwise.catalog import workbook
from facetwise.catalog.members import Member
from facetwise.problems import FacetwiseError, Problem

_HEAD_BYTES = 1 << 16
_HEAD_RECORDS = 60
_SAMPLE = 5
AGAIN = "download the file again"

Record = tuple[int, list[str]]


class Content:
    """A text file, or one sheet of a workbook. Lines and records are numbered from 1."""

    def __init__(self, member: Member, scratch: Path, sheet: workbook.Sheet | None = None, participation: str = ""):
        self.member = member
        self.scratch = scratch  # where a loader may put what it makes on its way
        self.sheet = sheet
        self.participation = participation  # what the user says, where a content may leave it open
        self.label = member.label + (f"[{sheet.name}]" if sheet else "")

    @property
    def path(self) -> Path:
        """The file on disk."""
        return self.member.path

    @property
    def form(self) -> str:
        """The form of the content: xlsx, csv (commas) or txt (tabs or fixed width)."""
        if self.sheet:
            return "xlsx"
        widths = Counter(len(cells) for cells in self.head_records)
        usual = widths.most_common(1)[0][0] if widths else 0
        return "csv" if self.delimiter == "," and usual > 1 else "txt"

    @cached_property
    def head(self) -> str:
        """The first 64 KiB as text, read leniently: enough to recognise a kind, never loaded. "" for a workbook."""
        if self.sheet:
            return ""
        with self.path.open("rb") as file:
            data = file.read(_HEAD_BYTES)
        if len(data) == _HEAD_BYTES and (cut := data.rfind(b"\n")) > 0:
            data = data[: cut + 1]
        return decode(data)

    @cached_property
    def head_lines(self) -> list[str]:
        """The first lines, without their ends."""
        return split_lines(self.head)[:_HEAD_RECORDS]

    @cached_property
    def delimiter(self) -> str:
        """A tab where the first lines hold tabs, else a comma."""
        lines = self.head_lines
        return "\t" if sum("\t" in line for line in lines) * 2 > len(lines) else ","

    @cached_property
    def head_records(self) -> list[list[str]]:
        """The first records, cells stripped and inner blanks folded."""
        if self.sheet:
            found = itertools.islice(workbook.rows(self.path, self.sheet), _HEAD_RECORDS)
            return [[fold(cell) for cell in cells] for _, cells in found]
        reader = csv.reader(io.StringIO(self.head, newline=""), delimiter=self.delimiter)
        records: list[list[str]] = []
        try:
            for cells in itertools.islice(reader, _HEAD_RECORDS):
                records.append([fold(cell) for cell in cells])
        except csv.Error:
            pass  # what could be read is enough to recognise; reading the whole says where it breaks
        return records

    def header(self, *names: str) -> int | None:
        """Return the index of the first head record whose cells include these, without regard to case."""
        wanted = {name.lower() for name in names}
        for place, cells in enumerate(self.head_records):
            if wanted <= {cell.lower() for cell in cells}:
                return place
        return None

    def begins_with(self, pattern: re.Pattern[str]) -> bool:
        """Whether the first lines of a text all fit; the very last line may be cut, and then the reader says so."""
        lines = self.head_lines
        sample = lines[:_SAMPLE] if len(lines) > _SAMPLE else lines[:-1] or lines
        return bool(sample) and all(pattern.fullmatch(line) for line in sample)

    def text(self, lenient: bool = False) -> str:
        """Return the whole text. Raises FacetwiseError where it is not UTF-8, unless `lenient`."""
        data = self.path.read_bytes()
        if lenient:
            return decode(data)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.not_utf8(data[error.start], data.count(b"\n", 0, error.start) + 1) from None

    def not_utf8(self, byte: int, line: int) -> FacetwiseError:
        """Return the refusal of a byte that is not UTF-8."""
        return self.refuse(
            f"byte 0x{byte:02X} is not UTF-8 (it looks like Latin-1 or Windows-1252)",
            "UTF-8, as this kind of file is published",
            f"{AGAIN}, or convert it to UTF-8",
            line,
        )

    def lines(self, lenient: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the lines of a text with their numbers."""
        return enumerate(split_lines(self.text(lenient)), 1)

    def records(self, lenient: bool = False) -> Iterator[Record]:
        """Yield the records with the line each begins on; cells as they stand. Raises FacetwiseError."""
        if self.sheet:
            try:
                yield from workbook.rows(self.path, self.sheet)
            except workbook.WorkbookError as error:
                raise self.refuse(f"the workbook cannot be read: {error}", mend=AGAIN) from None
            return
        # strict: a quote that is never closed means that the file is cut.
        reader = csv.reader(io.StringIO(self.text(lenient), newline=""), delimiter=self.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise self.refuse(f"this is no CSV: {error}", "cells with closed quotes", AGAIN, line) from None

    def body(self, header: int, width: int, lenient: bool = False) -> Iterator[Record]:
        """Yield the records after the header that are not blank, stripped; a last one cut short refuses the file."""
        pending: Record | None = None
        for line, cells in itertools.islice(self.records(lenient), header + 1, None):
            stripped = [fold(cell) for cell in cells]
            if not any(stripped):
                continue
            if pending:
                yield pending
            pending = (line, stripped)
        if pending:
            if len(pending[1]) < width and not self.sheet and not self._ends_with_line():
                raise self.refuse(
                    f"the last line has {len(pending[1])} cells where the header has {width}, and no end of line",
                    "a whole file: this one is cut short",
                    AGAIN,
                    pending[0],
                )
            yield pending

    def _ends_with_line(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, io.SEEK_END)
            return file.read(1) in b"\r\n"

    def refuse(self, found: str, expected: str = "", mend: str = "", line: int = 0) -> FacetwiseError:
        """Return the error that refuses this file."""
        return FacetwiseError(Problem(self.label, line, found, expected, mend))


def split_lines(text: str) -> list[str]:
    """Return the lines of a text; only line feeds end one, with or without a carriage return."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def fold(cell: str) -> str:
    """Return a cell without blanks at its ends and with single blanks inside (no-break spaces are blanks too)."""
    return " ".join(cell.replace("\ufffd", " ").split())


def decode(data: bytes) -> str:
    """Return bytes as text: UTF-8, else Windows-1252, else the old code page 850 in which some exports are."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp850")


def first_foreign_byte(path: Path) -> tuple[int, int] | None:
    """Return the first byte that is not UTF-8 and its line, for files too long to hold; None where all is well."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                data: bytes = error.object
                return data[error.start], line + data.count(b"\n", 0, error.start)
            line += chunk.count(b"\n")
    if decoder.getstate()[0]:
        return decoder.getstate()[0][0], line
    return None
