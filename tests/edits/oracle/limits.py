"""Limits within a session: levels, and regions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from edits.oracle.claims import BOTH, LEFT, RIGHT, Claims, Line, grouped, pair_of, session_claims
from edits.oracle.finding import Found
from edits.oracle.world import ABLATION, INJECTION, World, bears_on
from facetwise.findings import Severity
from facetwise.knowledge.kinds import Limit
from facetwise.payers import Said

_RANKS = ("first", "second", "third_and_further", "each_further")
_FURTHER = "each_further"


def certain(one: Said) -> Severity:
    """The severity of a limit: deny, but for one that is inferred or in dispute."""
    return "review" if one.conflicting or one.dated.evidence == "inferred" else "deny"


def _in_session(world: World, line: Line, question: str) -> list[Said]:
    return [
        one
        for one in world.said(line.day, line.book, question)
        if isinstance(one.value, Limit) and one.value.at_most is not None and one.value.window.kind == "session"
    ]


def level_limit(world: World, claims: Claims) -> Iterator[Found]:
    """More levels in a session than the payer allows; the surgeon's claim and the facility's are counted apart."""
    for group in session_claims(claims.facets).values():
        for kind in (INJECTION, ABLATION):
            lines = [line for line in group if line.facet and line.facet.kind == kind]
            if lines:
                for one in _in_session(world, lines[0], "levels-per-session"):
                    if bears_on(world, one.value, kind):
                        yield from _levels(one, kind, lines)


def _levels(one: Said, kind: str, lines: list[Line]) -> Iterator[Found]:
    limit: Limit = one.value
    if limit.applies.purpose:
        lines = [line for line in lines if line.purpose in limit.applies.purpose]
    regions = grouped(lines, lambda line: line.place)
    parts = [[region] for region in regions] if "region" in limit.per else [list(regions)]
    for part in parts:
        used = [_used(limit.counts, kind, regions[region]) for region in part]
        levels = sum(_used("level", kind, regions[region]) or 0 for region in part)
        if None in used or sum(number for number in used if number is not None) <= (limit.at_most or 0):
            continue
        line = _highest([line for region in part for line in regions[region] if line.checked])
        if line is None:
            continue
        if limit.counts == "block" and levels <= (limit.at_most or 0):
            # Whether both sides of one level are one block or two is not said.
            yield line.finding("fact-not-established", "review", apart="levels", used=used)
        else:
            yield line.finding("level-limit", certain(one), used=[str(number) for number in used])


def _highest(lines: list[Line]) -> Line | None:
    return max(lines, key=lambda line: (_RANKS.index(line.facet.rank) if line.facet else 0, line.id), default=None)


def _used(counts: str, kind: str, lines: list[Line]) -> Decimal | None:
    """Return how many levels, levels on the fuller side, or sides of levels the lines of one region report."""
    if counts in ("level", "joint"):
        return _levels_of(kind, lines)
    if counts == "levels_each_side":
        return max(
            _levels_of(kind, [line for line in lines if line.side in (side, BOTH, "")]) for side in (RIGHT, LEFT)
        )
    if counts in ("injection", "block", "procedure"):
        return _sides_of_levels(lines)
    return None


def _levels_of(kind: str, lines: list[Line]) -> Decimal:
    """An injection's levels are the ranks there are; an ablation's the first and the units of the further ones, both sides being one."""
    ranks = {line.facet.rank for line in lines if line.facet}
    if kind == INJECTION:
        return Decimal(len(ranks))
    right, left, bare = (_further(lines, sides) for sides in ((RIGHT, BOTH), (LEFT, BOTH), ("",)))
    return Decimal(len(ranks - {_FURTHER})) + max(right, left) + bare


def _further(lines: list[Line], sides: tuple[str, ...]) -> Decimal:
    return sum(
        (line.units for line in lines if line.facet and line.facet.rank == _FURTHER and line.side in sides), Decimal(0)
    )


def _sides_of_levels(lines: list[Line]) -> Decimal:
    total = Decimal(0)
    for rank, of_rank in grouped(lines, lambda line: line.facet.rank if line.facet else "").items():
        if rank == _FURTHER:
            total += sum(line.units * (2 if line.side == BOTH else 1) for line in of_rank)
        else:
            sides = {
                side for line in of_rank for side in ((RIGHT, LEFT) if line.side == BOTH else (line.side,)) if side
            }
            total += max(len(sides), 1)
    return total


def region_limit(world: World, claims: Claims) -> Iterator[Found]:
    """More regions in a session than the payer allows; the pair of joints at the border of two may count as one."""
    for group in session_claims(claims.facets).values():
        for one in _in_session(world, group[0], "regions-per-session"):
            if one.value.counts != "region":
                continue
            lines = [line for line in group if line.facet and bears_on(world, one.value, line.facet.kind)]
            line = max((line for line in lines if line.checked), key=lambda line: line.id, default=None)
            if line is None or len({line.place for line in lines}) <= (one.value.at_most or 0):
                continue
            other = max((other for other in lines if other.place != line.place), key=lambda line: line.id)
            # Codes that are reported as those of two regions count as two however the pair is disputed.
            said = [pair for pair in pair_of(world, group) if pair.regions != 2]
            yield line.finding("region-limit", "review" if said else certain(one), other)
