-- A facet line that says no side: neither RT, LT nor 50. Two units say both sides where the payer wants it so.
-- findings
SELECT
  f.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'laterality-missing' AS edit,
  'review' AS severity,
  f.code || ': the line has neither RT, LT nor 50, so it does not say which side was treated.' AS message,
  'Put RT, LT or 50 on the line, as the record names the side. The record is not to be changed to fit the claim.' AS fix,
  '{"code": "' || f.code || '", "side": null}' AS evidence,
  c.citations
FROM facet AS f
JOIN facet_code AS c ON c.code = f.code AND f.day BETWEEN c.from_day AND c.to_day
LEFT JOIN bilateral_rule AS b ON b.book = f.book AND b.code = f.code AND b.claim = f.claim AND b.setting = f.setting
  AND f.day BETWEEN b.from_day AND b.to_day
WHERE f.checked = 1 AND f.side = '' AND NOT (f.units = 2 AND COALESCE(b.layout, '') = 'one_line_two_units')
