-- The cases between $first and $last, but for those that are odd.
CREATE OR REPLACE TEMP TABLE plain AS
SELECT p.* FROM placed AS p ANTI JOIN odd AS o ON o.ord = p.ord WHERE p.ord BETWEEN $first AND $last;

