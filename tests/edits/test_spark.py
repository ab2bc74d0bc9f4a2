"""The rule texts on Spark, in local mode: the same findings, to the letter, as on DuckDB and SQLite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edits.compare_spark import compare
from facetwise.knowledge import Knowledge

_LINES = 4_000  # dense in findings: every edit is among them


@pytest.fixture
def _spark() -> None:
    pytest.importorskip("pyspark", reason="pyspark (the extra 'spark') is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on this machine")


@pytest.mark.usefixtures("_spark")
def test_three_engines_say_the_same(knowledge: Knowledge, tmp_path: Path) -> None:
    assert compare(knowledge, 7, _LINES, tmp_path) == ""
