"""CDS Hooks: broken and hostile calls get problem details, and nothing of them is repeated or logged."""

from __future__ import annotations

import copy
import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from facetwise.knowledge import Knowledge
from facetwise.web.app import application
from facetwise.web.settings import Settings

from .hooks import BOOK, INSTANCE, SIGN, bundle, coverage, order, procedure, sign

NAME = "Mary Jones 1961-07-04"
MARKUP = "<script>alert(1)</script>[x](javascript:alert(1))"


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    body = copy.deepcopy(sign(order("64493"), procedures=bundle(procedure("2025-12-01"))))
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return body


def refused(client: TestClient, status: int, path: str = SIGN, **sent: Any) -> dict[str, Any]:
    response = client.post(path, **sent)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert "Mary" not in response.text
    found: dict[str, Any] = response.json()
    assert found["problems"]
    return found


FIRST = ("context", "draftOrders", "entry", 0, "resource")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("hook",), NAME, "hook"),
        (("hook",), "appointment-book", "hook"),
        (("hook",), 7, "hook"),
        (("hookInstance",), NAME, "hookInstance"),
        (("context",), NAME, "context"),
        (("context", "draftOrders"), NAME, "context.draftOrders"),
        (("context", "userId"), {"name": NAME}, "context.userId"),
        (("context", "draftOrders", "entry"), {"0": NAME}, "context.draftOrders.entry"),
        ((*FIRST, "code"), NAME, "context.draftOrders.entry[0].resource.code"),
        ((*FIRST, "occurrenceDateTime"), [NAME], "context.draftOrders.entry[0].resource.occurrenceDateTime"),
        ((*FIRST, "quantityQuantity"), {"value": NAME}, "context.draftOrders.entry[0].resource.quantityQuantity.value"),
        (("prefetch",), [NAME], "prefetch"),
        (("prefetch", "coverage"), NAME, "prefetch.coverage"),
        (("prefetch", "coverage", "entry", 0, "resource", "payor"), NAME, "prefetch.coverage.entry[0].resource.payor"),
        (("prefetch", "locations", "address"), NAME, "prefetch.locations.address"),
        (("extension",), {"davinci-crd.configuration": NAME}, "extension"),
    ],
)
def test_what_is_of_another_type_is_named_by_its_place(
    client: TestClient, path: tuple[Any, ...], value: Any, place: str
) -> None:
    found = refused(client, 422, json=changed(path, value))
    assert found["problems"][0]["found"].startswith(place)
    assert found["problems"][0]["expected"]


@pytest.mark.parametrize("name", ["hook", "hookInstance", "context"])
def test_what_is_missing_is_named(client: TestClient, name: str) -> None:
    body = sign(order("64493"))
    del body[name]
    assert name in refused(client, 422, json=body)["problems"][0]["found"]


def test_without_the_coverage_the_precondition_fails(client: TestClient) -> None:
    body = sign(order("64493"))
    del body["prefetch"]["coverage"]
    found = refused(client, 412, json=body)
    assert found["type"] == "/api#problem-prefetch-missing"
    assert "coverage" in found["detail"]
    del body["prefetch"]
    refused(client, 412, json=body)
    # What is none of ours needs no coverage.
    body["context"]["draftOrders"] = bundle(order("99213"))
    assert client.post(SIGN, json=body).json() == {"cards": []}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"hook": "order-sign"',
        b"[" * 100_000,
        b'{"context":' * 5_000,
        NAME.encode(),
    ],
)
def test_what_is_no_json_is_refused(client: TestClient, content: bytes) -> None:
    response = client.post(SIGN, content=content, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert "Mary" not in response.text


def test_other_types_methods_and_addresses(client: TestClient) -> None:
    refused(client, 415, content=b"{}", headers={"content-type": "text/plain"})
    refused(client, 406, json=sign(order("64493")), headers={"accept": "application/xml"})
    assert client.get(SIGN).status_code == 405
    assert client.post("/cds-services").status_code == 405
    assert client.post("/cds-services/other", json={}).status_code == 404
    assert client.post(f"{SIGN}/feedback", json={}).status_code == 404
    refused(client, 422, path=BOOK, json=sign(order("64493")))


def test_too_much_is_refused(client: TestClient) -> None:
    refused(client, 422, json=sign(*(order("64493", "", number) for number in range(201))))
    many = bundle(*({"resourceType": "Condition"} for _ in range(2_001)))
    refused(client, 422, json=sign(order("64493"), conditions=many))
    refused(client, 413, content=b" " * 1_000_001, headers={"content-type": "application/json"})


def test_a_token_is_wanted_where_one_is_set(knowledge: Knowledge) -> None:
    token = "a-token-of-the-tests-with-enough-characters"
    client = TestClient(application(knowledge, Settings(token=token)), base_url="http://127.0.0.1")
    assert client.get("/cds-services").status_code == 401
    assert client.post(SIGN, json=sign(order("64493"))).status_code == 401
    assert client.get("/cds-services", headers={"authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("bad", [MARKUP, NAME, "‮" + NAME, "\x00" + NAME, "*" * 5_000 + NAME])
def test_nothing_that_was_sent_is_in_a_card_or_a_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    caplog.set_level(logging.DEBUG)
    body = sign(
        order("64493", f"medial branch block {bad}", bodySite=[{"text": bad}], note=[{"text": bad}]),
        coverage=bundle(coverage(bad, type={"text": "Medicare"}, subscriberId=bad)),
        patient={"resourceType": "Patient", "id": "p1", "name": [{"text": bad}], "birthDate": "1961-07-04"},
        conditions=bundle({"resourceType": "Condition", "id": "k", "code": {"text": bad}, "note": [{"text": bad}]}),
        procedures=bundle(procedure("2025-12-01", text=f"diagnostic medial branch block {bad}")),
    )
    body["context"]["patientId"] = bad
    body["fhirServer"] = f"https://{bad}"
    body["fhirAuthorization"] = {"access_token": bad}
    response = client.post(SIGN, json=body)
    assert response.status_code == 200
    assert response.json()["cards"]
    told = response.text + caplog.text
    for one in ("Mary", "1961", "script", "javascript", "*****"):
        assert one not in told


def test_a_failure_is_told_by_its_place(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from facetwise.web.desk import Desk

    def broken(*_: Any) -> None:
        raise ValueError(NAME)

    monkeypatch.setattr(Desk, "cover", broken)
    client = TestClient(application(knowledge, Settings()), base_url="http://127.0.0.1")
    response = client.post(SIGN, json=sign(order("64493")))
    assert response.status_code == 500
    assert "Mary" not in response.text + caplog.text


def every_place(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        found += every_place(inner, (*path, step))
    return found


WHOLE = changed((*FIRST, "reasonCode"), [{"coding": [{"system": "x", "code": "y"}]}])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=30), st.just([]), st.just({}), st.just([[]]),
    st.just([{"resource": []}]), st.just({"resourceType": "Bundle"}), st.just({"reference": "Location/l1"}),
)  # fmt: skip


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(every_place(WHOLE)), value=VALUES)
def test_whatever_stands_anywhere_is_answered_or_refused(client: TestClient, path: tuple[Any, ...], value: Any) -> None:
    body = copy.deepcopy(WHOLE)
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    content = json.dumps(body).encode()
    response = client.post(SIGN, content=content, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400, 412, 422), response.text
    assert INSTANCE not in response.text
