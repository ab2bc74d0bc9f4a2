-- The histories of the cases in order, their facts, each once, the weightiest, and what bears on them.
CREATE OR REPLACE TEMP TABLE event AS
SELECT
    e.ord,
    e.no,
    row_number() OVER (
        PARTITION BY e.ord
        -- Within a day by all that is said, so that the order in which it was written never matters.
        ORDER BY
            e.day, e.technique, e.region, e.joints, e.purpose, e.sequence, e.sides, COALESCE(t.said, []), e.no
    ) AS place,
    e.day,
    date_diff('day', e.day, c.day) AS days_ago,
    e.technique,
    e.purpose,
    e.sequence,
    e.joints,
    e.area = c.area AS near,
    e.technique IN (SELECT word FROM word WHERE list = 'ablation_technique') AS ablation,
    e.technique IN (SELECT word FROM word WHERE list = 'injection_technique') AS injection,
    CASE
        WHEN
            e.technique NOT IN (SELECT word FROM word WHERE list = 'injection_technique')
            OR c.technique NOT IN (SELECT word FROM word WHERE list = 'injection_technique')
            THEN e.technique = c.technique
        WHEN c.purpose <> '' AND e.purpose <> '' THEN e.purpose = c.purpose
    END AS alike,
    CASE WHEN c.sides <> '' AND e.sides <> '' THEN 'bilateral' IN (c.sides, e.sides) OR c.sides = e.sides END AS side,
    CASE WHEN c.sides = '' THEN 'procedure.sides' ELSE 'history.sides' END AS side_wants
FROM placed_event AS e
JOIN plain AS c ON c.ord = e.ord
LEFT JOIN (
    SELECT ord, no, list_sort(list(name || chr(1) || text)) AS said FROM given_event_fact GROUP BY ord, no
) AS t ON t.ord = e.ord AND t.no = e.no;

CREATE OR REPLACE TEMP TABLE event_fact AS
SELECT f.ord, f.no, f.name, f.text, CASE WHEN a.type = 'number' THEN CAST(f.text AS DECIMAL(28, 10)) END AS number
FROM given_event_fact AS f
JOIN plain AS c ON c.ord = f.ord
JOIN asks AS a ON a.name = f.name;

CREATE OR REPLACE TEMP TABLE fact AS
WITH kin AS (
    SELECT ord, no, place, alike FROM event WHERE near AND alike IS DISTINCT FROM FALSE
),
-- The diagnostic blocks that a first treatment rests on, where nothing of its own kind went before.
blocks AS (
    SELECT e.ord, e.no, e.place, e.alike
    FROM event AS e
    JOIN plain AS c ON c.ord = e.ord
    ANTI JOIN kin AS k ON k.ord = e.ord
    WHERE
        e.near
        AND e.injection
        AND e.purpose = 'diagnostic'
        AND c.sequence IN ('', 'initial')
        AND c.purpose <> 'diagnostic'
        AND c.technique IN (SELECT word FROM word WHERE list IN ('injection_technique', 'ablation_technique'))
),
last_alike AS (
    SELECT ord, no
    FROM (SELECT * FROM kin UNION ALL SELECT * FROM blocks)
    QUALIFY place = max(place) OVER (PARTITION BY ord) AND alike IS NOT NULL
),
last_ablation AS (
    SELECT ord, arg_max(no, place) AS no, arg_max(days_ago, place) AS days_ago
    FROM event WHERE near AND ablation GROUP BY ord
),
offered AS (
    SELECT ord, 'procedure.technique' AS name, technique AS text, -5 AS rank FROM plain
    UNION ALL
    SELECT ord, 'procedure.region', region, -5 FROM plain
    UNION ALL
    SELECT ord, 'procedure.purpose', purpose, -5 FROM plain WHERE purpose <> ''
    UNION ALL
    SELECT ord, 'procedure.setting', setting, -5 FROM plain WHERE setting <> ''
    UNION ALL
    SELECT f.ord, f.name, f.text, -4 FROM event_fact AS f JOIN last_alike USING (ord, no)
    UNION ALL
    SELECT ord, 'history.days_since_last_ablation', CAST(days_ago AS VARCHAR), -3 FROM last_ablation
    UNION ALL
    SELECT f.ord, f.name, f.text, -3
    FROM event_fact AS f JOIN last_ablation USING (ord, no)
    WHERE f.name = 'history.successful_ablation_at_level'
    UNION ALL
    SELECT c.ord, 'history.successful_ablation_at_level', 'false', -3
    FROM plain AS c ANTI JOIN last_ablation AS l ON l.ord = c.ord
    WHERE c.documented
    UNION ALL
    SELECT ord, 'procedure.levels', CAST(len(joints) AS VARCHAR), 0 FROM plain WHERE len(joints) > 0
    UNION ALL
    SELECT f.ord, f.name, f.text, f.rank FROM given_fact AS f JOIN plain AS c ON c.ord = f.ord
),
chosen AS (
    SELECT ord, name, arg_max(text, rank) AS text FROM offered GROUP BY ord, name
)
SELECT
    c.ord,
    c.name,
    CASE WHEN a.type = 'number' THEN CAST(c.text AS DECIMAL(28, 10)) END AS number,
    CASE
        WHEN a.type = 'number' THEN rtrim(rtrim(CAST(CAST(c.text AS DECIMAL(28, 10)) AS VARCHAR), '0'), '.')
        ELSE c.text
    END AS text
