"""The determination: criteria, limits, positions and prior authorization of the payer, against one case."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from facetwise.coverage.alternatives import by_each
from facetwise.coverage.answers import (
    CodePosition,
    CriterionResult,
    Determination,
    LimitResult,
    outcome_of,
)
from facetwise.coverage.authorization import authorize
from facetwise.coverage.case import Case
from facetwise.coverage.evaluate import Context, concerns, context, evaluate, said_of
from facetwise.coverage.logic import Outcome, Status
from facetwise.coverage.rulebook import (
    JUDGEMENT,
    NEEDS_COVERED_CODE,
    NEEDS_COVERED_PROCEDURE,
    POSITION_QUESTIONS,
    REFUSAL_QUESTIONS,
    REFUSED,
    SOURCES_DISAGREE,
    USUAL_GUIDANCE,
    name_of,
    note_of,
    places_codes,
    questions,
    refuses,
    silent_name,
    silent_needed,
    silent_statement,
    standing_of,
)
from facetwise.coverage.windows import in_session, next_day, standing, used
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Criterion, Family, Jurisdiction, Limit, Question
from facetwise.payers import Rules, Said, rules

__all__ = ["Determination", "cover"]


def cover(case: Case, knowledge: Knowledge) -> Determination:
    """Return the determination for a case: one criterion not met makes it not met, else one unknown undetermined.

    Where the state does not pick one contractor, the case is judged by the text that the contractors share and by each
    of them (`alternatives`); a criterion is then not met only when it is so by all of them.
    """
    view = knowledge.as_of(case.day)
    asked = rules(view, case.payer, case.state)
    answer = _determine(case, knowledge, view, asked)
    if not asked.unknown_contractor:
        return answer
    others = {one: _determine(case, knowledge, view, asked.of(one)) for one in asked.possible}
    return by_each(view, case, answer, others)


def _determine(case: Case, knowledge: Knowledge, view: View, asked: Rules) -> Determination:
    about = context(knowledge, view, asked, case)
    codes = case.codes or _codes(about)
    criteria = [*_criteria(about, asked), *_refusals(about, asked)]
    limits, judged = _limits(about, asked)
    criteria += judged
    positions = _positions(about, asked, codes)
    criteria += _by_position(positions)
    missing = tuple(dict.fromkeys(name for one in criteria for name in one.missing))
    return Determination(
        outcome=outcome_of(criteria),
        as_of=case.day.isoformat(),
        knowledge=knowledge.digest,
        payer=case.payer,
        whose=asked.whose,
        sequence=about.sequence,
        policies=_policies(view, asked),
        criteria=tuple(criteria),
        missing=missing,
        limits=tuple(limits),
        code_positions=tuple(positions),
        prior_authorization=authorize(about, asked, codes),
        notes=tuple(_notes(about)),
    )


def _notes(about: Context) -> Iterator[str]:
    if about.sites.supposed:
        yield (
            "The case names no joints: its levels are taken to be among those of the earlier procedures in this region, "
            f"which all name {' and '.join(about.sites.supposed)}. Name the joints to be sure."
        )
    pair = about.sites.pair
    if pair is not None:
        said = f"{pair.value.statement} [{', '.join(pair.rule.citations)}]" if pair.value and pair.rule else ""
        settled = "" if pair.settled else " As how many regions it counts is not established for this payer."
        yield f"{' with '.join(pair.joints)} lie in two regions by code. {said}{settled}".replace("  ", " ").rstrip()


def _bears(about: Context, question: Question) -> bool:
    return not question.technique or about.case.technique in question.technique


def _criteria(about: Context, asked: Rules) -> list[CriterionResult]:
    found: list[CriterionResult] = []
    for _, slug, question in questions(about.view.store, "criterion"):
        bears = _bears(about, question)
        said = [
            one
            for one in said_of(about, asked, slug)
            if isinstance(one.value, Criterion) and (bears or one.value.applies.technique)
        ]
        for one in said:
            found += _criterion(about, one, one.value)
        if not said and bears and question.headline and concerns(about, slug):
            found.append(_silent(slug, question))
    return found


def _criterion(about: Context, one: Said, value: Criterion) -> list[CriterionResult]:
    wanted = value.applies.sequence
    if wanted and about.sequence and about.sequence not in wanted:
        return []
    if wanted and not about.sequence:
        outcome = Outcome("unknown", {}, ("procedure.sequence",))
    elif value.test is None:
        outcome = Outcome("unknown", {}, (JUDGEMENT,))
    else:
        outcome = evaluate(about, value.test)
        if outcome.status == "not_met" and value.applies.purpose and not about.case.purpose:
            outcome = Outcome("unknown", outcome.found, ("procedure.purpose",))
    return [_result(name_of(one, value.question), one, value.cell, outcome)]


def _result(name: str, one: Said, needed: str, outcome: Outcome) -> CriterionResult:
    """Return an outcome as a result; what sources disagree about is not failed by one of them alone."""
    status: Status = "unknown" if one.conflicting and outcome.status == "not_met" else outcome.status
    return CriterionResult(
        id=name,
        statement=one.value.statement,
        status=status,
        found=outcome.found or None,
        needed=needed,
        citations=one.citations,
        evidence=one.dated.evidence or "",
        note=note_of(one),
        missing=(outcome.missing or (SOURCES_DISAGREE,)) if status == "unknown" else (),
    )


def _silent(slug: str, question: Question) -> CriterionResult:
    return CriterionResult(
        id=slug,
        statement=silent_statement(question),
        status="unknown",
        found=None,
        needed=silent_needed(question),
        citations=(),
        missing=(silent_name(question),),
    )


def _refusals(about: Context, asked: Rules) -> list[CriterionResult]:
    """Techniques, guidance and regions that the payer has as not covered."""
    found: list[CriterionResult] = []
    for slug in REFUSAL_QUESTIONS:
        for one in said_of(about, asked, slug):
            value = one.value
            if not refuses(value) or (value.applies.guidance and about.facts.get("procedure.guidance") is None):
                continue
            when = evaluate(about, value.when) if value.when is not None else Outcome("met")
            if when.status == "not_met":
                continue
            seen = {"procedure.technique": about.case.technique, **when.found}
            status: Status = "unknown" if when.status == "unknown" else "not_met"
            outcome = Outcome(status, seen, when.missing)
            found.append(_result(name_of(one, slug), one, NEEDS_COVERED_PROCEDURE, outcome))
    return found


def _limits(about: Context, asked: Rules) -> tuple[list[LimitResult], list[CriterionResult]]:
    limits: list[LimitResult] = []
    judged: list[CriterionResult] = []
    for _, slug, question in questions(about.view.store, "limit"):
        if not _bears(about, question):
            continue
        for one in said_of(about, asked, slug):
            value = one.value
            if not isinstance(value, Limit) or (
                about.sequence and value.applies.sequence and about.sequence not in value.applies.sequence
            ):
                continue
            name = name_of(one, slug)
            if value.window.kind == "session":
                judged.append(_result(name, one, value.cell, in_session(about, value)))
                continue
            held = used(about, value)
            outcome = standing(about, value, held)
            judged.append(_result(name, one, value.cell, outcome))
            if held.window_days is None or value.at_most is None:
                continue
            eligible = next_day(held.sure, value.at_most, held.window_days, value, about.case.day)
            limits.append(
                LimitResult(
                    id=name,
                    used=len(held.sure),
                    allowed=int(value.at_most),
                    window_days=held.window_days,
                    next_eligible_date=eligible.isoformat() if eligible else None,
                    citations=one.citations,
                    statement=value.statement,
                    status=outcome.status,
                )
            )
    return limits, judged


def _codes(about: Context) -> tuple[str, ...]:
    """Return the codes that report the case: those of the rule for a pair, else by technique, region and levels."""
    pair = about.sites.pair
    if pair is not None and set(about.case.joints) == set(pair.joints):
        own = [_ranks(about, area)[:1] for area in about.sites.readings[0]]
        return pair.value.codes if pair.value is not None else tuple(code for codes in own for code in codes)
    levels = about.facts.get("procedure.levels", Decimal(1))
    ranks = _ranks(about, about.sites.area)
    number = int(levels) if isinstance(levels, Decimal) else 1
    return ranks[: max(1, min(number, len(ranks)))]


def _ranks(about: Context, area: str) -> tuple[str, ...]:
    guidance = about.facts.get("procedure.guidance", USUAL_GUIDANCE)
    for _, dated in about.view.of_kind("family"):
        family = dated.value
        if (
            isinstance(family, Family)
            and about.case.technique in family.technique
            and (not family.region or area in family.region)
            and (not family.guidance or guidance in family.guidance)
        ):
            return tuple(rank.code for rank in family.ranks)
    return ()


def _positions(about: Context, asked: Rules, codes: tuple[str, ...]) -> list[CodePosition]:
    found = []
    answered = [
        [one for one in said_of(about, asked, question) if places_codes(one.value)] for question in POSITION_QUESTIONS
    ]
    for code in codes:
        said = next((some for all_ in answered if (some := [one for one in all_ if code in one.value.codes])), [])
        entries = {(standing_of(one.value), one.citations): one.value.statement for one in said}
        found += [
            CodePosition(code=code, position=position, citations=citations, statement=statement)  # type: ignore[arg-type]
            for (position, citations), statement in entries.items()
        ] or [CodePosition(code=code, position="not_established", citations=())]
    return found


def _by_position(positions: list[CodePosition]) -> list[CriterionResult]:
    """A code that no source has as covered, and one as refused, is a criterion that is not met."""
    found: list[CriterionResult] = []
    for code in dict.fromkeys(one.code for one in positions):
        said = [one for one in positions if one.code == code]
        refused = [one for one in said if one.position in REFUSED]
        if refused and len(refused) == len(said):
            result = CriterionResult(
                id=f"position-{code}",
                statement=" ".join(one.statement for one in refused),
                status="not_met",
                found={"codes": code},
                needed=NEEDS_COVERED_CODE,
                citations=tuple(dict.fromkeys(key for one in refused for key in one.citations)),
            )
            found.append(result)
    return found


def _policies(view: View, asked: Rules) -> tuple[str, ...]:
    whose = asked.local or asked.whose
    found = [
        policy
        for _, dated in view.of_kind("jurisdiction")
        if isinstance(dated.value, Jurisdiction) and dated.value.contractor == whose
        for policy in dated.value.policies
    ]
    own = [thing.slug for thing, _ in view.of_kind("policy") if thing.payer == asked.whose] if not found else []
    return tuple(dict.fromkeys([*found, *own]))
