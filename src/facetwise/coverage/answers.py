"""What `cover` answers: the determination and its parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from facetwise.coverage.logic import Status

OutcomeWord = Literal["met", "not_met", "undetermined"]


class CriterionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion: its status, what the case shows and what is wanted, on whose word; `missing` where it is unknown."""

    id: str
    statement: str
    status: Status
    found: dict[str, str] | None
    needed: str
    citations: tuple[str, ...]
    evidence: str = ""
    note: str = ""
    missing: tuple[str, ...] = ()


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
    """Whether prior authorization is needed; None when it is not established or depends on the plan.

    `exempt`: the provider is exempt; None when that is not documented. `decision`: whether the decision in the case
    holds on the day; None where none is needed. `valid_until` is its last day, `number` the tracking number.
    """

    required: bool | None
    why: str
    citations: tuple[str, ...]
    exempt: bool | None = None
    decision: Status | None = None
    decision_needed: str = ""
    number: str = ""
    valid_until: str | None = None
    missing: tuple[str, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What one contractor has otherwise than the text that the contractors share; "" where one of them has nothing."""

    id: str
    status: str
    needed: str
    shared_status: str
    shared_needed: str
    citations: tuple[str, ...]


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """The answer by one of the contractors whose rules may hold, and in what it differs from the shared text's."""

    whose: str
    title: str
    states: tuple[str, ...]
    policies: tuple[str, ...]
    outcome: OutcomeWord
    missing: tuple[str, ...]
    differs: tuple[Difference, ...]


class Determination(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `cover`. `alternatives`: where the contractor is not known, the answer by each that may be meant."""

    outcome: OutcomeWord
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
    alternatives: tuple[Alternative, ...] = ()


def outcome_of(criteria: Iterable[CriterionResult]) -> OutcomeWord:
    """Return not met when one is not met, else undetermined when one is unknown or there is none, else met."""
    statuses = {one.status for one in criteria}
    if "not_met" in statuses:
        return "not_met"
    return "undetermined" if "unknown" in statuses or not statuses else "met"
