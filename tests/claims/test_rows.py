"""Rows in memory are read as the readers of files read them: the same values, the same reasons."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetwise.claims import flat
from facetwise.claims.columns import NAMES, READ_ADDS
from facetwise.claims.rejected import LINE_REASONS, late_reason
from facetwise.claims.rows import read_rows
from facetwise.problems import FacetwiseError
from small_claims import LAST_DAY

GOOD: dict[str, Any] = {
    "claim_id": "C1",
    "claim_line_number": 1,
    "claim_type": "professional",
    "claim_line_start_date": date(2026, 3, 2),
    "hcpcs_code": "64493",
    "service_unit_quantity": Decimal(1),
}
REASONS = {**LINE_REASONS, "date-late": late_reason(LAST_DAY)}
BLANKS = st.sampled_from(["", " ", "\t", "  "])


def _reason(row: dict[str, Any]) -> str:
    with pytest.raises(FacetwiseError) as caught:
        read_rows([row], LAST_DAY)
    (problem,) = caught.value.problems
    return problem.found


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"claim_id": " "}, "no-claim-id"),
        ({"claim_type": "dental"}, "claim-type"),
        ({"claim_line_number": 0}, "line-number"),
        ({"claim_line_number": "1.5"}, "line-number"),
        ({"claim_line_start_date": "2026-02-30"}, "date"),
        ({"claim_line_start_date": None}, "date"),
        ({"claim_line_start_date": date(2099, 1, 1)}, "date-late"),
        ({"hcpcs_code": None}, "no-code"),
        ({"hcpcs_code": "6449"}, "code"),
        ({"hcpcs_code": "6449ß"}, "code"),
        ({"service_unit_quantity": "one"}, "units"),
        ({"service_unit_quantity": float("nan")}, "units"),
        ({"service_unit_quantity": -1}, "units-range"),
        ({"service_unit_quantity": 1e9}, "units-range"),
        ({"charge_amount": "ten"}, "charge"),
        ({"charge_amount": -1}, "charge-range"),
        ({"diagnosis_pointer_2": 26}, "pointer"),
        ({"claim_id": "", "service_unit_quantity": 0, "charge_amount": "ten"}, "no-claim-id"),
    ],
)
def test_what_the_readers_refuse_is_refused_for_their_reason(values: dict[str, Any], reason: str) -> None:
    assert _reason(GOOD | values) == REASONS[reason]


def test_what_is_there_is_put_in_form() -> None:
    given_row = {
        "claim_id": " C1 ", "claim_line_number": "2", "claim_type": "Institutional", "person_id": 17, "state": "oh",
        "claim_line_start_date": "20260302", "hcpcs_code": " j3301", "hcpcs_modifier_1": "lt", "hcpcs_modifier_2": "",
        "diagnosis_code_1": "m47.816", "diagnosis_code_2": " ", "diagnosis_pointer_1": 1.0, "diagnosis_pointer_2": None,
        "service_unit_quantity": 1.5, "charge_amount": "100", "place_of_service_code": 11, "bill_type_code": float("nan"),
        "unit_basis": "un", "file": 0, "place": 7,
    }  # fmt: skip
    assert read_rows([given_row], LAST_DAY) == [
        {
            "claim_id": "C1", "claim_line_number": 2, "claim_type": "institutional", "person_id": "17", "state": "OH",
            "claim_line_start_date": date(2026, 3, 2), "hcpcs_code": "J3301", "hcpcs_modifier_1": "LT",
            "diagnosis_code_1": "M47816", "diagnosis_pointer_1": 1, "service_unit_quantity": Decimal("1.500"),
            "charge_amount": Decimal("100.00"), "place_of_service_code": "11", "unit_basis": "UN", "file": 0, "place": 7,
        }
    ]  # fmt: skip


def test_a_time_of_day_is_left_off_in_utc() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    rows = read_rows([GOOD | {"claim_line_start_date": when} for when in (late, late.astimezone(UTC))], LAST_DAY)
    assert [row["claim_line_start_date"] for row in rows] == [date(2026, 3, 3)] * 2


def test_each_row_at_fault_is_told() -> None:
    with pytest.raises(FacetwiseError) as caught:
        read_rows([GOOD, GOOD | {"hcpc_code": "1"}, GOOD, GOOD | {"service_unit_quantity": 0}], LAST_DAY)
    assert [problem.file for problem in caught.value.problems] == ["row 2", "row 4"]
    assert caught.value.problems[0].mend == "did you mean 'hcpcs_code'"


NUMBERS = st.one_of(
    st.text("0123456789.-+eE ", max_size=8),
    st.sampled_from(["1", "2", "0.0005", "0.0004", "99999.9995", "9999999999.995", ".5", "5.", "1e5", "nan", "1_0", "１", "12345678901234567890"]),
)  # fmt: skip
DAYS = st.one_of(
    st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(str), st.text("0123456789-T:Z ", max_size=12), st.just("2026-03-02T10:00:00.5Z")
)  # fmt: skip
WORDS = st.one_of(
    st.text("0123456789aBzé.- \t", max_size=7), st.sampled_from(["64493", "j3301", "Professional ", "institutional", "oh", "m47.816"])
)  # fmt: skip
_OF = {
    "claim_line_start_date": DAYS,
    "claim_line_number": NUMBERS,
    "service_unit_quantity": NUMBERS,
    "charge_amount": NUMBERS,
}
_CELLS = {
    name: NUMBERS if name.startswith("diagnosis_pointer") else _OF.get(name, WORDS)
    for name in NAMES
    if name not in READ_ADDS
}


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, str | None]:
    """A row that is right, some of whose cells are drawn."""
    names = draw(st.sets(st.sampled_from(sorted(_CELLS)), max_size=6))
    right = {name: str(value) for name, value in GOOD.items()}
    return {name: draw(_CELLS[name]) if name in names else right.get(name) for name in _CELLS}


@settings(max_examples=25)
@given(st.lists(_rows(), min_size=20, max_size=40))
def test_they_are_read_as_a_file_of_the_same_cells(given_rows: list[dict[str, str | None]]) -> None:
    connection = duckdb.connect()
    flat.prepare(connection, LAST_DAY)
    columns = {name: pa.array([row[name] for row in given_rows], pa.string()) for name in _CELLS}
    rows = connection.from_arrow(pa.table(columns))
    read = flat.normal(rows, list(columns), list(columns), flat.Flat(Path("x"), "x", 0), duckdb.ConstantExpression(1))
    for row, found in zip(given_rows, read.to_arrow_table().to_pylist(), strict=True):
        if found["reason"] is not None:
            assert _reason(row) == REASONS[found["reason"]]
            continue
        wanted = {name: value for name, value in found.items() if value is not None and name not in READ_ADDS}
        assert read_rows([row], LAST_DAY) == [wanted]
