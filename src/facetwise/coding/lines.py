"""From counted joints to lines: which level is first, which sides share a line, which modifiers the payer wants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from facetwise.coding.anatomy import LEFT, RIGHT, Spine
from facetwise.knowledge import Dated
from facetwise.knowledge.kinds import Family
from facetwise.knowledge.parts import Rank
from facetwise.payers import Said

_SIDE_MODIFIER = {LEFT: "LT", RIGHT: "RT"}
_BOTH = frozenset((LEFT, RIGHT))
_WORDS = {
    "first": "first level",
    "second": "second level",
    "third_and_further": "third and any further level",
    "each_further": "further level",
    "any": "the whole procedure",
}


@dataclass(frozen=True, slots=True)
class Work:
    """The joints that one series of codes reports: each with its sides, and on each what was done, and why.

    `purposes` maps a joint and side to (technique, purpose) pairs; the purpose is "" where none is documented.
    """

    family: Family
    dated: Dated
    joints: dict[str, frozenset[str]]
    purposes: dict[tuple[str, str], frozenset[tuple[str, str]]] = field(default_factory=dict)
    techniques: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Slot:
    """One code for some joints of one side or both, before the payer's layout."""

    code: str
    level: str
    joints: tuple[str, ...]
    sides: frozenset[str]
    units: int
    work: Work
    why: str = ""
    citations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def purposes(self, technique: str) -> frozenset[str]:
        """Return the purposes of a technique on these joints and sides; "" where none is documented."""
        return frozenset(
            purpose
            for joint in self.joints
            for side in self.sides & self.work.joints.get(joint, frozenset())
            for how, purpose in self.work.purposes.get((joint, side), ())
            if how == technique
        )

    def joints_on(self, side: str) -> tuple[str, ...]:
        """The joints of the slot that were treated on one side."""
        return tuple(joint for joint in self.joints if side in self.work.joints[joint])


@dataclass(frozen=True, slots=True)
class Line:
    """A claim line and the slot that it comes from."""

    code: str
    modifiers: tuple[str, ...]
    units: int
    joints: tuple[str, ...]
    why: str
    citations: tuple[str, ...]
    slot: Slot


def in_rank_order(spine: Spine, joints: dict[str, frozenset[str]]) -> list[str]:
    """Return joints in the order in which levels are counted: those treated on both sides first, then from the top.

    Which level is called the first is the coder's choice; a joint treated on both sides comes first so that the
    primary code carries both sides and no add-on has a side that its primary lacks.
    """
    return sorted(joints, key=lambda name: (joints[name] != _BOTH, spine.joints[name].order))


def slots(spine: Spine, work: Work, start: int = 0) -> list[Slot]:
    """Return the codes for the joints of one series; `start` levels were counted before (see the junction pair)."""
    ranks = {rank.level: rank for rank in work.family.ranks}
    if "any" in ranks:
        return [_whole(ranks["any"], spine, work)]
    found: list[Slot] = []
    rest: list[str] = []
    for number, joint in enumerate(in_rank_order(spine, work.joints), start=start):
        rank = ranks["first"] if number == 0 else ranks.get("second") if number == 1 else None
        if rank is not None:
            found.append(_slot(rank, (joint,), work.joints[joint], 1, work))
        else:
            rest.append(joint)
    if "third_and_further" in ranks and rest:
        sides = frozenset(side for joint in rest for side in work.joints[joint])
        found.append(_slot(ranks["third_and_further"], tuple(_down(spine, rest)), sides, 1, work))
    elif rest:
        found.extend(_further(spine, ranks["each_further"], rest, work))
    return found


def _further(spine: Spine, rank: Rank, rest: list[str], work: Work) -> list[Slot]:
    """Each joint on both sides is a line of its own; joints of one side only share a line, one unit a joint."""
    both = [joint for joint in _down(spine, rest) if work.joints[joint] == _BOTH]
    found = [_slot(rank, (joint,), _BOTH, 1, work) for joint in both]
    for side in (RIGHT, LEFT):
        single = tuple(joint for joint in _down(spine, rest) if work.joints[joint] == frozenset((side,)))
        if single:
            found.append(_slot(rank, single, frozenset((side,)), len(single), work))
    return found


def _down(spine: Spine, joints: Iterable[str]) -> list[str]:
    return sorted(joints, key=lambda name: spine.joints[name].order)


def _slot(rank: Rank, joints: tuple[str, ...], sides: frozenset[str], units: int, work: Work) -> Slot:
    return Slot(rank.code, rank.level, joints, sides, units, work, citations=work.dated.sources)


def _whole(rank: Rank, spine: Spine, work: Work) -> Slot:
    sides = frozenset(side for one in work.joints.values() for side in one)
    return Slot(rank.code, rank.level, tuple(_down(spine, work.joints)), sides, 1, work, citations=work.dated.sources)


def lay_out(slot: Slot, layout: str, bilateral: Said | None, extra: tuple[tuple[str, Said], ...]) -> list[Line]:
    """Return the claim lines of a slot in the payer's layout; `extra` are further modifiers with who wants them."""
    modifiers = tuple(modifier for modifier, _ in extra)
    why = _why(slot, extra)
    citations = [*slot.citations, *(key for _, said in extra for key in said.citations)]
    if slot.level == "any":
        return [Line(slot.code, modifiers, slot.units, slot.joints, why, _once(citations), slot)]
    if slot.sides != _BOTH:
        (side,) = slot.sides
        return [
            Line(slot.code, (_SIDE_MODIFIER[side], *modifiers), slot.units, slot.joints, why, _once(citations), slot)
        ]
    if bilateral is not None:
        citations += bilateral.citations
        why += f" Both sides: {bilateral.value.cell}{_standing(bilateral)}."
    if layout == "rt_lt_two_lines":
        return [
            Line(
                slot.code,
                (_SIDE_MODIFIER[side], *modifiers),
                slot.units,
                slot.joints_on(side),
                why,
                _once(citations),
                slot,
            )
            for side in (RIGHT, LEFT)
        ]
    if layout == "one_line_two_units":
        return [Line(slot.code, modifiers, 2 * slot.units, slot.joints, why, _once(citations), slot)]
    return [Line(slot.code, ("50", *modifiers), slot.units, slot.joints, why, _once(citations), slot)]


def _why(slot: Slot, extra: tuple[tuple[str, Said], ...]) -> str:
    sides = "both sides" if slot.sides == _BOTH else f"{next(iter(slot.sides))} side" if slot.sides else "no side"
    many = f", {slot.units} levels" if slot.units > 1 else ""
    words = f"{slot.work.family.title}: {_WORDS[slot.level]} ({', '.join(slot.joints)}{many}), {sides}."
    for text in (slot.why, *slot.notes):
        words += f" {text}" if text else ""
    for modifier, said in extra:
        words += f" {modifier}: {said.value.cell}{_standing(said)}."
    return words


def _standing(said: Said) -> str:
    if said.conflicting:
        return " (sources disagree)"
    if said.answer.presumed:
        return " (presumed from the shared text)"
    return " (inferred)" if said.dated.evidence == "inferred" else ""


def _once(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def with_note(slot: Slot, note: str, citations: tuple[str, ...] = ()) -> Slot:
    """Return the slot with a further sentence in its reasons and the sources for it."""
    return replace(slot, notes=(*slot.notes, note), citations=_once((*slot.citations, *citations)))
