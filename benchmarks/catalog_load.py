"""How long the practitioner table of NCCI pairs takes to load, as a ratio to DuckDB merely reading the same file.

    .venv/bin/python benchmarks/catalog_load.py [--data DIR]

The file is made in CMS's published layout from the flat copy in shared/data (2.5 million pairs of 2024 Q3). That copy lost
the effective dates, so those are invented here: a quarter's first day, no later than the deletion date. Reading and loading
take turns, and the ratio is taken pair by pair, so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from facetwise.catalog import load_files

_RUNS = 5
_BOUND = 4.0
_SHARED = Path(__file__).parents[2] / "shared" / "data"
_FLAT = Path("cms", "ncci", "ptp_practitioner_2024q3_flat.csv.gz")
_HEADER = (
    "CPT only copyright 2023 American Medical Association.  All rights reserved.\t\t\t\t\t\t",
    "Column1/Column2 Edits\t\t\t\t\t\t",
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale",
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t",
    "\t\t\t\t*=no data\t1=allowed\t",
    "\t\t\t\t\t9=not applicable\t",
)


def _published(flat: Path, target: Path) -> int:
    """Write the flat copy in the published layout; return the rows. The effective dates are invented."""
    chance = random.Random(1)
    quarters = [f"{year}{day}" for year in range(1996, 2025) for day in ("0101", "0401", "0701")]
    rows = 0
    with (
        gzip.open(flat, "rt", newline="", encoding="utf-8") as file,
        target.open("w", newline="", encoding="utf-8") as out,
    ):
        out.write("".join(line + "\r\n" for line in _HEADER))
        for row in csv.DictReader(file):
            deleted = "*" if row["deletion_date"].startswith("9999") else row["deletion_date"].replace("-", "")
            effective = chance.choice(quarters)
            if deleted != "*" and (effective > deleted or row["modifier_indicator"] == "9"):
                effective = deleted
            cells = (
                row["column1"],
                row["column2"],
                "",
                effective,
                deleted,
                row["modifier_indicator"],
                row["rationale"],
            )
            out.write("\t".join(cells) + "\r\n")
            rows += 1
    return rows


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _reader(path: Path, query: str) -> Callable[[], object]:
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(7))
    source = (
        f"read_csv('{path}', auto_detect = false, header = false, delim = '\t', quote = '', escape = '', skip = 6, "
        f"columns = {{{columns}}})"
    )

    def read() -> object:
        with duckdb.connect() as connection:
            return connection.execute(query.format(source)).fetchall()

    return read


def main() -> int:
    """Print the ratios; return 1 when loading takes more than four times reading."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=_SHARED, help="the folder of official files")
    flat = options.parse_args().data / _FLAT
    if not flat.is_file():
        print(f"{flat} is not on this machine: nothing is measured")
        return 0
    print(f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "pairs.txt"
        rows = _published(flat, path)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, effective dates invented; median of {_RUNS} pairs\n")
        into_table = _reader(path, "CREATE TABLE pairs AS SELECT * FROM {}")
        columns = ", ".join(f"c{number}" for number in range(7))
        hashed = _reader(path, f"SELECT sum(hash({columns}) % 1000) FROM {{}}")

        def load() -> None:
            catalog = Path(name) / "catalog.duckdb"
            catalog.unlink(missing_ok=True)
            loaded = load_files([path], kind="ptp_practitioner", effective=(date(2024, 7, 1), None), path=catalog)
            if loaded[0].rows != rows or loaded[0].rejected:
                raise SystemExit(f"{loaded[0].rows} rows loaded, {loaded[0].rejected} rejected, of {rows}")

        into_table(), hashed(), load()
        times = [(_seconds(into_table), _seconds(hashed), _seconds(load)) for _ in range(_RUNS)]
        table, scan, loading = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(one[2] / one[0] for one in times)
        to_scan = statistics.median(one[2] / one[1] for one in times)
        print(f"DuckDB reads it into a table in memory  {table:5.2f} s")
        print(f"DuckDB reads and hashes its columns     {scan:5.2f} s")
        print(f"load_files, to disk                     {loading:5.2f} s")
        print(f"\nloading / reading into a table: {ratio:.2f} (bound {_BOUND:g}); loading / hashing: {to_scan:.2f}")
    return int(ratio > _BOUND)


if __name__ == "__main__":
    sys.exit(main())
