-- Sedation or anesthesia for the same person and day as a facet procedure, by any provider, where the payer of the sedation
-- refuses it (deny) or leaves it to the record (review). Of several facet lines the one with the stricter rule counts.
-- step: beside
SELECT
  l.line_id,
  l.code,
  f.line_id AS facet_line,
  f.code AS facet_code,
  f.claim_id,
  f.line_number,
  CASE WHEN f.claim_id = l.claim_id THEN 1 ELSE 0 END AS same_claim,
  r.level,
  r.severity,
  r.payer,
  r.statement,
  r.fix,
  r.evidence AS grade,
  r.citations,
  ROW_NUMBER() OVER (
    PARTITION BY l.line_id ORDER BY CASE WHEN r.severity = 'deny' THEN 0 ELSE 1 END, f.line_id
  ) AS place
FROM line AS l
JOIN sedation_rule AS r ON r.book = l.book AND r.code = l.code AND l.day BETWEEN r.from_day AND r.to_day
JOIN facet AS f ON f.visit = l.visit AND f.person = l.person AND f.day = l.day AND f.kind = r.kind
WHERE l.checked = 1
-- findings
SELECT
  b.line_id,
  b.facet_line AS other_line_id,
  'sedation-not-covered' AS edit,
  b.severity,
  b.code || ' (' || b.level || ') on the day of ' || b.facet_code || ' (line ' || CAST(b.line_number AS VARCHAR) || CASE
    WHEN b.same_claim = 1 THEN ''
    ELSE ' of claim ' || b.claim_id
  END || '). ' || b.payer || ': ' || b.statement AS message,
  b.fix,
  '{"code": "' || b.code || '", "with": "' || b.facet_code || '", "sedation": "' || b.level || '", "rule_evidence": "' || b.grade || '"}' AS evidence,
  b.citations
FROM beside AS b
WHERE b.place = 1
