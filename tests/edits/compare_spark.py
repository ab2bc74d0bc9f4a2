"""The same findings, to the letter, from DuckDB, SQLite and Spark on many random lines; the first difference is shown.

    PYTHONPATH=tests python -m edits.compare_spark [--lines 1000000] [--seed 1]

Exit code 1 when a finding differs in anything that is written of it, or an edit does not occur. Wants pyspark and Java.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from edits.comparing import drawn
from edits.oracle import World
from facetwise.claims.columns import READ_ADDS, SCHEMA
from facetwise.edits import Asked, Checker, checked, registry
from facetwise.edits.result import ClaimFinding
from facetwise.knowledge import Knowledge, load

Row = dict[str, Any]
_READ = pa.schema([field for field in SCHEMA if field.name not in READ_ADDS])
_PART = 2_000  # claims drawn at a time


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows of the claim-line table as Parquet."""
    listed = list(rows)
    columns = [pa.array([row.get(field.name) for row in listed], field.type) for field in _READ]
    pq.write_table(pa.table(columns, schema=_READ), path)


def found_by(engine: str, knowledge: Knowledge, lines: Path, history: Path) -> list[Row]:
    """Return the findings of a set-wise engine as they are written, without where the lines stand."""
    with checked(Asked((lines,), (history,), engine=engine, master="local[2]"), knowledge) as result:
        return [_said(finding) for finding in result.findings()]


def one_by_one(knowledge: Knowledge, lines: Sequence[Row], history: Sequence[Row]) -> list[Row]:
    """Return the findings of SQLite, all claims of a person together."""
    people: dict[str, tuple[list[Row], list[Row]]] = {}
    for rows, place in ((lines, 0), (history, 1)):
        for row in rows:
            people.setdefault(row["person_id"] or f"\0{row['claim_id']}", ([], []))[place].append(row)
    with Checker(knowledge) as checker:
        return [_said(one) for own, earlier in people.values() if own for one in checker.check(own, earlier)]


def _said(finding: ClaimFinding) -> Row:
    record = finding.as_record()
    return {name: value for name, value in record.items() if name not in ("file", "place")}


def difference(one: Sequence[Row], other: Sequence[Row], names: tuple[str, str]) -> str:
    """Return the first difference between two lists of findings, whatever their order; '' where there is none."""
    first, second = (sorted(map(repr, rows)) for rows in (one, other))
    if first == second:
        return ""
    apart = sorted(set(first) ^ set(second)) or ["the number of equal findings"]
    side = names[0] if apart[0] in set(first) else names[1]
    return f"{len(first):,} by {names[0]}, {len(second):,} by {names[1]}; only by {side}: {apart[0]}"


def people(world: World, seed: int, lines: int) -> Iterator[tuple[list[Row], list[Row]]]:
    """Draw lines and history, part by part, until there are as many lines."""
    made = part = 0
    while made < lines:
        batch = drawn(world, seed * 10_000 + part, min(_PART, max(50, (lines - made) // 2)))
        # A line without a code is refused when it is read, whatever the engine.
        own, earlier = ([row for row in rows if row.get("hcpcs_code")] for rows in (batch.lines, batch.history))
        for row in (*own, *earlier):
            # People and claims of one part are not those of another.
            row["claim_id"] = f"{part}-{row['claim_id']}"
            row["person_id"] = row["person_id"] and f"{part}-{row['person_id']}"
        made += len(own)
        part += 1
        yield own, earlier


def compare(knowledge: Knowledge, seed: int, lines: int, folder: Path) -> str:
    """Return what differs between the engines on so many random lines; '' where nothing does."""
    checked_lines: list[Row] = []
    history: list[Row] = []
    for own, earlier in people(World(knowledge), seed, lines):
        checked_lines += own
        history += earlier
    write(folder / "lines.parquet", checked_lines)
    write(folder / "history.parquet", history)
    said = []
    begin = time.perf_counter()
    batch = found_by("duckdb", knowledge, folder / "lines.parquet", folder / "history.parquet")
    print(f"duckdb: {len(batch):,} findings on {len(checked_lines):,} lines, {time.perf_counter() - begin:.0f} s")
    missing = set(registry.edits()) - {row["edit"] for row in batch}
    if missing:
        said.append(f"not found at all: {', '.join(sorted(missing))}")
    for name in ("spark", "sqlite"):
        begin = time.perf_counter()
        if name == "spark":
            found = found_by(name, knowledge, folder / "lines.parquet", folder / "history.parquet")
        else:
            found = one_by_one(knowledge, checked_lines, history)
        said.append(difference(batch, found, ("duckdb", name)))
        print(f"{name}: {time.perf_counter() - begin:.0f} s")
    return "\n".join(filter(None, said))


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        said = compare(load(), options.seed, options.lines, Path(place))
    print(said or "the findings of all engines are the same")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
