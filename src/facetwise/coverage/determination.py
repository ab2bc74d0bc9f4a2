"""The determination: criteria, limits, positions and prior authorization of the payer, against one case."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from facetwise.coverage.case import Case
from facetwise.coverage.evaluate import Context, concerns, context, evaluate, region_of
from facetwise.coverage.logic import Outcome, Status
from facetwise.coverage.windows import in_session, next_day, standing, used
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Criterion, Family, Jurisdiction, Limit, Position, PriorAuthorization, Question
from facetwise.payers import Rules, Said, rules

_POSITIONS: dict[str, str] = {"covered_with_criteria": "covered"}
_POSITION_QUESTIONS = ("third-level-position", "code-position")
_NOT_ESTABLISHED = "not established"


class CriterionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion: its status, what the case shows and what is wanted, and on whose word."""

    id: str
    statement: str
    status: Status
    found: dict[str, str] | None
    needed: str
    citations: tuple[str, ...]
    evidence: str = ""
    note: str = ""


class LimitResult(msgspec.Struct, frozen=True, kw_only=True):
    """One limit over time: `used` before this procedure; `next_eligible_date` None when it fits on the day."""

    id: str
    used: int
    allowed: int
    window_days: int
    next_eligible_date: str | None
    citations: tuple[str, ...]
    statement: str = ""
    status: Status = "met"


class CodePosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where one code stands; two entries of one code are a conflict of sources."""

    code: str
    position: Literal["covered", "not_covered", "appeal_only", "not_established"]
    citations: tuple[str, ...]
    statement: str = ""


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """Whether prior authorization is needed; None when it is not established or depends on the plan."""

    required: bool | None
    why: str
    citations: tuple[str, ...]


class Determination(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `cover`."""

    outcome: Literal["met", "not_met", "undetermined"]
    as_of: str
    knowledge: str
    payer: str
    whose: str
    sequence: str
    policies: tuple[str, ...]
    criteria: tuple[CriterionResult, ...]
    missing: tuple[str, ...]
    limits: tuple[LimitResult, ...]
    code_positions: tuple[CodePosition, ...]
    prior_authorization: Authorization
    notes: tuple[str, ...] = ()


def cover(case: Case, knowledge: Knowledge) -> Determination:
    """Return the determination for a case: one criterion not met makes it not met, else one unknown undetermined."""
    view = knowledge.as_of(case.day)
    asked = rules(view, case.payer, case.state)
    about = context(view, case)
    codes = case.codes or _codes(about)
    criteria = [*_criteria(about, asked), *_refusals(about, asked)]
    limits, judged = _limits(about, asked)
    criteria += judged
    positions = _positions(about, asked, codes)
    criteria += _by_position(positions)
    missing = tuple(dict.fromkeys(name for one, names in criteria for name in names if one.status == "unknown"))
    statuses = {one.status for one, _ in criteria}
    notes = []
    if asked.unknown_contractor:
        statuses.add("unknown")
        missing = (*missing, "state")
        notes.append("No state picks the contractor: judged by what the contractors share, so it stays undetermined.")
    outcome: Literal["met", "not_met", "undetermined"] = (
        "not_met" if "not_met" in statuses else "undetermined" if "unknown" in statuses or not criteria else "met"
    )
    return Determination(
        outcome=outcome,
        as_of=case.day.isoformat(),
        knowledge=knowledge.digest,
        payer=case.payer,
        whose=asked.whose,
        sequence=about.sequence,
        policies=_policies(view, asked),
        criteria=tuple(one for one, _ in criteria),
        missing=tuple(dict.fromkeys(missing)),
        limits=tuple(limits),
        code_positions=tuple(positions),
        prior_authorization=_authorization(about, asked, codes),
        notes=tuple(notes),
    )


_Judged = tuple[CriterionResult, tuple[str, ...]]


def _said(about: Context, asked: Rules, question: str) -> list[Said]:
    case = about.case
    guidance = about.facts.get("procedure.guidance", "")
    found = asked.said(question, case.technique, purpose=case.purpose, setting=case.setting, guidance=str(guidance))
    regions = {case.region, region_of(about.view, case.region)}
    return [
        one
        for one in found
        if not (wanted := getattr(one.value, "applies", None)) or not wanted.region or regions & set(wanted.region)
    ]


