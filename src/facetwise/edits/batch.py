"""Many claims at once: every edit over files of any size, in DuckDB, in bounded memory.

One narrow pass finds the person-days in which a finding is possible (`screening`), one wide pass fetches their lines, and
the rule texts judge those. Lines are worked off in lots, all lines of a person in one; a finished lot is kept beside the
output until all are done, so that an interrupted run can be resumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.edits import screening
from facetwise.edits.found import SELECT
from facetwise.edits.in_place import ENDS, OddEndsError, odd_ends
from facetwise.edits.prepare.statements import MACRO, fill
from facetwise.edits.registry import FAMILIES, SCREENS, Family
from facetwise.edits.tables import PREPARED
from facetwise.edits.texts import read_text

if TYPE_CHECKING:
    import duckdb

    from facetwise.edits.reference.build import Reference

Progress = Callable[[str, float], None]
# Lines in a lot: what keeps the memory of the join within a gigabyte.
LOT_LINES = 12_000_000
_LOT_FILE = "lot-{}.parquet"
# Texts that run side by side: many have steps that use one processor only.
_TOGETHER = 2
_DX = tuple(f"diagnosis_code_{number}" for number in range(1, 26))
_POINTERS = tuple(f"diagnosis_pointer_{number}" for number in range(1, 5))
# Of these the ends are looked at on the lines kept; person_id is looked at when lines are screened, claim_id by the tally.
_UNSEEN = tuple(name for name in ENDS if name not in ("person_id", "claim_id"))
# What of a line is read for judging and reporting, beside its diagnoses.
_READ = (
    *("line_id", "checked", "file", "place", "claim_id", "claim_line_number", "claim_type", "person_id", "payer"),
    *("claim_filing_indicator_code", "place_of_service_code", "bill_type_code", "claim_line_start_date", "hcpcs_code"),
    *("hcpcs_modifier_1", "hcpcs_modifier_2", "hcpcs_modifier_3", "hcpcs_modifier_4", "hcpcs_modifier_5"),
    *("service_unit_quantity", "unit_basis", "charge_amount", "rendering_npi", "billing_npi", "state"),
    "prior_authorization_number",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the run may use: DuckDB's memory limit ("2GB"; empty: its own default) and threads (0: all), lines in a lot."""

    memory_limit: str = ""
    threads: int = 0
    lot_lines: int = LOT_LINES


@dataclass(slots=True)
class Found:
    """What a run looked at: how many lines of which days, in how many lots. The findings are the view `found`."""

    lines: int
    first_day: int
    last_day: int
    lots: int


def tune(connection: duckdb.DuckDBPyConnection, work: Path, settings: Settings) -> None:
    """Set memory, threads and the place for what does not fit. Raises duckdb.Error on a limit that is none."""
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")  # DuckDB's own would stand in the middle of the findings
    # One step after another needs the memory that the last one freed: to give it back to the system in between costs more
    # than keeping it, and the memory limit holds all the same.
    for setting in ("allocator_flush_threshold", "allocator_bulk_deallocation_flush_threshold"):
        connection.execute(f"SET {setting} = '64GB'")
    connection.execute("SET temp_directory = $place", {"place": str(work / "spill")})
    if settings.threads:
        connection.execute("SET threads = $threads", {"threads": settings.threads})
    if settings.memory_limit:
        connection.execute("SET memory_limit = $limit", {"limit": settings.memory_limit})


def attach(connection: duckdb.DuckDBPyConnection, reference: Reference) -> None:
    """Let the texts read the reference tables by their plain names."""
    place = str(reference.duckdb).replace("'", "''")
    connection.execute(f"ATTACH '{place}' AS reference (READ_ONLY)")
    connection.execute("SET search_path = 'memory,reference'")


