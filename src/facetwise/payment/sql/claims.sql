-- Prices the lines of `alone` as claims: both sides of the body, then several procedures of one claim and day.
-- One row in, one row out; `allowed` is empty, or 0 for what is refused, where `finding` says why. No amount depends on the order of the lines.

-- 1. Both sides on two lines. The side with fewer units is the second one, the left where they are equal: all its units
--    meet one on the other side. The charges of a professional pair count together.
CREATE TEMP TABLE pair AS
WITH
sides AS (
    SELECT facility, claim_id, service_day, code, component, base, helper_share, bilateral,
        CAST(SUM(CASE side WHEN 'R' THEN units ELSE 0 END) AS INTEGER) AS right_units,
        CAST(SUM(CASE side WHEN 'L' THEN units ELSE 0 END) AS INTEGER) AS left_units,
        SUM(charge) AS charges,
        COUNT(*) = COUNT(charge) AS all_charged
    FROM alone
    WHERE side <> ''
    GROUP BY facility, claim_id, service_day, code, component, base, helper_share, bilateral
    HAVING MIN(side) <> MAX(side)
)
SELECT
    facility, claim_id, service_day, code, component, base, helper_share,
    CASE WHEN right_units < left_units THEN 'R' ELSE 'L' END AS second_side,
    CAST(
        CAST(base AS DECIMAL(30, 2)) * helper_share * (
            right_units + left_units
            - CASE WHEN right_units < left_units THEN right_units ELSE left_units END * (2 - bilateral)
        ) AS DECIMAL(36, 11)
    ) AS amount,
    CAST(charges AS DECIMAL(36, 11)) AS charges,
    all_charged
FROM sides;

-- A line of a pair with its amount so far, and that of the pair, by which it ranks.
CREATE TEMP TABLE paired AS
SELECT
    alone.rowid AS line_id,
    NOT alone.facility AS as_one,
    alone.side = pair.second_side AS second,
    CAST(
        alone.fees - CASE
            WHEN NOT alone.facility AND alone.side = pair.second_side THEN alone.units * (2 - alone.bilateral)
            ELSE 0
        END AS DECIMAL(18, 5)
    ) AS fees,
    pair.all_charged AND pair.charges < pair.amount AS held_together,
    CASE WHEN pair.all_charged AND pair.charges < pair.amount THEN pair.charges ELSE pair.amount END AS pair_amount,
    ROW_NUMBER() OVER said AS turn,
    FIRST_VALUE(alone.manner_order) OVER said AS manner_order,
    FIRST_VALUE(alone.units) OVER said AS units,
    FIRST_VALUE(COALESCE(alone.charge, -1)) OVER said AS charge,
    FIRST_VALUE(alone.line_order) OVER said AS line_order
FROM alone
INNER JOIN pair
    ON alone.facility = pair.facility
    AND alone.claim_id = pair.claim_id
    AND alone.service_day = pair.service_day
    AND alone.code = pair.code
    AND alone.component = pair.component
    AND alone.base = pair.base
    AND alone.helper_share = pair.helper_share
WHERE alone.side <> ''
WINDOW said AS (
    PARTITION BY pair.facility, pair.claim_id, pair.service_day, pair.code, pair.component, pair.base, pair.helper_share
    ORDER BY alone.manner_order, alone.units DESC, COALESCE(alone.charge, -1), alone.line_order, alone.claim_line_number
);

CREATE TEMP VIEW unheld AS
SELECT
    alone.rowid AS line_id,
    alone.facility, alone.claim_id, alone.claim_line_number, alone.code, alone.service_day, alone.span, alone.units,
    alone.charge, alone.release, alone.reason, alone.found, alone.base, alone.capped, alone.treatment, alone.helper_by,
    alone.helper_share, alone.bilateral_by,
    COALESCE(paired.fees, alone.fees) AS fees,
    alone.both_sides OR COALESCE(paired.as_one, FALSE) AS as_bilateral,
    COALESCE(paired.as_one, FALSE) AS as_one,
    COALESCE(paired.second, FALSE) AS second,
    paired.turn,
    -- A professional pair ranks by its amount as one, and stands where its first line stands.
    CASE WHEN paired.as_one THEN paired.manner_order ELSE alone.manner_order END AS manner_order,
    CASE WHEN paired.as_one THEN paired.units ELSE alone.units END AS units_order,
    CASE WHEN paired.as_one THEN paired.charge ELSE COALESCE(alone.charge, -1) END AS charge_order,
    CASE WHEN paired.as_one THEN paired.line_order ELSE alone.line_order END AS line_order,
    paired.pair_amount,
    CASE WHEN paired.as_one THEN paired.held_together ELSE alone.both_sides END AS held,
    CAST(
        CAST(alone.base AS DECIMAL(30, 2)) * COALESCE(paired.fees, alone.fees) * alone.helper_share AS DECIMAL(36, 11)
    ) AS gross
FROM alone
LEFT JOIN paired ON alone.rowid = paired.line_id;

-- The lesser of the charge and what both sides are paid.
CREATE TEMP VIEW adjusted AS
SELECT unheld.*,
    COALESCE(held AND (as_one OR charge < gross), FALSE) AS held_to_charge,
    CASE WHEN held AND (as_one OR charge < gross) THEN charge ELSE gross END AS amount
FROM unheld;

