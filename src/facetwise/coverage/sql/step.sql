-- One depth of the trees: the branches at depth $depth make the nodes above them.
INSERT INTO node_status
SELECT
    s.ord,
    s.test,
    t.node,
    t.parent,
    t.depth,
    CASE t.kind
        WHEN 'all'
            THEN CASE
                WHEN bool_or(NOT s.status) THEN FALSE WHEN count(*) > count(s.status) THEN NULL ELSE TRUE
            END
        WHEN 'any'
            THEN CASE WHEN bool_or(s.status) THEN TRUE WHEN count(*) > count(s.status) THEN NULL ELSE FALSE END
        ELSE CASE WHEN bool_or(s.status) THEN FALSE WHEN count(*) > count(s.status) THEN NULL ELSE TRUE END
    END,
    flatten(list(s.missing ORDER BY s.node) FILTER (s.status IS NULL))
FROM node_status AS s
JOIN test_node AS t ON t.test = s.test AND t.node = s.parent
WHERE s.depth = $depth
GROUP BY s.ord, s.test, t.node, t.parent, t.depth, t.kind;