class Batch:
    """A run over `source`, a relation of the connection: the claim-line table with line_id and checked.

    line_id are whole numbers from 0 in the order of the input, history after all checked lines. `resolve` turns the
    distinct (payer, filing indicator, state) of the lines into rows (payer, filing, state, book).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        work: Path,
        settings: Settings,
        resolve: Callable[[Sequence[tuple[str, str, str]]], Sequence[tuple[str, str, str, int]]],
        progress: Progress,
        with_history: bool = False,
        families: Sequence[Family] = FAMILIES,
    ):
        self._connection = connection
        self._work = work
        self._settings = settings
        self._resolve = resolve
        self._progress = progress
        self.families = [one for one in families if with_history or not one.with_history]

    def judge(self, found: Found) -> None:
        """Judge what was kept, and leave the findings as the view `found`.

        Lots of many are kept as files; those that lie finished in the directory are not done again.
        """
        run = self._connection.execute
        self._progress("judging", 0.5)
        if found.lots == 1:
            self._lot(0)
            run(f"CREATE OR REPLACE VIEW found AS {SELECT}")
            self._progress("judging", 0.95)
            return
        parts = []
        for lot in range(found.lots):
            part = self._work / _LOT_FILE.format(f"{lot:04d}")
            if not part.exists():
                self._lot(lot)
                unfinished = part.with_suffix(".unfinished")
                run("COPY finding TO $file (FORMAT parquet, ROW_GROUP_SIZE 40000)", {"file": str(unfinished)})
                run("DROP TABLE finding")
                unfinished.replace(part)
            parts.append("'" + str(part).replace("'", "''") + "'")
            self._progress("judging", 0.5 + 0.45 * (lot + 1) / found.lots)
        run(f"CREATE OR REPLACE VIEW finding AS SELECT * FROM read_parquet([{', '.join(parts)}])")  # noqa: S608
        run("CREATE OR REPLACE VIEW lot_line AS SELECT * FROM claim_line")
        run(f"CREATE OR REPLACE VIEW found AS {SELECT}")

    def keep(self, *, unseen: bool = False) -> Found:
        """Leave in the connection what is to be judged: claim_line, claim_dx, payer_book, and of ptp the pairs that met.

        `unseen`: as in Source; raises OddEndsError.
        """
        lines, first, last = self._row(
            "SELECT count(*), min(claim_line_start_date) - DATE '1970-01-01', max(claim_line_start_date) - DATE '1970-01-01'"
            " FROM source"
        )
        found = Found(lines or 0, first or 0, last or 0, 1)
        found.lots = max(1, -(-found.lines // self._settings.lot_lines))
        self._progress("reading", 0.0)
        self._screen(found, unseen=unseen)
        self._progress("fetching", 0.3)
        self._fetch()
        if unseen and self._row(f"SELECT EXISTS (SELECT 1 FROM claim_line WHERE {odd_ends(*_UNSEEN)})")[0]:  # noqa: S608
            raise OddEndsError
        return found

    def _screen(self, found: Found, *, unseen: bool) -> None:
        run = self._connection.execute
        (anonymous,) = self._row("SELECT EXISTS (SELECT 1 FROM source WHERE person_id IS NULL)")
        person, hashed = screening.PERSON[not anonymous]
        lot_of = screening.ONE_LOT if found.lots == 1 else screening.LOT.format(person=hashed, lots=found.lots)
        odd = odd_ends("person_id") if unseen else "false"
        run(screening.NARROW.format(person=person, lot=lot_of, odd=odd))
        if unseen and self._row(screening.ANY_ODD)[0]:
            raise OddEndsError
        run(screening.PAIRS, {"first": found.first_day, "last": found.last_day})
        for statement in screening.TABLES:
            run(statement)
        for lot in range(found.lots):
            run(screening.ALL_LINES if found.lots == 1 else screening.LINES_OF_LOT.format(lot=lot))
            run(screening.BEFORE_MET)
            for first, last in screening.slices(found.lines // found.lots):
                run(screening.MET.format(first=first, last=last))
            for statement in screening.AFTER_MET:
                run(statement.format(lot=lot))
            self._progress("screening", 0.1 + 0.2 * (lot + 1) / found.lots)
        for table in ("met", "met_code", "kept_visit", "pair_asked"):
            run(f"DROP TABLE {table}")
        run(f"DROP {'VIEW' if found.lots == 1 else 'TABLE'} lot_narrow")
        run("DROP TABLE narrow")

    def _fetch(self) -> None:
        run = self._connection.execute
        columns = ", ".join("source." + name for name in _READ)
        run(screening.KEPT.format(columns=columns))
        run("DROP TABLE kept_line")
        run(screening.DIAGNOSES.format(columns=", ".join(("line_id", "hcpcs_code", *_DX, *_POINTERS))))
        run(screening.PTP_MET)
        asked = run(
            "SELECT DISTINCT coalesce(payer, ''), coalesce(claim_filing_indicator_code, ''), coalesce(state, '')"
            " FROM claim_line ORDER BY ALL"
        ).fetchall()
        run("CREATE TABLE payer_book (payer VARCHAR, filing VARCHAR, state VARCHAR, book INTEGER)")
        rows = list(self._resolve(asked))
        if rows:
            self._connection.executemany("INSERT INTO payer_book VALUES (?, ?, ?, ?)", rows)

    def _lot(self, lot: int) -> None:
        run = self._connection.execute
        run(MACRO)
        run(f"CREATE OR REPLACE VIEW lot_line AS SELECT * FROM claim_line WHERE lot = {lot:d}")  # noqa: S608
        columns = ", ".join(PREPARED["line"].columns)
        run(f"CREATE OR REPLACE TABLE all_line AS SELECT {columns} FROM ({_over(fill('line', 'duckdb'), 'lot_line')})")  # noqa: S608
        run("CREATE OR REPLACE VIEW line AS SELECT * FROM all_line")
        columns = ", ".join(PREPARED["facet"].columns)
        run(f"CREATE OR REPLACE TABLE facet AS SELECT {columns} FROM ({fill('facet', 'duckdb')})")  # noqa: S608
        run("CREATE OR REPLACE VIEW lot_dx AS SELECT * FROM claim_dx WHERE line_id IN (SELECT line_id FROM all_line)")
        run(f"CREATE OR REPLACE TABLE line_dx AS {_over(fill('line_dx', 'duckdb'), 'lot_dx')}")
        run(
            "CREATE OR REPLACE TABLE finding (line_id BIGINT, other_line_id BIGINT, edit VARCHAR, severity VARCHAR,"
            " message VARCHAR, fix VARCHAR, evidence VARCHAR, citations VARCHAR, family INTEGER)"
        )
        empty = {name for name in ("facet", "line_dx") if not self._row(f"SELECT count(*) FROM {name}")[0]}  # noqa: S608
        for screen, bit in SCREENS.items():
            run(f"CREATE SCHEMA IF NOT EXISTS {screen}")
            run(f"CREATE OR REPLACE VIEW {screen}.line AS SELECT * FROM main.all_line WHERE screened & {bit:d} <> 0")  # noqa: S608
        asked = [
            (number, family) for number, family in enumerate(self.families) if not empty.intersection(family.needs)
        ]
        with ThreadPoolExecutor(_TOGETHER) as pool:
            try:
                for job in [pool.submit(self._judge, number, family) for number, family in asked]:
                    job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _judge(self, number: int, family: Family) -> None:
        """Put the findings of a family into the table `finding`; a text's `line` is that of the family's screen."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"SET search_path = 'memory.{family.screen},memory,reference'")
            text = read_text(family.name).statement()
            cursor.execute(f"INSERT INTO memory.finding SELECT f.*, {number:d} FROM ({text}) AS f")  # noqa: S608

    def _row(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()


def lot_files(work: Path) -> list[Path]:
    """Return the findings of finished lots that lie in a directory."""
    return sorted(work.glob(_LOT_FILE.format("*")))


def digest_of(parts: Sequence[str]) -> str:
    """Return a short digest of what tells one run from another."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _over(statement: str, relation: str) -> str:
    """Return a statement that fills a prepared table, reading the claim lines of one lot."""
    return f"WITH claim_line AS (SELECT * FROM {relation}) SELECT * FROM ({statement})"  # noqa: S608 - names of our own
