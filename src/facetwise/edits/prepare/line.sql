-- Reads claim_line (the claim-line table with line_id, checked and screened), payer_book and the reference tables.
-- step: dated
SELECT
  c.line_id,
  c.checked,
  c.claim_id,
  c.claim_line_number,
  CASE WHEN c.person_id IS NULL THEN 'claim ' || c.claim_id ELSE c.person_id END AS person,
  COALESCE(c.rendering_npi, c.billing_npi, '') AS provider,
  COALESCE(c.billing_npi, '') AS group_npi,
  DATEDIFF('day', CAST('1970-01-01' AS DATE), c.claim_line_start_date) AS day,
  COALESCE(c.payer, '') AS payer,
  COALESCE(c.claim_filing_indicator_code, '') AS filing,
  COALESCE(c.state, '') AS state,
  c.claim_type,
  COALESCE(c.place_of_service_code, '') AS place_of_service,
  COALESCE(c.bill_type_code, '') AS bill_type,
  COALESCE(c.rendering_npi, c.billing_npi, '') = COALESCE(c.billing_npi, '') AS bills_itself,
  c.hcpcs_code AS code,
  COALESCE(c.hcpcs_modifier_1, '') AS m1,
  COALESCE(c.hcpcs_modifier_2, '') AS m2,
  COALESCE(c.hcpcs_modifier_3, '') AS m3,
  COALESCE(c.hcpcs_modifier_4, '') AS m4,
  COALESCE(c.hcpcs_modifier_5, '') AS m5,
  CASE WHEN c.unit_basis = 'MJ' THEN 1.0 ELSE CAST(c.service_unit_quantity AS DOUBLE) END AS units,
  c.charge_amount AS charge,
  CASE WHEN COALESCE(c.prior_authorization_number, '') = '' THEN 0 ELSE 1 END AS authorized,
  c.screened
FROM claim_line AS c
WHERE c.hcpcs_code IS NOT NULL
-- step: placed
SELECT
  d.*,
  CASE
    WHEN d.claim_type = 'institutional' THEN CASE WHEN SUBSTRING(d.bill_type, 1, 2) = '13' THEN 'hopd' ELSE '' END
    ELSE COALESCE(s.setting, '')
  END AS setting
FROM dated AS d
LEFT JOIN place_setting AS s ON s.place = d.place_of_service AND d.day BETWEEN s.from_day AND s.to_day
-- findings
SELECT
  p.line_id,
  p.checked,
  p.claim_id,
  p.claim_line_number AS line_number,
  CAST(GROUP_HASH(p.person, p.provider, p.day) AS BIGINT) AS grp,
  CAST(GROUP_HASH(p.person, p.day) AS BIGINT) AS visit,
  p.person,
  p.provider,
  p.group_npi,
  CAST(p.day AS INTEGER) AS day,
  COALESCE(b.book, 0) AS book,
  CASE WHEN p.claim_type = 'institutional' THEN 2 ELSE 1 END AS service,
  CASE
    WHEN p.claim_type = 'institutional' THEN 'facility'
    WHEN p.setting = 'asc' AND p.bills_itself THEN 'facility'
    ELSE 'professional'
  END AS claim,
  p.setting,
  p.code,
  p.m1,
  p.m2,
  p.m3,
  p.m4,
  p.m5,
  CASE
    WHEN '50' IN (p.m1, p.m2, p.m3, p.m4, p.m5) THEN 'B'
    WHEN 'RT' IN (p.m1, p.m2, p.m3, p.m4, p.m5) AND 'LT' IN (p.m1, p.m2, p.m3, p.m4, p.m5) THEN 'B'
    WHEN 'RT' IN (p.m1, p.m2, p.m3, p.m4, p.m5) THEN 'R'
    WHEN 'LT' IN (p.m1, p.m2, p.m3, p.m4, p.m5) THEN 'L'
    ELSE ''
  END AS side,
  CASE
    WHEN m1.modifier IS NULL AND m2.modifier IS NULL AND m3.modifier IS NULL AND m4.modifier IS NULL AND m5.modifier IS NULL THEN 0
    ELSE 1
  END AS bypass,
  CASE
    WHEN m1.modifier IS NULL AND m2.modifier IS NULL AND m3.modifier IS NULL AND m4.modifier IS NULL AND m5.modifier IS NULL THEN 0
    WHEN COALESCE(m1.modifier, 'RT') IN ('RT', 'LT') AND COALESCE(m2.modifier, 'RT') IN ('RT', 'LT')
      AND COALESCE(m3.modifier, 'RT') IN ('RT', 'LT') AND COALESCE(m4.modifier, 'RT') IN ('RT', 'LT')
      AND COALESCE(m5.modifier, 'RT') IN ('RT', 'LT') THEN 1
    ELSE 0
  END AS bypass_sides,
  p.units,
  p.charge,
  p.authorized,
  p.screened
FROM placed AS p
LEFT JOIN payer_book AS b ON b.payer = p.payer AND b.filing = p.filing AND b.state = p.state
LEFT JOIN modifier AS m1 ON m1.modifier = p.m1 AND m1.bypasses = 'yes' AND p.day BETWEEN m1.from_day AND m1.to_day
LEFT JOIN modifier AS m2 ON m2.modifier = p.m2 AND m2.bypasses = 'yes' AND p.day BETWEEN m2.from_day AND m2.to_day
LEFT JOIN modifier AS m3 ON m3.modifier = p.m3 AND m3.bypasses = 'yes' AND p.day BETWEEN m3.from_day AND m3.to_day
LEFT JOIN modifier AS m4 ON m4.modifier = p.m4 AND m4.bypasses = 'yes' AND p.day BETWEEN m4.from_day AND m4.to_day
LEFT JOIN modifier AS m5 ON m5.modifier = p.m5 AND m5.bypasses = 'yes' AND p.day BETWEEN m5.from_day AND m5.to_day
