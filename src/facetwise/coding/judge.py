"""What must be said of an encounter while it is coded: what is missing, and what the coding had to choose."""

from __future__ import annotations

from collections.abc import Iterable

from facetwise.coding.anatomy import SIDES, Spine
from facetwise.coding.encounter import Encounter, Target
from facetwise.coding.levels import Levels
from facetwise.coding.lines import Work
from facetwise.findings import Finding
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Billing
from facetwise.payers import Rules, Said

UNKNOWN = "fact-not-established"
NEVER = "The record is not to be changed to fit the claim."


def facts_missing(encounter: Encounter, asked: Rules) -> list[Finding]:
    """Return what the encounter does not say and the coding had to choose."""
    found = []
    name = payer_name(asked)
    if asked.unknown_contractor:
        said = (
            f"the state {encounter.state} has no contractor in the knowledge"
            if encounter.state
            else "no state is given"
        )
        found.append(
            Finding(
                edit=UNKNOWN,
                severity="review",
                message=f"Which contractor decides is unknown: {said}. Coded by what the contractors share.",
                fix="Give the state of the place of service.",
                evidence={"state": encounter.state or None},
            )
        )
    if not encounter.claim_said and encounter.setting != "office":
        found.append(
            Finding(
                edit=UNKNOWN,
                severity="info",
                message=f"Whose claim this is was not said; these are the lines of the professional's claim for {name}.",
                fix="Say claim: professional or claim: facility.",
            )
        )
    return found


def anatomy(view: View, back: Spine, technique: str, levels: Levels) -> list[Finding]:
    """Return nerves that make no joint, joints that nobody named, and joints outside the facet codes."""
    words = view.store.vocabulary.words["technique"].get(technique, technique)
    found = []
    for nerve, side in levels.lone:
        half = [one for one in levels.half if one.side == side and nerve in one.treated]
        options = " or ".join(f"{one.joint} (with {', '.join(one.missing)})" for one in half)
        found.append(
            Finding(
                edit="joint-incomplete",
                severity="review",
                message=(
                    f"{_capital(words)}: nerve {nerve} on the {side} makes no joint by itself; it would be part "
                    f"of {options}. It is not reported."
                ),
                fix=f"Ask the physician whether the partner nerve was treated too. {NEVER}",
                evidence={"nerve": nerve, "side": side, "partners": {one.joint: list(one.missing) for one in half}},
                citations=cited(key for one in half for key in back.joints[one.joint].sources),
            )
        )
    for joint, side in levels.unnamed:
        found.append(
            Finding(
                edit=UNKNOWN,
                severity="review",
                message=(
                    f"{_capital(words)}: the nerves of the joints named on the {side} are also those of {joint}, "
                    "which no target names. It is not counted."
                ),
                fix=f"Ask the physician whether {joint} was meant to be treated. {NEVER}",
                evidence={"joint": joint, "side": side},
                citations=back.joints[joint].sources,
            )
        )
    for joint in levels.outside:
        found.append(
            Finding(
                edit=UNKNOWN,
                severity="review",
                message=f"{joint} is not a facet joint of these codes; which code reports it is not established. No line is written.",
                fix="Ask the payer how it wants this joint reported.",
                evidence={"joint": joint},
                citations=back.outside[joint],
            )
        )
    return found


def nerves_for_joint(view: View, technique: str, targets: Iterable[Target]) -> list[Finding]:
    """Return a finding when a technique that goes into the joint names nerves instead."""
    nerves = sorted({target.nerve for target in targets if target.nerve})
    if not nerves:
        return []
    words = view.store.vocabulary.words
    reason = words["joint_technique"][technique]
    return [
        Finding(
            edit=UNKNOWN,
            severity="review",
            message=f"{_capital(words['technique'][technique])}: the record names nerves ({', '.join(nerves)}), yet {reason}. The joints that they make were counted.",
            fix=f"Ask the physician which joints were entered, or whether nerves were blocked. {NEVER}",
            evidence={"technique": technique, "nerves": nerves},
        )
    ]


