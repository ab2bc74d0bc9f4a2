"""What the tests share: the knowledge, compiled once a process and kept out of the user's own cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from facetwise.knowledge import Knowledge, load

ROOT = Path(__file__).parents[1]

# Machines that run tests side by side are slow at times; that is no failure.
settings.register_profile("facetwise", deadline=None, database=None)
settings.load_profile("facetwise")


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A FACETWISE_HOME of the tests' own, shared by what they start."""
    path = tmp_path_factory.getbasetemp().parent / "facetwise-home"
    path.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACETWISE_HOME", str(path))
        yield path


@pytest.fixture(scope="session")
def knowledge(home: Path) -> Knowledge:
    """The knowledge as shipped."""
    return load()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Official files beside the checkout; tests that need them are skipped where they are not."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("the official files (shared/data beside the checkout) are not on this machine")
    return path
