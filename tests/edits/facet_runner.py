"""Runs the facet rule texts over rows of the claim-line table, on DuckDB and on SQLite, for tests.

The prepared tables are filled by DuckDB and copied, so what is compared is the texts.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from facetwise.claims.columns import COLUMNS, SCHEMA
from facetwise.edits.history import rows_without_checked
from facetwise.edits.prepare.statements import MACRO, fill
from facetwise.edits.reference.build import payer_rows
from facetwise.edits.reference.codes import code_rows
from facetwise.edits.reference.payers import compile_payers
from facetwise.edits.registry import FAMILIES
from facetwise.edits.tables import PREPARED, TYPES, reference_shapes
from facetwise.edits.texts import FINDING_COLUMNS, read_text
from facetwise.edits.translate import check, translate
from facetwise.knowledge import Knowledge, load

NCCI = {"code_effective", "add_on", "ptp", "mue"}
TEXTS = tuple(family.name for family in FAMILIES if family.name not in NCCI)
WITH_HISTORY = tuple(family.name for family in FAMILIES if family.with_history)
Row = Mapping[str, Any]
Finding = dict[str, Any]


class Runner:
    """The reference tables of a knowledge, and the texts over them."""

    def __init__(self, knowledge: Knowledge, only: tuple[str, ...] = ()):
        made = (
            {name: found for name, (_, found) in compile_payers(knowledge.store, only).items()}
            if only
            else payer_rows(knowledge)
        )
        self.tables = {name: (tuple(reference_shapes()[name].columns), found) for name, found in made.items()}
        rows = made | code_rows(knowledge)
        self.duck = duckdb.connect()
        self.duck.execute(MACRO)
        self.lite = sqlite3.connect(":memory:")
        for name, shape in reference_shapes().items():
            self._both(name, shape.columns, rows.get(name, []))
        for name, shape in PREPARED.items():
            self._create(name, shape.columns)
        for name, shape in {**reference_shapes(), **PREPARED}.items():
            for number, index in enumerate(shape.indexes):
                self.lite.execute(f"CREATE INDEX {name}_{number} ON {name} ({', '.join(index)})")
        columns = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
        self.duck.execute(f"CREATE TABLE given (line_id BIGINT, checked INTEGER, {columns})")
        self.duck.execute("CREATE TABLE payer_book (payer VARCHAR, filing VARCHAR, state VARCHAR, book INTEGER)")
        self.books: dict[tuple[str, str], int] = {
            (str(payer), str(state)): int(str(book)) for payer, state, book in self.tables["book_of"][1]
        }
        self.titles = {
            said: thing.slug
            for thing in knowledge.store.things.values()
            if thing.kind == "payer"
            for dated in thing.history
            for said in (thing.slug, getattr(dated.value, "title", "").casefold())
        }
        self.texts = {name: read_text(name).statement() for name in TEXTS}
        for name, text in self.texts.items():
            check(name, text)

    def _create(self, name: str, columns: Mapping[str, str]) -> None:
        self.duck.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
        self.lite.execute(
            f"CREATE TABLE {name} ({', '.join(f'{column} {TYPES[kind]}' for column, kind in columns.items())})"
        )

    def _both(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        self._create(name, columns)
        if rows:
            given = pa.table([pa.array(cells) for cells in zip(*rows, strict=True)], names=list(columns))
            self.duck.register("rows_given", given)
            self.duck.execute(f"INSERT INTO {name} SELECT * FROM rows_given")
            marks = ", ".join("?" * len(columns))
            self.lite.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def book(self, payer: str, state: str) -> int:
        """Return the book of a payer, by id or title, in a state; 0 for a payer that is not known."""
        payer = self.titles.get(payer.casefold(), "")
        return self.books.get((payer, state)) or self.books.get((payer, ""), 0)

    def prepare(self, lines: Iterable[Row], history: Iterable[Row] | None = None) -> None:
        """Fill the prepared tables of both engines from rows of the claim-line table; absent keys are NULL.

        Lines are numbered from 1 through both, those of the history that are left out included.
        """
        lines, history = list(lines), list(history or ())
        kept = {id(row) for row in (*lines, *rows_without_checked(history, lines))}
        numbered = enumerate(((checked, row) for checked, some in ((1, lines), (0, history)) for row in some), 1)
        rows = [(number, checked, row) for number, (checked, row) in numbered if id(row) in kept]
        run = self.duck.execute
        for name in ("given", "payer_book", *PREPARED):
            run(f"DELETE FROM {name}")
        if rows:
            cells = [[row.get(name) for _, _, row in rows] for name in SCHEMA.names]
            arrays = [pa.array(some, SCHEMA.field(name).type) for name, some in zip(SCHEMA.names, cells, strict=True)]
            whose = [
                pa.array([number for number, _, _ in rows], pa.int64()),
                pa.array([checked for _, checked, _ in rows], pa.int32()),
            ]
            self.duck.register("rows_given", pa.table([*whose, *arrays], ["line_id", "checked", *SCHEMA.names]))
            run(f"INSERT INTO given SELECT line_id, checked, {', '.join(SCHEMA.names)} FROM rows_given")
        payers = {
            (row.get("payer") or "", row.get("claim_filing_indicator_code") or "", row.get("state") or "")
            for _, _, row in rows
        }
        if payers:
            self.duck.executemany(
                "INSERT INTO payer_book VALUES (?, ?, ?, ?)",
                [(payer, filing, state, self.book(payer, state)) for payer, filing, state in sorted(payers)],
            )
        for name, shape in PREPARED.items():
            columns = ", ".join(shape.columns)
            select = f"WITH claim_line AS (SELECT *, 31 AS screened FROM given) SELECT {columns} FROM ({fill(name, 'duckdb')})"
            run(f"INSERT INTO {name} {select}")
            self.lite.execute(f"DELETE FROM {name}")
            marks = ", ".join("?" * len(shape.columns))
            whole = columns.replace("charge", "CAST(charge AS VARCHAR)")
            self.lite.executemany(f"INSERT INTO {name} VALUES ({marks})", run(f"SELECT {whole} FROM {name}").fetchall())

    def judge(self, engine: str = "duckdb", *, with_history: bool = False) -> list[Finding]:
        """Return the findings of all texts on what was prepared, in the order of the texts and of the rows."""
        found = []
        for name, text in self.texts.items():
            if name in WITH_HISTORY and not with_history:
                continue
            if engine == "duckdb":
                rows = self.duck.execute(text).fetchall()
            else:
                rows = self.lite.execute(translate(text, "sqlite")).fetchall()
            found += [dict(zip(FINDING_COLUMNS, row, strict=True)) for row in rows]
        return found

    def check(self, lines: Sequence[Row], history: Sequence[Row] | None = None) -> list[Finding]:
        """Return the findings on lines; evidence as a mapping. Asserts that SQLite returns the same rows as DuckDB."""
        self.prepare(lines, history)
        found = self.judge(with_history=history is not None)
        other = self.judge("sqlite", with_history=history is not None)
        assert sorted(map(_whole, found)) == sorted(map(_whole, other))
        return [{**one, "evidence": json.loads(one["evidence"])} for one in found]


def _whole(one: Finding) -> list[str]:
    return [str(value) for value in one.values()]


@functools.cache
def runner_of(digest: str) -> Runner:
    """Return the runner over the shipped knowledge, which bears this digest; one a process, since it takes seconds to make."""
    knowledge = load()
    assert knowledge.digest == digest
    return Runner(knowledge)
