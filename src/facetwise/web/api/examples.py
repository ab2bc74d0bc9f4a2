"""Requests that the documentation shows, made from the knowledge so that they name what it has."""

from __future__ import annotations

from typing import Any

from facetwise.coding.anatomy import spine
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Code, Jurisdiction
from facetwise.web.edit_pages import edit_names


def examples(knowledge: Knowledge) -> dict[str, Any]:
    """Return a body for each operation that takes one, and values of path and query by their names under "values"."""
    view = knowledge.as_of(knowledge.store.horizon.reviewed)
    day = view.day.isoformat()
    payer = next((key for key, one in view.payers().items() if one.role == "program"), next(iter(view.payers())))
    jurisdictions = [one.value for _, one in view.of_kind("jurisdiction") if isinstance(one.value, Jurisdiction)]
    state = next((one.states[0] for one in jurisdictions if one.states), "")
    codes = [(thing.slug, one.value) for thing, one in view.of_kind("code") if isinstance(one.value, Code)]
    full = next((code for code, one in codes if one.briefing == "full"), codes[0][0])
    last = list(spine(view).joints.values())[-2:]
    nerves = sorted({nerve for joint in last for nerve in joint.nerves})
    lists = knowledge.store.vocabulary.words
    block, ablation = next(iter(lists["injection_technique"])), next(iter(lists["ablation_technique"]))
    guidance, purpose = next(iter(lists["guidance"])), next(iter(lists["purpose"]))
    facts = {
        name.removeprefix("patient."): True if asked.type == "boolean" else 7
        for name, asked in knowledge.store.vocabulary.asks.items()
        if name.startswith("patient.") and asked.type in ("boolean", "number")
    }
    place = {"payer": payer, "state": state, "date_of_service": day, "setting": "office"}
    return {
        "code": {
            **place,
            "procedures": [
                {
                    "technique": block,
                    "purpose": purpose,
                    "guidance": guidance,
                    "targets": [{"nerve": nerve, "side": "right"} for nerve in nerves],
                }
            ],
        },
        "cover": {
            **place,
            "procedure": {
                "technique": ablation,
                "region": last[0].region,
                "joints": [joint.name for joint in last],
                "sides": "bilateral",
                "guidance": guidance,
            },
            "patient": dict(list(facts.items())[:6]),
            "history": [
                {
                    "date": knowledge.store.horizon.from_.isoformat(),
                    "technique": block,
                    "purpose": purpose,
                    "region": last[0].region,
                    "joints": [joint.name for joint in last],
                    "sides": "bilateral",
                    "relief_percent": 85,
                }
            ],
        },
        "check": {
            "payer": payer,
            "state": state,
            "lines": [
                {
                    "claim_id": "A-1001",
                    "claim_line_number": 1,
                    "claim_type": "professional",
                    "place_of_service_code": next(one["place_of_service"] for _, one in view.rows("fees/places")),
                    "claim_line_start_date": day,
                    "hcpcs_code": full,
                    "hcpcs_modifier_1": "RT",
                    "service_unit_quantity": "1",
                    "charge_amount": "900.00",
                }
            ],
        },
        "price": {**place, "lines": [{"code": full, "modifiers": ["RT"], "units": 1}]},
        "values": {
            "code": full,
            "edit": edit_names()[0],
            "payer": payer,
            "state": state,
            "technique": ablation,
            "region": last[0].region,
            "as_of": day,
            "from": f"{view.day.year}-01-01",
            "to": day,
        },
    }
