"""Hook requests as the tests send them, built by hand to the shapes that docs/cds-hooks.md names."""

from __future__ import annotations

from typing import Any

CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
SIGN, BOOK = "/cds-services/facetwise-order-sign", "/cds-services/facetwise-appointment-book"
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def order(code: str, text: str = "", number: int = 1, **more: Any) -> dict[str, Any]:
    coding = {"coding": [{"system": CPT, "code": code}]} if code else {}
    return {
        "resourceType": "ServiceRequest",
        "id": f"order-{number}",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "code": {**coding, "text": text},
        "occurrenceDateTime": "2026-03-02",
        "locationReference": [{"reference": "Location/l1"}],
        **more,
    }


def procedure(day: str, code: str = "64493", text: str = "Diagnostic medial branch block") -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": f"procedure-{day}",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": CPT, "code": code}], "text": text},
        "performedDateTime": f"{day}T09:30:00-05:00",
    }


def coverage(payer: str = "Medicare", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": "c1",
        "status": "active",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"display": payer}],
        **more,
    }


def place(state: str = "OH", code: str = "24") -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "id": "l1",
        "address": {"state": state},
        "type": [{"coding": [{"system": PLACES, "code": code}]}],
    }


def sign(*orders: dict[str, Any], options: dict[str, Any] | None = None, **prefetch: Any) -> dict[str, Any]:
    return _hook("order-sign", {"draftOrders": bundle(*orders)}, options, prefetch)


def book(*appointments: dict[str, Any], options: dict[str, Any] | None = None, **prefetch: Any) -> dict[str, Any]:
    return _hook("appointment-book", {"appointments": bundle(*appointments)}, options, prefetch)


def _hook(
    hook: str, context: dict[str, Any], options: dict[str, Any] | None, prefetch: dict[str, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/d1", "patientId": "p1", **context},
        "prefetch": {"coverage": bundle(coverage()), "locations": place(), **prefetch},
    }
    if options is not None:
        made["extension"] = {"davinci-crd.configuration": options}
    return made
