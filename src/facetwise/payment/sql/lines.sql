-- Reads the lines as they were given (every column present, as text or as its file types it). What cannot be read is
-- empty here and named in `unreadable`.

-- What the modifiers of a line say, worked out once for each set of them that occurs.
CREATE TEMP TABLE manner AS
WITH
given_set AS (
    SELECT DISTINCT hcpcs_modifier_1, hcpcs_modifier_2, hcpcs_modifier_3, hcpcs_modifier_4, hcpcs_modifier_5 FROM given
),
placed AS (
    SELECT given_set.*, 1 AS place, UPPER(TRIM(hcpcs_modifier_1)) AS modifier FROM given_set
    UNION ALL SELECT given_set.*, 2, UPPER(TRIM(hcpcs_modifier_2)) FROM given_set
    UNION ALL SELECT given_set.*, 3, UPPER(TRIM(hcpcs_modifier_3)) FROM given_set
    UNION ALL SELECT given_set.*, 4, UPPER(TRIM(hcpcs_modifier_4)) FROM given_set
    UNION ALL SELECT given_set.*, 5, UPPER(TRIM(hcpcs_modifier_5)) FROM given_set
),
-- The first of the modifiers that share a word; several rows of one modifier over time say the same word.
known AS (
    SELECT DISTINCT "value" AS modifier, treatment AS word, rule FROM knowledge_treatment WHERE kind = 'modifier'
),
said AS (
    SELECT placed.*, known.word, known.rule,
        ROW_NUMBER() OVER (
            PARTITION BY hcpcs_modifier_1, hcpcs_modifier_2, hcpcs_modifier_3, hcpcs_modifier_4, hcpcs_modifier_5,
                CASE
                    WHEN known.word IN ('assistant', 'co_surgeon', 'team') THEN 'helper'
                    WHEN known.word IN ('component', 'component_or_unsettled') THEN 'component'
                    ELSE known.word
                END
            ORDER BY placed.place
        ) AS turn
    FROM placed
    LEFT JOIN known ON placed.modifier = known.modifier
)
SELECT
    hcpcs_modifier_1, hcpcs_modifier_2, hcpcs_modifier_3, hcpcs_modifier_4, hcpcs_modifier_5,
    -- Where amounts are equal, what a line says decides its rank, never where it stands: its modifiers in their order.
    DENSE_RANK() OVER (ORDER BY TRIM(COALESCE(STRING_AGG(modifier, ' ' ORDER BY modifier), ''))) AS manner_order,
    COALESCE(
        MAX(CASE WHEN turn = 1 AND word IN ('component', 'component_or_unsettled') THEN modifier END), ''
    ) AS component,
    MAX(CASE WHEN word = 'both_sides' THEN 1 ELSE 0 END) = 1 AS fifty,
    MAX(CASE WHEN word = 'right_side' THEN 1 ELSE 0 END) = 1 AS on_right,
    MAX(CASE WHEN word = 'left_side' THEN 1 ELSE 0 END) = 1 AS on_left,
    COALESCE(MAX(CASE WHEN turn = 1 AND word = 'reduced' THEN rule END), '') AS reduced_by,
    COALESCE(MAX(CASE WHEN turn = 1 AND word = 'reduced' THEN modifier END), '') AS reduced,
    COALESCE(MAX(CASE WHEN turn = 1 AND word IN ('assistant', 'co_surgeon', 'team') THEN word END), '') AS helper,
    COALESCE(MAX(CASE WHEN turn = 1 AND word IN ('assistant', 'co_surgeon', 'team') THEN rule END), '') AS helper_by
FROM said
GROUP BY hcpcs_modifier_1, hcpcs_modifier_2, hcpcs_modifier_3, hcpcs_modifier_4, hcpcs_modifier_5;

