"""How long a command takes to start and answer, as a ratio to an empty `python -c pass` in the same run.

    .venv/bin/python benchmarks/startup.py

Each command runs as a process of its own, in turn with the empty one (A B A B ...), and the ratios are taken pair by pair,
so that a machine that slows down slows both. "cold" means a new process with the knowledge already compiled; "first"
means that the compiled knowledge is removed before each run.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

_RUNS = 15
_BIN = Path(sys.executable).parent
_EMPTY = [sys.executable, "-c", "pass"]
_CASES = (
    ("facetwise --help", ["--help"], 6.0, False),
    ("facetwise brief 64495 --format json, cold", ["brief", "64495", "--format", "json"], 25.0, False),
    ("facetwise lint", ["lint"], None, False),
    ("facetwise brief 64495 --format json, first", ["brief", "64495", "--format", "json"], None, True),
)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def _ratio(arguments: list[str], environment: dict[str, str], before: Callable[[], None]) -> tuple[float, float, float]:
    command = [str(_BIN / "facetwise"), *arguments]
    before()
    _seconds(command, environment)
    ratios, times, empties = [], [], []
    for _ in range(_RUNS):
        empty = _seconds(_EMPTY, environment)
        before()
        took = _seconds(command, environment)
        ratios.append(took / empty)
        times.append(took)
        empties.append(empty)
    return statistics.median(ratios), statistics.median(times), statistics.median(empties)


def _renders() -> None:
    from facetwise.briefing.build import build
    from facetwise.document.write import render
    from facetwise.knowledge import load

    knowledge = load()
    day = min(date.today(), knowledge.store.horizon.until)
    print(f"\nIn one process, warm (median of {_RUNS} after one): milliseconds")
    for form in ("json", "html", "markdown"):
        document = build(knowledge, "64495", day)
        render(document, form)
        built, rendered = [], []
        for _ in range(_RUNS):
            begin = time.perf_counter()
            document = build(knowledge, "64495", day)
            middle = time.perf_counter()
            render(document, form)
            rendered.append(time.perf_counter() - middle)
            built.append(middle - begin)
        print(
            f"  {form:9} render {statistics.median(rendered) * 1000:6.1f}   build {statistics.median(built) * 1000:6.1f}"
        )
    print("  Charts are kept by content within a process, so a warm page draws none anew.")


def main() -> int:
    """Print the ratios; return 1 when one is over its bound."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.platform()}")
    print(f"{_RUNS} pairs each; median of the ratio to an empty python -c pass\n")
    over = False
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "FACETWISE_HOME": home}
        for name, arguments, bound, first in _CASES:

            def clear(first: bool = first) -> None:
                if first:
                    shutil.rmtree(Path(home) / "cache", ignore_errors=True)

            ratio, took, empty = _ratio(arguments, environment, clear)
            limit = f"bound {bound:g}" if bound else "no bound"
            print(f"{name:46} {ratio:6.1f} times ({took * 1000:.0f} ms against {empty * 1000:.0f} ms; {limit})")
            over = over or (bound is not None and ratio > bound)
    _renders()
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
