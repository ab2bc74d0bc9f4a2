-- A code that reports a facet procedure done without imaging, on a line with a facet diagnosis, at a payer that wants imaging.
-- step: placed
SELECT l.line_id, l.day, l.code, g.payer, g.severity, g.statement, g.fix, g.evidence AS grade, g.citations
FROM line AS l
JOIN guidance_rule AS g ON g.book = l.book AND g.code = l.code AND l.day BETWEEN g.from_day AND g.to_day
WHERE l.checked = 1
-- step: supported
SELECT p.line_id, MIN(d.dx) AS dx
FROM placed AS p
JOIN line_dx AS d ON d.line_id = p.line_id
JOIN facet_dx AS x ON x.dx = d.dx AND p.day BETWEEN x.from_day AND x.to_day
GROUP BY p.line_id
-- findings
SELECT
  p.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'image-guidance-missing' AS edit,
  p.severity,
  p.code || ' with a facet diagnosis is how a facet procedure without imaging is reported. ' || p.payer || ': ' || p.statement || ' The claim does not tell whether imaging was used.' AS message,
  p.fix,
  '{"code": "' || p.code || '", "diagnosis": "' || s.dx || '", "rule_evidence": "' || p.grade || '"}' AS evidence,
  p.citations
FROM placed AS p
JOIN supported AS s ON s.line_id = p.line_id
