"""The engines against the scalar reference on many random claims; the first differences are shown.

    PYTHONPATH=tests python -m edits.compare_engines [--claims 100000] [--seed 1] [--processes 2]

Exit code 1 when a finding differs in edit, severity, line or other line. Each part of 5,000 claims is judged by the batch engine, by the
one-claim engine and by the scalar reference; every fifth part goes by invented NCCI releases instead of the knowledge's own.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from edits import random_ncci
from edits.comparing import differences, drawn
from edits.engines import in_batch, one_by_one
from edits.oracle import World, check
from facetwise.edits import Checker
from facetwise.knowledge import load

_PART = 5000
_INVENTED = 5  # every so manieth part


def _compare(seed: int, number: int, home: str) -> tuple[int, dict[str, int], dict[str, float], str]:
    """Return lines, findings by edit, seconds by engine, and what differs, of one part."""
    os.environ["FACETWISE_HOME"] = home
    knowledge = load()
    with tempfile.TemporaryDirectory(dir=home) as place:
        folder = Path(place)
        catalog = folder / "catalog.duckdb"
        invented = number % _INVENTED == _INVENTED - 1
        world = World(knowledge, random_ncci.make(seed, knowledge, catalog) if invented else None)
        within = (random_ncci.FIRST, random_ncci.LAST) if invented else None
        batch = drawn(world, seed, _PART, within=within)
        history = batch.history if number % 3 else None
        seconds: dict[str, float] = {}
        said = ""
        begin = time.perf_counter()
        wanted = check(world, batch.lines, history)
        seconds["scalar reference"] = time.perf_counter() - begin
        begin = time.perf_counter()
        found = in_batch(knowledge, folder, batch.lines, history, catalog)
        seconds["batch engine"] = time.perf_counter() - begin
        said += differences(batch, wanted, found, "the batch engine")
        begin = time.perf_counter()
        with Checker(knowledge, catalog=catalog) as checker:
            found = one_by_one(checker, batch.lines, history)
        seconds["one-claim engine"] = time.perf_counter() - begin
        said += differences(batch, wanted, found, "the one-claim engine")
        return len(batch.lines), dict(Counter(one.edit for one in wanted)), seconds, said


def main() -> int:
    """Compare, print what was compared, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    parts = -(-asked.claims // _PART)
    lines, failed = 0, 0
    edits: Counter[str] = Counter()
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="facetwise-compare-") as home, ProcessPoolExecutor(asked.processes) as pool:
        jobs = [pool.submit(_compare, asked.seed * 1000 + number, number, home) for number in range(parts)]
        for number, job in enumerate(jobs):
            of_part, found, seconds, said = job.result()
            lines += of_part
            edits.update(found)
            total.update(seconds)
            if said:
                failed += 1
                print(f"part {number} (seed {asked.seed * 1000 + number}):\n{said}")
    for edit, count in sorted(edits.items()):
        print(f"{edit:32} {count:9,}")
    spent = ", ".join(f"{engine} {seconds:.0f} s" for engine, seconds in total.items())
    print(f"{parts * _PART:,} claims, {lines:,} lines, {sum(edits.values()):,} findings; {spent}")
    print(f"{failed} of {parts} parts differ" if failed else "equal to the row")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
