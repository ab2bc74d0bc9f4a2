-- More sessions over time than the payer allows, and repetitions that come too soon. A session is one person, one day, one
-- region, whoever billed it, history included; the professional's and the facility's claim are judged each. A rolling window of n days ends on
-- the day of service, that day included: a session n - 1 days earlier counts, one n days earlier does not. Limits for one
-- purpose count the lines of that purpose, told by the payer's diagnostic modifier; where it has none they are not judged.
-- step: purposed
SELECT f.line_id, MAX(CASE WHEN d.modifier IN (f.m1, f.m2, f.m3, f.m4, f.m5) THEN 1 ELSE 0 END) AS marked
FROM facet AS f
JOIN diagnostic_modifier AS d ON d.book = f.book AND d.code = f.code AND f.day BETWEEN d.from_day AND d.to_day
GROUP BY f.line_id
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
-- step: seen
SELECT
  f.line_id,
  f.checked,
  f.claim_id,
  f.line_number,
  f.person,
  f.day,
  f.claim,
  f.book,
  f.kind,
  f.code,
  f.side,
  COALESCE(b.region, f.region) AS region,
  CASE
    WHEN u.marked = 1 THEN 'diagnostic'
    WHEN u.marked = 0 THEN 'therapeutic'
    ELSE ''
  END AS purpose
FROM facet AS f
LEFT JOIN purposed AS u ON u.line_id = f.line_id
LEFT JOIN bordering AS b ON b.person = f.person AND b.day = f.day AND b.claim = f.claim AND b.book = f.book
-- step: limited
SELECT
  s.person,
  s.claim,
  s.book,
  s.kind,
  s.day,
  CASE WHEN l.per_region = 1 THEN s.region ELSE '' END AS area,
  l.purpose,
  l.at_most,
  l.by_year,
  l.window_days,
  MIN(s.line_id) AS line_id,
  MIN(CASE WHEN l.by_year = 1 THEN d.year_start ELSE s.day - l.window_days + 1 END) AS begins,
  MIN(d.next_year) AS next_year,
  MIN(d.iso) AS iso,
  MIN(l.payer) AS payer,
  MIN(l.severity) AS severity,
  MIN(l.statement) AS statement,
  MIN(l.fix) AS fix,
  MIN(l.evidence) AS grade,
  MIN(l.citations) AS citations
FROM seen AS s
JOIN session_limit AS l ON l.book = s.book AND l.kind = s.kind AND s.day BETWEEN l.from_day AND l.to_day
  AND (l.purpose = '' OR l.purpose = s.purpose)
JOIN calendar AS d ON d.day = s.day
WHERE s.checked = 1
GROUP BY s.person, s.claim, s.book, s.kind, s.day, CASE WHEN l.per_region = 1 THEN s.region ELSE '' END, l.purpose, l.at_most, l.by_year, l.window_days
-- step: held
SELECT DISTINCT l.line_id, l.area, l.purpose, l.at_most, l.by_year, l.window_days, s.day
FROM limited AS l
JOIN seen AS s ON s.person = l.person AND s.kind = l.kind AND s.day BETWEEN l.begins AND l.day
  AND (l.area = '' OR l.area = s.region) AND (l.purpose = '' OR l.purpose = s.purpose)
-- step: numbered
SELECT
  h.line_id,
  h.area,
  h.purpose,
  h.at_most,
  h.by_year,
  h.window_days,
  h.day,
  d.iso,
  ROW_NUMBER() OVER (
    PARTITION BY h.line_id, h.area, h.purpose, h.at_most, h.by_year, h.window_days ORDER BY h.day DESC
  ) AS back
FROM held AS h
JOIN calendar AS d ON d.day = h.day
-- step: told
SELECT
  line_id,
  area,
  purpose,
  at_most,
  by_year,
  window_days,
  COUNT(*) AS used,
  MAX(CASE WHEN back = at_most + 1 THEN day + window_days END) AS frees,
  MAX(CASE WHEN back = 10 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 9 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 8 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 7 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 6 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 5 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 4 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 3 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 2 THEN '"' || iso || '", ' ELSE '' END)
    || MAX(CASE WHEN back = 1 THEN '"' || iso || '"' ELSE '' END) AS dates
FROM numbered
GROUP BY line_id, area, purpose, at_most, by_year, window_days
-- step: waiting
SELECT
  s.line_id,
  s.person,
  s.claim,
  s.claim_id,
  s.kind,
  s.region,
  s.day,
  s.code,
  r.purpose,
  r.window_days,
  r.per_side,
  r.payer,
  r.severity,
  r.statement,
  r.fix,
  r.evidence AS grade,
  r.citations,
  e.line_id AS earlier_line,
  e.day AS earlier_day,
  ROW_NUMBER() OVER (
    PARTITION BY s.person, s.claim, s.book, s.kind, s.region, s.day, r.purpose, r.window_days, r.per_side
    ORDER BY s.line_id, e.day DESC, e.line_id
  ) AS place
FROM seen AS s
JOIN repeat_limit AS r ON r.book = s.book AND r.kind = s.kind AND s.day BETWEEN r.from_day AND r.to_day
  AND (r.purpose = '' OR r.purpose = s.purpose)
JOIN seen AS e ON e.person = s.person AND e.kind = s.kind AND e.region = s.region
  AND e.day < s.day AND e.day > s.day - r.window_days
  AND (r.purpose = '' OR r.purpose = e.purpose)
  AND (r.per_side = 0 OR e.side = s.side OR e.side IN ('', 'B') OR s.side IN ('', 'B'))
