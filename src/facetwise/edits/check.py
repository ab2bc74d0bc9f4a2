"""A check from files to a result: which engine judges, where it works, what is kept for a run that is taken up again."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.claims.payer import Payers
from facetwise.edits.batch import Batch, Found, Settings, attach, digest_of, lot_files, tune
from facetwise.edits.books import Books
from facetwise.edits.found import FoundRows, within
from facetwise.edits.history import without_checked
from facetwise.edits.in_place import OddEndsError
from facetwise.edits.reference.build import Reference, reference
from facetwise.edits.result import Checked, Count
from facetwise.edits.sources import Source, Writer, offer_source
from facetwise.edits.tally import Tally, tally
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
    tables = reference(knowledge, catalog)
    key = _key(asked, tables)
    with _workplace(output, key, asked.resume) as work, ExitStack() as opened:
        yield _run(asked, knowledge, tables, work, progress, opened)


def _key(asked: Asked, tables: Reference) -> str:
    """Return what has to be the same for a run to be taken up again."""
    files = []
    for path in (*asked.claims, *asked.history):
        with contextlib.suppress(OSError):
            status = Path(path).stat()
            files.append(f"{Path(path).resolve()} {status.st_size} {status.st_mtime_ns}")
    options = [repr(asked.mapped_payers), asked.default_payer, asked.state, str(asked.settings.lot_lines), asked.engine]
    return digest_of([str(len(asked.history)), *files, tables.digest, *options, *_judging()])


def _judging() -> Iterator[str]:
    """Give the rule texts and the code around them: what another version of them found is not taken up."""
    for path in sorted(Path(__file__).parent.rglob("*.sql")):
        yield path.read_text(encoding="utf-8")
    for name in ("batch.py", "found.py", "screening.py"):
        yield Path(__file__).with_name(name).read_text(encoding="utf-8")


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
        if not lot_files(work):
            shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)


def _run(
    asked: Asked, knowledge: Knowledge, tables: Reference, work: Path, progress: Progress, opened: ExitStack
) -> Checked:
    try:
        return _run_over(asked, knowledge, tables, work, progress, opened, in_place=True)
    except OddEndsError:
        for part in lot_files(work):
            part.unlink()
        return _run_over(asked, knowledge, tables, work, progress, opened, in_place=False)


def _run_over(
    asked: Asked,
    knowledge: Knowledge,
    tables: Reference,
    work: Path,
    progress: Progress,
    opened: ExitStack,
    *,
    in_place: bool,
) -> Checked:
    """Check once; what the result reads from stays open until `opened` is left."""
    import duckdb

    with ExitStack() as closing, within(asked.settings.memory_limit):
        connection = duckdb.connect()
        closing.callback(connection.close)
        rejected = Writer(work / "rejected.ndjson")
        closing.callback(rejected.close)
        _tune(connection, work, asked.settings)
        progress("reading", 0.0)
        latest = max(knowledge.store.horizon.until, date.today())
        source = offer_source(
            connection, asked.claims, asked.history, work, rejected, last_day=latest, in_place=in_place
        )
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
        kept = batch.keep(unseen=source.unseen)
        with _beside(connection) as telling:
            if asked.engine == "spark":
                from facetwise.edits.spark import run_spark

                run_spark(connection, work, batch.families, asked.master, progress)
            else:
                batch.judge(kept)
            told = telling.result()
        if source.unseen and told.odd_ends:
            raise OddEndsError
        rejected.close()
        rows = FoundRows(connection, work, asked.settings.memory_limit)
        result = _result(asked, knowledge, tables, source, kept, rows, told, names, work, again)
        progress("writing", 0.97)
        opened.push(closing.pop_all())
        return result


@contextlib.contextmanager
def _beside(connection: duckdb.DuckDBPyConnection) -> Iterator[Future[Tally]]:
    """Count in a thread of its own while the lines are judged; what breaks off the one breaks off the other."""
    cursor = connection.cursor()
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(tally, cursor)
        except BaseException:
            cursor.interrupt()
            raise


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
    asked: Asked,
    knowledge: Knowledge,
    tables: Reference,
    source: Source,
    found: Found,
    rows: FoundRows,
    told: Tally,
    names: Books,
    work: Path,
    again: int,
) -> Checked:
    unknown: dict[str, int] = {}
    for payer, filing, lines in told.payers:
        if not names.known(payer, filing):
            unknown[payer] = unknown.get(payer, 0) + lines
    return Checked(
        claims=told.claims,
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
        counts=[Count(*row) for row in rows.counts()],
        payers_unknown=sorted(unknown.items(), key=lambda item: (-item[1], item[0])),
        lines_without_unit_value=told.without_unit_value,
        rows=rows,
        rejected_file=work / "rejected.ndjson" if source.rejected else None,
    )
