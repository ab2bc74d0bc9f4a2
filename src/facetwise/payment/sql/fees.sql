-- Lays the fees out by span, so that each line finds its row by equality: from the catalog where a release serves the
-- span, from the knowledge elsewhere.
--
-- Relative values have two decimals, indices three and conversion factors four, as published; held so narrowly, a fee is
-- exact in a whole number of 64 bits, which rounds ten times as fast as one of 128. `too_fine` names what does not fit.

CREATE TEMP TABLE fee AS
WITH
-- The two files of a quarter differ in the conversion factor alone; where both are loaded, one serves.
part AS (
    SELECT release_id, MIN(participation) AS participation FROM physician_fee GROUP BY release_id
),
held AS (
    SELECT serving.span, physician_fee.code, COALESCE(physician_fee.modifier, '') AS modifier, physician_fee.status,
        physician_fee.work, physician_fee.nf_pe, physician_fee.f_pe, physician_fee.mp,
        COALESCE(physician_fee.nf_na, FALSE) AS nf_na, COALESCE(physician_fee.f_na, FALSE) AS f_na,
        CASE WHEN physician_fee.cap_nf_pe > 0 THEN physician_fee.cap_nf_pe END AS cap_nf_pe,
        CASE WHEN physician_fee.cap_f_pe > 0 THEN physician_fee.cap_f_pe END AS cap_f_pe,
        physician_fee.cap_mp, physician_fee.global_days, physician_fee.mult, physician_fee.bilat, physician_fee.asst,
        physician_fee.co, physician_fee.team, serving.release
    FROM physician_fee
    INNER JOIN part
        ON physician_fee.release_id = part.release_id AND physician_fee.participation = part.participation
    INNER JOIN serving ON physician_fee.release_id = serving.id AND serving.kind = 'physician_fee'
    UNION ALL
    SELECT span.span, known.code, COALESCE(known.modifier, ''), known.status, CAST(known.work AS DECIMAL(9, 4)),
        CAST(known.nf_pe AS DECIMAL(9, 4)), CAST(known.f_pe AS DECIMAL(9, 4)), CAST(known.mp AS DECIMAL(9, 4)),
        known.nf_na IS NOT NULL, known.f_na IS NOT NULL, NULL, NULL, NULL, known."global", known.mult, known.bilat,
        known.asst, known.co, known.team, known.release
    FROM knowledge_physician AS known
    INNER JOIN span ON known.first_day <= span.first_day AND known.last_day >= span.last_day
    WHERE span.span NOT IN (SELECT serving.span FROM serving WHERE serving.kind = 'physician_fee')
)
SELECT
    held.span, held.code, held.modifier, held.status, held.nf_na, held.f_na, held.release,
    TRY_CAST(held.work AS DECIMAL(6, 2)) AS work,
    TRY_CAST(held.nf_pe AS DECIMAL(6, 2)) AS nf_pe,
    TRY_CAST(held.f_pe AS DECIMAL(6, 2)) AS f_pe,
    TRY_CAST(held.mp AS DECIMAL(6, 2)) AS mp,
    TRY_CAST(held.cap_nf_pe AS DECIMAL(6, 2)) AS cap_nf_pe,
    TRY_CAST(held.cap_f_pe AS DECIMAL(6, 2)) AS cap_f_pe,
    TRY_CAST(held.cap_mp AS DECIMAL(6, 2)) AS cap_mp,
    held.work + held.nf_pe + held.f_pe + held.mp AS whole,
    COALESCE(held.cap_nf_pe, 0) + COALESCE(held.cap_f_pe, 0) + COALESCE(held.cap_mp, 0) AS whole_cap,
    COALESCE(status.word, '') = 'priced' AS priced,
    COALESCE(bilat.word, '') AS bilateral_word,
    bilat.rule AS bilateral_by,
    bilat.factor AS bilateral,
    COALESCE(mult.word, '') = 'ranked' AS ranked,
    COALESCE(global_days.word, '') = 'add_on' AS add_on,
    COALESCE(asst.word, '') AS assistant_word,
    COALESCE(co.word, '') AS co_surgeon_word,
    COALESCE(team.word, '') AS team_word
FROM held
LEFT JOIN treatment AS status
    ON held.span = status.span AND held.status = status.letter AND status.kind = 'status'
LEFT JOIN treatment AS bilat
    ON held.span = bilat.span AND held.bilat = bilat.letter AND bilat.kind = 'bilat'
LEFT JOIN treatment AS mult
    ON held.span = mult.span AND held.mult = mult.letter AND mult.kind = 'mult'
LEFT JOIN treatment AS global_days
    ON held.span = global_days.span AND held.global_days = global_days.letter AND global_days.kind = 'global'
LEFT JOIN treatment AS asst
    ON held.span = asst.span AND held.asst = asst.letter AND asst.kind = 'assistant'
LEFT JOIN treatment AS co
    ON held.span = co.span AND held.co = co.letter AND co.kind = 'co_surgeon'
