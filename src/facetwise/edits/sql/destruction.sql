-- An injection in a region that the same provider ablated the same day on an overlapping side. A line without a side overlaps
-- any. Whether it is the same joint cannot be told from a claim, so a modifier that says it was another is for review.
-- step: injected
SELECT
  i.line_id,
  i.claim_id,
  i.code,
  i.region,
  i.bypass,
  i.book,
  i.day,
  MIN(a.line_id) AS ablation_line
FROM facet AS i
JOIN facet AS a ON a.visit = i.visit AND a.person = i.person AND a.day = i.day AND a.provider = i.provider
  AND a.region = i.region AND a.kind = 'ablation'
  AND (a.side = i.side OR a.side IN ('', 'B') OR i.side IN ('', 'B'))
WHERE i.checked = 1 AND i.kind = 'injection'
GROUP BY i.line_id, i.claim_id, i.code, i.region, i.bypass, i.book, i.day
-- findings
SELECT
  b.line_id,
  b.ablation_line AS other_line_id,
  'destruction-includes-injection' AS edit,
  CASE WHEN b.bypass = 1 THEN 'review' ELSE r.severity END AS severity,
  b.code || ', an injection, beside the ablation ' || a.code || ' (line ' || CAST(a.line_number AS VARCHAR) || CASE
    WHEN a.claim_id = b.claim_id THEN ''
    ELSE ' of claim ' || a.claim_id
  END || '): the same region and day, and sides that overlap. ' || CASE
    WHEN b.bypass = 1 THEN 'Its modifiers may speak of another joint; the record must show it. '
    ELSE ''
  END || r.statement AS message,
  r.fix || CASE
    WHEN b.bypass = 1 THEN ''
    ELSE ' If the record shows another joint, report it with the modifier that says so.'
  END AS fix,
  '{"injection": "' || b.code || '", "ablation": "' || a.code || '", "region": "' || b.region || '", "modifier": ' || CASE
    WHEN b.bypass = 1 THEN 'true'
    ELSE 'false'
  END || ', "rule_evidence": "' || r.evidence || '"}' AS evidence,
  r.citations
FROM injected AS b
JOIN facet AS a ON a.line_id = b.ablation_line
JOIN destruction_rule AS r ON r.book = b.book AND b.day BETWEEN r.from_day AND r.to_day
