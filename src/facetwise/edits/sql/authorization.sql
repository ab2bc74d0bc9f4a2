-- A line without a prior authorization number where the payer wants a decision beforehand for the code and setting. Where the
-- requirement is the facility's, the professional's claim bears no number and is only told.
-- findings
SELECT
  f.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'prior-authorization-missing' AS edit,
  r.severity,
  f.code || CASE
    WHEN r.bound = 1 THEN ': the facility needs prior authorization for this service. '
    WHEN r.severity = 'info' THEN ': whether prior authorization is required depends on the plan, and no number is on the claim. '
    ELSE ': prior authorization is required, and no number is on the claim. '
  END || r.payer || ': ' || r.statement AS message,
  r.fix,
  '{"code": "' || f.code || '", "claim": "' || f.claim || '", "setting": ' || CASE
    WHEN f.setting = '' THEN 'null'
    ELSE '"' || f.setting || '"'
  END || ', "rule_evidence": "' || r.evidence || '"}' AS evidence,
  r.citations
FROM line AS f
JOIN authorization_rule AS r ON r.book = f.book AND r.code = f.code AND r.claim = f.claim AND r.setting = f.setting
  AND f.day BETWEEN r.from_day AND r.to_day
WHERE f.checked = 1 AND f.authorized = 0
