"""One claim at a time, warm, in process: milliseconds a claim with all edits and reference tables of full size.

    python benchmarks/check_one.py [--claims 2000] [--flat DIR]

Claims of one to eight lines, every third of them with facet procedures, are checked one after another by `Checker`. Beside it stands
the floor: the same rows put into the claim's tables and taken out again. Claims are made from a seed. `--flat` as in check_batch.py.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import tempfile
import time
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=2000)
    parser.add_argument("--flat", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if options.flat:
            os.environ["FACETWISE_HOME"] = place
            import flat_catalog

            flat_catalog.make(options.flat, Path(place) / "catalog.duckdb")
        from facetwise.edits import Checker
        from facetwise.knowledge import load

        begin = time.perf_counter()
        checker = Checker(load())
        print(f"opened in {time.perf_counter() - begin:.1f} s (the tables are compiled where they were not)")
        connection = checker._connection
        codes = [code for (code,) in connection.execute("SELECT DISTINCT code FROM mue ORDER BY code")]
        facet = [code for (code,) in connection.execute("SELECT DISTINCT code FROM facet_code ORDER BY code")]
        pairs = connection.execute("SELECT count(*) FROM ptp").fetchone()[0]
        claims = [_claim(number, codes, facet) for number in range(options.claims)]
        for claim in claims[:100]:
            checker.check(claim)
        times, floors, found = [], [], 0
        for claim in claims:
            begin = time.perf_counter()
            found += len(checker.check(claim))
            times.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            lines, facets, diagnoses = checker._preparation.fill(claim, [])
            connection.execute("BEGIN")
            for name, rows in (("line", lines), ("facet", facets), ("line_dx", diagnoses)):
                connection.executemany(checker._insert[name], rows)
                connection.execute(f"SELECT * FROM {name}").fetchall()
            connection.execute("ROLLBACK")
            floors.append(time.perf_counter() - begin)
    print(
        f"machine: {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, load {os.getloadavg()}"
    )
    lines_in_all = sum(map(len, claims))
    print(f"{len(claims):,} claims, {lines_in_all:,} lines, {found:,} findings; {pairs:,} pairs in the tables")
    for name, values in (("check", times), ("floor", floors)):
        values.sort()
        half, most = values[len(values) // 2], values[len(values) * 99 // 100]
        print(f"{name}: p50 {1000 * half:.3f} ms, p99 {1000 * most:.3f} ms")


def _claim(number: int, codes: list[str], facet: list[str]) -> list[Row]:
    draw = random.Random(number)
    of_facet = number % 3 == 0
    rows = []
    for line in range(1, draw.randint(1, 8) + 1):
        code = draw.choice(facet) if of_facet and draw.random() < 0.7 else draw.choice(codes)
        rows.append(
            {
                "claim_id": f"C{number}", "claim_line_number": line, "claim_type": "professional", "person_id": "P1",
                "payer": draw.choice(["medicare", "aetna", "cigna", "somebody"]), "state": draw.choice(["OH", "CA", "NY"]),
                "place_of_service_code": draw.choice(["11", "22", "24"]), "claim_line_start_date": "2026-08-03",
                "hcpcs_code": code, "hcpcs_modifier_1": draw.choice(["RT", "LT", "50", "59", None, None]),
                "service_unit_quantity": str(draw.choice([1, 1, 1, 2])), "rendering_npi": "1234567893",
                "billing_npi": "1987654320", "diagnosis_code_1": "M47816",
            }
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
