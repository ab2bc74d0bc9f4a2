"""Prior authorization: by code, place and date; the provider's exemption; and whether the decision that is held holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from facetwise.coverage.answers import Authorization
from facetwise.coverage.evaluate import SINCE_DECISION, Context, evaluate, said_of
from facetwise.coverage.logic import Outcome, all_of, any_of, days_of
from facetwise.coverage.rulebook import DECISION_QUESTION, EXEMPTION_QUESTION, NOT_ESTABLISHED
from facetwise.knowledge.kinds import Criterion, PriorAuthorization
from facetwise.knowledge.parts import Test
from facetwise.payers import Rules, Said


def authorize(about: Context, asked: Rules, codes: tuple[str, ...]) -> Authorization:
    """Return whether a decision is needed beforehand for these codes, and where one is, whether the case's holds."""
    said = [
        one
        for one in said_of(about, asked, "prior-authorization")
        if isinstance(one.value, PriorAuthorization) and (not one.value.codes or set(codes) & set(one.value.codes))
    ]
    if not said:
        return Authorization(required=None, why=f"Whether it is required is {NOT_ESTABLISHED}.", citations=())
    answers = {one.value.required for one in said}
    required = {"yes": True, "no": False}.get(next(iter(answers))) if len(answers) == 1 else None
    if "yes" in answers and "depends" not in answers and not any(one.conflicting for one in said):
        required = True
    chosen = [one for one in said if required is None or one.value.required == ("yes" if required else "no")]
    why = " ".join(dict.fromkeys(one.value.statement for one in chosen))
    if not about.case.setting:
        required, why = None, f"It depends on the setting, which is not documented. {why}"
    plain = Authorization(required=required, why=why, citations=_keys(chosen))
    if "yes" not in answers or required is False:
        return plain
    return _decided(
        about, plain, _criteria(about, asked, EXEMPTION_QUESTION), _criteria(about, asked, DECISION_QUESTION)
    )


def _decided(about: Context, plain: Authorization, exemption: list[Said], decision: list[Said]) -> Authorization:
    """Return the answer with the exemption and the decision, so far as the payer has rules for them."""
    exempt = any_of(evaluate(about, one.value.test) for one in exemption)
    if exemption and exempt.status == "met" and plain.required:
        words = " ".join(one.value.statement for one in exemption)
        why = f"The provider is exempt. {words} Without the exemption: {plain.why}"
        return Authorization(required=False, why=why, citations=(*plain.citations, *_keys(exemption)), exempt=True)
    told = {"met": True, "not_met": False}.get(exempt.status) if exemption else None
    if not decision or plain.required is None:
        return Authorization(required=plain.required, why=plain.why, citations=plain.citations, exempt=told)
    held: Outcome = all_of(evaluate(about, one.value.test) for one in decision)
    until = _last_day(about, decision)
    return Authorization(
        required=True,
        why=" ".join([plain.why, *(one.value.statement for one in decision)]),
        citations=tuple(dict.fromkeys((*plain.citations, *_keys(decision)))),
        exempt=told,
        decision=held.status,
        decision_needed="; ".join(one.value.cell for one in decision),
        number=about.case.authorization_number,
        valid_until=until.isoformat() if until else None,
        missing=held.missing if held.status == "unknown" else (),
    )


def _criteria(about: Context, asked: Rules, question: str) -> list[Said]:
    return [
        one
        for one in said_of(about, asked, question)
        if isinstance(one.value, Criterion) and one.value.test is not None
    ]


def _last_day(about: Context, decision: list[Said]) -> date | None:
    """Return the last day on which the decision holds: so many days after it as the payer's rule allows."""
    decided = about.facts.get("authorization.decided_on")
    allowed = [
        days_of(leaf.at_most, leaf.unit or "days")
        for one in decision
        for leaf in _leaves(one.value.test)
        if leaf.asks == SINCE_DECISION and leaf.at_most is not None
    ]
    return decided + timedelta(days=min(allowed)) if allowed and isinstance(decided, date) else None


def _leaves(test: Test) -> Iterator[Test]:
    for branch in (*test.all, *test.any, *test.none):
        yield from _leaves(branch)
    if test.asks is not None:
        yield test


def _keys(said: list[Said]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for one in said for key in one.citations))
