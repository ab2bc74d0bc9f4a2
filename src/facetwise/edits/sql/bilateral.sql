-- Both sides reported otherwise than the payer wants, by person, day, provider, code and claim (the professional's or the
-- facility's). A line by itself: 50 where the payer wants another layout, 50 with RT or LT, 50 with more than one unit. Two
-- lines: RT and LT where the payer wants one line, or 50 beside a line of one side. A code of one unit a level may stand for
-- one joint on the right and another on the left, so two such lines are for review at most.
-- step: marked
SELECT
  f.line_id,
  f.checked,
  f.claim_id,
  f.line_number,
  f.person,
  f.provider,
  f.day,
  f.book,
  f.code,
  f.claim,
  f.side,
  f.units,
  f.units_rule,
  CASE WHEN '50' IN (f.m1, f.m2, f.m3, f.m4, f.m5) THEN 1 ELSE 0 END AS fifty,
  CASE
    WHEN 'RT' IN (f.m1, f.m2, f.m3, f.m4, f.m5) THEN 'RT'
    WHEN 'LT' IN (f.m1, f.m2, f.m3, f.m4, f.m5) THEN 'LT'
    ELSE ''
  END AS one_side,
  COALESCE(b.layout, '') AS layout,
  COALESCE(b.severity, 'review') AS severity,
  COALESCE(b.payer, '') AS payer,
  COALESCE(b.own, 0) AS own,
  COALESCE(b.statement, '') AS statement,
  COALESCE(b.fix, '') AS fix,
  COALESCE(b.evidence, '') AS grade,
  COALESCE(b.citations, '') AS citations
FROM facet AS f
LEFT JOIN bilateral_rule AS b ON b.book = f.book AND b.code = f.code AND b.claim = f.claim AND b.setting = f.setting
  AND f.day BETWEEN b.from_day AND b.to_day
-- step: alone
SELECT
  m.line_id,
  CASE
    WHEN m.fifty = 1 AND m.units > 1 AND m.units_rule = 'one_a_side_and_day' AND m.layout <> 'one_line_two_units' THEN 'many'
    WHEN m.fifty = 1 AND m.layout IN ('rt_lt_two_lines', 'one_line_two_units') THEN 'layout'
    WHEN m.fifty = 1 AND m.one_side <> '' AND m.layout = 'modifier_50_one_line' THEN 'sided'
    ELSE ''
  END AS wrong
FROM marked AS m
WHERE m.checked = 1
-- step: sides
SELECT
  person,
  provider,
  day,
  book,
  code,
  claim,
  layout,
  units_rule,
  MIN(CASE WHEN side = 'R' THEN line_id END) AS right_line,
  MIN(CASE WHEN side = 'L' THEN line_id END) AS left_line,
  MIN(CASE WHEN fifty = 1 THEN line_id END) AS both_line,
  MAX(CASE WHEN checked = 1 AND side IN ('R', 'L') THEN line_id END) AS last_side
FROM marked
WHERE layout IN ('modifier_50_one_line', 'one_line_two_units')
GROUP BY person, provider, day, book, code, claim, layout, units_rule
-- step: found
SELECT line_id, CAST(NULL AS BIGINT) AS other_line_id, wrong, '' AS units_rule
FROM alone
WHERE wrong <> ''
UNION ALL
SELECT
  s.last_side AS line_id,
  CASE WHEN m.side = 'R' THEN s.left_line ELSE s.right_line END AS other_line_id,
  'two' AS wrong,
  s.units_rule
FROM sides AS s
JOIN marked AS m ON m.line_id = s.last_side
WHERE s.right_line IS NOT NULL AND s.left_line IS NOT NULL
UNION ALL
SELECT s.last_side AS line_id, s.both_line AS other_line_id, 'beside' AS wrong, s.units_rule
FROM sides AS s
WHERE s.both_line IS NOT NULL AND s.last_side IS NOT NULL AND (s.right_line IS NULL OR s.left_line IS NULL)
  AND s.layout = 'modifier_50_one_line' AND s.units_rule <> 'one_a_level'
-- findings
SELECT
  f.line_id,
  f.other_line_id,
  'bilateral-reporting' AS edit,
  CASE
    WHEN f.wrong IN ('sided', 'beside') OR f.units_rule = 'one_a_level' THEN 'review'
    ELSE m.severity
  END AS severity,
  m.code || CASE
    WHEN f.wrong = 'many' THEN ': modifier 50 with more than one unit. Modifier 50 says both sides by itself.'
    WHEN f.wrong = 'sided' THEN ': modifier 50 and ' || m.one_side || ' on one line. Modifier 50 says both sides, ' || m.one_side || ' says one.'
    WHEN f.wrong = 'layout' THEN ': both sides on one line with modifier 50.'
    WHEN f.wrong = 'two' THEN ': both sides on two lines, line ' || CAST(o.line_number AS VARCHAR) || CASE
      WHEN o.claim_id = m.claim_id THEN ''
      ELSE ' of claim ' || o.claim_id
    END || ' and line ' || CAST(m.line_number AS VARCHAR) || CASE
      WHEN f.units_rule = 'one_a_level' THEN '; wrong only if they are the same joint.'
      ELSE '.'
    END
    ELSE ': line ' || CAST(o.line_number AS VARCHAR) || CASE
      WHEN o.claim_id = m.claim_id THEN ''
      ELSE ' of claim ' || o.claim_id
    END || ' and line ' || CAST(m.line_number AS VARCHAR) || ' report one side twice: modifier 50 on one, RT or LT on the other.'
  END || CASE
    WHEN f.wrong IN ('layout', 'two') THEN CASE
      WHEN m.own = 1 THEN ' ' || m.payer || ': '
      ELSE ' '
    END || m.statement
    ELSE ''
  END AS message,
  CASE
    WHEN f.wrong = 'many' THEN 'Report one unit with modifier 50 if both sides were treated. The record is not to be changed to fit the claim.'
    WHEN f.wrong IN ('sided', 'beside') THEN 'See in the record which sides were treated, and report each once. The record is not to be changed to fit the claim.'
    ELSE m.fix
  END AS fix,
  '{"code": "' || m.code || '", "layout": "' || m.layout || '", "claim": "' || m.claim || '", "modifier_50": ' || CASE
    WHEN m.fifty = 1 THEN 'true'
    ELSE 'false'
  END || ', "rule_evidence": "' || m.grade || '"}' AS evidence,
  CASE WHEN m.citations = '' OR f.wrong IN ('many', 'sided') THEN c.citations ELSE m.citations END AS citations
FROM found AS f
JOIN marked AS m ON m.line_id = f.line_id
JOIN facet_code AS c ON c.code = m.code AND m.day BETWEEN c.from_day AND c.to_day
LEFT JOIN marked AS o ON o.line_id = f.other_line_id
