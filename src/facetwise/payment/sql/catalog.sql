-- The tables of the catalog that prices read, empty: they stand in where nothing has been loaded.
CREATE TEMP TABLE manifest (id INTEGER, kind VARCHAR, release VARCHAR, effective_from DATE, effective_to DATE);

CREATE TEMP TABLE physician_fee (
    release_id INTEGER, code VARCHAR, modifier VARCHAR, status VARCHAR, work DECIMAL(9, 4), nf_pe DECIMAL(9, 4),
    nf_na BOOLEAN, f_pe DECIMAL(9, 4), f_na BOOLEAN, mp DECIMAL(9, 4), global_days VARCHAR, mult VARCHAR, bilat VARCHAR,
    asst VARCHAR, co VARCHAR, team VARCHAR, conversion_factor DECIMAL(10, 4), participation VARCHAR,
    cap_nf_pe DECIMAL(9, 4), cap_f_pe DECIMAL(9, 4), cap_mp DECIMAL(9, 4)
);

CREATE TEMP TABLE gpci (
    release_id INTEGER, mac VARCHAR, locality VARCHAR, state VARCHAR, name VARCHAR, work DECIMAL(9, 4),
    pe DECIMAL(9, 4), mp DECIMAL(9, 4)
);

CREATE TEMP TABLE zip_locality (release_id INTEGER, zip VARCHAR, mac VARCHAR, locality VARCHAR, plus_four BOOLEAN);

CREATE TEMP TABLE opps_cap (
    release_id INTEGER, code VARCHAR, modifier VARCHAR, mac VARCHAR, locality VARCHAR, facility_price DECIMAL(12, 2),
    non_facility_price DECIMAL(12, 2)
);

CREATE TEMP TABLE asc_rate (
    release_id INTEGER, addendum VARCHAR, code VARCHAR, indicator VARCHAR, multiple_discount BOOLEAN, rate DECIMAL(12, 2)
);

CREATE TEMP TABLE asc_excluded (release_id INTEGER, code VARCHAR);

CREATE TEMP TABLE asc_wage_index (release_id INTEGER, cbsa VARCHAR, wage_index DECIMAL(9, 4));