WHERE s.checked = 1
-- step: sessions_over
SELECT
  l.line_id,
  l.kind,
  l.day,
  l.area,
  l.purpose,
  l.at_most,
  l.by_year,
  l.window_days,
  l.begins,
  l.iso,
  l.payer,
  l.severity,
  l.statement,
  l.fix,
  l.grade,
  l.citations,
  t.used,
  t.dates,
  CASE
    WHEN l.at_most < 1 THEN NULL
    WHEN l.by_year = 1 THEN l.next_year
    ELSE t.frees
  END AS next_day,
  ROW_NUMBER() OVER (
    PARTITION BY l.line_id
    ORDER BY CASE WHEN l.severity = 'deny' THEN 0 ELSE 1 END, l.at_most, l.window_days, l.statement, l.area
  ) AS place
FROM told AS t
JOIN limited AS l ON l.line_id = t.line_id AND l.area = t.area AND l.purpose = t.purpose AND l.at_most = t.at_most
  AND l.by_year = t.by_year AND l.window_days = t.window_days
WHERE t.used > t.at_most
-- step: repeated
SELECT
  w.line_id,
  w.claim_id,
  w.kind,
  w.region,
  w.day,
  w.code,
  w.window_days,
  w.per_side,
  w.payer,
  w.severity,
  w.statement,
  w.fix,
  w.grade,
  w.citations,
  w.earlier_line,
  w.earlier_day,
  ROW_NUMBER() OVER (
    PARTITION BY w.line_id ORDER BY CASE WHEN w.severity = 'deny' THEN 0 ELSE 1 END, w.window_days DESC, w.statement
  ) AS place
FROM waiting AS w
WHERE w.place = 1
-- findings
SELECT
  l.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'session-limit' AS edit,
  l.severity,
  CAST(l.used AS VARCHAR) || CASE
    WHEN l.purpose = '' THEN ''
    ELSE ' ' || l.purpose
  END || CASE
    WHEN l.kind = 'ablation' THEN ' ablation sessions'
    ELSE ' injection sessions'
  END || CASE
    WHEN l.area = '' THEN ''
    ELSE ' in the ' || REPLACE(l.area, '_', ' or ') || ' region'
  END || CASE
    WHEN l.by_year = 1 THEN ' in the calendar year up to ' || l.iso
    ELSE ' in the ' || CAST(l.window_days AS VARCHAR) || ' days up to ' || l.iso
  END || ', where ' || l.payer || ' allows ' || CAST(l.at_most AS VARCHAR) || '. ' || l.statement AS message,
  l.fix,
  '{"dates": [' || l.dates || '], "used": ' || CAST(l.used AS VARCHAR) || ', "allowed": ' || CAST(l.at_most AS VARCHAR) || ', "window_days": ' || CASE
    WHEN l.by_year = 1 THEN CAST(l.day - l.begins + 1 AS VARCHAR)
    ELSE CAST(l.window_days AS VARCHAR)
  END || ', "kind": "' || l.kind || '", "purpose": ' || CASE
    WHEN l.purpose = '' THEN 'null'
    ELSE '"' || l.purpose || '"'
  END || ', "region": ' || CASE
    WHEN l.area = '' THEN 'null'
    ELSE '"' || l.area || '"'
  END || ', "next_eligible_date": ' || CASE
    WHEN n.iso IS NULL THEN 'null'
    ELSE '"' || n.iso || '"'
  END || ', "rule_evidence": "' || l.grade || '"}' AS evidence,
  l.citations
FROM sessions_over AS l
LEFT JOIN calendar AS n ON n.day = l.next_day
WHERE l.place = 1
UNION ALL
SELECT
  w.line_id,
  w.earlier_line AS other_line_id,
  'repeat-too-soon' AS edit,
  w.severity,
  w.code || ' on ' || d.iso || ', ' || CAST(w.day - w.earlier_day AS VARCHAR) || CASE
    WHEN w.day - w.earlier_day = 1 THEN ' day'
    ELSE ' days'
  END || ' after ' || e.code || ' on ' || b.iso || ' (line ' || CAST(e.line_number AS VARCHAR) || CASE
    WHEN e.claim_id = w.claim_id THEN ''
    ELSE ' of claim ' || e.claim_id
  END || ') in the ' || REPLACE(w.region, '_', ' or ') || ' region; ' || w.payer || ' wants ' || CAST(w.window_days AS VARCHAR) || ' days between them. ' || CASE
    WHEN w.per_side = 1 THEN 'Whether it was the same level the claim does not tell. '
    ELSE ''
  END || w.statement AS message,
  w.fix,
  '{"date": "' || d.iso || '", "earlier": "' || b.iso || '", "days": ' || CAST(w.day - w.earlier_day AS VARCHAR) || ', "wanted_days": ' || CAST(w.window_days AS VARCHAR) || ', "kind": "' || w.kind || '", "region": "' || w.region || '", "next_eligible_date": ' || CASE
    WHEN n.iso IS NULL THEN 'null'
    ELSE '"' || n.iso || '"'
  END || ', "rule_evidence": "' || w.grade || '"}' AS evidence,
  w.citations
FROM repeated AS w
JOIN seen AS e ON e.line_id = w.earlier_line
JOIN calendar AS d ON d.day = w.day
JOIN calendar AS b ON b.day = w.earlier_day
LEFT JOIN calendar AS n ON n.day = w.earlier_day + w.window_days
WHERE w.place = 1
