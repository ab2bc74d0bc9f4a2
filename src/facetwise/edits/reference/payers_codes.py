"""The facet codes as rows, and where each payer stands on a code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from facetwise.coding.verdicts import POSITION_QUESTIONS, REFUSED
from facetwise.edits.reference.scope import ULTRASOUND, FacetCode, Scope, certain, deny_if, rule
from facetwise.edits.reference.spans import Row
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Code, Family, Position
from facetwise.payers import Said

_NEVER = "The record is not to be changed to fit the claim."
_GUIDED = "ultrasound"
_THIRD = "third_and_further"
_IMAGING = "imaging_guidance"
_COVERED = ("covered", "covered_with_criteria")
_NO_PAYMENT = f"Plan no payment for it. {_NEVER}"
_APPEAL = f"Expect a denial; an appeal with documented necessity is the one route that is named. {_NEVER}"
_ASK = f"Ask the payer before the procedure; keep the answer. {_NEVER}"


def code_rows(view: View, codes: dict[str, FacetCode]) -> Iterator[tuple[str, Row]]:
    """Yield the rows that no payer decides: the facet codes, the codes of imaging, facet diagnoses, book 0's rules."""
    for one in codes.values():
        cited = {"citations": " ".join(one.citations)}
        row = {"code": one.code, "kind": one.kind, "region": one.region, "rank": one.rank}
        yield "facet_code", {**row, "units_rule": one.units_rule, "family": one.family, **cited}
        if one.guidance_included:
            said = {"statement": "The code holds its imaging guidance.", "evidence": "", **cited}
            fix = "Take the guidance line off, unless it guided another procedure of the day."
            yield "imaging_rule", {"book": 0, "code": one.code, "payer": "", "severity": "deny", "fix": fix, **said}
    for _, dated in view.of_kind("family"):
        value = dated.value
        if isinstance(value, Family) and _IMAGING in value.technique:
            for rank in value.ranks:
                yield "imaging_code", {"code": rank.code, "citations": " ".join(dated.sources)}
    for row, record in view.rows("diagnoses/facet-diagnoses"):
        if record["billable"] is not False:
            yield "facet_dx", {"dx": str(record["code"]).replace(".", ""), "citations": " ".join(row.sources)}


def positions(scope: Scope) -> Iterator[tuple[str, Row]]:
    """Yield the rows of code_position: refusals, and third-level and ultrasound codes on which none is held."""
    for facet in scope.codes.values():
        row = _ultrasound(scope, facet) if facet.kind == ULTRASOUND else _by_level(scope, facet)
        if row is not None:
            yield "code_position", {"code": facet.code, **row}
    for code, techniques in _other_codes(scope.view).items():
        if code not in scope.codes:
            row = _other(scope, code, techniques)
            if row is not None:
                yield "code_position", {"code": code, **row}


def _named(scope: Scope, code: str, techniques: tuple[str, ...]) -> list[Said]:
    """As coding's positions: the finer question first, the general list of codes where that is silent."""
    said: list[Said] = []
    for question in POSITION_QUESTIONS:
        said = said or [
            one
            for one in scope.said_of(question, techniques)
            if isinstance(one.value, Position) and code in one.value.codes and one.value.when is None
        ]
    return said


def _refusal(scope: Scope, edit: str, said: list[Said], refused: list[Said], *, sure: bool, needs_dx: int = 0) -> Row:
    """A refusal is denied where it is sure and nobody holds against it; how each refuses may differ."""
    agreed = len(refused) == len(said) and any(one.dated.evidence != "inferred" for one in refused)
    fix = _APPEAL if any(one.value.position == "appeal_only" for one in refused) else _NO_PAYMENT
    return {
        "edit": edit,
        "needs_dx": needs_dx,
        "position": " ".join(sorted({one.value.position for one in refused})),
        **rule(scope, refused, severity=deny_if(sure and agreed), fix=fix),
    }


def _by_level(scope: Scope, facet: FacetCode) -> Row | None:
    said = _named(scope, facet.code, facet.techniques)
    refused = [one for one in said if one.value.position in REFUSED]
    third = facet.rank == _THIRD
    if refused:
        edit = "third-level-not-covered" if third else "technique-not-covered"
        return _refusal(scope, edit, said, refused, sure=True)
    if third and not any(one.value.position in _COVERED for one in said):
        lead = f"{scope.name}'s position on a third level is not established. "
        words = rule(scope, said, severity="review", fix=_ASK, lead=lead)
        return {"edit": "fact-not-established", "needs_dx": 0, "position": "not_established", **words}
    return None


def _ultrasound(scope: Scope, facet: FacetCode) -> Row:
    said = [
        one
        for question in ("ultrasound-position", "excluded-techniques")
        for one in scope.said_of(question, facet.techniques, guidance=_GUIDED)
        if isinstance(one.value, Position) and _GUIDED in one.value.applies.guidance
    ]
    said = said or _named(scope, facet.code, facet.techniques)
    refused = [one for one in said if one.value.position in REFUSED and one.value.when is None]
    if refused:
        return _refusal(scope, "ultrasound-guided", said, refused, sure=True)
    lead = "" if said else f"{scope.name}'s position on guidance by ultrasound is not established."
    position = said[0].value.position if said else "not_established"
    words = rule(scope, said, severity="review", fix=_ASK, lead=lead)
    return {"edit": "ultrasound-guided", "needs_dx": 0, "position": position, **words}


def _other_codes(view: View) -> dict[str, tuple[str, ...]]:
    """Return codes beside the facet codes with every technique that they may report."""
    found: dict[str, set[str]] = {}
    for _, dated in view.of_kind("family"):
        if isinstance(dated.value, Family):
            for rank in dated.value.ranks:
                found.setdefault(rank.code, set()).update(dated.value.technique)
    for thing, dated in view.of_kind("code"):
        if isinstance(dated.value, Code):
            found.setdefault(thing.slug, set()).update(dated.value.technique)
    return {code: tuple(sorted(techniques)) for code, techniques in sorted(found.items()) if techniques}


def _other(scope: Scope, code: str, techniques: tuple[str, ...]) -> Row | None:
    """A code that the payer's list refuses, or all of whose techniques the payer excludes."""
    said = [
        one
        for one in scope.said("code-position")
        if isinstance(one.value, Position) and code in one.value.codes and one.value.when is None
    ]
    refused = [one for one in said if one.value.position in REFUSED]
    if refused:
        unbound = [one for one in refused if not one.value.applies.technique]
        return _refusal(
            scope, "technique-not-covered", said, unbound or refused, sure=bool(unbound), needs_dx=int(not unbound)
        )
    excluded: dict[str, Said] = {}
    for one in scope.said("excluded-techniques"):
        value: Any = one.value
        if (
            isinstance(value, Position)
            and value.position in REFUSED
            and value.when is None
            and not value.applies.guidance
        ):
            for technique in value.applies.technique:
                excluded.setdefault(technique, one)
    if not set(techniques) <= set(excluded):
        return None
    by = list({id(excluded[technique]): excluded[technique] for technique in techniques}.values())
    return _refusal(scope, "technique-not-covered", by, by, sure=all(certain(one) for one in by))
