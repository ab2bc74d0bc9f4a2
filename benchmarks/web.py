"""How fast the server answers while 20 clients ask at once: pages and endpoints beside an endpoint that does nothing.

    python benchmarks/web.py [--clients 20] [--seconds 5] [--knowledge DIR]

The server is `facetwise serve` in a process of its own, on loopback. The clients are 20 connections in one process, each
sending its next request when it has read the whole answer to the last one, so the load is as high as the server lets it
be; what is measured is the time from the first byte sent to the last byte read. Each address is asked for two seconds
before it is measured (warm); answers are checked for their status and that they have the same length each time.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import yaml

ROOT = Path(__file__).parents[1]
WARM_SECONDS = 2.0
DAY = "2026-03-02"
FORM = "application/x-www-form-urlencoded"


def requests() -> dict[str, bytes]:
    """Return each request as it is sent, by its name; the first is the one that does nothing."""
    encounter = yaml.safe_load((ROOT / "docs/examples/encounter.yaml").read_text("utf-8"))
    case = yaml.safe_load((ROOT / "docs/examples/case.yaml").read_text("utf-8"))
    lines = {
        "date_of_service": DAY,
        "setting": "office",
        "state": "OH",
        "lines": [{"code": "64493", "modifiers": ["RT"]}],
    }
    line = {
        "claim_type": "professional", "person_id": "P1", "payer": "medicare", "state": "OH", "place_of_service_code": "11",
        "claim_line_start_date": "2026-10-02", "service_unit_quantity": "1", "charge_amount": "900.00", "billing_npi": "1987654320",
        "diagnosis_code_1": "M47816",
    }  # fmt: skip
    claim = {
        "lines": [
            {**line, "claim_id": "C1", "claim_line_number": number, "hcpcs_code": code, "hcpcs_modifier_1": side}
            for number, (code, side) in enumerate((("64493", "RT"), ("64494", "RT"), ("77003", None)), 1)
        ]
    }
    spine = urlencode(
        {"technique": "medial_branch_block", "payer": "medicare", "state": "OH", "setting": "office", "date": DAY}
    )
    return {
        "empty endpoint": _get("/healthz"),
        "briefing page": _get(f"/codes/64495?as_of={DAY}", "text/html"),
        "briefing as JSON": _get(f"/api/v1/brief/64495?as_of={DAY}"),
        "coding answer": _post("/api/v1/code", json.dumps(encounter, default=str)),
        "coverage answer": _post("/api/v1/cover", json.dumps(case, default=str)),
        "claim check": _post("/api/v1/check", json.dumps(claim)),
        "price": _post("/api/v1/price", json.dumps(lines)),
        "spine in place": _post("/spine", f"{spine}&n=L3%3Aright&n=L4%3Aright&n=L5%3Aright&part=1", FORM, "text/html"),
        "spine page": _post("/spine", f"{spine}&n=L3%3Aright&n=L4%3Aright&n=L5%3Aright", FORM, "text/html"),
    }  # fmt: skip


def _get(path: str, accept: str = "application/json") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nAccept-Encoding: gzip\r\n\r\n".encode()


def _post(path: str, body: str, media: str = "application/json", accept: str = "application/json") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


@contextmanager
def server(overlays: list[str]) -> Iterator[tuple[int, int]]:
    """Run the server on a free port; give its port and the id of its process."""
    with tempfile.TemporaryDirectory() as home:
        options = [word for one in overlays for word in ("--knowledge", one)]
        process = subprocess.Popen(
            [sys.executable, "-m", "facetwise", "serve", "--port", "0", "--quiet", *options],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "FACETWISE_HOME": home},
        )  # fmt: skip
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            match = re.search(r"http://[^ ]*:([0-9]+)", line)
            if not match:
                sys.exit(line + process.stderr.read())
            yield int(match[1]), process.pid
        finally:
            process.terminate()
            process.wait(10)


async def client(port: int, request: bytes, until: float, times: list[float], lengths: set[int]) -> None:
    """Ask again and again on one connection until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            sys.exit(head.decode())
        match = re.search(rb"(?i)content-length: ([0-9]+)", head)
        assert match, head
        body = await reader.readexactly(int(match[1]))
        times.append(time.perf_counter() - started)
        lengths.add(len(body))
    writer.close()


async def load(port: int, request: bytes, clients: int, seconds: float) -> tuple[list[float], float, int]:
    """Return the times of all requests, how long it took altogether, and the bytes of an answer."""
    times: list[float] = []
    lengths: set[int] = set()
    started = time.perf_counter()
    until = started + seconds
    await asyncio.gather(*(client(port, request, until, times, lengths) for _ in range(clients)))
    if len(lengths) != 1:
        sys.exit(f"answers of different lengths: {lengths}")
    return times, time.perf_counter() - started, lengths.pop()


def memory(process: int) -> str:
    """Return the resident memory of a process, where the system tells it."""
    try:
        held = re.search(r"VmRSS:\s+([0-9]+)", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return "not known here"
    return f"{int(held[1]) / 1024:.0f} MB" if held else "not known here"


def upload(port: int) -> int:
    """Send files of claims one after another, each checked by a process of its own; return how many."""
    claims = (ROOT / "docs/examples/claims.csv").read_bytes()
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/api/v1/check/stream", claims, {"Host": "localhost", "Content-Type": "text/csv"})
        answer = connection.getresponse()
        if b'"type":"summary"' not in answer.read():
            sys.exit(f"an upload was answered with {answer.status}")
        connection.close()
    return 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--soak", type=float, default=0.0, metavar="MINUTES", help="ask everything in turn, watch memory"
    )
    parser.add_argument("--knowledge", action="append", default=[])
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"{options.clients} clients on loopback, {options.seconds:g} s each after {WARM_SECONDS:g} s of warming, one server process\n"
    )
    with server(options.knowledge) as (port, process):
        if options.soak:
            soak(port, process, options.clients, options.soak)
            return
        print(f"{'':18}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'bytes':>10}{'ratio':>8}")
        empty = 0.0
        for name, request in requests().items():
            asyncio.run(load(port, request, options.clients, WARM_SECONDS))
            times, spent, length = asyncio.run(load(port, request, options.clients, options.seconds))
            times.sort()
            rate = len(times) / spent
            empty = empty or rate
            at = [1000 * times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 0.99)]
            print(f"{name:18}{rate:10.0f}{at[0]:9.1f}{at[1]:9.1f}{at[2]:9.1f}{length:10}{empty / rate:8.1f}")
        print(f"\nresident memory of the server: {memory(process)}")


def soak(port: int, process: int, clients: int, minutes: float) -> None:
    """Ask everything in turn for a long time, and print how much memory the server holds."""
    ends = time.perf_counter() + 60 * minutes
    number = 0
    print("minutes  requests  memory")
    started = time.perf_counter()
    while time.perf_counter() < ends:
        for request in requests().values():
            times, _, _ = asyncio.run(load(port, request, clients, 3.0))
            number += len(times)
        number += upload(port)
        print(f"{(time.perf_counter() - started) / 60:7.1f}{number:10}  {memory(process)}", flush=True)


if __name__ == "__main__":
    main()
