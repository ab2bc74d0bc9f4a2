"""What lets the batch engine pass over most lines: for each code and pair of codes, whether a finding is possible at all.

These tables are wider than the edits (they know neither payer nor modifier, and a code has its lowest limit of all days and
services), so that a line that the screen drops has no finding of the NCCI edits, of the code's days or of the rules of the
watched codes; what is kept is judged by the rule texts. Codes stand as small numbers, in the types in which lines are
compared with them, so that nothing has to be cast line by line.
"""

from __future__ import annotations

from facetwise.edits.registry import ADD_ON, SCREENS, WATCHED

STATEMENTS = (
    # most: the least of the unit values that bear on one line; kept: why every line of the code is judged.
    f"""
    CREATE TABLE screen_code AS
    WITH known AS (
      SELECT column1 AS code FROM ptp WHERE indicator <> '9'
      UNION SELECT column2 FROM ptp WHERE indicator <> '9'
      UNION SELECT code FROM mue UNION SELECT code FROM add_on
      UNION SELECT code FROM code_span UNION SELECT code FROM watched UNION SELECT code FROM facet_code
    ),
    span AS (
      SELECT code, from_day AS first_day, to_day AS last_day FROM code_span
    ),
    most AS (
      SELECT code, min(value) FILTER (service = 1) AS practitioner, min(value) FILTER (service = 2) AS hospital
      FROM mue GROUP BY code
    )
    SELECT known.code, (row_number() OVER (ORDER BY known.code) - 1)::USMALLINT AS id,
      least(most.practitioner, 999999)::DECIMAL(9,3) AS most_practitioner,
      least(most.hospital, 999999)::DECIMAL(9,3) AS most_hospital,
      DATE '1970-01-01' + span.first_day AS first_date, DATE '1970-01-01' + span.last_day AS last_date,
      (CASE WHEN known.code IN (SELECT code FROM add_on) THEN {SCREENS[ADD_ON]} ELSE 0 END
        + CASE WHEN known.code IN (SELECT code FROM watched) OR known.code IN (SELECT code FROM facet_code)
          THEN {SCREENS[WATCHED]} ELSE 0 END)::UTINYINT AS kept
    FROM known LEFT JOIN most ON most.code = known.code LEFT JOIN span ON span.code = known.code
    """,  # noqa: S608 - numbers of our own
    # Two lines of one code bear on each other by a unit value of the day.
    """
    CREATE TABLE screen_pair AS
    WITH both_ways AS (
      SELECT least(a.id, b.id) AS low, greatest(a.id, b.id) AS high, from_day, to_day
      FROM ptp JOIN screen_code AS a ON a.code = ptp.column1 JOIN screen_code AS b ON b.code = ptp.column2
      WHERE indicator <> '9'
      UNION ALL
      SELECT id, id, from_day, to_day FROM mue JOIN screen_code USING (code) WHERE mai <> '1'
    )
    SELECT low, high, min(from_day) AS from_day, max(to_day) AS to_day
    FROM both_ways GROUP BY low, high ORDER BY low, high
    """,
    """
    CREATE TABLE ptp_keyed AS
    SELECT least(a.id, b.id) AS low, greatest(a.id, b.id) AS high, ptp.*
    FROM ptp JOIN screen_code AS a ON a.code = ptp.column1 JOIN screen_code AS b ON b.code = ptp.column2
    WHERE indicator <> '9' ORDER BY low, high, ptp.service, ptp.column1, from_day
    """,
    "DROP TABLE ptp",
    "CREATE VIEW ptp AS SELECT * EXCLUDE (low, high) FROM ptp_keyed",
)
