"""What lets the batch engine pass over most lines: for each code and pair of codes, whether a finding is possible at all.

These tables are wider than the edits (they know neither payer nor modifier, and a code has its lowest limit of all days and
services), so that a line that passes the screen has no finding of the NCCI edits, of the code's days or of the rules of the
watched codes; what is kept is judged by the rule texts. Codes stand as small numbers, a pair of codes as one number.
"""

from __future__ import annotations

SCREENS = (
    # most: the least of the unit values that bear on one line; kept: every line of the code is judged.
    """
    CREATE TABLE screen_code AS
    WITH known AS (
      SELECT column1 AS code FROM ptp WHERE indicator <> '9'
      UNION SELECT column2 FROM ptp WHERE indicator <> '9'
      UNION SELECT code FROM mue UNION SELECT code FROM add_on
      UNION SELECT code FROM code_span UNION SELECT code FROM watched UNION SELECT code FROM facet_code
    ),
    span AS (
      SELECT code, CASE WHEN count(*) = 1 THEN min(from_day) ELSE 9999999 END AS first_day, max(to_day) AS last_day
      FROM code_span GROUP BY code
    ),
    most AS (SELECT code, min(value) AS value FROM mue GROUP BY code)
    SELECT known.code, (row_number() OVER (ORDER BY known.code) - 1)::INTEGER AS id,
      coalesce(most.value, 99999999)::INTEGER AS most,
      coalesce(span.first_day, -9999999)::INTEGER AS first_day, coalesce(span.last_day, 9999999)::INTEGER AS last_day,
      known.code IN (SELECT code FROM add_on) OR known.code IN (SELECT code FROM watched)
        OR known.code IN (SELECT code FROM facet_code) AS kept
    FROM known LEFT JOIN most ON most.code = known.code LEFT JOIN span ON span.code = known.code
    """,
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
    SELECT low::BIGINT * 65536 + high AS pair, min(from_day) AS from_day, max(to_day) AS to_day
    FROM both_ways GROUP BY low, high ORDER BY pair
    """,
)
