-- Two lines of one person, provider, day and service whose codes are a pair of the NCCI edits. Column 1 is paid, column 2
-- denied; with indicator 1 a modifier on one of the two lines may set them apart. RT and LT do not where both lines name
-- the same side and nothing else sets them apart.
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
    WHEN p.indicator = '0' THEN 'deny'
    WHEN a.bypass = 0 AND b.bypass = 0 THEN 'deny'
    WHEN a.side = b.side AND a.side IN ('R', 'L') AND a.bypass = a.bypass_sides AND b.bypass = b.bypass_sides THEN 'side'
    ELSE ''
  END AS outcome
FROM line AS b
JOIN line AS a ON a.grp = b.grp AND a.person = b.person AND a.provider = b.provider AND a.day = b.day
  AND a.service = b.service AND a.line_id <> b.line_id
JOIN ptp AS p ON p.pair = a.code || b.code AND p.service = b.service AND b.day BETWEEN p.from_day AND p.to_day
WHERE b.checked = 1 AND p.indicator IN ('0', '1')
-- step: worst
SELECT line_id, column1, MIN(outcome) AS outcome
FROM paired
WHERE outcome <> ''
GROUP BY line_id, column1
-- step: found
SELECT
  p.line_id,
  p.column1,
  p.column2,
  p.day,
  p.service,
  p.book,
  p.outcome,
  MIN(p.indicator) AS indicator,
  MIN(p.first_id) AS first_id,
  MIN(p.citations) AS citations
FROM paired AS p
JOIN worst AS w ON w.line_id = p.line_id AND w.column1 = p.column1 AND w.outcome = p.outcome
GROUP BY p.line_id, p.column1, p.column2, p.day, p.service, p.book, p.outcome
-- findings
SELECT
  f.line_id,
  f.first_id AS other_line_id,
  'ptp-pair' AS edit,
  CASE WHEN f.outcome = 'deny' AND u.applies = 'yes' THEN 'deny' ELSE 'review' END AS severity,
  f.column2 || ' beside ' || f.column1 || ' on one day by one provider is a pair of the NCCI edits: ' || f.column1 || ' is paid, ' || f.column2 || ' is not. ' || CASE
    WHEN f.indicator = '0' THEN 'No modifier changes that.'
    WHEN f.outcome = 'side' THEN 'Both lines name the same side, so the side does not set them apart.'
    ELSE 'A modifier may set them apart where the record does; neither line has one.'
  END || CASE
    WHEN u.applies = 'yes' THEN ''
    ELSE ' That this payer applies these edits is not established.'
  END AS message,
  CASE
    WHEN f.indicator = '0' THEN 'Plan no payment for ' || f.column2 || '; it is not billed to the patient. Correct a code or a day only where the record shows that it was written wrongly.'
    ELSE 'Add a modifier that bypasses the pair only if the record shows another side, another site or another session; a modifier is never added to pass. Else plan no payment for ' || f.column2 || '.'
  END AS fix,
  '{"column1": "' || f.column1 || '", "column2": "' || f.column2 || '", "indicator": "' || f.indicator || '", "release": "' || COALESCE(e.release, '') || '"}' AS evidence,
  f.citations
FROM found AS f
LEFT JOIN ncci_use AS u ON u.book = f.book AND u.edit = 'ptp-pair' AND f.day BETWEEN u.from_day AND u.to_day
LEFT JOIN edition AS e ON e.kind = 'ptp' AND e.service = f.service AND f.day BETWEEN e.from_day AND e.to_day
