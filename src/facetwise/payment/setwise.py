"""Prices a file of claim lines set-wise in DuckDB, by the rules that `price` applies to one claim."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.payment.money import in_dollars
from facetwise.payment.setwise_input import offer_knowledge, offer_lines
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

    from facetwise.knowledge.store import Store

Progress = Callable[[str, float], None]

SUFFIXES = (".parquet", ".csv")
_STEPS = ("spans", "rules", "fees")
_PRICING = ("lines", "alone", "claims")
_OPTIONS = (
    *("date_of_service", "setting", "claim", "mac", "locality", "state", "zip", "apm_participant"),
    *("wage_index", "cbsa"),
)
_WHY = {
    "release-missing": "nothing is held for that day; load the release with 'facetwise data load'",
    "code-not-held": "the fees of that day do not have the code, or not that part of it",
    "status-not-priced": "the status says that the fee schedule sets no price",
    "locality-not-held": "no indices of that place and day; load the GPCI file of that year with 'facetwise data load'",
    "several-localities": "the state or ZIP code lies in several localities; give mac and locality",
    "wage-index-not-held": "no single wage index of that area and day; load the file, or give wage_index",
    "hospital-not-priced": "hospital facility lines are priced one claim at a time ('facetwise price' on JSON)",
    "paid-by-report": "so many procedures of one day are paid by report",
}


@dataclass(frozen=True, slots=True)
class Priced:
    """What became of a file: lines read, lines priced, dollars allowed, and how many lines have which finding."""

    lines: int
    priced: int
    allowed: Decimal
    seconds: float
    findings: dict[str, int] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """Return it for JSON, money as text."""
        return {
            "lines": self.lines,
            "priced": self.priced,
            "not_priced": self.lines - self.priced,
            "allowed": in_dollars(self.allowed),
            "findings": self.findings,
        }


def is_setwise(source: str) -> bool:
    """Whether `price` takes this input set-wise: a file whose name ends in .parquet or .csv."""
    return Path(source).suffix.lower() in SUFFIXES


def run_setwise(options: argparse.Namespace) -> int:
    """Run `price` on a file of lines; return the exit code.

    Reads `options.lines`, `output`, `knowledge`, and where they are there `memory_limit`, `threads`, `format`, and what
    stands for the whole file where it has no such column (date_of_service, setting or place_of_service, claim, mac and
    locality, state, zip, apm_participant, wage_index, cbsa).
    """
    from facetwise.catalog import catalog_path
    from facetwise.knowledge import load

    if not options.output:
        raise FacetwiseError(
            Problem(options.lines, 0, "no file to write to", "-o FILE", "name a .parquet or .csv file")
        )
    store = load(options.knowledge).store
    defaults = {name: str(value) for name in _OPTIONS if (value := getattr(options, name, None)) is not None}
    if getattr(options, "place_of_service", None):
        defaults["place_of_service_code"] = str(options.place_of_service)
    out = Path(options.output)
    priced = price_file(
        Path(options.lines),
        out,
        store,
        catalog=catalog_path(),
        memory_limit=getattr(options, "memory_limit", None) or "",
        threads=getattr(options, "threads", None) or 0,
        defaults=defaults,
        progress=_show if sys.stderr.isatty() else None,
    )
    for finding, count in priced.findings.items():
        why = _WHY.get(finding, "see docs/price-setwise.md")
        print(f"facetwise: {count:,} lines, {finding}: {why}", file=sys.stderr)
    rate = priced.lines / max(priced.seconds, 1e-9)
    print(
        f"{out}: {priced.priced:,} of {priced.lines:,} lines priced in {priced.seconds:.1f} s ({rate:,.0f} a second)",
        file=sys.stderr,
    )
    if getattr(options, "format", None) == "json":
        import msgspec

        record = {**priced.as_record(), "output": str(out), "knowledge": store.digest}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        sys.stdout.buffer.flush()
    return 0


def price_file(
    path: Path,
    out: Path,
    store: Store,
    *,
    catalog: Path | None = None,
    memory_limit: str = "",
    threads: int = 0,
    defaults: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Priced:
    """Price every line of a Parquet or CSV file and write the answer to `out`, whole or not at all.

    `catalog` is the catalog's database; its releases come before the fees of the knowledge on the days they serve.
    `memory_limit` is as DuckDB writes it ("2GB"); what does not fit goes to a directory beside `out`, removed at the end.
    `threads` 0: all. `defaults` gives columns that the file has not. `progress` is told the step and its percent. Raises
    FacetwiseError; a line that has no price is no error but a row with a finding.
    """
    import duckdb

    begin = time.perf_counter()
    _check_names(path, out)
    with _workplace(out) as place, contextlib.closing(_connect(catalog)) as connection:
        _tune(connection, place, memory_limit, threads)
        try:
            offer_knowledge(connection, store, place)
            _run(connection, (*(() if _is_there(catalog) else ("catalog",)), *_STEPS))
            _check_fees(connection)
            with _reporting(connection, progress) as step:
                step("reading")
                offer_lines(connection, path, defaults or {})
                step("pricing")
                _run(connection, _PRICING)
                step("writing")
                written = place / out.name
                _write(connection, written)
            priced = _summary(connection, written, begin)
        except duckdb.Error as error:
            raise _problem(error, path, memory_limit) from error
        written.replace(out)
    return priced


def _check_names(path: Path, out: Path) -> None:
    for name in (path, out):
        if name.suffix.lower() not in SUFFIXES:
            raise FacetwiseError(
                Problem(str(name), 0, f"the ending {name.suffix or '(none)'}", "a name in .parquet or .csv")
            )
    if not path.is_file():
        raise FacetwiseError(Problem(str(path), 0, "there is no such file", "a Parquet or CSV file of claim lines"))
    if out.exists() and out.samefile(path):
        raise FacetwiseError(Problem(str(out), 0, "the answer would be written over the lines", "another name"))
    if not out.absolute().parent.is_dir():
        raise FacetwiseError(Problem(str(out), 0, f"there is no directory {out.parent}", "a directory that exists"))


@contextlib.contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """Yield a directory beside `out`: a rename within one file system is whole, a copy across two is not."""
    try:
        with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=f".{out.name}-") as place:
            yield Path(place)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(
            Problem(str(out), 0, f"it cannot be written: {reason}", "a directory that you may write to")
        ) from error


def _is_there(catalog: Path | None) -> bool:
    return catalog is not None and catalog.is_file()


def _connect(catalog: Path | None) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect()
    if not _is_there(catalog):
        return connection
    try:
        connection.execute("ATTACH $path AS loaded (READ_ONLY)", {"path": str(catalog)})
        connection.execute("SET search_path = 'memory,loaded'")
    except duckdb.Error as error:
        connection.close()
        raise FacetwiseError(
            Problem(str(catalog), 0, f"the catalog cannot be opened: {_first_line(error)}", mend="is a load running?")
        ) from error
    return connection


def _tune(connection: duckdb.DuckDBPyConnection, place: Path, memory_limit: str, threads: int) -> None:
    import duckdb

    connection.execute("SET temp_directory = $place", {"place": str(place / "spill")})
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    for name, value, expected in (
        ("memory limit", memory_limit, "an amount such as 2GB or 500MB"),
        ("threads", threads, "a number from 1"),
    ):
        if not value:
            continue
        try:
            if name == "threads":
                connection.execute("SET threads = $value", {"value": value})
            else:
                connection.execute("SET memory_limit = $value", {"value": value})
        except duckdb.Error as error:
            raise FacetwiseError(Problem("", 0, f"{name} {value!r}", expected)) from error


def _run(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    for name in names:
        text = resources.files("facetwise.payment").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
        connection.execute(text)


def _check_fees(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute("SELECT what FROM too_fine ORDER BY what LIMIT 5").fetchall()
    if found:
        raise FacetwiseError(
            Problem(
                "",
                0,
                f"fees that are finer than published: {', '.join(what.strip() for (what,) in found)}",
                "relative values with two decimals, indices with three, conversion factors with four",
                "check the release or the overlay that they come from",
            )
        )


def _write(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    answer = connection.view("priced")
    if file.suffix.lower() == ".csv":
        answer.write_csv(str(file), header=True)
    else:
        answer.write_parquet(str(file), compression="zstd")
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _summary(connection: duckdb.DuckDBPyConnection, file: Path, begin: float) -> Priced:
    if file.suffix.lower() == ".csv":
        answer = connection.read_csv(str(file), header=True, sep=",", quotechar='"', all_varchar=True)
    else:
        answer = connection.read_parquet(str(file))
    answer.create_view("written")
    rows = connection.execute(
        "SELECT COALESCE(finding, ''), COUNT(*), COUNT(allowed), COALESCE(SUM(CAST(allowed AS DECIMAL(18, 2))), 0) "
        "FROM written GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    findings = {finding: count for finding, count, _, _ in rows if finding}
    lines, priced = (sum(row[place] for row in rows) for place in (1, 2))
    allowed = sum((Decimal(row[3]) for row in rows), Decimal(0))
    return Priced(lines, priced, allowed, time.perf_counter() - begin, findings)


@contextlib.contextmanager
def _reporting(connection: duckdb.DuckDBPyConnection, progress: Progress | None) -> Iterator[Callable[[str], None]]:
    """Yield what is told each step; its percent is asked of the engine twice a second and handed on."""
    if progress is None:
        yield lambda name: None
        return
    done = threading.Event()
    current = [""]

    def report() -> None:
        while not done.wait(0.5):
            progress(current[0], max(0.0, min(100.0, connection.query_progress())))

    def step(name: str) -> None:
        current[0] = name
        progress(name, 0.0)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield step
    finally:
        done.set()
        thread.join()
        progress("done", 100.0)


def _show(step: str, percent: float) -> None:
    end = "\n" if step == "done" else ""
    print(f"\r{step:8} {percent:3.0f} %", end=end, file=sys.stderr, flush=True)


def _problem(error: duckdb.Error, path: Path, memory_limit: str) -> FacetwiseError:
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        limit = f"the memory limit {memory_limit}" if memory_limit else "the memory of this machine"
        return FacetwiseError(
            Problem(str(path), 0, f"{limit} is too little for this file", mend="raise it, or split the file by claims")
        )
    return FacetwiseError(
        Problem(str(path), 0, f"it cannot be read: {_first_line(error)}", f"a whole {path.suffix[1:].upper()} file")
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
