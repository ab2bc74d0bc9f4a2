"""A check from files to a result: which engine judges, where it works, what is kept for a run that is taken up again."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.claims.payer import Payers
from facetwise.edits.batch import Batch, Found, Settings, attach, digest_of, tune
from facetwise.edits.books import Books
from facetwise.edits.history import without_checked
from facetwise.edits.reference.build import Reference, reference
from facetwise.edits.result import Checked, Count
from facetwise.edits.sources import Source, Writer, offer_source
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be checked and by whose rules. `default_payer` and `state` stand in where a line tells none."""

    claims: tuple[Path | str, ...]
    history: tuple[Path | str, ...] = ()
    mapped_payers: tuple[tuple[str, str], ...] = ()
    default_payer: str = ""
    state: str = ""
    engine: str = "duckdb"
    master: str = ""
    settings: Settings = field(default_factory=Settings)
    resume: bool = False


@contextlib.contextmanager
def checked(
    asked: Asked,
    knowledge: Knowledge,
    output: Path | None = None,
    progress: Progress = lambda _stage, _done: None,
    catalog: Path | None = None,
) -> Iterator[Checked]:
    """Check the files; the result and its findings can be read until the context is left.

    The work is done in a directory beside `output` (in the system's place for temporary files where there is none). When it
    breaks off after a lot was finished, the directory stays, and the same call with `resume` takes it up again. Raises
    FacetwiseError for inputs that cannot be read and limits that are none.
    """
    begin = time.perf_counter()
    tables = reference(knowledge, catalog)
    key = _key(asked, tables)
    with _workplace(output, key, asked.resume) as work:
        result = _run(asked, knowledge, tables, work, progress)
        result.seconds = time.perf_counter() - begin
        yield result


def _key(asked: Asked, tables: Reference) -> str:
    """Return what has to be the same for a run to be taken up again."""
    files = []
    for path in (*asked.claims, *asked.history):
        with contextlib.suppress(OSError):
            status = Path(path).stat()
            files.append(f"{Path(path).resolve()} {status.st_size} {status.st_mtime_ns}")
    options = [repr(asked.mapped_payers), asked.default_payer, asked.state, str(asked.settings.lot_lines), asked.engine]
    return digest_of([str(len(asked.history)), *files, tables.digest, *options])


@contextlib.contextmanager
def _workplace(output: Path | None, key: str, resume: bool) -> Iterator[Path]:
    if output is None:
        with tempfile.TemporaryDirectory(prefix="facetwise-check-") as place:
            yield Path(place)
        return
    work = output.absolute().parent / f".{output.name}.unfinished"
    note = work / "run.json"
    try:
        if not (resume and note.is_file() and json.loads(note.read_text()).get("key") == key):
            shutil.rmtree(work, ignore_errors=True)
        for left in work.glob("*") if work.is_dir() else ():
            if left != note and not left.name.startswith("lot-"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        work.mkdir(exist_ok=True)
        note.write_text(json.dumps({"key": key}))
    except (OSError, ValueError) as error:
        raise FacetwiseError(
            Problem(str(output), 0, f"it cannot be written: {error}", "a directory that you may write to")
        ) from None
    try:
        yield work
    except BaseException:
        if not any(work.glob("lot-*.parquet")):
            shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)


