"""What the payer's positions and limits say of the coded lines."""

from __future__ import annotations

from decimal import Decimal

from facetwise.coding.anatomy import SIDES, Spine
from facetwise.coding.encounter import Encounter
from facetwise.coding.judge import NEVER, UNKNOWN, cited, guidance_words, payer_name
from facetwise.coding.junction import Pair
from facetwise.coding.lines import Line
from facetwise.findings import Finding, Severity
from facetwise.knowledge.kinds import Limit, Position, PriorAuthorization
from facetwise.knowledge.schema import decimal_text
from facetwise.payers import Rules, Said

REFUSED = ("not_covered", "appeal_only")
POSITION_QUESTIONS = ("third-level-position", "code-position")


def verdicts(asked: Rules, encounter: Encounter, back: Spine, coded: list[Line], pair: Pair | None) -> list[Finding]:
    """Return what the payer's positions and limits say of the coded lines."""
    found: list[Finding] = []
    for procedure in encounter.procedures:
        found += _guidance(asked, procedure.technique, procedure.guidance)
        found += _technique(asked, procedure.technique)
    for number, line in enumerate(coded, start=1):
        found += _positions(asked, line, number)
        found += _authorization(asked, encounter, line, number)
    found += _limits(asked, back, coded, pair)
    found += _add_ons(asked, coded)
    return found


def _add_ons(asked: Rules, coded: list[Line]) -> list[Finding]:
    """A payer's own instruction can pair an add-on with a primary that the add-on table does not list."""
    codes = {line.code for line in coded}
    found = []
    for number, line in enumerate(coded, start=1):
        rows = list(asked.view.rows("edits/add-on-codes", add_on=line.code))
        primaries = sorted({record["primary"] for _, record in rows})
        if rows and not codes & set(primaries):
            found.append(
                Finding(
                    edit="add-on-without-primary",
                    severity="review",
                    message=(
                        f"{line.code}: the add-on table lists {' and '.join(primaries)} as its primaries, and none is on the "
                        "claim. The line rests on the payer's own instruction; an edit may still refuse it."
                    ),
                    fix="Keep the payer's instruction with the claim, and appeal with it if the edit refuses the line.",
                    claim_line_number=number,
                    evidence={"code": line.code, "primaries": primaries},
                    citations=cited(key for row, _ in rows for key in row.sources),
                )
            )
    return found


def _guidance(asked: Rules, technique: str, guidance: str) -> list[Finding]:
    if not guidance:
        return []
    found = []
    edit = "ultrasound-guided" if guidance == "ultrasound" else "image-guidance-missing"
    for question in ("ultrasound-position", "excluded-techniques"):
        for one in asked.said(question, technique, guidance=guidance):
            value = one.value
            if isinstance(value, Position) and guidance in value.applies.guidance and value.position in REFUSED:
                found.append(
                    _refused(edit, one, f"Guidance: {guidance_words(asked.view, (guidance,))}.", {"guidance": guidance})
                )
    if not found and guidance in ("none", "ultrasound", "mri", "emg"):
        found.append(
            Finding(
                edit=edit,
                severity="review",
                message=f"{payer_name(asked)}'s position on guidance by {guidance_words(asked.view, (guidance,))} is not established.",
                fix="Ask the payer before the claim goes out.",
                evidence={"guidance": guidance},
            )
        )
    return found


def _technique(asked: Rules, technique: str) -> list[Finding]:
    found = []
    for one in asked.said("excluded-techniques", technique):
        value = one.value
        named = isinstance(value, Position) and technique in value.applies.technique and not value.applies.guidance
        if named and value.position in REFUSED:
            found.append(_refused("technique-not-covered", one, "", {"technique": technique}))
    if not found and asked.view.store.vocabulary.words["unlisted_technique"].get(technique):
        words = asked.view.store.vocabulary.words["technique"][technique]
        found.append(
            Finding(
                edit=UNKNOWN,
                severity="review",
                message=f"{payer_name(asked)}'s position on {words} is not established.",
                fix="Ask the payer before the claim goes out; describe the service on the claim.",
                evidence={"technique": technique},
            )
        )
    return found


