"""The regions of the spine as coding counts them, and the pairs of joints that lie on either side of a border."""

from __future__ import annotations

from facetwise.coverage.rulebook import PAIR_QUESTION
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Billing


def areas_of(view: View) -> dict[str, str]:
    """Return the coding region that each region, part of one, and joint lies in."""
    found: dict[str, str] = {}
    for _, record in view.rows("anatomy/joints"):
        area = str(record["region"])
        found |= {str(record["part"]): area, area: area, str(record["joint"]): area}
    return found


def pairs(view: View) -> set[tuple[str, ...]]:
    """Return the pairs of neighbouring joints of two regions for which any payer has a rule on this day."""
    return {
        value.joints
        for _, dated in view.of_kind("billing")
        for one in dated.sides or (dated,)
        if isinstance(value := one.value, Billing) and value.question == PAIR_QUESTION and len(value.joints) == 2
    }
