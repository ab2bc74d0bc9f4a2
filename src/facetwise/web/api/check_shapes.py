"""The shapes of the claim check: the lines that may be asked about, and what is answered."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from facetwise.claims.columns import CLAIM_TYPES, COLUMNS, READ_ADDS
from facetwise.findings import Severity

FHIR_JSON = "application/fhir+json"
_TEXT = Annotated[str, Meta(max_length=200)]
_AMOUNT: Any = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")] | Annotated[float, Meta(ge=0, le=1e12)]
_KINDS: dict[str, Any] = {
    "VARCHAR": _TEXT,
    "INTEGER": Annotated[int, Meta(ge=1, le=1_000_000)],
    "DATE": datetime.date,
    "DECIMAL(9,3)": _AMOUNT,
    "DECIMAL(12,2)": _AMOUNT,
}
_CODE = Annotated[str, Meta(pattern="^[0-9A-Za-z]{5}$")]
_STATE = Annotated[str, Meta(pattern="^[A-Za-z]{2}$")]


class FhirClaims(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A FHIR R4 Claim, or a Bundle of Claims with what they refer to; what else it holds is read as FHIR says."""

    resource_type: Literal["Claim", "Bundle"]


class FindingOnLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding on a line: the contract's fields, the other line of a pair, and where the line stands in the input."""

    edit: str
    severity: Severity
    claim_id: str
    claim_line_number: int
    message: str
    fix: str
    evidence: dict[str, Any]
    carc: str
    citations: tuple[str, ...]
    other_claim_id: str | None = None
    other_claim_line_number: int | None = None
    file: str | None = None
    place: int | None = None
    hcpcs_code: str | None = None
    claim_line_start_date: str | None = None
    payer: str | None = None
    rendering_npi: str | None = None
    billing_npi: str | None = None
    charge_amount: str | None = None


class EditCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings of an edit and severity, on how many lines, which charge so much in all (dollars)."""

    edit: str
    severity: Severity
    findings: int
    lines: int
    charges: str


class PayerUnknown(msgspec.Struct, frozen=True, kw_only=True):
    """A payer as claims write it that is not known: only edits that need no payer were applied to these lines."""

    payer: str
    lines: int


class RejectedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be read: where, why, and how many service lines it stands for."""

    place: int
    place_kind: str
    segment: str | None
    claim_id: str | None
    lines: int
    reason: str
    file: str | None = None


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the contract: lines in = lines + rejected. `releases` says which NCCI tables answered for which days.

    `history_left_out` of the `history_lines` are of claims that are checked, and so no history.
    """

    claims: int
    lines: int
    rejected: int
    findings: tuple[FindingOnLine, ...]
    releases: dict[str, tuple[dict[str, str], ...]]
    knowledge: str
    history_lines: int
    counts: tuple[EditCount, ...]
    payers_unknown: tuple[PayerUnknown, ...]
    rejected_records: tuple[RejectedRecord, ...]
    history_left_out: int = 0
    history_rejected: int = 0
    engine: str | None = None
    lines_without_unit_value: int | None = None


def _line() -> Any:
    fields: list[Any] = []
    for column in COLUMNS:
        if column.name in READ_ADDS:
            continue
        kind: Any = {"hcpcs_code": _CODE, "state": _STATE}.get(column.name, _KINDS[column.type])
        if column.name == "claim_type":
            kind = Literal[CLAIM_TYPES]
        said: Any = _said(kind | None if column.nullable else kind, column.meaning)
        fields.append((column.name, said, None) if column.nullable else (column.name, said))
    return msgspec.defstruct(
        "ClaimLine", fields, forbid_unknown_fields=True, frozen=True, kw_only=True, module=__name__
    )


def _said(kind: Any, text: str) -> Any:
    return Annotated[kind, Meta(description=text)]


def claim_lines(payer: Any, most: int) -> type[msgspec.Struct]:
    """Return the type of what is checked: at most `most` lines and as many earlier ones; `payer`, the type of its id."""
    line: Any = _line()
    lines: Any = Annotated[list[line], Meta(min_length=1, max_length=most, description="The lines of one claim, or of several.")]  # fmt: skip
    earlier: Any = Annotated[list[line], Meta(max_length=most, description="Earlier lines: counted, not judged. Left out, not documented; [] says none.")]  # fmt: skip
    whose = Annotated[payer | None, Meta(description="The payer of lines that tell none.")]
    where = Annotated[_STATE | None, Meta(description="The state of lines that tell none.")]
    return msgspec.defstruct(
        "ClaimToCheck",
        [("lines", lines), ("history", earlier | None, None), ("payer", whose, None), ("state", where, None)],
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        module=__name__,
    )
