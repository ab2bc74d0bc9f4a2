"""Many cases at once, in DuckDB: the determination that `cover` makes of one case, as rows.

The knowledge is compiled to rows (setwise_rules.py) and joined with the cases; the three values are SQL's own TRUE, FALSE
and NULL. docs/cover-setwise.md says what goes in, what comes out, and what is left to the scalar engine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.coverage.setwise_rules import Compiled, compile_rules, deepest, most_contractors
from facetwise.coverage.setwise_tables import TABLES
from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest

if TYPE_CHECKING:
    import duckdb

    from facetwise.knowledge import Knowledge

LINES = (".ndjson", ".jsonl")
SUFFIXES = (".parquet", *LINES)
_CASE = (
    *("case_id", "payer", "state", "date_of_service", "setting", "technique", "purpose", "region", "sides", "sequence"),
    *("joints", "codes", "history_documented"),
)
_EVENT = ("case_id", "date", "technique", "purpose", "sequence", "region", "joints", "sides")
_NEEDED = {"case": ("case_id", "payer", "date_of_service", "technique", "region"), "event": (*_EVENT[:3], "region")}
_CHUNK = 20_000  # cases evaluated at a time: what keeps the rows of their leaves in memory
_MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Covered:
    """What became of a file: cases read, how many had which outcome, how many the scalar engine evaluated, seconds."""

    cases: int
    outcomes: dict[str, int] = field(default_factory=dict)
    scalar: int = 0
    seconds: float = 0.0

    def as_record(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"cases": self.cases, "outcomes": self.outcomes, "evaluated_scalar": self.scalar}


def is_setwise(source: str) -> bool:
    """Whether `cover` takes this input set-wise: a file whose name ends in .parquet, .ndjson or .jsonl."""
    return Path(source).suffix.lower() in SUFFIXES


def run_setwise(options: argparse.Namespace) -> int:
    """Run `cover` on a file of cases; return 1 when one came out not met, else 0.

    Reads `options.case`, `output`, `knowledge`, and where they are there `history`, `memory_limit`, `threads`, `format`.
    """
    from facetwise.knowledge import load

    if not getattr(options, "output", None):
        raise FacetwiseError(
            Problem(options.case, 0, "no file to write to", "-o FILE", "name a .parquet or .ndjson file")
        )
    knowledge = load(options.knowledge)
    out = Path(options.output)
    history = getattr(options, "history", None)
    covered = cover_file(
        Path(options.case),
        out,
        knowledge,
        history=Path(history) if history else None,
        memory_limit=getattr(options, "memory_limit", None) or "",
        threads=getattr(options, "threads", None) or 0,
        progress=_show_progress if sys.stderr.isatty() else None,
    )
    shown = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in covered.outcomes.items())
    print(f"{out}: {covered.cases:,} cases in {covered.seconds:.1f} s: {shown or 'none'}", file=sys.stderr)
    if getattr(options, "format", None) == "json":
        record = {**covered.as_record(), "output": str(out), "knowledge": knowledge.digest}
        print(json.dumps(record, indent=2))
    return 1 if covered.outcomes.get("not_met") else 0


def cover_file(
    path: Path,
    out: Path,
    knowledge: Knowledge,
    *,
    history: Path | None = None,
    memory_limit: str = "",
    threads: int = 0,
    chunk: int = _CHUNK,
    progress: Callable[[float], None] | None = None,
) -> Covered:
    """Evaluate every case of a Parquet or NDJSON file and write the findings to `out`, whole or not at all.

    `history` is the Parquet file of earlier procedures that goes with a Parquet file of cases. `memory_limit` is as
    DuckDB writes it ("2GB"); what does not fit goes to a directory beside `out`, deleted at the end. `threads` 0: all.
    `chunk` is how many cases are evaluated at a time. Raises FacetwiseError with the faults of the input, by row.
    """
    import duckdb

    begin = time.perf_counter()
    _check_names(path, out, history)
    with _workplace(out) as place:
        connection = duckdb.connect()
        try:
            _tune(connection, place, memory_limit, threads)
            _run(connection, "source")
            _read(connection, path, history, knowledge)
            asked = connection.execute(
                "SELECT DISTINCT payer, state, day FROM given WHERE day IS NOT NULL ORDER BY ALL"
            ).fetchall()
            compiled = compile_rules(knowledge, asked)
            _offer(connection, compiled, place)
            _run(connection, "check")
            scalar = _scalar(connection, path, knowledge, place)
            cases = _one(connection, "SELECT count(*) FROM given")
            for first in range(1, cases + 1, chunk):
                _evaluate(connection, first, first + chunk - 1, compiled)
                if progress:
                    progress(min(100.0, 100 * (first + chunk - 1) / cases))
            written = place / out.name
            _write(connection, written)
            outcomes = dict(
                connection.execute(
                    "SELECT status, count(*) FROM findings WHERE kind = 'outcome' GROUP BY 1 ORDER BY 1"
                ).fetchall()
            )
            written.replace(out)
        except duckdb.OutOfMemoryException as error:
            limit = memory_limit or "the memory of this machine"
            raise FacetwiseError(
                Problem(str(path), 0, f"{limit} is too little for this file", mend="raise --memory-limit, or split it")
            ) from error
        finally:
            connection.close()
    return Covered(cases, outcomes, scalar, time.perf_counter() - begin)


def _check_names(path: Path, out: Path, history: Path | None) -> None:
    for name in (path, out):
        if name.suffix.lower() not in SUFFIXES:
            raise FacetwiseError(
                Problem(str(name), 0, f"the ending {name.suffix or '(none)'!r}", "a name in .parquet or .ndjson")
            )
    if history is not None and (history.suffix.lower() != ".parquet" or path.suffix.lower() != ".parquet"):
        raise FacetwiseError(
            Problem(str(history), 0, "a history of its own goes with Parquet only", "both files in .parquet")
        )
    for name in (path, *([history] if history else [])):
        if not name.is_file():
            raise FacetwiseError(Problem(str(name), 0, "there is no such file", "a Parquet or NDJSON file"))
        if out.exists() and out.resolve() == name.resolve():
            raise FacetwiseError(Problem(str(out), 0, "the findings would be written over the input", "another name"))
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


def _tune(connection: duckdb.DuckDBPyConnection, place: Path, memory_limit: str, threads: int) -> None:
    import duckdb

    connection.execute("SET temp_directory = $place", {"place": str(place / "spill")})
    if threads:
        connection.execute("SET threads = $threads", {"threads": threads})
    if memory_limit:
        try:
            connection.execute("SET memory_limit = $limit", {"limit": memory_limit})
        except duckdb.Error as error:
            raise FacetwiseError(
                Problem("", 0, f"memory limit {memory_limit!r}", "an amount such as 2GB or 500MB")
            ) from error


def _run(connection: duckdb.DuckDBPyConnection, name: str, **values: int) -> None:
    text = resources.files("facetwise.coverage").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    if values:
        connection.execute(text, values)
    else:
        connection.execute(text)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _read(connection: duckdb.DuckDBPyConnection, path: Path, history: Path | None, knowledge: Knowledge) -> None:
    """Read the input into `source`, a contract case a row, and take it apart."""
    import duckdb

    if path.suffix.lower() in LINES:
        try:
            connection.execute(
                "CREATE TABLE source AS SELECT row_number() OVER () AS ord, json AS j FROM read_ndjson_objects($path)",
                {"path": str(path)},
            )
        except duckdb.Error:
            # The message of DuckDB repeats the line, and with it the patient.
            raise FacetwiseError(_bad_line(path)) from None
    else:
        asks = knowledge.store.vocabulary.asks
        _offer_columns(connection, path, "case", [*_CASE, *(name.replace(".", "__") for name in asks)])
        measured = [name.replace(".", "__") for name in asks if name.startswith("history.")]
        _offer_columns(connection, history, "event", [*_EVENT, *measured])
        _check_ids(connection, path, history)
        _run(connection, "flat")
    _run(connection, "nested")
    twice = connection.execute(
        "SELECT max(ord) FROM given GROUP BY case_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    ).fetchone()
    if twice:
        line = _line(path, int(twice[0]))
        raise FacetwiseError(Problem(str(path), line, "its case_id is that of an earlier case", "one of its own"))


def _offer_columns(connection: duckdb.DuckDBPyConnection, path: Path | None, what: str, known: list[str]) -> None:
    """Let the SQL read the rows of a Parquet file as JSON objects, in the table flat_case or flat_event."""
    import duckdb

    if path is None:
        connection.execute("CREATE TABLE flat_event (ord BIGINT, j JSON)")
        return
    try:
        rows = connection.read_parquet(str(path), file_row_number=True)
        problems = []
        for name in rows.columns:
            if name not in known and name != "file_row_number":
                close = ", ".join(nearest(name, known, 3)) or ", ".join(known[:8])
                expected = f"a known one, such as {close}"
                problems.append(Problem(str(path), 0, f"unknown column {name!r}", expected, did_you_mean(name, known)))
        problems += [
            Problem(str(path), 0, f"no column {name}", "one of that name")
            for name in _NEEDED[what]
            if name not in rows.columns
        ]
        if problems:
            raise FacetwiseError(problems)
        rows.create_view(f"rows_{what}")
        text = {
            "case": "CREATE TABLE flat_case AS SELECT file_row_number + 1 AS ord, to_json(r) AS j FROM rows_case AS r",
            "event": "CREATE TABLE flat_event AS SELECT file_row_number + 1 AS ord, to_json(r) AS j FROM rows_event AS r",
        }
        connection.execute(text[what])
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        raise FacetwiseError(Problem(str(path), 0, "it cannot be read", "a whole Parquet file")) from None


def _check_ids(connection: duckdb.DuckDBPyConnection, path: Path, history: Path | None) -> None:
    blank = connection.execute("SELECT min(ord) FROM flat_case WHERE COALESCE(j ->> 'case_id', '') = ''").fetchone()
    if blank and blank[0] is not None:
        raise FacetwiseError(Problem(str(path), int(blank[0]), "it has no case_id", "an id of its own"))
    stray = connection.execute(
        "SELECT min(e.ord) FROM flat_event AS e ANTI JOIN flat_case AS c ON (c.j ->> 'case_id') = (e.j ->> 'case_id')"
    ).fetchone()
    if stray and stray[0] is not None:
        raise FacetwiseError(
            Problem(str(history), int(stray[0]), "its case_id is that of no case", "the case_id of a case")
        )


def _bad_line(path: Path) -> Problem:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    return Problem(str(path), number, "this is no mapping of keys", "one case, as a JSON object")
            except ValueError:
                return Problem(str(path), number, "this is not JSON", "one case a line, as a JSON object")
    return Problem(str(path), 0, "it cannot be read", "one case a line, as a JSON object")


def _line(path: Path, ord_: int) -> int:
    """Return the place of a case in its file: the row of Parquet, the line of NDJSON, in which blank lines may stand."""
    if path.suffix.lower() not in LINES:
        return ord_
    seen = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            seen += bool(line.strip())
            if seen == ord_:
                return number
    return ord_


def _offer(connection: duckdb.DuckDBPyConnection, compiled: Compiled, place: Path) -> None:
    import msgspec

    for name, columns in TABLES.items():
        file = place / f"{name}.ndjson"
        with file.open("wb") as target:
            target.writelines(msgspec.json.encode(row) + b"\n" for row in compiled.tables.get(name, ()))
        connection.read_json(str(file), columns=columns, format="newline_delimited").create(name)


def _evaluate(connection: duckdb.DuckDBPyConnection, first: int, last: int, compiled: Compiled) -> None:
    """Evaluate a lot of cases; those whose contractor is not known first by each of the contractors."""
    _run(connection, "lot")
    held = connection.execute(
        "SELECT count(*) FROM placed WHERE unknown_contractor AND ord BETWEEN $first AND $last",
        {"first": first, "last": last},
    ).fetchone()
    unknown = bool(held and held[0])
    for variant in range(1, most_contractors(compiled) + 1 if unknown else 1):
        _judge(connection, first, last, variant, deepest(compiled))
        _run(connection, "contractor")
    _judge(connection, first, last, 0, deepest(compiled))
    _run(connection, "write")


def _judge(connection: duckdb.DuckDBPyConnection, first: int, last: int, variant: int, depth: int) -> None:
    _run(connection, "plain", first=first, last=last, variant=variant)
    _run(connection, "facts")
    _run(connection, "tests")
    for level in range(depth, 0, -1):
        _run(connection, "step", depth=level)
    _run(connection, "findings")


def _scalar(connection: duckdb.DuckDBPyConnection, path: Path, knowledge: Knowledge, place: Path) -> int:
    """Give the odd cases to the reader and the engine of single cases; return how many. Raises FacetwiseError."""
    from facetwise.coverage.setwise_odd import odd_rows

    odd = connection.execute("SELECT s.ord, s.j FROM source AS s SEMI JOIN odd AS o ON o.ord = s.ord ORDER BY s.ord")
    file = place / "odd.ndjson"
    problems: list[Problem] = []
    count = 0
    with file.open("w", encoding="utf-8") as target:
        while (row := odd.fetchone()) is not None and len(problems) < _MOST_FAULTS:
            try:
                for found in odd_rows(int(row[0]), str(row[1]), str(path), knowledge):
                    target.write(json.dumps(found) + "\n")
                count += 1
            except FacetwiseError as error:
                line = _line(path, int(row[0]))
                problems += [Problem(one.file, line, one.found, one.expected, one.mend) for one in error.problems]
    if problems:
        raise FacetwiseError(problems)
    if count:
        types = {str(name): str(kind) for name, kind, *_ in connection.execute("DESCRIBE findings").fetchall()}
        connection.read_json(str(file), columns=types, format="newline_delimited").insert_into("findings")
    return count


def _write(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    answer = {
        ".parquet": "COPY (SELECT * FROM written) TO $file (FORMAT parquet, COMPRESSION zstd)",
        ".ndjson": "COPY (SELECT * FROM written) TO $file (FORMAT json)",
    }
    kind = ".parquet" if file.suffix.lower() == ".parquet" else ".ndjson"
    connection.execute(answer[kind], {"file": str(file)})
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _show_progress(percent: float) -> None:
    end = "\n" if percent >= 100 else ""
    print(f"\rcovering {percent:3.0f} %", end=end, file=sys.stderr, flush=True)
