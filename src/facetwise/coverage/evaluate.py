"""Evaluating a criterion's test against a case: facts of the patient and procedure, and earlier procedures counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from facetwise.coverage.case import Case, Event
from facetwise.coverage.logic import Fact, Outcome, Status, all_of, any_of, compare, days_of, not_of, within
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Criterion
from facetwise.knowledge.parts import Measure, Prior, Test

_HISTORY = "history"
_DEFAULT_WINDOW_END = 0


@dataclass(frozen=True, slots=True)
class Context:
    """A case on its day, with what is derived from its history once."""

    view: View
    case: Case
    sequence: str
    facts: dict[str, Fact]

    def unit(self, name: str) -> str | None:
        """The unit in which a fact is kept."""
        return self.view.store.vocabulary.asks[name].unit


def context(view: View, case: Case) -> Context:
    """Return the case with its sequence and the facts that its history gives: the last comparable procedure's."""
    sequence = case.sequence or _sequence(view, case)
    facts = {
        "procedure.technique": case.technique,
        "procedure.region": case.region,
        **({"procedure.purpose": case.purpose} if case.purpose else {}),
        **({"procedure.setting": case.setting} if case.setting else {}),
        **_derived(view, case),
        **case.facts,
    }
    return Context(view, case, sequence, facts)


def same_region(view: View, one: str, other: str) -> bool:
    """Whether two regions are the same one for coding: cervical and thoracic are, lumbar and sacral are."""
    return region_of(view, one) == region_of(view, other)


def region_of(view: View, region: str) -> str:
    """Return the coding region that a region, or a part of one, lies in."""
    for _, record in view.rows("anatomy/joints"):
        if region in (record["part"], record["region"]):
            return str(record["region"])
    return region


def concerns(context: Context, question: str) -> bool:
    """Whether a question is one for this purpose and sequence at all, as those show who have answered it."""
    asked = (("purpose", context.case.purpose), ("sequence", context.sequence))
    return any(
        all(not value or not getattr(one.applies, name) or value in getattr(one.applies, name) for name, value in asked)
        for _, dated in context.view.of_kind("criterion")
        if isinstance(one := dated.value, Criterion) and one.question == question
    )


def _sequence(view: View, case: Case) -> str:
    """Return initial, second or repeat as the history tells; empty when there is no history to tell it."""
    if case.history is None:
        return ""
    kinship = {_alike(view, case, event) for event in case.history if same_region(view, event.region, case.region)}
    if "met" in kinship:
        return "second" if case.purpose == "diagnostic" else "repeat"
    return "" if "unknown" in kinship else "initial"


def _alike(view: View, case: Case, event: Event) -> Status:
    """Whether an earlier procedure is one of this kind; among injections that turns on the purpose of both."""
    injections = set(view.store.vocabulary.words.get("injection_technique", {}))
    if not {event.technique, case.technique} <= injections:
        return "met" if event.technique == case.technique else "not_met"
    if not case.purpose or not event.purpose:
        return "unknown"
    return "met" if case.purpose == event.purpose else "not_met"


def _derived(view: View, case: Case) -> dict[str, Fact]:
    if case.history is None:
        return {}
    facts: dict[str, Fact] = {}
    near = [event for event in case.history if same_region(view, event.region, case.region)]
    alike = [event for event in near if _alike(view, case, event) != "not_met"] or _blocks_before(view, case, near)
    # What the last one of this kind brought is not known while an unclear one may be the last.
    if alike and (_alike(view, case, alike[-1]) != "unknown"):
        facts.update(alike[-1].facts)
    ablations = [
        event for event in near if event.technique in view.store.vocabulary.words.get("ablation_technique", {})
    ]
    if ablations:
        facts["history.days_since_last_ablation"] = Decimal((case.day - ablations[-1].day).days)
        stated = ablations[-1].facts.get("history.successful_ablation_at_level")
        if stated is not None:
            facts["history.successful_ablation_at_level"] = stated
    else:
        facts["history.successful_ablation_at_level"] = False
    return facts


def _blocks_before(view: View, case: Case, near: list[Event]) -> list[Event]:
    """The diagnostic blocks that a first treatment rests on: their relief is what its criteria ask for."""
    if case.sequence not in ("", "initial") or case.purpose == "diagnostic":
        return []
    injections = view.store.vocabulary.words.get("injection_technique", {})
    treatments = {*injections, *view.store.vocabulary.words.get("ablation_technique", {})}
    if case.technique not in treatments:
        return []
    return [event for event in near if event.technique in injections and event.purpose == "diagnostic"]


