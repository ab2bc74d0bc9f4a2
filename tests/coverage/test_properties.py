"""What must hold for every case: facts only sharpen, dates of eligibility are exact, order and other regions do not matter."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coverage_cases import Remembered
from facetwise.coverage import cover, read_cases
from facetwise.coverage.answers import CriterionResult, Determination
from facetwise.knowledge import Knowledge, load

_HORIZON = load().as_of(date(2026, 10, 5)).store.horizon.until
_ASKS = load().store.vocabulary.asks
_WORDS = load().store.vocabulary.words
_LIMITS = {thing.slug for thing, _ in load().as_of(date(2026, 10, 5)).of_kind("limit")}
_JOINTS = {"lumbar": ("L2-L3", "L3-L4", "L4-L5", "L5-S1"), "cervical": ("C3-C4", "C4-C5", "C5-C6")}
_OTHER = {"lumbar": "cervical", "cervical": "lumbar"}
_PAYERS = [
    "medicare",
    "aetna",
    "bcbs-alabama",
    "bcbs-mississippi",
    "bcbs-north-dakota",
    "carelon",
    "cigna",
    "evicore",
    "evolent",
    "humana",
    "mcg",
    "tricare-west",
    "medicare-advantage",
    "unitedhealthcare",
    "alabama-medicaid",
]
_PROCEDURE = [name for name in _ASKS if name.startswith("procedure.")]
_STATED = {"procedure.technique", "procedure.purpose", "procedure.region", "procedure.levels", "procedure.setting"}
_FACTS = {
    "procedure": [name.partition(".")[2] for name in _PROCEDURE if name not in _STATED],
    "patient": [name.partition(".")[2] for name in _ASKS if name.startswith("patient.")],
    "history": [name.partition(".")[2] for name in _ASKS if name.startswith("history.")],
}
_NUMBERS = (0, 1, 2, 3, 6, 13, 49, 50, 70, 79, 80, 90, 100)
_AGAINST = {
    "untreated_radiculopathy",
    "neurogenic_claudication",
    "alternative_pathology",
    "fusion_at_level",
    "anterior_lumbar_interbody_fusion",
    "generalized_pain_syndrome",
    "spondylolisthesis_grade_3",
    "same_day_other_block",
    "successful_ablation_at_level",
    "pain_source_in_doubt",
}
_DATES = st.dates(date(2021, 6, 1), date(2026, 10, 5))
Case = dict[str, Any]


@pytest.fixture(scope="module")
def whole() -> Knowledge:
    return Remembered(load())


def _values(kind: str, name: str) -> st.SearchStrategy[Any]:
    asked = _ASKS[f"{kind}.{name}"]
    if asked.type == "boolean":
        return st.booleans()
    if asked.type == "number":
        return st.sampled_from([number for number in _NUMBERS if asked.unit != "points" or number <= 10])
    return st.sampled_from(sorted(_WORDS[asked.words or ""]))


def _favourable(kind: str, name: str) -> Any:
    """What a full record of a plain case says, so that criteria are met often enough to be tested."""
    asked = _ASKS[f"{kind}.{name}"]
    if asked.type == "boolean":
        return name not in _AGAINST
    if asked.type == "number":
        return {"regions": 1, "pain_score": 9}.get(name, 90)
    return "none" if name == "sedation" else "ct"


@st.composite
def _some(draw: st.DrawFn, kind: str, most: int = 100) -> Case:
    if draw(st.integers(0, 2)):
        names = set(_FACTS[kind]) - draw(st.sets(st.sampled_from(_FACTS[kind]), max_size=2))
        facts = {name: _favourable(kind, name) for name in sorted(names)}
        for name in draw(st.sets(st.sampled_from(_FACTS[kind]), max_size=1)):
            facts[name] = draw(_values(kind, name))
        return facts
    names = draw(st.sets(st.sampled_from(_FACTS[kind]), max_size=most))
    return {name: draw(_values(kind, name)) for name in sorted(names)}


@st.composite
def _events(draw: st.DrawFn, day: date, region: str) -> Case:
    technique = draw(st.sampled_from(("medial_branch_block", "intra_articular_injection", "radiofrequency_ablation")))
    event: Case = {"date": (day - timedelta(days=draw(st.integers(0, 800)))).isoformat(), "technique": technique}
    event["region"] = region
    if technique != "radiofrequency_ablation" and draw(st.integers(0, 4)):
        event["purpose"] = draw(st.sampled_from(("diagnostic", "therapeutic")))
    if draw(st.integers(0, 4)):
        event["joints"] = draw(st.lists(st.sampled_from(_JOINTS[region]), min_size=1, max_size=3, unique=True))
    if draw(st.integers(0, 4)):
        event["sides"] = draw(st.sampled_from(("left", "right", "bilateral")))
    event.update(draw(_some("history", 4)))
    return event


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    day = draw(_DATES)
    region = draw(st.sampled_from(sorted(_JOINTS)))
    technique = draw(st.sampled_from(("medial_branch_block", "intra_articular_injection", "radiofrequency_ablation")))
    procedure: Case = {"technique": technique, "region": region, **draw(_some("procedure"))}
    if technique != "radiofrequency_ablation" and draw(st.integers(0, 4)):
        procedure["purpose"] = draw(st.sampled_from(("diagnostic", "therapeutic")))
    if draw(st.integers(0, 3)):
        procedure["joints"] = draw(st.lists(st.sampled_from(_JOINTS[region]), min_size=1, max_size=3, unique=True))
    if draw(st.integers(0, 3)):
        procedure["sides"] = draw(st.sampled_from(("left", "right", "bilateral")))
    case: Case = {
        "payer": draw(st.sampled_from(_PAYERS)),
        "date_of_service": day.isoformat(),
        "procedure": procedure,
        "patient": draw(_some("patient")),
        "history": draw(st.lists(_events(day, region), max_size=6)),
    }
    if draw(st.integers(0, 3)):
        case["state"] = draw(st.sampled_from(("OH", "CA", "NY", "FL", "PA", "GA", "IN")))
    return case


def _answer(case: Case, knowledge: Knowledge) -> Determination:
    (read,) = read_cases(json.dumps(case), "case.json", knowledge)
    return cover(read, knowledge)


def _by_name(answer: Determination) -> dict[tuple[str, str], CriterionResult]:
    return {(one.id, one.statement): one for one in answer.criteria}


def _places(case: Case) -> list[tuple[str, Case, str]]:
    """Every group of facts of a case that a fact can join or leave."""
    found = [("procedure.", case["procedure"], "procedure"), ("patient.", case["patient"], "patient")]
    return [*found, *(("history.", event, "history") for event in case["history"])]


def _copy(case: Case) -> Case:
    whole: Case = json.loads(json.dumps(case))
    return whole


@given(_cases(), st.data())
@settings(max_examples=80)
def test_a_further_fact_never_turns_met_into_unknown(whole: Knowledge, case: Case, data: st.DataObject) -> None:
    more = _copy(case)
    _, group, kind = data.draw(st.sampled_from(_places(more)))
    fields: dict[str, st.SearchStrategy[Any]] = {"sides": st.sampled_from(("left", "right", "bilateral"))}
    if kind == "history":
        fields["joints"] = st.lists(st.sampled_from(_JOINTS[group["region"]]), min_size=1, max_size=3, unique=True)
    if kind != "patient" and group["technique"] != "radiofrequency_ablation":
        fields["purpose"] = st.sampled_from(("diagnostic", "therapeutic"))
    names = [name for name in [*_FACTS[kind], *(fields if kind != "patient" else ())] if name not in group]
    assume(names)
    name = data.draw(st.sampled_from(names))
    group[name] = data.draw(fields[name] if name in fields and name not in _FACTS[kind] else _values(kind, name))
    before, after = _by_name(_answer(case, whole)), _by_name(_answer(more, whole))
    for key, one in before.items():
        if one.status == "met" and key in after:
            assert after[key].status != "unknown", (key, name)


@given(_cases(), st.data())
@settings(max_examples=80)
def test_a_fact_less_never_turns_not_met_into_met(whole: Knowledge, case: Case, data: st.DataObject) -> None:
    less = _copy(case)
    groups = [(prefix, group, kind) for prefix, group, kind in _places(less) if set(group) & set(_FACTS[kind])]
    assume(groups)
    prefix, group, kind = data.draw(st.sampled_from(groups))
    name = data.draw(st.sampled_from(sorted(set(group) & set(_FACTS[kind]))))
    del group[name]
    before, after = _by_name(_answer(case, whole)), _by_name(_answer(less, whole))
    for key, one in before.items():
        if one.status == "not_met" and key in after and after[key].status == "met":
            assert prefix + name in (one.found or {}), (key, name)


@given(_cases(), st.integers(1, 6))
@settings(max_examples=80)
def test_the_next_eligible_date_is_the_first_on_which_the_limit_is_met(
    whole: Knowledge, case: Case, often: int
) -> None:
    day = date.fromisoformat(case["date_of_service"])
    # Enough like sessions that a limit is used up at most payers.
    for month in range(often):
        event = {key: case["procedure"][key] for key in ("technique", "region", "purpose", "joints", "sides")
                 if key in case["procedure"]}  # fmt: skip
        case["history"].append({**event, "date": (day - timedelta(days=37 * month)).isoformat()})
    for limit in _answer(case, whole).limits:
        if limit.next_eligible_date is None:
            assert limit.used < limit.allowed
            continue
        assert limit.used >= limit.allowed
        eligible = date.fromisoformat(limit.next_eligible_date)
        assert eligible > day
        if eligible > _HORIZON:
            continue
        for when, fits in ((eligible, True), (eligible - timedelta(days=1), False)):
            then = _answer({**case, "date_of_service": when.isoformat()}, whole).limits
            for one in then:
                if (one.id, one.statement, one.allowed) == (limit.id, limit.statement, limit.allowed):
                    assert (one.used < one.allowed) == fits, (limit, one)
                    assert (one.next_eligible_date is None) == fits
                    assert one.status != "not_met" or not fits


@given(_cases(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_the_history_does_not_matter(whole: Knowledge, case: Case, random: Any) -> None:
    # Two procedures of one day tell the same, whichever is written first.
    for event in case["history"][1:3]:
        event["date"] = case["history"][0]["date"]
    shuffled = _copy(case)
    random.shuffle(shuffled["history"])
    assert _answer(case, whole) == _answer(shuffled, whole)


@given(_cases(), st.data())
@settings(max_examples=80)
def test_another_region_changes_nothing_for_limits(whole: Knowledge, case: Case, data: st.DataObject) -> None:
    day = date.fromisoformat(case["date_of_service"])
    other = _OTHER[case["procedure"]["region"]]
    more = _copy(case)
    more["history"] += data.draw(st.lists(_events(day, other), min_size=1, max_size=4))

    def limits(answer: Determination) -> list[tuple[str, int, int, str | None]]:
        return [(one.id, one.used, one.allowed, one.next_eligible_date) for one in answer.limits]

    assert limits(_answer(case, whole)) == limits(_answer(more, whole))


@given(_cases(), st.lists(st.integers(0, 400), min_size=2, max_size=4))
@settings(max_examples=80)
def test_a_further_fitting_block_never_fails_a_count(whole: Knowledge, case: Case, ago: list[int]) -> None:
    day, procedure = date.fromisoformat(case["date_of_service"]), case["procedure"]
    block = {
        "technique": "medial_branch_block",
        "purpose": "diagnostic",
        "region": procedure["region"],
        "joints": procedure.get("joints", list(_JOINTS[procedure["region"]])),
        "sides": "bilateral",
        "relief_percent": 100,
        "relief_days": 80,
        "function_days": 80,
        "function_improvement_percent": 100,
        **dict.fromkeys(("relief_fits_agent", "function_improved", "block_positive", "same_scale"), True),
    }
    blocks = [{**block, "date": (day - timedelta(days=days)).isoformat()} for days in ago]
    fewer, more = _copy(case), _copy(case)
    fewer["history"] += blocks[:-1]
    more["history"] += blocks
    before, after = _by_name(_answer(fewer, whole)), _by_name(_answer(more, whole))
    for key, one in before.items():
        if one.status == "met" and key in after and key[0] not in _LIMITS and "history" in (one.found or {}):
            assert after[key].status != "not_met", key
