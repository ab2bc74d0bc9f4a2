"""Offers a Parquet file as claim lines where it lies, when every line of it is as `claims` would leave it.

The statistics of the file answer most of what has to be known; only columns of few values are read for it. Where texts
end is not looked at here but where these are read anyway: see ENDS.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.claims.columns import COLUMNS, NAMES, OPTIONAL, READ_ADDS

if TYPE_CHECKING:
    import duckdb

_TEXTS = tuple(column.name for column in COLUMNS if column.type == "VARCHAR")
_FILLED = tuple(column.name for column in COLUMNS if not column.nullable and column.name not in READ_ADDS)
_UPPER = tuple(
    name for name in _TEXTS if name.startswith(("hcpcs_modifier", "diagnosis_code", "claim_filing", "unit_basis"))
)
_EXACT = {
    "claim_line_number": ("INTEGER", "SMALLINT", "TINYINT", "UTINYINT", "USMALLINT"),
    "claim_line_start_date": ("DATE",),
    "service_unit_quantity": ("DECIMAL(9,3)",),
    "charge_amount": ("DECIMAL(12,2)",),
    **{f"diagnosis_pointer_{number}": ("INTEGER",) for number in range(1, 5)},
}


# Texts of which `claims` only takes the blanks at their ends off (and leaves out what is nothing but blanks).
ENDS = (
    *("claim_id", "person_id", "payer", "place_of_service_code", "bill_type_code", "rendering_npi", "billing_npi"),
    "prior_authorization_number",
)


def odd_ends(*names: str) -> str:
    """Return the condition that one of these columns ends with a blank."""
    return " OR ".join(f"{name}[-1] <= ' '" for name in names)


class OddEndsError(Exception):
    """A text of a file read in place ends with a blank: the files are to be offered again, not in place."""


def offer_in_place(
    connection: duckdb.DuckDBPyConnection, path: Path | str, view: str, file: int, last_day: date
) -> int | None:
    """Make the view of a file that needs no mending and return its lines; None when it has to be read by `claims`.

    A service after `last_day` has to be mended.
    """
    import duckdb

    try:
        with Path(path).open("rb") as opened:
            if opened.read(4) != b"PAR1":
                return None
        rows = connection.read_parquet(str(path), file_row_number=True)
    except (OSError, duckdb.Error):
        return None  # `claims` says what is wrong
    types = dict(zip(rows.columns, (str(kind) for kind in rows.types), strict=True))
    if not _has_types(types):
        return None
    empty, whole, begun = _statistics(connection, path)
    filled = [name for name in NAMES if name in types and name not in empty]
    bounds = [one for one in _bounds(last_day) if one[0] in filled]
    lines = _clean(connection, "read_parquet('" + str(path).replace("'", "''") + "')", filled, whole, begun, bounds)
    if lines is not None:
        _make_view(connection, path, view, file, filled)
    return lines


def _has_types(types: Mapping[str, str]) -> bool:
    for column in COLUMNS:
        if column.name in READ_ADDS:
            continue
        kind = types.get(column.name)
        if kind is None:
            if column.name not in OPTIONAL:
                return False
        elif kind not in _EXACT.get(column.name, ("VARCHAR",)):
            return False
    known = {*NAMES, "file_row_number"}
    return all(name in known for name in types)


def _statistics(connection: duckdb.DuckDBPyConnection, path: Path | str) -> tuple[set[str], set[str], set[str]]:
    """Return the columns in which nothing stands, those in which all stands, and those of which no value begins with a blank.

    Of a column without statistics none of it is known.
    """
    found = connection.execute(
        "SELECT path_in_schema, bool_and(coalesce(stats_null_count = num_values, false)),"
        " bool_and(coalesce(stats_null_count = 0, false)),"
        " bool_and(coalesce(stats_min_value >= '!', stats_null_count = num_values, false))"
        " FROM parquet_metadata($path) GROUP BY path_in_schema",
        {"path": str(path)},
    ).fetchall()
    empty, whole, begun = ({row[0] for row in found if row[place]} for place in (1, 2, 3))
    return empty, whole, begun


def _clean(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    filled: list[str],
    whole: set[str],
    begun: set[str],
    bounds: list[tuple[str, Any, Any]],
) -> int | None:
    """Return how many lines there are when each is as it should be but for where texts end, else None.

    `table` is the file itself, not a view of it: only then do its statistics answer for bounds and what is missing.
    """

    def row(query: str) -> Any:
        return connection.execute(query).fetchone()

    if any(name not in filled for name in _FILLED):
        (lines,) = row(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of our own, here and below
        return None if lines else 0
    asked = ", ".join(f"min({name}), max({name})" for name, _, _ in bounds)
    lines, *values = row(f"SELECT count(*), {asked} FROM {table}")  # noqa: S608
    for place, (_, low, high) in enumerate(bounds):
        least, most = values[2 * place : 2 * place + 2]
        if least is not None and ((low is not None and least < low) or (high is not None and most > high)):
            return None
    queries = [
        *(f"SELECT 1 FROM {table} WHERE {name} IS NULL LIMIT 1" for name in _FILLED if name not in whole),  # noqa: S608
        *(f"SELECT 1 FROM {table} WHERE {name} < '!' LIMIT 1" for name in ENDS if name in filled and name not in begun),  # noqa: S608
        f"SELECT 1 FROM {table} WHERE hcpcs_code IS NULL AND claim_type = 'professional' LIMIT 1",  # noqa: S608
        *(
            f"SELECT 1 FROM (SELECT count(*) FILTER (NOT ({test})) AS odd FROM (SELECT DISTINCT {name} AS v FROM {table}))"  # noqa: S608
            " WHERE odd > 0"
            for name, test in _tests()
            if name in filled
        ),
    ]
    return None if any(row(query) for query in queries) else int(lines)


def _make_view(
    connection: duckdb.DuckDBPyConnection, path: Path | str, view: str, file: int, filled: list[str]
) -> None:
    columns = []
    for column in COLUMNS:
        if column.name == "file":
            columns.append(f"{file:d}::INTEGER AS file")
        elif column.name == "place":
            columns.append("file_row_number + 1 AS place")
        elif column.name in filled:
            columns.append(column.name)
        else:
            columns.append(f"NULL::{column.type} AS {column.name}")
    quoted = str(path).replace("'", "''")
    connection.execute(
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(columns)}, file_row_number AS line_id"  # noqa: S608
        f" FROM read_parquet('{quoted}', file_row_number = true)"
    )


def _bounds(latest: date) -> list[tuple[str, Any, Any]]:
    """Return the columns that are numbers or days, with the least and the greatest that may stand there."""
    return [
        ("claim_line_number", 1, None),
        ("claim_line_start_date", None, latest),
        ("service_unit_quantity", Decimal("0.001"), 100_000),
        ("charge_amount", 0, None),
        *((f"diagnosis_pointer_{number}", 1, 25) for number in range(1, 5)),
    ]


def _tests() -> list[tuple[str, str]]:
    """Return the columns of few distinct values, with what each of their values has to be."""
    tests = [
        ("claim_type", "v IN ('professional', 'institutional')"),
        ("state", "regexp_full_match(v, '[A-Z]{2}')"),
        ("hcpcs_code", "regexp_full_match(v, '[0-9A-Z]{5}')"),
    ]
    tests += [(name, "regexp_full_match(v, '[0-9A-Z]+')") for name in _UPPER]
    return tests