CREATE TEMP VIEW line AS
WITH
typed AS (
    SELECT
        claim_id, claim_line_number,
        UPPER(TRIM(hcpcs_code)) AS code,
        hcpcs_modifier_1, hcpcs_modifier_2, hcpcs_modifier_3, hcpcs_modifier_4, hcpcs_modifier_5,
        service_unit_quantity,
        TRY_CAST(service_unit_quantity AS DECIMAL(12, 3)) AS quantity,
        date_of_service,
        TRY_CAST(date_of_service AS DATE) AS service_day,
        COALESCE(TRIM(place_of_service_code), '') AS place_of_service,
        COALESCE(LOWER(TRIM(setting)), '') AS setting,
        COALESCE(LOWER(TRIM(claim)), '') AS given_claim,
        COALESCE(TRIM(mac), '') AS mac,
        COALESCE(TRIM(locality), '') AS locality,
        COALESCE(UPPER(TRIM(state)), '') AS state,
        COALESCE(TRIM(zip), '') AS zip,
        apm_participant,
        TRY_CAST(apm_participant AS BOOLEAN) AS participant,
        charge_amount,
        TRY_CAST(charge_amount AS DECIMAL(14, 2)) AS charge,
        wage_index AS given_wage_index,
        TRY_CAST(wage_index AS DECIMAL(5, 4)) AS wage_index,
        COALESCE(TRIM(cbsa), '') AS cbsa
    FROM given
)
SELECT
    typed.claim_id, typed.claim_line_number, TRY_CAST(typed.claim_line_number AS BIGINT) AS line_order, typed.code, typed.service_day, typed.place_of_service, typed.setting,
    typed.charge, typed.wage_index, typed.cbsa, typed.date_of_service, typed.service_unit_quantity, typed.given_claim,
    typed.charge_amount, typed.apm_participant, typed.given_wage_index,
    manner.manner_order, manner.component, manner.fifty, manner.on_right, manner.on_left, manner.reduced_by, manner.reduced, manner.helper,
    manner.helper_by,
    CAST(
        CASE
            WHEN typed.quantity > 0 AND typed.quantity < 100000 AND typed.quantity = FLOOR(typed.quantity)
                THEN typed.quantity
        END AS INTEGER
    ) AS units,
    COALESCE(typed.participant, FALSE) AS qualifying,
    typed.given_claim IN ('facility', 'institutional') AS facility,
    CASE
        WHEN typed.mac <> '' OR typed.locality <> '' THEN typed.mac || '-' || typed.locality
        WHEN typed.zip <> '' THEN SUBSTR(typed.zip, 1, 5)
        ELSE typed.state
    END AS place,
    CASE
        WHEN typed.claim_id IS NULL OR typed.claim_id = '' THEN 'claim-id-missing'
        WHEN typed.code IS NULL OR typed.code = '' THEN 'code-missing'
        WHEN typed.service_day IS NULL THEN 'date-unreadable'
        WHEN typed.quantity IS NULL OR typed.quantity <= 0 OR typed.quantity >= 100000
            OR typed.quantity <> FLOOR(typed.quantity) THEN 'units-unreadable'
        WHEN typed.given_claim NOT IN ('', 'professional', 'facility', 'institutional') THEN 'claim-unknown'
        WHEN typed.charge < 0 OR (typed.charge IS NULL AND TRIM(CAST(typed.charge_amount AS VARCHAR)) <> '')
            THEN 'charge-unreadable'
        WHEN typed.participant IS NULL AND TRIM(CAST(typed.apm_participant AS VARCHAR)) <> ''
            THEN 'participation-unreadable'
        WHEN typed.wage_index <= 0
            OR (typed.wage_index IS NULL AND TRIM(CAST(typed.given_wage_index AS VARCHAR)) <> '')
            THEN 'wage-index-unreadable'
    END AS unreadable
FROM typed
LEFT JOIN manner
    ON typed.hcpcs_modifier_1 = manner.hcpcs_modifier_1
    AND typed.hcpcs_modifier_2 = manner.hcpcs_modifier_2
    AND typed.hcpcs_modifier_3 = manner.hcpcs_modifier_3
    AND typed.hcpcs_modifier_4 = manner.hcpcs_modifier_4
    AND typed.hcpcs_modifier_5 = manner.hcpcs_modifier_5;
