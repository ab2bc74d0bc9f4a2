"""The engines as the tests call them: rows of the claim-line table in, (edit, severity, claim, line, other line) out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from facetwise.claims.columns import READ_ADDS, SCHEMA
from facetwise.edits import Asked, Checker, checked
from facetwise.edits.batch import Settings
from facetwise.knowledge import Knowledge

Row = Mapping[str, Any]
Key = tuple[str, str, str, int, tuple[str, int] | None]
_READ = [field for field in SCHEMA if field.name not in READ_ADDS]


def in_batch(
    knowledge: Knowledge,
    folder: Path,
    lines: Iterable[Row],
    history: Iterable[Row] | None,
    catalog: Path | None = None,
    settings: Settings | None = None,
) -> list[Key]:
    """Return what the batch engine finds; `folder` takes the files that it reads."""
    files = [parquet(folder / "lines.parquet", lines)]
    earlier = [] if history is None else [parquet(folder / "history.parquet", history)]
    asked = Asked(tuple(files), tuple(earlier), settings=settings or Settings())
    with checked(asked, knowledge, catalog=catalog) as result:
        assert result.findings_file is not None
        columns = ["edit", "severity", "claim_id", "claim_line_number", "other_claim_id", "other_claim_line_number"]
        found = pq.read_table(result.findings_file, columns=columns).to_pylist()
    return [_key(**one) for one in found]


def one_by_one(checker: Checker, lines: Iterable[Row], history: Iterable[Row] | None) -> list[Key]:
    """Return what the one-claim engine finds, all claims of a person together; an unnamed person's claim by itself."""
    people: dict[str, tuple[list[Row], list[Row]]] = {}
    for rows, place in ((lines, 0), (history or (), 1)):
        for row in rows:
            people.setdefault(row["person_id"] or f"\0{row['claim_id']}", ([], []))[place].append(row)
    found: list[Key] = []
    for own, earlier in people.values():
        if own:
            for one in checker.check(own, earlier if history is not None else None):
                assert one.claim_id is not None
                assert one.claim_line_number is not None
                other = one.other_claim_id, one.other_claim_line_number
                found.append(_key(one.edit, one.severity, one.claim_id, one.claim_line_number, *other))
    return found


def _key(
    edit: str,
    severity: str,
    claim_id: str,
    claim_line_number: int,
    other_claim_id: str | None,
    other_claim_line_number: int | None,
) -> Key:
    other = None
    if other_claim_id is not None and other_claim_line_number is not None:
        other = other_claim_id, other_claim_line_number
    return edit, severity, claim_id, claim_line_number, other


def parquet(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as a Parquet file in the form of the claim-line table."""
    listed = list(rows)
    columns = [pa.array([row.get(field.name) for row in listed], field.type) for field in _READ]
    pq.write_table(pa.table(columns, schema=pa.schema(_READ)), path)
    return path
