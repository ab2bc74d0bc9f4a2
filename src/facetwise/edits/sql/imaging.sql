-- Imaging guidance beside a facet code that holds it, by the same provider on the same day. Without a modifier that bypasses the
-- edits it is denied; with one it is for review, unless another procedure of the day could have been guided.
-- step: guided
SELECT
  g.line_id,
  g.claim_id,
  g.grp,
  g.person,
  g.provider,
  g.day,
  g.book,
  g.code,
  g.bypass,
  i.guidance,
  MIN(f.line_id) AS facet_line
FROM line AS g
JOIN imaging_code AS i ON i.code = g.code AND g.day BETWEEN i.from_day AND i.to_day
JOIN facet AS f ON f.visit = g.visit AND f.person = g.person AND f.day = g.day AND f.provider = g.provider
JOIN imaging_rule AS r ON r.book = g.book AND r.code = f.code AND r.guidance = i.guidance
  AND g.day BETWEEN r.from_day AND r.to_day
WHERE g.checked = 1
GROUP BY g.line_id, g.claim_id, g.grp, g.person, g.provider, g.day, g.book, g.code, g.bypass, i.guidance
-- step: others
SELECT DISTINCT g.line_id
FROM guided AS g
JOIN line AS o ON o.grp = g.grp AND o.person = g.person AND o.provider = g.provider AND o.day = g.day
LEFT JOIN facet AS f ON f.line_id = o.line_id
LEFT JOIN imaging_code AS i ON i.code = o.code AND o.day BETWEEN i.from_day AND i.to_day
LEFT JOIN passive_code AS p ON p.code = o.code
WHERE g.bypass = 1 AND f.line_id IS NULL AND i.code IS NULL AND p.code IS NULL
-- findings
SELECT
  g.line_id,
  g.facet_line AS other_line_id,
  'imaging-included' AS edit,
  CASE WHEN g.bypass = 1 THEN 'review' ELSE r.severity END AS severity,
  g.code || ' is imaging guidance, which ' || f.code || ' (line ' || CAST(f.line_number AS VARCHAR) || CASE
    WHEN f.claim_id = g.claim_id THEN ''
    ELSE ' of claim ' || f.claim_id
  END || ') includes. ' || CASE
    WHEN g.bypass = 1 THEN 'A modifier says that it guided something else, but no other procedure of the day is there. '
    ELSE ''
  END || r.statement AS message,
  r.fix,
  '{"imaging": "' || g.code || '", "with": "' || f.code || '", "modifier": ' || CASE
    WHEN g.bypass = 1 THEN 'true'
    ELSE 'false'
  END || '}' AS evidence,
  r.citations
FROM guided AS g
JOIN facet AS f ON f.line_id = g.facet_line
JOIN imaging_rule AS r ON r.book = g.book AND r.code = f.code AND r.guidance = g.guidance
  AND g.day BETWEEN r.from_day AND r.to_day
LEFT JOIN others AS o ON o.line_id = g.line_id
WHERE g.bypass = 0 OR o.line_id IS NULL
