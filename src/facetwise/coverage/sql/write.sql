-- The findings of the cases in hand, in rows of one shape.
INSERT INTO findings
SELECT c.case_id, c.ord, 'outcome', 0, 0, 0, '', o.outcome, NULL, o.missing, NULL, NULL, NULL, NULL, o.whose, o.sequence, 'setwise', '', '', [], '', ''
FROM outcomes AS o
JOIN cases AS c ON c.ord = o.ord
UNION ALL
SELECT
    c.case_id, c.ord, 'criterion', j.part, j.place, j.seq, j.id, j.status, j.found, j.missing, NULL, NULL, NULL, NULL, NULL, NULL, 'setwise',
    COALESCE(r.statement, s.statement, p.statement, w.statement),
    COALESCE(r.needed, s.needed, CASE WHEN j.part = 9 THEN w.needed ELSE w.needed_code END),
    COALESCE(r.citations, p.citations, CASE WHEN j.part = 9 THEN g.citations ELSE [] END),
    COALESCE(r.evidence, ''),
    concat_ws('; ', CASE WHEN j.differ THEN w.differ END, NULLIF(r.note, ''))
FROM judged AS j
JOIN cases AS c ON c.ord = j.ord
CROSS JOIN shared_word AS w
LEFT JOIN segment_sources AS g ON g.segment = c.segment
LEFT JOIN rule AS r ON j.part < 4 AND r.ruleset = c.ruleset AND r.seq = j.seq AND r.part = j.part AND r.id = j.id
LEFT JOIN silent AS s ON j.part = 1 AND r.id IS NULL AND s.question = j.id
LEFT JOIN refused AS p ON j.part = 4 AND p.ord = j.ord AND p.code_place = j.place
UNION ALL
SELECT
    c.case_id, c.ord, 'limit', 5, w.place, w.seq, w.id, w.status, NULL, [], w.used, w.allowed, w.length, w.next_day, NULL, NULL, 'setwise',
    w.statement, w.needed, w.citations, w.evidence, w.note
FROM window_use AS w
JOIN cases AS c ON c.ord = w.ord
WHERE w.length IS NOT NULL AND w.at_most IS NOT NULL
UNION ALL
SELECT
    c.case_id, c.ord, 'alternative', 6, a.place, 0, a.contractor, a.outcome, NULL, a.missing, NULL, NULL, NULL, NULL, a.contractor, a.sequence, 'setwise',
    '', '', [], '', ''
FROM outcome_by AS a
JOIN cases AS c ON c.ord = a.ord;
