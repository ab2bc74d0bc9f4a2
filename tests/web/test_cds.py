"""CDS Hooks: discovery, and what the services answer to orders and bookings; the shapes are those of the specifications."""

from __future__ import annotations

import json
import re
import uuid
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

from .hooks import BOOK, CPT, ICD, SIGN, book, bundle, coverage, order, place, procedure, sign

ROOT = Path(__file__).parents[2]
TOPICS = "http://terminology.hl7.org/CodeSystem/cdshooks-card-type"
EXTENSION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
THREE = (order("64493", "Diagnostic medial branch block", 1), order("64494", "", 2), order("64495", "", 3))
FOUR = bundle(*(procedure(day) for day in ("2025-05-01", "2025-07-01", "2025-09-01", "2025-12-01")))


def post(client: TestClient, body: Any, path: str = SIGN) -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    found: dict[str, Any] = response.json()
    check(found)
    return found


def check(answer: dict[str, Any]) -> None:
    """The rules of CDS Hooks 2.0 and of the guide for cards and actions."""
    assert isinstance(answer["cards"], list)
    assert set(answer) <= {"cards", "systemActions"}
    for card in answer["cards"]:
        assert set(card) <= {"summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "links"}
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning")
        assert card["source"]["label"]
        assert urlsplit(card["source"].get("url", "https://x")).scheme in ("http", "https")
        assert card["source"]["topic"]["system"] == TOPICS
        assert card["source"]["topic"]["code"] in ("coverage-info", "limits")
        assert ("suggestions" in card) == ("selectionBehavior" in card)
        for one in card.get("suggestions", ()):
            uuid.UUID(one["uuid"])
            assert one["actions"]
        for link in card.get("links", ()):
            assert set(link) == {"label", "url", "type"}
            assert link["type"] == "absolute"
        rendered = MarkdownIt("commonmark", {"html": False}).render(card["detail"])
        assert "<script" not in rendered
        assert "&lt;" not in rendered


def test_discovery_lists_the_services(client: TestClient) -> None:
    response = client.get("/cds-services")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    found = response.json()["services"]
    assert [(one["hook"], one["id"]) for one in found] == [
        ("order-sign", "facetwise-order-sign"),
        ("appointment-book", "facetwise-appointment-book"),
    ]
    for one in found:
        assert one["title"]
        assert one["description"]
        assert one["prefetch"]["coverage"] == "Coverage?patient={{context.patientId}}&status=active"
        assert "Patient/{{context.patientId}}" not in one["prefetch"].values()
        assert one["extension"]["davinci-crd.version"] == ["2.2"]
        options = one["extension"]["davinci-crd.configuration-options"]
        assert all(set(option) == {"code", "type", "name", "description", "default"} for option in options)
        assert all(type(option["default"]) is {"boolean": bool, "integer": int}[option["type"]] for option in options)
        for name in ("code", "name", "description"):
            assert len({option[name] for option in options}) == len(options)
        assert client.post(f"/cds-services/{one['id']}").status_code == 415


def test_three_levels_under_medicare(client: TestClient) -> None:
    answer = post(client, sign(*THREE, procedures=FOUR))
    first, second = answer["cards"]
    assert first["summary"] == "Medicare (CGS): 64495 not covered; 1 criterion not met; 17 points to document"
    assert first["indicator"] == "warning"
    assert first["source"]["label"].startswith("Medicare (CGS), published rules (L38773")
    assert first["source"]["url"].startswith("https://www.cms.gov/medicare-coverage-database/")
    detail = first["detail"]
    assert detail.index("**Not met**") < detail.index("**To document") < detail.index("**Codes**")
    assert "- **How long the pain must have lasted**: at least 3 months" in detail
    assert "- 64495: not covered." in detail
    assert "Not required in an office or an ambulatory surgery center" in detail
    assert "no decision of the payer" in detail
    assert re.search(r"\*\*Sources\*\*\n- .+ <https://", detail)
    (suggestion,) = first["suggestions"]
    assert first["selectionBehavior"] == "any"
    (action,) = suggestion["actions"]
    assert (action["type"], action["resourceId"]) == ("delete", "ServiceRequest/order-3")
    assert second["summary"] == (
        "Medicare (CGS): diagnostic sessions a year used up (4 of 4 in 365 days), next from 2026-05-01"
    )
    assert second["source"]["topic"]["code"] == "limits"
    assert "A further session fits from 1 May 2026." in second["detail"]


def test_every_link_opens_and_names_nothing_of_the_patient(client: TestClient) -> None:
    answer = post(client, sign(*THREE, procedures=FOUR))
    for card in answer["cards"]:
        assert len(card["links"]) == 5
        for link in card["links"]:
            assert link["url"].startswith("http://127.0.0.1/")
            assert client.get(link["url"], headers={"accept": "text/html"}).status_code == 200
            assert not {"p1", "order", "2026"} & set(re.split(r"\W+", link["url"]))


def test_prior_authorization_in_a_hospital(client: TestClient) -> None:
    answer = post(client, sign(order("64493", "medial branch block"), locations=place("OH", "22")))
    assert "prior authorization needed" in answer["cards"][0]["summary"]
    assert "**Prior authorization**" in answer["cards"][0]["detail"]


def test_where_the_state_is_not_said_each_contractor_may_be_meant(client: TestClient) -> None:
    body = sign(order("64635", locationReference=[]), locations=None)
    (card,) = post(client, body)["cards"]
    assert card["summary"].startswith("Medicare: ")
    assert "No state picks the contractor" in card["detail"]


def test_a_code_that_leaves_the_technique_open_is_read_by_each(client: TestClient) -> None:
    said = "The order does not say which is meant: medial branch block or intra-articular facet injection."
    (open_,) = post(client, sign(order("64493")))["cards"]
    assert said in open_["detail"]
    (told,) = post(client, sign(order("64493", "Medial branch block, lumbar")))["cards"]
    assert said not in told["detail"]
    # What only one of the two would fail is not failed.
    assert "criteria not met" not in open_["summary"]


@pytest.mark.parametrize(
    ("codes", "text", "found"),
    [
        (("99213",), "Office visit", False),
        (("62323",), "Epidural steroid injection", False),
        (("64999",), "Unlisted procedure", False),
        (("64999",), "Pulsed radiofrequency of the lumbar facet joints", True),
        (("",), "Lumbar medial branch radiofrequency ablation", True),
        (("",), "Lumbar facet injection", False),
        (("",), "Radiofrequency ablation, lumbar sympathetic chain", False),
        (("",), "64635", True),
        (("",), "Diagnostic medial branch block L4/5", False),
        (("64636",), "", True),
        (("0216T",), "", True),
    ],
)
def test_only_what_is_known_gets_a_card(client: TestClient, codes: tuple[str, ...], text: str, found: bool) -> None:
    answer = post(client, sign(*(order(code, text, number) for number, code in enumerate(codes))))
    assert bool(answer["cards"]) is found
    if not found:
        assert answer == {"cards": []}


def test_orders_that_are_none_get_no_card(client: TestClient) -> None:
    changes: list[dict[str, Any]] = [{"status": "revoked"}, {"doNotPerform": True}, {"code": {}}]
    for more in changes:
        assert post(client, sign(order("64493") | more))["cards"] == []
    other = {"resourceType": "MedicationRequest", "id": "m", "medicationCodeableConcept": {"text": "64493"}}
    assert post(client, sign(other))["cards"] == []


def test_an_add_on_alone_is_told(client: TestClient) -> None:
    (card,) = post(client, sign(order("64494", "medial branch block")))["cards"]
    assert "add-on-without-primary" in card["summary"]
    assert "**The order itself**" in card["detail"]


@pytest.mark.parametrize("where", ["reasonCode", "conditions"])
def test_diagnoses_are_held_against_the_contractors_list(client: TestClient, where: str) -> None:
    def asked(code: str) -> dict[str, Any]:
        concept = {"coding": [{"system": ICD, "code": code}]}
        if where == "reasonCode":
            return sign(order("64635", reasonCode=[concept]), locations=place("FL"))
        condition = {"resourceType": "Condition", "id": "k1", "code": concept}
        return sign(order("64635"), locations=place("FL"), conditions=bundle(condition))

    (wrong,) = post(client, asked("I10"))["cards"]
    assert "diagnosis-not-supporting" in wrong["summary"]
    (right,) = post(client, asked("M47.816"))["cards"]
    assert "diagnosis-not-supporting" not in right["summary"]
    (none,) = post(client, sign(order("64635"), locations=place("FL")))["cards"]
    assert "diagnosis-not-supporting" not in none["summary"]


@pytest.mark.parametrize(
    ("payer", "expected"),
    [
        ({"payor": [{"display": "Aetna"}]}, "Aetna: "),
        ({"payor": [{"display": "  medicare "}]}, "Medicare (CGS): "),
        ({"payor": [{"reference": "Organization/o1"}]}, "Cigna: "),
        ({"payor": [{"display": "Blue Plan"}], "class": [{"name": "Highmark"}]}, "Highmark: "),
        ({"payor": [{"display": "x"}], "type": {"text": "Medicare"}}, "Medicare (CGS): "),
        ({"payor": [{"display": "eviCore"}]}, "64635: the rules of this payer are not in the knowledge"),
        ({"payor": [{"display": "Nobody Health"}]}, "64635: the rules of this payer are not in the knowledge"),
        ({"period": {"end": "2025-12-31"}}, "64635: no active coverage was sent"),
        ({"status": "cancelled"}, "64635: no active coverage was sent"),
    ],
)
def test_the_payer_is_known_by_its_names(client: TestClient, payer: dict[str, Any], expected: str) -> None:
    organization = {"resourceType": "Organization", "id": "o1", "name": "Cigna"}
    body = sign(order("64635"), coverage=bundle(coverage(**payer)), payers=bundle(organization))
    (card,) = post(client, body)["cards"]
    assert card["summary"].startswith(expected)
    assert "Nobody" not in json.dumps(card)


def test_the_first_coverage_is_judged_or_the_one_that_the_order_names(client: TestClient) -> None:
    two = bundle(coverage("Aetna", id="c2", order=2), coverage("Medicare", order=1))
    assert post(client, sign(order("64635"), coverage=two))["cards"][0]["summary"].startswith("Medicare")
    named = order("64635", insurance=[{"reference": "Coverage/c2"}])
    assert post(client, sign(named, coverage=two))["cards"][0]["summary"].startswith("Aetna")


def test_a_record_without_coverage_says_so(client: TestClient) -> None:
    for empty in (None, bundle()):
        (card,) = post(client, sign(order("64635"), coverage=empty))["cards"]
        assert card["summary"] == "64635: no active coverage was sent"


def test_a_day_outside_the_knowledge_is_told(client: TestClient) -> None:
    (card,) = post(client, sign(order("64635", occurrenceDateTime="2031-01-05")))["cards"]
    assert "outside the days" in card["summary"]
    (undated,) = post(client, sign(order("64635", occurrenceDateTime="")))["cards"]
    assert "judged as of today" in undated["detail"]


def test_earlier_procedures_of_one_day_are_one_session(client: TestClient) -> None:
    day = "2025-12-01"
    twice = bundle(procedure(day), {**procedure(day, "64494"), "id": "other"})
    answer = post(client, sign(*THREE, procedures=twice))
    assert not [one for one in answer["cards"] if one["source"]["topic"]["code"] == "limits"]
    assert "No earlier facet procedure was sent" not in answer["cards"][0]["detail"]
    later = bundle(*(procedure(f"2026-0{month}-01") for month in (4, 5, 6, 7)))
    assert "No earlier facet procedure was sent" in post(client, sign(*THREE, procedures=later))["cards"][0]["detail"]
    planned = bundle(*({**one["resource"], "status": "preparation"} for one in FOUR["entry"]))
    assert len(post(client, sign(*THREE, procedures=planned))["cards"]) == 1


def test_what_was_done_elsewhere_is_missing_and_not_failed(client: TestClient) -> None:
    def detail(*earlier: dict[str, Any]) -> str:
        (card,) = post(client, sign(order("64635", "L4-L5 left"), procedures=bundle(*earlier)))["cards"]
        return str(card["detail"])

    wanted = "- **First radiofrequency ablation**: two medial branch blocks"
    one = detail(procedure("2025-11-03", text="Diagnostic medial branch block L4-L5 left"))
    assert one.index("**To document") < one.index(wanted)
    assert "**Not met**" not in one
    assert "others may have been done elsewhere" in one
    assert "taken for a first procedure of its kind" in one


def test_options_are_followed_and_others_ignored(client: TestClient) -> None:
    def topics(**options: Any) -> list[str]:
        cards = post(client, sign(*THREE, procedures=FOUR, options=options))["cards"]
        return [one["source"]["topic"]["code"] for one in cards]

    assert topics() == ["coverage-info", "limits"]
    assert topics(**{"coverage-info": False}) == ["limits"]
    assert topics(limits=False) == ["coverage-info"]
    assert topics(**{"max-cards": 1}) == ["coverage-info"]
    assert topics(**{"max-cards": 0}) == []
    assert topics(**{"max-cards": "many", "coverage-info": 3, "cost": True}) == ["coverage-info", "limits"]


def parts(action: dict[str, Any]) -> dict[str, Any]:
    (made,) = [one for one in action["resource"]["extension"] if one["url"] == EXTENSION]
    found = {one["url"]: next(value for name, value in one.items() if name != "url") for one in made["extension"]}
    assert len(found) == len(made["extension"])
    return found


def test_the_reading_is_written_into_an_order_only_where_it_is_asked_for(client: TestClient) -> None:
    assert "systemActions" not in post(client, sign(*THREE))
    sent = [
        {**one, "quantityQuantity": {"value": 1.50}, "extension": [{"url": "http://x", "valueString": "y"}]}
        for one in THREE
    ]
    answer = post(client, sign(*sent, options={"coverage-assertion": True}))
    assert len(answer["systemActions"]) == 3
    for one, action in zip(sent, answer["systemActions"], strict=True):
        assert action["type"] == "update"
        assert action["description"]
        resource = dict(action["resource"])
        assert resource.pop("extension")[0] == one["extension"][0]
        assert resource == {name: value for name, value in one.items() if name != "extension"}
        found = parts(action)
        assert found["coverage"] == {"reference": "Coverage/c1"}
        assert found["date"] == date.today().isoformat()
        assert found["coverage-assertion-id"].startswith("facetwise-")
        assert "no assertion of the payer" in found["reason"]["text"]
        assert found["billingCode"] == {"system": CPT, "code": one["code"]["coding"][0]["code"]}
    first, _, third = map(parts, answer["systemActions"])
    assert (first["covered"], first["pa-needed"]) == ("indeterminate", "no-auth")
    assert (first["doc-needed"], first["doc-purpose"]) == ("clinical", "retain-doc")
    assert third["covered"] == "not-covered"
    assert not {"pa-needed", "doc-needed"} & set(third)
    # A card does not say again what the order says.
    assert "**Codes**" not in answer["cards"][0]["detail"]
    # Sent again with the order, it is not written again.
    again = sign(*(one["resource"] for one in answer["systemActions"]), options={"coverage-assertion": True})
    assert "systemActions" not in post(client, again)


def test_an_order_without_id_or_coverage_id_is_not_written_into(client: TestClient) -> None:
    wanted = {"coverage-assertion": True}
    nameless = {name: value for name, value in THREE[0].items() if name != "id"}
    assert "systemActions" not in post(client, sign(nameless, options=wanted))
    without = {name: value for name, value in coverage().items() if name != "id"}
    assert "systemActions" not in post(client, sign(THREE[0], coverage=without, options=wanted))


def appointment(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "proposed",
        "start": "2026-03-02T09:00:00-05:00",
        "participant": [{"actor": {"reference": "Patient/p1"}}, {"actor": {"reference": "Location/l1"}}],
        **more,
    }


def test_a_booking_is_judged_by_its_service_or_by_its_order(client: TestClient) -> None:
    own = appointment(serviceType=[{"coding": [{"system": CPT, "code": "64635"}]}])
    (card,) = post(client, book(own), BOOK)["cards"]
    assert card["summary"].startswith("Medicare (CGS): ")
    ordered = order("64635", locationReference=[], occurrenceDateTime="")
    based = book(
        appointment(basedOn=[{"reference": "ServiceRequest/order-1"}]),
        serviceRequests=bundle(ordered),
        options={"coverage-assertion": True},
    )
    answer = post(client, based, BOOK)
    assert answer["cards"][0]["summary"] == card["summary"]
    (action,) = answer["systemActions"]
    assert (action["resource"]["resourceType"], action["resource"]["id"]) == ("ServiceRequest", "order-1")
    assert "suggestions" not in answer["cards"][0]
    assert post(client, book(appointment(serviceType=[{"text": "Check-up"}])), BOOK) == {"cards": []}
    assert post(client, book(appointment(status="cancelled")), BOOK) == {"cards": []}


def test_the_example_of_the_docs_is_answered_as_they_say(client: TestClient) -> None:
    text = (ROOT / "docs" / "cds-hooks.md").read_text("utf-8")
    request, expected = (json.loads(one) for one in re.findall(r"```json\n(.*?)```", text, re.DOTALL)[:2])
    found = post(client, request)

    def same(told: Any, made: Any) -> bool:
        if isinstance(told, str) and isinstance(made, str):
            return re.fullmatch(".*".join(map(re.escape, told.split("..."))), made, re.DOTALL) is not None
        if isinstance(told, list):
            return len(told) == len(made) and all(map(same, told, made))
        if isinstance(told, dict):
            return set(told) == set(made) and all(same(value, made[name]) for name, value in told.items())
        return bool(told == made)

    assert same(expected, found), json.dumps(found, indent=1)
