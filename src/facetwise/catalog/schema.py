"""The tables of the catalog's database, as DuckDB creates them."""

from __future__ import annotations

VERSION = 1

_RVU = "DECIMAL(9,4)"
_MONEY = "DECIMAL(12,2)"

# Table -> columns in order, beside release_id, which each of them has first.
TABLES: dict[str, dict[str, str]] = {
    "physician_fee": {
        "code": "VARCHAR", "modifier": "VARCHAR", "status": "VARCHAR",
        "work": _RVU, "nf_pe": _RVU, "nf_na": "BOOLEAN", "f_pe": _RVU, "f_na": "BOOLEAN", "mp": _RVU,
        "pctc": "VARCHAR", "global_days": "VARCHAR", "pre": _RVU, "intra": _RVU, "post": _RVU,
        "mult": "VARCHAR", "bilat": "VARCHAR", "asst": "VARCHAR", "co": "VARCHAR", "team": "VARCHAR",
        "pricing_indicator": "VARCHAR", "endo_base": "VARCHAR", "conversion_factor": "DECIMAL(10,4)",
        "participation": "VARCHAR", "imaging_family": "VARCHAR",
        "cap_nf_pe": _RVU, "cap_f_pe": _RVU, "cap_mp": _RVU,
    },
    "gpci": {"mac": "VARCHAR", "locality": "VARCHAR", "state": "VARCHAR", "name": "VARCHAR",
             "work": _RVU, "pe": _RVU, "mp": _RVU},
    "locality_county": {"mac": "VARCHAR", "locality": "VARCHAR", "state": "VARCHAR", "fee_area": "VARCHAR",
                        "counties": "VARCHAR"},
    "zip_locality": {"zip": "VARCHAR", "state": "VARCHAR", "mac": "VARCHAR", "locality": "VARCHAR", "rural": "VARCHAR",
                     "plus_four": "BOOLEAN"},
    "anesthesia_factor": {"mac": "VARCHAR", "locality": "VARCHAR", "factor": _RVU, "participation": "VARCHAR"},
    "opps_cap": {"code": "VARCHAR", "modifier": "VARCHAR", "status": "VARCHAR", "mac": "VARCHAR", "locality": "VARCHAR",
                 "facility_price": _MONEY, "non_facility_price": _MONEY},
    "ptp": {"service": "VARCHAR", "column1": "VARCHAR", "column2": "VARCHAR", "pair": "VARCHAR", "effective": "DATE",
            "deleted": "DATE", "indicator": "VARCHAR", "rationale": "VARCHAR"},
    "mue": {"service": "VARCHAR", "code": "VARCHAR", "value": "INTEGER", "mai": "VARCHAR", "rationale": "VARCHAR"},
    "add_on": {"type": "VARCHAR", "add_on": "VARCHAR", "primary_code": "VARCHAR", "effective": "DATE", "deleted": "DATE",
               "note": "VARCHAR"},
    "asc_rate": {"addendum": "VARCHAR", "code": "VARCHAR", "indicator": "VARCHAR", "multiple_discount": "BOOLEAN",
                 "weight": "DECIMAL(12,4)", "rate": _MONEY},
    "asc_apc": {"code": "VARCHAR", "indicator": "VARCHAR", "apc": "VARCHAR", "opps_rate": _MONEY,
                "device_offset_percent": _RVU, "device_offset_amount": _MONEY},
    "asc_excluded": {"code": "VARCHAR"},
    "asc_wage_index": {"cbsa": "VARCHAR", "name": "VARCHAR", "wage_index": _RVU},
    "opps_addendum_b": {"code": "VARCHAR", "si": "VARCHAR", "apc": "VARCHAR", "weight": "DECIMAL(12,4)", "rate": _MONEY,
                        "national_copay": _MONEY, "minimum_copay": _MONEY},
    "icd10": {"code": "VARCHAR", "billable": "BOOLEAN", "title": "VARCHAR"},
    "taxonomy": {"code": "VARCHAR", "grouping": "VARCHAR", "classification": "VARCHAR", "specialization": "VARCHAR",
                 "display_name": "VARCHAR"},
    "adjustment_code": {"list": "VARCHAR", "code": "VARCHAR", "start": "DATE", "modified": "DATE", "end": "DATE"},
}  # fmt: skip

_BOOKS = (
    "CREATE TABLE catalog_version (version INTEGER)",
    f"INSERT INTO catalog_version VALUES ({VERSION})",  # noqa: S608 - a number of our own
    # What is loaded. effective_from and effective_to, both included, are kept free of overlap within a kind.
    "CREATE TABLE manifest (id INTEGER, kind VARCHAR, release VARCHAR, source VARCHAR, sha256 VARCHAR, rows BIGINT, "
    "rejected BIGINT, effective_from DATE, effective_to DATE, loaded_at TIMESTAMP)",
    "CREATE TABLE rejected (release_id INTEGER, file VARCHAR, line BIGINT, reason VARCHAR)",
    # What a release says of itself, from which the spans in the manifest follow whenever another one is loaded.
    "CREATE TABLE release_span (release_id INTEGER, own_from DATE, own_to DATE, reach_from DATE, dated_by VARCHAR)",
    # The files that a release was read from; `part` tells those apart that make one release together.
    "CREATE TABLE release_file (release_id INTEGER, file VARCHAR, part VARCHAR, sha256 VARCHAR, rows BIGINT, source VARCHAR, "
    "source_sha256 VARCHAR)",
)


def statements() -> list[str]:
    """Return the statements that create an empty catalog."""
    made = list(_BOOKS)
    for table, columns in TABLES.items():
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        made.append(f"CREATE TABLE {table} (release_id INTEGER, {listed})")
    return made