LEFT JOIN treatment AS team
    ON held.span = team.span AND held.team = team.letter AND team.kind = 'team';

-- The factor of a participation that is not loaded comes from the knowledge: it is one number a year.
CREATE TEMP TABLE factor AS
WITH
wanted (qualifying, participation) AS (
    VALUES (TRUE, 'qualifying_apm'), (TRUE, 'all'), (FALSE, 'non_qualifying_apm'), (FALSE, 'all')
),
loaded AS (
    SELECT serving.span, wanted.qualifying, MAX(held.conversion_factor) AS factor
    FROM serving
    INNER JOIN physician_fee AS held ON serving.id = held.release_id
    INNER JOIN wanted ON held.participation = wanted.participation
    WHERE serving.kind = 'physician_fee' AND held.conversion_factor > 0
    GROUP BY serving.span, wanted.qualifying
),
known AS (
    SELECT span.span, wanted.qualifying, MAX(CAST(held."value" AS DECIMAL(10, 4))) AS factor
    FROM knowledge_factor AS held
    INNER JOIN wanted ON held.participation = wanted.participation
    INNER JOIN span ON held.first_day <= span.first_day AND held.last_day >= span.last_day
    WHERE held.kind = 'pfs'
    GROUP BY span.span, wanted.qualifying
)
SELECT COALESCE(loaded.span, known.span) AS span, COALESCE(loaded.qualifying, known.qualifying) AS qualifying,
    TRY_CAST(COALESCE(loaded.factor, known.factor) AS DECIMAL(6, 4)) AS factor
FROM loaded
FULL JOIN known ON loaded.span = known.span AND loaded.qualifying = known.qualifying;

-- Geographic indices by where: "mac-locality", a ZIP code, a state, or '' for the national amount (1 each). Where a
-- state lies in several localities, or a ZIP code needs its four further digits, the indices are empty.
CREATE TEMP TABLE indices AS
WITH
held AS (
    SELECT serving.span, held.mac, held.locality, held.state, held.name, held.work, held.pe, held.mp
    FROM gpci AS held
    INNER JOIN serving ON held.release_id = serving.id AND serving.kind = 'gpci'
    UNION ALL
    SELECT span.span, held.mac, held.locality, held.state, held.name, CAST(held.work AS DECIMAL(9, 4)),
        CAST(held.pe AS DECIMAL(9, 4)), CAST(held.mp AS DECIMAL(9, 4))
    FROM knowledge_index AS held
    INNER JOIN span ON held.first_day <= span.first_day AND held.last_day >= span.last_day
    WHERE span.span NOT IN (SELECT serving.span FROM serving WHERE serving.kind = 'gpci')
)
SELECT span, mac, locality, state, name, TRY_CAST(work AS DECIMAL(4, 3)) AS work, TRY_CAST(pe AS DECIMAL(4, 3)) AS pe,
    TRY_CAST(mp AS DECIMAL(4, 3)) AS mp, work + pe + mp AS whole
FROM held;

CREATE TEMP TABLE geography AS
WITH
-- A locality may take in a part of another state, which its name says ("DC + MD/VA SUBURBS").
state_locality AS (
    SELECT states.span, states.state, indices.work, indices.pe, indices.mp
    FROM (SELECT DISTINCT span, state FROM indices) AS states
    INNER JOIN indices
        ON states.span = indices.span
        AND (
            states.state = indices.state
            OR ' ' || REGEXP_REPLACE(indices.name, '[^A-Z]', ' ', 'g') || ' ' LIKE '% ' || states.state || ' %'
        )
),
zip_index AS (
    SELECT serving.span, held.zip, held.plus_four, indices.work, indices.pe, indices.mp
    FROM zip_locality AS held
    INNER JOIN serving ON held.release_id = serving.id AND serving.kind = 'zip_locality'
    INNER JOIN indices
        ON serving.span = indices.span AND held.mac = indices.mac AND held.locality = indices.locality
)
SELECT span, '' AS place, CAST(1 AS DECIMAL(4, 3)) AS work, CAST(1 AS DECIMAL(4, 3)) AS pe,
    CAST(1 AS DECIMAL(4, 3)) AS mp
FROM span
UNION ALL
SELECT span, mac || '-' || locality, work, pe, mp FROM indices
UNION ALL
SELECT span, state, CASE WHEN COUNT(*) = 1 THEN MAX(work) END, CASE WHEN COUNT(*) = 1 THEN MAX(pe) END,
    CASE WHEN COUNT(*) = 1 THEN MAX(mp) END
FROM state_locality
GROUP BY span, state
UNION ALL
SELECT span, zip, CASE WHEN COUNT(*) = 1 AND NOT MAX(plus_four) THEN MAX(work) END,
    CASE WHEN COUNT(*) = 1 AND NOT MAX(plus_four) THEN MAX(pe) END,
    CASE WHEN COUNT(*) = 1 AND NOT MAX(plus_four) THEN MAX(mp) END
FROM zip_index
GROUP BY span, zip;

