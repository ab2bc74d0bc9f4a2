"""All edits over many lines: lines a second, peak memory, and the time as a multiple of hashing the columns that are used.

    python benchmarks/check_batch.py [--lines 10000000] [--runs 3] [--memory-limit 2GB] [--flat DIR]

Writes claims with about two NCCI findings a hundred lines (claims_made.py) as Parquet, then checks them in a process of its own
and hashes the same columns with DuckDB, in turn. `--flat` names the flat copies of the NCCI tables, from which a catalog of
full size is made; without it the tables of the knowledge are used, and fewer findings are planted. The reference tables are
compiled beforehand. What is counted is everything from the file to the findings file; processor seconds are shown beside
the wall's, for on a machine that does other work only they tell.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COLUMNS = (
    *("claim_id", "claim_line_number", "claim_type", "person_id", "payer", "place_of_service_code", "bill_type_code"),
    *("claim_line_start_date", "hcpcs_code", "hcpcs_modifier_1", "hcpcs_modifier_2", "hcpcs_modifier_3"),
    *("hcpcs_modifier_4", "hcpcs_modifier_5", "service_unit_quantity", "charge_amount", "rendering_npi"),
    *("billing_npi", "state", "prior_authorization_number"),
)
_CHECK = """
import json, resource, sys, time
from pathlib import Path
from facetwise.edits import Asked, checked
from facetwise.edits.batch import Settings
from facetwise.edits import output
from facetwise.knowledge import load
knowledge = load()
begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
out = Path(sys.argv[2])
with checked(Asked((Path(sys.argv[1]),), settings=Settings(sys.argv[3], 2)), knowledge, out) as result:
    output.write(result, "parquet", out)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    # Not ru_maxrss: that of a new process begins with what its parent held.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1e6
    print(json.dumps({"seconds": time.perf_counter() - begin, "cpu": cpu, "peak": peak,
                      "lines": result.lines, "findings": result.total}))
"""
_FLOOR = """
import json, resource, sys, time
import duckdb
connection = duckdb.connect(config={"threads": 2})
connection.execute("SET enable_progress_bar = false")
begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
connection.execute(f"SELECT bit_xor(hash({sys.argv[2]})) FROM read_parquet(?)", [sys.argv[1]]).fetchone()
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
print(json.dumps({"seconds": time.perf_counter() - begin, "cpu": cpu}))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory-limit", default="")
    parser.add_argument("--flat", type=Path)
    parser.add_argument("--claims", type=Path, help="a file made before, instead of a new one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["FACETWISE_HOME"] = os.environ.get("FACETWISE_HOME", place)
        if options.flat:
            os.environ["FACETWISE_HOME"] = place
            import flat_catalog

            flat_catalog.make(options.flat, folder / "catalog.duckdb")
        from facetwise.edits.reference.build import reference
        from facetwise.knowledge import load

        begin = time.perf_counter()
        tables = reference(load())
        print(f"reference tables: {time.perf_counter() - begin:.1f} s")
        claims = options.claims or folder / "claims.parquet"
        if not options.claims:
            import claims_made

            claims_made.make(tables.duckdb, options.lines, claims)
        measured: list[dict[str, Any]] = []
        floors: list[dict[str, Any]] = []
        for _ in range(options.runs):
            floors.append(_run(_FLOOR, str(claims), ", ".join(COLUMNS)))
            measured.append(_run(_CHECK, str(claims), str(folder / "findings.parquet"), options.memory_limit))
    print(
        f"machine: {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, load {os.getloadavg()}"
    )
    seconds, floor = (statistics.median(one["seconds"] for one in runs) for runs in (measured, floors))
    cpu, floor_cpu = (statistics.median(one["cpu"] for one in runs) for runs in (measured, floors))
    lines, findings = measured[0]["lines"], measured[0]["findings"]
    print(
        f"{lines:,} lines, {findings:,} findings ({100 * findings / lines:.1f} a hundred lines), median of {options.runs} runs"
    )
    print(
        f"wall: {seconds:.2f} s, {lines / seconds:,.0f} lines a second; floor {floor:.2f} s, ratio {seconds / floor:.1f}"
    )
    print(
        f"processor: {cpu:.2f} s, so {2 * lines / cpu:,.0f} lines a second on two free processors; floor {floor_cpu:.2f} s,"
        f" ratio {cpu / floor_cpu:.1f}"
    )
    print(f"peak memory: {max(one['peak'] for one in measured):.2f} GB")


def _run(program: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
