"""Offers the files of a check as one relation `source`: the claim-line table with line_id, checked and, later, lots.

Parquet that is already in the form of the claim-line table is read in place, as often as the batch engine likes; whatever else
goes once through the readers of `claims` into a Parquet file in the work directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.claims.columns import COLUMNS, NAMES
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_TEXTS = tuple(column.name for column in COLUMNS if column.type == "VARCHAR")
# Few distinct values or few characters: these are looked at value by value, the others row by row.
_LONG = ("claim_id", "person_id")
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


@dataclass(slots=True)
class Source:
    """What was read: names of the files by their index, lines and lines rejected of what is checked and of the history.

    `rejected` counts the records of what was rejected in all files.
    """

    files: tuple[str, ...]
    lines: int = 0
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
) -> Source:
    """Create the view `source` and return what it holds. Raises FacetwiseError for files that cannot be read."""
    given = [(1, path) for path in claims] + [(0, path) for path in history]
    rejected.names = tuple(_name(path) for _, path in given)
    found = Source(rejected.names)
    parts: list[str] = []
    first = 0
    for number, (checked, path) in enumerate(given):
        view = f"given_{number}"
        lines = _in_place(connection, path, view, number)
        if lines is None:
            lines = _read(connection, path, view, number, work, rejected, found, checked=bool(checked))
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
    *,
    checked: bool,
) -> int:
    """Read one file through `claims` into the work directory and offer that; return its lines."""
    from facetwise.claims import offer

    inner = connection.cursor()
    try:
        reading = offer(inner, [path], work, name=f"{view}_lines", first_file=file, on_rejected=rejected)
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


def _in_place(connection: duckdb.DuckDBPyConnection, path: Path | str, view: str, file: int) -> int | None:
    """Offer a Parquet file that needs no mending, and return its lines; None when it has to be read by `claims`."""
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
    columns = []
    for column in COLUMNS:
        if column.name == "file":
            columns.append(f"{file:d}::INTEGER AS file")
        elif column.name == "place":
            columns.append("file_row_number + 1 AS place")
        elif column.name in types:
            columns.append(column.name)
        else:
            columns.append(f"NULL::{column.type} AS {column.name}")
    connection.execute(
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(columns)}, file_row_number AS line_id"  # noqa: S608
        f" FROM read_parquet('{_quoted(path)}', file_row_number = true)"
    )
    # Without row numbers the statistics of the file answer for most of it.
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW looked_at AS SELECT {', '.join(columns)}"  # noqa: S608 - names of our own
        f" FROM (SELECT *, 0 AS file_row_number FROM read_parquet('{_quoted(path)}'))"
    )
    lines = _clean(connection, "looked_at")
    connection.execute("DROP VIEW looked_at")
    return lines


def _has_types(types: dict[str, str]) -> bool:
    from facetwise.claims.columns import OPTIONAL, READ_ADDS

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


def _clean(connection: duckdb.DuckDBPyConnection, view: str) -> int | None:
    """Return how many lines there are when each is as `claims` would leave it, else None."""
    from facetwise.claims.reading import _last_day

    bounds: Any = connection.execute(
        # The statistics of the file answer this.
        "SELECT count(*), count(claim_line_number), min(claim_line_number), count(claim_line_start_date),"  # noqa: S608
        " max(claim_line_start_date), count(service_unit_quantity), min(service_unit_quantity),"
        " max(service_unit_quantity), min(charge_amount),"
        " min(diagnosis_pointer_1), max(diagnosis_pointer_1), min(diagnosis_pointer_2), max(diagnosis_pointer_2),"
        " min(diagnosis_pointer_3), max(diagnosis_pointer_3), min(diagnosis_pointer_4), max(diagnosis_pointer_4)"
        f" FROM {view}"
    ).fetchone()
    lines, numbers, least, days, last, units, fewest, most, charge, *pointers = bounds
    if lines == 0:
        return 0
    pointed = [value for value in pointers if value is not None]
    if (
        not lines == numbers == days == units
        or least < 1
        or last > _last_day()
        or not 0 < fewest <= most <= 100_000
        or (charge is not None and charge < 0)
        or any(not 1 <= value <= 25 for value in pointed)
    ):
        return None
    long = " OR ".join(f"suffix({name}, ' ') OR suffix({name}, chr(9)) OR {name} < '!'" for name in _LONG)
    tests = dict(_tests())
    filled = connection.execute(
        f"SELECT {', '.join(f'count({name})' for name in tests)} FROM {view}"  # noqa: S608
    ).fetchone()
    values = [
        f"SELECT 1 FROM (SELECT count(*) FILTER (NOT ({test})) AS odd FROM (SELECT DISTINCT {name} AS v FROM {view}))"  # noqa: S608
        " WHERE odd > 0"
        for (name, test), count in zip(tests.items(), filled or (), strict=True)
        if count
    ]
    queries = [
        *values,
        f"SELECT 1 FROM {view} WHERE claim_type IS NULL OR (hcpcs_code IS NULL AND claim_type = 'professional')",  # noqa: S608
        f"SELECT 1 FROM {view} WHERE claim_id IS NULL OR {long}",  # noqa: S608
    ]
    if any(connection.execute(f"{query} LIMIT 1").fetchone() for query in queries):
        return None
    return int(lines)


def _tests() -> list[tuple[str, str]]:
    """Return the columns of few distinct values, with what each of their values has to be."""
    tests = [
        ("claim_type", "v IN ('professional', 'institutional')"),
        ("state", "regexp_full_match(v, '[A-Z]{2}')"),
        ("hcpcs_code", "regexp_full_match(v, '[0-9A-Z]{5}')"),
    ]
    tests += [(name, "regexp_full_match(v, '[0-9A-Z]+')") for name in _UPPER]
    tests += [
        (name, "v >= '!' AND NOT suffix(v, ' ') AND NOT suffix(v, chr(9))")
        for name in (
            *("payer", "place_of_service_code", "bill_type_code", "rendering_npi", "billing_npi"),
            "prior_authorization_number",
        )
    ]
    return tests


def _quoted(path: Path | str) -> str:
    return str(path).replace("'", "''")


def refuse_output(out: Path, inputs: Sequence[Path | str]) -> None:
    """Raise FacetwiseError when the findings would be written over an input, or to no directory."""
    for name in inputs:
        if out.exists() and str(name) != "-" and Path(name).exists() and out.samefile(name):
            raise FacetwiseError(Problem(str(out), 0, "the findings would be written over the input", "another name"))
    if not out.absolute().parent.is_dir():
        raise FacetwiseError(Problem(str(out), 0, f"there is no directory {out.parent}", "a directory that exists"))
