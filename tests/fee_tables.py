"""A catalog of fee tables in memory, in the shared schema, and readers of CMS's files that share nothing with the loaders."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

_TABLES = {
    "physician_fee": "code VARCHAR, modifier VARCHAR, status VARCHAR, work DECIMAL(9,4), nf_pe DECIMAL(9,4), "
    "nf_na BOOLEAN, f_pe DECIMAL(9,4), f_na BOOLEAN, mp DECIMAL(9,4), pctc VARCHAR, global_days VARCHAR, "
    "mult VARCHAR, bilat VARCHAR, asst VARCHAR, co VARCHAR, team VARCHAR, conversion_factor DECIMAL(10,4), "
    "participation VARCHAR, cap_nf_pe DECIMAL(9,4), cap_f_pe DECIMAL(9,4), cap_mp DECIMAL(9,4)",
    "gpci": "mac VARCHAR, locality VARCHAR, state VARCHAR, name VARCHAR, work DECIMAL(9,4), pe DECIMAL(9,4), "
    "mp DECIMAL(9,4)",
    "zip_locality": "zip VARCHAR, state VARCHAR, mac VARCHAR, locality VARCHAR, rural VARCHAR, plus_four BOOLEAN",
    "opps_cap": "code VARCHAR, modifier VARCHAR, status VARCHAR, mac VARCHAR, locality VARCHAR, "
    "facility_price DECIMAL(12,2), non_facility_price DECIMAL(12,2)",
    "mue": "service VARCHAR, code VARCHAR, value INTEGER, mai VARCHAR, rationale VARCHAR",
    "asc_rate": "addendum VARCHAR, code VARCHAR, indicator VARCHAR, multiple_discount BOOLEAN, weight DECIMAL(12,4), "
    "rate DECIMAL(12,2)",
    "asc_apc": "code VARCHAR, indicator VARCHAR, apc VARCHAR, opps_rate DECIMAL(12,2)",
    "asc_excluded": "code VARCHAR",
    "asc_wage_index": "cbsa VARCHAR, name VARCHAR, wage_index DECIMAL(9,4)",
    "opps_addendum_b": "code VARCHAR, si VARCHAR, apc VARCHAR, weight DECIMAL(12,4), rate DECIMAL(12,2), "
    "national_copay DECIMAL(12,2), minimum_copay DECIMAL(12,2)",
}


@dataclass(frozen=True)
class Loaded:
    """A release of the catalog."""

    id: int
    kind: str
    release: str
    start: date
    end: date


class SmallCatalog:
    """What the pricing asks of the catalog: a connection, and which release of a kind holds on a day."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.loaded: list[Loaded] = []
        self.queries = 0
        for table, columns in _TABLES.items():
            self.connection.execute(f"CREATE TABLE {table} (release_id INTEGER, {columns})")

    def release(self, kind: str, day: date) -> Loaded | None:
        self.queries += 1
        return next((one for one in self.loaded if one.kind == kind and one.start <= day <= one.end), None)

    def add(self, kind: str, release: str, start: str, end: str) -> int:
        one = Loaded(len(self.loaded) + 1, kind, release, date.fromisoformat(start), date.fromisoformat(end))
        self.loaded.append(one)
        return one.id

    def insert(self, table: str, release_id: int, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            marks = ", ".join("?" * (len(row) + 1))
            self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", [release_id, *row])

    def load_pprrvu(self, path: Path, release: str, start: str, end: str, *, participation: str, factor: int) -> int:
        """Load a relative value file; `factor` is the column of the conversion factor, 25 in 2026 and 24 in 2025."""
        number = self.add("physician_fee", release, start, end)
        cap = factor + 4
        self.connection.execute(
            f"INSERT INTO physician_fee SELECT {number}, trim(c[1]), coalesce(trim(c[2]), ''), trim(c[4]), "
            "c[6]::DECIMAL(9,4), c[7]::DECIMAL(9,4), trim(coalesce(c[8], '')) = 'NA', c[9]::DECIMAL(9,4), "
            "trim(coalesce(c[10], '')) = 'NA', c[11]::DECIMAL(9,4), trim(c[14]), trim(c[15]), trim(c[19]), trim(c[20]), "
            f"trim(c[21]), trim(c[22]), trim(c[23]), c[{factor + 1}]::DECIMAL(10,4), '{participation}', "
            f"c[{cap + 1}]::DECIMAL(9,4), c[{cap + 2}]::DECIMAL(9,4), c[{cap + 3}]::DECIMAL(9,4) "
            "FROM (SELECT unnest(?) AS c)",
            [pprrvu_rows(path)],
        )
        return number

    def load_asc(self, path: Path, release: str, start: str, end: str) -> int:
        """Load addendum AA."""
        number = self.add("asc_aa", release, start, end)
        self.connection.execute(
            f"INSERT INTO asc_rate SELECT {number}, 'AA', c[1], c[2], c[3] = 'Y', NULL, c[4]::DECIMAL(12,2) "
            "FROM (SELECT unnest(?) AS c)",
            [[[row[0], row[4], row[3], row[6] or None] for row in asc_rows(path)]],
        )
        return number


def pprrvu_rows(path: Path) -> list[list[str]]:
    """Return the data rows of a relative value file as published."""
    with path.open(encoding="latin-1", newline="") as file:
        rows = list(csv.reader(file))
    head = next(number for number, row in enumerate(rows) if row and row[0] == "HCPCS")
    return [[cell.strip() for cell in row] for row in rows[head + 1 :] if row and row[0].strip()]


def asc_rows(path: Path) -> list[list[str]]:
    """Return the data rows of an addendum as published, amounts without sign and separators."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    head = next(number for number, row in enumerate(rows) if row and row[0].startswith("HCPCS"))
    return [
        [cell.strip().replace("$", "").replace(",", "") for cell in row] for row in rows[head + 1 :] if row[0].strip()
    ]
