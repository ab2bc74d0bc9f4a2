-- The claim-line table in the columns of the contract, from the view `service`; the caller says which lines (old or not).
CREATE OR REPLACE VIEW claim_line AS
WITH given AS (
    SELECT
        s.*,
        CAST(s.p * 1024 + s.v * 16 + s.claim AS BIGINT) AS claim_key,
        y.written, y.state,
        y.place * getvariable('specialties') * getvariable('providers')
            + s.specialty * getvariable('providers') + draw(s.p, -2, s.specialty, getvariable('providers')) AS provider,
        s.diagnoses * 64 + draw(s.p, s.v, 12, 64) AS reason_key,
        (SELECT diagnoses FROM besides) * 64 + draw(s.p, s.v, 13, 64) AS besides_key,
        draw(s.p, s.v, 14, 4) AS more
    FROM service AS s
    JOIN payment AS y ON y.payment = s.payment
)
SELECT
    'S' || g.claim_key AS claim_id,
    g.number AS claim_line_number,
    g.claim_type,
    'M' || g.p AS person_id,
    g.written AS payer,
    g.place_of_service_code,
    g.bill_type_code,
    DATE '1970-01-01' + g.day AS claim_line_start_date,
    g.hcpcs_code,
    g.hcpcs_modifier_1, g.hcpcs_modifier_2, g.hcpcs_modifier_3, g.hcpcs_modifier_4, g.hcpcs_modifier_5,
    CAST(g.units AS DECIMAL(9, 3)) AS service_unit_quantity,
    CAST(g.charge * g.units * (80 + g.provider % 61) // 100 AS DECIMAL(12, 2)) AS charge_amount,
    CASE WHEN g.rendered THEN n.npi END AS rendering_npi,
    n.group_npi AS billing_npi,
    a.code AS diagnosis_code_1,
    CASE WHEN g.more > 0 AND b.code <> a.code THEN b.code END AS diagnosis_code_2,
    {empty_diagnoses}
    g.state,
    CASE WHEN g.authorized THEN 'A' || (g.p * 64 + g.v) END AS prior_authorization_number,
    CASE WHEN g.claim_type = 'professional' THEN 1 END AS diagnosis_pointer_1,
    {empty_pointers}
    g.old, g.class, g.p, g.v, g.claim
FROM given AS g
JOIN provider AS n ON n.provider = g.provider
JOIN diagnosis AS a ON a.key = g.reason_key
JOIN diagnosis AS b ON b.key = g.besides_key;

-- What was planted, where. A patient whose planted claims fall outside the span has none of them.
CREATE OR REPLACE VIEW planted AS
SELECT
    x.edit, x.error,
    'S' || (v.p * 1024 + v.v * 16 + x.claim) AS claim_id,
    x.line AS claim_line_number,
    CASE WHEN x.other_line > 0 THEN 'S' || (v.p * 1024 + v.v * 16 + x.other_claim) END AS other_claim_id,
    CASE WHEN x.other_line > 0 THEN x.other_line END AS other_claim_line_number
FROM visit AS v
JOIN expected AS x ON x.pattern = v.pattern
WHERE v.class = 'planted' AND v.v = 1 AND (getvariable('professional_only') = 0 OR x.claim_type = 'professional');
