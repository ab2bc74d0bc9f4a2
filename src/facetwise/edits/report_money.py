"""What Medicare would be expected to allow for the lines that a check denies: priced set-wise, at national amounts.

Whole claims are priced, since what is allowed for one line depends on the others; then the denied lines are summed. The locality of a
claim is not told by its state where that has several, so all amounts are national. Hospital facility lines are not priced here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.claims.payer import Payers
from facetwise.edits.report import Expected
from facetwise.knowledge.kinds import Payer
from facetwise.payment.setwise import price_file

if TYPE_CHECKING:
    from facetwise.knowledge import Knowledge

_HOSPITAL = "hospital facility lines are priced one claim at a time"
_NUMBERS = ", ".join(f"hcpcs_modifier_{number}" for number in range(1, 6))
_DENIED = """
CREATE TEMP TABLE denied AS
SELECT DISTINCT file, place, claim_id, claim_line_number FROM read_parquet($findings)
WHERE severity IN ('reject', 'deny') AND coalesce(payer, '') IN (SELECT written FROM medicare)
"""
# A claim number may stand in several files, and a line number twice in one: the number of the line's place tells them apart.
_LINES = f"""
COPY (
    SELECT file || ':' || claim_id || ':' || CAST(claim_line_start_date AS VARCHAR) AS claim_id,
        CAST(row_number() OVER (PARTITION BY file, claim_id, claim_line_start_date ORDER BY place, claim_line_number) AS INTEGER) AS claim_line_number,
        hcpcs_code, {_NUMBERS}, service_unit_quantity, claim_line_start_date, place_of_service_code, charge_amount,
        CASE WHEN place_of_service_code IN (SELECT place FROM center_place) AND coalesce(rendering_npi, '') IN ('', coalesce(billing_npi, ''))
            THEN 'facility' ELSE 'professional' END AS claim,
        file, place, claim_id AS own_claim_id, claim_line_number AS own_line_number
    FROM claim_line WHERE (file, claim_id) IN (SELECT (file, claim_id) FROM denied)
        AND claim_type = 'professional' AND hcpcs_code IS NOT NULL
) TO $lines (FORMAT parquet)
"""  # noqa: S608 - names of our own
_SUM = """
SELECT count(*), count(p.allowed), coalesce(sum(p.allowed), 0) FROM denied AS d
LEFT JOIN read_parquet($lines) AS l
    ON l.file = d.file AND l.place = d.place AND l.own_claim_id = d.claim_id AND l.own_line_number = d.claim_line_number
LEFT JOIN read_parquet($priced) AS p ON p.claim_id = l.claim_id AND p.claim_line_number = l.claim_line_number AND p.finding IS NULL
"""
_WHY = """
SELECT coalesce(p.finding, $hospital), count(*) FROM denied AS d
LEFT JOIN read_parquet($lines) AS l
    ON l.file = d.file AND l.place = d.place AND l.own_claim_id = d.claim_id AND l.own_line_number = d.claim_line_number
LEFT JOIN read_parquet($priced) AS p ON p.claim_id = l.claim_id AND p.claim_line_number = l.claim_line_number
WHERE p.allowed IS NULL OR p.finding IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1
"""


def expected(
    findings: Path,
    claims: Sequence[Path | str],
    knowledge: Knowledge,
    payers: Payers,
    work: Path,
    catalog: Path | None = None,
    memory_limit: str = "",
) -> Expected:
    """Return what Medicare would be expected to allow for its denied lines.

    `findings` is the engine's file; `claims` are the files that were checked, in their order, and are read again; `work` a directory for
    temporary files. Raises FacetwiseError as reading and pricing do.
    """
    import duckdb

    from facetwise.claims import offer

    connection = duckdb.connect()
    try:
        if memory_limit:
            connection.execute("SET memory_limit = $limit", {"limit": memory_limit})
        connection.execute("SET temp_directory = $place", {"place": str(work / "spill-money")})
        _offer_names(connection, findings, knowledge, payers)
        connection.execute(_DENIED, {"findings": str(findings)})
        row: Any = connection.execute("SELECT count(*) FROM denied").fetchone()
        if not row[0]:
            return Expected(denied=0, priced=0, allowed=Decimal("0.00"))
        offer(connection, claims, work, on_rejected=lambda _batch: None)
        lines, priced = work / "lines-to-price.parquet", work / "priced.parquet"
        connection.execute(_LINES, {"lines": str(lines)})
        price_file(lines, priced, knowledge.store, catalog=catalog, memory_limit=memory_limit)
        files = {"lines": str(lines), "priced": str(priced)}
        denied, count, allowed = connection.execute(_SUM, files).fetchone() or (0, 0, 0)
        why = connection.execute(_WHY, {**files, "hospital": _HOSPITAL}).fetchall()
        return Expected(denied=denied, priced=count, allowed=Decimal(allowed), why_not=dict(why))
    finally:
        connection.close()


def _offer_names(connection: Any, findings: Path, knowledge: Knowledge, payers: Payers) -> None:
    """Offer which payers, as the claims write them, are the public program, and which places are surgery centers."""
    view = knowledge.as_of(knowledge.store.horizon.reviewed)
    programs = {
        thing.slug
        for thing, dated in view.of_kind("payer")
        if isinstance(dated.value, Payer) and dated.value.role == "program"
    }
    written = connection.execute(
        "SELECT DISTINCT coalesce(payer, '') FROM read_parquet($findings)", {"findings": str(findings)}
    ).fetchall()
    mine = [name for (name,) in written if payers.resolve(name, None) in programs]
    centers = [row["place_of_service"] for _, row in view.rows("fees/places") if row["setting"] == "asc"]
    connection.execute(
        "CREATE TEMP TABLE medicare AS SELECT unnest(CAST($mine AS VARCHAR[])) AS written", {"mine": mine}
    )
    connection.execute(
        "CREATE TEMP TABLE center_place AS SELECT unnest(CAST($centers AS VARCHAR[])) AS place", {"centers": centers}
    )
