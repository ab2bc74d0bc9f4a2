-- More sessions over time than the payer allows, and repetitions that come too soon. A session is one person, one day, one
-- region, whoever billed it, history included; the professional's and the facility's claim are judged each. A rolling window of n days ends on
-- the day of service, that day included: a session n - 1 days earlier counts, one n days earlier does not. Limits for one
-- purpose count the lines of that purpose, told by the payer's diagnostic modifier; where it has none they are not judged.
-- Where the source does not say that a limit is for each region, a second rule adds all regions up, for review; each region's
-- session is judged.
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
  s.kind,
  s.day,
  CASE WHEN l.per_region = 1 THEN s.region ELSE '' END AS area,
  l.rule_id,
  l.purpose,
  l.at_most,
  l.window_days,
  CASE WHEN l.by_year = 1 THEN d.year_start ELSE s.day - l.window_days + 1 END AS begins,
  CASE WHEN l.by_year = 1 THEN d.next_year ELSE 0 END AS next_year,
  MIN(s.line_id) AS line_id
FROM seen AS s
JOIN session_limit AS l ON l.book = s.book AND l.kind = s.kind AND s.day BETWEEN l.from_day AND l.to_day
  AND (l.purpose = '' OR l.purpose = s.purpose)
JOIN calendar AS d ON d.day = s.day
WHERE s.checked = 1
GROUP BY
  s.person,
  s.claim,
  s.kind,
  s.day,
  s.region,
  CASE WHEN l.per_region = 1 THEN s.region ELSE '' END,
  l.rule_id,
  l.purpose,
  l.at_most,
  l.window_days,
  CASE WHEN l.by_year = 1 THEN d.year_start ELSE s.day - l.window_days + 1 END,
  CASE WHEN l.by_year = 1 THEN d.next_year ELSE 0 END
-- step: held
SELECT DISTINCT l.line_id, l.rule_id, l.area, l.at_most, l.window_days, l.begins, l.next_year, l.day AS last_day, s.day
FROM limited AS l
JOIN seen AS s ON s.person = l.person AND s.kind = l.kind AND s.day BETWEEN l.begins AND l.day
  AND (l.area = '' OR l.area = s.region) AND (l.purpose = '' OR l.purpose = s.purpose)
-- step: exceeded
SELECT line_id, rule_id, area, COUNT(*) AS used
FROM held
GROUP BY line_id, rule_id, area, at_most
HAVING COUNT(*) > at_most
-- step: numbered
SELECT
  h.line_id,
  h.rule_id,
  h.area,
  h.at_most,
  h.window_days,
  h.begins,
  h.next_year,
  h.last_day,
  h.day,
  x.used,
  '"' || d.iso || '"' AS shown,
  ROW_NUMBER() OVER (PARTITION BY h.line_id, h.rule_id, h.area ORDER BY h.day DESC) AS back
FROM held AS h
JOIN exceeded AS x ON x.line_id = h.line_id AND x.rule_id = h.rule_id AND x.area = h.area
JOIN calendar AS d ON d.day = h.day
-- step: told
SELECT
  line_id,
  rule_id,
  area,
  begins,
  last_day,
  used,
  CASE
    WHEN at_most < 1 THEN NULL
    WHEN next_year > 0 THEN next_year
    ELSE MAX(CASE WHEN back = at_most + 1 THEN day + window_days END)
  END AS next_day,
  MAX(CASE WHEN back = 10 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 9 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 8 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 7 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 6 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 5 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 4 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 3 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 2 THEN shown || ', ' ELSE '' END)
    || MAX(CASE WHEN back = 1 THEN shown ELSE '' END) AS dates
FROM numbered
GROUP BY line_id, rule_id, area, begins, last_day, used, at_most, next_year
-- step: sessions_over
SELECT
  t.line_id,
  t.rule_id,
  t.area,
  t.begins,
  t.last_day,
  t.used,
  t.next_day,
  t.dates,
  ROW_NUMBER() OVER (
    PARTITION BY t.line_id
    ORDER BY CASE WHEN l.severity = 'deny' THEN 0 ELSE 1 END, l.per_region DESC, l.rule_id, t.area
  ) AS place
FROM told AS t
JOIN session_limit AS l ON l.rule_id = t.rule_id
-- step: waiting
SELECT
  s.line_id,
  s.region,
  r.rule_id,
  r.severity,
  r.per_region,
  e.line_id AS earlier_line,
  ROW_NUMBER() OVER (
    PARTITION BY s.person, s.claim, s.region, s.day, r.rule_id ORDER BY s.line_id, e.day DESC, e.line_id
  ) AS place
FROM seen AS s
JOIN repeat_limit AS r ON r.book = s.book AND r.kind = s.kind AND s.day BETWEEN r.from_day AND r.to_day
  AND (r.purpose = '' OR r.purpose = s.purpose)
