-- Codes that the payer does not cover: third level, guided by ultrasound, excluded techniques; and third-level and ultrasound
-- codes on which its position is not established. A code that is also used elsewhere (needs_dx) is judged only on a line with
-- a facet diagnosis.
-- step: placed
SELECT
  l.line_id,
  l.day,
  l.code,
  p.edit,
  p.severity,
  p.needs_dx,
  p.position,
  p.payer,
  p.statement,
  p.fix,
  p.evidence AS grade,
  p.citations
FROM line AS l
JOIN code_position AS p ON p.book = l.book AND p.code = l.code AND l.day BETWEEN p.from_day AND p.to_day
WHERE l.checked = 1
-- step: supported
SELECT DISTINCT p.line_id
FROM placed AS p
JOIN line_dx AS d ON d.line_id = p.line_id
JOIN facet_dx AS x ON x.dx = d.dx AND p.day BETWEEN x.from_day AND x.to_day
WHERE p.needs_dx = 1
-- findings
SELECT
  p.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  p.edit,
  p.severity,
  p.code || CASE
    WHEN p.position = 'not_established' THEN ': '
    WHEN p.edit = 'third-level-not-covered' THEN ', a third or further level, at ' || p.payer || ': '
    WHEN p.edit = 'ultrasound-guided' THEN ', guided by ultrasound, at ' || p.payer || ': '
    ELSE ' at ' || p.payer || ': '
  END || p.statement AS message,
  p.fix,
  '{"code": "' || p.code || '", "position": "' || p.position || '", "rule_evidence": "' || p.grade || '"}' AS evidence,
  p.citations
FROM placed AS p
LEFT JOIN supported AS s ON s.line_id = p.line_id
WHERE p.needs_dx = 0 OR s.line_id IS NOT NULL
