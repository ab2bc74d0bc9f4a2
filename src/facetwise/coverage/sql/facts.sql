-- The histories of the cases in order, their facts, each once, the weightiest, and what bears on them.
CREATE OR REPLACE TEMP TABLE placed_of AS
SELECT
    e.*,
    c.day AS case_day,
    c.technique AS case_technique,
    c.purpose AS case_purpose,
    c.sides AS case_sides,
    c.joints AS case_joints,
    -- A joint that both name is one place, whatever region they give it.
    e.area = c.area OR list_has_any(c.joints, e.joints) AS near,
    e.area = c.area AS counted,
    e.technique IN (SELECT word FROM word WHERE list = 'ablation_technique') AS ablation,
    e.technique IN (SELECT word FROM word WHERE list = 'injection_technique') AS injection,
    c.technique IN (SELECT word FROM word WHERE list = 'injection_technique') AS case_injection
FROM placed_event AS e
JOIN plain AS c ON c.ord = e.ord;

-- A case that names no joints is taken to be among those of its region's history, where every earlier procedure names the
-- same and the case has no more levels. An injection need not lie where an ablation was.
CREATE OR REPLACE TEMP TABLE supposed AS
SELECT p.ord
FROM placed_of AS p
JOIN (
    SELECT ord, max(TRY_CAST(text AS DECIMAL(28, 10))) AS levels
    FROM given_fact WHERE name = 'procedure.levels' GROUP BY ord
) AS l ON l.ord = p.ord
WHERE p.near AND len(p.case_joints) = 0
GROUP BY p.ord, l.levels
HAVING
    count(DISTINCT list_sort(p.joints)) = 1
    AND l.levels > 0
    AND l.levels <= max(len(p.joints))
    AND NOT (bool_or(p.case_injection) AND bool_or(NOT p.injection));

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
    date_diff('day', e.day, e.case_day) AS days_ago,
    e.technique,
    e.purpose,
    e.sequence,
    e.joints,
    e.near,
    e.counted,
    e.ablation,
    e.injection,
    CASE
        WHEN NOT e.injection OR NOT e.case_injection THEN e.technique = e.case_technique
        WHEN e.case_purpose <> '' AND e.purpose <> '' THEN e.purpose = e.case_purpose
    END AS alike,
    CASE WHEN e.case_purpose = '' THEN 'procedure.purpose' ELSE 'history.purpose' END AS alike_wants,
    CASE WHEN len(e.case_joints) > 0 AND len(e.joints) > 0 THEN list_has_any(e.case_joints, e.joints) END AS named,
    CASE WHEN e.near AND s.ord IS NOT NULL THEN TRUE ELSE named END AS level,
    CASE WHEN len(e.case_joints) > 0 THEN 'history.joints' ELSE 'procedure.joints' END AS level_wants,
    CASE
        WHEN e.case_sides <> '' AND e.sides <> ''
            THEN 'bilateral' IN (e.case_sides, e.sides) OR e.case_sides = e.sides
    END AS side,
    CASE WHEN e.case_sides = '' THEN 'procedure.sides' ELSE 'history.sides' END AS side_wants,
    -- A second diagnostic block is one of the region; a treatment is repeated where it was done before.
    CASE
        WHEN e.case_injection AND e.case_purpose <> 'therapeutic' THEN e.near AND alike
        ELSE e.near AND alike AND level AND side
    END AS kin
FROM placed_of AS e
LEFT JOIN supposed AS s ON s.ord = e.ord
LEFT JOIN (
    SELECT ord, no, list_sort(list(name || chr(1) || text)) AS said FROM given_event_fact GROUP BY ord, no
) AS t ON t.ord = e.ord AND t.no = e.no;

CREATE OR REPLACE TEMP TABLE event_fact AS
SELECT f.ord, f.no, f.name, f.text, CASE WHEN a.type = 'number' THEN CAST(f.text AS DECIMAL(28, 10)) END AS number
FROM given_event_fact AS f
JOIN plain AS c ON c.ord = f.ord
JOIN asks AS a ON a.name = f.name;

-- Ablations that may lie at this level, and whether one of them succeeded there.
CREATE OR REPLACE TEMP TABLE ablated AS
SELECT
    e.ord,
    e.no,
    e.place,
    e.days_ago,
    e.level IS NOT NULL AS here,
    e.level AND f.text = 'true' AS succeeded,
    e.level_wants,
    list_concat(
        CASE WHEN e.level IS NULL THEN [e.level_wants] ELSE [] END,
        CASE WHEN f.text IS NULL THEN ['history.successful_ablation_at_level'] ELSE [] END
    ) AS wants
FROM event AS e
LEFT JOIN event_fact AS f
    ON f.ord = e.ord AND f.no = e.no AND f.name = 'history.successful_ablation_at_level'
WHERE e.near AND e.ablation AND e.level IS DISTINCT FROM FALSE;

CREATE OR REPLACE TEMP TABLE success AS
SELECT
    c.ord,
    CASE
        WHEN bool_or(a.succeeded) THEN TRUE
        WHEN count(a.no) > count(a.succeeded) THEN NULL
        ELSE FALSE
    END AS succeeded,
    flatten(list(a.wants ORDER BY a.place) FILTER (a.no IS NOT NULL AND a.succeeded IS NULL)) AS wants
FROM plain AS c
LEFT JOIN ablated AS a ON a.ord = c.ord
WHERE c.documented
GROUP BY c.ord;

