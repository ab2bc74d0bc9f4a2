-- Reads line and facet_code.
-- findings
SELECT l.*, f.kind, f.region, f.rank, f.units_rule, f.family
FROM line AS l
JOIN facet_code AS f ON f.code = l.code AND l.day BETWEEN f.from_day AND f.to_day