JOIN seen AS e ON e.person = s.person AND e.kind = s.kind
  AND CASE WHEN e.region = s.region THEN 1 ELSE 0 END = r.per_region
  AND e.day < s.day AND e.day > s.day - r.window_days
  AND (r.purpose = '' OR r.purpose = e.purpose)
  AND (r.per_side = 0 OR e.side = s.side OR e.side IN ('', 'B') OR s.side IN ('', 'B'))
WHERE s.checked = 1
-- step: repeated
SELECT
  line_id,
  region,
  rule_id,
  earlier_line,
  ROW_NUMBER() OVER (
    PARTITION BY line_id ORDER BY CASE WHEN severity = 'deny' THEN 0 ELSE 1 END, per_region DESC, rule_id
  ) AS gravity
FROM waiting
WHERE place = 1
-- findings
SELECT
  o.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'session-limit' AS edit,
  l.severity,
  CAST(o.used AS VARCHAR) || CASE
    WHEN l.purpose = '' THEN ''
    ELSE ' ' || l.purpose
  END || CASE
    WHEN l.kind = 'ablation' THEN ' ablation sessions'
    ELSE ' injection sessions'
  END || CASE
    WHEN o.area = '' THEN ''
    ELSE ' in the ' || REPLACE(o.area, '_', ' or ') || ' region'
  END || CASE
    WHEN l.by_year = 1 THEN ' in the calendar year up to ' || d.iso
    ELSE ' in the ' || CAST(l.window_days AS VARCHAR) || ' days up to ' || d.iso
  END || ', where ' || l.payer || ' allows ' || CAST(l.at_most AS VARCHAR) || '. ' || l.statement AS message,
  l.fix,
  '{"dates": [' || o.dates || '], "used": ' || CAST(o.used AS VARCHAR) || ', "allowed": ' || CAST(l.at_most AS VARCHAR) || ', "window_days": ' || CASE
    WHEN l.by_year = 1 THEN CAST(o.last_day - o.begins + 1 AS VARCHAR)
    ELSE CAST(l.window_days AS VARCHAR)
  END || ', "kind": "' || l.kind || '", "purpose": ' || CASE
    WHEN l.purpose = '' THEN 'null'
    ELSE '"' || l.purpose || '"'
  END || ', "region": ' || CASE
    WHEN o.area = '' THEN 'null'
    ELSE '"' || o.area || '"'
  END || ', "next_eligible_date": ' || CASE
    WHEN n.iso IS NULL THEN 'null'
    ELSE '"' || n.iso || '"'
  END || ', "rule_evidence": "' || l.evidence || '"}' AS evidence,
  l.citations
FROM sessions_over AS o
JOIN session_limit AS l ON l.rule_id = o.rule_id
JOIN calendar AS d ON d.day = o.last_day
LEFT JOIN calendar AS n ON n.day = o.next_day
WHERE o.place = 1
UNION ALL
SELECT
  w.line_id,
  w.earlier_line AS other_line_id,
  'repeat-too-soon' AS edit,
  r.severity,
  s.code || ' on ' || d.iso || ', ' || CAST(s.day - e.day AS VARCHAR) || CASE
    WHEN s.day - e.day = 1 THEN ' day'
    ELSE ' days'
  END || ' after ' || e.code || ' on ' || b.iso || ' (line ' || CAST(e.line_number AS VARCHAR) || CASE
    WHEN e.claim_id = s.claim_id THEN ''
    ELSE ' of claim ' || e.claim_id
  END || CASE
    WHEN r.per_region = 1 THEN ') in the ' || REPLACE(w.region, '_', ' or ') || ' region; '
    ELSE ') in another region; '
  END || r.payer || ' wants ' || CAST(r.window_days AS VARCHAR) || ' days between them. ' || CASE
    WHEN r.per_side = 1 THEN 'Whether it was the same level the claim does not tell. '
    ELSE ''
  END || r.statement AS message,
  r.fix,
  '{"date": "' || d.iso || '", "earlier": "' || b.iso || '", "days": ' || CAST(s.day - e.day AS VARCHAR) || ', "wanted_days": ' || CAST(r.window_days AS VARCHAR) || ', "kind": "' || s.kind || '", "region": "' || w.region || '", "next_eligible_date": ' || CASE
    WHEN n.iso IS NULL THEN 'null'
    ELSE '"' || n.iso || '"'
  END || ', "rule_evidence": "' || r.evidence || '"}' AS evidence,
  r.citations
FROM repeated AS w
JOIN repeat_limit AS r ON r.rule_id = w.rule_id
JOIN seen AS s ON s.line_id = w.line_id
JOIN seen AS e ON e.line_id = w.earlier_line
JOIN calendar AS d ON d.day = s.day
JOIN calendar AS b ON b.day = e.day
LEFT JOIN calendar AS n ON n.day = e.day + r.window_days
WHERE w.gravity = 1
