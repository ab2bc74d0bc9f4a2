-- What the contractors say of the cases of one lot whose contractor is not known.
CREATE OR REPLACE TABLE outcome_by (
    ord BIGINT, place BIGINT, contractor VARCHAR, outcome VARCHAR, missing VARCHAR[], sequence VARCHAR
);
CREATE OR REPLACE TABLE refused_by (ord BIGINT, contractor VARCHAR, id VARCHAR);
