"""Turning an encounter into claim lines, with the reasons for each and what must be asked before it is billed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from facetwise.coding import judge, junction
from facetwise.coding.anatomy import Spine, sides_of, spine
from facetwise.coding.encounter import Encounter, Procedure, Target
from facetwise.coding.levels import Levels, count
from facetwise.coding.lines import Line, Slot, Work, lay_out, slots
from facetwise.coding.verdicts import verdicts
from facetwise.findings import Finding
from facetwise.knowledge import Dated, Knowledge, View
from facetwise.knowledge.kinds import Billing, Family
from facetwise.payers import Rules, Said, rules

LAYOUTS = ("modifier_50_one_line", "rt_lt_two_lines", "modifier_50_or_rt_lt", "one_line_two_units")


class ClaimLine(msgspec.Struct, frozen=True, kw_only=True):
    """A claim line of the contract: what is reported, for which joints, why, and on whose word."""

    line: int
    code: str
    modifiers: tuple[str, ...]
    units: int
    joints: tuple[str, ...]
    why: str
    citations: tuple[str, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `code`. `whose` is the payer or contractor by whose rules the lines were laid out."""

    as_of: str
    knowledge: str
    payer: str
    whose: str
    state: str
    date_of_service: str
    setting: str
    claim: str
    lines: tuple[ClaimLine, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Treated:
    """What one technique treated: for the picture of the spine."""

    technique: str
    levels: Levels


@dataclass(frozen=True, slots=True)
class Coded:
    """The result, and what the picture of the spine is drawn from."""

    result: Result
    spine: Spine
    treated: tuple[Treated, ...]


def code(encounter: Encounter, knowledge: Knowledge) -> Coded:
    """Return the claim lines and findings for an encounter. The order of its targets and procedures does not matter."""
    view = knowledge.as_of(encounter.day)
    back = spine(view)
    asked = rules(view, encounter.payer, encounter.state)
    findings: list[Finding] = judge.facts_missing(encounter, asked)
    treated, works = _works(view, back, encounter, findings)
    works = _without_destroyed(asked, works, findings)
    for work in works.values():
        findings += judge.sides_differ(asked, work)
    pair = junction.find(asked, works)
    found = []
    for key in sorted(works):
        found += slots(back, works[key])
    found = junction.apply(pair, back, works, found, findings)
    lines = [line for slot in found for line in _laid_out(view, asked, encounter, slot, findings)]
    lines = _repeated(asked, encounter, lines)
    judged = verdicts(asked, encounter, back, lines, pair)
    claim = tuple(
        ClaimLine(
            line=number,
            code=line.code,
            modifiers=line.modifiers,
            units=line.units,
            joints=line.joints,
            why=line.why,
            citations=line.citations,
        )
        for number, line in enumerate(lines, start=1)
    )
    result = Result(
        as_of=encounter.day.isoformat(),
        knowledge=knowledge.digest,
        payer=encounter.payer,
        whose=asked.whose,
        state=encounter.state,
        date_of_service=encounter.day.isoformat(),
        setting=encounter.setting,
        claim=encounter.claim,
        lines=claim,
        findings=tuple(_sorted([*findings, *judged])),
    )
    return Coded(result, back, treated)


def _sorted(findings: list[Finding]) -> list[Finding]:
    order = {"reject": 0, "deny": 1, "review": 2, "info": 3}
    unique = {(one.edit, one.severity, one.message, one.claim_line_number): one for one in findings}
    return sorted(
        unique.values(), key=lambda one: (order[one.severity], one.claim_line_number or 0, one.edit, one.message)
    )


def _works(
    view: View, back: Spine, encounter: Encounter, findings: list[Finding]
) -> tuple[tuple[Treated, ...], dict[str, Work]]:
    """Group the procedures that share technique and code series, count their levels, and gather the series."""
    groups: dict[tuple[str, tuple[str, ...]], list[Procedure]] = {}
    for procedure in encounter.procedures:
        series = _series(view, back, procedure.technique, procedure.guidance)
        groups.setdefault((procedure.technique, series), []).append(procedure)
    within = view.store.vocabulary.words["joint_technique"]
    treated = []
    works: dict[str, Work] = {}
    for (technique, _), procedures in sorted(groups.items(), key=lambda item: item[0]):
        in_joint = technique in within
        levels = count(back, _targets(procedures), in_joint=in_joint)
        treated.append(Treated(technique, levels))
        findings += judge.anatomy(view, back, technique, levels)
        if in_joint:
            findings += judge.nerves_for_joint(view, technique, _targets(procedures))
        guidances = sorted({procedure.guidance for procedure in procedures})
        for region in dict.fromkeys(back.joints[joint].region for joint in levels.joints):
            family = _family(view, technique, guidances[-1], region)
            if family is None:
                findings.append(judge.no_code(view, technique, guidances[-1], region))
                continue
            dated, value = family
            joints = {name: sides for name, sides in levels.joints.items() if back.joints[name].region == region}
            purposes = {
                (name, side): frozenset(
                    (technique, purpose) for purpose in _purposes(back, name, side, procedures, in_joint=in_joint)
                )
                for name, sides in joints.items()
                for side in sides
            }
            work = Work(value, dated, joints, purposes, frozenset((technique,)))
            key = " ".join(f"{rank.level}:{rank.code}" for rank in value.ranks)
            works[key] = _merged(works[key], work) if key in works else work
            for guidance in guidances:
                findings += judge.family(view, work, technique, guidance)
    return tuple(treated), works


def _targets(procedures: Iterable[Procedure]) -> list[Target]:
    return [target for procedure in procedures for target in procedure.targets]


def _series(view: View, back: Spine, technique: str, guidance: str) -> tuple[str, ...]:
    """Return the titles of the series that a technique with this guidance is reported by, region by region."""
    regions = sorted({joint.region for joint in back.joints.values()})
    found = (_family(view, technique, guidance, region) for region in regions)
    return tuple(family[1].title if family else "" for family in found)


def _purposes(back: Spine, joint: str, side: str, procedures: list[Procedure], *, in_joint: bool) -> frozenset[str]:
    """Return the purposes of the procedures that make the joint by themselves; of all that touch it when none does."""
    whole = frozenset(
        one.purpose for one in procedures if side in count(back, one.targets, in_joint=in_joint).joints.get(joint, ())
    )
    nerves = back.joints[joint].nerves
    return whole or frozenset(
        one.purpose
        for one in procedures
        if any(
            (target.joint == joint or target.nerve in nerves) and side in sides_of(target.side)
            for target in one.targets
        )
    )


def _family(view: View, technique: str, guidance: str, region: str) -> tuple[Dated, Family] | None:
    """Return the series of codes for a technique; guidance that is not documented is taken to be fluoroscopy."""
    wanted = guidance or "fluoroscopy"
    for _, dated in view.of_kind("family"):
        value = dated.value
        if not isinstance(value, Family) or technique not in value.technique:
            continue
        if value.region and region not in value.region:
            continue
        if value.guidance and wanted not in value.guidance:
            continue
        return dated, value
    return None


def _merged(left: Work, right: Work) -> Work:
    joints = dict(left.joints)
    purposes = dict(left.purposes)
    for name, sides in right.joints.items():
        joints[name] = joints.get(name, frozenset()) | sides
    for place, purpose in right.purposes.items():
        purposes[place] = purposes.get(place, frozenset()) | purpose
    # The established family speaks for the series when one of the two is only inferred.
    first = right if left.dated.evidence == "inferred" and right.dated.evidence != "inferred" else left
    return replace(first, joints=joints, purposes=purposes, techniques=left.techniques | right.techniques)


def _without_destroyed(asked: Rules, works: dict[str, Work], findings: list[Finding]) -> dict[str, Work]:
    """Take out the injections into joints that were ablated on the same side in the session."""
    rule = judge.destruction_rule(asked)
    if rule is None:
        return works
    ablation = set(rule.value.applies.technique)
    ablated: dict[str, frozenset[str]] = {}
    for work in works.values():
        if work.techniques & ablation:
            for name, sides in work.joints.items():
                ablated[name] = ablated.get(name, frozenset()) | sides
    kept = {}
    for key, work in works.items():
        if not work.techniques & ablation:
            gone = {name: sides & ablated.get(name, frozenset()) for name, sides in work.joints.items()}
            gone = {name: sides for name, sides in gone.items() if sides}
            findings += judge.destroyed(rule, gone, asked)
            left = {name: sides - gone.get(name, frozenset()) for name, sides in work.joints.items()}
            work = replace(work, joints={name: sides for name, sides in left.items() if sides})
        if work.joints:
            kept[key] = work
    return kept


def _laid_out(view: View, asked: Rules, encounter: Encounter, slot: Slot, findings: list[Finding]) -> list[Line]:
    bilateral, layout = None, LAYOUTS[0]
    if len(slot.sides) > 1 and slot.level != "any":
        bilateral, layout, finding = bilateral_layout(view, asked, encounter, slot.code)
        if finding is not None:
            findings.append(finding)
    extra = _diagnostic(asked, encounter, slot, findings)
    return lay_out(slot, layout, bilateral, extra)


def _repeated(asked: Rules, encounter: Encounter, lines: list[Line]) -> list[Line]:
    """Add what the payer wants on a second line of the same code for both sides."""
    question = "bilateral-facility" if encounter.claim == "facility" else "bilateral-professional"
    wanted = [
        one
        for one in asked.said(question, claim=encounter.claim, setting=encounter.setting)
        if isinstance(one.value, Billing) and one.value.layout == "modifier_on_line"
    ]
    seen: set[str] = set()
    found = []
    for line in lines:
        both = len(line.slot.sides) > 1
        for one in wanted if both and line.code in seen else ():
            further = tuple(modifier for modifier in one.value.modifiers if modifier not in line.modifiers)
            line = replace(
                line,
                modifiers=(*line.modifiers, *further),
                why=f"{line.why} {one.value.statement}",
                citations=tuple(dict.fromkeys((*line.citations, *one.citations))),
            )
        if both:
            seen.add(line.code)
        found.append(line)
    return found


def bilateral_layout(
    view: View, asked: Rules, encounter: Encounter, procedure_code: str
) -> tuple[Said | None, str, Finding | None]:
    """Return how the payer wants both sides of a level; its silence yields a finding and the program's layout."""
    question = "bilateral-facility" if encounter.claim == "facility" else "bilateral-professional"
    facts = {"claim": encounter.claim, "setting": encounter.setting, "codes": procedure_code}
    for rule in (asked, *judge.fallbacks(view, asked)):
        said = [one for one in rule.said(question, **facts) if isinstance(one.value, Billing)]
        for one in said:
            if one.value.layout in LAYOUTS:
                finding = None if rule is asked else judge.layout_unknown(view, asked, one, procedure_code)
                return one, one.value.layout, finding
    return None, LAYOUTS[0], judge.layout_unknown(view, asked, None, procedure_code)


def _diagnostic(
    asked: Rules, encounter: Encounter, slot: Slot, findings: list[Finding]
) -> tuple[tuple[str, Said], ...]:
    found: list[tuple[str, Said]] = []
    for technique in sorted(slot.work.techniques):
        purposes = slot.purposes(technique)
        if not purposes:
            continue
        for one in asked.said("diagnostic-modifier", technique, claim=encounter.claim):
            value = one.value
            if not isinstance(value, Billing) or (value.codes and slot.code not in value.codes):
                continue
            wanted = set(value.applies.purpose)
            if wanted and not wanted & purposes:
                if "" in purposes:
                    findings.append(judge.purpose_missing(asked, slot.code, slot.joints, one))
                continue
            found += [(modifier, one) for modifier in value.modifiers if modifier not in dict(found)]
            if wanted and purposes - wanted - {""}:
                findings.append(judge.purposes_mixed(asked, slot.code, slot.joints, one))
    return tuple(found)
