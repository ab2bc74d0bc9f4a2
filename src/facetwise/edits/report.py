"""What a check found, added up: by edit, by provider, by payer, what is at stake, what was refused and what was not checked.

All is counted set-wise in the file of findings, whatever its size; Python sees only the rows of the report. A line that several edits deny
is one denied line, and its charge counts once, in the totals as in each edit's own row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from facetwise.findings import SEVERITIES

if TYPE_CHECKING:
    import duckdb

    from facetwise.edits.result import Checked

TOP = 20
TOP_LINES = 100
_NOTHING = Decimal("0.00")
_SQL = """
CREATE TEMP TABLE found AS
SELECT line_id, edit, severity, claim_id, claim_line_number, message, fix, coalesce(carc, '') AS carc, coalesce(citations, '') AS citations,
    coalesce(hcpcs_code, '') AS code, coalesce(payer, '') AS payer,
    coalesce(nullif(rendering_npi, ''), nullif(billing_npi, ''), '') AS provider, claim_line_start_date AS day,
    coalesce(charge_amount, 0) AS charge, CAST(list_position(['reject', 'deny', 'review', 'info'], severity) AS INTEGER) AS rank
FROM read_parquet($findings);
CREATE TEMP TABLE line AS
SELECT line_id, min(rank) AS rank, any_value(claim_id) AS claim_id, any_value(claim_line_number) AS claim_line_number,
    any_value(code) AS code, any_value(payer) AS payer, any_value(provider) AS provider, any_value(day) AS day,
    any_value(charge) AS charge, count(*) AS findings
FROM found GROUP BY line_id;
"""
_BY_EDIT = """
WITH each AS (
    SELECT edit, line_id, min(rank) AS rank, any_value(charge) AS charge, count(*) AS findings FROM found GROUP BY edit, line_id
), said AS (
    SELECT edit, message, fix, carc, citations, row_number() OVER (PARTITION BY edit ORDER BY min(rank) > 2, count(*) DESC, message) AS place
    FROM found GROUP BY edit, message, fix, carc, citations
)
SELECT e.edit, min(e.rank), sum(e.findings), count(*), count(*) FILTER (rank = 1), count(*) FILTER (rank = 2), count(*) FILTER (rank = 3),
    count(*) FILTER (rank = 4), coalesce(sum(e.charge) FILTER (rank <= 2), 0), coalesce(sum(e.charge) FILTER (rank = 3), 0),
    any_value(s.message), any_value(s.fix), any_value(s.carc), any_value(s.citations)
FROM each AS e JOIN said AS s ON s.edit = e.edit AND s.place = 1
GROUP BY e.edit
ORDER BY coalesce(sum(e.charge) FILTER (rank <= 2), 0) DESC, min(e.rank), count(*) DESC, e.edit
"""
_BY = """
WITH most AS (
    SELECT {key} AS key, edit, row_number() OVER (PARTITION BY {key} ORDER BY count(DISTINCT line_id) DESC, edit) AS place
    FROM found WHERE rank <= 3 GROUP BY {key}, edit
)
SELECT l.{key}, count(*) FILTER (rank <= 2), count(*) FILTER (rank = 3), coalesce(sum(charge) FILTER (rank <= 2), 0), any_value(m.edit),
    count(*) OVER ()
