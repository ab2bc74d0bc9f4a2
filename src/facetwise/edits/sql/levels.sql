-- More levels or regions in a session than the payer allows. A session is one person, one day, one region; the professional's
-- and the facility's lines are judged apart. Levels are told from codes: of injections by the ranks that are there, of ablations
-- by the first level and the units of the further ones, on the side that has more. The two codes of a pair of joints at the
-- border of the regions, and no others, count in one region where the payer says so; where it does not say, for review.
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
  MIN(CASE WHEN p.regions = 'one' THEN p.region END) AS region,
  MAX(CASE WHEN p.regions = 'not_established' THEN p.region END) AS perhaps,
  MAX(CASE WHEN p.regions = 'not_established' THEN p.statement END) AS statement,
  MAX(CASE WHEN p.regions = 'not_established' THEN p.citations END) AS citations
FROM coded AS c
JOIN junction_pair AS p ON p.book = c.book AND c.day BETWEEN p.from_day AND p.to_day
  AND ((p.upper = c.low AND p.lower = c.high) OR (p.upper = c.high AND p.lower = c.low))
WHERE c.codes = 2
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
  f.rank,
  f.side,
  f.units,
  COALESCE(b.region, f.region) AS region,
  CASE WHEN b.perhaps IS NULL THEN 0 ELSE 1 END AS unsettled,
  COALESCE(b.statement, '') AS pair_statement,
  COALESCE(b.citations, '') AS pair_citations,
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
  s.line_id,
  s.checked,
  s.person,
  s.day,
  s.claim,
  s.region,
  s.rank,
  s.side,
  s.units,
  CASE WHEN s.rank = 'first' THEN 1 WHEN s.rank = 'second' THEN 2 ELSE 3 END AS height,
  CASE WHEN l.per_region = 1 THEN s.region ELSE '' END AS area,
  l.rule_id
FROM seen AS s
JOIN level_limit AS l ON l.book = s.book AND l.kind = s.kind AND s.day BETWEEN l.from_day AND l.to_day
  AND (l.purpose = '' OR l.purpose = s.purpose)
-- step: ranked
SELECT
  person,
  day,
  claim,
  rule_id,
  area,
  region,
  rank,
  CASE
    WHEN rank = 'each_further' THEN SUM(CASE WHEN side IN ('R', 'B') THEN units ELSE 0 END)
    ELSE MAX(CASE WHEN side IN ('R', 'B') THEN 1 ELSE 0 END)
  END AS on_right,
  CASE
    WHEN rank = 'each_further' THEN SUM(CASE WHEN side IN ('L', 'B') THEN units ELSE 0 END)
    ELSE MAX(CASE WHEN side IN ('L', 'B') THEN 1 ELSE 0 END)
  END AS on_left,
  CASE
    WHEN rank = 'each_further' THEN SUM(CASE WHEN side = '' THEN units ELSE 0 END)
    ELSE MIN(CASE WHEN side = '' THEN 1 ELSE 0 END)
  END AS sideless,
  CASE
    WHEN rank = 'each_further' THEN SUM(CASE WHEN side <> 'L' THEN units ELSE 0 END)
    ELSE MAX(CASE WHEN side <> 'L' THEN 1 ELSE 0 END)
  END AS perhaps_right,
  CASE
    WHEN rank = 'each_further' THEN SUM(CASE WHEN side <> 'R' THEN units ELSE 0 END)
    ELSE MAX(CASE WHEN side <> 'R' THEN 1 ELSE 0 END)
  END AS perhaps_left,
  MAX(CASE WHEN checked = 1 THEN height ELSE 0 END) AS height,
  MAX(CASE WHEN checked = 1 THEN line_id END) AS line_id
FROM limited
GROUP BY person, day, claim, rule_id, area, region, rank
-- step: summed
SELECT
  person,
  day,
  claim,
  rule_id,
  area,
  region,
  SUM(CASE
    WHEN rank <> 'each_further' THEN 1
    WHEN on_right > on_left THEN on_right + sideless
    ELSE on_left + sideless
  END) AS levels,
  SUM(on_right + on_left + sideless) AS sides,
  SUM(perhaps_right) AS perhaps_right,
  SUM(perhaps_left) AS perhaps_left
FROM ranked
GROUP BY person, day, claim, rule_id, area, region
-- step: used
SELECT
  s.person,
  s.day,
  s.claim,
  s.rule_id,
  s.area,
  l.at_most,
  SUM(s.levels) AS levels,
  SUM(CASE
    WHEN l.counts = 'level' THEN s.levels
    WHEN l.counts = 'side_sum' THEN s.sides
    WHEN s.perhaps_right > s.perhaps_left THEN s.perhaps_right
    ELSE s.perhaps_left
  END) AS held
FROM summed AS s
JOIN level_limit AS l ON l.rule_id = s.rule_id
GROUP BY s.person, s.day, s.claim, s.rule_id, s.area, l.at_most
-- step: highest
SELECT
  r.line_id,
  u.rule_id,
  u.day,
  u.area,
  u.levels,
  u.held,
  ROW_NUMBER() OVER (
    PARTITION BY r.person, r.day, r.claim, r.rule_id, r.area ORDER BY r.height DESC, r.line_id DESC
  ) AS place
