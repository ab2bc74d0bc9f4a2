"""Repairs of form only, offered and never applied silently: a new claims file, and the list of what changed and what was left alone.

A repair rests on a finding that cites the payer's own layout, and on a row of `edits/repairs` that says why it is form. Lines in the new file
are otherwise as they were read, in their order. What was left alone is listed with the reason.
"""

# ruff: noqa: S608 - statements are put together from names of our own
from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.claims import offer
from facetwise.claims.columns import NAMES, SCHEMA
from facetwise.claims.recognize import Found, recognize
from facetwise.claims.writing import write_csv, write_parquet
from facetwise.edits import repair_rules
from facetwise.edits.reference.build import reference
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

    from facetwise.knowledge import Knowledge

TABLE = "edits/repairs"
ENDINGS = {".csv": "csv", ".parquet": "parquet", ".837": "837", ".x12": "837", ".edi": "837", ".txt": "837"}
LIST = (
    "what",
    "repair",
    "file",
    "place",
    "claim_id",
    "claim_line_number",
    "column",
    "before",
    "after",
    "why",
    "citations",
)
_MODIFIERS = tuple(f"hcpcs_modifier_{number}" for number in range(1, 6))
_CODES = ("hcpcs_code", *_MODIFIERS, *(f"diagnosis_code_{number}" for number in range(1, 26)))
# Why a finding of another edit is no matter of form.
_RECORD = "what was done, and how often, is for the record to say"
_WHY = {
    "prior-authorization-missing": "an authorization number is never made up",
    "diagnosis-not-supporting": "a diagnosis is never changed",
    "diagnostic-modifier-missing": "whether an injection was diagnostic is for the record to say",
    "laterality-missing": "which side was treated is for the record to say",
    "code-not-effective": "which code is right today is for a coder to say",
    "session-limit": "a date is never changed",
    "repeat-too-soon": "a date is never changed",
}


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair made: the files, and how many lines changed, went, came, and how many findings were left alone."""

    claims: Path
    changes: Path
    changed: int
    removed: int
    added: int
    left: int


def repair(
    claims: Sequence[Path | str],
    findings: Path,
    knowledge: Knowledge,
    output: Path,
    memory_limit: str = "",
    catalog: Path | None = None,
) -> Repaired:
    """Write the repaired claims to `output` and the list beside it, as NAME.changes.csv; both whole or not at all.

    `findings` is the engine's file for these claims, in their order. The format is that of the ending of `output`: CSV or Parquet with the
    columns of the claim-line table, or 837, which is the input with only the repaired segments changed, for one 837 file. Raises
    FacetwiseError for inputs that cannot be read and outputs that cannot be written.
    """
    import duckdb

    form, given = _form(claims, output)
    listed = output.with_name(f"{output.name}.changes.csv")
    try:
        place = tempfile.TemporaryDirectory(dir=output.absolute().parent, prefix=f".{output.name}-")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(
            Problem(str(output), 0, f"it cannot be written: {reason}", "a directory that you may write to")
        ) from None
    with place as name, contextlib.closing(duckdb.connect()) as connection:
        work = Path(name)
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("SET temp_directory = $place", {"place": str(work / "spill")})
        if memory_limit:
            connection.execute("SET memory_limit = $limit", {"limit": memory_limit})
        offer(connection, claims, work, on_rejected=lambda _batch: None)
        place_of_tables = str(reference(knowledge, catalog).duckdb).replace("'", "''")
        connection.execute(f"ATTACH '{place_of_tables}' AS reference (READ_ONLY)")
        _judge(connection, findings)
        forms = _offer_raw(connection, given) if form != "837" else False
        names = [one.name for one in given]
        new = work / "repaired"
        if form == "837":
            from facetwise.edits.repair_x12 import write_repaired

            write_repaired(given[0], new, connection)
        else:
            _write(connection, new, form)
        changes = work / "changes.csv"
        counts = _list(connection, changes, names, knowledge, raw=forms)
        changes.replace(listed)
        new.replace(output)
    return Repaired(output, listed, *counts)


def _form(claims: Sequence[Path | str], output: Path) -> tuple[str, list[Found]]:
    if "-" in (str(one) for one in claims):
        raise FacetwiseError(
            Problem("standard input", 0, "standard input cannot be repaired", "files", "save it first")
        )
    given = [recognize(Path(one)) for one in claims]
    form = ENDINGS.get(output.suffix.lower(), "")
    if not form:
        raise FacetwiseError(
            Problem(str(output), 0, f"the ending {output.suffix or '(none)'}", "one of " + ", ".join(ENDINGS))
        )
    if form == "837" and (len(given) != 1 or given[0].format != "837"):
        raise FacetwiseError(
            Problem(str(output), 0, "an 837 is repaired from one 837", "one 837 file, or a name in .csv or .parquet")
        )
    for one in given:
        if output.exists() and output.samefile(one.path):
            raise FacetwiseError(
                Problem(str(output), 0, "the repaired claims would be written over the input", "another name")
            )
    return form, given


def _judge(connection: duckdb.DuckDBPyConnection, findings: Path) -> None:
    connection.execute(
        "CREATE TEMP TABLE finding AS SELECT file, place, claim_id, claim_line_number, edit, severity, evidence, citations,"
        " other_claim_id, other_claim_line_number FROM read_parquet($findings)",
        {"findings": str(findings)},
    )
    for statement in repair_rules.statements(NAMES):
        connection.execute(statement)


def _offer_raw(connection: duckdb.DuckDBPyConnection, given: Sequence[Found]) -> bool:
    """Offer the cells of CSV and Parquet files as they stand, by row, so that what reading put in form can be listed.

    A CSV whose rows do not keep to their lines is passed over: its cells cannot be found again by number.
    """
    import duckdb

    parts = []
    for number, one in enumerate(given):
        if one.format not in ("csv", "parquet"):
            continue
        name = str(one.path).replace("'", "''")
        source = (
            f"read_parquet('{name}', file_row_number = true)"
            if one.format == "parquet"
            else f"read_csv('{name}', all_varchar = true, header = true, null_padding = true)"
        )
        row = "file_row_number + 1" if one.format == "parquet" else "row_number() OVER ()"
        try:
            there = {column.strip().lower(): column for column in connection.sql(f"FROM {source}").columns}
            cells = ", ".join(
                f'CAST("{there[column].replace(chr(34), chr(34) * 2)}" AS VARCHAR) AS {column}'
                if column in there
                else f"CAST(NULL AS VARCHAR) AS {column}"
                for column in _CODES
            )
            connection.execute(
                f"CREATE TEMP TABLE raw_{number} AS SELECT {number} AS file, {row} AS place, {cells} FROM {source}"
            )
        except duckdb.Error:
            continue
        parts.append(f"SELECT * FROM raw_{number}")
    if parts:
        connection.execute("CREATE TEMP VIEW raw AS " + " UNION ALL ".join(parts))
    return bool(parts)


def _write(connection: duckdb.DuckDBPyConnection, path: Path, form: str) -> None:
    mods = ", ".join(
        f"CASE WHEN c.repair IS NULL THEN l.{name} ELSE c.mods[{number}] END AS {name}"
        for number, name in enumerate(_MODIFIERS, start=1)
    )
    new_mods = ", ".join(f"a.mods[{number}] AS {name}" for number, name in enumerate(_MODIFIERS, start=1))
    columns = ", ".join(NAMES)
    key = " AND ".join("{0}.%s = l.%s" % (name, name) for name in repair_rules.KEY)  # noqa: UP031 - a template in a template
    query = f"""
        SELECT {columns} FROM (
            SELECT l.* REPLACE ({mods}, CASE WHEN c.repair IS NULL THEN l.charge_amount ELSE c.charge END AS charge_amount), 0 AS later
            FROM claim_line AS l
            LEFT JOIN changed AS c ON {key.format("c")}
            ANTI JOIN removed AS r ON {key.format("r")}
            UNION ALL
            SELECT l.* REPLACE ({new_mods}, a.charge AS charge_amount, a.new_number AS claim_line_number, NULL AS line_control_number), 1 AS later
            FROM claim_line AS l JOIN added AS a ON {key.format("a")}
        ) ORDER BY file, place, later, claim_line_number
    """
    import pyarrow as pa

    reader = connection.sql(query).to_arrow_reader(32_768)
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA) for batch in reader)
    (write_csv if form == "csv" else write_parquet)(path, batches)


def _list(
    connection: duckdb.DuckDBPyConnection, path: Path, files: Sequence[str], knowledge: Knowledge, *, raw: bool
) -> tuple[int, int, int, int]:
    """Write the list of changes, and of what was left alone; return how many lines changed, went, came, and were left."""
    rows = [(row["repair"], row["statement"]) for _, row in knowledge.store.tables[TABLE].records()]
    cites = {row["repair"]: " ".join(one.sources) for one, row in knowledge.store.tables[TABLE].records()}
    connection.execute("CREATE TEMP TABLE rule (repair VARCHAR, statement VARCHAR, citations VARCHAR)")
    connection.executemany("INSERT INTO rule VALUES (?, ?, ?)", [(name, said, cites[name]) for name, said in rows])
    connection.execute("CREATE TEMP TABLE reason (edit VARCHAR, why VARCHAR)")
    connection.executemany("INSERT INTO reason VALUES (?, ?)", list(_WHY.items()))
    connection.execute(
        "CREATE TEMP TABLE file_name AS SELECT unnest($names) AS name, generate_subscripts($names, 1) - 1 AS file",
        {"names": list(files)},
    )
    old = "array_to_string(" + repair_rules.modifiers("l") + ", ' ')"
    key = " AND ".join("{0}.%s = l.%s" % (name, name) for name in repair_rules.KEY)  # noqa: UP031 - a template in a template
    of = "file, place, claim_id, claim_line_number"
    parts = [
        f"SELECT 'changed' AS what, c.repair, l.file, l.place, l.claim_id, l.claim_line_number, 'modifiers' AS \"column\", {old} AS before,"
        f" array_to_string(c.mods, ' ') AS after, '' AS why, c.citations FROM changed AS c JOIN claim_line AS l ON {key.format('c')}",
        "SELECT 'changed', c.repair, l.file, l.place, l.claim_id, l.claim_line_number, 'charge_amount', CAST(l.charge_amount AS VARCHAR),"
        f" CAST(c.charge AS VARCHAR), '', c.citations FROM changed AS c JOIN claim_line AS l ON {key.format('c')}"
        " WHERE c.charge IS DISTINCT FROM l.charge_amount",
        f"SELECT 'removed', r.repair, l.file, l.place, l.claim_id, l.claim_line_number, 'modifiers', {old}, '', '', r.citations"
        f" FROM removed AS r JOIN claim_line AS l ON {key.format('r')}",
        "SELECT 'added', repair, file, place, claim_id, new_number, 'modifiers', '', array_to_string(mods, ' '), '', citations FROM added",
        f"SELECT 'left alone', edit, {of}, '', '', '', coalesce(f.why, n.why, '{_RECORD}'), '' FROM left_alone AS f LEFT JOIN reason AS n USING (edit)",
    ]
    if raw:
        parts.append(
            "SELECT 'changed', 'code-form', l.file, l.place, l.claim_id, l.claim_line_number, u.name, u.before, u.after, '', ''"
            " FROM (SELECT r.file, r.place, unnest(["
            + ", ".join(f"{{name: '{name}', before: r.{name}, after: c.{name}}}" for name in _CODES)
            + "]) AS u FROM raw AS r JOIN claim_line AS c ON c.file = r.file AND c.place = r.place WHERE "
            + " OR ".join(f"r.{name} <> c.{name}" for name in _CODES)
            + ") AS d JOIN claim_line AS l ON l.file = d.file AND l.place = d.place WHERE u.before <> u.after"
        )
    union = " UNION ALL ".join(parts)
    connection.execute(
        f'CREATE TEMP TABLE listed AS SELECT t.what, t.repair, n.name AS file, t.place, t.claim_id, t.claim_line_number, t."column", t.before, t.after,'
        " CASE WHEN t.what = 'left alone' THEN t.why ELSE r.statement END AS why,"
        " array_to_string(list_sort(list_distinct(list_filter(string_split(coalesce(t.citations, '') || ' ' || coalesce(r.citations, ''), ' '),"
        " lambda k: k <> ''))), ' ') AS citations, t.file AS number"
        f" FROM ({union}) AS t JOIN file_name AS n ON n.file = t.file LEFT JOIN rule AS r ON r.repair = t.repair"
    )
    connection.execute(
        f'COPY (SELECT {", ".join(_quoted(name) for name in LIST)} FROM listed ORDER BY number, place, claim_line_number, what, repair, "column")'
        " TO $path (FORMAT csv, HEADER)",
        {"path": str(path)},
    )
    row: Any = connection.execute(
        f"SELECT (SELECT count(*) FROM (SELECT DISTINCT {of} FROM listed WHERE what = 'changed')), (SELECT count(*) FROM removed),"
        " (SELECT count(*) FROM added), (SELECT count(*) FROM left_alone)"
    ).fetchone()
    return tuple(int(number) for number in row)  # type: ignore[return-value]


def _quoted(name: str) -> str:
    return f'"{name}"'
