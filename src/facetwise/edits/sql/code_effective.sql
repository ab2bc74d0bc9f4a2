-- A code that has ended before the day, or begins after it, by the code's own history. Codes that the knowledge does not
-- know are passed over.
-- step: off
SELECT
  l.line_id,
  l.code,
  l.day,
  MAX(CASE WHEN s.to_day < l.day THEN s.to_day END) AS ended,
  MIN(CASE WHEN s.from_day > l.day THEN s.from_day END) AS begins
FROM line AS l
JOIN code_span AS s ON s.code = l.code
WHERE l.checked = 1
GROUP BY l.line_id, l.code, l.day
HAVING SUM(CASE WHEN l.day BETWEEN s.from_day AND s.to_day THEN 1 ELSE 0 END) = 0
-- findings
SELECT
  o.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'code-not-effective' AS edit,
  'reject' AS severity,
  o.code || CASE
    WHEN o.ended IS NULL THEN ' begins on '
    ELSE ' ended on '
  END || turn.iso || ', so it cannot be reported for ' || service.iso || '.' AS message,
  'Report the code in force on the day of service that the record supports; do not move the day.' AS fix,
  '{"code": "' || o.code || '", "day": "' || service.iso || '", "' || CASE
    WHEN o.ended IS NULL THEN 'begins'
    ELSE 'ended'
  END || '": "' || turn.iso || '"}' AS evidence,
  s.citations
FROM off AS o
JOIN code_span AS s ON s.code = o.code
  AND (s.to_day = o.ended OR (o.ended IS NULL AND s.from_day = o.begins))
JOIN calendar AS turn ON turn.day = COALESCE(o.ended, o.begins)
JOIN calendar AS service ON service.day = o.day