def _run(asked: Asked, knowledge: Knowledge, tables: Reference, work: Path, progress: Progress) -> Checked:
    import duckdb

    connection = duckdb.connect()
    rejected = Writer(work / "rejected.ndjson")
    try:
        _tune(connection, work, asked.settings)
        progress("reading", 0.0)
        source = offer_source(connection, asked.claims, asked.history, work, rejected)
        again = without_checked(connection) if asked.history else 0
        attach(connection, tables)
        books = connection.execute("SELECT payer, state, book FROM book_of").fetchall()
        names = Books(Payers(knowledge.store, dict(asked.mapped_payers), asked.default_payer), books)
        if asked.state:
            connection.execute("ALTER VIEW source RENAME TO source_as_read")
            connection.execute(
                f"CREATE VIEW source AS SELECT * REPLACE (coalesce(state, '{_state(asked.state)}') AS state)"  # noqa: S608
                " FROM source_as_read"
            )
        batch = Batch(connection, work, asked.settings, names.resolve, progress, with_history=bool(asked.history))
        if asked.engine == "spark":
            from facetwise.edits.spark import run_spark

            found = run_spark(connection, work, batch, asked.master, progress)
        else:
            found = batch.run()
        return _result(connection, asked, knowledge, tables, source, found, names, work, again)
    except duckdb.OutOfMemoryException:
        limit = asked.settings.memory_limit or "the memory of this machine"
        raise FacetwiseError(
            Problem("", 0, f"{limit} is too little for these claims", mend="raise --memory-limit, or check fewer files")
        ) from None
    finally:
        rejected.close()
        connection.close()


def _state(state: str) -> str:
    if len(state) != 2 or not state.isalpha():
        raise FacetwiseError(Problem("", 0, f"--state {state!r}", "two letters, such as OH"))
    return state.upper()


def _tune(connection: duckdb.DuckDBPyConnection, work: Path, settings: Settings) -> None:
    import duckdb

    try:
        tune(connection, work, settings)
    except duckdb.Error:
        raise FacetwiseError(
            Problem("", 0, f"memory limit {settings.memory_limit!r}", "an amount such as 2GB or 500MB")
        ) from None


def _result(
    connection: duckdb.DuckDBPyConnection,
    asked: Asked,
    knowledge: Knowledge,
    tables: Reference,
    source: Source,
    found: Found,
    names: Books,
    work: Path,
    again: int,
) -> Checked:
    run = connection.execute
    claims: Any = run("SELECT count(*) FROM (SELECT 1 FROM source WHERE checked = 1 GROUP BY claim_id)").fetchone()
    counts = run(
        "SELECT edit, severity, count(*), count(DISTINCT line_id), coalesce(sum(charge_amount) FILTER (first), 0)::VARCHAR"
        " FROM (SELECT *, row_number() OVER (PARTITION BY edit, severity, line_id ORDER BY other_line_id) = 1 AS first"
        "   FROM read_parquet($file))"
        " GROUP BY edit, severity ORDER BY list_position(['reject', 'deny', 'review', 'info'], severity), 3 DESC, edit",
        {"file": str(found.findings)},
    ).fetchall()
    written = run(
        "SELECT coalesce(payer, ''), coalesce(claim_filing_indicator_code, ''), count(*) FROM source WHERE checked = 1"
        " GROUP BY ALL ORDER BY 3 DESC, 1"
    ).fetchall()
    unknown: dict[str, int] = {}
    for payer, filing, lines in written:
        if not names.known(payer, filing):
            unknown[payer] = unknown.get(payer, 0) + lines
    values: Any = run(
        "SELECT coalesce(sum(n), 0) FROM (SELECT hcpcs_code AS code, count(*) AS n FROM source WHERE checked = 1 GROUP BY 1)"
        " WHERE code IS NOT NULL AND code NOT IN (SELECT code FROM mue)"
    ).fetchone()
    return Checked(
        claims=claims[0],
        lines=source.lines,
        rejected=source.rejected_lines,
        rejected_records=source.rejected,
        history_lines=source.history_lines,
        history_left_out=again,
        history_rejected=source.history_rejected,
        releases=tables.releases(found.first_day, found.last_day) if found.lines else {},
        knowledge=knowledge.digest,
        engine=asked.engine,
        files=source.files,
        counts=[Count(*row) for row in counts],
        payers_unknown=sorted(unknown.items(), key=lambda item: (-item[1], item[0])),
        lines_without_unit_value=int(values[0]),
        findings_file=found.findings,
        rejected_file=work / "rejected.ndjson" if source.rejected else None,
    )
