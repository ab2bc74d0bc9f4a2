-- An injection line without the payer's diagnostic modifier, that is a therapeutic one, where history and claims show fewer
-- diagnostic sessions of the region before it than the payer wants. Only run when a history was given.
-- step: coded
SELECT person, day, claim, book, COUNT(DISTINCT code) AS codes, MIN(code) AS low, MAX(code) AS high
FROM facet
GROUP BY person, day, claim, book
-- step: bordering
SELECT
  c.person,
  c.day,
  c.claim,
  c.book,
  MIN(p.region) AS region
FROM coded AS c
JOIN junction_pair AS p ON p.book = c.book AND c.day BETWEEN p.from_day AND p.to_day
  AND ((p.upper = c.low AND p.lower = c.high) OR (p.upper = c.high AND p.lower = c.low))
WHERE c.codes = 2 AND p.regions = 'one'
GROUP BY c.person, c.day, c.claim, c.book
-- step: told
SELECT
  f.line_id,
  f.checked,
  f.person,
  COALESCE(b.region, f.region) AS region,
  f.day,
  f.code,
  MAX(CASE WHEN d.modifier IN (f.m1, f.m2, f.m3, f.m4, f.m5) THEN 1 ELSE 0 END) AS marked,
  MIN(d.modifier) AS modifier,
  MAX(d.wanted) AS wanted,
  MIN(d.payer) AS payer,
  MIN(d.statement) AS statement,
  MIN(d.fix) AS fix,
  MIN(d.evidence) AS grade,
  MIN(d.citations) AS citations
FROM facet AS f
JOIN diagnostic_modifier AS d ON d.book = f.book AND d.code = f.code AND f.day BETWEEN d.from_day AND d.to_day
LEFT JOIN bordering AS b ON b.person = f.person AND b.day = f.day AND b.claim = f.claim AND b.book = f.book
GROUP BY f.line_id, f.checked, f.person, COALESCE(b.region, f.region), f.day, f.code
-- step: preceded
SELECT t.line_id, COUNT(DISTINCT e.day) AS sessions
FROM told AS t
LEFT JOIN told AS e ON e.person = t.person AND e.region = t.region AND e.day < t.day AND e.marked = 1
WHERE t.checked = 1 AND t.marked = 0
GROUP BY t.line_id
-- findings
SELECT
  t.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'diagnostic-modifier-missing' AS edit,
  'review' AS severity,
  t.code || ' without ' || t.modifier || ' counts as a therapeutic injection, and the claims show ' || CASE
    WHEN b.sessions = 0 THEN 'no diagnostic session'
    WHEN b.sessions = 1 THEN 'only 1 diagnostic session'
    ELSE 'only ' || CAST(b.sessions AS VARCHAR) || ' diagnostic sessions'
  END || ' in the ' || REPLACE(t.region, '_', ' or ') || ' region before it; ' || t.payer || ' wants ' || CAST(t.wanted AS VARCHAR) || '. ' || t.statement AS message,
  t.fix,
  '{"code": "' || t.code || '", "modifier": "' || t.modifier || '", "diagnostic_sessions_before": ' || CAST(b.sessions AS VARCHAR) || ', "wanted": ' || CAST(t.wanted AS VARCHAR) || ', "region": "' || t.region || '", "rule_evidence": "' || t.grade || '"}' AS evidence,
  t.citations
FROM told AS t
JOIN preceded AS b ON b.line_id = t.line_id
WHERE b.sessions < t.wanted
