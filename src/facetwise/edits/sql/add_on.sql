-- An add-on code without one of the primaries that the add-on table lists, for the same person, day and service and the
-- same provider or billing group, on any claim. Type 1 has a closed list of primaries, type 3 an open one. CROSS JOIN fixes
-- the order of the tables for SQLite; it is an inner join by its WHERE.
-- step: added
SELECT l.line_id, l.visit, l.person, l.day, l.service, l.book, l.code, l.provider, l.group_npi
FROM line AS l
WHERE l.checked = 1
  AND EXISTS (SELECT 1 FROM add_on AS a WHERE a.code = l.code AND l.day BETWEEN a.from_day AND a.to_day)
-- step: based
SELECT DISTINCT d.line_id
FROM added AS d
CROSS JOIN line AS p
CROSS JOIN add_on AS a
WHERE p.visit = d.visit AND p.person = d.person AND p.day = d.day AND p.service = d.service
  AND (p.provider = d.provider OR (p.group_npi = d.group_npi AND d.group_npi <> ''))
  AND a.code = d.code AND a.primary_code = p.code AND d.day BETWEEN a.from_day AND a.to_day
-- step: lone
SELECT d.line_id, d.visit, d.person, d.day, d.service, d.book, d.code, d.provider, d.group_npi
FROM added AS d
LEFT JOIN based AS b ON b.line_id = d.line_id
WHERE b.line_id IS NULL
-- step: listed
SELECT
  n.code,
  n.day,
  MIN(a.type) AS type,
  MIN(a.primary_code) AS first_primary,
  MAX(a.primary_code) AS last_primary,
  COUNT(DISTINCT a.primary_code) AS primaries,
  MIN(a.citations) AS citations
FROM (SELECT DISTINCT code, day FROM lone) AS n
CROSS JOIN add_on AS a
WHERE a.code = n.code AND n.day BETWEEN a.from_day AND a.to_day
GROUP BY n.code, n.day
-- step: alone
SELECT
  d.line_id,
  d.visit,
  d.person,
  d.day,
  d.service,
  d.book,
  d.code,
  d.provider,
  d.group_npi,
  n.type,
  n.first_primary,
  n.last_primary,
  n.primaries,
  n.citations
FROM lone AS d
JOIN listed AS n ON n.code = d.code AND n.day = d.day
-- step: instructed
SELECT
  d.line_id,
  MIN(j.other) AS other,
  MIN(j.statement) AS statement,
  MIN(j.citations) AS citations
FROM alone AS d
JOIN junction AS j ON j.book = d.book AND j.code = d.code AND d.day BETWEEN j.from_day AND j.to_day
JOIN line AS o ON o.visit = d.visit AND o.person = d.person AND o.day = d.day AND o.service = d.service
  AND o.code = j.other AND (o.provider = d.provider OR (o.group_npi = d.group_npi AND d.group_npi <> ''))
GROUP BY d.line_id
-- findings
SELECT
  d.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'add-on-without-primary' AS edit,
  CASE
    WHEN i.line_id IS NULL AND d.type = '1' AND u.applies = 'yes' THEN 'deny'
    ELSE 'review'
  END AS severity,
  d.code || ' is an add-on code, and no line of this day and provider has ' || CASE
    WHEN d.primaries = 1 THEN 'its primary, ' || d.first_primary || '.'
    WHEN d.primaries = 2 THEN 'one of its primaries, ' || d.first_primary || ' or ' || d.last_primary || '.'
    ELSE 'one of the ' || CAST(d.primaries AS VARCHAR) || ' primaries that the add-on table lists, ' || d.first_primary || ' to ' || d.last_primary || '.'
  END || CASE
    WHEN d.type = '3' THEN ' The list of primaries is open, so another code may do.'
    ELSE ''
  END || CASE
    WHEN i.line_id IS NOT NULL THEN ' The payer''s own instruction pairs it with ' || i.other || ', which is there; an edit may still refuse the line. ' || i.statement
    WHEN u.applies = 'yes' THEN ''
    ELSE ' That this payer applies the add-on table is not established.'
  END AS message,
  CASE
    WHEN i.line_id IS NOT NULL THEN 'Keep the payer''s instruction with the claim, and appeal with it if the edit refuses the line.'
    ELSE 'If the primary was done and is missing, add its line; if it is on another claim, send both together. A code that the record does not support is never added.'
  END AS fix,
  '{"code": "' || d.code || '", "type": "' || d.type || '", "primaries": ' || CAST(d.primaries AS VARCHAR) || ', "first_primary": "' || d.first_primary || '", "last_primary": "' || d.last_primary || '", "release": "' || COALESCE(e.release, '') || '"' || CASE
    WHEN i.line_id IS NULL THEN ''
    ELSE ', "instructed_with": "' || i.other || '"'
  END || '}' AS evidence,
  d.citations || CASE WHEN i.line_id IS NULL THEN '' ELSE ' ' || i.citations END AS citations
FROM alone AS d
LEFT JOIN instructed AS i ON i.line_id = d.line_id
LEFT JOIN ncci_use AS u ON u.book = d.book AND u.edit = 'add-on-without-primary' AND d.day BETWEEN u.from_day AND u.to_day
LEFT JOIN edition AS e ON e.kind = 'add_on' AND e.service = d.service AND d.day BETWEEN e.from_day AND e.to_day
