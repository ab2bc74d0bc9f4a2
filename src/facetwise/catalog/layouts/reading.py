"""What reading a file yields: rows for a table, rows that could not be read, and what the content says of its date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

from facetwise.catalog.content import Content
from facetwise.catalog.spans import Dated

Cell = str | int | bool | None
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_CODE = re.compile(r"[0-9A-Z]{5}")
_NUMBER = re.compile(r"-?(?:\d+(?:\.(\d*))?|\.(\d+))")
_WORST_SHARE = 0.01  # more unreadable rows than this, and the file is not what it was taken for
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be read: its line, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bulk:
    """A text too long for Python, read by the database itself: lines to skip, lines in all, how lines end."""

    path: Path
    skip: int
    lines: int
    newline: str


@dataclass(slots=True)
class Reading:
    """One file, read. `kind` may be a family ("ptp") where the content leaves open which kind it is.

    `part` tells apart files that make one release together; `first` and `last` are the keys of a sorted file that is one
    of several. `alternatives` are the kinds that a family may be.
    """

    content: Content
    kind: str
    table: str
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    dated: Dated | None = None
    hint: str = ""
    part: str = ""
    first: str = ""
    last: str = ""
    notes: list[str] = field(default_factory=list)
    alternatives: tuple[str, ...] = ()
    bulk: Bulk | None = None
    date_of: Callable[[], Dated | None] | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout in which a kind is published: how it is recognised and read."""

    name: str
    kind: str
    recognise: Callable[[Content], bool]
    read: Callable[[Content], Reading]


def finish(reading: Reading, key: int = 0) -> Reading:
    """Return the reading after the checks that hold for every file. `key` is how many first columns make a row unique.

    Raises FacetwiseError when nothing was read, when too much could not be, or when two rows of one key differ.
    """
    content, rows, rejected = reading.content, reading.rows, reading.rejected
    if not rows:
        why = f"; line {rejected[0].line}: {rejected[0].reason}" if rejected else ""
        raise content.refuse(f"recognised as {reading.kind}, but no row can be read{why}", "rows after the header")
    check_share(content, len(rows), rejected)
    if key:
        reading.rows = _unique(reading, key)
    return reading


def _unique(reading: Reading, key: int) -> list[tuple[Cell, ...]]:
    held: dict[tuple[Cell, ...], tuple[Cell, ...]] = {}
    for row in reading.rows:
        other = held.setdefault(row[:key], row)
        if other != row:
            shown = " ".join(str(cell) for cell in row[:key] if cell)
            raise reading.content.refuse(
                f"two rows for {shown} that differ", f"one row for each in a file of kind {reading.kind}"
            )
    if len(held) < len(reading.rows):
        reading.notes.append(f"{len(reading.rows) - len(held)} rows stand twice, word for word; each is loaded once")
    return list(held.values())


def check_share(content: Content, rows: int, rejected: Sequence[Rejected]) -> None:
    """Refuse a file of which more than one row in a hundred cannot be read."""
    if len(rejected) > (rows + len(rejected)) * _WORST_SHARE:
        shown = "; ".join(f"line {one.line}: {one.reason}" for one in rejected[:_SHOWN])
        raise content.refuse(
            f"{len(rejected)} of {rows + len(rejected)} rows cannot be read ({shown})",
            "at most one in a hundred",
            "check that the header belongs to these rows",
        )


def code(cell: str, numeric: bool = False) -> str:
    """Return a procedure code. `numeric`: the cell may be a number that has lost its zeros. Raises ValueError."""
    text = cell.strip().rstrip("*").upper()
    if numeric and text.isdigit():
        text = text.zfill(5)
    if not _CODE.fullmatch(text):
        raise ValueError(f"{cell!r} is no procedure code")
    return text


@lru_cache(maxsize=1 << 16)
def number(cell: str, places: int, what: str, needed: bool = False) -> str | None:
    """Return a number or an amount of dollars as plain text, None where the cell is empty. Raises ValueError."""
    text = cell.replace("$", "").replace(",", "").replace("\u00a0", "").strip()
    if not text:
        if needed:
            raise ValueError(f"{what} is empty")
        return None
    match = _NUMBER.fullmatch(text)
    if not match:
        raise ValueError(f"{what} {cell!r} is not a number")
    if len((match.group(1) or match.group(2) or "").rstrip("0")) > places:
        raise ValueError(f"{what} {cell!r} has more than {places} decimals")
    return text


def padded(cell: str, width: int, what: str) -> str:
    """Return a number of an office or area with its leading zeros. Raises ValueError."""
    text = cell.strip()
    if not text.isdigit() or len(text) > width:
        raise ValueError(f"{what} {cell!r} is not of {width} digits")
    return text.zfill(width)


def month_year(text: str) -> tuple[int, int] | None:
    """Return the month and year that a text such as "April 2026 Payment Rate" names first, or None."""
    found = re.search(r"\b(" + "|".join(MONTHS) + r")[ ,.-]+(?:of +)?(20\d\d)\b", text.lower())
    return (MONTHS.index(found.group(1)) + 1, int(found.group(2))) if found else None


def calendar_year(text: str) -> int | None:
    """Return the year that a title such as "for CY 2026" names, or None."""
    found = re.search(r"\bC(?:Y|ALENDAR YEAR) ?(20\d\d)\b", text.upper())
    return int(found.group(1)) if found else None


def whole_year(year: int, says: str) -> Dated:
    """Return the dating of a content that names only its year."""
    return Dated(date(year, 1, 1), False, says)


def newest(days: Iterable[date], says: str) -> Dated | None:
    """Return the dating that follows from the newest date in the rows, or None when there is none."""
    latest = max(days, default=None)
    return Dated(latest, True, says.format(latest.isoformat())) if latest else None