def _positions(asked: Rules, line: Line, number: int) -> list[Finding]:
    said: list[Said] = []
    for question in POSITION_QUESTIONS:
        # The finer question comes first; the general list of codes adds nothing where it is answered.
        said = said or [
            one
            for technique in sorted(line.slot.work.techniques)
            for one in asked.said(question, technique)
            if isinstance(one.value, Position) and line.code in one.value.codes and one.value.when is None
        ]
    refused = [one for one in said if one.value.position in REFUSED]
    third = line.slot.level == "third_and_further"
    edit = "third-level-not-covered" if third else "technique-not-covered"
    if refused:
        appeal = [one for one in refused if one.value.position == "appeal_only"]
        words = " Against this stands: ".join(one.value.statement for one in refused)
        fix = "Plan no payment for it."
        if appeal:
            fix = "Expect a denial; an appeal with documented necessity is the one route that is named."
        return [
            Finding(
                edit=edit,
                severity="deny",
                message=f"{line.code} ({', '.join(line.joints)}): {words}{standing(refused[0])}",
                fix=f"{fix} {NEVER}",
                claim_line_number=number,
                evidence={"code": line.code, "positions": sorted({one.value.position for one in refused})},
                citations=cited(key for one in refused for key in one.citations),
            )
        ]
    if third and not any(one.value.position in ("covered", "covered_with_criteria") for one in said):
        known = " ".join(one.value.statement for one in said)
        return [
            Finding(
                edit=UNKNOWN,
                severity="review",
                message=f"{line.code}: {payer_name(asked)}'s position on a third level is not established. {known}".strip(),
                fix="Ask the payer before the procedure; keep the answer.",
                claim_line_number=number,
                evidence={"code": line.code},
                citations=cited(key for one in said for key in one.citations),
            )
        ]
    return []


def _authorization(asked: Rules, encounter: Encounter, line: Line, number: int) -> list[Finding]:
    found = []
    for technique in sorted(line.slot.work.techniques):
        for one in asked.said("prior-authorization", technique, setting=encounter.setting):
            value = one.value
            if isinstance(value, PriorAuthorization) and value.required == "yes" and names(value, line.code):
                found.append(
                    Finding(
                        edit="prior-authorization-missing",
                        severity="review",
                        message=f"{line.code}: prior authorization is required. {value.statement}{standing(one)}",
                        fix="Put the decision's number on the claim, or obtain the decision before the service.",
                        claim_line_number=number,
                        evidence={"code": line.code, "setting": encounter.setting},
                        citations=one.citations,
                    )
                )
    return found[:1]


def names(value: PriorAuthorization, code: str) -> bool:
    """Whether an authorization rule speaks of a code."""
    # A list without codes speaks of the procedure as such.
    return not value.codes or code in value.codes


def _limits(asked: Rules, back: Spine, coded: list[Line], pair: Pair | None) -> list[Finding]:
    found: list[Finding] = []
    seen: set[tuple[str, str]] = set()
    done = {
        (technique, purpose)
        for line in coded
        for technique in line.slot.work.techniques
        for purpose in line.slot.purposes(technique)
    }
    for question, edit in (("levels-per-session", "level-limit"), ("regions-per-session", "region-limit")):
        for technique, purpose in sorted(done):
            for one in asked.said(question, technique, purpose=purpose):
                value, thing = one.value, one.answer.thing
                if not isinstance(value, Limit) or value.at_most is None or value.window.kind != "session":
                    continue
                treated = _treated(back, coded, pair, value.applies.technique)
                groups = treated if "region" in value.per else {"": _all(treated)}
                for region, joints in groups.items():
                    used = len(treated) if value.counts == "region" else _used(value.counts, joints)
                    place = (thing.id if thing else "", region)
                    if used is None or Decimal(used) <= value.at_most or place in seen:
                        continue
                    seen.add(place)
                    if value.counts == "region" and pair is not None and _one_but_for(back, treated, pair, value):
                        found.append(_pair_regions(asked, edit, one, pair))
                    else:
                        found.append(_over(asked, edit, one, used, region, joints))
    return found


