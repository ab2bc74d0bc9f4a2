"""Writes the findings of a check: JSON (the contract's document), CSV, Parquet, or a short table for a terminal."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from facetwise.edits.result import Checked

ENDINGS = {".json": "json", ".csv": "csv", ".parquet": "parquet", ".txt": "table"}
FORMATS = ("json", "table", "csv", "parquet")
_MOST_REJECTED = 1_000  # rejected records that the JSON repeats; the file of rejected records has all
_SHOWN = 20
# A finding as CSV and Parquet have it.
_COLUMNS = """
    claim_id, claim_line_number, edit, severity, message, fix, carc, evidence, {citations},
    other_claim_id, other_claim_line_number, {files}[file + 1] AS file, place,
    hcpcs_code, billing_npi, rendering_npi, payer, claim_line_start_date, charge_amount
"""


def json_parts(result: Checked) -> Iterator[bytes]:
    """Give the JSON document piece by piece, so that many findings need no memory."""
    import msgspec

    head = msgspec.json.encode({**result.head(), "rejected_records": rejected_records(result)})
    yield head[:-1] + b',\n"findings": ['
    between = b"\n"
    for finding in result.findings():
        yield between + msgspec.json.encode(finding.as_record())
        between = b",\n"
    yield b"]}\n"


def rejected_records(result: Checked) -> list[dict[str, Any]]:
    """Return what could not be read, the first thousand records."""
    import msgspec

    if result.rejected_file is None:
        return []
    found = []
    with result.rejected_file.open("rb") as lines:
        for line in lines:
            found.append(msgspec.json.decode(line))
            if len(found) == _MOST_REJECTED:
                break
    return found


def write(result: Checked, form: str, out: Path) -> None:
    """Write the findings to a file, whole or not at all."""
    unfinished = out.with_name(f".{out.name}.writing")
    try:
        if form == "json":
            with unfinished.open("wb") as file:
                file.writelines(json_parts(result))
        elif form == "table":
            unfinished.write_text(table(result) + "\n", encoding="utf-8")
        else:
            _copy(result, form, unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def keep_rejected(result: Checked, out: Path) -> None:
    """Write the rejected records, NDJSON, whole or not at all; nothing was rejected: an older file of that name goes."""
    if result.rejected_file is None:
        out.unlink(missing_ok=True)
        return
    unfinished = out.with_name(f".{out.name}.writing")
    try:
        shutil.copyfile(result.rejected_file, unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(result: Checked, form: str, out: Path) -> None:
    assert result.rows is not None
    files = "[" + ", ".join("'" + name.replace("'", "''") + "'" for name in result.files) + "]"
    citations = "citations" if form == "csv" else "string_split(citations, ' ') AS citations"
    options = {"csv": "FORMAT csv, HEADER true", "parquet": "FORMAT parquet, COMPRESSION zstd"}
    result.rows.copy(_COLUMNS.format(files=files, citations=citations), options[form], out)


def csv_to(result: Checked, target: BinaryIO) -> None:
    """Write the findings as CSV to an open file."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "findings.csv"
        _copy(result, "csv", out)
        with out.open("rb") as made:
            shutil.copyfileobj(made, target)


def table(result: Checked, *, colour: bool = False) -> str:
    """Return for a terminal a short summary with every finding or, where these are many, what is wrong most and what to do first."""
    if result.total > _SHOWN and result.findings_file is not None:
        from facetwise.edits.report import report, run_of
        from facetwise.edits.report_terminal import summary

        return summary(report(result.findings_file, run_of(result)), colour=colour)
    rows = [("severity", "edit", "findings", "lines")]
    rows += [(one.severity, one.edit, f"{one.findings:,}", f"{one.lines:,}") for one in result.counts]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    lines = [f"{result.claims:,} claims, {result.lines:,} lines checked, {result.rejected:,} rejected."]
    if len(rows) > 1:
        lines.append("")
        lines += [
            f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}".rstrip()
            for row in rows
        ]
        lines.append("")
    else:
        lines.append("Nothing was found.")
    for number, finding in enumerate(result.findings(_SHOWN)):
        if number == _SHOWN:
            lines.append(f"... and {result.total - _SHOWN:,} more; -o FILE writes them all.")
            break
        lines.append(
            f"{finding.severity}: claim {finding.claim_id} line {finding.claim_line_number}: {finding.message}"
        )
        if finding.fix:
            lines.append(f"    {finding.fix}")
    return "\n".join(lines)
