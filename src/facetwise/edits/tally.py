"""What a check tells of all lines beside its findings: how many claims, which payers, for how many lines no unit value stands.

It takes about as long as the rule texts and needs nothing of theirs, so it is worked out beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facetwise.edits.in_place import odd_ends

if TYPE_CHECKING:
    import duckdb


# As many lines tell, nearly always, whether they come in the order of their claims.
_LOOKED_AT = 50_000


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the lines checked: `claims`, lines by (payer, filing indicator) as written, most first, and `without_unit_value`.

    `odd_ends`: whether a payer, or a claim_id of the history too, ends with a blank.
    """

    claims: int
    payers: list[tuple[str, str, int]]
    without_unit_value: int
    odd_ends: bool


def tally(connection: duckdb.DuckDBPyConnection) -> Tally:
    """Count over `source`, the claim-line table with checked, and the attached reference tables."""
    run = connection.execute
    claims, odd = _claims_in_order(connection) or _claims(connection)
    payers = run(
        "SELECT coalesce(payer, ''), coalesce(claim_filing_indicator_code, ''), count(*) FROM source WHERE checked = 1"
        " GROUP BY ALL ORDER BY 3 DESC, 1"
    ).fetchall()
    without: Any = run(
        "SELECT coalesce(sum(n), 0) FROM (SELECT hcpcs_code AS code, count(*) AS n FROM source WHERE checked = 1 GROUP BY 1)"
        " WHERE code IS NOT NULL AND code NOT IN (SELECT code FROM reference.mue)"
    ).fetchone()
    odd = odd or any(payer != payer.rstrip(" \t") for payer, _, _ in payers)
    return Tally(claims, payers, int(without[0]), odd)


_LINE_BY_LINE = "SELECT claim_id, lag(claim_id) OVER () AS before, checked FROM source"


def _claims_in_order(connection: duckdb.DuckDBPyConnection) -> tuple[int, bool] | None:
    """Count the claims, and tell whether an id has an odd end, of lines that come in the order of their claim_id, else None.

    Then a new id is a new claim, in whatever order the lines were met, and nothing has to be remembered.
    """
    run = connection.execute
    first: Any = run(f"SELECT bool_and(before <= claim_id) FROM (SELECT * FROM ({_LINE_BY_LINE}) LIMIT {_LOOKED_AT:d})")  # noqa: S608
    if first.fetchone()[0] is False:
        return None
    found: Any = run(
        "SELECT count(*) FILTER (new), bool_or(CASE WHEN new THEN " + odd_ends("claim_id") + " END),"  # noqa: S608
        # Were lines met in several runs, each would begin with a line before which none came.
        " bool_or(CASE WHEN new THEN before > claim_id OR checked = 0 END) OR count(*) - count(before) > 1"
        f" FROM (SELECT *, before IS DISTINCT FROM claim_id AS new FROM ({_LINE_BY_LINE}))"
    ).fetchone()
    return None if found[2] else (int(found[0]), bool(found[1]))


def _claims(connection: duckdb.DuckDBPyConnection) -> tuple[int, bool]:
    found: Any = connection.execute(
        f"SELECT count(*) FILTER (checked = 1), count(*) FILTER ({odd_ends('claim_id')})"  # noqa: S608
        " FROM (SELECT claim_id, max(checked) AS checked FROM source GROUP BY claim_id)"
    ).fetchone()
    return int(found[0]), found[1] > 0
