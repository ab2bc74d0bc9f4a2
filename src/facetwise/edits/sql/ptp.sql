-- Two lines of one person, provider, day and service whose codes are a pair of the NCCI edits. Column 1 is paid, column 2
-- denied; with indicator 1 a modifier on one of the two lines may set them apart. Where RT and LT are the only such
-- modifiers they do so on opposite sides alone. Each pair of lines is judged by itself; of the lines of one column-1 code
-- the gravest result stands, on the first of them.
-- step: paired
SELECT
  b.line_id,
  a.line_id AS first_id,
  a.code AS column1,
  b.code AS column2,
  b.day,
  b.service,
  b.book,
  p.indicator,
  p.citations,
  CASE
    WHEN p.indicator = '0' THEN 'never'
    WHEN a.bypass = 0 AND b.bypass = 0 THEN 'none'
    WHEN a.bypass = a.bypass_sides AND b.bypass = b.bypass_sides AND NOT (a.side = 'R' AND b.side = 'L')
      AND NOT (a.side = 'L' AND b.side = 'R') THEN 'sides'
    ELSE ''
  END AS outcome
FROM line AS b
JOIN line AS a ON a.grp = b.grp AND a.person = b.person AND a.provider = b.provider AND a.day = b.day
  AND a.service = b.service AND a.line_id <> b.line_id
JOIN ptp AS p ON p.pair = a.code || b.code AND p.service = b.service AND b.day BETWEEN p.from_day AND p.to_day
WHERE b.checked = 1 AND p.indicator IN ('0', '1')
-- step: judged
SELECT
  p.line_id,
  p.first_id,
  p.column1,
  p.column2,
  p.day,
  p.service,
  p.indicator,
  p.citations,
  p.outcome,
  COALESCE(u.applies, '') AS applies,
  CASE WHEN p.outcome <> 'sides' AND u.applies = 'yes' THEN 'deny' ELSE 'review' END AS severity
FROM paired AS p
LEFT JOIN ncci_use AS u ON u.book = p.book AND u.edit = 'ptp-pair' AND p.day BETWEEN u.from_day AND u.to_day
WHERE p.outcome <> ''
-- step: worst
SELECT line_id, column1, MIN(severity) AS severity
FROM judged
GROUP BY line_id, column1
-- step: nearest
SELECT j.line_id, j.column1, j.severity, MIN(j.first_id) AS first_id
FROM judged AS j
JOIN worst AS w ON w.line_id = j.line_id AND w.column1 = j.column1 AND w.severity = j.severity
GROUP BY j.line_id, j.column1, j.severity
-- step: found
SELECT
  j.line_id,
  j.first_id,
  j.column1,
  j.column2,
  j.day,
  j.service,
  j.severity,
  MIN(j.outcome) AS outcome,
  MIN(j.applies) AS applies,
  MIN(j.indicator) AS indicator,
  MIN(j.citations) AS citations
FROM judged AS j
JOIN nearest AS f ON f.line_id = j.line_id AND f.first_id = j.first_id AND f.severity = j.severity
GROUP BY j.line_id, j.first_id, j.column1, j.column2, j.day, j.service, j.severity
-- findings
SELECT
  f.line_id,
  f.first_id AS other_line_id,
  'ptp-pair' AS edit,
  f.severity,
  f.column2 || ' beside ' || f.column1 || ' (line ' || CAST(o.line_number AS VARCHAR) || CASE
    WHEN o.claim_id = l.claim_id THEN ''
    ELSE ' of claim ' || o.claim_id
  END || '), one day and one provider, is a pair of the NCCI edits: ' || f.column1 || ' is paid, ' || f.column2 || ' is not. ' || CASE
    WHEN f.outcome = 'never' THEN 'No modifier changes that.'
    WHEN f.outcome = 'sides' THEN 'The lines have modifiers of the side only, and these do not name opposite sides.'
    ELSE 'A modifier may set them apart where the record does; neither line has one.'
  END || CASE
    WHEN f.applies = 'yes' THEN ''
    ELSE ' That this payer applies these edits is not established.'
  END AS message,
  CASE
    WHEN f.outcome = 'never' THEN 'Plan no payment for ' || f.column2 || '; it is not billed to the patient. Correct a code or a day only where the record shows that it was written wrongly.'
    ELSE 'Add a modifier that bypasses the pair only if the record shows another side, another site or another session; a modifier is never added to pass. Else plan no payment for ' || f.column2 || '.'
  END AS fix,
  '{"column1": "' || f.column1 || '", "column2": "' || f.column2 || '", "indicator": "' || f.indicator || '", "release": "' || COALESCE(e.release, '') || '"}' AS evidence,
  f.citations
FROM found AS f
JOIN line AS l ON l.line_id = f.line_id
JOIN line AS o ON o.line_id = f.first_id
LEFT JOIN edition AS e ON e.kind = 'ptp' AND e.service = f.service AND f.day BETWEEN e.from_day AND e.to_day
