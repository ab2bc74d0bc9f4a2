-- Reads claim_line, watched and ordinal: the diagnoses of the lines of watched codes.
-- step: listed
SELECT
  c.line_id,
  o.n AS pos,
  COALESCE(c.diagnosis_pointer_1, c.diagnosis_pointer_2, c.diagnosis_pointer_3, c.diagnosis_pointer_4, 0) AS points,
  CASE WHEN o.n IN (
    COALESCE(c.diagnosis_pointer_1, 0), COALESCE(c.diagnosis_pointer_2, 0), COALESCE(c.diagnosis_pointer_3, 0),
    COALESCE(c.diagnosis_pointer_4, 0)
  ) THEN 1 ELSE 0 END AS pointed,
  CASE o.n
    WHEN 1 THEN c.diagnosis_code_1
    WHEN 2 THEN c.diagnosis_code_2
    WHEN 3 THEN c.diagnosis_code_3
    WHEN 4 THEN c.diagnosis_code_4
    WHEN 5 THEN c.diagnosis_code_5
    WHEN 6 THEN c.diagnosis_code_6
    WHEN 7 THEN c.diagnosis_code_7
    WHEN 8 THEN c.diagnosis_code_8
    WHEN 9 THEN c.diagnosis_code_9
    WHEN 10 THEN c.diagnosis_code_10
    WHEN 11 THEN c.diagnosis_code_11
    WHEN 12 THEN c.diagnosis_code_12
    WHEN 13 THEN c.diagnosis_code_13
    WHEN 14 THEN c.diagnosis_code_14
    WHEN 15 THEN c.diagnosis_code_15
    WHEN 16 THEN c.diagnosis_code_16
    WHEN 17 THEN c.diagnosis_code_17
    WHEN 18 THEN c.diagnosis_code_18
    WHEN 19 THEN c.diagnosis_code_19
    WHEN 20 THEN c.diagnosis_code_20
    WHEN 21 THEN c.diagnosis_code_21
    WHEN 22 THEN c.diagnosis_code_22
    WHEN 23 THEN c.diagnosis_code_23
    WHEN 24 THEN c.diagnosis_code_24
    WHEN 25 THEN c.diagnosis_code_25
  END AS dx
FROM claim_line AS c
JOIN watched AS w ON w.code = c.hcpcs_code
CROSS JOIN ordinal AS o
-- findings
SELECT line_id, CAST(pos AS INTEGER) AS pos, dx
FROM listed
WHERE dx IS NOT NULL AND (points = 0 OR pointed = 1)
