"""Writes claim lines: as CSV and Parquet with their columns, as 837P, as FHIR NDJSON; whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from facetwise.claims.columns import NAMES, READ_ADDS, SCHEMA
from facetwise.problems import FacetwiseError, Problem

Row = dict[str, Any]
# What reading adds says where a line was read, not what it is.
WRITTEN: tuple[str, ...] = tuple(name for name in NAMES if name not in READ_ADDS)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when all of it is written, and leaves nothing where that fails."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(Problem(str(path), 0, f"it cannot be written: {reason}", "a writable place")) from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_csv(path: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write claim lines as CSV; return how many. NULL is an empty cell."""
    with whole(path) as file:
        schema = pa.schema([SCHEMA.field(name) for name in WRITTEN])
        with pa_csv.CSVWriter(file, schema, write_options=pa_csv.WriteOptions(quoting_style="needed")) as writer:
            return _each(batches, writer.write_batch)


def write_parquet(path: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write claim lines as Parquet; return how many."""
    with whole(path) as file:
        schema = pa.schema([SCHEMA.field(name) for name in WRITTEN])
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            return _each(batches, writer.write_batch)


def _each(batches: Iterable[pa.RecordBatch], write: Callable[[pa.RecordBatch], None]) -> int:
    count = 0
    for batch in batches:
        write(batch.select(list(WRITTEN)))
        count += batch.num_rows
    return count


def claims(batches: Iterable[pa.RecordBatch]) -> Iterator[list[Row]]:
    """Give the lines of each claim together: rows that follow each other and have the same claim id and type."""
    rows: list[Row] = []
    for batch in batches:
        for row in batch.to_pylist():
            if rows and (row["claim_id"], row["claim_type"]) != (rows[0]["claim_id"], rows[0]["claim_type"]):
                yield rows
                rows = []
            rows.append(row)
    if rows:
        yield rows


def same(rows: list[Row], name: str) -> Any:
    """Return what all lines of a claim have in a column, or None where they differ."""
    first = rows[0][name]
    return first if all(row[name] == first for row in rows) else None


def plain(number: Any) -> str:
    """Return a decimal without zeros that say nothing: "1", "1.5", "100"."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
