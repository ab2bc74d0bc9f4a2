"""What the payer wants to see: imaging, a supporting diagnosis, a prior authorization."""

from __future__ import annotations

from collections.abc import Iterator

from edits.oracle.claims import FACILITY, Claims, Line
from edits.oracle.finding import Found
from edits.oracle.positions import facet_diagnosis
from edits.oracle.world import World, hard
from facetwise.coverage.logic import Outcome, all_of, any_of, compare, not_of
from facetwise.findings import Severity
from facetwise.knowledge.kinds import Criterion, DiagnosisList, Position, PriorAuthorization
from facetwise.knowledge.parts import Test
from facetwise.payers import Said

_NO_IMAGING = "none"


def image_guidance_missing(world: World, claims: Claims) -> Iterator[Found]:
    """The code that reports a facet procedure without imaging, with a facet diagnosis, at a payer that wants imaging."""
    for line in claims.checked:
        techniques = {
            technique
            for family in world.families(line.day, line.code)
            if _NO_IMAGING in family.guidance
            for technique in family.technique
        }
        if techniques and facet_diagnosis(world, line) and _wants_imaging(world, line, techniques):
            yield line.finding("image-guidance-missing", "review")


def _wants_imaging(world: World, line: Line, techniques: set[str]) -> bool:
    criteria = world.said(line.day, line.book, "imaging-guidance", techniques)
    positions = world.said(line.day, line.book, "excluded-techniques", techniques, guidance=_NO_IMAGING)
    return any(
        isinstance(one.value, Criterion) and one.value.test and _evaluate(one.value.test).status == "not_met"
        for one in criteria
    ) or any(
        isinstance(one.value, Position)
        and _NO_IMAGING in one.value.applies.guidance
        and one.value.position in ("not_covered", "appeal_only")
        for one in positions
    )


def _evaluate(test: Test) -> Outcome:
    """Return whether a criterion is met when all that is known is that there was no imaging."""
    if test.all:
        return all_of(_evaluate(one) for one in test.all)
    if test.any:
        return any_of(_evaluate(one) for one in test.any)
    if test.none:
        return not_of(any_of(_evaluate(one) for one in test.none))
    if test.prior is not None:
        return Outcome("unknown", {}, ("history",))
    return compare(test, _NO_IMAGING if test.asks == "procedure.guidance" else None, None)


def diagnosis_not_supporting(world: World, claims: Claims) -> Iterator[Found]:
    """None of the line's diagnoses is on the payer's list for the code, or only ones with the list's footnote are."""
    for line in claims.checked:
        for one in world.said(line.day, line.book, "diagnosis-list"):
            listed = one.value
            if not isinstance(listed, DiagnosisList) or line.code not in listed.codes:
                continue
            supports = {code.replace(".", "") for code in listed.supports}
            marked = {code.replace(".", "") for code in listed.marked}
            matching = supports & set(line.diagnoses)
            if not line.diagnoses:
                yield line.finding("diagnosis-not-supporting", "review", diagnoses=())
            elif not matching:
                severity: Severity = "deny" if hard([one], lambda value: False) else "review"
                yield line.finding("diagnosis-not-supporting", severity, diagnoses=line.diagnoses)
            elif matching <= marked:
                yield line.finding("diagnosis-not-supporting", "review", diagnoses=line.diagnoses)


def prior_authorization_missing(world: World, claims: Claims) -> Iterator[Found]:
    """The payer wants a decision beforehand and the claim bears no number. On the facility's claim that is a denial.

    A requirement that is bound to a setting is the facility's to meet; the professional's claim bears no number then, and is only told.
    """
    for line in claims.checked:
        if line.authorized:
            continue
        said = _of_authorization(world, line)
        required = [one for one in said if one.value.required == "yes"]
        if required:
            sure = [one for one in required if line.setting or not one.value.applies.setting]
            whole = hard(sure, _is_required) and len(required) == len(said)
            facilitys = all(one.value.applies.setting for one in required)
            severity: Severity = "info" if facilitys else "review"
            if line.claim == FACILITY:
                severity = "deny" if whole else "review"
            yield line.finding("prior-authorization-missing", severity, setting=line.setting)
        elif any(one.value.required == "depends" for one in said):
            yield line.finding("prior-authorization-missing", "info", setting=line.setting)


def _of_authorization(world: World, line: Line) -> list[Said]:
    """Return what the payer says of authorization for this line; a list without codes speaks of facet procedures as such."""
    techniques = world.techniques_of(line.day, line.code)
    return [
        one
        for one in world.said(line.day, line.book, "prior-authorization", techniques, setting=line.setting)
        if isinstance(one.value, PriorAuthorization)
        and (line.code in one.value.codes or (not one.value.codes and line.facet is not None))
    ]


def _is_required(value: PriorAuthorization) -> bool:
    return value.required == "yes"
