"""Lets the SQL of set-wise pricing read its inputs: the tables of the knowledge, and a file of lines in any of its shapes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.headers import missing, slips
from facetwise.payment import fees
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

    from facetwise.knowledge.store import Store

# Columns that answer the same question, the first named first; one of each of the first five must be there.
COLUMNS: tuple[tuple[str, ...], ...] = (
    ("claim_id",),
    ("claim_line_number",),
    ("hcpcs_code",),
    ("service_unit_quantity",),
    ("date_of_service", "claim_line_start_date"),
    ("place_of_service_code",),
    ("setting",),
    ("claim", "claim_type"),
    *((f"hcpcs_modifier_{number}",) for number in range(1, 6)),
    *(
        (name,)
        for name in ("mac", "locality", "state", "zip", "apm_participant", "charge_amount", "wage_index", "cbsa")
    ),
)
_NEEDED = (*COLUMNS[:5], ("place_of_service_code", "setting"))
# What one option answers for the whole file; a file that has one of these columns answers for itself.
_ANSWERS = (
    ("place_of_service_code", "setting"),
    ("mac", "locality", "state", "zip"),
    *((name, *others) for name, *others in COLUMNS if name in ("date_of_service", "claim")),
    ("apm_participant",),
    ("wage_index", "cbsa"),
)
_KNOWN = tuple(name for names in COLUMNS for name in names)
# Columns that the SQL reads as their file types them; every other is read as text.
_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_NUMBER = _WHOLE | {"DECIMAL", "DOUBLE", "FLOAT"}
_TYPED = {
    "claim_line_number": _WHOLE,
    "service_unit_quantity": _NUMBER,
    "charge_amount": _NUMBER,
    "wage_index": _NUMBER,
    "apm_participant": frozenset({"BOOLEAN"}),
    "date_of_service": frozenset({"DATE", "TIMESTAMP"}),
}
# Which table of the knowledge the SQL reads under which name.
_KNOWLEDGE = {
    "knowledge_physician": fees.PHYSICIAN,
    "knowledge_factor": fees.CONVERSION,
    "knowledge_index": fees.LOCALITIES,
    "knowledge_center": fees.SURGERY_CENTER,
    "knowledge_rule": "fees/rules",
    "knowledge_treatment": "fees/treatments",
    "knowledge_place": "fees/places",
    "knowledge_site": "fees/sites",
}


def offer_knowledge(connection: duckdb.DuckDBPyConnection, store: Store, place: Path) -> None:
    """Offer the tables of the knowledge: their cells as text, and the first and last day of each row.

    They are written to `place` for the engine to read: it has no quicker way from text in Python.
    """
    for name, table_id in _KNOWLEDGE.items():
        table = store.tables.get(table_id)
        if table is None:
            raise FacetwiseError(Problem("", 0, f"the knowledge has no table {table_id}", "the knowledge as shipped"))
        file = place / f"{name}.csv"
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow([*table.columns, "first_day", "last_day"])
            for row in table.rows:
                first, last = row.start or date.min, row.end or date.max
                writer.writerow([*row.cells, first.isoformat(), last.isoformat()])
        types = dict.fromkeys(table.columns, "VARCHAR") | {"first_day": "DATE", "last_day": "DATE"}
        connection.read_csv(str(file), header=True, sep=",", dtype=types).create_view(name)


def offer_lines(connection: duckdb.DuckDBPyConnection, path: Path, defaults: Mapping[str, str]) -> None:
    """Offer the lines as `given`, in which every column is there. Raises FacetwiseError for columns that do not fit."""
    if path.suffix.lower() == ".csv":
        lines = connection.read_csv(str(path), header=True, sep=",", quotechar='"', all_varchar=True)
    else:
        lines = connection.read_parquet(str(path))
    there = {column.strip().lower(): column for column in lines.columns}
    problems = list(_problems(path, there, defaults))
    if problems:
        raise FacetwiseError(problems)
    types = {name: str(kind).split("(")[0] for name, kind in zip(there, lines.types, strict=True)}
    given = lines.select(*[_column(names, there, types, defaults) for names in COLUMNS])
    if path.suffix.lower() == ".csv":
        # The lines are gone through twice, and text is slow to read.
        given.create_view("given_text")
        connection.execute("CREATE TEMP TABLE given AS SELECT * FROM given_text")
    else:
        given.create_view("given")


def _column(
    names: tuple[str, ...], there: Mapping[str, str], types: Mapping[str, str], defaults: Mapping[str, str]
) -> Any:
    """Return a column by the first of its names, the next where that is empty, or the default of a file without it."""
    import duckdb

    text = duckdb.sqltypes.VARCHAR
    offered = [name for name in names if name in there]
    if len(offered) == 1 and types[offered[0]] in _TYPED.get(names[0], ()):
        return duckdb.ColumnExpression(there[offered[0]]).alias(names[0])
    default = next((defaults[name] for name in names if defaults.get(name)), "")
    columns = [duckdb.ColumnExpression(there[name]).cast(text) for name in offered]
    return duckdb.CoalesceOperator(*columns, duckdb.ConstantExpression(default).cast(text)).alias(names[0])


def _problems(path: Path, there: Mapping[str, str], defaults: Mapping[str, str]) -> Iterator[Problem]:
    yield from slips(str(path), there, _KNOWN)
    for group in _NEEDED:
        if not any(name in there or defaults.get(name) for name in group):
            yield missing(str(path), there, " or ".join(group))
    for group in _ANSWERS:
        named, columns = [name for name in group if defaults.get(name)], [name for name in group if name in there]
        if named and columns:
            yield Problem(
                str(path),
                1,
                f"a column {columns[0]}, and the option --{named[0].replace('_', '-')}",
                "one of the two",
                "leave out the option, or the column",
            )
