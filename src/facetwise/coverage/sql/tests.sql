-- The leaves of every test that a case needs, in SQL's own logic: TRUE met, FALSE not met, NULL unknown.
CREATE OR REPLACE TEMP TABLE needed AS
SELECT DISTINCT ord, test FROM bearing WHERE test IS NOT NULL AND kind IN ('criterion', 'refusal');

CREATE OR REPLACE TEMP TABLE leaf_status AS
SELECT
    n.ord,
    n.test,
    l.node,
    l.name,
    f.text AS seen,
    CASE
        WHEN f.text IS NULL THEN NULL
        WHEN l.type = 'number'
            THEN
                (l.at_least IS NULL OR f.number >= l.at_least)
                AND (l.more_than IS NULL OR f.number > l.more_than)
                AND (l.at_most IS NULL OR f.number <= l.at_most)
                AND (l.less_than IS NULL OR f.number < l.less_than)
        ELSE list_contains(l.wanted, f.text)
    END AS status,
    CASE WHEN f.text IS NULL THEN COALESCE(w.wants, [l.name]) ELSE [] END AS missing
FROM needed AS n
JOIN leaf AS l ON l.test = n.test
LEFT JOIN fact AS f ON f.ord = n.ord AND f.name = l.name
LEFT JOIN fact_wants AS w ON w.ord = n.ord AND w.name = l.name;

-- Every earlier procedure against every condition of every `prior`.
CREATE OR REPLACE TEMP TABLE fit AS
WITH checked AS (
    SELECT
        e.ord,
        n.test,
        p.node,
        e.place,
        k.pos,
        k.choice,
        CASE
            WHEN k.kind IS NULL THEN TRUE
            WHEN k.kind = 'technique' THEN list_contains(k.wanted, NULLIF(e.technique, ''))
            WHEN k.kind = 'purpose' THEN CASE WHEN e.purpose <> '' THEN list_contains(k.wanted, e.purpose) END
            WHEN k.kind = 'sequence' THEN CASE WHEN e.sequence <> '' THEN list_contains(k.wanted, e.sequence) END
            WHEN k.kind = 'within' THEN e.days_ago <= k.days
            WHEN k.kind = 'fact'
                THEN CASE
                    WHEN f.text IS NULL THEN NULL
                    WHEN k.type = 'number'
                        THEN
                            (k.at_least IS NULL OR f.number >= k.at_least)
                            AND (k.more_than IS NULL OR f.number > k.more_than)
                            AND (k.at_most IS NULL OR f.number <= k.at_most)
                            AND (k.less_than IS NULL OR f.number < k.less_than)
                    ELSE list_contains(k.wanted, f.text)
                END
            WHEN NOT e.near THEN FALSE
            WHEN k.kind = 'same_level' THEN e.level
            WHEN k.kind = 'same_side' THEN e.side
            ELSE TRUE
        END AS status,
        CASE
            WHEN k.kind IN ('technique', 'purpose', 'sequence') THEN 'history.' || k.kind
            WHEN k.kind = 'fact' THEN k.name
            WHEN k.kind = 'same_level' THEN e.level_wants
            WHEN k.kind = 'same_side' THEN e.side_wants
        END AS wants
    FROM needed AS n
    JOIN prior AS p ON p.test = n.test
    JOIN event AS e ON e.ord = n.ord
    LEFT JOIN prior_check AS k ON k.test = p.test AND k.node = p.node
    LEFT JOIN event_fact AS f ON k.kind = 'fact' AND f.ord = e.ord AND f.no = e.no AND f.name = k.name
),
-- Of the choices within one condition, one must be met.
conditions AS (
    SELECT
        ord,
        test,
        node,
        place,
        pos,
        CASE WHEN bool_or(status) THEN TRUE WHEN count(*) > count(status) THEN NULL ELSE FALSE END AS status,
        list(wants ORDER BY choice) FILTER (status IS NULL) AS wants
    FROM checked
    GROUP BY ord, test, node, place, pos
)
SELECT
    ord,
    test,
    node,
    place,
    CASE
        WHEN bool_or(NOT status) THEN FALSE
        WHEN count(*) > count(status) THEN NULL
        ELSE TRUE
    END AS status,
    flatten(list(wants ORDER BY pos) FILTER (status IS NULL)) AS missing
FROM conditions
GROUP BY ord, test, node, place;

-- How many count, at least and at most: days, for left and right on one day are one procedure. With a distance (`gap`), the latest is taken first and then the next that lies
-- far enough before the one taken last: no other choice gives more. `several`: distance is between earlier procedures only.
INSERT INTO leaf_status
WITH fitting AS (
    SELECT
        c.ord,
        c.day,
        c.documented,
        p.*,
        list(e.day ORDER BY e.day DESC) FILTER (f.status) AS sure,
        list(e.day ORDER BY e.day DESC) FILTER (f.status IS NULL OR f.status) AS possible,
        string_agg(CAST(e.day AS VARCHAR) || ' ' || e.technique, ', ' ORDER BY e.place) FILTER (f.status) AS seen,
        flatten(list(f.missing ORDER BY e.place) FILTER (f.place IS NOT NULL AND f.status IS NULL)) AS missing
    FROM needed AS n
    JOIN prior AS p ON p.test = n.test
    JOIN cases AS c ON c.ord = n.ord
    LEFT JOIN fit AS f ON f.ord = n.ord AND f.test = p.test AND f.node = p.node
    LEFT JOIN event AS e ON e.ord = f.ord AND e.place = f.place
    GROUP BY ALL
),
counted AS (
    SELECT
        *,
        list_transform([sure, possible], LAMBDA days: CASE
            WHEN gap IS NULL THEN len(list_distinct(list_filter(COALESCE(days, []), LAMBDA d: d IS NOT NULL)))
            ELSE list_reduce(
                list_transform(
                    list_filter(COALESCE(days, []), LAMBDA d: d IS NOT NULL),
                    LAMBDA d: {'number': CAST(0 AS BIGINT), 'latest': d}
                ),
                LAMBDA a, x: CASE
                    WHEN date_diff('day', x.latest, a.latest) >= gap OR (several AND a.number = 0)
                        THEN {'number': a.number + 1, 'latest': x.latest}
                    ELSE a
                END,
                {'number': CAST(0 AS BIGINT), 'latest': day}
            ).number
        END) AS numbers
    FROM fitting
),
judged AS (
    SELECT
        *,
        list_distinct(list_transform(range(numbers[1], numbers[2] + 1), LAMBDA number:
            (at_least IS NULL OR number >= at_least)
            AND (more_than IS NULL OR number > more_than)
            AND (at_most IS NULL OR number <= at_most)
            AND (less_than IS NULL OR number < less_than)
        )) AS outcomes
    FROM counted
)
SELECT
    ord,
    test,
    node,
    'history',
    CASE WHEN documented THEN COALESCE(seen, 'none that fits') END,
    CASE WHEN documented AND len(outcomes) = 1 THEN outcomes[1] END,
    CASE
        WHEN NOT documented THEN ['history']
        WHEN len(outcomes) = 1 THEN []
        WHEN len(COALESCE(missing, [])) = 0 THEN ['history']
        ELSE missing
    END
FROM judged;

CREATE OR REPLACE TEMP TABLE node_status AS
SELECT s.ord, s.test, s.node, t.parent, t.depth, s.status, s.missing
FROM leaf_status AS s
JOIN test_node AS t ON t.test = s.test AND t.node = s.node;
