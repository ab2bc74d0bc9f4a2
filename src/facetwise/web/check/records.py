"""The findings of a checked upload, as records with the line they are on, as rows for a spreadsheet, and in the order of a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from facetwise.edits.result import Checked

# What stands in the download for a spreadsheet; the page's script writes the same.
CSV_COLUMNS = (
    *("claim_id", "claim_line_number", "edit", "severity", "hcpcs_code", "claim_line_start_date", "message", "fix"),
    *("carc", "citations", "other_claim_id", "other_claim_line_number", "file", "place", "payer"),
    *("rendering_npi", "billing_npi", "charge_amount"),
)
# A cell that begins so is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NEEDED = (
    "edit", "severity", "claim_id", "claim_line_number", "message", "fix", "evidence", "carc", "citations",
)  # fmt: skip
_WHERE_KNOWN = (
    *("other_claim_id", "other_claim_line_number", "file", "place", "hcpcs_code", "claim_line_start_date", "payer"),
    *("rendering_npi", "billing_npi", "charge_amount"),
)
_COLUMNS = [*_NEEDED, *_WHERE_KNOWN]
_RANK = "list_position(['reject', 'deny', 'review', 'info'], severity)"
_LEAST = {"": 4, "deny": 2, "review": 3}
_ORDER = {"": "", "severity": f"{_RANK}, ", "edit": "edit, ", "charge": "charge_amount DESC NULLS LAST, "}


def records(result: Checked) -> Iterator[dict[str, Any]]:
    """Give every finding in the order of the input: the contract's fields, and what is known of its line."""
    import pyarrow.parquet as pq

    if result.findings_file is None:
        return
    with pq.ParquetFile(result.findings_file) as file:
        for batch in file.iter_batches(batch_size=5_000, columns=_COLUMNS):
            for row in batch.to_pylist():
                yield _record(row, result.files)


def rows(result: Checked, severity: str, order: str, most: int) -> list[dict[str, Any]]:
    """Return the first findings of a page: of this severity or graver, in this order (see `messages`)."""
    import duckdb

    if result.findings_file is None:
        return []
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM read_parquet($file) WHERE {_RANK} <= $least"  # noqa: S608 - words of our own
            f" ORDER BY {_ORDER[order]} line_id, family, other_line_id, message LIMIT $most",
            {"file": str(result.findings_file), "least": _LEAST[severity], "most": most},
        ).fetchall()
    return [_record(dict(zip(_COLUMNS, row, strict=True)), result.files) for row in found]


def citations(result: Checked) -> tuple[str, ...]:
    """Return the keys of every source that a finding cites, those cited most first."""
    import duckdb

    if result.findings_file is None:
        return ()
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT citations, count(*) FROM read_parquet($file) WHERE citations <> '' GROUP BY 1 ORDER BY 2 DESC, 1",
            {"file": str(result.findings_file)},
        ).fetchall()
    return tuple(dict.fromkeys(key for said, _ in found for key in said.split()))


def _record(row: dict[str, Any], files: tuple[str, ...]) -> dict[str, Any]:
    row["evidence"] = msgspec.Raw((row["evidence"] or "{}").encode())
    row["citations"] = (row["citations"] or "").split()
    row["carc"] = row["carc"] or ""
    row["fix"] = row["fix"] or ""
    row["file"] = files[row["file"]] if row["file"] is not None and row["file"] < len(files) else None
    record = {name: row[name] for name in _NEEDED}
    return record | {name: row[name] for name in _WHERE_KNOWN if row[name] is not None}


def rejected(path: Path | None, names: Mapping[str, str], most: int | None = None) -> Iterator[dict[str, Any]]:
    """Give the records of what could not be read, with the name that the sender gave to the file."""
    if path is None:
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if number == most:
                return
            record = msgspec.json.decode(line)
            yield {**record, "file": names.get(record["file"], "claims")}


def csv_lines(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Give the findings as CSV in pieces; no cell of it is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for record in found:
        writer.writerow([harmless(record.get(name)) for name in CSV_COLUMNS])
        if text.tell() > 60_000:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def harmless(value: Any) -> str:
    """Return a cell as text, which a spreadsheet takes for text."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
