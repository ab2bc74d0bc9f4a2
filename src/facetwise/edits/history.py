"""Leaves out of the history the claims that are checked: a line that stands in both is one line, not two.

A history is often a whole table of claims, with those in it that are checked. A claim is the same where claim_id and person_id are
the same; a claim without a person is the same as one of that claim_id without a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import duckdb

Row = TypeVar("Row", bound=Mapping[str, Any])

_AGAIN = """
CREATE OR REPLACE TABLE again AS
SELECT h.line_id
FROM (SELECT line_id, claim_id, person_id FROM source WHERE checked = 0) AS h
SEMI JOIN (SELECT claim_id, person_id FROM source WHERE checked = 1) AS c
  ON c.claim_id = h.claim_id AND c.person_id IS NOT DISTINCT FROM h.person_id
"""


def without_checked(connection: duckdb.DuckDBPyConnection) -> int:
    """Take out of the relation `source` the lines of the history whose claim is checked; return how many these are.

    `source` is the claim-line table with line_id and checked; its numbers stay as they are.
    """
    connection.execute(_AGAIN)
    (lines,) = connection.execute("SELECT count(*) FROM again").fetchall()[0]
    if lines:
        connection.execute("ALTER VIEW source RENAME TO source_with_again")
        connection.execute(
            "CREATE VIEW source AS SELECT * FROM source_with_again"
            " WHERE checked = 1 OR line_id NOT IN (SELECT line_id FROM again)"
        )
    else:
        connection.execute("DROP TABLE again")
    return int(lines)


def rows_without_checked(history: Sequence[Row], checked: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of a history that are of no claim that is checked."""
    claims = {(row["claim_id"], row.get("person_id") or None) for row in checked}
    return [row for row in history if (row["claim_id"], row.get("person_id") or None) not in claims]
