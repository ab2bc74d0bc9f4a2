"""What a check tells: its findings, and how many of what; the same from every engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetwise.edits.found import FoundRows
from facetwise.findings import Finding


class ClaimFinding(Finding, frozen=True, kw_only=True):
    """A finding on a line of a claim: with the other line of a pair, and where the line stands in the input."""

    other_claim_id: str | None = None
    other_claim_line_number: int | None = None
    file: str | None = None
    place: int | None = None

    def as_record(self) -> dict[str, Any]:
        """Return it for JSON; what is not there is left out, but for the fields of the contract."""
        record: dict[str, Any] = {
            "edit": self.edit,
            "severity": self.severity,
            "claim_id": self.claim_id,
            "claim_line_number": self.claim_line_number,
            "message": self.message,
            "fix": self.fix,
            "evidence": self.evidence,
            "carc": self.carc,
            "citations": list(self.citations),
        }
        for name in ("other_claim_id", "other_claim_line_number", "file", "place"):
            value = getattr(self, name)
            if value is not None:
                record[name] = value
        return record


@dataclass(frozen=True, slots=True)
class Count:
    """How many findings of an edit and severity, on how many lines, which charge so much in all (in dollars, as text)."""

    edit: str
    severity: str
    findings: int
    lines: int
    charges: str


@dataclass(slots=True)
class Checked:
    """The result of a check.

    `lines` and `rejected` are of what is checked: lines in = lines + rejected; `history_lines` and `history_rejected` are the
    history's. Of `history_lines`, those of claims that are checked are left out: `history_left_out`.
    `rows` are the findings, `findings_file` a Parquet file with all of them in order, written when first asked for; both go
    when the check is closed. `releases` says by kind which release, or edition of the knowledge, answered on which days.
    """

    claims: int
    lines: int
    rejected: int
    rejected_records: int
    history_lines: int
    releases: dict[str, list[dict[str, str]]]
    knowledge: str
    engine: str
    files: tuple[str, ...]
    counts: list[Count] = field(default_factory=list)
    payers_unknown: list[tuple[str, int]] = field(default_factory=list)
    lines_without_unit_value: int = 0
    history_left_out: int = 0
    history_rejected: int = 0
    rows: FoundRows | None = None
    rejected_file: Path | None = None

    @property
    def findings_file(self) -> Path | None:
        """The file of the findings; None where nothing was judged."""
        return self.rows.file if self.rows is not None else None

    @property
    def total(self) -> int:
        """How many findings there are."""
        return sum(one.findings for one in self.counts)

    @property
    def refused(self) -> bool:
        """Whether a finding says that something would be rejected or denied."""
        return any(one.severity in ("reject", "deny") for one in self.counts)

    def findings(self, chunk: int = 10_000) -> Iterator[ClaimFinding]:
        """Give the findings in their order."""
        import pyarrow.parquet as pq

        if self.findings_file is None:
            return
        with pq.ParquetFile(self.findings_file) as file:
            for batch in file.iter_batches(batch_size=chunk):
                for row in batch.to_pylist():
                    yield finding_of(row, self.files)

    def head(self) -> dict[str, Any]:
        """Return what the contract's JSON says beside the findings."""
        return {
            "claims": self.claims,
            "lines": self.lines,
            "rejected": self.rejected,
            "releases": self.releases,
            "knowledge": self.knowledge,
            "engine": self.engine,
            "history_lines": self.history_lines,
            "history_left_out": self.history_left_out,
            "history_rejected": self.history_rejected,
            "counts": [
                {
                    "edit": one.edit,
                    "severity": one.severity,
                    "findings": one.findings,
                    "lines": one.lines,
                    "charges": one.charges,
                }
                for one in self.counts
            ],
            "payers_unknown": [{"payer": payer, "lines": lines} for payer, lines in self.payers_unknown],
            "lines_without_unit_value": self.lines_without_unit_value,
        }


def finding_of(row: dict[str, Any], files: tuple[str, ...]) -> ClaimFinding:
    """Return the finding of a row of the findings file."""
    return ClaimFinding(
        edit=row["edit"],
        severity=row["severity"],
        message=row["message"],
        fix=row["fix"],
        claim_id=row["claim_id"],
        claim_line_number=row["claim_line_number"],
        evidence=json.loads(row["evidence"] or "{}"),
        carc=row["carc"] or "",
        citations=tuple((row["citations"] or "").split()),
        other_claim_id=row["other_claim_id"],
        other_claim_line_number=row["other_claim_line_number"],
        file=files[row["file"]] if row["file"] is not None and row["file"] < len(files) else None,
        place=row["place"],
    )
