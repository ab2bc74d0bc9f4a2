"""The words that the knowledge allows in a request: payers, states, joints, techniques, dates."""

from __future__ import annotations

import calendar
from dataclasses import dataclass

from facetwise.coding.encounter import codable
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Jurisdiction, Payer


@dataclass(frozen=True, slots=True)
class Words:
    """Every word by where it may stand, over all the days that the knowledge answers for."""

    payers: tuple[str, ...]
    codes: tuple[str, ...]
    states: tuple[str, ...]
    localities: tuple[str, ...]
    places: tuple[str, ...]
    joints: tuple[str, ...]
    inner_joints: tuple[str, ...]
    nerves: tuple[str, ...]
    techniques: tuple[str, ...]
    lists: dict[str, tuple[str, ...]]
    day_pattern: str


def words(knowledge: Knowledge) -> Words:
    """Return the words of a knowledge."""
    store = knowledge.store
    horizon = store.horizon
    view = knowledge.as_of(horizon.until)
    things = store.things.values()

    def values(table: str, column: str) -> tuple[str, ...]:
        found = (record[column] for _, record in store.tables[table].records())
        return tuple(dict.fromkeys(text for text in found if text))

    def slugs(kind: str, value: type) -> tuple[str, ...]:
        held = (one for one in things if one.kind == kind)
        return tuple(sorted(one.slug for one in held if any(isinstance(dated.value, value) for dated in one.history)))

    states = {
        state
        for one in things
        for dated in one.history
        if isinstance(dated.value, Jurisdiction)
        for state in dated.value.states
    }
    inner = values("anatomy/joints", "joint")
    return Words(
        payers=slugs("payer", Payer),
        codes=tuple(sorted(one.slug for one in things if one.kind == "code")),
        states=tuple(sorted(states)),
        localities=tuple(sorted(states | set(values("fees/gpci", "state")))),
        places=values("fees/places", "place_of_service"),
        joints=(*inner, *values("anatomy/outside", "joint")),
        inner_joints=inner,
        nerves=values("anatomy/nerves", "nerve"),
        techniques=tuple(codable(view)),
        lists={name: tuple(entries) for name, entries in store.vocabulary.words.items()},
        day_pattern=day_pattern(horizon.from_.year, horizon.until.year),
    )


def day_pattern(first: int, last: int) -> str:
    """Return a pattern of the ISO dates of these years, both included: real days only."""
    years = "|".join(str(year) for year in range(first, last + 1))
    leap = "|".join(str(year) for year in range(first, last + 1) if calendar.isleap(year))
    common = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])"
    return f"^(?:(?:{years})-(?:{common})" + (f"|(?:{leap})-02-29" if leap else "") + ")$"
