"""The regions of the spine as coding counts them, and the pairs of joints that lie on either side of a border."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from facetwise.coverage.rulebook import PAIR_QUESTION
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Billing

# What is read of a view is read once, however many cases are asked of it.
_JOINTS: WeakKeyDictionary[View, dict[str, dict[str, Any]]] = WeakKeyDictionary()
_AREAS: WeakKeyDictionary[View, dict[str, str]] = WeakKeyDictionary()
_PAIRS: WeakKeyDictionary[View, frozenset[tuple[str, ...]]] = WeakKeyDictionary()


def joints_of(view: View) -> dict[str, dict[str, Any]]:
    """Return the joints of the spine by name, with what the table says of each."""
    if view not in _JOINTS:
        _JOINTS[view] = {str(record["joint"]): record for _, record in view.rows("anatomy/joints")}
    return _JOINTS[view]


def areas_of(view: View) -> dict[str, str]:
    """Return the coding region that each region, part of one, and joint lies in."""
    if view not in _AREAS:
        found: dict[str, str] = {}
        for joint, record in joints_of(view).items():
            area = str(record["region"])
            found |= {str(record["part"]): area, area: area, joint: area}
        _AREAS[view] = found
    return _AREAS[view]


def pairs(view: View) -> frozenset[tuple[str, ...]]:
    """Return the pairs of neighbouring joints of two regions for which any payer has a rule on this day."""
    if view not in _PAIRS:
        _PAIRS[view] = frozenset(
            value.joints
            for _, dated in view.of_kind("billing")
            for one in dated.sides or (dated,)
            if isinstance(value := one.value, Billing) and value.question == PAIR_QUESTION and len(value.joints) == 2
        )
    return _PAIRS[view]