def _bears(about: Context, question: Question) -> bool:
    return not question.technique or about.case.technique in question.technique


def _criteria(about: Context, asked: Rules) -> list[_Judged]:
    found: list[_Judged] = []
    questions = sorted(about.view.store.questions.items(), key=lambda item: (item[1].order, item[0]))
    for slug, question in questions:
        if question.kind != "criterion":
            continue
        bears = _bears(about, question)
        said = [
            one
            for one in _said(about, asked, slug)
            if isinstance(one.value, Criterion) and (bears or one.value.applies.technique)
        ]
        for one in said:
            found += _criterion(about, one, one.value)
        if not said and bears and question.headline and concerns(about, slug):
            found.append((_silent(slug, question), (f"the payer's rule: {question.title.lower()}",)))
    return found


def _criterion(about: Context, one: Said, value: Criterion) -> list[_Judged]:
    wanted = value.applies.sequence
    if wanted and about.sequence and about.sequence not in wanted:
        return []
    if wanted and not about.sequence:
        outcome = Outcome("unknown", {}, ("procedure.sequence",))
    elif value.test is None:
        outcome = Outcome("unknown", {}, ("a person's judgement",))
    else:
        outcome = evaluate(about, value.test)
        if outcome.status == "not_met" and value.applies.purpose and not about.case.purpose:
            outcome = Outcome("unknown", outcome.found, ("procedure.purpose",))
    status: Status = "unknown" if one.conflicting and outcome.status == "not_met" else outcome.status
    names = outcome.missing or (("sources disagree",) if status == "unknown" else ())
    result = CriterionResult(
        id=one.answer.thing.slug if one.answer.thing else value.question,
        statement=value.statement,
        status=status,
        found=outcome.found or None,
        needed=value.cell,
        citations=one.citations,
        evidence=one.dated.evidence or "",
        note=_note(one),
    )
    return [(result, names)]


def _silent(slug: str, question: Question) -> CriterionResult:
    return CriterionResult(
        id=slug,
        statement=f"{question.title}: {_NOT_ESTABLISHED} for this payer.",
        status="unknown",
        found=None,
        needed=f"what would settle it: {question.settle}" if question.settle else _NOT_ESTABLISHED,
        citations=(),
    )


def _note(one: Said) -> str:
    parts = ["presumed from the shared text"] if one.answer.presumed else []
    if one.conflicting:
        parts.append("sources disagree")
    return "; ".join([*parts, one.dated.note] if one.dated.note else parts)


def _refusals(about: Context, asked: Rules) -> list[_Judged]:
    """Techniques, guidance and regions that the payer has as not covered."""
    found: list[_Judged] = []
    guidance = about.facts.get("procedure.guidance")
    for slug in ("excluded-techniques", "ultrasound-position", "excluded-regions", "therapeutic-position"):
        for one in _said(about, asked, slug):
            value = one.value
            if not isinstance(value, Position) or value.position != "not_covered" or value.codes:
                continue
            applies = value.applies
            if not (applies.technique or applies.guidance or applies.region):
                continue
            if applies.guidance and guidance is None:
                continue
            if applies.region and not about.case.region:
                continue
            when = evaluate(about, value.when) if value.when is not None else Outcome("met")
            if when.status == "not_met":
                continue
            status: Status = "unknown" if one.conflicting or when.status == "unknown" else "not_met"
            result = CriterionResult(
                id=one.answer.thing.slug if one.answer.thing else slug,
                statement=value.statement,
                status=status,
                found={"procedure.technique": about.case.technique, **when.found},
                needed="a technique, guidance and region that the payer covers",
                citations=one.citations,
                evidence=one.dated.evidence or "",
                note=_note(one),
            )
            found.append((result, when.missing))
    return found