def evaluate(context: Context, test: Test) -> Outcome:
    """Return whether the test is met, not met or unknown, with what was found and what is missing."""
    if test.all:
        return all_of(evaluate(context, one) for one in test.all)
    if test.any:
        return any_of(evaluate(context, one) for one in test.any)
    if test.none:
        return not_of(any_of(evaluate(context, one) for one in test.none))
    if test.prior is not None:
        return _counted(context, test, test.prior)
    assert test.asks is not None
    return compare(test, context.facts.get(test.asks), context.unit(test.asks))


def _counted(context: Context, test: Test, prior: Prior) -> Outcome:
    wanted = test.count or Measure(unit="procedures", at_least=Decimal(1))
    if context.case.history is None:
        return Outcome("unknown", {}, (_HISTORY,))
    sure: list[Event] = []
    maybe: list[Event] = []
    missing: list[str] = []
    for event in context.case.history:
        outcome = _fits(context, test, prior, event)
        if outcome.status == "met":
            sure.append(event)
        elif outcome.status == "unknown":
            maybe.append(event)
            missing += outcome.missing
    found = {_HISTORY: ", ".join(f"{event.day.isoformat()} {event.technique}" for event in sure) or "none that fits"}
    low, high = _number(context, test, sure), _number(context, test, [*sure, *maybe])
    outcomes: set[Status] = {
        "met" if within(wanted, Decimal(number), wanted.unit) else "not_met" for number in range(low, high + 1)
    }
    if len(outcomes) == 1:
        return Outcome(outcomes.pop(), found)
    return Outcome("unknown", found, tuple(dict.fromkeys(missing)) or (_HISTORY,))


def _number(context: Context, test: Test, events: list[Event]) -> int:
    """Return how many events count: with `apart`, the most that keep that distance from each other and from the case."""
    if test.apart is None or test.apart.at_least is None:
        return len({event.day for event in events})  # left and right on one day are one procedure
    gap = days_of(test.apart.at_least, test.apart.unit)
    last: date = context.case.day
    several = test.count is not None and test.count.at_least is not None and test.count.at_least > 1
    number = 0
    for event in sorted(events, key=lambda event: event.day, reverse=True):
        if (last - event.day).days >= gap or (several and number == 0):
            number += 1
            last = event.day
    return number


def _fits(context: Context, test: Test, prior: Prior, event: Event) -> Outcome:
    case = context.case
    checks: list[Outcome] = [
        _word("technique", event.technique, prior.technique),
        _word("purpose", event.purpose, prior.purpose),
        _word("sequence", event.sequence, prior.sequence),
        *(_where(context, one, event) for one in prior.where),
        *(same_place(context, what, event) for what in prior.same),
    ]
    if test.within is not None and test.within.at_most is not None:
        days = days_of(test.within.at_most, test.within.unit)
        checks.append(_plain((case.day - event.day).days <= days))
    return all_of(checks)


def _where(context: Context, test: Test, event: Event) -> Outcome:
    """A test of one earlier procedure: the facts are that procedure's own."""
    if test.all:
        return all_of(_where(context, one, event) for one in test.all)
    if test.any:
        return any_of(_where(context, one, event) for one in test.any)
    if test.none:
        return not_of(any_of(_where(context, one, event) for one in test.none))
    assert test.asks is not None
    return compare(test, event.facts.get(test.asks), context.unit(test.asks))


def _word(what: str, value: str, wanted: tuple[str, ...]) -> Outcome:
    if not wanted:
        return Outcome("met")
    if not value:
        return Outcome("unknown", {}, (f"{_HISTORY}.{what}",))
    return _plain(value in wanted)


def same_place(context: Context, what: str, event: Event) -> Outcome:
    """Whether an earlier procedure lay at the same region, level, side or site (level and side) as this one."""
    case = context.case
    region = _plain(same_region(context.view, event.region, case.region))
    if what == "region" or region.status != "met":
        return region
    if what in ("level", "site", "joint"):
        if case.joints and event.joints:
            level = _plain(bool(set(case.joints) & set(event.joints)))
        elif case.joints or not event.joints:
            level = Outcome("unknown", {}, ("procedure.joints" if not case.joints else f"{_HISTORY}.joints",))
        else:
            # The procedure names no joints: an earlier one in the region on at least as many levels is taken as the same.
            levels = context.facts.get("procedure.levels")
            enough = not isinstance(levels, Decimal) or len(event.joints) >= levels
            level = _plain(True) if enough else Outcome("unknown", {}, ("procedure.joints",))
        return level if what != "site" else all_of((level, _side(case, event)))
    return _side(case, event) if what == "side" else _plain(True)


def _side(case: Case, event: Event) -> Outcome:
    if not case.sides or not event.sides:
        return Outcome("unknown", {}, ("procedure.sides" if not case.sides else f"{_HISTORY}.sides",))
    return _plain("bilateral" in (event.sides, case.sides) or event.sides == case.sides)


def _plain(held: bool) -> Outcome:
    return Outcome("met" if held else "not_met")
