"""NCCI procedure-to-procedure edits: seven columns, millions of rows, read by the database itself [ncci-ptp-v32-2-head].

The tables for practitioners and for hospitals have one layout and one header, so which of them a file is has to be said.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from facetwise.catalog.content import AGAIN, Content, first_foreign_byte
from facetwise.catalog.layouts.reading import Bulk, Layout, Reading, Rejected
from facetwise.catalog.spans import Dated, quarter_of

COLUMNS = ("column1", "column2", "prior", "effective", "deleted", "indicator", "rationale")
_CODE = re.compile(r"[0-9A-Z]{5}")
_DAY = re.compile(r"\d{8}")
_TAIL = 4096


def _header(content: Content) -> int | None:
    """Return how many records come before the first edit, or None when this is no table of edits."""
    records = content.head_records
    named = any(
        [cell.lower() for cell in cells[:2]] == ["column 1", "column 2"] and "effective" in " ".join(cells).lower()
        for cells in records[:12]
    )
    if not named:
        return None
    for place, cells in enumerate(records):
        if len(cells) >= 6 and _DAY.fullmatch(cells[3]) and _CODE.fullmatch(_code(cells[0])):
            return place
    return None


def _code(cell: str) -> str:
    # A workbook may keep a code as a number, which has no leading zeros.
    return cell.zfill(5) if cell.isdigit() else cell


def _read(content: Content) -> Reading:
    skip = _header(content) or 0
    top = " ".join(cell for cells in content.head_records[:skip] for cell in cells)
    reading = Reading(
        content, "ptp", "ptp", alternatives=("ptp_practitioner", "ptp_hospital"), hint="its rows are the same in both"
    )
    path, newline = content.path, "\n"
    if content.sheet or content.delimiter != "\t":
        path, skip = _as_text(content, skip), 0
    else:
        with path.open("rb") as file:
            newline = "\r\n" if b"\r\n" in file.read(1 << 16) else "\n"
    lines, first, last = _measure(content, path, skip)
    reading.bulk = Bulk(path, skip, lines, newline)
    reading.first, reading.last = first, last
    copyright_year = re.search(r"copyright (20\d\d)", top)
    since = int(copyright_year.group(1)) if copyright_year else 0
    reading.date_of = lambda: _newest(reading, since)
    return reading


def _as_text(content: Content, skip: int) -> Path:
    with tempfile.NamedTemporaryFile(
        "w", dir=content.scratch, suffix=".tsv", delete=False, newline="", encoding="utf-8"
    ) as file:
        writer = csv.writer(
            file, delimiter="\t", quoting=csv.QUOTE_NONE, escapechar=None, quotechar=None, lineterminator="\n"
        )
        for number, (_, cells) in enumerate(content.records()):
            if number < skip or not any(cells):
                continue
            padded = [cell.replace("\t", " ").replace("\n", " ").strip() for cell in cells[:7]] + [""] * (
                7 - len(cells)
            )
            writer.writerow([_code(padded[0]), _code(padded[1]), *padded[2:]])
    return Path(file.name)


def _measure(content: Content, path: Path, skip: int) -> tuple[int, str, str]:
    """Return the lines in all and the first and last edit. Raises FacetwiseError when the file is cut mid-line."""
    lines, ended, plain = 0, True, True
    with path.open("rb") as file:
        for _ in range(skip):
            file.readline()
        first = file.readline().decode(errors="replace").split("\t")
        file.seek(0)
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            ended = chunk.endswith(b"\n")
            plain = plain and chunk.isascii()
        size = file.tell()
        file.seek(max(0, size - _TAIL))
        tail = [line for line in file.read().split(b"\n") if line.strip()]
    foreign = None if plain else first_foreign_byte(path)
    if foreign:
        raise content.not_utf8(*foreign)
    last = tail[-1].decode().rstrip("\r").split("\t") if tail else []
    if not ended:
        lines += 1
        if len(last) < len(COLUMNS):
            raise content.refuse(
                f"the last line has {len(last)} cells and no end", f"{len(COLUMNS)}: the file is cut", AGAIN, lines
            )
    return lines, "".join(first[:2]), "".join(last[:2])


def source(bulk: Bulk) -> str:
    """Return the table function that reads the text; rows that do not fit its types are left out."""
    path = str(bulk.path).replace("'", "''")
    types = {"effective": "DATE", "deleted": "DATE"}
    columns = ", ".join(f"'{name}': '{types.get(name, 'VARCHAR')}'" for name in COLUMNS)
    newline = bulk.newline.replace("\r", "\\r").replace("\n", "\\n")
    return (
        f"read_csv('{path}', auto_detect = false, header = false, delim = '\t', quote = '', escape = '', "
        f"skip = {bulk.skip}, new_line = '{newline}', dateformat = '%Y%m%d', nullstr = ['*'], ignore_errors = true, "
        f"columns = {{{columns}}})"
    )


# What a row must be beside its types; the same as _fault() says, for the rows that the database has taken in.
SOUND = (
    "length(column1) = 5 AND length(column2) = 5 AND effective IS NOT NULL AND indicator IN ('0', '1', '9') "
    "AND regexp_full_match(pair, '[0-9A-Z]{10}')"
)


def faults(bulk: Bulk) -> Iterator[Rejected]:
    """Yield the rows that are not sound, with their lines: a slow pass, needed only where there are any."""
    with bulk.path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line, text in enumerate(file, 1):
            if line > bulk.skip and text.strip():
                reason = _fault(text.rstrip("\r\n").split("\t"))
                if reason:
                    yield Rejected(line, reason)


def _fault(cells: list[str]) -> str:
    if len(cells) != len(COLUMNS):
        return f"{len(cells)} cells where an edit has {len(COLUMNS)}"
    column1, column2, _, effective, deleted, indicator, _ = cells
    for cell in (column1, column2):
        if not _CODE.fullmatch(cell):
            return f"{cell!r} is no procedure code"
    if not _is_day(effective):
        return f"{effective!r} is no effective date"
    if deleted != "*" and not _is_day(deleted):
        return f"{deleted!r} is neither a deletion date nor *"
    return "" if indicator in ("0", "1", "9") else f"{indicator!r} is no modifier indicator (0, 1, 9)"


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d")
    except ValueError:
        return False
    return True


def _newest(reading: Reading, since: int) -> Dated | None:
    """Return the quarter of the newest edit, where that is later than the year of the copyright line.

    A table of one year bears the copyright of the year before, and each release brings new edits; a part of a table need
    not have any of them.
    """
    import duckdb

    if reading.bulk is None:
        return None
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT max(effective) FROM {source(reading.bulk)}").fetchone()  # noqa: S608
    latest: date | None = found[0] if found else None
    if latest is None or latest.year <= since:
        return None
    return Dated(quarter_of(latest), True, f"its newest edits, of {latest.isoformat()}")


LAYOUTS = (Layout("NCCI PTP edits", "ptp", lambda content: _header(content) is not None, _read),)
