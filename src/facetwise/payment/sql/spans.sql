-- Cuts time into spans within which no fee, index, factor or rule changes, and says which release serves each span.
-- Reads the tables of the catalog and, as knowledge_*, those of the knowledge (all text; first and last day of a row).

-- A span begins where anything begins, and the day after anything ends.
CREATE TEMP TABLE span AS
WITH
dated AS (
    SELECT first_day, last_day FROM knowledge_physician
    UNION ALL SELECT first_day, last_day FROM knowledge_index
    UNION ALL SELECT first_day, last_day FROM knowledge_factor
    UNION ALL SELECT first_day, last_day FROM knowledge_center
    UNION ALL SELECT first_day, last_day FROM knowledge_rule
    UNION ALL SELECT first_day, last_day FROM knowledge_treatment
    UNION ALL SELECT first_day, last_day FROM knowledge_place
    UNION ALL SELECT first_day, last_day FROM knowledge_site
    UNION ALL SELECT effective_from, effective_to FROM manifest
),
edge AS (
    SELECT first_day FROM dated
    UNION
    SELECT last_day + 1 FROM dated WHERE last_day < DATE '9999-12-31'
),
following AS (
    SELECT first_day, LEAD(first_day) OVER (ORDER BY first_day) AS next_day FROM edge
)
SELECT
    ROW_NUMBER() OVER (ORDER BY first_day) AS span,
    first_day,
    COALESCE(next_day - 1, DATE '9999-12-31') AS last_day
FROM following;

-- Which loaded release serves a span; the catalog keeps the releases of a kind free of overlap.
CREATE TEMP TABLE serving AS
SELECT span.span, manifest.kind, manifest.id, manifest.release
FROM span
INNER JOIN manifest ON manifest.effective_from <= span.first_day AND manifest.effective_to >= span.last_day;
