-- From tests to findings: the root of each tree, limits, positions, and the outcome of each case.
CREATE OR REPLACE TEMP TABLE seen AS
WITH facts AS (
    SELECT ord, test, name, arg_max(seen, node) AS value, min(node) AS place
    FROM leaf_status WHERE seen IS NOT NULL GROUP BY ord, test, name
)
SELECT
    ord,
    test,
    string_agg(CAST(to_json(name) AS VARCHAR) || ':' || CAST(to_json(value) AS VARCHAR), ',' ORDER BY place) AS pairs
FROM facts
GROUP BY ord, test;

CREATE OR REPLACE TEMP TABLE tested AS
SELECT n.ord, n.test, s.status, s.missing, e.pairs
FROM needed AS n
JOIN node_status AS s ON s.ord = n.ord AND s.test = n.test AND s.node = 0
LEFT JOIN seen AS e ON e.ord = n.ord AND e.test = n.test;

CREATE OR REPLACE TEMP TABLE window_use AS
WITH asked AS (
    SELECT
        b.*,
        c.day,
        c.documented,
        c.purpose,
        CAST(CASE WHEN b.by_year THEN dayofyear(c.day) ELSE b.window_days END AS BIGINT) AS length
    FROM bearing AS b
    JOIN cases AS c ON c.ord = b.ord
    WHERE b.kind = 'window'
),
-- A limit on regions counts the other regions; all others count within the procedure's own. Where the source does not say that
-- the limit is for each region, the other regions may count as well.
events AS (
    SELECT
        a.ord,
        a.seq,
        a.length,
        a.countable,
        len(a.for_purpose) > 0 AND e.purpose = '' AS purpose_unclear,
        a.over_all AND NOT e.counted AS elsewhere,
        e.place,
        e.day,
        e.days_ago,
        a.repeats AND e.day = min(e.day) OVER (PARTITION BY a.ord, a.seq) AS is_first,
        list_transform(a.per, LAMBDA what: CASE
            WHEN NOT e.near THEN FALSE WHEN what = 'level' THEN e.named ELSE e.side
        END) AS held,
        list_transform(a.per, LAMBDA what: CASE WHEN what = 'level' THEN e.level_wants ELSE e.side_wants END) AS wants
    FROM asked AS a
    JOIN event AS e
        ON
            e.ord = a.ord
            AND (e.counted = (a.counts <> 'region') OR a.over_all)
            AND (len(a.for_technique) = 0 OR list_contains(a.for_technique, e.technique))
            AND (len(a.for_purpose) = 0 OR e.purpose = '' OR list_contains(a.for_purpose, e.purpose))
),
clear AS (
    SELECT
        ord,
        seq,
        place,
        day,
        list_concat(
            CASE WHEN elsewhere THEN ['whether the limit is for each region, which its source does not say'] ELSE [] END,
            list_filter(wants, LAMBDA x, i: held[i] IS NULL),
            CASE WHEN purpose_unclear THEN ['history.purpose'] ELSE [] END,
            CASE WHEN countable THEN [] ELSE ['a person''s judgement'] END
        ) AS unclear
    FROM events
    WHERE NOT is_first AND (length IS NULL OR days_ago < length) AND NOT COALESCE(list_contains(held, FALSE), FALSE)
),
held AS (
    SELECT
        ord,
        seq,
        list_sort(list_distinct(list(day) FILTER (len(unclear) = 0))) AS sure,
        list_distinct(list(day) FILTER (len(unclear) > 0)) AS possible,
        flatten(list(unclear ORDER BY place)) AS missing
    FROM clear
    GROUP BY ord, seq
),
counted AS (
    SELECT
        a.*,
        COALESCE(h.sure, []) AS sure,
        COALESCE(h.missing, []) AS unclear,
        len(COALESCE(h.sure, [])) AS used,
        len(list_distinct(list_concat(COALESCE(h.sure, []), COALESCE(h.possible, [])))) AS most,
        CAST(trunc(a.at_most) AS BIGINT) AS allowed
    FROM asked AS a
    LEFT JOIN held AS h ON h.ord = a.ord AND h.seq = a.seq
)
SELECT
    *,
    CASE
        WHEN at_most IS NULL THEN ['a person''s judgement']
        WHEN NOT documented THEN ['history']
        WHEN used + 1 > at_most AND length IS NULL THEN ['a person''s judgement']
        WHEN used + 1 > at_most AND len(for_purpose) > 0 AND purpose = '' THEN ['procedure.purpose']
        WHEN used + 1 <= at_most AND most + 1 > at_most THEN unclear
    END AS missing,
    CASE WHEN missing IS NOT NULL THEN 'unknown' WHEN used + 1 > at_most THEN 'not_met' ELSE 'met' END AS status,
    -- A session leaves the window `length` days after it; the one that makes room is counted from the latest.
    CASE
        WHEN length IS NULL OR used < allowed OR allowed <= 0 THEN NULL
        WHEN by_year THEN make_date(year(day) + 1, 1, 1)
        ELSE sure[used - allowed + 1] + CAST(length AS INTEGER)
    END AS next_day
FROM counted;

