"""What must hold for every encounter: order, mirror, splitting, naming joints or nerves, adding a target."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetwise.coding import Encounter, code
from facetwise.coding.anatomy import Spine, spine
from facetwise.coding.code import Result
from facetwise.coding.encounter import Procedure, Target, codable
from facetwise.coding.levels import count
from facetwise.knowledge import Knowledge, load

_DAY = date(2026, 3, 2)
_SIDES = ("left", "right", "bilateral")
_MIRROR = {"left": "right", "right": "left", "bilateral": "bilateral"}
_PAYERS = (("medicare", "OH"), ("medicare", "CA"), ("medicare", "NY"), ("medicare", ""), ("aetna", ""), ("humana", ""))


@pytest.fixture(scope="module")
def whole() -> Knowledge:
    return load()


def _spine() -> Spine:
    return spine(load().as_of(_DAY))


_BACK = _spine()
_JOINTS = tuple(_BACK.joints)
_NERVE_TECHNIQUES = ("medial_branch_block", "radiofrequency_ablation")
_TECHNIQUES = tuple(codable(load().as_of(_DAY)))

_joint_targets = st.builds(
    lambda joint, side: Target(side, joint=joint), st.sampled_from(_JOINTS), st.sampled_from(_SIDES)
)
_nerve_targets = st.builds(
    lambda nerve, side: Target(side, nerve=nerve), st.sampled_from(_BACK.nerves), st.sampled_from(_SIDES)
)
_targets = st.lists(st.one_of(_joint_targets, _nerve_targets), min_size=1, max_size=8)
_procedures = st.lists(
    st.builds(
        lambda technique, targets, purpose, guidance: Procedure(technique, tuple(targets), purpose, guidance),
        st.sampled_from(_TECHNIQUES),
        _targets,
        st.sampled_from(("diagnostic", "therapeutic", "")),
        st.sampled_from(("fluoroscopy", "ct", "ultrasound", "none", "")),
    ),
    min_size=1,
    max_size=3,
)
_encounters = st.builds(
    lambda payer, procedures, setting, claim: Encounter(payer[0], _DAY, setting, claim, tuple(procedures), payer[1]),
    st.sampled_from(_PAYERS),
    _procedures,
    st.sampled_from(("office", "asc", "hopd")),
    st.sampled_from(("professional", "facility")),
)


def _with(encounter: Encounter, procedures: tuple[Procedure, ...]) -> Encounter:
    return Encounter(
        encounter.payer,
        encounter.day,
        encounter.setting,
        encounter.claim,
        procedures,
        encounter.state,
        encounter.claim_said,
    )


def _retarget(procedure: Procedure, targets: tuple[Target, ...]) -> Procedure:
    return Procedure(procedure.technique, targets, procedure.purpose, procedure.guidance)


def _lines(result: Result) -> list[tuple[object, ...]]:
    return [(line.code, line.modifiers, line.units, line.joints) for line in result.lines]


@given(_encounters, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_order_of_targets_and_procedures_does_not_matter(
    whole: Knowledge, encounter: Encounter, random: object
) -> None:
    shuffled = []
    for procedure in encounter.procedures:
        targets = list(procedure.targets)
        random.shuffle(targets)  # type: ignore[attr-defined]
        shuffled.append(_retarget(procedure, tuple(targets)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert code(encounter, whole).result == code(_with(encounter, tuple(shuffled)), whole).result


@given(_encounters)
@settings(max_examples=150, deadline=None)
def test_repeating_a_target_changes_nothing(whole: Knowledge, encounter: Encounter) -> None:
    doubled = tuple(_retarget(one, (*one.targets, *reversed(one.targets))) for one in encounter.procedures)
    assert code(encounter, whole).result == code(_with(encounter, doubled), whole).result


@given(_encounters)
@settings(max_examples=150, deadline=None)
def test_mirroring_the_patient_mirrors_the_lines(whole: Knowledge, encounter: Encounter) -> None:
    mirrored = tuple(
        _retarget(one, tuple(Target(_MIRROR[target.side], target.joint, target.nerve) for target in one.targets))
        for one in encounter.procedures
    )
    swap = {"LT": "RT", "RT": "LT"}
    straight = sorted(
        (line[0], tuple(swap.get(m, m) for m in line[1]), line[2], line[3])  # type: ignore[attr-defined]
        for line in _lines(code(encounter, whole).result)
    )
    assert straight == sorted(_lines(code(_with(encounter, mirrored), whole).result))


@given(_encounters)
@settings(max_examples=150, deadline=None)
def test_splitting_a_bilateral_target_into_two_sides_changes_nothing(whole: Knowledge, encounter: Encounter) -> None:
    split = tuple(
        _retarget(
            one,
            tuple(
                Target(side, target.joint, target.nerve)
                for target in one.targets
                for side in (("left", "right") if target.side == "bilateral" else (target.side,))
            ),
        )
        for one in encounter.procedures
    )
    assert code(encounter, whole).result == code(_with(encounter, split), whole).result


@given(
    st.sampled_from(_NERVE_TECHNIQUES),
    st.integers(0, len(_JOINTS) - 1),
    st.integers(1, 6),
    st.sampled_from(_SIDES),
    st.sampled_from(_PAYERS),
)
@settings(max_examples=200, deadline=None)
def test_a_run_of_joints_or_its_nerves_gives_the_same_lines(
    whole: Knowledge, technique: str, first: int, length: int, side: str, payer: tuple[str, str]
) -> None:
    run = _JOINTS[first : first + length]
    nerves = [nerve for nerve in _BACK.nerves if any(nerve in _BACK.joints[joint].nerves for joint in run)]
    by_joint = Procedure(technique, tuple(Target(side, joint=joint) for joint in run), "diagnostic", "fluoroscopy")
    by_nerve = Procedure(technique, tuple(Target(side, nerve=nerve) for nerve in nerves), "diagnostic", "fluoroscopy")
    both = Procedure(technique, (*by_joint.targets, *by_nerve.targets), "diagnostic", "fluoroscopy")
    results = [
        code(Encounter(payer[0], _DAY, "office", "professional", (one,), payer[1]), whole).result
        for one in (by_joint, by_nerve, both)
    ]
    assert _lines(results[0]) == _lines(results[1]) == _lines(results[2])
    assert not any(finding.edit == "joint-incomplete" for result in results for finding in result.findings)


@given(_targets, st.one_of(_joint_targets, _nerve_targets))
@settings(max_examples=300, deadline=None)
def test_adding_a_target_never_removes_a_level(targets: list[Target], further: Target) -> None:
    before, after = count(_BACK, targets), count(_BACK, [*targets, further])
    for joint, sides in before.joints.items():
        assert sides <= after.joints[joint]


@given(_targets)
@settings(max_examples=300, deadline=None)
def test_every_counted_joint_has_all_its_nerves_and_every_nerve_is_accounted_for(targets: list[Target]) -> None:
    levels = count(_BACK, targets)
    for joint, sides in levels.joints.items():
        for side in sides:
            assert _BACK.joints[joint].nerves <= levels.nerves[side]
    lone = set(levels.lone)
    for target in targets:
        for side in ("left", "right") if target.side == "bilateral" else (target.side,):
            if target.nerve:
                counted = any(side in levels.joints.get(joint.name, ()) for joint in _BACK.served_by(target.nerve))
                assert counted != ((target.nerve, side) in lone)


@pytest.mark.parametrize("technique", _TECHNIQUES)
@pytest.mark.parametrize("side", _SIDES)
def test_every_joint_through_every_technique(whole: Knowledge, technique: str, side: str) -> None:
    for joint in _JOINTS:
        procedure = Procedure(technique, (Target(side, joint=joint),), "", "fluoroscopy")
        result = code(Encounter("medicare", _DAY, "office", "professional", (procedure,), "OH"), whole).result
        assert [line.joints for line in result.lines] == [(joint,)]
        (line,) = result.lines
        assert line.units == 1
        assert line.citations
        unlisted = not any(mark in line.modifiers for mark in ("50", "LT", "RT"))
        wanted = {"left": "LT", "right": "RT", "bilateral": "50"}[side]
        assert unlisted or wanted in line.modifiers


@given(_encounters)
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost(whole: Knowledge, encounter: Encounter) -> None:
    """Every target reaches a line or a finding."""
    coded = code(encounter, whole)
    reported = {joint for line in coded.result.lines for joint in line.joints}
    told = " ".join(finding.message for finding in coded.result.findings)
    for treated in coded.treated:
        for joint in treated.levels.joints:
            assert joint in reported or joint in told or "No line is written" in told
        for nerve, side in treated.levels.lone:
            assert f"nerve {nerve} on the {side}" in told
