"""One claim at a time, in process, in about a millisecond: the rule texts on SQLite over a read-only file of reference tables.

from facetwise.edits import Checker

findings = Checker(knowledge).check(claim)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from facetwise.claims.payer import Payers
from facetwise.claims.rows import read_rows as as_read
from facetwise.edits.books import Books
from facetwise.edits.history import rows_without_checked
from facetwise.edits.prepare.one_claim import CODE, DAY, Preparation, Row
from facetwise.edits.reference.build import Reference, reference
from facetwise.edits.registry import ADD_ON, FAMILIES, PAIR, SPAN, WATCHED, Family
from facetwise.edits.result import ClaimFinding, finding_of
from facetwise.edits.tables import PREPARED, TYPES
from facetwise.edits.texts import read_text
from facetwise.edits.translate import translate
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem

# A claim of the usual shape, which the planner of SQLite sees when it counts the rows of the claim's tables.
_TYPICAL = 6


class Checker:
    """Holds the reference tables open; `check` judges a claim, or all claims of a person together.

    `catalog` is the catalog's file (default: the user's), `payers` turns what claims write into payers of the knowledge.
    A checker belongs to one thread at a time.
    """

    def __init__(self, knowledge: Knowledge, *, catalog: Path | None = None, payers: Payers | None = None):
        self._horizon = knowledge.store.horizon.until
        self.reference: Reference = reference(knowledge, catalog)
        connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=256, uri=True, check_same_thread=False
        )
        place = self.reference.sqlite().absolute().as_uri()
        connection.execute(f"ATTACH '{place}?mode=ro&immutable=1' AS reference")
        connection.execute("PRAGMA reference.mmap_size = 1073741824")
        connection.execute("PRAGMA reference.cache_size = -65536")
        books = Books(
            payers or Payers(knowledge.store), connection.execute("SELECT payer, state, book FROM book_of").fetchall()
        )
        self._connection = connection
        self._preparation = Preparation(connection, books)
        self._spans = {
            code: (first, last)
            for code, first, last in connection.execute("SELECT code, from_day, to_day FROM code_span")
        }
        self._add_ons = frozenset(code for (code,) in connection.execute("SELECT DISTINCT code FROM add_on"))
        self._carcs = dict(connection.execute("SELECT edit, carc FROM edit_fact").fetchall())
        self._create()
        self._texts = [(family, translate(read_text(family.name).statement(), "sqlite")) for family in FAMILIES]

    def _create(self) -> None:
        run = self._connection.execute
        self._insert = {}
        for name, shape in PREPARED.items():
            run(
                f"CREATE TABLE {name} ({', '.join(f'{column} {TYPES[kind]}' for column, kind in shape.columns.items())})"
            )
            for number, columns in enumerate(shape.indexes):
                run(f"CREATE INDEX {name}_{number} ON {name} ({', '.join(columns)})")
            self._insert[name] = f"INSERT INTO {name} VALUES ({', '.join('?' * len(shape.columns))})"  # noqa: S608
        # Without statistics of a claim's size SQLite reads the reference tables from end to end.
        for name, shape in PREPARED.items():
            row = [0 if kind != "VARCHAR" else "" for kind in shape.columns.values()]
            self._connection.executemany(self._insert[name], [[number, *row[1:]] for number in range(_TYPICAL)])
        run("ANALYZE main")
        for name in PREPARED:
            run(f"DELETE FROM {name}")  # noqa: S608

    def close(self) -> None:
        """Close the tables."""
        self._connection.close()

    def __enter__(self) -> Checker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(
        self,
        claim: Iterable[Row] | Mapping[str, Any],
        history: Iterable[Row] | None = None,
        *,
        files: Sequence[str] = (),
    ) -> list[ClaimFinding]:
        """Return the findings on a claim: rows of the claim-line table (see `claims.columns`), or a FHIR Claim.

        Rows of several claims are judged together, as claims of one person are. `history` are earlier rows, which count and
        are not judged; rows in it of the claims that are checked are left out; None is not the same as none. Rows are read as
        from a file: stripped, codes in upper case, diagnoses without dots, numbers and dates from text. Raises
        FacetwiseError for a row that is no claim line, with the reason of the readers.
        """
        last_day = max(self._horizon, date.today())
        checked = read_rows(claim, last_day)
        earlier = rows_without_checked(read_rows(history, last_day), checked) if history else []
        lines, facets, diagnoses = self._preparation.fill(checked, earlier)
        return self._judge(lines, facets, diagnoses, [*checked, *earlier], history is not None, files)

    def _judge(
        self,
        lines: list[tuple[Any, ...]],
        facets: list[tuple[Any, ...]],
        diagnoses: list[tuple[Any, ...]],
        rows: list[Row],
        with_history: bool,
        files: Sequence[str],
    ) -> list[ClaimFinding]:
        run = self._connection.execute
        wanted = self._wanted(lines)
        filled = {"line": lines, "facet": facets, "line_dx": diagnoses}
        found: list[tuple[Any, ...]] = []
        run("BEGIN")
        try:
            for name, some in filled.items():
                if some:
                    self._connection.executemany(self._insert[name], some)
            for number, (family, text) in enumerate(self._texts):
                if wanted(family) and all(filled.get(name, True) for name in family.needs):
                    if family.with_history and not with_history:
                        continue
                    found += [(*row, number) for row in run(text)]
        finally:
            run("ROLLBACK")
        found.sort(key=lambda row: (row[0], row[-1], row[1] or 0, row[4]))
        return [self._finding(row, rows, files) for row in found]

    def _wanted(self, lines: list[tuple[Any, ...]]) -> Any:
        """Return what tells whether a family can find anything on these lines: what the screen is to the batch engine."""
        codes = {line[CODE] for line in lines}
        far = (-(10**9), 10**9)
        possible = {
            SPAN: any(
                not first <= line[DAY] <= last for line in lines for first, last in (self._spans.get(line[CODE], far),)
            ),
            ADD_ON: not codes.isdisjoint(self._add_ons),
            PAIR: len(lines) > 1,
            WATCHED: not codes.isdisjoint(self._preparation.watched),
        }

        def wanted(family: Family) -> bool:
            return bool(possible.get(family.screen, True))

        return wanted

    def _finding(self, row: tuple[Any, ...], rows: list[Row], files: Sequence[str]) -> ClaimFinding:
        line_id, other_id, edit, severity, message, fix, evidence, citations, _ = row
        line = rows[line_id - 1]
        other: Row = rows[other_id - 1] if other_id is not None else {}
        return finding_of(
            {
                "edit": edit,
                "severity": severity,
                "message": message,
                "fix": fix,
                "claim_id": line["claim_id"],
                "claim_line_number": line["claim_line_number"],
                "evidence": evidence,
                "carc": self._carcs.get(edit, ""),
                "citations": citations,
                "other_claim_id": other.get("claim_id"),
                "other_claim_line_number": other.get("claim_line_number"),
                "file": line.get("file"),
                "place": line.get("place"),
            },
            tuple(files),
        )


def read_rows(claim: Iterable[Row] | Mapping[str, Any], last_day: date = date.max) -> list[Row]:
    """Return the rows of a claim as the readers of files make them; `last_day` is the last that can be checked.

    Raises FacetwiseError for a row that is no claim line and for a FHIR item that cannot be read, with the reason of the readers.
    """
    if isinstance(claim, Mapping):
        if "resourceType" in claim:
            return _from_fhir(claim, last_day)
        claim = [claim]
    return list(as_read(claim, last_day))


def _from_fhir(claim: Mapping[str, Any], last_day: date) -> list[Row]:
    import io
    import json

    from facetwise.claims.fhir import read_fhir
    from facetwise.claims.rejected import Counts, Quarantine

    text = io.BytesIO(json.dumps(claim, default=str).encode())
    rejected = Quarantine()
    rows: list[Row] = []
    for batch in read_fhir(text.read, 0, last_day, rejected, Counts()):
        rows += [
            {name: value for name, value in row.items() if value is not None and name != "file"}
            for row in batch.to_pylist()
        ]
    if rejected.records:
        raise FacetwiseError(
            Problem(one.segment or "", 0, one.reason, "a FHIR R4 Claim whose items can be read")
            for one in rejected.records
        )
    return rows
