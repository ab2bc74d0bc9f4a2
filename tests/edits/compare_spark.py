"""The same findings, to the letter, from DuckDB, SQLite and Spark on many random lines; the first difference is shown.

    PYTHONPATH=tests python -m edits.compare_spark [--lines 1000000] [--seed 1] [--processes 2]

Exit code 1 when a finding differs in anything that is written of it, or an edit does not occur. Wants pyspark and Java.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import duckdb
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
_SHARE = 50_000  # lines that a process draws and judges at a time
# All that is written of a finding, without where its line stands in the input.
_TEXTS = ("edit", "severity", "claim_id", "message", "fix", "carc", "evidence", "citations", "other_claim_id")
_SAID = (*_TEXTS, "claim_line_number", "other_claim_line_number")
_SAID_SCHEMA = pa.schema([(name, pa.string() if name in _TEXTS else pa.int64()) for name in _SAID])


def write(path: Path, rows: Iterable[Row], schema: pa.Schema = _READ) -> None:
    """Write rows, of the claim-line table if no other schema is given, as Parquet."""
    listed = list(rows)
    columns = [pa.array([row.get(field.name) for row in listed], field.type) for field in schema]
    pq.write_table(pa.table(columns, schema=schema), path)


def set_wise(engine: str, knowledge: Knowledge, folder: Path) -> int:
    """Have DuckDB or Spark judge the lines of a folder, keep the findings there, and return how many lines were judged."""
    lines, history = (tuple(sorted(folder.glob(f"{kind}-*.parquet"))) for kind in ("lines", "history"))
    with checked(Asked(lines, history, engine=engine, master="local[2]"), knowledge) as result:
        assert result.findings_file is not None
        result.findings_file.rename(folder / f"{engine}-0.parquet")
        return result.lines


def one_by_one(knowledge: Knowledge, lines: Sequence[Row], history: Sequence[Row]) -> Iterator[Row]:
    """Give the findings of SQLite, all claims of a person together."""
    people: dict[str, tuple[list[Row], list[Row]]] = {}
    for rows, place in ((lines, 0), (history, 1)):
        for row in rows:
            people.setdefault(row["person_id"] or f"\0{row['claim_id']}", ([], []))[place].append(row)
    with Checker(knowledge) as checker:
        for own, earlier in people.values():
            yield from map(_said, checker.check(own, earlier) if own else ())


def _said(finding: ClaimFinding) -> Row:
    record = {name: getattr(finding, name) for name in _SAID}
    return record | {
        "evidence": json.dumps(finding.evidence, ensure_ascii=False),
        "citations": " ".join(finding.citations),
    }


def people(world: World, seed: int, lines: int) -> Iterator[tuple[list[Row], list[Row]]]:
    """Draw lines and history, part by part, until there are as many lines."""
    made = part = 0
    while made < lines:
        batch = drawn(world, seed * 10_000 + part, min(_PART, max(50, (lines - made) // 2)))
        # A line without a code is refused when it is read, whatever the engine.
        own, earlier = ([row for row in rows if row.get("hcpcs_code")] for rows in (batch.lines, batch.history))
        for row in (*own, *earlier):
            # People and claims of one part are not those of another.
            row["claim_id"] = f"{seed}-{part}-{row['claim_id']}"
            row["person_id"] = row["person_id"] and f"{seed}-{part}-{row['person_id']}"
        made += len(own)
        part += 1
        yield own, earlier


def share(number: int, seed: int, lines: int, folder: Path, knowledge: Knowledge | None = None) -> None:
    """Draw a share of the lines, write them, and judge them on SQLite."""
    knowledge = knowledge or load()
    checked_lines: list[Row] = []
    history: list[Row] = []
    for own, earlier in people(World(knowledge), seed * 1_000 + number, lines):
        checked_lines += own
        history += earlier
    write(folder / f"lines-{number:04d}.parquet", checked_lines)
    write(folder / f"history-{number:04d}.parquet", history)
    write(folder / f"sqlite-{number:04d}.parquet", one_by_one(knowledge, checked_lines, history), _SAID_SCHEMA)


def difference(folder: Path, one: str, other: str) -> str:
    """Return the first difference between the findings of two engines, whatever their order; '' where there is none."""
    said = [f"(SELECT {', '.join(_SAID)} FROM '{folder}/{engine}-*.parquet')" for engine in (one, other)]
    with duckdb.connect() as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {of}").fetchall()[0][0] for of in said]
        for here, there, name in ((*said, one), (*said[::-1], other)):
            only = f"SELECT * FROM {here} EXCEPT ALL SELECT * FROM {there}"
            first = connection.execute(f"SELECT * FROM ({only}) ORDER BY ALL LIMIT 1").fetchall()
            if first:
                row = dict(zip(_SAID, first[0], strict=True))
                return f"{counts[0]:,} by {one}, {counts[1]:,} by {other}; only by {name}: {row}"
    return ""


def compare(knowledge: Knowledge, seed: int, lines: int, folder: Path, processes: int = 1) -> str:
    """Return what differs between the engines on so many random lines; '' where nothing does. Prints what was done."""
    begin = time.perf_counter()
    shares = range(-(-lines // _SHARE))
    sizes = [min(_SHARE, lines - number * _SHARE) for number in shares]
    if processes == 1:
        for number, size in zip(shares, sizes, strict=True):
            share(number, seed, size, folder, knowledge)
    else:
        with ProcessPoolExecutor(processes) as pool:
            list(pool.map(share, shares, repeat(seed), sizes, repeat(folder)))
    print(f"drawing, and sqlite: {time.perf_counter() - begin:.0f} s", flush=True)
    for engine in ("duckdb", "spark"):
        begin = time.perf_counter()
        judged = set_wise(engine, knowledge, folder)
        print(f"{engine}: {judged:,} lines, {time.perf_counter() - begin:.0f} s", flush=True)
    with duckdb.connect() as connection:
        counts = connection.execute(
            f"SELECT edit, count(*) FROM '{folder}/duckdb-*.parquet' GROUP BY edit ORDER BY edit"
        ).fetchall()
    for edit, count in counts:
        print(f"{edit:32} {count:9,}")
    print(f"{'all':32} {sum(count for _, count in counts):9,}")
    missing = set(registry.edits()) - {edit for edit, _ in counts}
    said = [f"not found at all: {', '.join(sorted(missing))}"] if missing else []
    said += [difference(folder, "duckdb", other) for other in ("spark", "sqlite")]
    return "\n".join(filter(None, said))


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that draw lines and run SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        said = compare(load(), options.seed, options.lines, Path(place), options.processes)
    print(said or "the findings of all engines are the same")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
