"""The findings of a run, in the connection that found them: counted there, copied out in their order, kept as a file when asked.

They are the view `found` of the connection, in no order; ORDER is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

ORDER = "line_id, family, other_line_id, message"
# Findings with what tells a person which lines are meant. finding and lot_line (their claim lines) are the connection's.
SELECT = """
SELECT f.line_id, f.family, f.other_line_id, c.claim_id, c.claim_line_number, f.edit, f.severity, f.message, f.fix,
  coalesce(x.carc, '') AS carc, f.evidence, f.citations,
  o.claim_id AS other_claim_id, o.claim_line_number AS other_claim_line_number,
  c.file, c.place, c.hcpcs_code, c.billing_npi, c.rendering_npi, c.payer, c.claim_line_start_date, c.charge_amount
FROM finding AS f
JOIN lot_line AS c ON c.line_id = f.line_id
LEFT JOIN lot_line AS o ON o.line_id = f.other_line_id
LEFT JOIN edit_fact AS x ON x.edit = f.edit AND c.claim_line_start_date - DATE '1970-01-01' BETWEEN x.from_day AND x.to_day
"""
_COUNTS = """
SELECT edit, severity, sum(findings)::BIGINT, count(*), coalesce(sum(charge_amount), 0)::VARCHAR
FROM (
  SELECT edit, severity, line_id, count(*) AS findings, any_value(charge_amount) AS charge_amount
  FROM finding JOIN (SELECT line_id, charge_amount FROM lot_line) USING (line_id) GROUP BY edit, severity, line_id
)
GROUP BY edit, severity ORDER BY list_position(['reject', 'deny', 'review', 'info'], severity), 3 DESC, edit
"""


class FoundRows:
    """Reads the view `found` of `connection`; `work` is where a file of them may lie, `limit` names the memory limit."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Path, limit: str):
        self._connection = connection
        self._work = work
        self._limit = limit
        self._file: Path | None = None

    def counts(self) -> list[tuple[str, str, int, int, str]]:
        """Return for each edit and severity, gravest and most first, its findings, lines and what these charge."""
        with within(self._limit):
            return self._connection.execute(_COUNTS).fetchall()

    def copy(self, columns: str, options: str, out: Path) -> None:
        """Write these columns of all findings, in their order, as DuckDB's COPY does with these options."""
        run = self._connection.execute
        with within(self._limit):
            # Else whether a column may be empty would stand in the file's schema, and depend on the claims.
            run("SET disabled_optimizers = 'statistics_propagation'")
            run(f"COPY (SELECT {columns} FROM found ORDER BY {ORDER}) TO $out ({options})", {"out": str(out)})  # noqa: S608
            run("RESET disabled_optimizers")

    @property
    def file(self) -> Path:
        """A Parquet file of all findings in their order, written when first asked for."""
        if self._file is None:
            out = self._work / "findings.parquet"
            self.copy("*", "FORMAT parquet", out)
            self._file = out
        return self._file


@contextmanager
def within(limit: str) -> Iterator[Any]:
    """Say what to do when the memory does not suffice; `limit` is the limit asked for, '' for the machine's own."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise FacetwiseError(
            Problem(
                "",
                0,
                f"{limit or 'the memory of this machine'} is too little for these claims",
                mend="raise --memory-limit, or check fewer files",
            )
        ) from None
