"""Reads claims of any format: as record batches (`read`), or as a view of DuckDB for the batch engine (`offer`).

Whatever the format, lines in = lines read + lines rejected, and nothing that was rejected is without a record.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from facetwise.claims import flat
from facetwise.claims.columns import NAMES, SCHEMA
from facetwise.claims.fhir import read_fhir
from facetwise.claims.recognize import Found, opened, recognize
from facetwise.claims.rejected import BYTE, Counts, Quarantine, Rejected
from facetwise.claims.x12 import read_837

if TYPE_CHECKING:
    import duckdb

RejectedSink = Callable[[pa.RecordBatch], None]
_TOGETHER = 8_192


@dataclass(slots=True)
class Reading:
    """Claims files that were recognised and are read by `batches`, once.

    `files` are their names, by the index in the column `file`; `counts` and `rejected` keep step with the batches. Where
    `on_rejected` is given it is handed the rejected records as Arrow, and `rejected` keeps only their number.
    """

    files: tuple[str, ...]
    last_day: date
    counts: Counts = field(default_factory=Counts)
    rejected: Quarantine = field(default_factory=Quarantine)
    on_rejected: RejectedSink | None = None
    _found: tuple[Found, ...] = ()
    _work: Path | None = None
    _held: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the claim lines with `columns.SCHEMA`, file by file in their order."""
        for file, found in enumerate(self._found):
            for batch in self._of(file, found):
                self._step(_TOGETHER)
                yield batch
            self._step(_TOGETHER)
        self._step(1)

    def _of(self, file: int, found: Found) -> Iterator[pa.RecordBatch]:
        if found.format in ("csv", "parquet"):
            yield from self._flat(file, found)
            return
        reader = read_837 if found.format == "837" else read_fhir
        with opened(found) as stream:
            yield from reader(stream.read, file, self.last_day, self.rejected, self.counts)
            if getattr(stream, "cut", False):
                self.rejected.add(Rejected(file, 0, BYTE, None, None, 0, "the gzip file is damaged or ends early"))

    def _flat(self, file: int, found: Found) -> Iterator[pa.RecordBatch]:
        import duckdb

        with _workplace(self._work) as work, contextlib.closing(duckdb.connect()) as connection:
            flat.prepare(connection, self.last_day)
            _flat_view(connection, found, file, work, "claims_file", self.rejected)
            lines = connection.table("claims_file").filter("reason IS NULL").select(*NAMES)
            for batch in lines.to_arrow_reader(32_768):
                self.counts.lines += batch.num_rows
                self.counts.claims = None
                yield pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA)
            flat.reject_rows(connection, "claims_file", self.last_day, self.rejected)

    def _step(self, least: int) -> None:
        self.counts.rejected, self.counts.rejected_lines = self.rejected.count, self.rejected.lines
        if self.on_rejected is not None and len(self.rejected.records) >= least:
            self.on_rejected(self.rejected.take())


def read(
    paths: Sequence[str | Path],
    *,
    last_day: date | None = None,
    work: Path | None = None,
    on_rejected: RejectedSink | None = None,
) -> Reading:
    """Recognise claims files ("-": standard input) and return a `Reading`, whose `batches` reads them.

    Dates of service after `last_day` are refused; left out, it is the last day of the knowledge or, if that is later, today.
    `work` is a directory for temporary files (a CSV as Parquet, standard input), which are deleted; left out, one is made.
    Raises FacetwiseError for a file that holds no claims or has not the columns.
    """
    return _reading(paths, last_day, work, on_rejected)


def offer(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[str | Path],
    work: Path,
    *,
    last_day: date | None = None,
    name: str = "claim_line",
    first_file: int = 0,
    on_rejected: RejectedSink | None = None,
) -> Reading:
    """Offer the lines of claims files as the view `name`, for the batch engine.

    It has the columns of the table; Parquet is read in place, other formats are turned into Parquet in `work`, which must stay
    until the connection is closed. `first_file` is the index of the first of these files (history comes after the claims).
    The `Reading` that is returned is done: its counts and rejected records are whole. Raises FacetwiseError.
    """
    reading = _reading(paths, last_day, work, on_rejected)
    flat.prepare(connection, reading.last_day)
    parts: list[duckdb.DuckDBPyRelation] = []
    for number, one in enumerate(reading._found):
        file, part = first_file + number, f"{name}_{number}"
        if one.format in ("csv", "parquet"):
            _flat_view(connection, one, file, work, part, reading.rejected)
            flat.reject_rows(connection, part, reading.last_day, reading.rejected)
            lines = connection.table(part).filter("reason IS NULL").select(*NAMES)
            reading.counts.claims = None
            reading.counts.lines += int(lines.aggregate("COUNT(*)").fetchall()[0][0])
        else:
            out = work / f"{part}.parquet"
            with pq.ParquetWriter(out, SCHEMA, compression="zstd") as writer:
                for batch in reading._of(file, one):
                    writer.write_batch(batch)
                    reading._step(_TOGETHER)
            lines = connection.read_parquet(str(out))
        reading._step(_TOGETHER)
        parts.append(lines)
    reading._step(1)
    whole = parts[0]
    for part_lines in parts[1:]:
        whole = whole.union(part_lines)
    whole.create_view(name, replace=True)
    return reading


def _flat_view(
    connection: duckdb.DuckDBPyConnection, found: Found, file: int, work: Path, view: str, rejected: Quarantine
) -> None:
    """Make a view of a CSV or Parquet as the claim-line table with `reason`."""
    one = flat.Flat(found.path, found.name, file, found.packed)
    if found.format == "parquet":
        flat.parquet(connection, one).create_view(view, replace=True)
        return
    out = work / f"{view}.parquet"
    flat.csv_to_parquet(connection, one, lambda: opened(found), out, rejected)
    connection.read_parquet(str(out)).create_view(view, replace=True)


def _reading(
    paths: Sequence[str | Path], last_day: date | None, work: Path | None, on_rejected: RejectedSink | None
) -> Reading:
    held: list[tempfile.TemporaryDirectory[str]] = []
    found = tuple(_standard_input(work, held) if str(path) == "-" else recognize(Path(path)) for path in paths)
    names = tuple(one.name for one in found)
    return Reading(names, last_day or _last_day(), on_rejected=on_rejected, _found=found, _work=work, _held=held)


def _standard_input(work: Path | None, held: list[tempfile.TemporaryDirectory[str]]) -> Found:
    """Put standard input into a file, which goes when the reading does: its format is told by looking twice."""
    held.append(tempfile.TemporaryDirectory(dir=work, prefix="facetwise-claims-"))
    path = Path(held[-1].name, "standard-input")
    with path.open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target, 1 << 20)
    return recognize(path)._replace(name="standard input")


@contextlib.contextmanager
def _workplace(work: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=work, prefix="facetwise-claims-") as place:
        yield Path(place)


def _last_day() -> date:
    from facetwise.knowledge import load

    return max(load().store.horizon.until, date.today())
