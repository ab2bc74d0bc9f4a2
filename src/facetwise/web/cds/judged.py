"""What is ordered for one session, judged: as a case, by each reading that the orders leave open, and as claim lines."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from facetwise.coverage.answers import CriterionResult, Determination, LimitResult, outcome_of
from facetwise.coverage.case import Case, Event
from facetwise.coverage.labels import Bearing, bearing_of, bearings
from facetwise.edits.one_claim import Checker
from facetwise.edits.result import ClaimFinding
from facetwise.knowledge.parts import Test
from facetwise.web.cds.orders import Earlier, Insurer, Order
from facetwise.web.desk import Desk

# What a claim of the orders would meet that the orders themselves settle. The other edits look at modifiers and units,
# which an order does not carry, or say what the determination says.
ORDER_EDITS = frozenset(("code-not-effective", "add-on-without-primary", "diagnosis-not-supporting"))
TECHNIQUE, HISTORY = "procedure.technique", "history"
_RANKS = {"first": 1, "second": 2, "third_and_further": 3}
_MOST_READINGS = 4
_DIAGNOSES = 25


@dataclass(frozen=True, slots=True)
class Session:
    """The orders of one day, region and kind of procedure, with whom they are judged by."""

    orders: tuple[Order, ...]
    day: date
    state: str
    setting: str
    codes: tuple[str, ...]
    levels: int
    techniques: tuple[str, ...]
    region: str
    history: tuple[Earlier, ...]

    def cases(self, payer: str) -> list[Case]:
        """Return a case for each technique that may be meant; earlier procedures are read by the same one."""
        return [self._case(payer, technique) for technique in self.techniques[:_MOST_READINGS]]

    def _case(self, payer: str, technique: str) -> Case:
        said = [one.said for one in self.orders]
        joints = tuple(dict.fromkeys(joint for one in said for joint in one.joints))
        facts: dict[str, Decimal | str] = {"procedure.levels": Decimal(self.levels)} if self.levels else {}
        guidance = {one.guidance for one in said} - {""}
        if len(guidance) == 1:
            facts["procedure.guidance"] = guidance.pop()
        purposes = {one.purpose for one in said} - {""}
        sides = {one.sides for one in said} - {""}
        return Case(
            payer=payer,
            day=self.day,
            technique=technique,
            region=self.region,
            state=self.state,
            setting=self.setting,
            purpose=purposes.pop() if len(purposes) == 1 else "",
            sides=sides.pop() if len(sides) == 1 else "bilateral" if sides else "",
            # Joints that do not fit the number of levels are not what the codes say.
            joints=joints if len(joints) == self.levels else (),
            codes=self.codes,
            facts=dict(facts),
            history=self._events(technique) or None,
        )

    def _events(self, technique: str) -> tuple[Event, ...]:
        """Return what was done before, one event a day, region and kind. That none is sent does not say that there was none."""
        made: dict[tuple[date, str, str, str], set[str]] = {}
        for one in self.history:
            possible = one.said.techniques
            kind = technique if technique in possible else possible[0]
            joints = made.setdefault((one.day, one.said.region, kind, one.said.purpose), set())
            joints.update(one.said.joints)
        return tuple(
            Event(day=day, technique=kind, region=region, purpose=purpose, joints=tuple(sorted(joints)))
            for (day, region, kind, purpose), joints in sorted(made.items(), key=lambda item: item[0])
        )


def sessions(ordered: Iterable[Order], history: Sequence[Earlier], desk: Desk) -> list[Session]:
    """Return the orders by session: those of one day, place, region and kind together."""
    groups: dict[tuple[date, str, str, str, frozenset[str]], list[Order]] = {}
    for one in ordered:
        day = one.day or desk.today()
        key = (day, one.state, one.setting, one.said.region, frozenset(one.said.possible))
        groups.setdefault(key, []).append(one)
    found = []
    for (day, state, setting, region, _), held in groups.items():
        found.append(
            Session(
                orders=tuple(held),
                day=day,
                state=state,
                setting=setting,
                codes=tuple(dict.fromkeys(sorted(one.said.code for one in held if one.said.code))),
                levels=_levels(held, desk, day),
                techniques=_meant(held),
                region=region,
                history=tuple(one for one in history if one.day < day),
            )
        )
    return found


def _meant(held: Sequence[Order]) -> tuple[str, ...]:
    """Return the techniques that all orders of a session may mean; where they contradict each other, all that may be."""
    possible = held[0].said.possible
    shared = tuple(one for one in possible if all(one in order.said.techniques for order in held))
    return shared or possible


def _levels(held: Sequence[Order], desk: Desk, day: date) -> int:
    """Return how many levels the codes stand for, else how many joints are named; 0 where neither says."""
    horizon = desk.knowledge.store.horizon
    if not horizon.from_ <= day <= horizon.until:
        return 0
    view = desk.knowledge.as_of(day)
    ranks = {thing.slug: getattr(dated.value, "rank", "") for thing, dated in view.of_kind("code")}
    most = 0
    for one in held:
        rank = ranks.get(one.said.code, "")
        most = max(most, 1 + (one.units or 1) if rank == "each_further" else _RANKS.get(rank, 0))
    joints = {joint for one in held for joint in one.said.joints}
    return most or len(joints)


def judge(session: Session, payer: str, desk: Desk) -> tuple[list[Case], Determination]:
    """Return the cases that the session may be, and one answer that holds for all of them."""
    cases = session.cases(payer)
    view = desk.knowledge.as_of(session.day)
    answers = [as_far_as_sent(desk.cover(case), bearings(view, case)) for case in cases]
    return cases, answers[0] if len(answers) == 1 else together(answers)


def as_far_as_sent(answer: Determination, known: dict[str, Bearing]) -> Determination:
    """Return the answer with what fails only for want of earlier procedures as unknown: they may have been done elsewhere.

    A limit that is used up, or an interval that is too short, stays so however many more there were.
    """
    criteria = tuple(
        msgspec.structs.replace(one, status="unknown", missing=(HISTORY, *one.missing))
        if one.status == "not_met" and _wants_more(bearing_of(known, one.id, one.statement).test)
        else one
        for one in answer.criteria
    )
    missing = tuple(dict.fromkeys(name for one in criteria for name in one.missing))
    return msgspec.structs.replace(answer, outcome=outcome_of(criteria), criteria=criteria, missing=missing)


def _wants_more(test: Test | None) -> bool:
    """Whether a test asks that something was done before."""
    if test is None:
        return False
    if test.prior is not None and (test.count is None or (test.count.at_most is None and test.count.less_than is None)):
        return True
    return any(_wants_more(one) for one in (*test.all, *test.any))


def together(answers: Sequence[Determination]) -> Determination:
    """Return what several readings say together: what they say alike stands, what they differ in is unknown."""
    first = answers[0]
    criteria: dict[tuple[str, str], list[CriterionResult]] = {}
    limits: dict[tuple[str, str], list[LimitResult]] = {}
    for answer in answers:
        for one in answer.criteria:
            criteria.setdefault((one.id, one.statement), []).append(one)
        for limit in answer.limits:
            limits.setdefault((limit.id, limit.statement), []).append(limit)
    merged = tuple(_alike(some, len(answers)) for some in criteria.values())
    positions = {(one.code, one.position, one.citations): one for answer in answers for one in answer.code_positions}
    return msgspec.structs.replace(
        first,
        outcome=outcome_of(merged),
        criteria=merged,
        missing=tuple(dict.fromkeys(name for one in merged for name in one.missing)),
        limits=tuple(max(some, key=lambda one: one.used) for some in limits.values()),
        code_positions=tuple(positions.values()),
        prior_authorization=_authorization(answers),
        policies=tuple(dict.fromkeys(slug for answer in answers for slug in answer.policies)),
        notes=tuple(dict.fromkeys(note for answer in answers for note in answer.notes)),
        alternatives=first.alternatives,
    )


def _alike(some: Sequence[CriterionResult], readings: int) -> CriterionResult:
    statuses = {one.status for one in some}
    if len(statuses) == 1 and (len(some) == readings or some[0].status != "not_met"):
        return some[0]
    unclear = next((one for one in some if one.status == "unknown"), some[0])
    missing = tuple(dict.fromkeys((TECHNIQUE, *unclear.missing)))
    return msgspec.structs.replace(unclear, status="unknown", missing=missing)


def _authorization(answers: Sequence[Determination]) -> object:
    found = [answer.prior_authorization for answer in answers]
    if len({one.required for one in found}) == 1:
        return found[0]
    why = "It depends on the technique: " + " ".join(dict.fromkeys(one.why for one in found))
    citations = tuple(dict.fromkeys(key for one in found for key in one.citations))
    return msgspec.structs.replace(found[0], required=None, why=why, citations=citations)


class Lines:
    """Judges the orders as the claim lines that they would be, with one checker that is made when it is first needed."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._lock = threading.Lock()
        self._checker: Checker | None = None

    def findings(self, session: Session, insurer: Insurer) -> list[ClaimFinding]:
        """Return what ORDER_EDITS find, each once."""
        rows = [
            {
                "claim_id": "order",
                "claim_line_number": number,
                "claim_type": "professional",
                "payer": insurer.payer,
                "state": one.state or None,
                "place_of_service_code": one.place or None,
                "claim_line_start_date": session.day,
                "hcpcs_code": one.said.code,
                "service_unit_quantity": one.units or 1,
                **{f"diagnosis_code_{place}": code for place, code in enumerate(one.diagnoses[:_DIAGNOSES], 1)},
            }
            for number, one in enumerate(session.orders, 1)
            if one.said.code
        ]
        if not rows:
            return []
        with self._lock:
            if self._checker is None:
                self._checker = Checker(self._desk.knowledge)
            found = self._checker.check(rows)
        diagnosed = any(one.diagnoses for one in session.orders)
        kept = [
            one for one in found if one.edit in ORDER_EDITS and (diagnosed or one.edit != "diagnosis-not-supporting")
        ]
        return list({(one.edit, one.message): one for one in kept}.values())
