"""A determination as plain text of 100 columns, what is missing first."""

from __future__ import annotations

import textwrap

from facetwise.coverage.answers import CriterionResult, Determination
from facetwise.coverage.case import Case
from facetwise.knowledge.dating import in_words

_WIDTH = 100
_SIGNS = {"met": "✓ met    ", "not_met": "✕ not met", "unknown": "? missing"}
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
    out += ["", f"policies {', '.join(answer.policies) or 'not established'}; knowledge {answer.knowledge[:19]}"]
    return "\n".join(out)


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
