-- None of the diagnoses that a line points to is on the payer's list for its code: deny; only ones with the list's
-- footnote are, or the line bears no diagnosis at all: review.
-- step: listed
SELECT
  f.line_id,
  f.code,
  r.list_id,
  r.mark,
  r.payer,
  r.severity,
  r.statement,
  r.fix,
  r.evidence AS grade,
  r.citations,
  COUNT(d.dx) AS diagnoses,
  MIN(d.pos) AS first_pos,
  SUM(CASE WHEN c.marked = 0 THEN 1 ELSE 0 END) AS plain,
  SUM(CASE WHEN c.marked = 1 THEN 1 ELSE 0 END) AS footnoted,
  MIN(CASE WHEN c.marked = 1 THEN c.dx END) AS footnoted_dx
FROM facet AS f
JOIN diagnosis_rule AS r ON r.book = f.book AND r.code = f.code AND f.day BETWEEN r.from_day AND r.to_day
LEFT JOIN line_dx AS d ON d.line_id = f.line_id
LEFT JOIN diagnosis_code AS c ON c.list_id = r.list_id AND c.dx = d.dx
WHERE f.checked = 1
GROUP BY f.line_id, f.code, r.list_id, r.mark, r.payer, r.severity, r.statement, r.fix, r.evidence, r.citations
-- findings
SELECT
  l.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'diagnosis-not-supporting' AS edit,
  CASE WHEN l.footnoted > 0 OR l.diagnoses = 0 THEN 'review' ELSE l.severity END AS severity,
  CASE
    WHEN l.diagnoses = 0 THEN l.code || ': the line points to no diagnosis, and ' || l.payer || ' lists those that support it. ' || l.statement
    WHEN l.footnoted > 0 THEN l.code || ': of the diagnoses that the line points to only ' || SUBSTRING(l.footnoted_dx, 1, 3) || '.' || SUBSTRING(l.footnoted_dx, 4) || ' is on the list of ' || l.payer || ', with a footnote: ' || l.mark || '.'
    ELSE l.code || ': no diagnosis that the line points to (' || SUBSTRING(d.dx, 1, 3) || CASE
      WHEN LENGTH(d.dx) > 3 THEN '.' || SUBSTRING(d.dx, 4)
      ELSE ''
    END || CASE
      WHEN l.diagnoses = 1 THEN ''
      WHEN l.diagnoses = 2 THEN ' and one more'
      ELSE ' and ' || CAST(l.diagnoses - 1 AS VARCHAR) || ' more'
    END || ') is on the list of ' || l.payer || '. ' || l.statement
  END AS message,
  l.fix,
  '{"code": "' || l.code || '", "diagnoses": ' || CAST(l.diagnoses AS VARCHAR) || ', "on_list": 0, "on_list_with_footnote": ' || CAST(l.footnoted AS VARCHAR) || ', "rule_evidence": "' || l.grade || '"}' AS evidence,
  l.citations
FROM listed AS l
LEFT JOIN line_dx AS d ON d.line_id = l.line_id AND d.pos = l.first_pos
WHERE l.plain = 0