CREATE OR REPLACE TEMP TABLE session_use AS
WITH measured AS (
    SELECT
        b.ord,
        b.part,
        b.place,
        b.seq,
        b.id,
        b.conflicting,
        b.at_most,
        b.fact,
        c.sides,
        COALESCE(f.number, CASE WHEN b.fact = 'procedure.regions' THEN 1 END) AS number,
        COALESCE(f.text, CASE WHEN b.fact = 'procedure.regions' THEN '1' END) AS text,
        -- Blocks and injections go by side: both sides are twice as many.
        CASE WHEN b.counts IN ('injection', 'block') AND c.sides IN ('', 'bilateral') THEN 2 ELSE 1 END AS high,
        CASE WHEN b.counts = 'injection' AND c.sides = 'bilateral' THEN 2 ELSE 1 END AS low
    FROM bearing AS b
    JOIN cases AS c ON c.ord = b.ord
    LEFT JOIN fact AS f ON f.ord = b.ord AND f.name = b.fact
    WHERE b.kind = 'session'
)
SELECT
    *,
    CASE
        WHEN number IS NULL THEN [fact]
        WHEN at_most IS NULL THEN ['a person''s judgement']
        WHEN number * low > at_most THEN NULL
        WHEN number * high > at_most THEN [CASE WHEN sides <> '' THEN 'a person''s judgement' ELSE 'procedure.sides' END]
    END AS missing,
    CASE WHEN missing IS NOT NULL THEN 'unknown' WHEN number * low > at_most THEN 'not_met' ELSE 'met' END AS status
FROM measured;

CREATE OR REPLACE TEMP TABLE reported AS
WITH own AS (
    SELECT c.ord, arg_min(f.codes, f.place) AS codes
    FROM cases AS c
    JOIN family AS f
        ON
            f.segment = c.segment
            AND list_contains(f.technique, c.technique)
            AND (len(f.region) = 0 OR list_contains(f.region, c.area))
            AND (len(f.guidance) = 0 OR list_contains(f.guidance, COALESCE(c.guidance, 'fluoroscopy')))
    WHERE len(c.codes) = 0
    GROUP BY c.ord
),
listed AS (
    SELECT ord, codes FROM cases WHERE len(codes) > 0
    UNION ALL
    SELECT o.ord, o.codes[1:greatest(1, CAST(trunc(COALESCE(c.levels, 1)) AS BIGINT))]
    FROM own AS o JOIN cases AS c ON c.ord = o.ord
),
each AS (
    SELECT ord, unnest(codes) AS code, generate_subscripts(codes, 1) AS place FROM listed
)
SELECT ord, code, min(place) AS place FROM each GROUP BY ord, code;

CREATE OR REPLACE TEMP TABLE refused AS
WITH said AS (
    SELECT r.ord, r.code, r.place AS code_place, b.place, b.seq, b.entry, b.refused, b.statement, b.citations
    FROM reported AS r
    JOIN bearing AS b ON b.ord = r.ord AND b.kind = 'position' AND list_contains(b.codes, r.code)
),
entries AS (
    -- The first question that says anything of the code answers.
    SELECT
        ord,
        code,
        code_place,
        entry,
        refused,
        min(seq) AS first,
        arg_max(statement, seq) AS statement,
        any_value(citations) AS citations
    FROM (SELECT * FROM said QUALIFY place = min(place) OVER (PARTITION BY ord, code))
    GROUP BY ord, code, code_place, entry, refused
)
SELECT
    ord,
    code,
    code_place,
    string_agg(statement, ' ' ORDER BY first) AS statement,
    flatten(list(citations ORDER BY first)) AS citations
FROM entries
GROUP BY ord, code, code_place
HAVING bool_and(refused);

