-- Who comes when, for which pattern: one row a visit, in the order of patients and of their visits. Every draw is a hash of the seed,
-- the patient, the visit and the number of the draw, so that any part of the sample can be made by itself. All joins find one row at
-- most, which keeps the order.
-- Variables: seed, first_patient, patients, planted_ppm, professional_only (1: no institutional claims), from_day, to_day, history_day.
CREATE OR REPLACE MACRO draw(patient, visit, number, sides) AS
    CAST(hash(getvariable('seed'), patient, visit, number) % CAST(sides AS UBIGINT) AS INTEGER);

CREATE OR REPLACE VIEW patient AS
WITH drawn AS (
    SELECT
        p,
        draw(p, -1, 0, 1000000) < getvariable('planted_ppm') AS planted,
        draw(p, -1, 1, 4096) AS payment_slot,
        draw(p, -1, 2, 4096) AS class_slot,
        draw(p, -1, 3, (SELECT greatest(count(*), 1) FROM recipe)) AS recipe,
        draw(p, -1, 4, 1000000) AS which,
        draw(p, -1, 5, 4096) AS course_slot,
        draw(p, -1, 6, 4096) AS variant_slot,
        draw(p, -1, 7, 1000000) AS share
    FROM range(getvariable('first_patient'), getvariable('first_patient') + getvariable('patients')) AS people(p)
)
SELECT
    d.p,
    d.planted,
    CASE WHEN d.planted THEN 'planted' ELSE c.class END AS class,
    CASE WHEN d.planted THEN f.pattern ELSE NULL END AS pattern,
    coalesce(CASE WHEN d.planted THEN pp.payment END, pay.payment) AS payment,
    k.course,
    v.variant,
    CASE
        WHEN d.planted THEN 3
        WHEN c.class = 'facet' THEN k.steps
        ELSE least(c.visits_from + d.share % (c.visits_to - c.visits_from + 1),
                   getvariable('to_day') - getvariable('from_day') + 1)
    END AS visits,
    CASE
        WHEN d.planted THEN f.first_day + draw(d.p, -1, 8, f.last_day - f.first_day + 1)
        ELSE getvariable('history_day') + draw(d.p, -1, 9, getvariable('to_day') - getvariable('history_day') + 1)
    END AS day
FROM drawn AS d
JOIN payment_pick AS pay ON pay.slot = d.payment_slot
JOIN class_pick AS c ON c.slot = d.class_slot
JOIN course_pick AS k ON k.slot = d.course_slot
JOIN variant_pick AS v ON v.slot = d.variant_slot
LEFT JOIN recipe AS r ON r.recipe = d.recipe
LEFT JOIN flawed AS f ON f.flawed = r.first_flawed + d.which % r.flawed_count
LEFT JOIN book_payment AS pp ON pp.place = f.first_payment + d.share % f.payments;

CREATE OR REPLACE VIEW visit AS
WITH every AS (
    SELECT p, class, pattern, payment, course, variant, visits, day, CAST(unnest(range(visits)) AS INTEGER) AS v FROM patient
), dated AS (
    SELECT
        e.*,
        CASE
            WHEN e.class = 'planted' THEN e.day + (e.v - 1) * 30
            WHEN e.class = 'facet' THEN e.day + s.after
            ELSE getvariable('from_day')
                + e.v * ((getvariable('to_day') - getvariable('from_day') + 1) // e.visits)
                + draw(e.p, e.v, 10, (getvariable('to_day') - getvariable('from_day') + 1) // e.visits)
        END AS on_day,
        s.purpose,
        CASE
            WHEN e.class = 'planted' AND e.v = 1 THEN e.pattern
            WHEN e.class = 'planted' THEN (SELECT pattern FROM plain_between)
            WHEN e.class = 'facet' THEN s.pattern
            ELSE k.pattern
        END AS plain
    FROM every AS e
    LEFT JOIN step AS s ON s.course = e.course AND s.v = e.v AND e.class = 'facet'
    LEFT JOIN kind_pick AS k ON k.class = e.class AND k.slot = draw(e.p, e.v, 11, 4096)
)
SELECT d.p, d.v, d.class, d.payment, d.on_day, coalesce(d.plain, c.pattern) AS pattern
FROM dated AS d
LEFT JOIN payment AS y ON y.payment = d.payment AND d.purpose IS NOT NULL
LEFT JOIN book_day AS b ON b.books = y.books AND b.day = d.on_day
LEFT JOIN clean AS c ON c.book = b.book AND c.purpose = d.purpose AND c.variant = d.variant
WHERE d.on_day BETWEEN getvariable('history_day') AND getvariable('to_day')
    AND coalesce(d.plain, c.pattern) IS NOT NULL;

-- One row a service line; `old` says that it stands in the history.
CREATE OR REPLACE VIEW service AS
WITH numbered AS (
    SELECT v.p, v.v, v.class, v.payment, v.on_day, q.pattern, q.first_line + CAST(unnest(range(q.lines)) AS INTEGER) AS line
    FROM visit AS v
    JOIN pattern AS q ON q.pattern = v.pattern
)
SELECT
    n.p, n.v, n.class, n.payment, n.pattern, l.*,
    n.on_day - l.days_before AS day,
    l.history OR n.on_day - l.days_before < getvariable('from_day') AS old
FROM numbered AS n
JOIN pattern_line AS l ON l.line = n.line
WHERE getvariable('professional_only') = 0 OR l.claim_type = 'professional';
