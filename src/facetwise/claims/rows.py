"""Reads rows of the claim-line table that are in memory, given as mappings: as the readers of files do, for the same reasons.

Texts are stripped, codes and modifiers put in upper case, diagnoses freed of their dots; numbers and dates may be given as text. An
absent key, None, an empty text and NaN are nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from facetwise.claims import fields
from facetwise.claims.columns import CLAIM_TYPES, INSTITUTIONAL, NAMES, READ_ADDS
from facetwise.claims.rejected import LINE_REASONS, fault, late_reason, reason_of
from facetwise.problems import FacetwiseError, Problem, did_you_mean

Row = Mapping[str, Any]
_KNOWN = frozenset(NAMES)
_EXPECTED = {
    "no-claim-id": "claim_id, the claim's own number",
    "claim-type": f"claim_type: {' or '.join(CLAIM_TYPES)}",
    "line-number": "claim_line_number: a whole number from 1 to 999,999,999",
    "date": "claim_line_start_date: a day such as 2026-03-02",
    "date-late": "claim_line_start_date: an earlier day",
    "no-code": "hcpcs_code; only an institutional line may be without one",
    "code": "hcpcs_code: five letters or digits",
    "units": "service_unit_quantity: a number such as 1",
    "units-range": "service_unit_quantity: above 0 and at most 99,999.999",
    "charge": "charge_amount: a number such as 250.00",
    "charge-range": "charge_amount: 0 or more",
    "pointer": "diagnosis_pointer_1 to _4: a number from 1 to 25, or nothing",
}


def read_rows(rows: Iterable[Row], last_day: date) -> list[dict[str, Any]]:
    """Return rows as the claim-line table has them, without the keys that hold nothing.

    Raises FacetwiseError with a problem for each row that is no claim line, in their order; `last_day` is the last that can be
    checked. No problem repeats a value.
    """
    days = fields.Days(last_day)
    read: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows, 1):
        if not row.keys() <= _KNOWN:
            problems += [
                Problem(f"row {number}", 0, f"unknown key {odd!r}", "a column of the claim-line table", did_you_mean(odd, NAMES))
                for odd in sorted(map(str, row.keys() - _KNOWN))
            ]  # fmt: skip
            continue
        found = {name: value for name, given in row.items() if (value := _READ[name](given)) is not None}
        reason = _reason(found, days)
        if reason is None:
            read.append(found)
        else:
            said = late_reason(last_day) if reason == "date-late" else LINE_REASONS[reason]
            problems.append(Problem(f"row {number}", 0, said, _EXPECTED[reason]))
    if problems:
        raise FacetwiseError(problems)
    return read


def _reason(found: dict[str, Any], days: fields.Days) -> str | None:
    """Return the first reason, in the order of the readers, why this is no claim line; put what must be there in its form."""
    day = days.iso(_bytes(found.get("claim_line_start_date")))
    units = found.get("service_unit_quantity", fault("units"))
    pointers = [found.get(name, 0) for name in _POINTERS]
    code, kind = found.get("hcpcs_code"), found.get("claim_type")
    values = [
        0 if "claim_id" in found else fault("no-claim-id"),
        0 if kind in CLAIM_TYPES else fault("claim-type"),
        found.get("claim_line_number", fault("line-number")),
        day,
        fault("no-code") if code is None and kind != INSTITUTIONAL else 0,
        fault("code") if code is not None and fields.code(code.encode()) is None else 0,
        units,
        found.get("charge_amount", 0),
        *pointers,
    ]
    if min(values) < 0:
        return reason_of(*values)
    found["claim_line_start_date"] = date.fromordinal(day)
    found["service_unit_quantity"] = Decimal(units).scaleb(-3)
    if "charge_amount" in found:
        found["charge_amount"] = Decimal(found["charge_amount"]).scaleb(-2)
    return None


def _bytes(value: Any) -> bytes:
    return str(value).encode("utf-8", "replace") if value is not None else b""


def _nothing(value: Any) -> bool:
    return value is None or value != value  # the latter is NaN, as data frames have it


def _text(value: Any) -> str | None:
    if _nothing(value):
        return None
    return (value if isinstance(value, str) else str(value)).strip(" \t") or None


def _upper(value: Any) -> str | None:
    text = _text(value)
    if text is None or text.isascii():
        return text.upper() if text else None
    return "".join(
        one.upper() if len(one.upper()) == 1 else one for one in text
    )  # a sharp s does not become two letters


def _lower(value: Any) -> str | None:
    text = _text(value)
    return text.lower() if text else None


def _diagnosis(value: Any) -> str | None:
    text = _upper(value)
    return text.translate(_NO_DOTS) or None if text else None


def _state(value: Any) -> str | None:
    text = _upper(value)
    return text if text and len(text) == 2 and text.isascii() and text.isalpha() else None


def _day(value: Any) -> str | None:
    if isinstance(value, datetime):
        value = (value.astimezone(UTC) if value.tzinfo is not None else value).date()
    return value.isoformat() if isinstance(value, date) else _text(value)


def _number(read: Callable[[bytes], int]) -> Callable[[Any], int | None]:
    def number(value: Any) -> int | None:
        return None if _nothing(value) else read(_bytes(value))

    return number


def _charge(value: Any) -> int | None:
    cents = fields.charge(_bytes(value))
    return None if cents == fields.NO_CHARGE else cents


def _pointer(value: Any) -> int | None:
    return None if _nothing(value) else fields.pointer(_bytes(value)) or None


def _as_it_is(value: Any) -> Any:
    return value


_NO_DOTS = str.maketrans("", "", ". \t")
_POINTERS = tuple(name for name in NAMES if name.startswith("diagnosis_pointer_"))
_OF_KIND: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("claim_line_number", _number(fields.line_number)),
    ("claim_type", _lower),
    ("claim_line_start_date", _day),
    ("hcpcs_", _upper),
    ("service_unit_quantity", _number(fields.units)),
    ("charge_amount", _charge),
    ("diagnosis_code_", _diagnosis),
    ("diagnosis_pointer_", _pointer),
    ("state", _state),
    ("claim_filing_indicator_code", _upper),
    ("unit_basis", _upper),
)
_READ: dict[str, Callable[[Any], Any]] = {
    name: _as_it_is if name in READ_ADDS else next((read for start, read in _OF_KIND if name.startswith(start)), _text)
    for name in NAMES
}
