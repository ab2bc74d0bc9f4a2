"""Claim edits: what would be refused or denied of each claim line, why, what to do, and from which source.

Every edit is SQL over one claim-line table and the reference tables (docs/check.md); engines run the same text.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facetwise.edits.check import Asked, checked
    from facetwise.edits.one_claim import Checker

__all__ = ["Asked", "Checker", "checked"]
_HOMES = {"Asked": "check", "checked": "check", "Checker": "one_claim"}


def __getattr__(name: str) -> Any:
    """Import the engines only when they are used."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"facetwise.edits.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
