"""What payers want beside the codes, as rows: imaging, sedation, diagnoses and prior authorization."""

from __future__ import annotations

from collections.abc import Iterator

from facetwise.coding.verdicts import REFUSED, names
from facetwise.coverage.logic import Fact, Outcome, Status, all_of, any_of, compare, not_of
from facetwise.edits.reference.scope import (
    ABLATION,
    INJECTION,
    ULTRASOUND,
    DiagnosisKey,
    FacetCode,
    Scope,
    certain,
    deny_if,
    rule,
)
from facetwise.edits.reference.spans import Row, Rows
from facetwise.knowledge import Store, View
from facetwise.knowledge.kinds import Criterion, DiagnosisList, Family, Position, PriorAuthorization
from facetwise.knowledge.parts import Test
from facetwise.payers import Said

_NEVER = "The record is not to be changed to fit the claim."
_NO_IMAGING = "none"
_SEDATION_CODES = "edits/sedation-codes"
_CLAIMS = ("professional", "facility")


def records(scope: Scope) -> Iterator[tuple[str, Row]]:
    """Yield the rows of guidance_rule, diagnosis_rule, sedation_rule and authorization_rule."""
    yield from _guidance(scope)
    yield from _diagnoses(scope)
    yield from _sedation(scope)
    yield from _authorizations(scope)


def _status(scope: Scope, one: Said, technique: str, facts: dict[str, Fact]) -> Status:
    """Return what a criterion comes to where only these facts of the procedure are known."""
    assert isinstance(one.value, Criterion)
    test = one.value.test
    return "unknown" if test is None else _outcome(scope, test, {"procedure.technique": technique, **facts}).status


def _outcome(scope: Scope, test: Test, facts: dict[str, Fact]) -> Outcome:
    """As coverage.evaluate, without patient or history: what turns on earlier procedures is unknown."""
    if test.all:
        return all_of(_outcome(scope, one, facts) for one in test.all)
    if test.any:
        return any_of(_outcome(scope, one, facts) for one in test.any)
    if test.none:
        return not_of(any_of(_outcome(scope, one, facts) for one in test.none))
    if test.asks is None:
        return Outcome("unknown")
    return compare(test, facts.get(test.asks), scope.view.store.vocabulary.asks[test.asks].unit)


def _guidance(scope: Scope) -> Iterator[tuple[str, Row]]:
    fix = f"Ask which imaging was used and where it is recorded, and which code the payer wants. {_NEVER}"
    wants: dict[str, list[Said]] = {}
    for _, dated in scope.view.of_kind("family"):
        value = dated.value
        if not isinstance(value, Family) or _NO_IMAGING not in value.guidance:
            continue
        said = _wants_imaging(scope, value.technique)
        for rank in value.ranks if said else ():
            wants.setdefault(rank.code, []).extend(said)
    for code, said in wants.items():
        unique = list({id(one.dated): one for one in said}.values())
        yield "guidance_rule", {"code": code, **rule(scope, unique[:1], severity="review", fix=fix)}


def _wants_imaging(scope: Scope, techniques: tuple[str, ...]) -> list[Said]:
    criteria = [
        one
        for technique in techniques
        for one in scope.said("imaging-guidance", technique)
        if isinstance(one.value, Criterion)
        and _status(scope, one, technique, {"procedure.guidance": _NO_IMAGING}) == "not_met"
    ]
    return criteria or [
        one
        for one in scope.said_of("excluded-techniques", techniques, guidance=_NO_IMAGING)
        if isinstance(one.value, Position)
        and _NO_IMAGING in one.value.applies.guidance
        and one.value.position in REFUSED
        and one.value.when is None
    ]


def _diagnoses(scope: Scope) -> Iterator[tuple[str, Row]]:
    fix = f"See whether the record holds a diagnosis of the list; report no other than the record's. {_NEVER}"
    for facet in scope.codes.values():
        for one in scope.said("diagnosis-list"):
            value = one.value
            if isinstance(value, DiagnosisList) and (not value.codes or facet.code in value.codes):
                row = {"code": facet.code, "list": scope.lists[value.supports, value.marked], "mark": value.mark}
                yield "diagnosis_rule", {**row, **rule(scope, [one], severity=deny_if(certain(one)), fix=fix)}
                break


def list_numbers(store: Store) -> dict[DiagnosisKey, int]:
    """Return a number for each list of supporting and marked diagnoses that any payer has had."""
    found = {
        (one.value.supports, one.value.marked)
        for thing in store.things.values()
        for dated in thing.history
        for one in (dated.sides or (dated,))
        if isinstance(one.value, DiagnosisList)
    }
    return {key: number for number, key in enumerate(sorted(found), 1)}


