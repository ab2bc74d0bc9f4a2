-- A code that has ended before the day, or begins after it, by the code's own history. Codes that the knowledge does not
-- know are passed over.
-- step: off
SELECT
  l.line_id,
  l.code,
  l.day,
  CASE WHEN l.day > s.to_day THEN 'ended' ELSE 'begins' END AS turned,
  CASE WHEN l.day > s.to_day THEN s.to_day ELSE s.from_day END AS turn_day,
  s.citations
FROM line AS l
JOIN code_span AS s ON s.code = l.code
WHERE l.checked = 1 AND NOT l.day BETWEEN s.from_day AND s.to_day
-- findings
SELECT
  o.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'code-not-effective' AS edit,
  'reject' AS severity,
  o.code || ' ' || o.turned || ' on ' || turn.iso || ', so it cannot be reported for ' || service.iso || '.' AS message,
  'Report the code in force on the day of service that the record supports; do not move the day.' AS fix,
  '{"code": "' || o.code || '", "day": "' || service.iso || '", "' || o.turned || '": "' || turn.iso || '"}' AS evidence,
  o.citations
FROM off AS o
JOIN calendar AS turn ON turn.day = o.turn_day
JOIN calendar AS service ON service.day = o.day
