"""Facts of many rows: a CSV file with a YAML header that says what its columns are.

Every row carries its dates and its sources in the columns `from`, `until` and `sources` (several keys are separated
by blanks), so a table is a set of histories, one for each value of its key.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from facetwise.knowledge.dating import UNDATED, day_after, day_before, first_day, last_day
from facetwise.knowledge.kinds import TableHeader
from facetwise.knowledge.parts import GRADES
from facetwise.problems import Problem, did_you_mean

ROW_COLUMNS = ("from", "until", "sources")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+")


class Row(msgspec.Struct, frozen=True):
    """One row: its texts in the order of the header's columns, its dates, its sources, its line."""

    cells: tuple[str | None, ...]
    start: date | None
    end: date | None
    sources: tuple[str, ...]
    line: int
    evidence: str | None = None


class Table(msgspec.Struct, frozen=True):
    """A compiled table; `columns` maps a name to its type, in order."""

    id: str
    title: str
    columns: dict[str, str]
    key: tuple[str, ...]
    rows: tuple[Row, ...]
    layer: str
    file: str
    note: str = ""

    def record(self, row: Row) -> dict[str, Any]:
        """Return a row's values by column, typed: Decimal, int, date, bool, text, or None where the cell is empty."""
        return {name: typed(cell, kind) for (name, kind), cell in zip(self.columns.items(), row.cells, strict=True)}

    def records(self, day: date | None = None, **key: str | None) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Yield rows and their values; with `day`, those that hold on it; with `key`, those whose cells read so."""
        names = list(self.columns)
        wanted = [(names.index(column), text) for column, text in key.items()]
        for row in self.rows:
            if wanted and any(row.cells[place] != text for place, text in wanted):
                continue
            if day is None or ((row.start or date.min) <= day <= (row.end or date.max)):
                yield row, self.record(row)


def typed(cell: str | None, kind: str) -> Any:
    """Return the value of a cell of a column of this type. Raises ValueError."""
    if cell is None:
        return None
    if kind == "decimal":
        if not _DECIMAL.fullmatch(cell):
            raise ValueError(f"{cell!r} is not a number such as 12 or 12.50")
        return Decimal(cell)
    if kind == "integer":
        if not _INTEGER.fullmatch(cell):
            raise ValueError(f"{cell!r} is not a whole number")
        return int(cell)
    if kind == "date":
        return first_day(cell)
    if kind == "boolean":
        if cell not in ("true", "false"):
            raise ValueError(f"{cell!r} is neither true nor false")
        return cell == "true"
    if kind in ("words", "sources"):
        return tuple(cell.split())
    return cell


def read_table(header: TableHeader, table_id: str, path: Path, name: str, layer: str, problems: list[Problem]) -> Table:
    """Read the CSV of a table; what is wrong is appended to `problems` with its line."""
    rows: list[Row] = []
    empty = Table(table_id, header.title, dict(header.columns), header.key, (), layer, name, header.note)
    try:
        # Spreadsheets put a mark before the first byte of what they save as UTF-8.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem(name, 0, "the file that the table's header names does not exist"))
        return empty
    except UnicodeDecodeError as error:
        problems.append(Problem(name, 0, f"byte {error.start} is not UTF-8", mend="save the file as UTF-8"))
        return empty
    if "\0" in text:
        problems.append(Problem(name, 0, "a byte 0", "text"))
        return empty
    reader = csv.reader(io.StringIO(text), strict=True)
    wanted = [*header.columns, *ROW_COLUMNS]
    head = next(reader, [])
    if head not in (wanted, [*wanted, "evidence"]):
        odd = [column for column in head if column not in (*wanted, "evidence")]
        problems.append(
            Problem(
                name,
                1,
                f"columns {', '.join(head)}",
                ", ".join(wanted) + " in this order (and 'evidence', if you like, last)",
                did_you_mean(odd[0], wanted) if odd else "",
            )
        )
        return empty
    kinds = list(header.columns.values())
    for line, record in _records(reader, name, problems):
        if not record:
            continue
        if len(record) != len(head):
            problems.append(Problem(name, line, f"{len(record)} cells", f"{len(head)}"))
            continue
        cells = tuple(cell.strip() or None for cell in record[: len(kinds)])
        since, until, sources = record[len(kinds) : len(kinds) + 3]
        try:
            for cell, kind in zip(cells, kinds, strict=True):
                typed(cell, kind)
            start = None if since == UNDATED else first_day(since)
            end = last_day(until) if until else None
        except ValueError as error:
            problems.append(Problem(name, line, str(error)))
            continue
        if end and start and end < start:
            problems.append(Problem(name, line, f"the row ends {end}, before it begins {start}"))
        if not sources.split():
            problems.append(Problem(name, line, "no source", "one or more keys of knowledge/sources"))
        evidence = record[-1].strip() or None if head[-1] == "evidence" else None
        if evidence not in (None, *GRADES):
            problems.append(Problem(name, line, f"evidence {evidence!r}", "one of " + ", ".join(GRADES)))
        rows.append(Row(cells, start, end, tuple(sources.split()), line, evidence))
    rows = _closed(header, rows, name, problems)
    return Table(table_id, header.title, dict(header.columns), header.key, tuple(rows), layer, name, header.note)


def _records(reader: Any, name: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Yield the records with the line on which each ends; a record that is no CSV ends the table."""
    try:
        for record in reader:
            yield reader.line_num, record
    except csv.Error as error:
        problems.append(Problem(name, reader.line_num, f"this is not CSV: {error}", mend="check the quotes"))


def _closed(header: TableHeader, rows: list[Row], name: str, problems: list[Problem]) -> list[Row]:
    """End each open row the day before the next of the same key begins; report rows of one key that overlap."""
    names = list(header.columns)
    try:
        places = [names.index(column) for column in header.key]
    except ValueError:
        problems.append(Problem(name, 1, f"key {', '.join(header.key)}", "columns of the table"))
        return rows
    groups: dict[tuple[str | None, ...], list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(tuple(row.cells[place] for place in places), []).append(number)
    for key, numbers in groups.items():
        numbers.sort(key=lambda number: rows[number].start or date.min)
        for earlier, later in itertools.pairwise(numbers):
            begins = rows[later].start or date.min
            if (rows[earlier].start or date.min) == begins:
                shown = ", ".join(part or "-" for part in key)
                problems.append(
                    Problem(
                        name,
                        rows[later].line,
                        f"a second row for {shown} from the same date (the first is line {rows[earlier].line})",
                        mend="keep one, or make the key finer",
                    )
                )
            elif rows[earlier].end is None:
                rows[earlier] = msgspec.structs.replace(rows[earlier], end=day_before(begins))
            elif rows[earlier].end >= begins:  # type: ignore[operator]
                problems.append(
                    Problem(name, rows[later].line, f"this row begins {begins}, before line {rows[earlier].line} ends")
                )
            elif header.period and day_after(rows[earlier].end) < begins:  # type: ignore[arg-type]
                problems.append(
                    Problem(name, rows[later].line, f"nothing is said from {rows[earlier].end} until {begins}")
                )
    return rows
