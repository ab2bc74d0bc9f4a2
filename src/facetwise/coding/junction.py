"""Two neighbouring joints on either side of a region's border, for which payers have a rule of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from facetwise.coding.anatomy import Spine
from facetwise.coding.lines import Slot, Work, slots, with_note
from facetwise.findings import Finding
from facetwise.knowledge.kinds import Billing
from facetwise.payers import Rules, Said

QUESTION = "junction-pair"


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair that was treated: the rule followed, the others that disagree with it, and the two series of codes."""

    said: Said
    against: tuple[Said, ...]
    upper: str
    lower: str

    @property
    def value(self) -> Billing:
        assert isinstance(self.said.value, Billing)
        return self.said.value

    @property
    def one_region(self) -> bool:
        return self.value.regions == 1


def find(asked: Rules, works: dict[str, Work]) -> Pair | None:
    """Return the pair that was treated by one technique, with what the payer says of it; None when there is none."""
    for upper, first in works.items():
        for lower, second in works.items():
            if upper == lower:
                continue
            for technique, other in product(sorted(first.techniques), sorted(second.techniques)):
                both = {one.answer.thing.id for one in asked.said(QUESTION, other) if one.answer.thing}
                said = [
                    one
                    for one in asked.said(QUESTION, technique)
                    if isinstance(one.value, Billing)
                    and one.answer.thing is not None
                    and one.answer.thing.id in both
                    and len(one.value.joints) == 2
                    and one.value.joints[0] in first.joints
                    and one.value.joints[1] in second.joints
                ]
                if said:
                    return Pair(
                        said[0], tuple(one for one in said[1:] if one.value.codes != said[0].value.codes), upper, lower
                    )
    return None


def apply(
    pair: Pair | None, back: Spine, works: dict[str, Work], found: list[Slot], findings: list[Finding]
) -> list[Slot]:
    """Return the slots with the pair's own codes in place of the general ones, and say what is not established."""
    if pair is None:
        return found
    upper, lower = works[pair.upper], works[pair.lower]
    reason = f"{pair.value.statement}"
    if pair.against:
        findings.append(_disagreement(pair))
    elif pair.said.dated.evidence == "inferred":
        findings.append(_reasoned(pair))
    plain = _codes_of(upper)[0], _codes_of(lower)[0]
    if tuple(pair.value.codes) == plain:
        return [
            with_note(slot, reason, pair.said.citations) if set(slot.joints) & set(pair.value.joints) else slot
            for slot in found
        ]
    rest = [slot for slot in found if slot.work is not upper and slot.work is not lower]
    named = [
        Slot(
            code,
            "first" if number == 0 else "second",
            (joint,),
            work.joints[joint],
            1,
            work,
            why=reason,
            citations=pair.said.citations,
        )
        for number, (code, joint, work) in enumerate(
            zip(pair.value.codes, pair.value.joints, (upper, lower), strict=True)
        )
    ]
    further: list[Slot] = []
    for work, joint, counted in ((upper, pair.value.joints[0], 1), (lower, pair.value.joints[1], 2)):
        others = {name: sides for name, sides in work.joints.items() if name != joint}
        if others:
            further += slots(back, replace(work, joints=others), start=counted)
    if further:
        findings.append(_beyond(pair, further))
    return [*named, *further, *rest]


def _codes_of(work: Work) -> list[str]:
    return [rank.code for rank in work.family.ranks]


def _disagreement(pair: Pair) -> Finding:
    joints = " with ".join(pair.value.joints)
    ways = "; or ".join(" and ".join(one.value.codes) for one in (pair.said, *pair.against))
    return Finding(
        edit="fact-not-established",
        severity="review",
        message=f"How {joints} is reported is not established for this payer: {ways}. Coded as the first.",
        fix="Ask the contractor for its instruction on this pair, and keep its answer with the record.",
        evidence={
            "joints": list(pair.value.joints),
            "ways": [list(one.value.codes) for one in (pair.said, *pair.against)],
        },
        citations=tuple(dict.fromkeys(key for one in (pair.said, *pair.against) for key in one.citations)),
    )


def _reasoned(pair: Pair) -> Finding:
    return Finding(
        edit="fact-not-established",
        severity="review",
        message=f"{' with '.join(pair.value.joints)}: {pair.value.statement}",
        fix="Ask the contractor for its instruction on this pair, and keep its answer with the record.",
        evidence={"joints": list(pair.value.joints), "codes": list(pair.value.codes)},
        citations=pair.said.citations,
    )


def _beyond(pair: Pair, further: list[Slot]) -> Finding:
    joints = [joint for slot in further for joint in slot.joints]
    return Finding(
        edit="fact-not-established",
        severity="review",
        message=(
            f"The rule for {' with '.join(pair.value.joints)} does not speak of further levels ({', '.join(joints)}); "
            "they were counted on after the pair."
        ),
        fix="Ask the contractor how levels beyond the pair are reported.",
        evidence={"joints": joints},
        citations=pair.said.citations,
    )
