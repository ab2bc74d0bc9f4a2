"""What must hold of every case, tried on cases built from what their payers want, so that it is tried where it could break.

The outcomes are reached often enough for that, which is a test of its own.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from coverage_cases import JOINTS, Maker, Raw, Remembered
from coverage_shapes import answered
from facetwise.coverage.answers import CriterionResult, Determination
from facetwise.knowledge import Knowledge

_CASES = 700
_EVENT = ("date", "technique", "region")


@pytest.fixture(scope="module")
def remembered(knowledge: Knowledge) -> Remembered:
    return Remembered(knowledge)


@pytest.fixture(scope="module")
def built(remembered: Remembered) -> list[tuple[Raw, Determination]]:
    maker = Maker(remembered, 20261129, share_built=1)
    cases = [maker.built("medicare" if number % 2 else "") for number in range(_CASES)]
    return [(case, answered(case, remembered)) for case in cases]


def test_each_outcome_is_reached_often(built: list[tuple[Raw, Determination]]) -> None:
    outcomes = Counter(answer.outcome for _, answer in built)
    statuses = Counter(one.status for _, answer in built for one in answer.criteria if one.citations)
    assert outcomes["met"] >= 0.15 * _CASES, outcomes
    assert outcomes["not_met"] >= 0.15 * _CASES, outcomes
    assert outcomes["undetermined"] >= 0.15 * _CASES, outcomes
    assert min(statuses["met"], statuses["not_met"], statuses["unknown"]) >= 150, statuses


def test_the_outcome_follows_from_the_criteria(built: list[tuple[Raw, Determination]]) -> None:
    for _, answer in built:
        statuses = {one.status for one in answer.criteria}
        expected = "not_met" if "not_met" in statuses else "undetermined" if "unknown" in statuses else "met"
        assert answer.outcome == expected
        missing = [name for one in answer.criteria for name in one.missing]
        assert list(answer.missing) == list(dict.fromkeys(missing))
        assert all(bool(one.missing) == (one.status == "unknown") for one in answer.criteria)


def test_a_fact_less_never_turns_not_met_into_met_unless_it_was_the_failing_one(
    built: list[tuple[Raw, Determination]], remembered: Remembered
) -> None:
    tried = 0
    for number, (case, answer) in enumerate(built):
        if answer.outcome != "not_met":
            continue
        for name, less in _sample(_one_less(case), number, 4):
            after = answered(less, remembered)
            tried += 1
            before = {one.id: one for one in answer.criteria if one.status == "not_met"}
            if after.outcome == "met":
                assert any(name in _seen(one) for one in before.values()), (name, case)
            for one in after.criteria:
                if one.status == "met" and one.id in before and _same(one, before[one.id]):
                    assert name in _seen(before[one.id]), (name, one.id, case)
    assert tried >= 300


def test_a_fact_more_never_turns_met_into_unknown(
    built: list[tuple[Raw, Determination]], remembered: Remembered
) -> None:
    maker = Maker(remembered, 5)
    tried: Counter[str] = Counter()
    for number, (case, answer) in enumerate(built):
        for name, more in _sample(_one_more(case, maker), number, 3):
            after = answered(more, remembered)
            tried[answer.outcome] += 1
            if answer.outcome == "met":
                assert after.outcome != "undetermined", (name, after.missing, case)
            now = {(one.id, one.statement): one for one in after.criteria}
            for one in answer.criteria:
                if one.status == "met" and (one.id, one.statement) in now:
                    assert now[one.id, one.statement].status != "unknown", (name, one.id, case)
    assert tried["met"] >= 150


def test_a_fact_less_then_more_is_the_case_as_it_was(
    built: list[tuple[Raw, Determination]], remembered: Remembered
) -> None:
    """What is met without a fact is not unknown with it: the same, along the facts of whole cases."""
    for number, (case, answer) in enumerate(built):
        for name, less in _sample(_one_less(case), number, 2):
            before = answered(less, remembered)
            if before.outcome == "met":
                assert answer.outcome != "undetermined", (name, answer.missing, case)


_LIMITED = ("cgs", "noridian", "first-coast", "tricare-west", "evicore", "carelon")


@pytest.mark.parametrize("day", ["2023-02-28", "2024-02-28", "2024-02-29", "2024-03-01", "2025-02-28", "2025-12-31"])
def test_the_next_date_meets_the_limit_and_the_day_before_does_not(day: str, remembered: Remembered) -> None:
    rng = random.Random(day)
    reached = 0
    kinds = (
        ("medial_branch_block", "diagnostic"),
        ("medial_branch_block", "therapeutic"),
        ("radiofrequency_ablation", ""),
    )
    for payer, (technique, purpose) in product(_LIMITED, kinds):
        here = {"technique": technique, "region": "lumbar", "joints": ["L4-L5"], "sides": "left"}
        here |= {"purpose": purpose} if purpose else {}
        latest = date.fromisoformat(day)
        offsets = sorted({0, *(rng.randrange(0, 360) for _ in range(6))})
        events = [{**here, "date": (latest - timedelta(days=back)).isoformat()} for back in offsets]
        case = {"payer": payer, "date_of_service": day, "procedure": here, "history": events}
        for limit in answered(case, remembered).limits:
            if limit.next_eligible_date is None:
                continue
            reached += 1
            eligible = date.fromisoformat(limit.next_eligible_date)
            if eligible > remembered.store.horizon.until:
                continue
            for when, status in ((eligible, "met"), (eligible - timedelta(days=1), "not_met")):
                then = answered({**case, "date_of_service": when.isoformat()}, remembered).limits
                for one in then:  # a limit that has another text by then is another limit
                    if (one.id, one.statement, one.allowed) == (limit.id, limit.statement, limit.allowed):
                        reached += 1
                        assert one.status == status, (limit, one)
                        assert (one.next_eligible_date is None) == (status == "met")
    assert reached >= 16


def _sample(items: Iterator[tuple[str, Raw]], seed: int, most: int) -> list[tuple[str, Raw]]:
    every = list(items)
    return random.Random(seed).sample(every, min(most, len(every)))


def _one_less(case: Raw) -> Iterator[tuple[str, Raw]]:
    """Yield the case without one of its facts, and the fact's name."""
    for prefix, group in _groups(case):
        for key in list(group()):
            name = f"{prefix}.{key}"
            if key in _EVENT or name == "procedure.technique":
                continue
            less = copy.deepcopy(case)
            del _group(less, prefix, group)[key]
            yield name, less


