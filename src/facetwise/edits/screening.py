"""The batch engine's first pass: from all lines, read narrowly, to the person-days in which a finding is possible.

Reads `source` (the claim-line table with line_id, whole numbers from 0, and checked), and screen_code, screen_pair and
ptp_keyed of the reference. What a person-day is kept for is a bit of `registry.SCREENS`.
"""

from __future__ import annotations

from facetwise.edits.registry import SCREENS

_SPAN, _ADD_ON, _PAIR, _UNITS, _WATCHED = (SCREENS[name] for name in ("span", "add_on", "pair", "units", "watched"))

# A line without a person is of its claim alone. CASE, so that nothing is put together for the many that have one.
_PERSON = "CASE WHEN person_id IS NULL THEN hash(claim_id, 1) ELSE hash(person_id) END"

# One row a line, as narrow as can be; code -1: one that no screen knows, which bears on nothing by itself. The lot is a
# matter of the person, so that all lines of one lie together.
NARROW = f"""
CREATE TABLE narrow AS
SELECT
  line_id::INTEGER AS line_id,
  hash({_PERSON}, claim_line_start_date) AS visit,
  ({_PERSON} % $lots::UBIGINT)::USMALLINT AS lot,
  coalesce(s.id, -1)::INTEGER AS code,
  (CASE WHEN claim_line_start_date < DATE '1970-01-01' + s.first_day
      OR claim_line_start_date > DATE '1970-01-01' + s.last_day THEN {_SPAN} ELSE 0 END
    + CASE WHEN service_unit_quantity > CASE WHEN claim_type = 'institutional' THEN s.most_hospital
      ELSE s.most_practitioner END THEN {_UNITS} ELSE 0 END
    + coalesce(s.kept, 0))::UTINYINT AS why
FROM source LEFT JOIN screen_code AS s ON s.code = hcpcs_code
WHERE hcpcs_code IS NOT NULL
"""  # noqa: S608 - numbers of our own

# The pairs that can stand on the days asked, of codes that are there.
PAIRS = """
CREATE TABLE pair_asked AS
WITH present AS (SELECT DISTINCT code FROM narrow)
SELECT pair FROM screen_pair
WHERE to_day >= $first AND from_day <= $last
  AND pair // 65536 IN (SELECT code FROM present) AND pair % 65536 IN (SELECT code FROM present)
"""
MET = """
CREATE OR REPLACE TABLE met AS
SELECT visit, pair
FROM (
  SELECT a.visit, least(a.code, b.code)::BIGINT * 65536 + greatest(a.code, b.code) AS pair
  FROM {lines} AS a JOIN {lines} AS b ON b.visit = a.visit AND a.line_id < b.line_id
)
WHERE pair IN (SELECT pair FROM pair_asked)
"""
ALL_LINES = "narrow"
LINES_OF_LOT = "(SELECT line_id, visit, code FROM narrow WHERE lot = {lot:d})"
KEEP = (
    "INSERT INTO met_pair SELECT DISTINCT pair FROM met",
    f"""
    INSERT INTO kept_visit
    SELECT visit, bit_or(why) FROM (
      SELECT visit, (CASE WHEN pair // 65536 = pair % 65536 THEN {_UNITS} ELSE {_PAIR} END)::UTINYINT AS why FROM met
      UNION ALL
      SELECT visit, why FROM narrow WHERE why > 0 AND ($lots = 1 OR lot = $lot)
    )
    GROUP BY visit
    """,  # noqa: S608
)
TABLES = (
    "CREATE TABLE met_pair (pair BIGINT)",
    "CREATE TABLE kept_visit (visit UBIGINT, why UTINYINT)",
)
# Every line of a kept person-day, whatever its code.
KEPT = (
    "CREATE TABLE kept_line AS SELECT line_id, lot, k.why FROM narrow JOIN kept_visit AS k USING (visit)",
    """
    CREATE TABLE claim_line AS
    SELECT {columns}, kept_line.lot, kept_line.why::INTEGER AS screened
    FROM source JOIN kept_line ON kept_line.line_id = source.line_id
    """,
)
DIAGNOSES = """
CREATE TABLE claim_dx AS
SELECT {columns} FROM source
WHERE line_id IN (SELECT line_id FROM claim_line WHERE hcpcs_code IN (SELECT code FROM watched))
"""
# The pairs of codes that met on some person-day: all that the rule text on pairs has to look up.
PTP_MET = """
CREATE TABLE ptp AS
SELECT k.* EXCLUDE (screen) FROM ptp_keyed AS k WHERE screen IN (SELECT pair FROM met_pair)
"""
