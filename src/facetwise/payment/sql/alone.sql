-- Prices every line of `line` for itself, before anything else on its claim counts.

-- Its row of the fee schedule, or of the surgery-center rates; the fee of one unit, rounded once to the cent; and why it
-- has none.
CREATE TEMP VIEW looked_up AS
SELECT
    line.*,
    calendar.span,
    site.setting AS known_setting,
    fee.bilateral_word, fee.bilateral_by, fee.bilateral, fee.ranked, fee.add_on,
    center.discounted, center.packaged,
    CASE WHEN line.facility THEN center.release ELSE fee.release END AS release,
    CASE
        WHEN line.facility AND center.packaged THEN CAST(0 AS DECIMAL(12, 2))
        WHEN line.facility AND line.wage_index IS NULL AND line.cbsa = '' THEN center.rate
        WHEN line.facility THEN CAST(ROUND(
            center.rate * (
                calendar.center_wage_share * COALESCE(line.wage_index, wage.wage_index)
                + (1 - calendar.center_wage_share)
            ),
            2
        ) AS DECIMAL(12, 2))
        ELSE CAST(ROUND(
            (fee.work * geography.work
                + CASE site.site WHEN 'non_facility' THEN fee.nf_pe ELSE fee.f_pe END * geography.pe
                + fee.mp * geography.mp)
            * CASE WHEN line.qualifying THEN calendar.qualifying_factor ELSE calendar.other_factor END,
            2
        ) AS DECIMAL(12, 2))
    END AS fee,
    CASE site.site
        WHEN 'non_facility' THEN COALESCE(
            cap.non_facility_price,
            CAST(ROUND(
                (fee.work * geography.work + fee.cap_nf_pe * geography.pe + fee.cap_mp * geography.mp)
                * CASE WHEN line.qualifying THEN calendar.qualifying_factor ELSE calendar.other_factor END,
                2
            ) AS DECIMAL(12, 2))
        )
        ELSE COALESCE(
            cap.facility_price,
            CAST(ROUND(
                (fee.work * geography.work + fee.cap_f_pe * geography.pe + fee.cap_mp * geography.mp)
                * CASE WHEN line.qualifying THEN calendar.qualifying_factor ELSE calendar.other_factor END,
                2
            ) AS DECIMAL(12, 2))
        )
    END AS cap,
    CASE
        WHEN line.facility OR line.helper_by = '' THEN CAST(1 AS DECIMAL(6, 4))
        WHEN line.helper_by = 'assistant-physician' THEN calendar.assistant_physician
        WHEN line.helper_by = 'assistant-other' THEN calendar.assistant_other
        WHEN line.helper_by = 'co-surgeon' THEN calendar.co_surgeon
    END AS helper_share,
    CASE
        WHEN line.unreadable IS NOT NULL THEN line.unreadable
        WHEN calendar.span IS NULL THEN 'release-missing'
        WHEN site.site IS NULL THEN 'place-unknown'
        WHEN line.facility THEN CASE
            WHEN site.setting = 'hopd' THEN 'hospital-not-priced'
            WHEN site.setting <> 'asc' THEN 'no-facility-payment'
            WHEN NOT calendar.has_centers THEN 'release-missing'
            WHEN center.code IS NULL THEN 'code-not-held'
            WHEN NOT center.listed THEN 'not-on-the-center-list'
            WHEN center.packaged THEN NULL
            WHEN center.rate IS NULL THEN 'no-rate'
            WHEN line.cbsa <> '' AND line.wage_index IS NULL AND wage.wage_index IS NULL THEN 'wage-index-not-held'
        END
        WHEN NOT calendar.has_fees THEN 'release-missing'
        WHEN fee.code IS NULL THEN 'code-not-held'
        WHEN NOT fee.priced THEN 'status-not-priced'
        WHEN CASE site.site WHEN 'non_facility' THEN fee.nf_na ELSE fee.f_na END THEN 'not-paid-in-setting'
        WHEN geography.place IS NULL THEN 'locality-not-held'
        WHEN geography.work IS NULL THEN 'several-localities'
        WHEN CASE line.helper
            WHEN 'assistant' THEN fee.assistant_word
            WHEN 'co_surgeon' THEN fee.co_surgeon_word
            WHEN 'team' THEN fee.team_word
        END = 'refused' THEN REPLACE(line.helper, '_', '-') || '-not-paid'
        WHEN CASE line.helper
            WHEN 'assistant' THEN fee.assistant_word
            WHEN 'co_surgeon' THEN fee.co_surgeon_word
            WHEN 'team' THEN fee.team_word
        END = '' OR line.reduced <> '' THEN 'share-not-established'
        WHEN CASE WHEN line.qualifying THEN calendar.qualifying_factor ELSE calendar.other_factor END IS NULL
            THEN 'factor-not-held'
    END AS reason,
    fee.status
