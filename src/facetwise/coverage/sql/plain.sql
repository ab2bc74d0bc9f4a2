-- The cases between $first and $last, but for those that are odd. $variant 0: by their own rules; else those whose
-- contractor is not known, by the rules of the contractor of that number.
CREATE OR REPLACE TEMP TABLE plain AS
SELECT
    p.* REPLACE (
        COALESCE(v.ruleset, p.ruleset) AS ruleset,
        COALESCE(v.whose, p.whose) AS whose,
        p.unknown_contractor AND $variant = 0 AS unknown_contractor
    ),
    v.contractor,
    v.variant
FROM placed AS p
ANTI JOIN odd AS o ON o.ord = p.ord
LEFT JOIN scope_by AS v ON v.variant = $variant AND v.payer = p.payer AND v.state = p.state AND v.day = p.day
WHERE p.ord BETWEEN $first AND $last AND ($variant = 0 OR v.ruleset IS NOT NULL);
