"""FHIR R4 claims: one, a Bundle, an array, NDJSON; what is read from where, and what is refused."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetwise.claims import fhir_items
from facetwise.claims.rejected import LINE_REASONS
from small_claims import got_fhir, pieces

CPT = "http://www.ama-assn.org/go/cpt"
NPI = "http://hl7.org/fhir/sid/us-npi"


def item(sequence: int = 1, code: str = "64493", **more: Any) -> dict[str, Any]:
    base = {
        "sequence": sequence,
        "productOrService": {
            "coding": [{"system": "http://snomed.info/sct", "code": "1"}, {"system": CPT, "code": code}]
        },
        "servicedDate": "2026-03-02",
        "quantity": {"value": 1},
        "net": {"value": 100.10, "currency": "USD"},
    }
    return {name: value for name, value in (base | more).items() if value is not None}


def claim(claim_id: str = "C1", *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {
        "resourceType": "Claim",
        "id": "x",
        "identifier": [{"system": "urn:claims", "value": claim_id}],
        "status": "active",
        "use": "claim",
        "type": {"coding": [{"code": "professional"}]},
        "patient": {"reference": "Patient/p1", "display": "Jane Doe"},
        "insurer": {"display": "Medicare"},
        "provider": {"identifier": {"system": NPI, "value": "1234567893"}},
        "diagnosis": [
            {"sequence": 2, "diagnosisCodeableConcept": {"coding": [{"code": "M47.26"}]}},
            {"sequence": 1, "diagnosisCodeableConcept": {"coding": [{"code": "M47.816"}]}},
        ],
        "item": list(items) or [item()],
    }
    return {name: value for name, value in (base | more).items() if value is not None}


def test_a_claim_fills_the_table() -> None:
    one = claim(
        "C1",
        item(
            modifier=[{"coding": [{"code": "rt"}]}, {"coding": [{"code": "KX"}]}],
            diagnosisSequence=[2, 1],
            careTeamSequence=[2],
            locationCodeableConcept={"coding": [{"code": "24"}]},
            servicedDate=None,
            servicedPeriod={"start": "2026-03-02T08:00:00-05:00"},
            net=None,
            unitPrice={"value": 50.05},
            quantity={"value": 1.5, "unit": "min"},
        ),
        item(2, "j3301", net={"value": 1e2}),
        careTeam=[
            {"sequence": 1, "provider": {"identifier": {"system": NPI, "value": "1111111112"}}, "responsible": True},
            {"sequence": 2, "provider": {"reference": "#doc"}},
        ],
        contained=[
            {
                "resourceType": "Practitioner",
                "id": "doc",
                "identifier": [{"system": NPI, "value": "1222222223"}],
                "name": [{"family": "Doe"}],
            },
            {"resourceType": "Location", "id": "here", "address": {"state": "oh", "line": ["1 Main"]}},
        ],
        facility={"reference": "#here"},
        insurance=[
            {"sequence": 1, "focal": False, "coverage": {"display": "Other"}, "preAuthRef": ["NO"]},
            {"sequence": 2, "focal": True, "coverage": {"display": "This"}, "preAuthRef": ["AUTH-1"]},
        ],
    )
    got = got_fhir(json.dumps(one, indent=2))
    assert got.rejected == []
    first = {name: value for name, value in got.rows[0].items() if value is not None}
    assert first == {
        "claim_id": "C1",
        "claim_line_number": 1,
        "claim_type": "professional",
        "person_id": "p1",
        "payer": "Medicare",
        "place_of_service_code": "24",
        "claim_line_start_date": date(2026, 3, 2),
        "hcpcs_code": "64493",
        "hcpcs_modifier_1": "RT",
        "hcpcs_modifier_2": "KX",
        "service_unit_quantity": Decimal("1.500"),
        "charge_amount": Decimal("75.08"),
        "rendering_npi": "1222222223",
        "billing_npi": "1234567893",
        "diagnosis_code_1": "M47816",
        "diagnosis_code_2": "M4726",
        "diagnosis_pointer_1": 2,
        "diagnosis_pointer_2": 1,
        "state": "OH",
        "prior_authorization_number": "AUTH-1",
        "file": 0,
        "place": 0,
        "unit_basis": "MJ",
    }
    assert got.seen("hcpcs_code", "charge_amount", "rendering_npi")[1] == ("J3301", Decimal("100.00"), "1111111112")


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [
        {"fullUrl": f"urn:uuid:{number}", "resource": one, "request": {"method": "POST"}}
        for number, one in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "id": "entry", "type": "collection", "entry": entries}


def shapes(*claims: dict[str, Any]) -> dict[str, str]:
    return {
        "array": json.dumps(list(claims)),
        "bundle": json.dumps(bundle(*claims)),
        "bundle, indented": json.dumps(bundle(*claims), indent=1),
        "lines": "\n".join(json.dumps(one) for one in claims),
        "lines with blank ones": "\n\n".join(json.dumps(one) for one in claims) + "\n\n",
        "bundles, one a line": "\n".join(json.dumps(bundle(one)) for one in claims),
        "objects after each other": " ".join(json.dumps(one, indent=1) for one in claims),
    }


@pytest.mark.parametrize("shape", shapes({}))
def test_every_shape_gives_the_same(shape: str) -> None:
    claims = [claim(f"C{number}", item(), item(2)) for number in range(3)]
    got = got_fhir(shapes(*claims)[shape])
    assert got.rejected == []
    assert got.seen("claim_id", "claim_line_number") == [(f"C{n}", line) for n in range(3) for line in (1, 2)]
    assert (got.counts.claims, got.counts.lines) == (3, 6)
    assert got.seen("place") == [0, 0, 1, 1, 2, 2]


@settings(max_examples=60)
@given(st.data())
def test_blocks_may_end_anywhere(data: st.DataObject) -> None:
    claims = [claim(f'C{number} "{{[entry]', item(), item(2)) for number in range(3)]
    content = data.draw(st.sampled_from(list(shapes(*claims).values()))).encode()
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=10))
    got = got_fhir(content, pieces(content, cuts))
    assert got.rejected == []
    assert len(got.rows) == 6


@settings(max_examples=60)
@given(st.data())
def test_of_a_cut_file_what_is_whole_is_kept(data: st.DataObject) -> None:
    claims = [claim(f"C{number}", item(), item(2)) for number in range(3)]
    whole = data.draw(st.sampled_from(list(shapes(*claims).values())))
    cut = data.draw(st.integers(1, len(whole) - 1))
    got = got_fhir(whole[:cut])
    assert got.rows == got_fhir(whole).rows[: len(got.rows)]
    if not got.rejected:
        # Cut between two claims, or before the first: nothing has begun that is not there whole.
        assert len(got.rows) == 2 * whole[:cut].count('"resourceType": "Claim"')
        assert whole[:cut].rstrip()[-1:] in ("}", "]")


@settings(max_examples=100)
@given(st.one_of(st.binary(max_size=200), st.text('{}[]":,entry\\ \n', max_size=80).map(str.encode)))
def test_any_bytes_are_read_without_failing(content: bytes) -> None:
    got_fhir(b"{" + content)
    got_fhir(b"[" + json.dumps(claim()).encode() + b"," + content)


@pytest.mark.parametrize(
    ("more", "reason", "path"),
    [
        ({"servicedDate": "2026-02-30"}, "date", "servicedDate"),
        ({"servicedDate": "2026-03"}, "date", "servicedDate"),
        ({"servicedDate": "2099-01-01"}, "date-late", "servicedDate"),
        ({"servicedDate": None}, "date", "servicedDate"),
        ({"quantity": {"value": -1}}, "units-range", "quantity"),
        ({"quantity": {"value": 1e9}}, "units-range", "quantity"),
        ({"quantity": {"value": "one"}}, "units", "quantity"),
        ({"quantity": None}, "units", "quantity"),
        ({"net": {"value": -5}}, "charge-range", "net"),
        ({"productOrService": {"coding": [{"system": "http://snomed.info/sct", "code": "64493"}]}}, "no-code", "productOrService"),
        ({"productOrService": {"coding": [{"system": CPT, "code": "6449"}]}}, "code", "productOrService"),
        ({"sequence": 0}, "line-number", "sequence"),
        ({"diagnosisSequence": [9]}, "pointer", ""),
    ],
)  # fmt: skip
def test_a_line_at_fault_is_rejected_alone(more: dict[str, Any], reason: str, path: str) -> None:
    got = got_fhir(json.dumps(claim("C1", item(), item(2, **{name: value for name, value in more.items() if name != "sequence"}) | {name: value for name, value in more.items() if name == "sequence"})))  # fmt: skip
    assert got.seen("claim_line_number") == [1]
    (rejected,) = got.rejected
    assert rejected.reason == LINE_REASONS[reason] or "2026-12-31" in rejected.reason
    assert (rejected.place, rejected.place_kind, rejected.claim_id, rejected.lines) == (0, "item", "C1", 1)
    assert rejected.segment == f"item[1].{path}".rstrip(".")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"identifier": None, "id": None}, "there is no claim id"),
        ({"type": {"coding": [{"code": "pharmacy"}]}}, "the claim type is neither"),
        ({"type": None}, "the claim type is neither"),
        ({"use": "preauthorization"}, "no claim"),
        ({"status": "entered-in-error"}, "entered in error"),
        ({"diagnosis": "M47.816"}, "not as FHIR R4 says"),
    ],
)
def test_a_claim_at_fault_takes_no_neighbour_along(more: dict[str, Any], reason: str) -> None:
    bad = claim("C2", item(), item(2), item(3), **more)
    for content in shapes(claim("C1"), bad, claim("C3")).values():
        got = got_fhir(content)
        assert got.seen("claim_id") == ["C1", "C3"]
        assert [(one.place, one.lines) for one in got.rejected] == [(1, 3)]
        assert reason in got.reasons[0]


def test_a_line_of_another_shape_is_rejected_alone() -> None:
    got = got_fhir(json.dumps(claim("C1", item(), item(2, quantity=["Jane Doe"]))))
    assert len(got.rows) == 1
    assert (got.rejected[0].segment, got.rejected[0].reason) == ("item[1].quantity", "the line is not as FHIR R4 says")


def test_details_of_a_line_are_counted_not_lost() -> None:
    got = got_fhir(json.dumps(claim("C1", item(), item(2, detail=[item(1, "64494"), item(2, "64495")]))))
    assert got.seen("hcpcs_code") == ["64493", "64493"]
    (one,) = got.rejected
    assert (one.segment, one.lines, one.claim_id) == ("item[1].detail", 2, "C1")
    assert "detail" in one.reason


def test_a_damaged_line_of_many() -> None:
    lines = [json.dumps(claim(f"C{number}")) for number in range(4)]
    lines[1] = lines[1][:60]
    lines[0], lines[2] = lines[0].replace('"use"', '"use'), lines[2]
    got = got_fhir("\n".join(lines))
    assert got.seen("claim_id") == ["C2", "C3"]
    assert [one.place for one in got.rejected] == [0, 1]


def test_a_bundle_may_refer_to_what_comes_later() -> None:
    one = claim(provider={"reference": "Organization/o1"}, insurer={"reference": "urn:uuid:2"})
    organization = {
        "resourceType": "Organization",
        "id": "o1",
        "identifier": [{"system": NPI, "value": "1999999992"}],
        "address": [{"state": "KY"}],
    }
    payer = {"resourceType": "Organization", "id": "o2", "name": "Aetna"}
    got = got_fhir(json.dumps(bundle(one, organization, payer, {"resourceType": "Patient", "id": "p1"})))
    assert got.rejected == []
    assert got.seen("billing_npi", "state", "payer") == [("1999999992", "KY", "Aetna")]


def test_more_than_four_pointers_are_all_diagnoses() -> None:
    dx = [{"sequence": n, "diagnosisCodeableConcept": {"coding": [{"code": f"M{n:04}"}]}} for n in range(1, 7)]
    got = got_fhir(json.dumps(claim("C1", item(diagnosisSequence=[1, 2, 3, 4, 5]), diagnosis=dx)))
    assert got.seen("diagnosis_pointer_1", "diagnosis_code_6") == [(None, "M0006")]


def test_institutional_claims() -> None:
    one = claim(
        "H1",
        item(productOrService={"coding": [{"code": "x"}]}, servicedDate=None),
        type={"coding": [{"code": "institutional"}]},
        billablePeriod={"start": "2026-03-01", "end": "2026-03-02"},
        supportingInfo=[
            {"sequence": 1, "category": {"coding": [{"code": "typeofbill"}]}, "code": {"coding": [{"code": "131"}]}}
        ],
    )
    got = got_fhir(json.dumps(one))
    assert got.seen("claim_type", "bill_type_code", "hcpcs_code", "claim_line_start_date") == [
        ("institutional", "131", None, date(2026, 3, 1))
    ]


def test_other_resources_are_named() -> None:
    got = got_fhir(json.dumps({"resourceType": "ValueSet", "id": "x"}))
    assert got.reasons == ["the resource is no Claim"]
    assert got_fhir("[1, 2]").rows == []


def test_names_and_birth_dates_go_nowhere() -> None:
    one = claim("C1", item(quantity={"value": "Jane Doe"}), patient={"reference": "#p", "display": "Jane Doe"})
    one["contained"] = [{"resourceType": "Patient", "id": "p", "name": [{"family": "Doe"}], "birthDate": "1963-01-02"}]
    two = claim("C2", patient={"reference": "#p", "display": "Jane Doe"}, contained=one["contained"])
    got = got_fhir(json.dumps([one, two]))
    assert got.seen("person_id") == [None]
    assert not any(secret in str((got.rows, got.rejected)) for secret in ("Doe", "1963"))


def endless(head: bytes, size: int, tail: bytes) -> Callable[[int], bytes]:
    parts = [head, *[b"x" * (1 << 18)] * (size >> 18), tail]
    left = iter(parts)
    return lambda count: next(left, b"")


@pytest.mark.parametrize("shape", ["lines", "array", "bundle"])
def test_a_resource_without_end_is_passed_over_in_bounded_memory(monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    monkeypatch.setattr(fhir_items, "ITEM_MOST", 1 << 20)
    content = shapes(claim("C1"), claim("ENDLESS"), claim("C3"))[shape].encode()
    head, tail = content.split(b"ENDLESS")
    tracemalloc.start()
    got = got_fhir(b"", endless(head, 32 << 20, tail))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert got.seen("claim_id") == ["C1", "C3"]
    assert [(one.place, "longer than 64 MB" in one.reason) for one in got.rejected] == [(1, True)]