def diagnosis_codes(lists: dict[DiagnosisKey, int]) -> Rows:
    """Return the rows of diagnosis_code."""
    return sorted(
        (number, dx.replace(".", ""), int(dx in marked))
        for (supports, marked), number in lists.items()
        for dx in {*supports, *marked}
    )


def _sedation(scope: Scope) -> Iterator[tuple[str, Row]]:
    levels = sedation_levels(scope.view)
    techniques: dict[str, tuple[str, ...]] = {one.kind: one.techniques for one in scope.codes.values()}
    for code, held in levels.items():
        for kind in (INJECTION, ULTRASOUND, ABLATION):
            row = _judged(scope, kind, techniques.get(kind, ()), held)
            if row is not None:
                yield "sedation_rule", {"code": code, "kind": kind, **row}


def sedation_levels(view: View) -> dict[str, tuple[str, ...]]:
    """Return the levels of sedation that each code may stand for on the view's day."""
    found: dict[str, list[str]] = {}
    if _SEDATION_CODES in view.store.tables:
        for _, record in view.rows(_SEDATION_CODES):
            found.setdefault(str(record["code"]), []).append(record["level"])
    return {code: tuple(levels) for code, levels in found.items()}


def _judged(scope: Scope, kind: str, techniques: tuple[str, ...], levels: tuple[str, ...]) -> Row | None:
    """A criterion is not met only where it is not met at every level that the code may stand for."""
    by_technique: list[Status] = []
    bears: dict[int, tuple[Said, Status]] = {}
    for technique in techniques:
        worst: Status = "met"
        for one in scope.said("sedation", technique):
            if not isinstance(one.value, Criterion):
                continue
            found = {_status(scope, one, technique, {"procedure.sedation": level}) for level in levels}
            status: Status = found.pop() if len(found) == 1 else "unknown"
            if status != "met":
                bears[id(one.dated)] = (one, status)
                worst = "not_met" if "not_met" in (status, worst) else "unknown"
        by_technique.append(worst)
    if not bears:
        return None
    refused = [one for one, status in bears.values() if status == "not_met"]
    said = refused or [one for one, _ in bears.values()]
    sure = all(status == "not_met" for status in by_technique) and any(certain(one) for one in refused)
    fix = "Do not report this sedation with the facet procedure unless the record shows what the payer asks for."
    words = scope.view.store.vocabulary.words["sedation"]
    level = " or ".join(words.get(one, one) for one in levels)
    return {"level": level, **rule(scope, said[:1], severity=deny_if(sure), fix=f"{fix} {_NEVER}")}


def _authorizations(scope: Scope) -> Iterator[tuple[str, Row]]:
    settings = tuple(scope.view.store.vocabulary.words["setting"])
    for facet in scope.codes.values():
        for claim in _CLAIMS:
            rows = {setting: _authorization(scope, facet, claim, setting) for setting in settings}
            rows[""] = _unsettled([rows[setting] for setting in settings])
            for setting, row in rows.items():
                if row is not None:
                    yield "authorization_rule", {"code": facet.code, "claim": claim, "setting": setting, **row}


def _authorization(scope: Scope, facet: FacetCode, claim: str, setting: str) -> Row | None:
    said = [
        one
        for one in scope.said_of(
            "prior-authorization", facet.techniques, setting=setting, claim=claim, codes=facet.code
        )
        if isinstance(one.value, PriorAuthorization) and names(one.value, facet.code)
    ]
    for required in ("yes", "depends"):
        chosen = [one for one in said if one.value.required == required]
        if not chosen:
            continue
        one = next((one for one in chosen if certain(one)), chosen[0])
        severity = deny_if(claim == "facility" and certain(one)) if required == "yes" else "info"
        fix = (
            "Put the decision's number on the claim. Where there is none, the service was to be decided on beforehand."
        )
        return {"reviewer": one.value.reviewer, **rule(scope, [one], severity=severity, fix=fix)}
    return None


def _unsettled(rows: list[Row | None]) -> Row | None:
    """The row for a setting that the claim does not tell: as in every setting, else a person must look."""
    held = [row for row in rows if row is not None]
    if not held:
        return None
    asked = [row for row in held if row["severity"] != "info"]
    if len(held) == len(rows) and (len(asked) == len(rows) or not asked):
        return held[0]
    if asked:
        lead = "The claim does not tell the setting. "
        return {**asked[0], "severity": "review", "statement": lead + asked[0]["statement"]}
    return held[0]
