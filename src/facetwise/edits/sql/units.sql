-- A facet code that is reported once a side and day (or once an encounter) with other than one unit. Two units are right
-- where the payer wants both sides on one line with two units. Codes of one unit a level are judged by levels.sql.
-- findings
SELECT
  f.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'units-not-one' AS edit,
  'deny' AS severity,
  f.code || ' with ' || CASE
    WHEN f.units = CAST(f.units AS BIGINT) THEN CAST(CAST(f.units AS BIGINT) AS VARCHAR)
    ELSE CAST(f.units AS VARCHAR)
  END || ' units: it is reported ' || CASE
    WHEN f.units_rule = 'one_an_encounter' THEN 'once an encounter'
    ELSE 'once a side and day'
  END || ', one unit, however many joints or nerves it takes in.' AS message,
  'Report one unit. Further levels have codes of their own; both sides are reported as the payer wants them. The record is not to be changed to fit the claim.' AS fix,
  '{"code": "' || f.code || '", "units": ' || CASE
    WHEN f.units = CAST(f.units AS BIGINT) THEN CAST(CAST(f.units AS BIGINT) AS VARCHAR)
    ELSE CAST(f.units AS VARCHAR)
  END || ', "units_rule": "' || f.units_rule || '", "wanted": 1}' AS evidence,
  c.citations
FROM facet AS f
JOIN facet_code AS c ON c.code = f.code AND f.day BETWEEN c.from_day AND c.to_day
LEFT JOIN bilateral_rule AS b ON b.book = f.book AND b.code = f.code AND b.claim = f.claim AND b.setting = f.setting
  AND f.day BETWEEN b.from_day AND b.to_day
WHERE f.checked = 1 AND f.units_rule IN ('one_a_side_and_day', 'one_an_encounter') AND f.units <> 1
  AND NOT (f.units = 2 AND COALESCE(b.layout, '') = 'one_line_two_units')