CREATE OR REPLACE TEMP TABLE judged AS
WITH rules AS (
    SELECT
        b.ord,
        b.part,
        b.place,
        b.seq,
        b.id,
        b.kind,
        b.conflicting,
        c.technique,
        len(b.for_purpose) > 0 AND c.purpose = '' AS purpose_wanted,
        len(b.for_sequence) > 0 AND c.sequence = '' AS sequence_wanted,
        b.test,
        t.status,
        t.missing,
        t.pairs
    FROM bearing AS b
    JOIN cases AS c ON c.ord = b.ord
    LEFT JOIN tested AS t ON t.ord = b.ord AND t.test = b.test
    WHERE
        (b.kind = 'criterion' AND (len(b.for_sequence) = 0 OR c.sequence = '' OR list_contains(b.for_sequence, c.sequence)))
        OR (b.kind = 'refusal' AND (b.test IS NULL OR t.status IS NULL OR t.status))
),
results AS (
    SELECT
        ord,
        part,
        place,
        seq,
        id,
        CASE
            WHEN sequence_wanted OR test IS NULL OR status IS NULL THEN 'unknown'
            WHEN status THEN 'met'
            WHEN purpose_wanted OR conflicting THEN 'unknown'
            ELSE 'not_met'
        END AS status,
        CASE WHEN NOT sequence_wanted THEN '{' || pairs || '}' END AS found,
        CASE
            WHEN sequence_wanted THEN ['procedure.sequence']
            WHEN test IS NULL THEN ['a person''s judgement']
            WHEN status THEN []
            WHEN NOT status AND purpose_wanted THEN ['procedure.purpose']
            WHEN len(COALESCE(missing, [])) > 0 THEN missing
            WHEN status IS NULL OR conflicting THEN ['sources disagree']
            ELSE []
        END AS missing
    FROM rules WHERE kind = 'criterion'
    UNION ALL
    SELECT
        c.ord, 1, s.place, -1, s.question, 'unknown', NULL, s.names
    FROM cases AS c
    JOIN silent AS s ON len(s.bears) = 0 OR list_contains(s.bears, c.technique)
    ANTI JOIN bearing AS b ON b.ord = c.ord AND b.part = 1 AND b.question = s.question
    WHERE EXISTS (
        SELECT 1
        FROM concern AS k
        WHERE
            k.segment = c.segment
            AND k.question = s.question
            AND (c.purpose = '' OR len(k.purpose) = 0 OR list_contains(k.purpose, c.purpose))
            AND (c.sequence = '' OR len(k.sequence) = 0 OR list_contains(k.sequence, c.sequence))
    )
    UNION ALL
    SELECT
        ord,
        part,
        place,
        seq,
        id,
        CASE WHEN conflicting OR (test IS NOT NULL AND status IS NULL) THEN 'unknown' ELSE 'not_met' END,
        '{"procedure.technique":' || CAST(to_json(technique) AS VARCHAR) || COALESCE(',' || pairs, '') || '}',
        CASE WHEN conflicting AND (test IS NULL OR status) THEN ['sources disagree'] ELSE COALESCE(missing, []) END
    FROM rules WHERE kind = 'refusal'
    UNION ALL
    SELECT
        ord,
        part,
        place,
        seq,
        id,
        CASE WHEN conflicting AND status = 'not_met' THEN 'unknown' ELSE status END,
        '{"history":'
        || CAST(to_json(CASE WHEN used = 0 THEN 'none in the window' ELSE array_to_string(sure, ', ') END) AS VARCHAR)
        || '}',
        CASE WHEN conflicting AND status = 'not_met' THEN ['sources disagree'] ELSE COALESCE(missing, []) END
    FROM window_use
    UNION ALL
    SELECT
        ord,
        part,
        place,
        seq,
        id,
        CASE WHEN conflicting AND status = 'not_met' THEN 'unknown' ELSE status END,
        '{' || CAST(to_json(fact) AS VARCHAR) || ':' || CAST(to_json(text) AS VARCHAR) || '}',
        CASE WHEN conflicting AND status = 'not_met' THEN ['sources disagree'] ELSE COALESCE(missing, []) END
    FROM session_use
    UNION ALL
    SELECT
        ord,
        4,
        code_place,
        0,
        'position-' || code,
        'not_met',
        '{"codes":' || CAST(to_json(code) AS VARCHAR) || '}',
        []
    FROM refused
)
-- What the contractors share is not met only where each that may be meant has it so; else the state decides.
SELECT
    r.* EXCLUDE (missing, status),
    -- Each name once, in the order in which a reader meets it.
    CASE
        WHEN r.differ THEN ['state']
        WHEN r.status = 'unknown' THEN list_filter(r.missing, LAMBDA x, i: list_position(r.missing, x) = i)
        ELSE []
    END AS missing,
    CASE WHEN r.differ THEN 'unknown' ELSE r.status END AS status
FROM (
    SELECT
        f.*,
        c.unknown_contractor AND f.status = 'not_met' AND (COALESCE(a.contractors, 0) < c.possible OR c.possible = 0)
            AS differ
    FROM results AS f
    JOIN cases AS c ON c.ord = f.ord
    LEFT JOIN (
        SELECT ord, id, count(DISTINCT contractor) AS contractors FROM refused_by GROUP BY ord, id
    ) AS a ON a.ord = f.ord AND a.id = f.id
) AS r
UNION ALL BY NAME
SELECT
    c.ord, 9 AS part, 0 AS place, 0 AS seq, s.id, 'unknown' AS status, NULL AS found, ['state'] AS missing, FALSE AS differ
FROM cases AS c, shared_word AS s
WHERE c.unknown_contractor;

CREATE OR REPLACE TEMP TABLE outcomes AS
WITH summed AS (
    SELECT
        ord,
        bool_or(status = 'not_met') AS failed,
        bool_or(status = 'unknown') AS unknown,
        flatten(list(missing ORDER BY part, place, seq)) AS missing
    FROM judged
    GROUP BY ord
),
named AS (
    SELECT
        c.ord,
        c.whose,
        c.sequence,
        CASE
            WHEN s.failed THEN 'not_met'
            WHEN COALESCE(s.unknown, TRUE) THEN 'undetermined'
            ELSE 'met'
        END AS outcome,
        COALESCE(s.missing, []) AS missing
    FROM cases AS c
    LEFT JOIN summed AS s ON s.ord = c.ord
)
SELECT * EXCLUDE (missing), list_filter(missing, LAMBDA x, i: list_position(missing, x) = i) AS missing FROM named;
