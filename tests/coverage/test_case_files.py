"""The cases beside the knowledge: enough of them, of every payer, and each threshold from both sides and absent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from coverage_cases import Remembered, merged, read_plain
from facetwise.coverage import cover, read_cases
from facetwise.coverage.answers import Determination
from facetwise.coverage.case import Case
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Criterion, Limit
from facetwise.knowledge.parts import Test
from facetwise.knowledge.store import Dated, Thing

_ROOT = Path(__file__).parents[2] / "knowledge"
_LEAST = 900
# Facts that every case states, so that a test of them alone is never missing.
_ALWAYS = {"procedure.technique", "procedure.region"}


@pytest.fixture(scope="module")
def answers(knowledge: Knowledge) -> list[tuple[Case, Determination]]:
    remembered = Remembered(knowledge)
    found = []
    for path in sorted(_ROOT.rglob("*.cases.yaml")):
        content = read_plain(path)
        for entry in content["cases"]:
            if "case" in entry and "fails" not in entry["expect"]:
                whole = merged(content.get("bases", {}).get(entry.get("base"), {}), entry["case"])
                (case,) = read_cases(yaml.safe_dump(whole, sort_keys=False), path.name, remembered)
                found.append((case, cover(case, remembered)))
    return found


def test_there_are_cases_of_every_payer_technique_and_sequence(
    answers: list[tuple[Case, Determination]], knowledge: Knowledge
) -> None:
    assert len(answers) >= _LEAST
    asked = {case.payer for case, _ in answers} | {answer.whose for _, answer in answers}
    assert set(knowledge.as_of(knowledge.store.horizon.until).payers()) <= asked
    kinds = Counter((case.technique, case.purpose, answer.sequence) for case, answer in answers)
    for kind in (
        *(("medial_branch_block", "diagnostic", which) for which in ("initial", "second")),
        *(("medial_branch_block", "therapeutic", which) for which in ("initial", "repeat")),
        *(("radiofrequency_ablation", "", which) for which in ("initial", "repeat")),
        *(("facet_cyst_rupture", "", which) for which in ("initial", "repeat")),
        ("intra_articular_injection", "diagnostic", "initial"),
        ("intra_articular_injection", "therapeutic", "initial"),
    ):
        assert kinds[kind], kind


def test_each_threshold_is_tried_from_both_sides_and_absent(
    answers: list[tuple[Case, Determination]], knowledge: Knowledge
) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for _, answer in answers:
        for one in answer.criteria:
            seen[one.statement].add(one.status)
    lacking = {
        (thing.id, str(dated.start), status)
        for thing, dated, value in _thresholds(knowledge)
        for status in _reachable(value, dated) - seen[value.statement]
    }
    assert lacking == set()


def _thresholds(knowledge: Knowledge) -> Iterator[tuple[Thing, Dated, Any]]:
    """Yield what is measured: criteria with a test and limits with a number, of each span that can be asked about."""
    begin = knowledge.store.horizon.from_
    for thing in knowledge.store.things.values():
        for dated in thing.history:
            if dated.end is not None and dated.end < begin:
                continue
            for one in dated.sides or (dated,):
                value = one.value
                if (
                    isinstance(value, Criterion) and value.test is not None and thing.question in _judged(knowledge)
                ) or (isinstance(value, Limit) and value.at_most is not None):
                    yield thing, dated, value


def _judged(knowledge: Knowledge) -> set[str]:
    """The questions whose criteria a determination judges; those of a decision beforehand have tests of their own."""
    from facetwise.coverage.rulebook import questions

    return {slug for _, slug, _ in questions(knowledge.store, "criterion")}


def _reachable(value: Criterion | Limit, dated: Dated) -> set[str]:
    """The statuses that a case can reach: what sources disagree about, or leaves open, is never not met."""
    found = {"met", "not_met", "unknown"}
    if dated.sides:
        found.discard("not_met")
    if isinstance(value, Limit):
        timeless = value.window.kind in ("per_event", "year_not_defined")
        uncounted = value.window.kind != "session" and value.counts not in ("session", "procedure", "block")
        if timeless or uncounted:
            found.discard("not_met")
        if value.window.kind == "session" and value.counts == "region":
            found.discard("unknown")  # one region where nothing else is said
    else:
        assert value.test is not None
        names = {leaf.asks for leaf in _leaves(value.test)}
        if names <= _ALWAYS:
            found.discard("unknown")
            if set(value.applies.technique) <= _technique_wanted(value.test):
                found.discard("not_met")
    return found


def _technique_wanted(test: Test) -> set[str]:
    return {word for leaf in _leaves(test) for word in (*leaf.one_of, *([leaf.is_] if leaf.is_ else []))}


def _leaves(test: Test) -> list[Test]:
    found = [leaf for one in (*test.all, *test.any, *test.none) for leaf in _leaves(one)]
    if test.prior is not None:
        found.append(test)
    return [*found, *([test] if test.asks else [])]
