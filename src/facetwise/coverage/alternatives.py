"""One contractor's answer beside that of the shared text: where it cannot be told which contractor's rules hold."""

from __future__ import annotations

import msgspec

from facetwise.coverage.answers import Alternative, CriterionResult, Determination, Difference, outcome_of
from facetwise.coverage.case import Case
from facetwise.coverage.rulebook import CONTRACTOR, CONTRACTOR_NEEDED, CONTRACTOR_STATEMENT, CONTRACTORS_DIFFER, STATE
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Jurisdiction

_Words = tuple[str, str, tuple[str, ...]]
_REQUIRED = {True: "required", False: "not required", None: "not established or depending"}


def by_each(view: View, case: Case, shared: Determination, answers: dict[str, Determination]) -> Determination:
    """Return the shared text's answer with those by each contractor that may be meant.

    What the shared text has as not met stays so only where every contractor has it so; else the state decides, and is missing.
    """
    failed = [{one.id for one in answer.criteria if one.status == "not_met"} for answer in answers.values()]
    criteria = tuple(
        one
        if one.status != "not_met" or (failed and all(one.id in some for some in failed))
        else msgspec.structs.replace(
            one, status="unknown", missing=(STATE,), note="; ".join(filter(None, (CONTRACTORS_DIFFER, one.note)))
        )
        for one in shared.criteria
    )
    criteria += (_contractor(view),)
    why = f"{case.state} has more than one contractor" if case.state else "No state picks the contractor"
    note = f"{why}: judged by what the contractors share, and below by each of them. The state settles it."
    return msgspec.structs.replace(
        shared,
        outcome=outcome_of(criteria),
        criteria=criteria,
        missing=tuple(dict.fromkeys(name for one in criteria for name in one.missing)),
        notes=(note, *shared.notes),
        alternatives=tuple(_alternative(view, who, shared, answer) for who, answer in answers.items()),
    )


def _contractor(view: View) -> CriterionResult:
    sources = tuple(dict.fromkeys(key for _, dated in view.of_kind("jurisdiction") for key in dated.sources))
    return CriterionResult(
        id=CONTRACTOR,
        statement=CONTRACTOR_STATEMENT,
        status="unknown",
        found=None,
        needed=CONTRACTOR_NEEDED,
        citations=sources,
        missing=(STATE,),
    )


def _alternative(view: View, contractor: str, shared: Determination, answer: Determination) -> Alternative:
    """Return the answer by one contractor, with the criteria, codes and authorization that differ from the shared one's."""
    ours, theirs = _words(answer), _words(shared)
    differs = []
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(name, ("", "", ())), theirs.get(name, ("", "", ()))
        if one[:2] != other[:2]:
            differs.append(
                Difference(
                    id=name,
                    status=one[0],
                    needed=one[1],
                    shared_status=other[0],
                    shared_needed=other[1],
                    citations=one[2] or other[2],
                )
            )
    payers = view.payers()
    return Alternative(
        whose=contractor,
        title=payers[contractor].name if contractor in payers else contractor,
        states=_states(view, contractor),
        policies=answer.policies,
        outcome=answer.outcome,
        missing=answer.missing,
        differs=tuple(differs),
    )


def _words(answer: Determination) -> dict[str, _Words]:
    """Return status, words and sources by name; what is said more than once under one name stands together."""
    found: dict[str, _Words] = {}

    def add(name: str, status: str, text: str, citations: tuple[str, ...]) -> None:
        before = found.get(name)
        if before is None:
            found[name] = (status, text, citations)
            return
        texts = text if before[1] == text else f"{before[1]} | {text}"
        statuses = status if before[0] == status else f"{before[0]} | {status}"
        found[name] = (statuses, texts, tuple(dict.fromkeys((*before[2], *citations))))

    for one in answer.criteria:
        add(one.id, one.status, one.needed, one.citations)
    for position in answer.code_positions:
        add(f"code {position.code}", position.position, position.statement, position.citations)
    authorization = answer.prior_authorization
    add("prior-authorization", _REQUIRED[authorization.required], authorization.why, authorization.citations)
    return found


def _states(view: View, contractor: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                state
                for _, dated in view.of_kind("jurisdiction")
                if isinstance(dated.value, Jurisdiction) and dated.value.contractor == contractor
                for state in dated.value.states
            }
        )
    )