FROM line
LEFT JOIN calendar ON line.service_day = calendar.calendar_day
LEFT JOIN site
    ON calendar.span = site.span
    AND line.place_of_service = site.place_of_service
    AND line.setting = site.given_setting
LEFT JOIN geography ON calendar.span = geography.span AND line.place = geography.place
LEFT JOIN wage ON calendar.span = wage.span AND line.cbsa = wage.cbsa
LEFT JOIN fee
    ON calendar.span = fee.span
    AND line.code = fee.code
    AND line.component = fee.modifier
LEFT JOIN cap
    ON calendar.span = cap.span
    AND line.code = cap.code
    AND line.component = cap.modifier
    AND line.place = cap.place
LEFT JOIN center ON calendar.span = center.span AND line.code = center.code;

-- What the further steps need, and no more: claims are gone through as wholes from here on.
--
-- treatment  'ranked' with the other procedures of the day; else the rule that sets the line apart, or ''
-- fees       how many fees of one side the line comes to: its units, or what both sides on one line are paid
-- bilateral  what both sides are paid, in fees of one side; empty where that is not established
-- side       the one side that a line names, where a second line may name the other
CREATE TEMP TABLE alone AS
SELECT
    facility, claim_id, claim_line_number, line_order, manner_order, code, component, service_day, span, units, charge, release, reason, bilateral,
    CASE reason
        WHEN 'code-not-held' THEN TRIM(code || ' ' || CASE WHEN facility THEN '' ELSE component END)
        WHEN 'status-not-priced' THEN status
        WHEN 'not-on-the-center-list' THEN code
        WHEN 'no-rate' THEN code
        WHEN 'share-not-established' THEN CASE WHEN reduced = '' THEN helper ELSE reduced END
        WHEN 'release-missing' THEN CAST(service_day AS VARCHAR)
        WHEN 'factor-not-held' THEN CAST(service_day AS VARCHAR)
        WHEN 'locality-not-held' THEN place
        WHEN 'several-localities' THEN place
        WHEN 'wage-index-not-held' THEN cbsa
        WHEN 'place-unknown' THEN TRIM(place_of_service || ' ' || setting)
        WHEN 'no-facility-payment' THEN known_setting
        WHEN 'date-unreadable' THEN CAST(date_of_service AS VARCHAR)
        WHEN 'units-unreadable' THEN CAST(service_unit_quantity AS VARCHAR)
        WHEN 'claim-unknown' THEN given_claim
        WHEN 'charge-unreadable' THEN CAST(charge_amount AS VARCHAR)
        WHEN 'participation-unreadable' THEN CAST(apm_participant AS VARCHAR)
        WHEN 'wage-index-unreadable' THEN CAST(given_wage_index AS VARCHAR)
    END AS found,
    CASE WHEN NOT facility AND cap < fee THEN cap ELSE fee END AS base,
    NOT facility AND COALESCE(cap < fee, FALSE) AS capped,
    helper_share,
    helper_by,
    bilateral_by,
    CASE
        WHEN reason IS NOT NULL THEN ''
        WHEN facility AND packaged THEN 'asc-packaged'
        WHEN facility AND reduced <> '' THEN reduced_by
        WHEN facility THEN CASE WHEN discounted THEN 'ranked' ELSE '' END
        WHEN ranked THEN 'ranked'
        WHEN add_on THEN 'add-on-outside-ranking'
        ELSE ''
    END AS treatment,
    CASE
        WHEN reason IS NOT NULL OR facility OR bilateral IS NULL THEN FALSE
        WHEN fifty OR (on_right AND on_left) THEN TRUE
        ELSE units = 2 AND NOT on_right AND NOT on_left AND bilateral_word = 'more'
    END AS both_sides,
    CASE
        -- Further units of one discounted line of a surgery center are further procedures, which the ranking pays.
        WHEN facility AND discounted AND reduced = '' THEN 1
        WHEN facility OR bilateral IS NULL THEN units
        WHEN fifty THEN bilateral * units
        -- Units of a line that names both sides, or neither, are spread over the two.
        WHEN on_right AND on_left THEN CASE WHEN units > 2 THEN bilateral * units * 0.5 ELSE bilateral END
        WHEN units = 2 AND NOT on_right AND bilateral_word = 'more' AND NOT on_left THEN bilateral
        ELSE units
    END AS fees,
    CASE
        WHEN reason IS NOT NULL OR on_right = on_left THEN ''
        WHEN facility AND NOT packaged AND reduced = '' THEN CASE WHEN on_right THEN 'R' ELSE 'L' END
        WHEN NOT facility AND bilateral IS NOT NULL AND NOT fifty THEN CASE WHEN on_right THEN 'R' ELSE 'L' END
        ELSE ''
    END AS side
FROM looked_up;
