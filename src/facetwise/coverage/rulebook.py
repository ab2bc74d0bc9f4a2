"""Which questions of the knowledge coverage asks, in what order, and what of an answer counts: for one case and for many."""

from __future__ import annotations

from typing import Any

from facetwise.knowledge import Store
from facetwise.knowledge.kinds import Limit, Position, Question
from facetwise.payers import Said

REFUSAL_QUESTIONS = ("excluded-techniques", "ultrasound-position", "excluded-regions", "therapeutic-position")
# The finer question comes first; the general list of codes adds nothing where it is answered.
POSITION_QUESTIONS = ("third-level-position", "code-position")
# Criteria of a decision beforehand: they settle prior authorization, not whether the procedure is covered.
EXEMPTION_QUESTION, DECISION_QUESTION = "authorization-exemption", "authorization-decision"
AUTHORIZATION_QUESTIONS = (EXEMPTION_QUESTION, DECISION_QUESTION)
PAIR_QUESTION = "junction-pair"
REFUSED = ("not_covered", "appeal_only")
NOT_ESTABLISHED = "not established"
SOURCES_DISAGREE = "sources disagree"
JUDGEMENT = "a person's judgement"
NEEDS_COVERED_PROCEDURE = "a technique, guidance and region that the payer covers"
NEEDS_COVERED_CODE = "a code that the payer covers"
# What a limit over time may count so that earlier procedures can be counted by day.
SESSIONS = ("session", "procedure", "block")
# What a limit may be for each of, with the parts of a place that must then be shared.
PLACES = {"level": ("level",), "side": ("side",), "site": ("level", "side")}
# A limit over time whose source does not say for what it is counted: what other regions hold may count or not.
EACH_REGION = "whether the limit is for each region, which its source does not say"
USUAL_GUIDANCE = "fluoroscopy"
# Where the state does not pick one contractor.
STATE = "state"
CONTRACTOR = "contractor"
CONTRACTOR_STATEMENT = "The state of the place of service picks the contractor, whose policy holds."
CONTRACTOR_NEEDED = "the state, where it has one contractor"
CONTRACTORS_DIFFER = "the contractors differ in this"


def questions(store: Store, kind: str) -> list[tuple[int, str, Question]]:
    """Return the questions of a kind with their place in the order of all, but those of a decision beforehand."""
    ordered = sorted(store.questions.items(), key=lambda item: (item[1].order, item[0]))
    return [
        (place, slug, question)
        for place, (slug, question) in enumerate(ordered)
        if question.kind == kind and slug not in AUTHORIZATION_QUESTIONS
    ]


def refuses(value: Any) -> bool:
    """Whether an answer to a question of refusal refuses by technique, guidance or region, and not by code."""
    if not isinstance(value, Position) or value.position != "not_covered" or value.codes:
        return False
    return bool(value.applies.technique or value.applies.guidance or value.applies.region)


def places_codes(value: Any) -> bool:
    """Whether an answer says where codes stand, whatever else the case shows."""
    return isinstance(value, Position) and bool(value.codes) and value.when is None


def over_all_perhaps(limit: Limit) -> bool:
    """Whether a limit over time may count all regions together: its source names no region, level or side."""
    return not limit.per and limit.counts != "region" and limit.window.kind in ("rolling", "calendar_year")


def standing_of(value: Position) -> str:
    """Return the position in the words of a determination: covered with criteria is covered."""
    return "covered" if value.position == "covered_with_criteria" else value.position


def note_of(one: Said) -> str:
    """Return what must be known of an answer: presumed, in conflict, and its own note."""
    parts = ["presumed from the shared text"] if one.answer.presumed else []
    parts += [SOURCES_DISAGREE] if one.conflicting else []
    return "; ".join([*parts, one.dated.note] if one.dated.note else parts)


def name_of(one: Said, question: str) -> str:
    """Return the id of a result: the name of its file, else the question."""
    return one.answer.thing.slug if one.answer.thing else question


def silent_statement(question: Question) -> str:
    """Return what is said where a payer says nothing to a question that matters."""
    return f"{question.title}: {NOT_ESTABLISHED} for this payer."


def silent_needed(question: Question) -> str:
    """Return what would settle a question to which a payer says nothing."""
    return f"what would settle it: {question.settle}" if question.settle else NOT_ESTABLISHED


def silent_name(question: Question) -> str:
    """Return the name by which the rule is missing."""
    return f"the payer's rule: {question.title.lower()}"