FROM chosen AS c
JOIN asks AS a ON a.name = c.name;

CREATE OR REPLACE TEMP TABLE cases AS
SELECT
    c.* EXCLUDE (sequence),
    CASE
        WHEN c.sequence <> '' THEN c.sequence
        WHEN NOT c.documented THEN ''
        WHEN COALESCE(k.alike, FALSE) THEN CASE WHEN c.purpose = 'diagnostic' THEN 'second' ELSE 'repeat' END
        WHEN COALESCE(k.unclear, FALSE) THEN ''
        ELSE 'initial'
    END AS sequence,
    g.text AS guidance,
    l.number AS levels
FROM plain AS c
LEFT JOIN (
    SELECT ord, bool_or(alike) AS alike, bool_or(alike IS NULL) AS unclear FROM event WHERE near GROUP BY ord
) AS k ON k.ord = c.ord
LEFT JOIN fact AS g ON g.ord = c.ord AND g.name = 'procedure.guidance'
LEFT JOIN fact AS l ON l.ord = c.ord AND l.name = 'procedure.levels';

-- A procedure that names no joints is taken to be at the level of an earlier one on at least as many levels.
CREATE OR REPLACE TEMP TABLE sited AS
SELECT
    e.*,
    CASE
        WHEN len(c.joints) > 0 AND len(e.joints) > 0 THEN list_has_any(c.joints, e.joints)
        WHEN len(c.joints) > 0 OR len(e.joints) = 0 THEN NULL
        WHEN c.levels IS NULL OR len(e.joints) >= c.levels THEN TRUE
    END AS level,
    CASE WHEN len(c.joints) > 0 THEN 'history.joints' ELSE 'procedure.joints' END AS level_wants
FROM event AS e
JOIN cases AS c ON c.ord = e.ord;

-- What the payer has said that bears on the case. A fact that is not documented restricts nothing.
CREATE OR REPLACE TEMP TABLE bearing AS
SELECT c.ord, r.*
FROM cases AS c
JOIN rule AS r ON r.ruleset = c.ruleset
WHERE
    (len(r.bears) = 0 OR list_contains(r.bears, c.technique))
    AND (len(r.for_technique) = 0 OR list_contains(r.for_technique, c.technique))
    AND (len(r.for_purpose) = 0 OR c.purpose = '' OR list_contains(r.for_purpose, c.purpose))
    AND (len(r.for_setting) = 0 OR c.setting = '' OR list_contains(r.for_setting, c.setting))
    AND (len(r.for_guidance) = 0 OR c.guidance IS NULL OR list_contains(r.for_guidance, c.guidance))
    AND (len(r.for_region) = 0 OR list_has_any(r.for_region, [c.region, c.area]))
    AND (
        r.kind NOT IN ('session', 'window')
        OR len(r.for_sequence) = 0 OR c.sequence = '' OR list_contains(r.for_sequence, c.sequence)
    )
    AND (r.kind <> 'refusal' OR len(r.for_guidance) = 0 OR c.guidance IS NOT NULL);