def _treated(
    back: Spine, coded: list[Line], pair: Pair | None, techniques: tuple[str, ...]
) -> dict[str, dict[str, frozenset[str]]]:
    """Return the joints by region as the limit counts them: those of its techniques, the pair in its own region."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for line in coded:
        if techniques and not line.slot.work.techniques & set(techniques):
            continue
        for joint in line.joints:
            region = back.joints[joint].region
            if pair is not None and pair.one_region and joint in pair.value.joints:
                region = _lower_region(back, pair)
            sides = line.slot.work.joints.get(joint, frozenset())
            group = found.setdefault(region, {})
            group[joint] = group.get(joint, frozenset()) | sides
    return found


def _one_but_for(back: Spine, treated: dict[str, dict[str, frozenset[str]]], pair: Pair, limit: Limit) -> bool:
    """Whether the regions are within the limit once the pair counts as one."""
    regions = {
        _lower_region(back, pair) if joint in pair.value.joints else region
        for region, joints in treated.items()
        for joint in joints
    }
    return limit.at_most is not None and Decimal(len(regions)) <= limit.at_most


def _lower_region(back: Spine, pair: Pair) -> str:
    return pair.value.region or back.joints[pair.value.joints[1]].region


def _pair_regions(asked: Rules, edit: str, one: Said, pair: Pair) -> Finding:
    """The regions are over the limit only if the pair counts as two, which is disputed or not said."""
    settled = pair.value.regions is not None and not pair.said.conflicting
    joints = " with ".join(pair.value.joints)
    return Finding(
        edit=edit if pair.value.regions is not None else UNKNOWN,
        severity="deny" if settled and one.dated.evidence != "inferred" else "review",
        message=(
            f"{joints} in one session: two regions where {payer_name(asked)} allows {decimal_text(one.value.at_most)}, "
            f"unless the pair counts as one. {pair.value.counts_as[0].upper()}{pair.value.counts_as[1:]}.{standing(one)}"
        ),
        fix="Ask the contractor as how many regions it counts the pair.",
        evidence={"joints": list(pair.value.joints), "regions": pair.value.regions},
        citations=cited((*one.citations, *pair.said.citations)),
    )


def _over(asked: Rules, edit: str, one: Said, used: int, region: str, joints: dict[str, frozenset[str]]) -> Finding:
    words = asked.view.store.vocabulary.words
    where = f" in the {words['region'].get(region, region)} region" if region else ""
    counted = words["counted"].get(one.value.counts, one.value.counts)
    at_most = decimal_text(one.value.at_most)
    # Whether both sides of one joint are one block or two is not said where only their sum is over.
    unclear = one.value.counts == "block" and Decimal(len(joints)) <= one.value.at_most
    counted = counted if " " in counted else f"{counted}s"
    return Finding(
        edit=UNKNOWN if unclear else edit,
        severity="deny" if one.dated.evidence != "inferred" and not one.conflicting and not unclear else "review",
        message=f"{used} {counted}{where} in one session, where {payer_name(asked)} allows {at_most}. {one.value.statement}{standing(one)}",
        fix=f"Plan no more than {at_most} in a session. {NEVER}",
        evidence={"used": used, "allowed": at_most, "joints": sorted(joints), "region": region or None},
        citations=one.citations,
    )


def _all(treated: dict[str, dict[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    return {joint: sides for group in treated.values() for joint, sides in group.items()}


def _used(counts: str, joints: dict[str, frozenset[str]]) -> int | None:
    if counts in ("level", "joint"):
        return len(joints)
    if counts == "levels_each_side":
        return max((sum(side in sides for sides in joints.values()) for side in SIDES), default=0)
    if counts in ("injection", "block", "procedure"):
        return sum(len(sides) for sides in joints.values())
    return None


def _refused(edit: str, one: Said, lead: str, evidence: dict[str, object]) -> Finding:
    severity: Severity = "review" if one.conflicting else "deny"
    return Finding(
        edit=edit,
        severity=severity,
        message=f"{lead} {one.value.statement}{standing(one)}".strip(),
        fix=f"Plan no payment for it. {NEVER}",
        evidence=evidence,
        citations=one.citations,
    )


def standing(one: Said) -> str:
    """Return what must be added to the words of a rule that sources disagree on, or that is presumed."""
    if one.conflicting:
        return " Sources disagree on this."
    return " (Presumed from the shared text.)" if one.answer.presumed else ""
