"""The fields of the coverage form as a case: each field has the name of its fact; what is left open is not documented."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.datastructures import FormData

from facetwise.web.desk import Desk

# Earlier procedures that the form has room for at first.
EVENTS = 2
_EVENT = re.compile(r"event\.([0-9]{1,2})\.([a-z_]{1,60})")
_LISTS = ("joints",)
_OWN = ("date_of_service", "sides", "joints", "earlier")


def entered(given: FormData) -> dict[str, list[str]]:
    """Return what was entered, by the name of the field; empty fields are left out."""
    found: dict[str, list[str]] = {}
    for name, value in given.multi_items():
        text = str(value).strip()
        if text and ("." in name or name in _OWN):
            found.setdefault(name, []).append(text)
    return found


def case_of(asked: Any, answers: dict[str, list[str]], desk: Desk) -> str:
    """Return the case that the form says, as JSON for the reader of cases."""
    procedure: dict[str, Any] = {
        name: getattr(asked, name) for name in ("technique", "purpose", "region", "sequence") if getattr(asked, name)
    }
    patient: dict[str, str] = {}
    facts: dict[str, str] = {}
    events: dict[int, dict[str, Any]] = {}
    for name, values in answers.items():
        if match := _EVENT.fullmatch(name):
            key = match[2]
            events.setdefault(int(match[1]), {})[key] = values if key in _LISTS else values[0]
        elif name in ("joints", "sides"):
            procedure[name] = values if name in _LISTS else values[0]
        elif name.startswith("procedure."):
            procedure[name.removeprefix("procedure.")] = values[0]
        elif name.startswith("patient."):
            patient[name.removeprefix("patient.")] = values[0]
        elif name not in _OWN:
            facts[name] = values[0]
    # A row that says only where it was is a row that was left open: the form fills that in itself.
    history = [event for _, event in sorted(events.items()) if set(event) - {"region"}]
    case: dict[str, Any] = {
        "payer": asked.payer,
        "date_of_service": answers.get("date_of_service", [desk.day(asked.as_of, "as_of").isoformat()])[0],
        "procedure": procedure,
        **{name: getattr(asked, name) for name in ("state", "setting") if getattr(asked, name)},
    }
    if patient:
        case["patient"] = patient
    if facts:
        case["facts"] = facts
    if history or answers.get("earlier") == ["none"]:
        case["history"] = history
    return json.dumps(case)