CREATE TEMP VIEW too_fine AS
SELECT DISTINCT code || ' ' || modifier AS what
FROM fee
WHERE priced
    AND (
        work + nf_pe + f_pe + mp IS DISTINCT FROM whole
        OR COALESCE(cap_nf_pe, 0) + COALESCE(cap_f_pe, 0) + COALESCE(cap_mp, 0) <> whole_cap
    )
UNION ALL
SELECT DISTINCT 'locality ' || mac || '/' || locality FROM indices WHERE work + pe + mp IS DISTINCT FROM whole
UNION ALL
SELECT 'a conversion factor' FROM factor WHERE factor IS NULL;

-- Imaging that may not cost more than in a hospital, where a file prints the amount of a locality.
CREATE TEMP TABLE cap AS
SELECT serving.span, held.code, COALESCE(held.modifier, '') AS modifier, held.mac || '-' || held.locality AS place,
    MIN(held.non_facility_price) AS non_facility_price, MIN(held.facility_price) AS facility_price
FROM opps_cap AS held
INNER JOIN serving ON held.release_id = serving.id AND serving.kind = 'opps_cap'
GROUP BY serving.span, held.code, COALESCE(held.modifier, ''), held.mac, held.locality;

-- What a surgery center is paid for a code, before the wage index; no rate where it is packaged or not listed. A code of
-- both addenda is of AA; one of an addendum is not excluded.
CREATE TEMP TABLE center AS
WITH
listed AS (
    SELECT serving.span, held.code, held.addendum, held.indicator, held.rate, held.multiple_discount AS discounted,
        serving.release
    FROM asc_rate AS held
    INNER JOIN serving
        ON held.release_id = serving.id AND serving.kind = 'asc_' || LOWER(held.addendum)
    UNION ALL
    SELECT serving.span, held.code, 'EE', NULL, NULL, FALSE, serving.release
    FROM asc_excluded AS held
    INNER JOIN serving ON held.release_id = serving.id AND serving.kind = 'asc_ee'
),
ordered AS (
    SELECT listed.*, ROW_NUMBER() OVER (PARTITION BY span, code ORDER BY addendum) AS place
    FROM listed
    WHERE span IN (SELECT serving.span FROM serving WHERE serving.kind = 'asc_aa')
),
held AS (
    SELECT span, code, addendum, indicator, rate, COALESCE(discounted, FALSE) AS discounted, release
    FROM ordered
    WHERE place = 1
    UNION ALL
    SELECT span.span, known.code, known.addendum, known.indicator, CAST(known.rate AS DECIMAL(12, 2)),
        COALESCE(known.multiple_discount, '') = 'Y', CAST(known.first_day AS VARCHAR)
    FROM knowledge_center AS known
    INNER JOIN span ON known.first_day <= span.first_day AND known.last_day >= span.last_day
    WHERE span.span NOT IN (SELECT serving.span FROM serving WHERE serving.kind = 'asc_aa')
)
SELECT held.span, held.code, held.rate, held.discounted, held.release,
    COALESCE(held.indicator, '') AS indicator,
    COALESCE(held.addendum, '') NOT IN ('EE', 'none') AND COALESCE(held.indicator, '') <> '' AS listed,
    COALESCE(treatment.word, '') = 'packaged' AND treatment.factor IS NOT NULL AS packaged
FROM held
LEFT JOIN treatment
    ON held.span = treatment.span AND held.indicator = treatment.letter AND treatment.kind = 'asc_indicator';

-- The wage index of an area; empty where the file prints more than one.
CREATE TEMP TABLE wage AS
SELECT serving.span, held.cbsa,
    CASE WHEN COUNT(DISTINCT held.wage_index) = 1 THEN MAX(held.wage_index) END AS wage_index
FROM asc_wage_index AS held
INNER JOIN serving ON held.release_id = serving.id AND serving.kind = 'asc_wage_index'
GROUP BY serving.span, held.cbsa;

-- One row a day with what depends on nothing but the day, so that a line finds it by equality.
CREATE TEMP TABLE calendar AS
WITH
digit (d) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)),
century AS (
    SELECT DATE '1990-01-01' + (a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d) AS calendar_day
    FROM digit AS a
    CROSS JOIN digit AS b
    CROSS JOIN digit AS c
    CROSS JOIN digit AS e
    CROSS JOIN digit AS f
    WHERE f.d < 4
)
SELECT century.calendar_day, span.span,
    rule.assistant_physician, rule.assistant_other, rule.co_surgeon, rule.center_wage_share,
    qualifying.factor AS qualifying_factor,
    other.factor AS other_factor,
    span.span IN (SELECT fee.span FROM fee) AS has_fees,
    span.span IN (SELECT center.span FROM center) AS has_centers
FROM century
INNER JOIN span ON century.calendar_day BETWEEN span.first_day AND span.last_day
LEFT JOIN rule ON span.span = rule.span
LEFT JOIN factor AS qualifying ON span.span = qualifying.span AND qualifying.qualifying
LEFT JOIN factor AS other ON span.span = other.span AND NOT other.qualifying;