CREATE OR REPLACE TEMP TABLE last_ablation AS
SELECT ord, arg_max(days_ago, place) AS days_ago, arg_max(here, place) AS here, arg_max(level_wants, place) AS level_wants
FROM ablated GROUP BY ord;

-- The last day of procedures of this kind at this place; where there are none, that of the diagnostic blocks that a first
-- treatment rests on. `here` is not known where one of them is unclear.
CREATE OR REPLACE TEMP TABLE session AS
WITH kin AS (
    SELECT ord, no, place, day, kin AND level AND side AS here, alike IS NULL AS unlike
    FROM event
    WHERE (kin AND level AND side) IS DISTINCT FROM FALSE
),
blocks AS (
    SELECT e.ord, e.no, e.place, e.day, e.level AND e.side AS here, FALSE AS unlike
    FROM event AS e
    JOIN plain AS c ON c.ord = e.ord
    ANTI JOIN kin AS k ON k.ord = e.ord
    WHERE
        e.near
        AND (e.level AND e.side) IS DISTINCT FROM FALSE
        AND e.injection
        AND e.purpose = 'diagnostic'
        AND c.sequence IN ('', 'initial')
        AND c.purpose <> 'diagnostic'
        AND c.technique IN (SELECT word FROM word WHERE list IN ('injection_technique', 'ablation_technique'))
),
last_day AS (
    SELECT * FROM (SELECT * FROM kin UNION ALL SELECT * FROM blocks)
    QUALIFY day = max(day) OVER (PARTITION BY ord)
)
SELECT
    l.ord,
    l.no,
    l.place,
    count(*) OVER (PARTITION BY l.ord) AS size,
    bool_and(COALESCE(l.here, FALSE)) OVER (PARTITION BY l.ord) AS clear,
    CASE
        WHEN l.here IS NULL
            THEN list_concat(
                CASE WHEN l.unlike THEN [e.alike_wants] ELSE [] END,
                CASE WHEN e.level IS NULL THEN [e.level_wants] ELSE [] END,
                CASE WHEN e.side IS NULL THEN [e.side_wants] ELSE [] END
            )
        ELSE []
    END AS wants
FROM last_day AS l
JOIN event AS e ON e.ord = l.ord AND e.no = l.no;

-- What is missing where a derived fact is not known for want of something else.
CREATE OR REPLACE TEMP TABLE fact_wants AS
SELECT ord, 'history.successful_ablation_at_level' AS name, wants FROM success WHERE succeeded IS NULL
UNION ALL
SELECT ord, 'history.days_since_last_ablation', [level_wants] FROM last_ablation WHERE NOT here
UNION ALL
SELECT s.ord, a.name, s.wants
FROM (
    SELECT ord, list_filter(wants, LAMBDA x, i: list_position(wants, x) = i) AS wants
    FROM (SELECT ord, flatten(list(wants ORDER BY place)) AS wants FROM session WHERE NOT clear GROUP BY ord)
) AS s
JOIN asks AS a ON starts_with(a.name, 'history.')
WHERE a.name NOT IN ('history.successful_ablation_at_level', 'history.days_since_last_ablation')
UNION ALL
SELECT ord, 'authorization.days_since_decision', ['authorization.decided_on'] FROM plain;

CREATE OR REPLACE TEMP TABLE fact AS
WITH offered AS (
    SELECT ord, 'procedure.technique' AS name, technique AS text, -5 AS rank FROM plain
    UNION ALL
    SELECT ord, 'procedure.region', region, -5 FROM plain
    UNION ALL
    SELECT ord, 'procedure.purpose', purpose, -5 FROM plain WHERE purpose <> ''
    UNION ALL
    SELECT ord, 'procedure.setting', setting, -5 FROM plain WHERE setting <> ''
    UNION ALL
    -- Of several on the last day, left and right for one, a fact is known when all of them state it alike.
    SELECT f.ord, f.name, min(f.text), -4
    FROM event_fact AS f
    JOIN session AS s ON s.ord = f.ord AND s.no = f.no
    WHERE s.clear AND f.name <> 'history.successful_ablation_at_level'
    GROUP BY f.ord, f.name, s.size
    HAVING count(*) = s.size AND count(DISTINCT COALESCE(CAST(f.number AS VARCHAR), f.text)) = 1
    UNION ALL
    SELECT ord, 'history.days_since_last_ablation', CAST(days_ago AS VARCHAR), -3 FROM last_ablation WHERE here
    UNION ALL
    SELECT ord, 'history.successful_ablation_at_level', CAST(succeeded AS VARCHAR), -3
    FROM success WHERE succeeded IS NOT NULL
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
        WHEN COALESCE(k.kin, FALSE) THEN CASE WHEN c.purpose = 'diagnostic' THEN 'second' ELSE 'repeat' END
        WHEN COALESCE(k.unclear, FALSE) THEN ''
        ELSE 'initial'
    END AS sequence,
    g.text AS guidance,
    l.number AS levels
FROM plain AS c
LEFT JOIN (
    SELECT ord, bool_or(kin) AS kin, bool_or(kin IS NULL) AS unclear FROM event GROUP BY ord
) AS k ON k.ord = c.ord
LEFT JOIN fact AS g ON g.ord = c.ord AND g.name = 'procedure.guidance'
LEFT JOIN fact AS l ON l.ord = c.ord AND l.name = 'procedure.levels';

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
