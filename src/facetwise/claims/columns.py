"""The claim-line table: the columns that every reader fills, one row a service line, and the rules of form for each.

`COLUMNS` names them in their order with DuckDB type and meaning; `SCHEMA` is the same for Arrow. The names are those of the Tuva Project's
claims input layer, with a few more. What cannot be put into these columns is not a row but a rejected record (`claims.rejected`).
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

MODIFIERS = 5
DIAGNOSES = 25
POINTERS = 4


class Column(NamedTuple):
    """A column: its name, its type in DuckDB, whether a row may be without it, and what it means."""

    name: str
    type: str
    nullable: bool
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column(
        "claim_id", "VARCHAR", False, "The claim's own number: CLM01, FHIR identifier or id, or the file's claim_id."
    ),
    Column("claim_line_number", "INTEGER", False, "The line's number in the claim, from 1: LX01, FHIR item sequence."),
    Column("claim_type", "VARCHAR", False, "professional or institutional."),
    Column(
        "person_id",
        "VARCHAR",
        True,
        "Whose claim it is, the same for all claims of a person: the member id of a subscriber; for a dependent a hash of the"
        " member id and what tells the dependents apart. Never a name or a birth date.",
    ),
    Column("payer", "VARCHAR", True, "The payer as the claim writes it (name, else identifier)."),
    Column(
        "place_of_service_code",
        "VARCHAR",
        True,
        "Two digits; the line's own where it has one. Professional claims only.",
    ),
    Column(
        "bill_type_code", "VARCHAR", True, "Type of bill, facility type and frequency (131). Institutional claims only."
    ),
    Column("claim_line_start_date", "DATE", False, "First day of the service."),
    Column("hcpcs_code", "VARCHAR", True, "CPT or HCPCS code, upper case; NULL on a line with a revenue code only."),
    *(
        Column(f"hcpcs_modifier_{number}", "VARCHAR", True, f"Modifier {number}, upper case.")
        for number in range(1, MODIFIERS + 1)
    ),
    Column("service_unit_quantity", "DECIMAL(9,3)", False, "Units, or minutes of anesthesia; more than 0."),
    Column("charge_amount", "DECIMAL(12,2)", True, "What the line charges, in dollars; 0 or more."),
    Column("rendering_npi", "VARCHAR", True, "Who rendered the service: the line's provider, else the claim's."),
    Column("billing_npi", "VARCHAR", True, "Who bills."),
    *(
        Column(
            f"diagnosis_code_{number}",
            "VARCHAR",
            True,
            f"Diagnosis {number} of the claim, upper case, without the dot.",
        )
        for number in range(1, DIAGNOSES + 1)
    ),
    *(
        Column(
            f"diagnosis_pointer_{number}",
            "INTEGER",
            True,
            f"Pointer {number} of the line: which of the claim's diagnoses, from 1.",
        )
        for number in range(1, POINTERS + 1)
    ),
    Column("state", "VARCHAR", True, "State of the place of service, two letters, upper case."),
    Column("prior_authorization_number", "VARCHAR", True, "Prior authorization: the line's own, else the claim's."),
    Column("file", "INTEGER", False, "Which of the files read, from 0."),
    Column(
        "place",
        "BIGINT",
        False,
        "Where in the file: byte offset of the line's segment in an 837, 1-based row of a CSV or Parquet, 0-based index of the"
        " claim in a FHIR file.",
    ),
    Column(
        "claim_filing_indicator_code",
        "VARCHAR",
        True,
        "X12 claim filing indicator (SBR09): the kind of plan that the claim is for. 837 only.",
    ),
    Column(
        "unit_basis",
        "VARCHAR",
        True,
        "What is counted: UN units, MJ minutes, DA days. NULL where the format does not say.",
    ),
    Column("referral_number", "VARCHAR", True, "Referral number: the line's own, else the claim's."),
    Column("line_control_number", "VARCHAR", True, "The sender's own number of the line (REF*6R), to find it again."),
)
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
# Which of them a CSV or Parquet must have: all but what the contract calls optional, of the numbered ones those after the first,
# and what reading adds.
READ_ADDS: tuple[str, ...] = ("file", "place")
OPTIONAL: tuple[str, ...] = (
    "state",
    "prior_authorization_number",
    *(f"hcpcs_modifier_{number}" for number in range(2, MODIFIERS + 1)),
    *(f"diagnosis_code_{number}" for number in range(2, DIAGNOSES + 1)),
    *(f"diagnosis_pointer_{number}" for number in range(1, POINTERS + 1)),
    "claim_filing_indicator_code",
    "unit_basis",
    "referral_number",
    "line_control_number",
)

_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DATE": pa.date32(),
    "DECIMAL(9,3)": pa.decimal128(9, 3),
    "DECIMAL(12,2)": pa.decimal128(12, 2),
}
SCHEMA: pa.Schema = pa.schema([pa.field(column.name, _ARROW[column.type], column.nullable) for column in COLUMNS])

PROFESSIONAL = "professional"
INSTITUTIONAL = "institutional"
CLAIM_TYPES: tuple[str, ...] = (PROFESSIONAL, INSTITUTIONAL)
