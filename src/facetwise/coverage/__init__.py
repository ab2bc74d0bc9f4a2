"""Is it covered, and what is missing: a case against the criteria, limits and positions of its payer on its day."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facetwise.coverage.answers import Determination
    from facetwise.coverage.case import Case, read_cases
    from facetwise.coverage.determination import cover

__all__ = ["Case", "Determination", "cover", "read_cases"]

_HOMES = {"Case": "case", "read_cases": "case", "Determination": "answers", "cover": "determination"}


def __getattr__(name: str) -> Any:
    # The command line imports its options from here; the engine is loaded when it is needed.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
