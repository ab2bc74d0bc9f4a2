"""Reads CSV and Parquet with the columns of the claim-line table set-wise in DuckDB; the SQL is in claims/sql."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from facetwise.claims import csv_rows
from facetwise.claims.columns import NAMES, OPTIONAL, READ_ADDS
from facetwise.claims.rejected import LINE_REASONS, ROW, Quarantine, Rejected, late_reason
from facetwise.headers import missing, slips
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_NUMBER = _WHOLE | {"DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT"}
_STAMP = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_ZONED = frozenset({"TIMESTAMP WITH TIME ZONE"})
# Which macros read a column that is not text: by the types of the file, the last for text.
_READ: dict[str, tuple[tuple[frozenset[str], str], ...]] = {
    "claim_line_number": ((_WHOLE, "claims_line_whole"), (frozenset(), "claims_line_text")),
    "claim_line_start_date": (
        (_STAMP, "claims_day_date"),
        (_ZONED, "claims_day_zoned"),
        (frozenset(), "claims_day_text"),
    ),
    "service_unit_quantity": ((_NUMBER, "claims_units_number"), (frozenset(), "claims_units_text")),
    "charge_amount": ((_NUMBER, "claims_charge_number"), (frozenset(), "claims_charge_text")),
    **dict.fromkeys(
        (name for name in NAMES if name.startswith("diagnosis_pointer_")),
        ((_NUMBER, "claims_pointer_number"), (frozenset(), "claims_pointer_text")),
    ),
}
_FAULTS = {"service_unit_quantity": "units_fault", "charge_amount": "charge_fault"}
_NEEDED = tuple(name for name in NAMES if name not in OPTIONAL and name not in READ_ADDS)


class Flat(NamedTuple):
    """One CSV or Parquet: its path, its name for messages, its index among the files read, and whether it is gzipped."""

    path: Path
    name: str
    file: int
    packed: bool = False


def prepare(connection: duckdb.DuckDBPyConnection, last_day: date) -> None:
    """Make the macros and the last day that can be checked known to a connection."""
    import duckdb

    connection.execute(_sql("macros"))
    connection.execute("SET VARIABLE claims_last_day = ?", [duckdb.Value(last_day, duckdb.sqltypes.DATE)])


def parquet(connection: duckdb.DuckDBPyConnection, flat: Flat) -> duckdb.DuckDBPyRelation:
    """Return the rows of a Parquet file as the claim-line table, with `reason` where a row is refused.

    The file is read anew each time the relation is, and only the columns that are asked for. Raises FacetwiseError.
    """
    import duckdb

    try:
        rows = connection.read_parquet(str(flat.path), file_row_number=True)
    except duckdb.Error as error:
        found = str(error).splitlines()[0][:200]
        raise FacetwiseError(Problem(flat.name, 0, f"it is no Parquet file that can be read: {found}")) from None
    place = duckdb.ColumnExpression("file_row_number") + duckdb.ConstantExpression(1)
    columns = [name for name in rows.columns if name != "file_row_number"]
    return normal(rows, columns, columns, flat, place)


def csv_to_parquet(
    connection: duckdb.DuckDBPyConnection, flat: Flat, opened: Callable[[], Any], out: Path, quarantine: Quarantine
) -> None:
    """Write the rows of a CSV as the claim-line table with `reason` to the Parquet file `out`.

    `opened` opens the file (unpacked) anew. A clean file is read by DuckDB; one with a row that is too long, ragged, not UTF-8
    or over several lines is read row by row, and what is no row goes to `quarantine`. Raises FacetwiseError.
    """
    with opened() as file:
        shape = csv_rows.look(file.read)
    _check(flat, shape.columns)
    if shape.clean and _written_quickly(connection, flat, shape, out):
        return
    with opened() as file:
        rows = csv_rows.batches(file.read, shape, flat.file, quarantine)
        first = next(rows)
        reader = pa.RecordBatchReader.from_batches(first.schema, _with(first, rows))
        relation = connection.from_arrow(reader)
        cells = [f"c{number}" for number in range(len(shape.columns))]
        import duckdb

        _write(normal(relation, cells, shape.columns, flat, duckdb.ColumnExpression("place")), out)


def reject_rows(connection: duckdb.DuckDBPyConnection, view: str, last_day: date, quarantine: Quarantine) -> None:
    """Put the refused rows of a view of `parquet` or of what `csv_to_parquet` wrote into `quarantine`."""
    reasons = {**LINE_REASONS, "date-late": late_reason(last_day)}
    bad = connection.table(view).filter("reason IS NOT NULL")
    refused = bad.select("file, place, claim_id, reason").order("place")
    for batch in refused.to_arrow_reader(16_384):
        for file, place, claim_id, reason in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            quarantine.add(Rejected(file, place, ROW, None, claim_id, 1, reasons[reason]))


def _with(first: pa.RecordBatch, rest: Any) -> Any:
    yield first
    yield from rest


def _written_quickly(connection: duckdb.DuckDBPyConnection, flat: Flat, shape: csv_rows.Shape, out: Path) -> bool:
    """Write a CSV by DuckDB's reader; return whether every line of it was a row."""
    import duckdb

    cells = [f"c{number}" for number in range(len(shape.columns))]
    rows = connection.read_csv(
        str(flat.path),
        header=True,
        sep=shape.delimiter,
        quotechar='"',
        escapechar='"',
        auto_detect=False,
        columns=dict.fromkeys(cells, "VARCHAR"),
        compression="gzip" if flat.packed else "none",
        max_line_size=csv_rows.ROW_MOST,
    )
    numbered = rows.select("*, ROW_NUMBER() OVER () AS place")
    try:
        _write(normal(numbered, cells, shape.columns, flat, duckdb.ColumnExpression("place")), out)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    written = connection.read_parquet(str(out)).aggregate("COUNT(*)").fetchall()
    return bool(written[0][0] == shape.rows)


