"""The facet codes as rows, and where each payer stands on a code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from facetwise.coding.verdicts import POSITION_QUESTIONS, REFUSED
from facetwise.edits.reference.scope import FacetCode, Scope, deny_if, hard, rule
from facetwise.edits.reference.spans import Row
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Family, Position
from facetwise.payers import Said

_NEVER = "The record is not to be changed to fit the claim."
_GUIDED = "ultrasound"
_THIRD = "third_and_further"
_IMAGING = "edits/imaging-codes"
_COVERED = ("covered", "covered_with_criteria")
_NO_PAYMENT = f"Expect a denial; plan no payment for it. {_NEVER}"
_APPEAL = f"Expect a denial; an appeal with documented necessity is the one route that is named. {_NEVER}"
_WHICH = f"See in the record which technique the code stands for; plan no payment for an excluded one. {_NEVER}"
_ASK = f"Ask the payer, and keep its answer with the record. {_NEVER}"


def code_rows(view: View, codes: dict[str, FacetCode]) -> Iterator[tuple[str, Row]]:
    """Yield the rows that no payer decides: the facet codes, the codes of imaging, facet diagnoses, book 0's rules."""
    for one in codes.values():
        cited = {"citations": " ".join(one.citations)}
        place = {"code": one.code, "kind": one.kind, "region": one.region, "rank": one.rank}
        yield "facet_code", {**place, "units_rule": one.units_rule, "family": one.family, **cited}
        for guidance in one.guidance_included:
            said = {"statement": "The code holds its imaging guidance.", "evidence": "", **cited}
            fix = "Take the guidance line off, unless it guided another procedure of the day."
            key = {"book": 0, "code": one.code, "guidance": guidance}
            yield "imaging_rule", {**key, "payer": "", "severity": "deny", "fix": fix, **said}
    for row, record in view.rows(_IMAGING) if _IMAGING in view.store.tables else ():
        yield (
            "imaging_code",
            {"code": record["code"], "guidance": record["guidance"], "citations": " ".join(row.sources)},
        )
    for row, record in view.rows("diagnoses/facet-diagnoses"):
        if record["billable"] is not False:
            yield "facet_dx", {"dx": str(record["code"]).replace(".", ""), "citations": " ".join(row.sources)}


def positions(scope: Scope) -> Iterator[tuple[str, Row]]:
    """Yield the rows of code_position: refusals, and third-level and ultrasound codes on which none is held."""
    for facet in scope.codes.values():
        row = _ultrasound(scope, facet) if facet.guidance == (_GUIDED,) else _by_level(scope, facet)
        if row is not None:
            yield "code_position", {"code": facet.code, **row}
    for code, techniques in other_codes(scope.view).items():
        if code not in scope.codes:
            row = _other(scope, code, techniques)
            if row is not None:
                yield "code_position", {"code": code, **row}


def _named(
    scope: Scope, code: str, techniques: tuple[str, ...], questions: tuple[str, ...] = POSITION_QUESTIONS
) -> list[Said]:
    """As coding's positions: the finer question first, the general list of codes where that is silent."""
    said: list[Said] = []
    for question in questions:
        said = said or [
            one
            for one in scope.said_of(question, techniques)
            if isinstance(one.value, Position) and code in one.value.codes and one.value.when is None
        ]
    return said


def _refusal(scope: Scope, edit: str, refused: list[Said], *, needs_dx: int = 0) -> Row:
    """A refusal is denied where one is neither inferred nor in dispute; how each refuses may differ (see `hard`)."""
    fix = _APPEAL if any(one.value.position == "appeal_only" for one in refused) else _NO_PAYMENT
    fix = _WHICH if needs_dx else fix
    severity = deny_if(not needs_dx and any(hard(one, _refuses) for one in refused))
    return {
        "edit": edit,
        "needs_dx": needs_dx,
        "position": " ".join(sorted({one.value.position for one in refused})),
        **rule(scope, refused, severity=severity, fix=fix),
    }


def _refuses(value: Any) -> bool:
    return isinstance(value, Position) and value.position in REFUSED


def _by_level(scope: Scope, facet: FacetCode) -> Row | None:
    said = _named(scope, facet.code, facet.techniques)
    refused = [one for one in said if _refuses(one.value)]
    third = facet.rank == _THIRD
    if refused:
        edit = "third-level-not-covered" if third else "technique-not-covered"
        return _refusal(scope, edit, refused)
    if third and not any(one.value.position in _COVERED for one in said):
        lead = f"{scope.name}'s position on a third level is not established. "
        words = rule(scope, said, severity="review", fix=_ASK, lead=lead)
        return {"edit": "fact-not-established", "needs_dx": 0, "position": "not_established", **words}
    return None


def _ultrasound(scope: Scope, facet: FacetCode) -> Row | None:
    said = [
        one
        for one in scope.said_of("ultrasound-position", facet.techniques, guidance=_GUIDED)
        if isinstance(one.value, Position) and _GUIDED in one.value.applies.guidance and one.value.when is None
    ]
    said += _named(scope, facet.code, facet.techniques, ("code-position",))
    refused = [one for one in said if _refuses(one.value)]
    if refused:
        return _refusal(scope, "ultrasound-guided", refused)
    if any(one.value.position in _COVERED for one in said):
        return None
    lead = f"{scope.name}'s position on guidance by ultrasound is not established. "
    words = rule(scope, said, severity="review", fix=_ASK, lead=lead)
    return {"edit": "ultrasound-guided", "needs_dx": 0, "position": "not_established", **words}


def other_codes(view: View) -> dict[str, tuple[str, ...]]:
    """Return every code that a family reports with, and every technique that it may stand for."""
    found: dict[str, set[str]] = {}
    for _, dated in view.of_kind("family"):
        if isinstance(dated.value, Family):
            for rank in dated.value.ranks:
                found.setdefault(rank.code, set()).update(dated.value.technique)
    return {code: tuple(sorted(techniques)) for code, techniques in sorted(found.items())}


def _other(scope: Scope, code: str, techniques: tuple[str, ...]) -> Row | None:
    """A code that the payer's list refuses, or all of whose techniques the payer excludes."""
    edit = "technique-not-covered"
    excluded: dict[str, list[Said]] = {}
    for one in scope.said("excluded-techniques"):
        value: Any = one.value
        if (
            isinstance(value, Position)
            and value.position in REFUSED
            and value.when is None
            and not value.applies.guidance
        ):
            for technique in value.applies.technique:
                excluded.setdefault(technique, []).append(one)
    if set(techniques) <= set(excluded):
        by = {id(one.dated): one for technique in techniques for one in excluded[technique]}
        return _refusal(scope, edit, list(by.values()))
    refused = [one for one in _named(scope, code, techniques, ("code-position",)) if one.value.position in REFUSED]
    whole = [one for one in refused if not one.value.applies.technique]
    if whole or refused:
        return _refusal(scope, edit, whole or refused, needs_dx=int(not whole))
    return None