def _one_more(case: Raw, maker: Maker) -> Iterator[tuple[str, Raw]]:
    """Yield the case with one more fact, of whatever value, and the fact's name."""
    region = case["procedure"]["region"]
    for prefix, group in _groups(case):
        kind = prefix.partition("[")[0]
        known = [name.partition(".")[2] for name in maker.asks if name.startswith(f"{kind}.")]
        extra: Raw = {}
        if kind != "patient":
            extra = {"sides": maker.rng.choice(["left", "right", "bilateral"])}
            extra |= {"joints": maker.rng.sample(JOINTS[region], 1)}
            technique = group()["technique"]
            extra |= {"purpose": "diagnostic"} if technique != "radiofrequency_ablation" else {}
        for key in [*known, *extra]:
            if key in group() or key in ("technique", "region", "setting", "regions", "levels"):
                continue
            more = copy.deepcopy(case)
            _group(more, prefix, group)[key] = extra[key] if key in extra else maker.value(f"{kind}.{key}")
            yield f"{kind}.{key}", more


def _groups(case: Raw) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("procedure", lambda: case["procedure"]), ("patient", lambda: case["patient"])]
    for place in range(len(case["history"])):
        found.append((f"history[{place}]", lambda place=place: case["history"][place]))
    return found


def _group(case: Raw, prefix: str, _: Any) -> Raw:
    if prefix.startswith("history["):
        event: Raw = case["history"][int(prefix[8:-1])]
        return event
    group: Raw = case[prefix]
    return group


def _seen(one: CriterionResult) -> set[str]:
    """The facts that a criterion saw; what it saw of the history may be any fact of an earlier procedure."""
    found = set(one.found or {})
    return found | ({"history"} if "history" in found else set())


def _same(one: CriterionResult, other: CriterionResult) -> bool:
    return one.statement == other.statement
