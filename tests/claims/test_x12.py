"""What is read from an 837, and from where."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from facetwise.claims.columns import NAMES, SCHEMA
from small_claims import BILLING, GS, ISA, SUBSCRIBER, claim, got_837, interchange, simple, transaction


def test_a_claim_fills_the_table() -> None:
    got = got_837(simple(claim()))
    assert got.rejected == []
    first = got.rows[0]
    assert list(first) == list(NAMES) == SCHEMA.names
    assert {name: value for name, value in first.items() if value is not None} == {
        "claim_id": "C1",
        "claim_line_number": 1,
        "claim_type": "professional",
        "person_id": "M1",
        "payer": "MEDICARE",
        "place_of_service_code": "11",
        "claim_line_start_date": date(2026, 3, 2),
        "hcpcs_code": "64493",
        "hcpcs_modifier_1": "RT",
        "service_unit_quantity": Decimal("1.000"),
        "charge_amount": Decimal("100.00"),
        "billing_npi": "1234567893",
        "diagnosis_code_1": "M47816",
        "diagnosis_code_2": "M4726",
        "diagnosis_pointer_1": 1,
        "state": "OH",
        "file": 0,
        "place": simple(claim()).index("SV1"),
        "claim_filing_indicator_code": "MB",
        "unit_basis": "UN",
    }
    assert got.seen("claim_line_number") == [1, 2]
    assert (got.counts.claims, got.counts.lines) == (1, 2)


def test_what_the_line_says_comes_before_what_the_claim_says() -> None:
    content = simple(
        [
            *("CLM*C1*300***11:B:1*Y*A*Y*Y", "REF*G1*AUTH1", "REF*9F*REFER1", "HI*ABK:M47816*ABF:M4726*ABF:M545"),
            *("NM1*82*1*HOUSE*GREG****XX*1111111112", "NM1*77*2*CENTER*****XX*1222222223", "N3*X", "N4*Y*KY*40000"),
            *("LX*1", "SV1*HC:64493*100*UN*1***1:2", "DTP*472*D8*20260302", "REF*6R*L-1"),
            *(
                "LX*2",
                "SV1*HC:64494*100*UN*1*24**3:1",
                "DTP*472*RD8*20260303-20260304",
                "REF*G1*AUTH2",
                "REF*9F*REFER2",
            ),
            *("NM1*82*1*WILSON*J****XX*1333333334", "NM1*77*2*OTHER", "N3*X", "N4*Y*IN*46000"),
            *("LX*3", "SV1*HC:00600*100*MJ*61***1.00", "DTP*472*D8*20260302"),
        ]
    )
    got = got_837(content)
    names = ("rendering_npi", "state", "place_of_service_code", "prior_authorization_number", "referral_number")
    common = ("1111111112", "KY", "11", "AUTH1", "REFER1")
    assert got.seen(*names) == [common, ("1333333334", "IN", "24", "AUTH2", "REFER2"), common]
    assert got.seen("diagnosis_pointer_1", "diagnosis_pointer_2") == [(1, 2), (3, 1), (1, None)]
    assert got.seen("claim_line_start_date") == [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 2)]
    assert got.seen("line_control_number") == ["L-1", None, None]
    assert got.seen("unit_basis", "service_unit_quantity")[2] == ("MJ", Decimal("61.000"))


def test_what_another_payer_says_is_passed_over() -> None:
    other = (
        *("SBR*S*01*******12", "OI***Y***Y", "NM1*IL*1*ROE*SAM****MI*OTHER1", "N4*X*NY*10000", "NM1*PR*2*OTHER PAYER"),
        *("REF*G1*THEIRS", "REF*9F*THEIRS", "NM1*82*1", "NM1*77*2", "N4*X*NY*10000", "NM1*85*2*******XX*9999999999"),
    )
    second = ("REF*G1*THEIRS*  *2U:PAYER", "SVD*PAYER*10*HC:64493**1", "CAS*CO*45*90", "DTP*573*D8*20260401")
    got = got_837(simple([*claim("C1", 1, other), *second], claim("C2", 1)))
    assert got.rejected == []
    plain = got_837(simple(claim("C1", 1), claim("C2", 1)))
    ignored = {"place"}
    assert [{k: v for k, v in row.items() if k not in ignored} for row in got.rows] == [
        {k: v for k, v in row.items() if k not in ignored} for row in plain.rows
    ]


def test_providers_without_an_npi_are_not_carried() -> None:
    billing = ("HL*1**20*1", "NM1*85*1*DOE*JOHN****34*123456789", "N4*COLUMBUS*OH*43215")
    got = got_837(interchange(transaction(billing, SUBSCRIBER, claim("C1", 1, ["NM1*82*1*DOE*JOHN****34*123456789"]))))
    assert got.seen("billing_npi", "rendering_npi") == [(None, None)]
    assert got.rejected == []


def dependent(name: str, born: str, number: int) -> list[str]:
    return [f"HL*{number}*2*23*0", "PAT*19", f"NM1*QC*1*DOE*{name}", "N3*X", f"DMG*D8*{born}*F"]


def test_dependents_are_told_apart_without_their_names() -> None:
    subscriber = ("HL*2*1*22*1", *SUBSCRIBER[1:])
    got = got_837(
        interchange(
            transaction(
                *(BILLING, subscriber, claim("C0", 1)),
                *(dependent("ANN", "20100102", 3), claim("C1", 1), dependent("BEA", "20100102", 4), claim("C2", 1)),
                *(dependent("ann ", "20100102", 5), claim("C3", 1)),
            )
        )
    )
    people = dict(got.seen("claim_id", "person_id"))
    assert people["C0"] == "M1"
    assert people["C1"] == people["C3"] != people["C2"]
    assert all(len(people[one]) == 64 and "2010" not in people[one] for one in ("C1", "C2"))


def test_a_subscriber_without_a_member_id_has_a_hash_or_nothing() -> None:
    named = ("HL*2*1*22*0", "SBR*P*18*******MB", "NM1*IL*1*DOE*JANE", "DMG*D8*19630102*F")
    nobody = ("HL*3*1*22*0", "SBR*P*18*******MB", "NM1*IL*1")
    got = got_837(interchange(transaction(BILLING, named, claim("C1", 1), nobody, claim("C2", 1))))
    first, second = got.seen("person_id")
    assert len(first) == 64
    assert second is None
    assert "DOE" not in str(got.rows)


def institutional(*lines: str, dates: tuple[str, ...] = ()) -> str:
    head = (
        "CLM*H1*500***13:A:1*Y*A*Y*Y",
        *dates,
        "CL1*3**01",
        "HI*ABK:M47816",
        "HI*ABF:I10*ABF:E119",
        "HI*BH:11:D8:20260101",
    )
    return interchange(transaction(BILLING, SUBSCRIBER, head, lines, version="005010X223A2"), version="005010X223A2")


def test_institutional_claims() -> None:
    got = got_837(
        institutional(
            *("LX*1", "SV2*0360*HC:64493:RT*400*UN*1", "DTP*472*D8*20260302"),
            *("LX*2", "SV2*0250**100*UN*3"),
            dates=("DTP*434*RD8*20260301-20260303", "DTP*435*DT*202602280800"),
        )
    )
    assert got.rejected == []
    assert got.seen("claim_type", "bill_type_code", "place_of_service_code") == [("institutional", "131", None)] * 2
    assert got.seen("hcpcs_code", "claim_line_start_date") == [("64493", date(2026, 3, 2)), (None, date(2026, 3, 1))]
    assert got.seen("diagnosis_code_1", "diagnosis_code_2", "diagnosis_code_3")[0] == ("M47816", "I10", "E119")


def test_the_admission_is_the_last_date_to_fall_back_on() -> None:
    line = ("LX*1", "SV2*0360*HC:64493*400*UN*1")
    got = got_837(institutional(*line, dates=("DTP*435*DT*202602280800",)))
    assert got.seen("claim_line_start_date") == [date(2026, 2, 28)]
    assert got_837(institutional(*line)).reasons == ["the date of service is absent or cannot be read"]


def test_onset_and_admission_are_no_dates_of_service_of_a_professional_claim() -> None:
    lines = [part for part in claim("C1", 1, ["DTP*431*D8*20260101", "DTP*435*D8*20260101"]) if "*472*" not in part]
    assert got_837(simple(lines)).reasons == ["the date of service is absent or cannot be read"]


@pytest.mark.parametrize("ends", ["~", "~\n", "~\r\n", "~ \n", "\n", "'\n"])
@pytest.mark.parametrize("signs", ["*:^", "|>^", "\x1d\x1f\x1e"])
def test_delimiters_come_from_the_isa(ends: str, signs: str) -> None:
    element, component, repetition = list(signs)
    content = simple(claim(), ends=ends).replace(":", component).replace("^", repetition).replace("*", element)
    got = got_837(content)
    assert got.rejected == []
    assert got.seen("hcpcs_code", "hcpcs_modifier_1", "diagnosis_code_2") == [("64493", "RT", "M4726")] * 2
    assert [content[place : place + 3] for place in got.seen("place")] == ["SV1", "SV1"]


def test_many_interchanges_groups_and_transactions() -> None:
    one = simple(claim("C1"), claim("C2"))
    two = simple(claim("C3")).replace(":", ">").replace("*", "|")
    three = "".join(
        f"{segment}~"
        for segment in (
            *(ISA, GS.format(version="005010X222A1"), *transaction(BILLING, SUBSCRIBER, claim("C4"))),
            *(*transaction(BILLING, SUBSCRIBER, claim("C5"), control="2"), "GE*2*1"),
            *(GS.format(version="005010X223A2"), *transaction(BILLING, SUBSCRIBER, version="005010X223A2"), "GE*1*1"),
            "IEA*2*000000907",
        )
    )
    got = got_837(one + "\n" + two + three + one)
    assert got.rejected == []
    assert [claim_id for claim_id, number in got.seen("claim_id", "claim_line_number") if number == 1] == [
        *("C1", "C2", "C3", "C4", "C5", "C1", "C2"),
    ]


@pytest.mark.parametrize("version", ["005010X222", "005010X222A1", "005010X222A2"])
def test_variants_of_the_guide_are_read(version: str) -> None:
    content = interchange(transaction(BILLING, SUBSCRIBER, claim(), version=version), version=version)
    assert got_837(content).counts.lines == 2


def test_a_transaction_without_st03_has_the_version_of_its_group() -> None:
    content = simple(claim()).replace("ST*837*0001*005010X222A1", "ST*837*0001")
    assert got_837(content).counts.lines == 2


def test_text_that_is_not_utf8_is_latin_1() -> None:
    content = simple(claim()).replace("MEDICARE", "ASSURÉ")
    for encoding in ("latin-1", "utf-8"):
        assert got_837(content.encode(encoding)).seen("payer") == ["ASSURÉ"] * 2


def test_diagnoses_of_other_kinds_are_passed_over() -> None:
    segments = claim("C1", 1)
    segments[1] = "HI*BK:7245*BF:72252"
    segments.insert(2, "HI*BP:64493")
    got = got_837(simple(segments))
    assert got.seen("diagnosis_code_1", "diagnosis_code_2", "diagnosis_code_3") == [("7245", "72252", None)]
