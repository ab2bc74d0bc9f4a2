"""How fast a sample of claims is made, in what memory, and whether a check finds all that was planted and nothing else.

    .venv/bin/python benchmarks/sample.py [LINES] [--errors SHARE] [--seed S]

A sample of LINES (5 million) is made as Parquet by `facetwise sample` in a process of its own, below the temporary directory, and checked by
`facetwise check` with its history. Printed: lines a second of the whole process, the pattern making included; peak memory; and for each edit how
many findings were planted, missed, and found though not planted (severities reject, deny and review).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

_LINES = 5_000_000


def _run(*arguments: str) -> tuple[float, float]:
    """Run facetwise; return its seconds and the peak memory of the processes so far in GB."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "facetwise", *arguments], stdout=subprocess.DEVNULL, check=False)
    if done.returncode > 1:
        raise SystemExit(f"facetwise {arguments[0]} failed")
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def main() -> None:
    """Make, check and compare."""
    options = argparse.ArgumentParser()
    options.add_argument("lines", nargs="?", type=int, default=_LINES)
    options.add_argument("--errors", default="0.02")
    options.add_argument("--seed", default="1")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        sample = (
            "sample",
            "-o",
            str(place),
            "--lines",
            str(chosen.lines),
            "--errors",
            chosen.errors,
            "--seed",
            chosen.seed,
        )
        seconds, peak = _run(*sample)
        print(f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, {os.cpu_count()} processors")
        print(
            f"made: {chosen.lines:,} lines in {seconds:.1f} s, {chosen.lines / seconds:,.0f} a second, peak {peak:.1f} GB"
        )
        found = place / "found.parquet"
        check = ("check", str(place / "claims.parquet"), "--history", str(place / "history.parquet"), "-o", str(found))
        seconds, _ = _run(*check)
        print(f"checked in {seconds:.1f} s")
        with duckdb.connect() as connection:
            connection.execute(
                "CREATE TABLE listed AS SELECT edit, claim_id, claim_line_number AS line FROM read_csv(?)",
                [str(place / "planted.csv")],
            )
            connection.execute(
                "CREATE TABLE found AS SELECT DISTINCT edit, claim_id, claim_line_number AS line FROM read_parquet(?) WHERE severity <> 'info'",
                [str(found)],
            )
            rows = connection.execute(
                "SELECT edit, count(l.line), count(*) FILTER (f.line IS NULL), count(*) FILTER (l.line IS NULL)"
                " FROM listed AS l FULL JOIN found AS f USING (edit, claim_id, line) GROUP BY edit ORDER BY edit"
            ).fetchall()
    print(f"{'edit':<34}{'planted':>10}{'missed':>10}{'not planted':>14}")
    for edit, planted, missed, extra in rows:
        print(f"{edit:<34}{planted:>10,}{missed:>10,}{extra:>14,}")


if __name__ == "__main__":
    main()