FROM line AS l LEFT JOIN most AS m ON m.key = l.{key} AND m.place = 1
WHERE rank <= 3
GROUP BY l.{key}
ORDER BY coalesce(sum(charge) FILTER (rank <= 2), 0) DESC, count(*) DESC, l.{key}
LIMIT {top}
"""
_LINES = f"""
SELECT l.claim_id, l.claim_line_number, l.code, l.day, l.payer, l.charge, f.edit, f.severity, f.message, f.fix
FROM (SELECT * FROM line WHERE rank <= 2 ORDER BY charge DESC, line_id LIMIT {TOP_LINES}) AS l
JOIN found AS f ON f.line_id = l.line_id AND f.rank <= 2
ORDER BY l.charge DESC, l.line_id, f.rank, f.edit, f.message
"""  # noqa: S608 - numbers of our own


class EditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One edit: how many findings on how many lines, of these by the gravest severity, and the charges of the lines.

    `message` and `fix` are those that stand most often; `citations` are theirs. `allowed` is what Medicare would be expected to allow for the
    lines that it would deny, None where that was not asked or cannot be told.
    """

    edit: str
    severity: str
    findings: int
    lines: int
    reject: int
    deny: int
    review: int
    info: int
    charges: Decimal
    review_charges: Decimal
    message: str
    fix: str
    carc: str
    citations: tuple[str, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, a payer or a code: its denied lines (rejected ones included), lines to review, charges, and what is wrong most."""

    name: str
    denied: int
    review: int
    charges: Decimal
    most: str


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """The groups with the most at stake, and how many there are in all."""

    rows: tuple[Group, ...]
    total: int


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """One finding on a denied line, among the lines that charge most."""

    claim_id: str
    claim_line_number: int
    code: str
    day: date
    payer: str
    charge: Decimal
    edit: str
    severity: str
    message: str
    fix: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for which lines could not be read: how often, how many lines, and the first places."""

    reason: str
    records: int
    lines: int
    places: tuple[str, ...]


class NotChecked(msgspec.Struct, frozen=True, kw_only=True):
    """Something that this check could not look at, why, and what would change that."""

    what: str
    why: str
    do: str = ""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What Medicare would be expected to allow for denied lines: how many of its denied lines could be priced, and the sum."""

    denied: int
    priced: int
    allowed: Decimal
    why_not: dict[str, int] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What the check says of itself: what went in, what was refused, with which releases and knowledge.

    `history` says in words what history was given; '' where none was.
    """

    files: tuple[str, ...]
    claims: int
    lines: int
    rejected: int
    knowledge: str
    releases: dict[str, str]
    history: str = ""
    refused: tuple[Refused, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report shows, in its order. `findings` and `lines` count by severity, a line by its gravest.

    `first_day` and `last_day` are those of the services with a finding, None where there is none.
    """

    run: Run
    findings: dict[str, int]
    lines: dict[str, int]
    charges: Decimal
    review_charges: Decimal
    edits: tuple[EditRow, ...]
    providers: Groups
    payers: Groups
    codes: Groups
    denied: tuple[Denied, ...]
    expected: Expected | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def denied_lines(self) -> int:
        """Lines that would be refused or denied."""
        return self.lines["reject"] + self.lines["deny"]


def report(findings: Path, run: Run, expected: Expected | None = None) -> Report:
    """Return the report on a file of findings: Parquet with the columns that the engine writes."""
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute("SET preserve_insertion_order = true")
        for number, statement in enumerate(part for part in _SQL.split(";\n") if part.strip()):
            connection.execute(statement, {"findings": str(findings)} if number == 0 else None)
        first, last = connection.execute("SELECT min(day), max(day) FROM found").fetchone() or (None, None)
        return Report(
            run=run,
            first_day=first,
            last_day=last,
            findings=_by_severity(connection, "found"),
            lines=_by_severity(connection, "line"),
            charges=_charges(connection, "rank <= 2"),
            review_charges=_charges(connection, "rank = 3"),
            edits=tuple(_edit(row) for row in connection.execute(_BY_EDIT).fetchall()),
            providers=_groups(connection, "provider"),
            payers=_groups(connection, "payer"),
            codes=_groups(connection, "code"),
            denied=tuple(
                Denied(**dict(zip(Denied.__struct_fields__, row, strict=True)))
                for row in connection.execute(_LINES).fetchall()
            ),
            expected=expected,
        )
    finally:
        connection.close()


def run_of(checked: Checked) -> Run:
    """Return what a check says of itself, in the words of a report; its files of findings and rejected records must still be there."""
    return Run(
        files=tuple(Path(name).name for name in checked.files),
        claims=checked.claims,
        lines=checked.lines,
        rejected=checked.rejected,
        knowledge=checked.knowledge,
        releases={kind: _editions(rows) for kind, rows in checked.releases.items() if rows},
        history=_history(checked),
        refused=_refused(checked.rejected_file) if checked.rejected_file else (),
        not_checked=tuple(_not_checked(checked)),
    )


def _history(checked: Checked) -> str:
    if not checked.history_lines:
        return ""
    told = f"a history of {checked.history_lines:,} line{'' if checked.history_lines == 1 else 's'}"
    if not checked.history_left_out:
        return told
    return f"{told}, {checked.history_left_out:,} of which {'is' if checked.history_left_out == 1 else 'are'} of claims checked here"


def _editions(rows: Sequence[dict[str, str]]) -> str:
    spans = [f"{row['release']} from {row['from']}" + (f" to {row['to']}" if row.get("to") else "") for row in rows]
    held = sorted({row["held_in"] for row in rows})
    return f"{', '.join(spans)} ({' and '.join(held)})"


def _not_checked(checked: Checked) -> Iterator[NotChecked]:
    if checked.history_rejected:
        yield NotChecked(
            what=f"{checked.history_rejected:,} line{'' if checked.history_rejected == 1 else 's'} of the history",
            why="They could not be read, so limits over time may count too few sessions.",
            do="Mend or send again what --rejected FILE names.",
        )
    if not checked.history_lines:
        yield NotChecked(
            what="Sessions before these claims",
            why="No history was given, so limits over time count these claims only, and whether diagnostic sessions came before"
            " an injection is not asked.",
            do="Give the earlier claims of the same patients with --history FILE.",
        )
    if checked.payers_unknown:
        lines = sum(count for _, count in checked.payers_unknown)
        names = ", ".join(repr(name or "none named") for name, _ in checked.payers_unknown[:3])
        yield NotChecked(
            what=f"Payer rules of {lines:,} lines",
            why=f"Their payer is not known: {names}{' and more' if len(checked.payers_unknown) > 3 else ''}.",
            do="Say whom the claims mean with --payers FILE, or --payer P.",
        )
    if checked.lines_without_unit_value:
        yield NotChecked(
            what=f"Units of {checked.lines_without_unit_value:,} lines",
            why="No unit edit that is held names their codes; that is unknown, not unlimited.",
            do="Load the quarter's files with 'facetwise data load'.",
        )
    kept = [
        kind for kind, rows in checked.releases.items() if rows and all(row["held_in"] == "knowledge" for row in rows)
    ]
    if kept:
        yield NotChecked(
            what="NCCI edits of most codes",
            why="No full tables are loaded; the knowledge holds the pairs and units of the facet codes and their neighbours.",
            do="Load the quarter's files with 'facetwise data load'.",
        )
    yield NotChecked(
        what="joint-incomplete",
        why="It is about nerves, which a claim does not name.",
        do="'facetwise code' tells it from the encounter.",
    )


def _refused(path: Path, places: int = 5) -> tuple[Refused, ...]:
    """Return the rejected records by reason, the most lines first."""
    import duckdb

    connection = duckdb.connect()
    try:
        rows = connection.execute(
            "SELECT reason, count(*), sum(lines), list(file || ', ' || place_kind || ' ' || place ORDER BY file, place)[:$places]"
            " FROM read_json($path, format = 'newline_delimited', columns = {reason: 'VARCHAR', lines: 'BIGINT', file: 'VARCHAR',"
            " place_kind: 'VARCHAR', place: 'BIGINT'}) GROUP BY reason ORDER BY sum(lines) DESC, count(*) DESC, reason",
            {"path": str(path), "places": places},
        ).fetchall()
    finally:
        connection.close()
    return tuple(
        Refused(reason=reason, records=records, lines=int(lines), places=tuple(shown))
        for reason, records, lines, shown in rows
    )


def _by_severity(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    counted = dict(connection.execute(f"SELECT rank, count(*) FROM {table} GROUP BY rank").fetchall())  # noqa: S608 - our own
    return {severity: counted.get(number, 0) for number, severity in enumerate(SEVERITIES, start=1)}


def _charges(connection: duckdb.DuckDBPyConnection, which: str) -> Decimal:
    row = connection.execute(f"SELECT sum(charge) FROM line WHERE {which}").fetchone()  # noqa: S608 - our own
    return (row[0] if row else None) or _NOTHING


def _edit(row: tuple[Any, ...]) -> EditRow:
    edit, rank, findings, lines, reject, deny, review, info, charges, review_charges, message, fix, carc, citations = (
        row
    )
    return EditRow(
        edit=edit,
        severity=SEVERITIES[rank - 1],
        findings=int(findings),
        lines=lines,
        reject=reject,
        deny=deny,
        review=review,
        info=info,
        charges=Decimal(charges),
        review_charges=Decimal(review_charges),
        message=message or "",
        fix=fix or "",
        carc=carc or "",
        citations=tuple((citations or "").split()),
    )


def _groups(connection: duckdb.DuckDBPyConnection, key: str) -> Groups:
    rows = connection.execute(_BY.format(key=key, top=TOP)).fetchall()
    return Groups(
        rows=tuple(
            Group(name=name, denied=denied, review=review, charges=Decimal(charges), most=most or "")
            for name, denied, review, charges, most, _ in rows
        ),
        total=rows[0][-1] if rows else 0,
    )
