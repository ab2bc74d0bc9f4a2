-- Where the findings gather. `ord`, `part`, `place` and `seq` are for their order only.
CREATE OR REPLACE TABLE findings (
    case_id VARCHAR, ord BIGINT, kind VARCHAR, part INTEGER, place INTEGER, seq INTEGER, id VARCHAR, status VARCHAR,
    found VARCHAR, missing VARCHAR[], used BIGINT, allowed BIGINT, window_days BIGINT, next_eligible_date DATE,
    whose VARCHAR, sequence VARCHAR, evaluated VARCHAR, statement VARCHAR, needed VARCHAR, citations VARCHAR[],
    evidence VARCHAR, note VARCHAR
);
CREATE OR REPLACE VIEW written AS
SELECT * EXCLUDE (ord, part, place, seq) FROM findings ORDER BY ord, part, place, seq;
