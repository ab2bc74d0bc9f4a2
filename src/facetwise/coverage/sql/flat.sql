-- Rows of columns (views flat_case and flat_event) become contract cases: `source`, one JSON object a case.
-- A null and an empty text are alike: not documented. `__` in a name stands for the dot of the vocabulary.
CREATE OR REPLACE TABLE source AS
WITH field AS (
    SELECT c.ord, e.key, e.value
    FROM flat_case AS c, json_each(c.j) AS e
    WHERE e.type <> 'NULL' AND CAST(e.value AS VARCHAR) <> '""' AND e.key NOT IN ('file_row_number', 'history_documented')
),
placed AS (
    SELECT
        ord,
        value,
        CASE
            WHEN key IN ('technique', 'purpose', 'region', 'sides', 'sequence', 'codes', 'joints') THEN 'procedure'
            WHEN NOT contains(key, '__') THEN 'top'
            WHEN key IN (
                'procedure__technique', 'procedure__purpose', 'procedure__region', 'procedure__sides',
                'procedure__sequence', 'procedure__codes', 'procedure__joints'
            ) THEN 'facts'
            WHEN starts_with(key, 'procedure__') THEN 'procedure'
            WHEN starts_with(key, 'patient__') THEN 'patient'
            ELSE 'facts'
        END AS section,
        key
    FROM field
),
objects AS (
    SELECT
        ord,
        section,
        json_group_object(
            CASE section
                WHEN 'procedure' THEN replace(key, 'procedure__', '')
                WHEN 'patient' THEN replace(key, 'patient__', '')
                WHEN 'facts' THEN replace(key, '__', '.')
                ELSE key
            END,
            value
        ) AS j
    FROM placed
    GROUP BY ord, section
),
sections AS (
    SELECT
        ord,
        any_value(j) FILTER (section = 'top') AS top,
        any_value(j) FILTER (section = 'procedure') AS procedure,
        any_value(j) FILTER (section = 'patient') AS patient,
        any_value(j) FILTER (section = 'facts') AS facts
    FROM objects
    GROUP BY ord
),
event_field AS (
    SELECT h.ord, h.j ->> 'case_id' AS case_id, replace(e.key, 'history__', '') AS key, e.value
    FROM flat_event AS h, json_each(h.j) AS e
    WHERE e.type <> 'NULL' AND CAST(e.value AS VARCHAR) <> '""' AND e.key NOT IN ('file_row_number', 'case_id')
),
event AS (
    SELECT case_id, ord, json_group_object(key, value) AS j FROM event_field GROUP BY case_id, ord
),
histories AS (
    SELECT case_id, to_json(list(j ORDER BY ord)) AS history FROM event GROUP BY case_id
)
SELECT
    c.ord,
    json_merge_patch(
        COALESCE(s.top, '{}'),
        json_object(
            'procedure', COALESCE(s.procedure, '{}'),
            'patient', s.patient,
            'facts', s.facts,
            'history',
            COALESCE(h.history, CASE WHEN (c.j ->> 'history_documented') = 'true' THEN CAST('[]' AS JSON) END)
        )
    ) AS j
FROM flat_case AS c
LEFT JOIN sections AS s ON s.ord = c.ord
LEFT JOIN histories AS h ON h.case_id = c.j ->> 'case_id';
