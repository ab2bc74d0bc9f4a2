"""The sample as 837P and FHIR, through the writers of `claims`: row by row, so for thousands of claims rather than millions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.claims.columns import COLUMNS, SCHEMA
from facetwise.claims.write_fhir import write_fhir
from facetwise.claims.write_x12 import write_837p
from facetwise.sample.rows import FLAT, Rows

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

_ROWS = 16_384
_NOON = time(12)


def write_form(rows: Rows, query: str, path: Path, form: str, last: date) -> int:
    """Write the lines of a query as 837P, dated the day `last`, or FHIR; return how many lines."""
    if form == "837":
        return write_837p(path, _batches(rows, query), at=datetime.combine(last, _NOON), test=True)
    return write_fhir(path, _batches(rows, query))


def _batches(rows: Rows, query: str) -> Iterator[pa.RecordBatch]:
    """Give the lines with every column of the claim-line table."""
    import pyarrow as pa

    given = [
        column.name
        if column.name in FLAT
        else f"CAST({'0' if not column.nullable else 'NULL'} AS {column.type}) AS {column.name}"
        for column in COLUMNS
    ]
    reader = rows.connection.sql(f"SELECT {', '.join(given)} FROM ({query})").to_arrow_reader(_ROWS)  # noqa: S608
    for batch in reader:
        yield pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA)
