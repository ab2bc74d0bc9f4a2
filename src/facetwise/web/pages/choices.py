"""What can be chosen on a page: payers by their groups, codes, states, days."""

from __future__ import annotations

from datetime import date
from typing import Any

from facetwise.briefing.subject import codes_of
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Code, Jurisdiction
from facetwise.web.desk import Desk

Choice = tuple[str, str]


def payer_groups(view: View, *, vendors: bool = True) -> list[tuple[str, list[Choice]]]:
    """Return the payers by group, each with its id and title; `vendors`: with those who only write guidelines."""
    titles = view.store.vocabulary.words["payer_group"]
    found: dict[str, list[Choice]] = {}
    for key, payer in view.payers().items():
        if vendors or payer.role != "vendor":
            found.setdefault(titles.get(payer.group, payer.group), []).append((key, payer.title))
    return list(found.items())


def codes(view: View, briefing: str = "") -> list[tuple[str, Code]]:
    """Return the codes of the day; with `briefing`, those that have one of that kind."""
    return [(code, value) for code, value in codes_of(view) if not briefing or value.briefing == briefing]


def first_code(view: View) -> str:
    """Return the code that a page shows while none is chosen."""
    full = codes(view, "full") or codes(view)
    return full[0][0]


def states(view: View) -> list[str]:
    """Return the states and territories that pick a contractor."""
    held = [dated.value for _, dated in view.of_kind("jurisdiction")]
    return sorted({state for one in held if isinstance(one, Jurisdiction) for state in one.states})


def days(desk: Desk) -> dict[str, Any]:
    """Return the first and last day that may be asked about."""
    horizon = desk.knowledge.store.horizon
    return {"first_day": horizon.from_.isoformat(), "last_day": horizon.until.isoformat()}


def year_before(desk: Desk, day: date) -> date:
    """Return the day a year before, within what the knowledge answers for."""
    return max(desk.knowledge.store.horizon.from_, date.fromordinal(day.toordinal() - 365))
