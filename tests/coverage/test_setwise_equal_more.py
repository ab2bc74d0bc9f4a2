"""The set-wise evaluation and the scalar engine answer alike on 10,000 random cases: the other half, for a second worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from coverage_shapes import check_equal
from facetwise.knowledge import Knowledge


@pytest.mark.parametrize("seed", [2, 3])
def test_equal_to_the_scalar_engine(seed: int, knowledge: Knowledge, tmp_path: Path) -> None:
    check_equal(seed, knowledge, tmp_path)
