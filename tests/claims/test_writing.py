"""What is written is read again as it was: 837P, CSV, Parquet and FHIR from the same rows."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetwise.claims import read
from facetwise.claims.rejected import Rejected
from facetwise.claims.write_fhir import write_fhir
from facetwise.claims.write_x12 import write_837p
from facetwise.claims.writing import write_csv, write_parquet
from facetwise.problems import FacetwiseError
from small_claims import LAST_DAY, row, table

AT = datetime(2026, 3, 2, 11, 47)
CODES = st.text("0123456789ABCDEFGHIJ", min_size=5, max_size=5)
NAMES = st.text("ABCDEFGHIJ KLM0123456789-.'é", min_size=1, max_size=20).map(str.strip).filter(bool)
NPIS = st.text("0123456789", min_size=10, max_size=10)


@st.composite
def claims(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of claims that all formats can hold."""
    rows = []
    for number in range(draw(st.integers(1, 4))):
        diagnoses = draw(st.lists(CODES, max_size=25))
        common: dict[str, Any] = {"diagnosis_code_1": None}
        common |= {f"diagnosis_code_{place}": code for place, code in enumerate(diagnoses, 1)}
        common |= {
            "claim_id": f"{draw(NAMES)}{number}",
            "person_id": draw(NAMES).upper(),
            "payer": draw(NAMES),
            "rendering_npi": draw(st.none() | NPIS),
            "billing_npi": draw(st.none() | NPIS),
            "state": draw(st.sampled_from([None, "OH", "KY"])),
            "prior_authorization_number": draw(st.none() | NAMES),
        }
        for line in range(1, draw(st.integers(1, 4)) + 1):
            most = min(len(diagnoses), 4)
            pointers = draw(st.lists(st.integers(1, max(1, len(diagnoses))), max_size=most, unique=True))
            modifiers = draw(st.lists(st.sampled_from(["RT", "LT", "50", "KX", "59"]), max_size=4, unique=True))
            rows.append(
                row(
                    **common,
                    claim_line_number=line,
                    place_of_service_code=draw(st.sampled_from(["11", "22", "24"])),
                    claim_line_start_date=draw(st.dates(date(2000, 1, 1), LAST_DAY)),
                    hcpcs_code=draw(CODES),
                    service_unit_quantity=draw(st.decimals("0.001", "99999.999", places=3)),
                    charge_amount=draw(st.none() | st.decimals(0, Decimal("9999999999.99"), places=2)),
                    **{f"hcpcs_modifier_{place}": one for place, one in enumerate(modifiers, 1)},
                    **{f"diagnosis_pointer_{place}": one for place, one in enumerate(pointers, 1)},
                )
            )
    return rows


def read_again(path: Path) -> tuple[list[dict[str, Any]], list[Rejected]]:
    reading = read([path], last_day=LAST_DAY, work=path.parent)
    rows = [one for batch in reading.batches() for one in batch.to_pylist()]
    return rows, reading.rejected.records


def told(rows: Sequence[dict[str, Any]], *left_out: str) -> list[dict[str, Any]]:
    ignored = {"file", "place", "unit_basis", *left_out}
    return [{name: value for name, value in one.items() if name not in ignored} for one in rows]


@settings(max_examples=12)
@given(claims())
def test_every_format_gives_back_what_was_written(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_csv(place / "a", table(rows))
        write_parquet(place / "b", table(rows))
        write_837p(place / "c", table(rows), at=AT)
        write_fhir(place / "d", table(rows))
        for file in "abcd":
            back, rejected = read_again(place / file)
            assert rejected == []
            assert told(back) == told(rows)


def test_an_837p_has_its_counts(tmp_path: Path) -> None:
    rows = [row(claim_id=f"C{number}") for number in range(5_001)]
    assert write_837p(tmp_path / "a.837", table(rows), at=AT, test=True) == 5_001
    content = (tmp_path / "a.837").read_text(encoding="utf-8")
    assert content.startswith(
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260302*1147*^*00501*000000001*0*T*:~"
    )
    assert content.index("~") == 105
    assert content.count("ST*837") == 2
    assert "GE*2*1~\nIEA*1*000000001~\n" in content
    back, rejected = read_again(tmp_path / "a.837")
    assert (len(back), rejected) == (5_001, [])


def test_lines_that_differ_within_a_claim(tmp_path: Path) -> None:
    rows = [
        row(state="OH", rendering_npi="1111111112", prior_authorization_number="A1", referral_number="R"),
        row(
            claim_line_number=2,
            state="KY",
            rendering_npi="1222222223",
            referral_number="R",
            line_control_number="L-2",
            unit_basis="MJ",
            claim_line_start_date=date(2015, 9, 30),
        ),
    ]
    write_837p(tmp_path / "a", table(rows), at=AT)
    assert told(read_again(tmp_path / "a")[0]) == told(rows)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"claim_type": "institutional"}, "an institutional claim"),
        ({"hcpcs_modifier_5": "KX"}, "five modifiers"),
        ({"payer": "A*B"}, "one of the signs"),
    ],
)
def test_what_an_837p_cannot_hold(tmp_path: Path, values: dict[str, Any], found: str) -> None:
    with pytest.raises(FacetwiseError, match=found):
        write_837p(tmp_path / "a", table([row(**values)]), at=AT)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match="it cannot be written"):
        write_csv(tmp_path / "nowhere" / "a.csv", table([row()]))


def test_institutional_claims_in_flat_files_and_fhir(tmp_path: Path) -> None:
    rows = [
        row(claim_type="institutional", bill_type_code="131", place_of_service_code=None, hcpcs_code=None),
        row(claim_type="institutional", bill_type_code="131", place_of_service_code=None, claim_line_number=2),
    ]
    write_csv(tmp_path / "a", table(rows))
    write_fhir(tmp_path / "b", table(rows))
    for file in "ab":
        assert told(read_again(tmp_path / file)[0]) == told(rows)


def test_fhir_numbers_are_not_floats(tmp_path: Path) -> None:
    write_fhir(tmp_path / "a", table([row(charge_amount=Decimal("9999999999.99"))]))
    line = (tmp_path / "a").read_text(encoding="utf-8")
    assert "9999999999.99" in line
    assert json.loads(line)["resourceType"] == "Claim"
