"""Claims for the benchmarks: a Parquet file of the claim-line table, with about two NCCI findings a hundred lines.

The codes of a claim are drawn from codes of which no two are a pair of the edits, so that what is found is what was
planted: pairs, units above the value, add-ons without their primary, and one line in two hundred of the facet family.
The same arguments give the same lines. `facetwise sample` writes claims that look like a practice's; this writes many.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

_DIAGNOSES = ", ".join(f"NULL::VARCHAR AS diagnosis_code_{number}" for number in range(5, 26))

_LINES = """
COPY (
WITH claims AS (
  SELECT i AS claim, hash(i * 7 + 1) AS h1, hash(i * 7 + 2) AS h2, hash(i * 7 + 3) AS h3,
    1 + (hash(i * 7 + 4) % 6)::INTEGER AS many
  FROM range($lines // 3 + 8) AS t(i)
),
numbered AS (SELECT *, unnest(range(1, many + 1)) AS number FROM claims),
drawn AS (
  SELECT *, hash(claim * 31 + number * 1000003) AS h, hash(claim * 37 + number * 1000033) AS g,
    -- Distinct codes within a claim, the frequent ones more often.
    ((pow((h1 % 1000003) / 1000003.0, 3) * $codes)::BIGINT + number * 97) % $codes AS place
  FROM numbered ORDER BY claim, number LIMIT $lines
),
planted AS (
  SELECT d.*,
    CASE
      WHEN g % 1000 < 3 AND number > 1 AND pair.column2 IS NOT NULL THEN pair.column2
      WHEN g % 1000 < 5 THEN lone.code
      WHEN g % 1000 < 8 THEN facet.code
      ELSE plain.code
    END AS code,
    CASE WHEN g % 1000 >= 993 THEN least(plain.most + 1, 9999) ELSE 1 END AS units
  FROM drawn AS d
  JOIN plain ON plain.place = d.place
  LEFT JOIN plain AS before ON before.place = (d.place + $codes - 97) % $codes
  LEFT JOIN pair ON pair.column1 = before.code
  LEFT JOIN lone ON lone.place = d.h % $lone
  LEFT JOIN facet ON facet.place = d.h % $facet
)
SELECT 'C' || lpad(claim::VARCHAR, 10, '0') AS claim_id, number::INTEGER AS claim_line_number,
  CASE WHEN h1 % 10 = 0 THEN 'institutional' ELSE 'professional' END AS claim_type,
  'P' || lpad((h2 % ($lines // 12 + 1))::VARCHAR, 9, '0') AS person_id,
  ['Medicare', 'Aetna', 'UnitedHealthcare', 'Cigna', 'A local plan'][1 + (h2 // 16 % 5)::INTEGER] AS payer,
  CASE WHEN h1 % 10 > 0 THEN ['11', '22', '24', '11', '11'][1 + (h1 // 7 % 5)::INTEGER] END AS place_of_service_code,
  CASE WHEN h1 % 10 = 0 THEN '131' END AS bill_type_code,
  DATE '2024-07-01' + (h3 % 720)::INTEGER AS claim_line_start_date,
  code AS hcpcs_code,
  CASE WHEN code <> 'none' THEN CASE h % 20 WHEN 0 THEN 'RT' WHEN 1 THEN 'LT' WHEN 2 THEN '25' WHEN 3 THEN '26' END END
    AS hcpcs_modifier_1,
  CASE WHEN h % 97 = 0 THEN 'GC' END AS hcpcs_modifier_2,
  NULL::VARCHAR AS hcpcs_modifier_3, NULL::VARCHAR AS hcpcs_modifier_4, NULL::VARCHAR AS hcpcs_modifier_5,
  units::DECIMAL(9, 3) AS service_unit_quantity,
  (50 + g % 20000 / 100)::DECIMAL(12, 2) AS charge_amount,
  (1000000000 + (h2 // 3 % 40000))::VARCHAR AS rendering_npi, (1900000000 + (h2 // 3 % 4000))::VARCHAR AS billing_npi,
  'M' || (45 + h % 10)::VARCHAR || (h // 7 % 10)::VARCHAR AS diagnosis_code_1,
  'M54' || (h1 % 10)::VARCHAR AS diagnosis_code_2,
  CASE WHEN h1 % 3 = 0 THEN 'G89' || (h1 // 3 % 10)::VARCHAR END AS diagnosis_code_3,
  CASE WHEN h1 % 7 = 0 THEN 'R' || (100 + h1 // 3 % 400)::VARCHAR END AS diagnosis_code_4,
  {diagnoses},
  1::INTEGER AS diagnosis_pointer_1, CASE WHEN h % 3 = 0 THEN 2::INTEGER END AS diagnosis_pointer_2,
  NULL::INTEGER AS diagnosis_pointer_3, NULL::INTEGER AS diagnosis_pointer_4,
  ['OH', 'CA', 'TX', 'NY', 'FL', 'KY'][1 + (h2 // 11 % 6)::INTEGER] AS state,
  NULL::VARCHAR AS prior_authorization_number
FROM planted ORDER BY claim, number
) TO '{file}' (FORMAT parquet)
"""


def make(reference: Path, lines: int, file: Path) -> int:
    """Write a file of so many lines, with codes and pairs of these reference tables; return how many lines it has."""
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{reference}' AS ref (READ_ONLY)")
    connection.execute("SET search_path = 'memory,ref'")
    plain = _apart(connection)
    connection.execute("CREATE TABLE chosen (place BIGINT, code VARCHAR)")
    connection.executemany("INSERT INTO chosen VALUES (?, ?)", list(enumerate(plain)))
    connection.execute(
        "CREATE TABLE plain AS SELECT place, code, max(coalesce(value, 1)) AS most FROM chosen LEFT JOIN mue USING (code)"
        " GROUP BY ALL"
    )
    connection.execute(
        "CREATE TABLE pair AS SELECT column1, min(column2) AS column2 FROM ptp WHERE column1 IN (SELECT code FROM plain)"
        " AND indicator IN ('0', '1') AND to_day > 20500 GROUP BY column1"
    )
    connection.execute(
        "CREATE TABLE lone AS SELECT row_number() OVER (ORDER BY code) - 1 AS place, code"
        " FROM (SELECT DISTINCT code FROM add_on WHERE type = '1')"
    )
    connection.execute(
        "CREATE TABLE facet AS SELECT row_number() OVER (ORDER BY code) - 1 AS place, code"
        " FROM (SELECT DISTINCT code FROM facet_code)"
    )
    sizes = connection.execute("SELECT (SELECT count(*) FROM lone), (SELECT count(*) FROM facet)").fetchone() or (1, 1)
    statement = _LINES.format(diagnoses=_DIAGNOSES, file=str(file).replace("'", "''"))
    connection.execute(statement, {"lines": lines, "codes": len(plain), "lone": sizes[0], "facet": sizes[1]})
    made = connection.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(file)}).fetchone()
    connection.close()
    return int(made[0]) if made else 0


def _apart(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return codes of which no two are a pair: taken one after another, each with its neighbours struck out."""
    codes = connection.execute(
        "SELECT code FROM mue WHERE code NOT IN (SELECT code FROM add_on) AND code NOT IN (SELECT code FROM watched)"
        " AND code NOT IN (SELECT code FROM code_span) GROUP BY code HAVING min(value) >= 1 AND max(value) <= 20"
        " ORDER BY hash(code)"
    ).fetchall()
    neighbours: dict[str, set[str]] = {}
    for one, other in connection.execute("SELECT DISTINCT column1, column2 FROM ptp WHERE indicator <> '9'").fetchall():
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    taken: list[str] = []
    struck: set[str] = set()
    for (code,) in codes:
        if code not in struck:
            taken.append(code)
            struck |= neighbours.get(code, set())
    return taken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=int)
    parser.add_argument("file", type=Path)
    chosen = parser.parse_args()
    from facetwise.edits.reference.build import reference
    from facetwise.knowledge import load

    print(make(reference(load()).duckdb, chosen.lines, chosen.file), "lines")
