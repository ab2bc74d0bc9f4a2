-- How a cell becomes a value, for cells that are text and for cells that the file types. `fields.py` says the same for
-- the formats that are streamed; tests/claims holds the two against each other.

CREATE OR REPLACE MACRO claims_bare(cell) AS TRIM(cell, ' ' || CHR(9));
CREATE OR REPLACE MACRO claims_text(cell) AS NULLIF(claims_bare(cell), '');
CREATE OR REPLACE MACRO claims_upper(cell) AS NULLIF(UPPER(claims_bare(cell)), '');
CREATE OR REPLACE MACRO claims_diagnosis(cell) AS NULLIF(UPPER(TRANSLATE(cell, '. ' || CHR(9), '')), '');
CREATE OR REPLACE MACRO claims_state(cell) AS
    CASE WHEN REGEXP_FULL_MATCH(claims_bare(cell), '[A-Za-z]{2}') THEN UPPER(claims_bare(cell)) END;

CREATE OR REPLACE MACRO claims_is_number(cell) AS
    REGEXP_FULL_MATCH(claims_bare(cell), '[+-]?(\d{1,20}(\.\d{0,18})?|\.\d{1,18})([eE][+-]?\d{1,2})?');

-- A line number, from 1; NULL where there is none.
CREATE OR REPLACE MACRO claims_line_text(cell) AS
    CASE WHEN REGEXP_FULL_MATCH(claims_bare(cell), '\d{1,9}') THEN NULLIF(CAST(claims_bare(cell) AS INTEGER), 0) END;
CREATE OR REPLACE MACRO claims_line_whole(cell) AS CASE WHEN cell BETWEEN 1 AND 999999999 THEN CAST(cell AS INTEGER) END;

-- A day; NULL where there is none.
CREATE OR REPLACE MACRO claims_day_text(cell) AS
    CASE
        WHEN REGEXP_FULL_MATCH(
            claims_bare(cell), '\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?'
        )
            THEN TRY_CAST(NULLIF(SUBSTR(claims_bare(cell), 1, 10)[:4], '0000') || SUBSTR(claims_bare(cell), 5, 6) AS DATE)
        WHEN REGEXP_FULL_MATCH(claims_bare(cell), '\d{8}')
            THEN TRY_CAST(
                NULLIF(SUBSTR(claims_bare(cell), 1, 4), '0000') || '-' || SUBSTR(claims_bare(cell), 5, 2)
                || '-' || SUBSTR(claims_bare(cell), 7, 2) AS DATE
            )
    END;
CREATE OR REPLACE MACRO claims_day_date(cell) AS
    CASE WHEN cell BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN CAST(cell AS DATE) END;
CREATE OR REPLACE MACRO claims_day_zoned(cell) AS claims_day_date(TIMEZONE('UTC', cell));

-- Units: NULL, and why: 1 absent or no number, 2 out of bounds.
CREATE OR REPLACE MACRO claims_units_text(cell) AS
    CASE WHEN claims_is_number(cell) THEN TRY_CAST(TRY_CAST(claims_bare(cell) AS DECIMAL(38, 18)) AS DECIMAL(9, 3)) END;
CREATE OR REPLACE MACRO claims_units_number(cell) AS TRY_CAST(cell AS DECIMAL(9, 3));
CREATE OR REPLACE MACRO claims_units_text_fault(cell) AS
    CASE
        WHEN cell IS NULL OR NOT claims_is_number(cell) THEN 1
        WHEN claims_units_text(cell) > 0 AND claims_units_text(cell) <= 99999.999 THEN 0
        ELSE 2
    END;
CREATE OR REPLACE MACRO claims_units_number_fault(cell) AS
    CASE
        WHEN claims_units_number(cell) > 0 AND claims_units_number(cell) <= 99999.999 THEN 0
        WHEN cell IS NULL OR NOT ISFINITE(CAST(cell AS DOUBLE)) THEN 1
        ELSE 2
    END;

-- Charges: NULL is none, which is no fault; else as units.
CREATE OR REPLACE MACRO claims_charge_text(cell) AS
    CASE WHEN claims_is_number(cell) THEN TRY_CAST(TRY_CAST(claims_bare(cell) AS DECIMAL(38, 18)) AS DECIMAL(12, 2)) END;
CREATE OR REPLACE MACRO claims_charge_number(cell) AS TRY_CAST(cell AS DECIMAL(12, 2));
CREATE OR REPLACE MACRO claims_charge_text_fault(cell) AS
    CASE
        WHEN claims_text(cell) IS NULL THEN 0
        WHEN NOT claims_is_number(cell) THEN 1
        WHEN claims_charge_text(cell) >= 0 THEN 0
        ELSE 2
    END;
CREATE OR REPLACE MACRO claims_charge_number_fault(cell) AS
    CASE
        WHEN cell IS NULL OR claims_charge_number(cell) >= 0 THEN 0
        WHEN NOT ISFINITE(CAST(cell AS DOUBLE)) THEN 1
        ELSE 2
    END;

-- A diagnosis pointer: NULL is none, -1 a fault.
CREATE OR REPLACE MACRO claims_pointer_text(cell) AS
    CASE
        WHEN claims_text(cell) IS NULL THEN NULL
        WHEN NOT REGEXP_FULL_MATCH(claims_bare(cell), '\d{1,2}(\.0*)?') THEN -1
        WHEN CAST(REGEXP_EXTRACT(claims_bare(cell), '^\d+') AS INTEGER) BETWEEN 1 AND 25
            THEN CAST(REGEXP_EXTRACT(claims_bare(cell), '^\d+') AS INTEGER)
        ELSE -1
    END;
CREATE OR REPLACE MACRO claims_pointer_number(cell) AS
    CASE
        WHEN cell IS NULL OR cell <> cell THEN NULL
        WHEN cell BETWEEN 1 AND 25 AND cell = FLOOR(cell) THEN CAST(cell AS INTEGER)
        ELSE -1
    END;
