-- The payment rules by span: their numbers, and what the letters of the fee files and the modifiers of a claim do.

-- The numbers, one row a span; empty where a rule does not hold.
CREATE TEMP TABLE rule AS
WITH
held AS (
    SELECT span.span, knowledge_rule.rule, CAST(knowledge_rule.factor AS DECIMAL(6, 4)) AS factor
    FROM span
    LEFT JOIN knowledge_rule
        ON knowledge_rule.first_day <= span.first_day AND knowledge_rule.last_day >= span.last_day
)
SELECT
    span,
    MAX(CASE rule WHEN 'assistant-physician' THEN factor END) AS assistant_physician,
    MAX(CASE rule WHEN 'assistant-other' THEN factor END) AS assistant_other,
    MAX(CASE rule WHEN 'co-surgeon' THEN factor END) AS co_surgeon,
    MAX(CASE rule WHEN 'add-on-outside-ranking' THEN factor END) AS add_on,
    MAX(CASE rule WHEN 'lower-of-charge' THEN 1 ELSE 0 END) = 1 AS lower_of_charge,
    MAX(CASE rule WHEN 'coinsurance' THEN factor END) AS coinsurance,
    MAX(CASE rule WHEN 'sequestration' THEN factor END) AS sequestration,
    MAX(CASE rule WHEN 'asc-wage-share' THEN factor END) AS center_wage_share,
    MAX(CASE rule WHEN 'asc-multiple-procedure-highest' THEN factor END) AS center_highest,
    MAX(CASE rule WHEN 'asc-multiple-procedure-other' THEN factor END) AS center_other,
    MAX(CASE rule WHEN 'asc-bilateral-second-line' THEN factor END) AS center_second_side,
    MAX(CASE rule WHEN 'asc-modifier-52' THEN factor END) AS center_reduced,
    MAX(CASE rule WHEN 'asc-modifier-73' THEN factor END) AS center_stopped
FROM held
GROUP BY span;

-- What a status or an indicator does, with the number of the rule that it calls.
CREATE TEMP TABLE treatment AS
SELECT span.span, held.kind, held."value" AS letter, held.treatment AS word, held.rule,
    CAST(knowledge_rule.factor AS DECIMAL(6, 4)) AS factor
FROM knowledge_treatment AS held
INNER JOIN span ON held.first_day <= span.first_day AND held.last_day >= span.last_day
LEFT JOIN knowledge_rule
    ON held.rule = knowledge_rule.rule
    AND knowledge_rule.first_day <= span.first_day
    AND knowledge_rule.last_day >= span.last_day
WHERE held.kind <> 'modifier';

-- What the place in the ranking is paid; the last row of a span serves all places after it.
CREATE TEMP TABLE ranking AS
SELECT span, CASE letter WHEN 'later' THEN NULL ELSE CAST(letter AS INTEGER) END AS place, rule, factor
FROM treatment
WHERE kind = 'rank';

-- The setting and the site of a line, by its place of service, its setting, or both where they agree.
CREATE TEMP TABLE site AS
WITH
known AS (
    SELECT span.span, places.place_of_service, places.setting, COALESCE(sites.site, 'facility') AS site
    FROM knowledge_place AS places
    INNER JOIN span ON places.first_day <= span.first_day AND places.last_day >= span.last_day
    LEFT JOIN knowledge_site AS sites
        ON places.place_of_service = sites.place_of_service
        AND sites.first_day <= span.first_day
        AND sites.last_day >= span.last_day
)
SELECT span, place_of_service, '' AS given_setting, setting, site FROM known
UNION ALL
SELECT span, place_of_service, setting, setting, site FROM known
UNION ALL
SELECT span, '', setting, setting, MIN(site) FROM known GROUP BY span, setting;
