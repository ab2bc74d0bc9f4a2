"""The engines against the scalar reference, row for row: cases, random claims, invented releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edits import random_ncci
from edits.check_cases import Case, read_cases
from edits.comparing import differences, drawn
from edits.engines import Key, in_batch, one_by_one
from edits.oracle import World, check
from facetwise.edits import Checker, registry
from facetwise.edits.batch import Settings
from facetwise.knowledge import Knowledge

# Every finding that the edits can give, but for those that no claim can draw from today's knowledge.
_OCCURRING = {
    "code-not-effective": {"reject"},
    "add-on-without-primary": {"deny", "review"},
    "ptp-pair": {"deny", "review"},
    "mue-exceeded": {"deny", "review"},
    "units-not-one": {"deny"},
    "bilateral-reporting": {"deny", "review"},
    "laterality-missing": {"review"},
    "third-level-not-covered": {"deny", "review"},
    "ultrasound-guided": {"deny", "review"},
    "technique-not-covered": {"deny", "review"},
    "level-limit": {"deny", "review"},
    "region-limit": {"deny", "review"},
    "session-limit": {"deny", "review"},
    "repeat-too-soon": {"deny", "review"},
    "diagnostic-modifier-missing": {"review"},
    "imaging-included": {"deny", "review"},
    "image-guidance-missing": {"review"},
    "diagnosis-not-supporting": {"deny", "review"},
    "sedation-not-covered": {"deny", "review"},
    "prior-authorization-missing": {"deny", "review", "info"},
    "destruction-includes-injection": {"deny", "review"},
    "fact-not-established": {"review", "info"},
}


@pytest.fixture(scope="module")
def world(knowledge: Knowledge) -> World:
    return World(knowledge)


@pytest.fixture(scope="module")
def checker(knowledge: Knowledge) -> Iterator[Checker]:
    with Checker(knowledge) as opened:
        yield opened


def test_every_edit_and_severity_occurs(world: World) -> None:
    missing = {(edit, severity) for edit, severities in _OCCURRING.items() for severity in severities}
    assert {edit for edit, _ in missing} == set(registry.edits())
    for seed in range(9, 19):
        batch = drawn(world, seed, 2000)
        missing -= {(one.edit, one.severity) for one in check(world, batch.lines, batch.history)}
        if not missing:
            return
    raise AssertionError(f"20,000 random claims give no {sorted(missing)}")


def test_random_claims(world: World, knowledge: Knowledge, checker: Checker, tmp_path: Path) -> None:
    batch = drawn(world, seed=1, claims=3000)
    wanted = check(world, batch.lines, batch.history)
    for engine, found in (
        ("the batch engine", in_batch(knowledge, tmp_path, batch.lines, batch.history)),
        ("the one-claim engine", one_by_one(checker, batch.lines, batch.history)),
    ):
        said = differences(batch, wanted, found, engine)
        assert not said, said


def test_without_a_history(world: World, knowledge: Knowledge, checker: Checker, tmp_path: Path) -> None:
    batch = replace(drawn(world, seed=2, claims=800), history=[])
    wanted = check(world, batch.lines)
    assert not any(one.edit == "diagnostic-modifier-missing" for one in wanted)
    for engine, found in (
        ("the batch engine", in_batch(knowledge, tmp_path, batch.lines, None)),
        ("the one-claim engine", one_by_one(checker, batch.lines, None)),
    ):
        said = differences(batch, wanted, found, engine)
        assert not said, said


def test_in_several_lots(world: World, knowledge: Knowledge, tmp_path: Path) -> None:
    batch = drawn(world, seed=3, claims=300)
    wanted = check(world, batch.lines, batch.history)
    found = in_batch(knowledge, tmp_path, batch.lines, batch.history, settings=Settings(lot_lines=500))
    said = differences(batch, wanted, found, "the batch engine in lots")
    assert not said, said


def test_invented_releases(knowledge: Knowledge, tmp_path: Path) -> None:
    seed = 1
    catalog = tmp_path / "catalog.duckdb"
    world = World(knowledge, random_ncci.make(seed, knowledge, catalog))
    batch = drawn(
        world, seed, 1000, within=(random_ncci.FIRST.replace(year=2024, month=12), random_ncci.LAST.replace(month=10))
    )
    wanted = check(world, batch.lines, batch.history)
    assert Counter(one.edit for one in wanted)["ptp-pair"] > 300
    with Checker(knowledge, catalog=catalog) as checker:
        for engine, found in (
            ("the batch engine", in_batch(knowledge, tmp_path, batch.lines, batch.history, catalog)),
            ("the one-claim engine", one_by_one(checker, batch.lines, batch.history)),
        ):
            said = differences(batch, wanted, found, engine)
            assert not said, said


_CASES = read_cases()


@pytest.fixture(scope="module")
def batched(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Key]]:
    """What the batch engine finds of all cases, those with a history in one run and those without in another."""
    found: dict[str, list[Key]] = {case.name: [] for case in _CASES}
    for with_history in (True, False):
        chosen = {str(n): case for n, case in enumerate(_CASES) if (case.history is not None) == with_history}
        lines = [_apart(row, n) for n, case in chosen.items() for row in case.lines]
        history = [_apart(row, n) for n, case in chosen.items() for row in case.history or ()]
        folder = tmp_path_factory.mktemp("cases")
        for edit, severity, claim, number, other in in_batch(
            knowledge, folder, lines, history if with_history else None
        ):
            of_case, own = claim.split(" ")
            beside = (other[0].split(" ")[1], other[1]) if other else None
            found[chosen[of_case].name].append((edit, severity, own, number, beside))
    return found


def _apart(row: dict[str, object], number: str) -> dict[str, object]:
    person = row["person_id"]
    return {**row, "claim_id": f"{number} {row['claim_id']}", "person_id": f"{number} {person}" if person else None}


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_case_in_batch(case: Case, batched: dict[str, list[Key]]) -> None:
    faults = case.faults(case.shown(batched[case.name]))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_case_one_by_one(case: Case, checker: Checker) -> None:
    faults = case.faults(case.shown(one_by_one(checker, case.lines, case.history)))
    assert not faults, "\n".join(faults)
