-- `odd`: cases that are not plainly right. The reader of single cases decides on them: it names the fault, or reads them.
CREATE OR REPLACE TABLE placed AS
SELECT g.*, s.segment, s.ruleset, s.whose, s.unknown_contractor, s.possible, a.area
FROM given AS g
JOIN scope AS s ON s.payer = g.payer AND s.state = g.state AND s.day = g.day
JOIN area AS a ON a.segment = s.segment AND a.region = g.region;

CREATE OR REPLACE TABLE placed_event AS
SELECT e.*, a.area, p.segment
FROM given_event AS e
JOIN placed AS p ON p.ord = e.ord
JOIN area AS a ON a.segment = p.segment AND a.region = e.region;

CREATE OR REPLACE TABLE odd AS
WITH keys AS (
    SELECT s.ord, 'top' AS place, e.key FROM source AS s, json_each(s.j) AS e
    UNION ALL
    SELECT s.ord, 'procedure', e.key FROM source AS s, json_each(s.j -> 'procedure') AS e
    UNION ALL
    SELECT s.ord, 'patient', e.key FROM source AS s, json_each(s.j -> 'patient') AS e
    UNION ALL
    SELECT s.ord, 'facts', e.key FROM source AS s, json_each(s.j -> 'facts') AS e
    UNION ALL
    SELECT r.ord, 'event ' || CAST(r.no AS VARCHAR), e.key FROM raw_event AS r, json_each(r.j) AS e
),
facts AS (
    SELECT ord, name, text, type FROM given_fact
    UNION ALL
    SELECT ord, name, text, type FROM given_event_fact
),
words AS (
    SELECT ord, 'setting' AS list, setting AS word, j -> 'setting' AS j FROM given JOIN source USING (ord)
    UNION ALL
    SELECT ord, 'technique', technique, j -> 'procedure' -> 'technique' FROM given JOIN source USING (ord)
    UNION ALL
    SELECT ord, 'purpose', purpose, j -> 'procedure' -> 'purpose' FROM given JOIN source USING (ord)
    UNION ALL
    SELECT ord, 'sequence', sequence, j -> 'procedure' -> 'sequence' FROM given JOIN source USING (ord)
    UNION ALL
    SELECT ord, 'side', sides, j -> 'procedure' -> 'sides' FROM given JOIN source USING (ord)
    UNION ALL
    SELECT e.ord, 'technique', technique, j -> 'technique' FROM given_event AS e JOIN raw_event USING (ord, no)
    UNION ALL
    SELECT e.ord, 'purpose', purpose, j -> 'purpose' FROM given_event AS e JOIN raw_event USING (ord, no)
    UNION ALL
    SELECT e.ord, 'sequence', sequence, j -> 'sequence' FROM given_event AS e JOIN raw_event USING (ord, no)
    UNION ALL
    SELECT e.ord, 'side', sides, j -> 'sides' FROM given_event AS e JOIN raw_event USING (ord, no)
),
lists AS (
    SELECT ord, j -> 'procedure' -> 'joints' AS j FROM source
    UNION ALL
    SELECT ord, j -> 'procedure' -> 'codes' FROM source
    UNION ALL
    SELECT ord, j -> 'joints' FROM raw_event
),
joints AS (
    SELECT ord, segment, region, joints, unnest(joints) AS joint FROM placed
    UNION ALL
    SELECT ord, segment, region, joints, unnest(joints) FROM placed_event
),
found AS (
    -- shapes
    SELECT ord FROM source
    WHERE
        json_type(j) <> 'OBJECT'
        OR COALESCE(json_type(j -> 'procedure'), 'NULL') <> 'OBJECT'
        OR COALESCE(json_type(j -> 'patient'), 'NULL') NOT IN ('OBJECT', 'NULL')
        OR COALESCE(json_type(j -> 'facts'), 'NULL') NOT IN ('OBJECT', 'NULL')
        OR COALESCE(json_type(j -> 'history'), 'NULL') NOT IN ('ARRAY', 'NULL')
        OR (j ->> 'state') = ''
    UNION ALL
    SELECT ord FROM raw_event WHERE json_type(j) <> 'OBJECT'
    UNION ALL
    SELECT ord FROM lists WHERE COALESCE(json_type(j), 'NULL') NOT IN ('ARRAY', 'NULL')
    UNION ALL
    SELECT l.ord FROM lists AS l, json_each(CASE WHEN json_type(l.j) = 'ARRAY' THEN l.j END) AS e WHERE e.type NOT IN ('VARCHAR', 'UBIGINT')
    -- keys
    UNION ALL
    SELECT ord FROM keys
    WHERE
        place = 'top'
        AND key NOT IN (
            'case_id', 'payer', 'state', 'date_of_service', 'setting', 'procedure', 'patient', 'history', 'facts'
        )
    UNION ALL
    SELECT ord FROM keys GROUP BY ord, place, key HAVING count(*) > 1
    -- days, payers, states and regions that are not known
    UNION ALL
    SELECT g.ord FROM given AS g ANTI JOIN placed AS p ON p.ord = g.ord
    UNION ALL
    SELECT g.ord FROM given_event AS g ANTI JOIN placed_event AS p ON p.ord = g.ord AND p.no = g.no
    UNION ALL
    SELECT e.ord FROM given_event AS e JOIN given AS g ON g.ord = e.ord WHERE e.day IS NULL OR e.day > g.day
    -- a test of a shape that the rows do not hold
    UNION ALL
    SELECT p.ord FROM placed AS p JOIN rule AS r ON r.ruleset = p.ruleset JOIN beyond AS b ON b.test = r.test
    UNION ALL
    SELECT p.ord
    FROM placed AS p
    JOIN scope_by AS v ON v.payer = p.payer AND v.state = p.state AND v.day = p.day
    JOIN rule AS r ON r.ruleset = v.ruleset
    JOIN beyond AS b ON b.test = r.test
    -- a pair of joints over a region's border, which counts as its payer's rule of that day says
    UNION ALL
    SELECT p.ord FROM placed AS p JOIN pair AS q ON q.segment = p.segment AND list_has_all(p.joints, q.joints)
    UNION ALL
    SELECT e.ord FROM placed_event AS e JOIN pair AS q ON q.segment = e.segment AND list_has_all(e.joints, q.joints)
    -- words, joints, facts
    UNION ALL
    SELECT w.ord FROM words AS w ANTI JOIN word AS k ON k.list = w.list AND k.word = w.word
    WHERE COALESCE(json_type(w.j), 'NULL') <> 'NULL'
    UNION ALL
    SELECT ord FROM given WHERE technique = ''
    UNION ALL
    SELECT ord FROM given_event WHERE technique = ''
    UNION ALL
    SELECT l.ord
    FROM joints AS l
    LEFT JOIN joint AS k ON k.segment = l.segment AND k.joint = l.joint
    WHERE k.joint IS NULL OR NOT list_contains(k.regions, l.region) OR len(list_distinct(l.joints)) < len(l.joints)
    UNION ALL
    SELECT g.ord FROM given AS g JOIN given_fact AS f ON f.ord = g.ord AND f.name = 'procedure.levels'
    WHERE len(g.joints) > 0 AND f.text <> CAST(len(g.joints) AS VARCHAR)
    UNION ALL
    SELECT f.ord
    FROM facts AS f
    LEFT JOIN asks AS a ON a.name = f.name
    LEFT JOIN word AS w ON a.type = 'word' AND w.list = a.words AND w.word = f.text
    WHERE
        f.type IN ('OBJECT', 'ARRAY')
        OR NOT COALESCE(
            CASE a.type
                WHEN 'boolean' THEN f.text IN ('true', 'false')
                -- A number of more digits than SQL keeps here is left to the exact reader.
                WHEN 'number' THEN
                    regexp_full_match(f.text, '(0|[1-9]\d{0,14})(\.\d{1,6})?')
                    AND (a.unit <> 'percent' OR TRY_CAST(f.text AS DECIMAL(28, 10)) <= 100)
                    AND (a.unit <> 'points' OR TRY_CAST(f.text AS DECIMAL(28, 10)) <= 10)
                    AND (a.unit NOT IN ('levels', 'sessions', 'procedures', 'visits') OR NOT contains(f.text, '.'))
                WHEN 'word' THEN w.word IS NOT NULL
                ELSE FALSE
            END,
            FALSE
        )
)
SELECT DISTINCT ord FROM found;
