-- `source` (ord, j: one contract case) taken apart into texts: what is typed, and whether it can be, is for check.sql.
CREATE OR REPLACE TABLE given AS
SELECT
    ord,
    COALESCE(j ->> 'case_id', CAST(ord AS VARCHAR)) AS case_id,
    COALESCE(j ->> 'payer', '') AS payer,
    upper(COALESCE(j ->> 'state', '')) AS state,
    CASE
        WHEN regexp_full_match(j ->> 'date_of_service', '\d{4}-\d{2}-\d{2}') THEN TRY_CAST(j ->> 'date_of_service' AS DATE)
    END AS day,
    COALESCE(j ->> 'setting', '') AS setting,
    COALESCE(j -> 'procedure' ->> 'technique', '') AS technique,
    COALESCE(j -> 'procedure' ->> 'purpose', '') AS purpose,
    COALESCE(j -> 'procedure' ->> 'region', '') AS region,
    COALESCE(j -> 'procedure' ->> 'sides', '') AS sides,
    COALESCE(j -> 'procedure' ->> 'sequence', '') AS sequence,
    CASE
        WHEN json_type(j -> 'procedure' -> 'joints') = 'ARRAY'
            THEN list_transform(CAST(j -> 'procedure' -> 'joints' AS VARCHAR[]), LAMBDA x: upper(x))
        ELSE []
    END AS joints,
    CASE
        WHEN json_type(j -> 'procedure' -> 'codes') = 'ARRAY' THEN CAST(j -> 'procedure' -> 'codes' AS VARCHAR[]) ELSE []
    END AS codes,
    COALESCE(json_type(j -> 'history') = 'ARRAY', FALSE) AS documented
FROM source;

-- rank: facts named in full win over those of the procedure and the patient.
CREATE OR REPLACE TABLE given_fact AS
SELECT s.ord, 'procedure.' || e.key AS name, e.value ->> '$' AS text, e.type, 1 AS rank
FROM source AS s, json_each(s.j -> 'procedure') AS e
WHERE e.type <> 'NULL' AND e.key NOT IN ('technique', 'purpose', 'region', 'sides', 'sequence', 'codes', 'joints')
UNION ALL
SELECT s.ord, 'patient.' || e.key, e.value ->> '$', e.type, 2
FROM source AS s, json_each(s.j -> 'patient') AS e
WHERE e.type <> 'NULL'
UNION ALL
SELECT s.ord, e.key, e.value ->> '$', e.type, 3
FROM source AS s, json_each(s.j -> 'facts') AS e
WHERE e.type <> 'NULL';

CREATE OR REPLACE TABLE raw_event AS
SELECT s.ord, CAST(e.key AS BIGINT) AS no, e.value AS j
FROM source AS s, json_each(CASE WHEN json_type(s.j -> 'history') = 'ARRAY' THEN s.j -> 'history' END) AS e;

CREATE OR REPLACE TABLE given_event AS
SELECT
    ord,
    no,
    CASE WHEN regexp_full_match(j ->> 'date', '\d{4}-\d{2}-\d{2}') THEN TRY_CAST(j ->> 'date' AS DATE) END AS day,
    COALESCE(j ->> 'technique', '') AS technique,
    COALESCE(j ->> 'purpose', '') AS purpose,
    COALESCE(j ->> 'sequence', '') AS sequence,
    COALESCE(j ->> 'region', '') AS region,
    COALESCE(j ->> 'sides', '') AS sides,
    CASE
        WHEN json_type(j -> 'joints') = 'ARRAY' THEN list_transform(CAST(j -> 'joints' AS VARCHAR[]), LAMBDA x: upper(x))
        ELSE []
    END AS joints
FROM raw_event;

CREATE OR REPLACE TABLE given_event_fact AS
SELECT r.ord, r.no, 'history.' || e.key AS name, e.value ->> '$' AS text, e.type
FROM raw_event AS r, json_each(r.j) AS e
WHERE
    e.type <> 'NULL'
    AND e.key NOT IN ('date', 'technique', 'purpose', 'sequence', 'region', 'joints', 'sides');
