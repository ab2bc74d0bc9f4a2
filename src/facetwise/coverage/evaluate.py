"""Evaluating a criterion's test against a case: facts of the patient and procedure, and earlier procedures counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from facetwise.coverage.case import Case, Event
from facetwise.coverage.logic import Fact, Outcome, Status, all_of, any_of, compare, days_of, not_of, plain, within
from facetwise.coverage.regions import areas_of
from facetwise.coverage.sites import Earlier, Sites, ablated, sites
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Criterion
from facetwise.knowledge.parts import Measure, Prior, Test
from facetwise.payers import Rules, Said

_HISTORY = "history"
_SUCCESS = "history.successful_ablation_at_level"
_SINCE = "history.days_since_last_ablation"
SINCE_DECISION = "authorization.days_since_decision"
_DECIDED = "authorization.decided_on"
_EXEMPT = "authorization.provider_exempt"
_EXEMPT_FROM, _EXEMPT_UNTIL = "authorization.exempt_from", "authorization.exempt_until"


@dataclass(frozen=True, slots=True)
class Context:
    """A case on its day, with what is derived from it once: its place, its sequence, facts that its history gives.

    `wants` names what is missing where a derived fact is not known for want of something else.
    """

    view: View
    case: Case
    sites: Sites
    sequence: str
    facts: dict[str, Fact]
    wants: dict[str, tuple[str, ...]]

    def unit(self, name: str) -> str | None:
        """The unit in which a fact is kept."""
        return self.view.store.vocabulary.asks[name].unit


def context(knowledge: Knowledge, view: View, asked: Rules, case: Case) -> Context:
    """Return the case with its place, its sequence and the facts that its history gives: the last of its kind's."""
    where = sites(knowledge, view, asked, case)
    sequence = case.sequence or _sequence(case, where)
    derived, wants = _derived(view, case, where)
    facts = {
        "procedure.technique": case.technique,
        "procedure.region": case.region,
        **({"procedure.purpose": case.purpose} if case.purpose else {}),
        **({"procedure.setting": case.setting} if case.setting else {}),
        **derived,
        **case.facts,
    }
    return Context(view, case, where, sequence, facts, wants)


def region_of(view: View, region: str) -> str:
    """Return the coding region that a region, or a part of one, lies in."""
    return areas_of(view).get(region, region)


def said_of(context: Context, asked: Rules, question: str) -> list[Said]:
    """Return what the payer says to a question that bears on the case; what is not documented restricts nothing."""
    case = context.case
    guidance = str(context.facts.get("procedure.guidance", ""))
    found = asked.said(question, case.technique, purpose=case.purpose, setting=case.setting, guidance=guidance)
    return [
        one
        for one in found
        if not (wanted := getattr(one.value, "applies", None))
        or not wanted.region
        or context.sites.regions & set(wanted.region)
    ]


def concerns(context: Context, question: str) -> bool:
    """Whether a question is one for this purpose and sequence at all, as those show who have answered it."""
    asked = (("purpose", context.case.purpose), ("sequence", context.sequence))
    return any(
        all(not value or not getattr(one.applies, name) or value in getattr(one.applies, name) for name, value in asked)
        for _, dated in context.view.of_kind("criterion")
        if isinstance(one := dated.value, Criterion) and one.question == question
    )


def _sequence(case: Case, where: Sites) -> str:
    """Return initial, second or repeat as the history tells; empty when there is no history to tell it."""
    if case.history is None:
        return ""
    kinship = {one.kin.status for one in where.earlier}
    if "met" in kinship:
        return "second" if case.purpose == "diagnostic" else "repeat"
    return "" if "unknown" in kinship else "initial"


