-- More units than the medically unlikely edit of the code passes: by the line (indicator 1), or summed over the person,
-- provider, day and payer (2 and 3), history included; then one finding, on the last checked line. A claim that goes to a
-- second payer is not added up. A code without a value is unknown, not unlimited. On a surgery center's facility claim both sides are two lines, RT and LT, of one unit each, so
-- such a pair does not exceed a value of one.
-- step: valued
SELECT
  l.line_id,
  l.checked,
  l.person,
  l.provider,
  l.day,
  l.service,
  l.book,
  l.code,
  l.claim,
  l.setting,
  l.side,
  l.units,
  m.value,
  m.mai,
  m.inferred,
  m.citations
FROM line AS l
JOIN mue AS m ON m.code = l.code AND m.service = l.service AND l.day BETWEEN m.from_day AND m.to_day
-- step: summed
SELECT
  person,
  provider,
  day,
  service,
  book,
  code,
  value,
  mai,
  inferred,
  MIN(citations) AS citations,
  MAX(CASE WHEN checked = 1 THEN line_id END) AS line_id,
  COUNT(*) AS lines,
  ROUND(SUM(units), 3) AS units,
  SUM(CASE WHEN claim = 'facility' AND setting = 'asc' AND side = 'R' AND units = 1 THEN 1 ELSE 0 END) AS right_lines,
  SUM(CASE WHEN claim = 'facility' AND setting = 'asc' AND side = 'L' AND units = 1 THEN 1 ELSE 0 END) AS left_lines
FROM valued
WHERE mai IN ('2', '3')
GROUP BY person, provider, day, service, book, code, value, mai, inferred
-- step: exceeding
SELECT line_id, day, service, code, value, mai, inferred, citations, 1 AS lines, units
FROM valued
WHERE mai = '1' AND checked = 1 AND units > value
UNION ALL
SELECT line_id, day, service, code, value, mai, inferred, citations, lines, units
FROM summed
WHERE units > value AND line_id IS NOT NULL AND NOT (value = 1 AND lines = 2 AND right_lines = 1 AND left_lines = 1)
-- step: told
SELECT
  o.line_id,
  o.day,
  o.service,
  o.code,
  o.value,
  o.mai,
  o.inferred,
  o.citations,
  o.lines,
  CASE
    WHEN o.units = CAST(o.units AS BIGINT) THEN CAST(CAST(o.units AS BIGINT) AS VARCHAR)
    ELSE CAST(o.units AS VARCHAR)
  END AS shown,
  l.book
FROM exceeding AS o
JOIN line AS l ON l.line_id = o.line_id
-- findings
SELECT
  t.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'mue-exceeded' AS edit,
  CASE WHEN u.applies = 'yes' AND t.inferred = 0 THEN 'deny' ELSE 'review' END AS severity,
  t.code || ': ' || t.shown || ' units' || CASE
    WHEN t.mai = '1' THEN ' on the line'
    WHEN t.lines = 1 THEN ' on the day'
    ELSE ' on the day, on ' || CAST(t.lines AS VARCHAR) || ' lines of this provider'
  END || ', where the medically unlikely edit passes ' || CAST(t.value AS VARCHAR) || '. ' || CASE
    WHEN t.mai = '1' THEN 'The edit looks at each line by itself.'
    WHEN t.mai = '2' THEN 'The value is absolute: it cannot be exceeded on appeal.'
    ELSE 'Records that show the units as done, rightly coded and necessary may overturn the denial.'
  END || CASE
    WHEN t.inferred = 1 THEN ' The value is carried over from another edition of the table.'
    ELSE ''
  END || CASE
    WHEN u.applies = 'yes' THEN ''
    ELSE ' That this payer applies these edits is not established.'
  END AS message,
  CASE
    WHEN t.mai = '1' THEN 'Check the units against the record; where the payer allows it, further units go on a line of their own with the modifier that the record supports.'
    WHEN t.mai = '2' THEN 'Check units and sides against the record: both sides are one unit with modifier 50 where the payer wants it so. Units are never spread over other days.'
    ELSE 'Check the units against the record. If they are right, send them and keep the records for an appeal; units are never spread over other days.'
  END AS fix,
  '{"code": "' || t.code || '", "units": ' || t.shown || ', "value": ' || CAST(t.value AS VARCHAR) || ', "mai": "' || t.mai || '", "lines": ' || CAST(t.lines AS VARCHAR) || ', "release": "' || COALESCE(e.release, '') || '"}' AS evidence,
  t.citations
FROM told AS t
LEFT JOIN ncci_use AS u ON u.book = t.book AND u.edit = 'mue-exceeded' AND t.day BETWEEN u.from_day AND u.to_day
LEFT JOIN edition AS e ON e.kind = 'mue' AND e.service = t.service AND t.day BETWEEN e.from_day AND e.to_day
