"""One line without an end: how long `facetwise check` takes over a file that is nearly all one line, and in how much memory.

    python benchmarks/long_line.py [--gigabytes 3]

Writes an 837, a CSV, a FHIR file and an NDJSON file, each with one segment, row or resource of that size (in the CSV between two
good rows), checks each by the command in a process of its own, and prints seconds, the peak of its memory, its exit code and
what it says. Needs as much room on the disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from facetwise.claims.columns import NAMES, OPTIONAL, READ_ADDS

_PIECE = b"A" * (1 << 20)
_ISA = (
    b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*1200*^*00501*000000001*0*P*:~"
    b"GS*HC*S*R*20260101*1200*1*X*005010X222A1~ST*837*0001*005010X222A1~"
)
_COLUMNS = [name for name in NAMES if name not in OPTIONAL and name not in READ_ADDS]
_VALUES = {
    "claim_line_number": "1",
    "claim_type": "professional",
    "payer": "Medicare",
    "place_of_service_code": "11",
    "claim_line_start_date": "2026-03-02",
    "hcpcs_code": "64493",
    "service_unit_quantity": "1",
    "charge_amount": "100",
    "diagnosis_code_1": "M47816",
}


def _row(claim: str) -> list[str]:
    return [_VALUES.get(name, "") if name != "claim_id" else claim for name in _COLUMNS]


def _csv_parts() -> tuple[bytes, bytes]:
    before, after = _row("C2"), _row("C3")
    person = _COLUMNS.index("person_id")
    head = "\n".join([",".join(_COLUMNS), ",".join(_row("C1")), ",".join(before[:person]) + ","])
    return head.encode(), ("," + ",".join(before[person + 1 :]) + "\n" + ",".join(after) + "\n").encode()


_FHIR = b'{"resourceType":"Claim","id":"'
_PARTS = {
    "long.837": (_ISA + b"NM1*IL*1*", b"*JOHN~SE*2*0001~GE*1*1~IEA*1*000000001~"),
    "long.csv": _csv_parts(),
    "long.json": (_FHIR, b'"}'),
    "long.ndjson": (_FHIR, b'"}\n'),
}


def _write(file: BinaryIO, before: bytes, after: bytes, size: int) -> None:
    file.write(before)
    for _ in range(size // len(_PIECE)):
        file.write(_PIECE)
    file.write(after)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=int, default=3)
    options = parser.parse_args()
    print(f"machine: {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as place:
        for name, (before, after) in _PARTS.items():
            path = Path(place, name)
            with path.open("wb") as file:
                _write(file, before, after, options.gigabytes << 30)
            command = [sys.executable, "-m", "facetwise", "check", str(path), "-o", str(Path(place, "found.json"))]
            begin = time.perf_counter()
            process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8")
            said = process.stderr.read().strip().splitlines()[-1] if process.stderr else ""
            _, status, used = os.wait4(process.pid, 0)
            print(
                f"{name}: {time.perf_counter() - begin:.1f} s, peak {used.ru_maxrss / 1e6:.2f} GB,"
                f" exit {os.waitstatus_to_exitcode(status)}\n    {said.replace(place + '/', '')}"
            )
            path.unlink()


if __name__ == "__main__":
    main()
