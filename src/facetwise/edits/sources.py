"""Offers the files of a check as one relation `source`: the claim-line table with line_id, checked and, later, lots.

Parquet that is already in the form of the claim-line table is read in place, as often as the batch engine likes; whatever else
goes once through the readers of `claims` into a Parquet file in the work directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.claims.columns import NAMES
from facetwise.edits.in_place import offer_in_place
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(slots=True)
class Source:
    """What was read: names of the files by their index, lines and lines rejected of what is checked and of the history.

    `rejected` counts the records of what was rejected in all files. `unseen`: of lines read in place nobody has looked
    whether a text of ENDS ends with a blank. Whoever reads them has to, and raise OddEndsError.
    """

    files: tuple[str, ...]
    lines: int = 0
    unseen: bool = False
    history_lines: int = 0
    rejected_lines: int = 0
    history_rejected: int = 0
    rejected: int = 0


class Writer:
    """Takes rejected records as Arrow and writes them as NDJSON with the names of their files."""

    def __init__(self, path: Path):
        self._file = path.open("wb")
        self.names: Sequence[str] = ()

    def __call__(self, batch: pa.RecordBatch) -> None:
        import msgspec

        for record in batch.to_pylist():
            record["file"] = self.names[record["file"]] if record["file"] < len(self.names) else record["file"]
            self._file.write(msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        self._file.close()


def offer_source(
    connection: duckdb.DuckDBPyConnection,
    claims: Sequence[Path | str],
    history: Sequence[Path | str],
    work: Path,
    rejected: Writer,
    *,
    last_day: date,
    in_place: bool = True,
) -> Source:
    """Create the view `source` and return what it holds; dates of service after `last_day` are refused.

    Raises FacetwiseError for files that cannot be read.
    """
    given = [(1, path) for path in claims] + [(0, path) for path in history]
    rejected.names = tuple(_name(path) for _, path in given)
    found = Source(rejected.names)
    parts: list[str] = []
    first = 0
    for number, (checked, path) in enumerate(given):
        view = f"given_{number}"
        lines = offer_in_place(connection, path, view, number, last_day) if in_place else None
        if lines is not None:
            found.unseen = True
        else:
            lines = _read(connection, path, view, number, work, rejected, found, last_day, checked=bool(checked))
        parts.append(
            f"SELECT * REPLACE (line_id + {first:d} AS line_id), {checked:d} AS checked FROM {view}"  # noqa: S608
        )
        first += lines
        if checked:
            found.lines += lines
        else:
            found.history_lines += lines
    connection.execute("CREATE OR REPLACE VIEW source AS " + " UNION ALL ".join(parts))
    return found


def _name(path: Path | str) -> str:
    return "standard input" if str(path) == "-" else str(path)


def _read(
    connection: duckdb.DuckDBPyConnection,
    path: Path | str,
    view: str,
    file: int,
    work: Path,
    rejected: Writer,
    found: Source,
    last_day: date,
    *,
    checked: bool,
) -> int:
    """Read one file through `claims` into the work directory and offer that; return its lines."""
    from facetwise.claims import offer

    inner = connection.cursor()
    try:
        reading = offer(
            inner, [path], work, name=f"{view}_lines", first_file=file, last_day=last_day, on_rejected=rejected
        )
        out = work / f"{view}.parquet"
        inner.execute(f"SET preserve_insertion_order = true; COPY {view}_lines TO '{_quoted(out)}' (FORMAT parquet)")
        inner.execute("SET preserve_insertion_order = false")
    finally:
        inner.close()
    found.rejected += reading.counts.rejected
    if checked:
        found.rejected_lines += reading.counts.rejected_lines
    else:
        found.history_rejected += reading.counts.rejected_lines
    columns = ", ".join(NAMES)
    connection.execute(
        f"CREATE OR REPLACE VIEW {view} AS SELECT {columns}, file_row_number AS line_id"  # noqa: S608 - names of our own
        f" FROM read_parquet('{_quoted(out)}', file_row_number = true)"
    )
    return reading.counts.lines


def _quoted(path: Path | str) -> str:
    return str(path).replace("'", "''")


def refuse_output(out: Path, inputs: Sequence[Path | str]) -> None:
    """Raise FacetwiseError when the findings would be written over an input, or to no directory."""
    for name in inputs:
        if out.exists() and str(name) != "-" and Path(name).exists() and out.samefile(name):
            raise FacetwiseError(Problem(str(out), 0, "the findings would be written over the input", "another name"))
    if not out.absolute().parent.is_dir():
        raise FacetwiseError(Problem(str(out), 0, f"there is no directory {out.parent}", "a directory that exists"))
