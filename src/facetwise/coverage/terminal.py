"""A determination as plain text of 100 columns, what is missing first."""

from __future__ import annotations

import textwrap

from facetwise.coverage.answers import Alternative, Authorization, CriterionResult, Determination, Difference
from facetwise.coverage.case import Case
from facetwise.knowledge.dating import in_words

_WIDTH = 100
_SIGNS = {"met": "✓ met    ", "not_met": "✕ not met", "unknown": "? missing"}
_ALTERNATIVES = {"met": "✓ met         ", "not_met": "✕ not met     ", "undetermined": "? undetermined"}
_OUTCOMES = {
    "met": "Every criterion that is established is met.",
    "not_met": "At least one criterion is not met.",
    "undetermined": "Undetermined: something is not documented, or not established for this payer.",
}


def determination_text(case: Case, answer: Determination) -> str:
    """Return the outcome, what is missing, the criteria (gaps first), limits, positions and prior authorization."""
    place = f" in {case.state}" if case.state else ""
    out = [
        f"{case.technique.replace('_', ' ')}, {case.region}, {answer.payer}{place}, {in_words(answer.as_of)}"
        + (f", by the rules of {answer.whose}" if answer.whose != answer.payer else ""),
        "",
        f"{answer.outcome.upper().replace('_', ' ')}. {_OUTCOMES[answer.outcome]}",
    ]
    out += [line for note in answer.notes for line in _wrapped(note, "  ")]
    if answer.missing:
        out += ["", "  What is missing from the record"]
        out += [line for name in answer.missing for line in _wrapped(name, "    - ", "      ")]
    if answer.alternatives:
        out += ["", "  By each contractor that may be meant"]
        out += [line for one in answer.alternatives for line in _alternative(one)]
    out.append("")
    order = {"not_met": 0, "unknown": 1, "met": 2}
    for one in sorted(answer.criteria, key=lambda one: order[one.status]):
        out += _criterion(one)
    for limit in answer.limits:
        after = (
            f"; a further session fits from {in_words(limit.next_eligible_date)}" if limit.next_eligible_date else ""
        )
        out += _wrapped(f"{limit.id}: {limit.used} of {limit.allowed} used in {limit.window_days} days{after}", "  ")
    if answer.code_positions:
        out.append("")
    for position in answer.code_positions:
        out += _wrapped(
            f"{position.code} {position.position.replace('_', ' ')} [{', '.join(position.citations)}]", "  "
        )
    required = {True: "required", False: "not required", None: "not established or depending"}
    authorization = answer.prior_authorization
    out += ["", *_wrapped(f"Prior authorization {required[authorization.required]}. {authorization.why}", "  ")]
    out += _decision(authorization)
    out += ["", f"policies {', '.join(answer.policies) or 'not established'}; knowledge {answer.knowledge[:19]}"]
    return "\n".join(out)


def _alternative(one: Alternative) -> list[str]:
    states = f" ({', '.join(one.states)})" if one.states else ""
    lines = _wrapped(f"{_ALTERNATIVES[one.outcome]}  {one.title}{states}", "    ", " " * 20)
    for other in one.differs:
        lines += _wrapped(f"{other.id}: {_differs(other)}", " " * 20, " " * 22)
    return lines


def _differs(other: Difference) -> str:
    ours, theirs = (
        text.replace("unknown", "missing").replace("_", " ") for text in (other.status, other.shared_status)
    )
    if not ours:
        return f"nothing of its own (shared text: {theirs})"
    needed = f", {other.needed}" if other.needed != other.shared_needed and other.needed else ""
    same = ours == theirs
    return f"{ours}{needed}" + ("" if same else f" (shared text: {theirs or 'nothing'})")


def _decision(one: Authorization) -> list[str]:
    if one.decision is None:
        return []
    number = f" {one.number}" if one.number else ""
    until = f"; its last day is {in_words(one.valid_until)}" if one.valid_until else ""
    lines = _wrapped(f"{_SIGNS[one.decision]}  the decision{number}: {one.decision_needed}{until}", "  ", " " * 13)
    return lines + [line for name in one.missing for line in _wrapped(name, "             - ", " " * 15)]


def _criterion(one: CriterionResult) -> list[str]:
    found = ", ".join(f"{name} {value}" for name, value in (one.found or {}).items()) or "nothing documented"
    lines = _wrapped(f"{_SIGNS[one.status]}  {one.id}: {one.needed}", "  ", " " * 13)
    lines += _wrapped(f"found: {found}", " " * 13, " " * 13)
    if one.citations:
        lines += _wrapped(f"[{', '.join(one.citations)}] {one.evidence}", " " * 13, " " * 13)
    return lines


def _wrapped(text: str, first: str, rest: str = "    ") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