def _write(relation: duckdb.DuckDBPyRelation, out: Path) -> None:
    relation.write_parquet(str(out), compression="zstd", row_group_size=122_880)


def _check(flat: Flat, columns: tuple[str, ...]) -> None:
    names = [column.strip().lower() for column in columns]
    problems = list(slips(flat.name, names, [name for name in NAMES if name not in READ_ADDS]))
    slipped = {problem.mend for problem in problems}
    absent = [name for name in _NEEDED if name not in names and f"did you mean {name!r}?" not in slipped]
    problems += [missing(flat.name, columns, *absent)] if absent else []
    twice = sorted({name for name in names if names.count(name) > 1 and name in NAMES})
    problems += [Problem(flat.name, 1, f"the column {name} stands there twice", "each column once") for name in twice]
    if problems:
        raise FacetwiseError(problems)


def normal(
    rows: duckdb.DuckDBPyRelation,
    cells: list[str],
    columns: tuple[str, ...] | list[str],
    flat: Flat,
    place: Any,
) -> duckdb.DuckDBPyRelation:
    """Return rows as the claim-line table with `reason`. `cells` are the relation's columns, `columns` the names that they have
    in the file, `place` is the expression of a row's number. Raises FacetwiseError for columns that do not fit."""
    import duckdb

    _check(flat, tuple(columns))
    cell_of = {column.strip().lower(): cell for column, cell in zip(columns, cells, strict=True)}
    kinds = {name: str(kind).split("(")[0] for name, kind in zip(rows.columns, rows.types, strict=True)}
    text = duckdb.sqltypes.VARCHAR
    chosen = []
    for name in NAMES:
        if name in READ_ADDS:
            continue
        cell = cell_of.get(name)
        kind = kinds[cell] if cell else "VARCHAR"
        given = duckdb.ColumnExpression(cell) if cell else duckdb.ConstantExpression(None).cast(text)
        macro = next((macro for types, macro in _READ.get(name, ()) if kind in types or not types), "")
        if not macro or not any(kind in types for types, _ in _READ[name]):
            given = given.cast(text)
        value = duckdb.FunctionExpression(macro, given) if macro else given
        chosen.append(value.alias(name))
        if name in _FAULTS:
            chosen.append(duckdb.FunctionExpression(f"{macro}_fault", given).alias(_FAULTS[name]))
    chosen.append(duckdb.ConstantExpression(flat.file).cast(duckdb.sqltypes.INTEGER).alias("file"))
    chosen.append(place.cast(duckdb.sqltypes.BIGINT).alias("place"))
    found = rows.select(*chosen).query("claims_given", _sql("normal"))
    assert found is not None
    return found


def _sql(name: str) -> str:
    return resources.files("facetwise.claims").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def is_flat_header(head: bytes) -> bool:
    """Whether the first line of a file is a header that names at least two columns of the claim-line table."""
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    for delimiter in ",\t;|":
        names = {name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])}
        if len(names & set(NAMES)) >= 2:
            return True
    return False