def purposes_mixed(asked: Rules, code: str, joints: tuple[str, ...], wanted: Said) -> Finding:
    """Return the finding that one line holds diagnostic and other work."""
    modifiers = " and ".join(wanted.value.modifiers)
    return Finding(
        edit=UNKNOWN,
        severity="review",
        message=f"{code} ({', '.join(joints)}) is diagnostic for one joint or side and not for another; whether the line takes {modifiers} is not established. It was put on.",
        fix=f"Ask {payer_name(asked)}, or report the sides apart if it takes them so.",
        evidence={"code": code, "modifiers": list(wanted.value.modifiers)},
        citations=wanted.citations,
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def no_code(view: View, technique: str, guidance: str, region: str) -> Finding:
    """Return the finding for a technique that no code series of the knowledge reports."""
    words = view.store.vocabulary.words
    return Finding(
        edit=UNKNOWN,
        severity="review",
        message=(
            f"No code of the knowledge reports {words['technique'].get(technique, technique)} in the "
            f"{words['region'].get(region, region)} region with guidance {guidance or 'not documented'}. No line is written."
        ),
        fix="Ask the payer for the code.",
        evidence={"technique": technique, "guidance": guidance or None, "region": region},
    )


def family(view: View, work: Work, technique: str, guidance: str) -> list[Finding]:
    """Return what is not established about the code series that was chosen, and guidance that is not documented."""
    found = []
    words = view.store.vocabulary.words["technique"].get(technique, technique)
    if not guidance and work.family.guidance:
        found.append(
            Finding(
                edit="image-guidance-missing",
                severity="review",
                message=f"The guidance of the {words} is not documented; coded as with {guidance_words(view, work.family.guidance)}.",
                fix=f"Ask which imaging was used and where it is recorded. {NEVER}",
                evidence={"guidance": None, "wanted": list(work.family.guidance)},
                citations=work.dated.sources,
            )
        )
    if work.dated.evidence == "inferred":
        found.append(
            Finding(
                edit=UNKNOWN,
                severity="review",
                message=f"Which code reports {words} here is not established. {work.family.statement}",
                fix="Ask the payer which code it wants before the claim goes out.",
                evidence={"technique": technique, "codes": [rank.code for rank in work.family.ranks]},
                citations=work.dated.sources,
            )
        )
    return found


def destruction_rule(asked: Rules) -> Said | None:
    """Return the rule that a destruction takes in the block of the same joint; the program's where the payer has none."""
    for rule in (asked, *fallbacks(asked.view, asked)):
        for one in rule.said("bundled-services"):
            if isinstance(one.value, Billing) and one.value.layout == "report_more_extensive":
                return one
    return None


def destroyed(rule: Said, joints: dict[str, frozenset[str]], asked: Rules) -> list[Finding]:
    """Return a finding for each injection that was left out because its joint was ablated."""
    own = rule.answer.payer == asked.whose
    return [
        Finding(
            edit="destruction-includes-injection",
            severity="deny" if own else "review",
            message=(
                f"{joint}, {' and '.join(sorted(sides))}: injected and ablated in one session. Only the ablation is reported."
                + (
                    ""
                    if own
                    else f" {payer_name(asked)} has no rule of its own in the knowledge; this is the program's."
                )
            ),
            fix="Do not report the injection of this joint.",
            evidence={"joint": joint, "sides": sorted(sides)},
            citations=rule.citations,
        )
        for joint, sides in joints.items()
    ]


def fallbacks(view: View, asked: Rules) -> list[Rules]:
    """Return whose rules are taken, openly, where the payer's own are silent: those of the public program."""
    return [Rules(view, key) for key, payer in view.payers().items() if payer.role == "program" and key != asked.whose]


def layout_unknown(view: View, asked: Rules, chosen: Said | None, code: str) -> Finding:
    """Return the finding that the payer's layout for both sides is not established, and the choice made."""
    choice = chosen.value.cell if chosen else "one line, modifier 50, one unit"
    return Finding(
        edit=UNKNOWN,
        severity="review",
        message=f"How {payer_name(asked)} wants both sides of {code} reported is not established; laid out as: {choice}.",
        fix="Ask the payer, or lay its rule over the knowledge (--knowledge).",
        evidence={"code": code, "question": "bilateral", "choice": choice},
        citations=chosen.citations if chosen else (),
    )


def purpose_missing(asked: Rules, code: str, joints: tuple[str, ...], wanted: Said) -> Finding:
    """Return the finding that the purpose decides about a modifier and is not documented."""
    modifiers = " and ".join(wanted.value.modifiers)
    return Finding(
        edit="diagnostic-modifier-missing",
        severity="review",
        message=(
            f"{code} ({', '.join(joints)}): whether the injection was diagnostic is not documented; coded without {modifiers}, "
            f"which {payer_name(asked)} wants on diagnostic lines."
        ),
        fix=f"Ask for the purpose; add {modifiers} only if the record says diagnostic. {NEVER}",
        evidence={"code": code, "modifiers": list(wanted.value.modifiers)},
        citations=wanted.citations,
    )


def sides_differ(asked: Rules, work: Work) -> list[Finding]:
    """Return a finding when levels counted over both sides together are more than those of either side."""
    most = max((sum(side in sides for sides in work.joints.values()) for side in SIDES), default=0)
    if len(work.joints) <= most or any(rank.level == "any" for rank in work.family.ranks):
        return []
    joints = ", ".join(f"{name} {' and '.join(sorted(sides))}" for name, sides in work.joints.items())
    said = asked.said("level-counting")
    return [
        Finding(
            edit=UNKNOWN,
            severity="review",
            message=(
                f"The two sides differ ({joints}). A level is a joint, whichever side, so {len(work.joints)} levels are "
                f"counted; whether the payer counts each side by itself, {most} at most, is not established."
            ),
            fix=f"Ask the payer how levels that differ between the sides are counted. {NEVER}",
            evidence={"levels": len(work.joints), "most_on_one_side": most},
            citations=cited(key for one in said for key in one.citations),
        )
    ]


def payer_name(asked: Rules) -> str:
    payer = asked.view.payers().get(asked.whose)
    return payer.name if payer else asked.whose


def guidance_words(view: View, words: tuple[str, ...]) -> str:
    labels = view.store.vocabulary.words["guidance"]
    return " or ".join(labels.get(word, word) for word in words)


def cited(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))
