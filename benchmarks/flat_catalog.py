"""A catalog made of flat copies of the NCCI tables, for benchmarks and tests: the rows are real, the effective dates are not.

The flat copies have lost the effective dates, so every row begins on 2020-01-01 and the releases hold from then to the end
of 2026. A user's catalog is loaded from the published files by `facetwise data load`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from facetwise.catalog import open_catalog

FILES = {
    "ptp": "ptp_practitioner_2024q3_flat.csv.gz",
    "mue_practitioner": "mue_practitioner_2026q2_flat.csv",
    "mue_outpatient_hospital": "mue_outpatient_2024q3_flat.csv",
    "add_on": "aoc_2024_flat.csv",
}
_START, _END = "2020-01-01", "2026-12-31"
_FILL = {
    "ptp": """
        INSERT INTO ptp SELECT 1, 'practitioner', column1, column2, column1 || column2, DATE '1996-01-01',
          nullif(deletion_date, '9999-12-31')::DATE, modifier_indicator, rationale
        FROM read_csv($file, header = true, all_varchar = true)""",
    "ptp_hospital": """
        INSERT INTO ptp SELECT 2, 'hospital', column1, column2, column1 || column2, DATE '1996-01-01',
          nullif(deletion_date, '9999-12-31')::DATE, modifier_indicator, rationale
        FROM read_csv($file, header = true, all_varchar = true)""",
    "mue_practitioner": """
        INSERT INTO mue SELECT 3, 'practitioner', hcpcs, mue::INTEGER, mai, rationale
        FROM read_csv($file, header = true, all_varchar = true)""",
    "mue_outpatient_hospital": """
        INSERT INTO mue SELECT 4, 'outpatient_hospital', hcpcs_code, mue_units::INTEGER, mue_mai, mue_rationale
        FROM read_csv($file, header = true, all_varchar = true)""",
    "add_on": """
        INSERT INTO add_on SELECT 5, aoc_edit_type, add_on_code, primary_code, DATE '1996-01-01', NULL, ''
        FROM read_csv($file, header = true, all_varchar = true)""",
}
_KINDS = ("ptp_practitioner", "ptp_hospital", "mue_practitioner", "mue_outpatient_hospital", "add_on")


def make(flat: Path, path: Path, hospital_pairs: bool = True) -> None:
    """Write a catalog at `path` from the flat copies in `flat`; the hospital's pairs are those of practitioners."""
    with open_catalog(read_only=False, path=path) as catalog:
        connection = catalog.connection
        for table, statement in _FILL.items():
            if table != "ptp_hospital" or hospital_pairs:
                connection.execute(statement, {"file": str(flat / FILES.get(table, FILES["ptp"]))})
        for number, kind in enumerate(_KINDS, 1):
            if kind != "ptp_hospital" or hospital_pairs:
                connection.execute(
                    "INSERT INTO manifest VALUES (?, ?, 'flat copy', '', ?, 1, 0, ?::DATE, ?::DATE, current_timestamp)",
                    [number, kind, kind, _START, _END],
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flat", type=Path, help="the directory of the flat copies")
    parser.add_argument("catalog", type=Path, help="the catalog to write, such as $FACETWISE_HOME/catalog.duckdb")
    chosen = parser.parse_args()
    make(chosen.flat, chosen.catalog)
