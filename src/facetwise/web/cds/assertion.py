"""The coverage-information extension of the Da Vinci guide, written into an order where its client asks for it.

The guide means it for assertions of a payer. What is written here says in its reason that it is a reading of published rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from facetwise.claims.fhir import PROCEDURE_SYSTEMS
from facetwise.coverage.answers import Determination
from facetwise.web.cds.cards import Action
from facetwise.web.cds.orders import Insurer, Order

URL = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
_AUTHORIZATION = {True: "auth-needed", False: "no-auth", None: "indeterminate"}
REASON = "A reading of published rules by Facetwise, no assertion of the payer."


def actions(orders: Sequence[Order], answer: Determination, insurer: Insurer, today: date) -> list[Action]:
    """Return an update for each order that was sent whole: the order as it was, with the extension.

    The guide wants a reference to the coverage, a stable id of the order, and nothing where nothing is new.
    """
    if not insurer.id:
        return []
    found = []
    for one in orders:
        if not one.id or not one.raw:
            continue
        resource = msgspec.json.decode(one.raw, type=dict[str, msgspec.Raw])
        held = msgspec.json.decode(resource.get("extension", msgspec.Raw(b"[]")), type=list[msgspec.Raw])
        made = extension(one.said.code, answer, insurer, today)
        kept = [raw for raw in held if not _ours(raw, insurer)]
        if len(kept) < len(held) and any(_same(raw, made) for raw in held):
            continue
        resource["extension"] = msgspec.Raw(msgspec.json.encode([*kept, made]))
        found.append(Action("update", f"Coverage of {one.said.code or 'the procedure'} by published rules", resource))
    return found


def extension(code: str, answer: Determination, insurer: Insurer, today: date) -> dict[str, Any]:
    """Return the extension for one code of a determination."""
    positions = {one.position for one in answer.code_positions if one.code == code}
    if positions == {"not_covered"}:
        covered = "not-covered"
    elif answer.outcome == "met" and positions <= {"covered"}:
        covered = "covered"
    else:
        covered = "indeterminate"
    parts: list[dict[str, Any]] = [
        {"url": "coverage", "valueReference": {"reference": f"Coverage/{insurer.id}"}},
        {"url": "covered", "valueCode": covered},
    ]
    if covered != "not-covered":
        parts.append({"url": "pa-needed", "valueCode": _AUTHORIZATION[answer.prior_authorization.required]})
    wanted = any(name.startswith(("patient.", "history", "record.")) for name in answer.missing)
    if wanted and covered != "not-covered":
        parts.append({"url": "doc-needed", "valueCode": "clinical"})
        parts.append({"url": "doc-purpose", "valueCode": "retain-doc"})
    if code:
        parts.append({"url": "billingCode", "valueCoding": {"system": PROCEDURE_SYSTEMS[0], "code": code}})
    parts.append({"url": "reason", "valueCodeableConcept": {"text": _reason(answer, covered)}})
    parts.append({"url": "date", "valueDate": today.isoformat()})
    parts.append({"url": "coverage-assertion-id", "valueString": _trace(code, answer, insurer)})
    return {"url": URL, "extension": parts}


def _reason(answer: Determination, covered: str) -> str:
    unmet = [one.needed for one in answer.criteria if one.status == "not_met"]
    told = [REASON]
    if covered == "indeterminate":
        unknown = sum(one.status == "unknown" for one in answer.criteria)
        told.append(f"{len(unmet)} criteria are not met and {unknown} cannot be told from what was sent.")
    if answer.prior_authorization.required is None:
        told.append(answer.prior_authorization.why)
    return " ".join(told)


def _trace(code: str, answer: Determination, insurer: Insurer) -> str:
    """Return an id that leads back to the knowledge and the question, and holds nothing of the patient."""
    asked = "|".join((code, answer.payer, answer.whose, answer.as_of, insurer.id))
    return f"facetwise-{answer.knowledge.rpartition(':')[2][:12]}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def _parts(raw: msgspec.Raw) -> dict[str, Any]:
    value = msgspec.json.decode(raw)
    if not isinstance(value, dict) or value.get("url") != URL or not isinstance(value.get("extension"), list):
        return {}
    return {one.get("url", ""): one for one in value["extension"] if isinstance(one, dict)}


def _ours(raw: msgspec.Raw, insurer: Insurer) -> bool:
    """Whether an extension is one that was written here before, for the same coverage."""
    parts = _parts(raw)
    written = parts.get("coverage-assertion-id", {}).get("valueString", "")
    reference = parts.get("coverage", {}).get("valueReference", {})
    named = reference.get("reference", "") if isinstance(reference, dict) else ""
    return str(written).startswith("facetwise-") and str(named).endswith(f"Coverage/{insurer.id}")


def _same(raw: msgspec.Raw, made: dict[str, Any]) -> bool:
    """Whether an extension says what is new as well, but for the day on which it was said."""
    new = {one["url"]: one for one in made["extension"]}
    old = _parts(raw)
    return {name: one for name, one in old.items() if name != "date"} == {
        name: one for name, one in new.items() if name != "date"
    }
