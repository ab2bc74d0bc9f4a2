-- The claim-line table out of `claims_given`, in which every column is there, cells as macros.sql reads them; `reason` is
-- the first reason, in the order of rejected.LINE_REASONS, why a row cannot be a claim line, or NULL.
WITH
trimmed AS (
    SELECT
        claims_text(claim_id) AS claim_id,
        claim_line_number,
        LOWER(claims_text(claim_type)) AS claim_type,
        claims_text(person_id) AS person_id,
        claims_text(payer) AS payer,
        claims_text(place_of_service_code) AS place_of_service_code,
        claims_text(bill_type_code) AS bill_type_code,
        claim_line_start_date,
        claims_upper(hcpcs_code) AS hcpcs_code,
        claims_upper(hcpcs_modifier_1) AS hcpcs_modifier_1,
        claims_upper(hcpcs_modifier_2) AS hcpcs_modifier_2,
        claims_upper(hcpcs_modifier_3) AS hcpcs_modifier_3,
        claims_upper(hcpcs_modifier_4) AS hcpcs_modifier_4,
        claims_upper(hcpcs_modifier_5) AS hcpcs_modifier_5,
        service_unit_quantity,
        charge_amount,
        claims_text(rendering_npi) AS rendering_npi,
        claims_text(billing_npi) AS billing_npi,
        claims_diagnosis(COLUMNS('diagnosis_code_\d+')),
        COLUMNS('diagnosis_pointer_\d+'),
        claims_state(state) AS state,
        claims_text(prior_authorization_number) AS prior_authorization_number,
        "file",
        place,
        claims_upper(claim_filing_indicator_code) AS claim_filing_indicator_code,
        claims_upper(unit_basis) AS unit_basis,
        claims_text(referral_number) AS referral_number,
        claims_text(line_control_number) AS line_control_number,
        units_fault,
        charge_fault
    FROM claims_given
)
SELECT
    * EXCLUDE (units_fault, charge_fault),
    CASE
        WHEN claim_id IS NULL THEN 'no-claim-id'
        WHEN claim_type IS NULL OR claim_type NOT IN ('professional', 'institutional') THEN 'claim-type'
        WHEN claim_line_number IS NULL THEN 'line-number'
        WHEN claim_line_start_date IS NULL THEN 'date'
        WHEN claim_line_start_date > GETVARIABLE('claims_last_day') THEN 'date-late'
        WHEN hcpcs_code IS NULL AND claim_type = 'professional' THEN 'no-code'
        WHEN NOT REGEXP_FULL_MATCH(hcpcs_code, '[0-9A-Z]{5}') THEN 'code'
        WHEN units_fault = 1 THEN 'units'
        WHEN units_fault = 2 THEN 'units-range'
        WHEN charge_fault = 1 THEN 'charge'
        WHEN charge_fault = 2 THEN 'charge-range'
        WHEN -1 IN (diagnosis_pointer_1, diagnosis_pointer_2, diagnosis_pointer_3, diagnosis_pointer_4) THEN 'pointer'
    END AS reason
FROM trimmed
