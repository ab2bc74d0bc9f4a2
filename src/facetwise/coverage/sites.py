"""Where a case and its earlier procedures lie: regions, levels and sides, each yes, no, or not told.

Two neighbouring joints on either side of a region's border are one region or two as the payer's rule of that day says
(question junction-pair). Where the rule is silent or its sources disagree, every reading is kept, and what differs
between them is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from facetwise.coverage.case import Case, Event
from facetwise.coverage.logic import Outcome, all_of, any_of, plain
from facetwise.coverage.regions import areas_of, joints_of, pairs
from facetwise.coverage.rulebook import PAIR_QUESTION
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Billing
from facetwise.payers import Rules, Said
from facetwise.problems import FacetwiseError

_HISTORY = "history"
Reading = dict[str, int]


@dataclass(frozen=True, slots=True)
class Pair:
    """Neighbouring joints of two regions, both treated: the payer's rule for them, and whether it says how they count."""

    joints: tuple[str, ...]
    rule: Said | None
    settled: bool

    @property
    def value(self) -> Billing | None:
        """What the rule says; None where the payer says nothing."""
        return self.rule.value if self.rule is not None else None


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier procedure beside the case.

    `near`: in the same region, or at a joint of this one. `counted`: its session counts in the region of this one.
    `level` supposes what `Sites.supposed` says, `named` only what both name. `kin`: one of this kind, at this place.
    """

    event: Event
    near: Outcome
    counted: Outcome
    level: Outcome
    named: Outcome
    side: Outcome
    kin: Outcome

    def at(self, what: str, *, supposing: bool = True) -> Outcome:
        """Whether it lay at the same region, level, side or site (level and side) as this one."""
        if what == "region" or self.near.status != "met":
            return self.near
        level = self.level if supposing else self.named
        if what in ("level", "joint"):
            return level
        if what == "site":
            return all_of((level, self.side))
        return self.side if what == "side" else plain(True)


@dataclass(frozen=True, slots=True)
class Sites:
    """The region of the case (`area`) and those by each reading, its pair, and its earlier procedures.

    A reading holds the number of levels by region; `regions` are the names by which rules may mean them. `supposed` are the joints of every earlier procedure in the region,
    where all name the same and the case names none and has no more levels.
    """

    area: str
    readings: tuple[Reading, ...]
    regions: frozenset[str]
    pair: Pair | None
    earlier: tuple[Earlier, ...]
    supposed: tuple[str, ...]
    unsettled: str


def _regions(
    view: View, areas: dict[str, str], case: Case, readings: tuple[Reading, ...], pair: Pair | None
) -> Iterator[str]:
    """Yield the names by which a rule may mean the region of the case; of a pair, also the parts it lies in."""
    yield case.region
    for reading in readings:
        yield from reading
    if pair is not None:
        for joint in pair.joints:
            if any(areas[joint] in reading for reading in readings):
                yield str(joints_of(view)[joint]["part"])


def sites(knowledge: Knowledge, view: View, asked: Rules, case: Case) -> Sites:
    """Return where the case and its earlier procedures lie by the rules of its payer."""
    areas = areas_of(view)
    known = pairs(view)
    title = view.store.questions[PAIR_QUESTION].title if PAIR_QUESTION in view.store.questions else "the pair"
    unsettled = f"the payer's rule: {title}"
    pair = _pair(asked, case.technique, case.joints, known)
    readings = _readings(areas, pair, case.joints, case.region)
    found = []
    for event in case.history or ():
        over = any(set(one) <= set(event.joints) for one in known)
        other = _pair(_asked_then(knowledge, asked, event), event.technique, event.joints, known) if over else None
        found.append((event, _readings(areas, other, event.joints, event.region)))
    spots = [(event, _near(case, readings, event, theirs, unsettled), theirs) for event, theirs in found]
    supposed = _supposed(view, case, [event for event, near, _ in spots if near.status != "not_met"])
    earlier = tuple(
        _earlier(view, case, event, near, _counted(readings, theirs, unsettled), supposed)
        for event, near, theirs in spots
    )
    regions = frozenset(_regions(view, areas, case, readings, pair))
    return Sites(areas.get(case.region, case.region), readings, regions, pair, earlier, supposed, unsettled)


def _asked_then(knowledge: Knowledge, asked: Rules, event: Event) -> Rules | None:
    """Return the payer's rules on the day of an earlier procedure, which say how its pair counts."""
    try:
        view = knowledge.as_of(event.day)
    except FacetwiseError:
        return None  # before the knowledge begins nothing is known of the rule
    return replace(asked, view=view) if {asked.whose, asked.local or asked.whose} <= set(view.payers()) else None


def _pair(
    asked: Rules | None, technique: str, joints: tuple[str, ...], known: frozenset[tuple[str, ...]]
) -> Pair | None:
    both = next((one for one in sorted(known) if set(one) <= set(joints)), None)
    if both is None:
        return None
    said = [
        one
        for one in (asked.said(PAIR_QUESTION, technique) if asked is not None else ())
        if isinstance(one.value, Billing) and one.value.joints == both
    ]
    rule = said[0] if said else None
    return Pair(both, rule, rule is not None and not rule.conflicting and rule.value.regions is not None)