def _limits(about: Context, asked: Rules) -> tuple[list[LimitResult], list[_Judged]]:
    limits: list[LimitResult] = []
    judged: list[_Judged] = []
    for slug, question in sorted(about.view.store.questions.items(), key=lambda item: (item[1].order, item[0])):
        if question.kind != "limit" or not _bears(about, question):
            continue
        for one in _said(about, asked, slug):
            value = one.value
            if not isinstance(value, Limit) or (
                about.sequence and value.applies.sequence and about.sequence not in value.applies.sequence
            ):
                continue
            name = one.answer.thing.slug if one.answer.thing else slug
            if value.window.kind == "session":
                judged.append(_limit_result(name, one, value, in_session(about, value)))
                continue
            held = used(about, value)
            outcome = standing(about, value, held)
            judged.append(_limit_result(name, one, value, outcome))
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


def _limit_result(name: str, one: Said, value: Limit, outcome: Outcome) -> _Judged:
    conflicting = one.conflicting and outcome.status == "not_met"
    result = CriterionResult(
        id=name,
        statement=value.statement,
        status="unknown" if conflicting else outcome.status,
        found=outcome.found or None,
        needed=value.cell,
        citations=one.citations,
        evidence=one.dated.evidence or "",
        note=_note(one),
    )
    return result, ("sources disagree",) if conflicting else outcome.missing


def _codes(about: Context) -> tuple[str, ...]:
    """Return the codes that report the case, by its technique, region and number of levels."""
    guidance = about.facts.get("procedure.guidance", "fluoroscopy")
    levels = about.facts.get("procedure.levels", Decimal(1))
    region = region_of(about.view, about.case.region)
    for _, dated in about.view.of_kind("family"):
        family = dated.value
        if (
            isinstance(family, Family)
            and about.case.technique in family.technique
            and (not family.region or region in family.region)
            and (not family.guidance or guidance in family.guidance)
        ):
            ranks = [rank.code for rank in family.ranks]
            number = int(levels) if isinstance(levels, Decimal) else 1
            return tuple(ranks[: max(1, min(number, len(ranks)))])
    return ()


def _positions(about: Context, asked: Rules, codes: tuple[str, ...]) -> list[CodePosition]:
    found = []
    for code in codes:
        said: list[Said] = []
        for question in _POSITION_QUESTIONS:
            said = said or [
                one
                for one in _said(about, asked, question)
                if isinstance(one.value, Position) and code in one.value.codes and one.value.when is None
            ]
        entries = {
            (_POSITIONS.get(one.value.position, one.value.position), one.citations): one.value.statement for one in said
        }
        found += [
            CodePosition(code=code, position=position, citations=citations, statement=statement)
            for (position, citations), statement in entries.items()
        ] or [CodePosition(code=code, position="not_established", citations=())]
    return found


def _by_position(positions: list[CodePosition]) -> list[_Judged]:
    """A code that no source has as covered, and one as refused, is a criterion that is not met."""
    found: list[_Judged] = []
    for code in dict.fromkeys(one.code for one in positions):
        said = [one for one in positions if one.code == code]
        refused = [one for one in said if one.position in ("not_covered", "appeal_only")]
        if refused and len(refused) == len(said):
            result = CriterionResult(
                id=f"position-{code}",
                statement=" ".join(one.statement for one in refused),
                status="not_met",
                found={"codes": code},
                needed="a code that the payer covers",
                citations=tuple(dict.fromkeys(key for one in refused for key in one.citations)),
            )
            found.append((result, ()))
    return found


def _authorization(about: Context, asked: Rules, codes: tuple[str, ...]) -> Authorization:
    said = [
        one
        for one in _said(about, asked, "prior-authorization")
        if isinstance(one.value, PriorAuthorization) and (not one.value.codes or set(codes) & set(one.value.codes))
    ]
    if not said:
        return Authorization(required=None, why=f"Whether it is required is {_NOT_ESTABLISHED}.", citations=())
    answers = {one.value.required for one in said}
    required = {"yes": True, "no": False}.get(answers.pop()) if len(answers) == 1 else None
    stated = {one.value.required for one in said}
    if "yes" in stated and "depends" not in stated and not any(one.conflicting for one in said):
        required = True
    chosen = [one for one in said if required is None or one.value.required == ("yes" if required else "no")]
    why = " ".join(dict.fromkeys(one.value.statement for one in chosen))
    if not about.case.setting:
        required, why = None, f"It depends on the setting, which is not documented. {why}"
    return Authorization(
        required=required, why=why, citations=tuple(dict.fromkeys(key for one in chosen for key in one.citations))
    )


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
