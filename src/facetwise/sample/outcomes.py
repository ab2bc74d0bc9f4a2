"""What a payer's rules come to for a spoiled claim: which edit a third level is, how many levels are too many, what sedation is judged."""

from __future__ import annotations

from facetwise.knowledge.kinds import Billing, Limit, Position
from facetwise.knowledge.parts import Test
from facetwise.sample.clean import REGIONS, Maker

_REFUSED = ("not_covered", "appeal_only")
_UNKNOWN = "fact-not-established"


def third_level_edit(maker: Maker, code: str, region: str) -> str:
    """Return the edit that a third level is for the payer: refused, or its position not established."""
    technique = maker.family("diagnostic", region).technique
    said = [
        one.value.position
        for question in ("third-level-position", "code-position")
        for name in technique
        for one in maker.book.said(question, name)
        if isinstance(one.value, Position) and code in one.value.codes
    ]
    return "third-level-not-covered" if any(position in _REFUSED for position in said) else _UNKNOWN


def levels_over(maker: Maker, purpose: str, region: str, levels: int, within: str = "region") -> list[str]:
    """Return the edits that so many levels of one side bring about, all in one region or in the session as a whole."""
    found = set()
    for one in maker.book.limits("levels-per-session", maker.family(purpose, region).technique):
        limit = one.value
        bound = limit.applies.purpose
        if limit.window.kind != "session" or (bound and not (purpose in bound and purpose_tells(maker, region))):
            continue
        if levels > limit.at_most and (within == "region" or "region" not in limit.per):
            found.add("level-limit")
    return sorted(found)


def purpose_tells(maker: Maker, region: str) -> bool:
    """Whether a line's modifiers tell an injection's purpose."""
    family = maker.family("diagnostic", region)
    return bool(maker.book.diagnostic_modifiers(family.ranks[0].code, family.technique[0], "professional"))


def counts_sessions(maker: Maker, limit: Limit, purpose: str) -> bool:
    """Whether the limit counts sessions over a span of time, more than one, and the claim tells which it counts."""
    bound = limit.applies.purpose
    told = not bound or (purpose in bound and purpose_tells(maker, REGIONS[0]))
    counted = limit.counts == "session" or limit.counts in ("procedure", "injection", "block")
    return told and counted and "level" not in limit.per and limit.window.kind == "rolling" and (limit.at_most or 0) > 1


def sedation_status(test: Test, sedation: str) -> bool | None:
    """Judge a test when nothing is known but the sedation."""
    if test.asks is not None:
        if test.asks != "procedure.sedation":
            return None
        return sedation in test.one_of if test.one_of else sedation == test.is_
    parts = [sedation_status(part, sedation) for part in (*test.all, *test.any, *test.none)]
    if test.all:
        return False if False in parts else None if None in parts else True
    if test.any:
        return True if True in parts else None if None in parts else False
    return None


def border_pair(maker: Maker, purpose: str, codes: set[str]) -> bool:
    """Whether these are the codes of the pair of joints at the regions' border, for which the payer has a rule of its own."""
    techniques = maker.family(purpose, REGIONS[0]).technique
    said = [one.value for technique in techniques for one in maker.book.said("junction-pair", technique)]
    return any(isinstance(one, Billing) and set(one.codes) <= codes for one in said)