FROM used AS u
JOIN ranked AS r ON r.person = u.person AND r.day = u.day AND r.claim = u.claim AND r.rule_id = u.rule_id AND r.area = u.area
WHERE u.held > u.at_most AND r.line_id IS NOT NULL
-- step: levels_over
SELECT
  h.line_id,
  h.day,
  h.area,
  h.rule_id,
  CASE WHEN l.unclear = 1 AND h.levels <= l.at_most THEN 1 ELSE 0 END AS unclear,
  CASE
    WHEN h.held = CAST(h.held AS BIGINT) THEN CAST(CAST(h.held AS BIGINT) AS VARCHAR)
    ELSE CAST(h.held AS VARCHAR)
  END AS held,
  ROW_NUMBER() OVER (
    PARTITION BY h.line_id, CASE WHEN l.unclear = 1 AND h.levels <= l.at_most THEN 1 ELSE 0 END
    ORDER BY CASE WHEN l.severity = 'deny' THEN 0 ELSE 1 END, l.rule_id, h.area
  ) AS gravity
FROM highest AS h
JOIN level_limit AS l ON l.rule_id = h.rule_id
WHERE h.place = 1
-- step: regional
SELECT s.line_id, s.checked, s.person, s.day, s.claim, s.region, s.unsettled, s.pair_statement, s.pair_citations, r.rule_id
FROM seen AS s
JOIN region_limit AS r ON r.book = s.book AND s.day BETWEEN r.from_day AND r.to_day AND (r.kind = '' OR r.kind = s.kind)
-- step: crowded
SELECT
  person,
  day,
  claim,
  rule_id,
  COUNT(DISTINCT region) AS regions,
  MAX(unsettled) AS unsettled,
  MAX(pair_statement) AS pair_statement,
  MAX(pair_citations) AS pair_citations,
  MAX(CASE WHEN checked = 1 THEN line_id END) AS line_id
FROM regional
GROUP BY person, day, claim, rule_id
-- step: regions_over
SELECT
  c.line_id,
  c.rule_id,
  c.day,
  c.regions,
  c.unsettled,
  c.pair_statement,
  c.pair_citations,
  MAX(o.line_id) AS other_line_id
FROM crowded AS c
JOIN region_limit AS l ON l.rule_id = c.rule_id
JOIN regional AS r ON r.line_id = c.line_id AND r.rule_id = c.rule_id
JOIN regional AS o ON o.person = c.person AND o.day = c.day AND o.claim = c.claim AND o.rule_id = c.rule_id
  AND o.region <> r.region
WHERE c.regions > l.at_most
GROUP BY c.line_id, c.rule_id, c.day, c.regions, c.unsettled, c.pair_statement, c.pair_citations
-- findings
SELECT
  o.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  CASE WHEN o.unclear = 1 THEN 'fact-not-established' ELSE 'level-limit' END AS edit,
  CASE WHEN o.unclear = 1 THEN 'review' ELSE l.severity END AS severity,
  o.held || ' ' || l.counted || CASE
    WHEN o.area = '' THEN ''
    ELSE ' in the ' || REPLACE(o.area, '_', ' or ') || ' region'
  END || ' in one session (' || CASE
    WHEN l.kind = 'ablation' THEN 'ablations'
    ELSE 'injections'
  END || '), where ' || l.payer || ' allows ' || CAST(l.at_most AS VARCHAR) || '. ' || CASE
    WHEN o.unclear = 1 THEN 'Whether both sides of one level are one or two is not said. '
    ELSE ''
  END || l.statement AS message,
  l.fix,
  '{"day": "' || d.iso || '", "used": ' || o.held || ', "allowed": ' || CAST(l.at_most AS VARCHAR) || ', "counted": "' || l.counted || '", "kind": "' || l.kind || '", "region": ' || CASE
    WHEN o.area = '' THEN 'null'
    ELSE '"' || o.area || '"'
  END || ', "rule_evidence": "' || l.evidence || '"}' AS evidence,
  l.citations
FROM levels_over AS o
JOIN level_limit AS l ON l.rule_id = o.rule_id
JOIN calendar AS d ON d.day = o.day
WHERE o.gravity = 1
UNION ALL
SELECT
  o.line_id,
  o.other_line_id,
  'region-limit' AS edit,
  CASE WHEN o.unsettled = 1 THEN 'review' ELSE r.severity END AS severity,
  t.code || ' and ' || e.code || ' (line ' || CAST(e.line_number AS VARCHAR) || CASE
    WHEN e.claim_id = t.claim_id THEN ''
    ELSE ' of claim ' || e.claim_id
  END || '): ' || CAST(o.regions AS VARCHAR) || ' regions in one session, where ' || r.payer || ' allows ' || CAST(r.at_most AS VARCHAR) || CASE
    WHEN o.unsettled = 1 THEN ', unless the pair counts as one. ' || o.pair_statement || ' '
    ELSE '. '
  END || r.statement AS message,
  CASE
    WHEN o.unsettled = 1 THEN 'Ask the contractor as how many regions it counts the pair, and keep its answer with the record.'
    ELSE r.fix
  END AS fix,
  '{"day": "' || d.iso || '", "regions": ' || CAST(o.regions AS VARCHAR) || ', "allowed": ' || CAST(r.at_most AS VARCHAR) || ', "codes": ["' || e.code || '", "' || t.code || '"], "rule_evidence": "' || r.evidence || '"}' AS evidence,
  r.citations || CASE
    WHEN o.unsettled = 1 THEN ' ' || o.pair_citations
    ELSE ''
  END AS citations
FROM regions_over AS o
JOIN region_limit AS r ON r.rule_id = o.rule_id
JOIN seen AS t ON t.line_id = o.line_id
JOIN seen AS e ON e.line_id = o.other_line_id
JOIN calendar AS d ON d.day = o.day
