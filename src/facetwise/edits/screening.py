"""The batch engine's first pass: from all lines, read narrowly, to the person-days in which a finding is possible.

Reads `source` (the claim-line table with line_id, whole numbers from 0, and checked), and screen_code, screen_pair and
ptp_keyed of the reference. What a person-day is kept for is a bit of `registry.SCREENS`.
"""

from __future__ import annotations

import itertools

from facetwise.edits.registry import SCREENS

_SPAN, _ADD_ON, _PAIR, _UNITS, _WATCHED = (SCREENS[name] for name in ("span", "add_on", "pair", "units", "watched"))

_UNKNOWN = 65535
_ODD = 128  # among the reasons: the line's person_id is not as it should be, see ANY_ODD
# A line without a person is of its claim alone. CASE, so that nothing is put together for the many that have one.
_PERSON = "CASE WHEN person_id IS NULL THEN hash(claim_id, 1) ELSE hash(person_id) END"
# By whether every line has a person: what to put into a hash, and that hash alone.
PERSON = {True: ("person_id", "hash(person_id)"), False: (_PERSON, _PERSON)}

# One row a line, as narrow as can be; a code that no screen knows bears on nothing by itself. Two person-days may fall
# together in half of a hash: what is kept is then more than need be, and the rule texts tell them apart. The lot is a matter
# of the person, so that all lines of one lie together.
NARROW = f"""
CREATE TABLE narrow AS
SELECT
  line_id::INTEGER AS line_id,
  (hash({{person}}, claim_line_start_date) >> 32)::UINTEGER AS visit,
  {{lot}}::USMALLINT AS lot,
  coalesce(s.id, {_UNKNOWN}::USMALLINT) AS code,
  coalesce(s.kept, 0::UTINYINT)
    + CASE WHEN claim_line_start_date < s.first_date OR claim_line_start_date > s.last_date THEN {_SPAN}::UTINYINT
      ELSE 0::UTINYINT END
    + CASE WHEN service_unit_quantity > CASE WHEN claim_type = 'institutional' THEN s.most_hospital
      ELSE s.most_practitioner END THEN {_UNITS}::UTINYINT ELSE 0::UTINYINT END
    + CASE WHEN {{odd}} THEN {_ODD}::UTINYINT ELSE 0::UTINYINT END AS why
FROM source LEFT JOIN screen_code AS s ON s.code = hcpcs_code
WHERE hcpcs_code IS NOT NULL
"""  # noqa: S608 - numbers of our own
ANY_ODD = f"SELECT EXISTS (SELECT 1 FROM narrow WHERE why >= {_ODD})"  # noqa: S608 - a number of our own
ONE_LOT = "0"
LOT = "({person} % {lots:d}::UBIGINT)"

# The pairs that can stand on the days asked, of codes that are there; either code may come first.
PAIRS = """
CREATE TABLE pair_asked AS
WITH present AS (SELECT DISTINCT code FROM narrow),
asked AS (
  SELECT low, high FROM screen_pair
  WHERE to_day >= $first AND from_day <= $last
    AND low IN (SELECT code FROM present) AND high IN (SELECT code FROM present)
)
SELECT low::UINTEGER * 65536 + high AS pair FROM asked UNION SELECT high::UINTEGER * 65536 + low FROM asked
"""
# What follows is done lot after lot, over the lines of the lot: these, where there are several.
LINES_OF_LOT = "CREATE OR REPLACE TABLE lot_narrow AS SELECT line_id, visit, code, why FROM narrow WHERE lot = {lot:d}"
ALL_LINES = "CREATE OR REPLACE VIEW lot_narrow AS SELECT line_id, visit, code, why FROM narrow"
# Slice after slice of the person-days, so that what is joined at once stays small.
MET = """
INSERT INTO met
SELECT visit, (pair // 65536)::USMALLINT AS one, (pair % 65536)::USMALLINT AS other
FROM (
  SELECT a.visit, a.code::UINTEGER * 65536 + b.code AS pair
  FROM lot_narrow AS a JOIN lot_narrow AS b ON b.visit = a.visit AND a.line_id < b.line_id
  WHERE a.visit BETWEEN {first:d} AND {last:d} AND b.visit BETWEEN {first:d} AND {last:d}
)
WHERE pair IN (SELECT pair FROM pair_asked)
"""
SLICE_LINES = 4_000_000


def slices(lines: int) -> list[tuple[int, int]]:
    """Return the first and last person-day of as many slices as so many lines need."""
    many = max(1, -(-lines // SLICE_LINES))
    bounds = [number * 2**32 // many for number in range(many + 1)]
    return [(first, last - 1) for first, last in itertools.pairwise(bounds)]


TABLES = (
    "CREATE TABLE met_pair (low USMALLINT, high USMALLINT)",
    "CREATE TABLE kept_line (line_id INTEGER, lot USMALLINT, why UTINYINT)",
)
BEFORE_MET = "CREATE OR REPLACE TABLE met (visit UINTEGER, one USMALLINT, other USMALLINT)"
# Where another code may bear on the lines kept (add-on codes, watched codes), every line of the person-day; else the lines that
# have a reason of their own and those of the pairs that met.
AFTER_MET = (
    "INSERT INTO met_pair SELECT DISTINCT least(one, other), greatest(one, other) FROM met",
    "CREATE OR REPLACE TABLE met_code AS SELECT visit, one AS code FROM met UNION SELECT visit, other FROM met",
    f"""
    CREATE OR REPLACE TABLE kept_visit AS
    SELECT visit, bit_or(why) AS why FROM (
      SELECT visit, (CASE WHEN one = other THEN {_UNITS} ELSE {_PAIR} END)::UTINYINT AS why FROM met
      UNION ALL
      SELECT visit, why FROM lot_narrow WHERE why > 0
    )
    GROUP BY visit
    """,  # noqa: S608
    f"""
    INSERT INTO kept_line
    SELECT n.line_id, {{lot:d}}, k.why
    FROM lot_narrow AS n JOIN kept_visit AS k ON k.visit = n.visit
    WHERE k.why & {_ADD_ON | _WATCHED} <> 0 OR n.why > 0
      OR EXISTS (SELECT 1 FROM met_code AS m WHERE m.visit = n.visit AND m.code = n.code)
    """,  # noqa: S608
)
KEPT = """
CREATE TABLE claim_line AS
SELECT {columns}, kept_line.lot, kept_line.why::INTEGER AS screened
FROM source JOIN kept_line ON kept_line.line_id = source.line_id
"""
# Every line of a watched code is kept.
DIAGNOSES = "CREATE TABLE claim_dx AS SELECT {columns} FROM source WHERE hcpcs_code IN (SELECT code FROM watched)"
# The pairs of codes that met on some person-day: all that the rule text on pairs has to look up.
PTP_MET = """
CREATE TABLE ptp AS
SELECT k.* EXCLUDE (low, high) FROM ptp_keyed AS k SEMI JOIN met_pair AS m ON m.low = k.low AND m.high = k.high
"""
