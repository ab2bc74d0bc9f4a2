"""From the plan to rows, in DuckDB: how many patients make so many lines, and the claim lines, the history and the list of errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.claims.columns import DIAGNOSES, NAMES, POINTERS
from facetwise.problems import FacetwiseError, Problem
from facetwise.sample.plan import Plan

if TYPE_CHECKING:
    import duckdb

_MILLION = 1_000_000
_TRIED = 20_000  # patients from whom the average is taken
_BLOCK = 256
_ORDER = "p, v, claim, claim_line_number"
# What the contract names for a flat file, without what only some formats say.
_LAST_OF_FLAT = "prior_authorization_number"
FLAT: tuple[str, ...] = NAMES[: NAMES.index(_LAST_OF_FLAT) + 1]
PLANTED = ("edit", "claim_id", "claim_line_number", "other_claim_id", "other_claim_line_number", "error")


@dataclass(frozen=True, slots=True)
class Size:
    """How many patients there are, and in how many of a million visits an error is planted."""

    patients: int
    planted_ppm: int


class Rows:
    """An open sample: its views are `claim_line` (with `old`) and `planted`. Use `opened`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, seed: int, *, professional_only: bool = False
    ):
        self.connection = connection
        self.plan = plan
        for name, table in plan.tables.items():
            connection.register("arriving", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arriving")  # noqa: S608 - names of our own
            connection.unregister("arriving")
        self.set(
            seed=seed, first_patient=0, patients=0, planted_ppm=0, professional_only=professional_only, **plan.variables
        )
        for statement in _statements():
            connection.execute(statement)

    def set(self, **variables: int) -> None:
        """Set variables that the views read."""
        for name, value in variables.items():
            self.connection.execute(f"SET VARIABLE {name} = {int(value)}")

    def resize(self, lines: int, share: float) -> Size:
        """Choose the patients so that at most `lines` lines of claims come out, and errors so that `share` of them is planted.

        Raises FacetwiseError for a share that cannot be had.
        """
        ppm = self._planted_ppm(share)
        self.set(planted_ppm=ppm)
        average = self._lines(_TRIED, ppm)
        guess = int(lines / max(average, 0.01) * 1.02) + 2 * _BLOCK
        self.set(patients=guess)
        rows = self.connection.execute(
            f"SELECT p // {_BLOCK} AS block, count(*) FROM service WHERE NOT old GROUP BY block ORDER BY block"  # noqa: S608
        ).fetchall()
        blocks, passed = _held(rows, lines)
        self.set(first_patient=blocks * _BLOCK, patients=_BLOCK)
        rows = self.connection.execute("SELECT p, count(*) FROM service WHERE NOT old GROUP BY p ORDER BY p").fetchall()
        # Patients without a line in the span come between; those after the last that fits are left out.
        kept, _ = _held(rows, lines - passed)
        patients = rows[kept][0] if kept < len(rows) else (blocks + 1) * _BLOCK
        self.set(first_patient=0, patients=patients)
        return Size(patients, ppm)

    def select(self, *, old: bool, columns: tuple[str, ...] = FLAT) -> str:
        """Return the query of the lines of the claims, or of the history, in the order of patients."""
        listed = ", ".join(columns)
        # Only those who have a facet procedure have a history worth having.
        who = "old AND class IN ('facet', 'planted')" if old else "NOT old"
        return f"SELECT {listed} FROM claim_line WHERE {who}"  # noqa: S608 - names of our own

    def select_planted(self) -> str:
        """Return the query of the list of errors."""
        listed = ", ".join(PLANTED)
        return f"SELECT {listed} FROM planted ORDER BY ALL"  # noqa: S608 - names of our own

    def _lines(self, patients: int, ppm: int) -> float:
        """Return the average lines of claims of a patient."""
        self.set(patients=patients, planted_ppm=ppm)
        row = self.connection.execute("SELECT count(*) FROM service WHERE NOT old").fetchone()
        return (row[0] if row else 0) / patients

    def _planted_ppm(self, share: float) -> int:
        if share == 0:
            return 0
        plain = self._lines(_TRIED, 0)
        spoiled = self._lines(_TRIED, _MILLION)
        row = self.connection.execute("SELECT count(*) FROM planted").fetchone()
        found = (row[0] if row else 0) / _TRIED
        rest = found - share * (spoiled - plain)
        if found == 0 or rest <= 0 or share * plain > rest:
            most = found / spoiled if spoiled else 0
            raise FacetwiseError(
                Problem(
                    "",
                    0,
                    f"errors on {share:g} of the lines cannot be planted",
                    f"a share up to {most:.2f}",
                    "ask for fewer errors",
                )
            )
        return round(share * plain / rest * _MILLION)


@contextmanager
def opened(
    plan: Plan,
    seed: int,
    *,
    memory: str = "",
    threads: int = 0,
    spill: Path | None = None,
    professional_only: bool = False,
) -> Iterator[Rows]:
    """Open a sample in a database of its own, in memory; what does not fit goes to `spill`.

    `professional_only` leaves out institutional claims, and what was planted in them.
    """
    import duckdb

    connection = duckdb.connect()
    try:
        # The joins stay as they are written: the patients run past small tables, and so keep their order.
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        if memory:
            connection.execute("SET memory_limit = ?", [memory])
        if threads:
            connection.execute(f"SET threads = {int(threads)}")
        if spill is not None:
            connection.execute("SET temp_directory = ?", [str(spill)])
        yield Rows(connection, plan, seed, professional_only=professional_only)
    finally:
        connection.close()


def _statements() -> Iterator[str]:
    diagnoses = " ".join(f"CAST(NULL AS VARCHAR) AS diagnosis_code_{n}," for n in range(3, DIAGNOSES + 1))
    pointers = " ".join(f"CAST(NULL AS INTEGER) AS diagnosis_pointer_{n}," for n in range(2, POINTERS + 1))
    for name in ("visits", "lines"):
        text = resources.files("facetwise.sample").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
        text = text.replace("{empty_diagnoses}", diagnoses).replace("{empty_pointers}", pointers)
        yield from (part for part in text.split(";\n") if part.strip())


def _held(rows: list[tuple[int, int]], lines: int) -> tuple[int, int]:
    """Return how many of the counts in order fit into `lines`, and their sum."""
    passed = 0
    for number, (_, count) in enumerate(rows):
        if passed + count > lines:
            return number, passed
        passed += count
    return len(rows), passed