def _readings(areas: dict[str, str], pair: Pair | None, joints: tuple[str, ...], region: str) -> tuple[Reading, ...]:
    if pair is None:
        return ({areas.get(region, region): len(joints)},)
    rest = [areas[joint] for joint in joints if joint not in pair.joints]
    own = [areas[joint] for joint in pair.joints]
    value = pair.value
    if pair.settled and value is not None and value.regions == 1:
        return (_tally([*rest, *[value.region or own[-1]] * len(own)]),)
    if pair.settled:
        return (_tally([*rest, *own]),)
    return (_tally([*rest, *own]), *(_tally([*rest, *[area] * len(own)]) for area in dict.fromkeys(own)))


def _tally(areas: Iterable[str]) -> Reading:
    found: Reading = {}
    for area in areas:
        found[area] = found.get(area, 0) + 1
    return found


def _near(
    case: Case, readings: tuple[Reading, ...], event: Event, theirs: tuple[Reading, ...], unsettled: str
) -> Outcome:
    if set(case.joints) & set(event.joints):
        return Outcome("met")
    return _agreed((bool(set(ours) & set(other)) for ours, other in product(readings, theirs)), unsettled)


def _counted(readings: tuple[Reading, ...], theirs: tuple[Reading, ...], unsettled: str) -> Outcome:
    """Whether a session counts in every region of this one, in none, or that depends on the region or the reading."""
    return _agreed((area in other for ours, other in product(readings, theirs) for area in ours), unsettled)


def _agreed(held: Iterable[bool], unsettled: str) -> Outcome:
    said = set(held)
    return plain(said == {True}) if len(said) == 1 else Outcome("unknown", {}, (unsettled,))


def _supposed(view: View, case: Case, near: list[Event]) -> tuple[str, ...]:
    levels = case.facts.get("procedure.levels")
    injections = view.store.vocabulary.words.get("injection_technique", {})
    if case.joints or not isinstance(levels, Decimal) or not near:
        return ()
    if case.technique in injections and any(event.technique not in injections for event in near):
        return ()  # an injection need not lie where an ablation was
    common = set(near[0].joints)
    alike = all(set(event.joints) == common for event in near)
    return near[0].joints if alike and 0 < levels <= len(common) else ()


def _earlier(
    view: View, case: Case, event: Event, near: Outcome, counted: Outcome, supposed: tuple[str, ...]
) -> Earlier:
    named = _level(case, event)
    level = plain(True) if supposed and near.status != "not_met" else named
    side = _side(case, event)
    alike = all_of((near, _alike(view, case, event)))
    # A second diagnostic block is one of the region; a treatment is repeated where it was done before.
    kin = alike if _diagnostic(view, case) else all_of((alike, level, side))
    return Earlier(event, near, counted, level, named, side, kin)


def _diagnostic(view: View, case: Case) -> bool:
    """Whether the case is, or may be, a diagnostic injection."""
    return case.purpose != "therapeutic" and case.technique in view.store.vocabulary.words.get(
        "injection_technique", {}
    )


def _alike(view: View, case: Case, event: Event) -> Outcome:
    """Whether an earlier procedure is one of this kind; among injections that turns on the purpose of both."""
    injections = set(view.store.vocabulary.words.get("injection_technique", {}))
    if not {event.technique, case.technique} <= injections:
        return plain(event.technique == case.technique)
    if not case.purpose or not event.purpose:
        return Outcome("unknown", {}, ("procedure.purpose" if not case.purpose else f"{_HISTORY}.purpose",))
    return plain(case.purpose == event.purpose)


def _level(case: Case, event: Event) -> Outcome:
    if case.joints and event.joints:
        return plain(bool(set(case.joints) & set(event.joints)))
    return Outcome("unknown", {}, ("procedure.joints" if not case.joints else f"{_HISTORY}.joints",))


def _side(case: Case, event: Event) -> Outcome:
    if not case.sides or not event.sides:
        return Outcome("unknown", {}, ("procedure.sides" if not case.sides else f"{_HISTORY}.sides",))
    return plain("bilateral" in (event.sides, case.sides) or event.sides == case.sides)


def ablated(earlier: Iterable[Earlier], ablations: Iterable[str], fact: str) -> tuple[Outcome, list[Earlier]]:
    """Return whether an ablation at this level succeeded (`fact` of each), and the ablations that may lie at it."""
    here = [
        one for one in earlier if one.event.technique in ablations and all_of((one.near, one.level)).status != "not_met"
    ]
    return any_of(all_of((one.near, one.level, _succeeded(one.event, fact))) for one in here), here


def _succeeded(event: Event, fact: str) -> Outcome:
    stated = event.facts.get(fact)
    return Outcome("unknown", {}, (fact,)) if stated is None else plain(stated is True)