def _derived(view: View, case: Case, where: Sites) -> tuple[dict[str, Fact], dict[str, tuple[str, ...]]]:
    facts: dict[str, Fact] = {}
    wants: dict[str, tuple[str, ...]] = {}
    exempt = _exempt(case)
    if exempt is not None:
        facts[_EXEMPT] = exempt
    decided = case.facts.get(_DECIDED)
    if isinstance(decided, date):
        facts[SINCE_DECISION] = Decimal((case.day - decided).days)
    else:
        wants[SINCE_DECISION] = (_DECIDED,)
    if case.history is None:
        return facts, wants
    stated, unclear = _last_session(view, case, where)
    facts.update(stated)
    if unclear:
        wants |= dict.fromkeys((name for name in view.store.vocabulary.asks if name.startswith("history.")), unclear)
    succeeded, ablations = ablated(where.earlier, view.store.vocabulary.words.get("ablation_technique", {}), _SUCCESS)
    facts.pop(_SUCCESS, None)
    wants.pop(_SUCCESS, None)
    wants.pop(_SINCE, None)
    if succeeded.status == "unknown":
        wants[_SUCCESS] = succeeded.missing
    else:
        facts[_SUCCESS] = succeeded.status == "met"
    if ablations:
        last = all_of((ablations[-1].near, ablations[-1].level))
        if last.status == "met":
            facts[_SINCE] = Decimal((case.day - ablations[-1].event.day).days)
        else:
            wants[_SINCE] = last.missing
    return facts, wants


def _exempt(case: Case) -> bool | None:
    """Whether the day lies in the span of an exemption by notice; None when no notice is documented."""
    first, last = case.facts.get(_EXEMPT_FROM), case.facts.get(_EXEMPT_UNTIL)
    if not isinstance(first, date):
        return False if isinstance(last, date) and case.day > last else None
    return first <= case.day and not (isinstance(last, date) and case.day > last)


def _last_session(view: View, case: Case, where: Sites) -> tuple[dict[str, Fact], tuple[str, ...]]:
    """Return what the last procedure of this kind at this place brought, or what is missing to tell which that is.

    Of several on its day, left and right for one, a fact is known when all of them state it alike.
    """
    placed = [(one, all_of((one.kin, one.level, one.side))) for one in where.earlier]
    alike = [item for item in placed if item[1].status != "not_met"] or _blocks_before(view, case, where)
    if not alike:
        return {}, ()
    session = [(one.event, outcome) for one, outcome in alike if one.event.day == alike[-1][0].event.day]
    clear = all_of(outcome for _, outcome in session)
    if clear.status == "unknown":
        # What the last one brought is not known while an unclear one may be the last.
        return {}, clear.missing
    first = session[0][0].facts
    return {name: value for name, value in first.items() if all(one.facts.get(name) == value for one, _ in session)}, ()


def _blocks_before(view: View, case: Case, where: Sites) -> list[tuple[Earlier, Outcome]]:
    """The diagnostic blocks that a first treatment rests on: their relief is what its criteria ask for."""
    if case.sequence not in ("", "initial") or case.purpose == "diagnostic":
        return []
    injections = view.store.vocabulary.words.get("injection_technique", {})
    treatments = {*injections, *view.store.vocabulary.words.get("ablation_technique", {})}
    if case.technique not in treatments:
        return []
    blocks = [one for one in where.earlier if one.event.technique in injections and one.event.purpose == "diagnostic"]
    placed = [(one, all_of((one.near, one.level, one.side))) for one in blocks]
    return [item for item in placed if item[1].status != "not_met"]


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
    outcome = compare(test, context.facts.get(test.asks), context.unit(test.asks))
    if outcome.status == "unknown":
        return Outcome("unknown", {}, context.wants.get(test.asks, (test.asks,)))
    return outcome


def _counted(context: Context, test: Test, prior: Prior) -> Outcome:
    wanted = test.count or Measure(unit="procedures", at_least=Decimal(1))
    if context.case.history is None:
        return Outcome("unknown", {}, (_HISTORY,))
    sure: list[Event] = []
    maybe: list[Event] = []
    missing: list[str] = []
    for one in context.sites.earlier:
        event, outcome = one.event, _fits(context, test, prior, one)
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


def _fits(context: Context, test: Test, prior: Prior, one: Earlier) -> Outcome:
    case, event = context.case, one.event
    checks: list[Outcome] = [
        _word("technique", event.technique, prior.technique),
        _word("purpose", event.purpose, prior.purpose),
        _word("sequence", event.sequence, prior.sequence),
        *(_where(context, wanted, event) for wanted in prior.where),
        *(one.at(what) for what in prior.same),
    ]
    if test.within is not None and test.within.at_most is not None:
        days = days_of(test.within.at_most, test.within.unit)
        checks.append(plain((case.day - event.day).days <= days))
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
    return plain(value in wanted)