-- 2. Several procedures: they rank by their amount so far; a professional pair ranks as one, of which one line counts.
CREATE TEMP TABLE placed AS
SELECT
    line_id,
    SUM(CASE WHEN as_one AND turn > 1 THEN 0 ELSE 1 END) OVER (
        PARTITION BY facility, claim_id, service_day
        ORDER BY
            CASE WHEN as_one THEN pair_amount ELSE amount END DESC,
            CASE WHEN facility AND second THEN 1 ELSE 0 END,
            code,
            manner_order,
            units_order DESC,
            charge_order,
            line_order,
            turn,
            claim_line_number
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place
FROM adjusted
WHERE treatment = 'ranked';

CREATE TEMP VIEW priced AS
WITH
factored AS (
    SELECT adjusted.*,
        placed.place,
        rule.coinsurance, rule.sequestration,
        rule.lower_of_charge AND NOT adjusted.facility AND NOT adjusted.as_one AS charge_counts,
        COALESCE(ranking.rule, later.rule) AS rank_rule,
        CASE
            WHEN adjusted.treatment = 'ranked' AND adjusted.facility
                THEN CASE
                    WHEN placed.place = 1 THEN rule.center_highest
                    WHEN adjusted.second THEN rule.center_second_side
                    ELSE rule.center_other
                END + (adjusted.units - 1) * rule.center_other
            WHEN adjusted.treatment = 'ranked' AND ranking.rule IS NULL THEN later.factor
            WHEN adjusted.treatment = 'ranked' THEN ranking.factor
            WHEN adjusted.treatment = 'asc-modifier-52' THEN rule.center_reduced
            WHEN adjusted.treatment = 'asc-modifier-73' THEN rule.center_stopped
            WHEN adjusted.treatment = 'add-on-outside-ranking' THEN COALESCE(rule.add_on, 1)
            WHEN adjusted.facility AND adjusted.second THEN rule.center_second_side
            ELSE 1
        END AS factor
    FROM adjusted
    LEFT JOIN placed ON adjusted.line_id = placed.line_id
    LEFT JOIN rule ON adjusted.span = rule.span
    LEFT JOIN ranking
        ON adjusted.span = ranking.span AND placed.place = ranking.place AND NOT adjusted.facility
    LEFT JOIN ranking AS later ON adjusted.span = later.span AND later.place IS NULL
),
-- 3. Rounded once, half up; no more than the charge where that rule holds.
exact AS (
    SELECT factored.*,
        CASE
            WHEN reason IS NULL THEN amount * factor
            WHEN reason IN ('assistant-not-paid', 'co-surgeon-not-paid', 'team-not-paid') THEN 0
        END AS exact
    FROM factored
),
rounded AS (
    SELECT exact.*,
        charge_counts AND COALESCE(charge < exact, FALSE) AS cut_to_charge,
        CASE
            WHEN charge_counts AND charge < exact THEN TRY_CAST(charge AS DECIMAL(12, 2))
            WHEN exact = base THEN base
            ELSE TRY_CAST(ROUND(exact, 2) AS DECIMAL(12, 2))
        END AS allowed
    FROM exact
),
-- 4. Who owes what: the patient the coinsurance, Medicare the rest, and what is withheld comes off Medicare's part alone.
shared AS (
    SELECT rounded.*, CAST(ROUND(allowed * coinsurance, 2) AS DECIMAL(12, 2)) AS patient_pays FROM rounded
)
SELECT
    claim_id,
    claim_line_number,
    code AS hcpcs_code,
    service_day AS date_of_service,
    CASE WHEN reason IS NULL THEN base END AS base,
    CASE WHEN reason IS NULL THEN fees END AS quantity,
    CASE WHEN reason IS NULL THEN helper_share END AS share,
    CASE WHEN reason IS NULL THEN factor END AS factor,
    CASE
        WHEN reason IS NOT NULL THEN ''
        WHEN facility THEN CASE
            WHEN treatment = 'asc-packaged' THEN treatment
            WHEN treatment = 'ranked' AND place = 1 THEN 'asc-wage-share asc-multiple-procedure-highest'
            WHEN second THEN 'asc-wage-share asc-bilateral-second-line'
            WHEN treatment = 'ranked' THEN 'asc-wage-share asc-multiple-procedure-other'
            WHEN treatment = '' THEN 'asc-wage-share'
            ELSE 'asc-wage-share ' || treatment
        END
        ELSE CASE WHEN capped THEN 'price-line opps-cap' ELSE 'price-line' END
            || CASE WHEN helper_by = '' THEN '' ELSE ' ' || helper_by END
            || CASE WHEN as_bilateral THEN ' ' || bilateral_by ELSE '' END
            || CASE treatment WHEN '' THEN '' WHEN 'ranked' THEN ' ' || rank_rule ELSE ' ' || treatment END
            || CASE WHEN held_to_charge OR cut_to_charge THEN ' lower-of-charge' ELSE '' END
    END AS rules,
    allowed,
    CAST(allowed - patient_pays AS DECIMAL(12, 2)) AS medicare_pays,
    patient_pays,
    CAST(
        allowed - patient_pays - ROUND(CAST(allowed - patient_pays AS DECIMAL(12, 2)) * sequestration, 2)
        AS DECIMAL(12, 2)
    ) AS after_sequestration,
    release,
    CASE
        WHEN reason IS NOT NULL THEN reason
        WHEN allowed IS NULL AND exact IS NOT NULL THEN 'amount-too-large'
        WHEN allowed IS NULL AND treatment = 'ranked' AND NOT facility THEN 'paid-by-report'
        WHEN allowed IS NULL THEN 'rule-not-held'
    END AS finding,
    found
FROM shared;
