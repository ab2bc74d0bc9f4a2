"""What payers want beside the codes, as rows: imaging, sedation, diagnoses and prior authorization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from facetwise.coding.verdicts import REFUSED
from facetwise.coverage.logic import Fact, Outcome, Status, all_of, any_of, compare, not_of
from facetwise.edits.reference.payers_codes import other_codes
from facetwise.edits.reference.scope import (
    ABLATION,
    INJECTION,
    DiagnosisKey,
    Scope,
    certain,
    deny_if,
    hard,
    plain,
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
_NUMBER = "If a decision was given, put its number on the claim. If none was asked for, ask the payer what it takes after the service."
_FACILITYS = (
    "The facility's claim bears the number; see that there is a decision, since this claim is paid only if that one is."
)


def records(scope: Scope) -> Iterator[tuple[str, Row]]:
    """Yield the rows of guidance_rule, diagnosis_rule, sedation_rule and authorization_rule."""
    yield from _guidance(scope)
    yield from _diagnoses(scope)
    yield from _sedation(scope)
    yield from _authorizations(scope)


def _status(scope: Scope, one: Said, facts: dict[str, Fact]) -> Status:
    """Return what a criterion comes to where only these facts of the procedure are known."""
    assert isinstance(one.value, Criterion)
    return "unknown" if one.value.test is None else _outcome(scope, one.value.test, facts).status


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
        for one in scope.said_of("imaging-guidance", techniques)
        if isinstance(one.value, Criterion) and _status(scope, one, {"procedure.guidance": _NO_IMAGING}) == "not_met"
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
                row = {"code": facet.code, "list_id": scope.lists[value.supports, value.marked], "mark": value.mark}
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
    words = scope.view.store.vocabulary.words["sedation"]
    criteria = [one for one in scope.said("sedation") if isinstance(one.value, Criterion)]
    for code, levels in sedation_levels(scope.view).items():
        told = plain(" or ".join(words.get(level, level) for level in levels))
        for kind in (INJECTION, ABLATION):
            row = _judged(scope, [one for one in criteria if kind in scope.kinds(one.value.applies.technique)], levels)
            if row is not None:
                yield "sedation_rule", {"code": code, "kind": kind, "level": told, **row}


def sedation_levels(view: View) -> dict[str, tuple[str, ...]]:
    """Return the levels of sedation that each code may stand for on the view's day."""
    found: dict[str, list[str]] = {}
    if _SEDATION_CODES in view.store.tables:
        for _, record in view.rows(_SEDATION_CODES):
            found.setdefault(str(record["code"]), []).append(record["level"])
    return {code: tuple(levels) for code, levels in found.items()}


def _judged(scope: Scope, criteria: list[Said], levels: tuple[str, ...]) -> Row | None:
    """A criterion is not met only where it is not met at every level that the code may stand for."""
    found: list[tuple[str, bool, Said]] = []
    for one in criteria:
        statuses = {_status(scope, one, {"procedure.sedation": level}) for level in levels}
        if statuses != {"met"}:
            refused = statuses == {"not_met"}
            found.append((deny_if(refused and certain(one)), refused, one))
    if not found:
        return None
    severity, refused, gravest = min(found, key=lambda item: item[0] != "deny")
    fix = "Plan no payment for the sedation." if refused else "Keep what the record says of this patient's need for it."
    return rule(scope, [gravest], severity=severity, fix=f"{fix} {_NEVER}")


def _authorizations(scope: Scope) -> Iterator[tuple[str, Row]]:
    settings = (*scope.view.store.vocabulary.words["setting"], "")
    said = [one for one in scope.said("prior-authorization") if isinstance(one.value, PriorAuthorization)]
    codes = {code: techniques for code, techniques in other_codes(scope.view).items() if code in scope.codes}
    for one in said:
        codes |= {code: other_codes(scope.view).get(code, ()) for code in one.value.codes if code not in codes}
    for code, techniques in sorted(codes.items()):
        for claim in _CLAIMS:
            for setting in settings:
                row = _authorization(scope, code, techniques, claim, setting)
                if row is not None:
                    yield "authorization_rule", {"code": code, "claim": claim, "setting": setting, **row}


def _authorization(scope: Scope, code: str, techniques: tuple[str, ...], claim: str, setting: str) -> Row | None:
    """A denial is sure where all that is said requires it: a setting that the claim does not tell leaves it open."""
    said = [
        one
        for one in scope.said_of("prior-authorization", techniques or ("",), setting=setting)
        if isinstance(one.value, PriorAuthorization)
        and (code in one.value.codes or (code in scope.codes and not one.value.codes))
    ]
    for required in ("yes", "depends"):
        chosen = [one for one in said if one.value.required == required]
        if not chosen:
            continue
        told = [one for one in chosen if setting or not one.value.applies.setting]
        sure = len(chosen) == len(said) and any(hard(one, _requires) for one in told)
        severity = "info" if required == "depends" else deny_if(claim == "facility" and sure)
        fix, bound = _NUMBER, required == "yes" and all(one.value.applies.setting for one in chosen)
        if claim == "professional" and bound:
            # A requirement that is bound to a setting is the facility's to meet; the professional's claim bears no number.
            severity, fix = "info", _FACILITYS
        one = next((one for one in told if hard(one, _requires)), chosen[0])
        lead = "" if setting or not one.value.applies.setting else "The claim does not tell the setting. "
        row = {"reviewer": one.value.reviewer, "bound": int(claim == "professional" and bound)}
        return {**row, **rule(scope, [one], severity=severity, fix=fix, lead=lead)}
    return None


def _requires(value: Any) -> bool:
    return isinstance(value, PriorAuthorization) and value.required == "yes"
