"""The cases of `check` that stand beside the knowledge, run through the scalar reference."""

from __future__ import annotations

import pytest

from edits.check_cases import Case, read_cases
from edits.oracle import World, check
from facetwise.knowledge import Knowledge

_CASES = read_cases()


@pytest.fixture(scope="module")
def world(knowledge: Knowledge) -> World:
    return World(knowledge)


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_scalar_reference(case: Case, world: World) -> None:
    found = check(world, case.lines, case.history)
    faults = case.faults(case.shown([one.key() for one in found]))
    assert not faults, "\n".join(faults)


def test_sources_are_known(knowledge: Knowledge) -> None:
    for case in _CASES:
        assert case.sources, f"{case.name} says no source"
        for key in case.sources:
            assert key in knowledge.store.sources, f"{case.name}: {key}"
