"""Sources that disagree, reported as such.

Declared conflicts (an entry with `conflict`) are listed; undeclared ones are looked for: two positions of one payer on
one code at one date, a code that needs prior authorization while it is not covered, two versions of one policy in
force at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from facetwise.knowledge.kinds import Policy, Position, PriorAuthorization
from facetwise.knowledge.parts import Applies
from facetwise.knowledge.store import Dated, Store, Thing
from facetwise.problems import Problem

_LEVEL = "contradiction"
_Held = tuple[Thing, Dated]


def contradictions(store: Store) -> list[Problem]:
    """Return every contradiction of the store, by file and line."""
    found = [*_declared(store), *_positions(store), *_authorizations(store), *_versions(store)]
    return sorted(found)


def _declared(store: Store) -> Iterator[Problem]:
    for thing in store.things.values():
        for dated in thing.history:
            if dated.sides:
                sides = " against ".join(", ".join(side.sources) for side in dated.sides)
                yield Problem(
                    dated.file, dated.line, f"{thing.id}: sources disagree {_span(dated)}: {sides}", level=_LEVEL
                )


def _each(store: Store, kind: type[Position] | type[PriorAuthorization] | type[Policy]) -> Iterator[_Held]:
    for thing in store.things.values():
        for dated in thing.history:
            for one in dated.sides or (dated,):
                if isinstance(one.value, kind):
                    yield thing, one


def _positions(store: Store) -> Iterator[Problem]:
    by_code: dict[tuple[str, str, str], list[_Held]] = {}
    for thing, dated in _each(store, Position):
        assert isinstance(dated.value, Position)
        if dated.value.when is None:
            for code in dated.value.codes:
                by_code.setdefault((thing.payer, dated.value.question, code), []).append((thing, dated))
    for (payer, _, code), held in by_code.items():
        for (one, left), (other, right) in combinations(held, 2):
            assert isinstance(left.value, Position)
            assert isinstance(right.value, Position)
            if one.id == other.id or left.value.position == right.value.position or not _meet(left, right):
                continue
            if _apart(left.value.applies, right.value.applies):
                continue
            yield Problem(
                right.file,
                right.line,
                f"{payer} has {code} as {left.value.position} ({one.id}) and as {right.value.position} ({other.id}) "
                f"{_common(left, right)}",
                level=_LEVEL,
            )


def _authorizations(store: Store) -> Iterator[Problem]:
    refused: dict[tuple[str, str], list[_Held]] = {}
    for thing, dated in _each(store, Position):
        assert isinstance(dated.value, Position)
        if dated.value.position in ("not_covered", "appeal_only") and dated.value.when is None:
            for code in dated.value.codes:
                refused.setdefault((thing.payer, code), []).append((thing, dated))
    for thing, dated in _each(store, PriorAuthorization):
        assert isinstance(dated.value, PriorAuthorization)
        if dated.value.required != "yes":
            continue
        for code in dated.value.codes:
            for other, position in refused.get((thing.payer, code), []):
                assert isinstance(position.value, Position)
                if _meet(dated, position) and not _apart(dated.value.applies, position.value.applies):
                    words = position.value.position.replace("_", " ")
                    yield Problem(
                        dated.file,
                        dated.line,
                        f"{thing.payer} wants prior authorization of {code}, which {other.id} has as {words} "
                        f"{_common(dated, position)}",
                        level=_LEVEL,
                    )


def _versions(store: Store) -> Iterator[Problem]:
    by_identifier: dict[str, list[_Held]] = {}
    for thing, dated in _each(store, Policy):
        assert isinstance(dated.value, Policy)
        if dated.value.status == "in_force":
            by_identifier.setdefault(dated.value.identifier, []).append((thing, dated))
    for identifier, held in by_identifier.items():
        for (one, left), (other, right) in combinations(held, 2):
            if one.id != other.id and _meet(left, right):
                yield Problem(
                    right.file,
                    right.line,
                    f"{identifier} is in force twice {_common(left, right)}: {one.id} and {other.id}",
                    level=_LEVEL,
                )


def _apart(left: Applies, right: Applies) -> bool:
    """Whether no procedure can fall under both."""
    for name in ("technique", "purpose", "sequence", "region", "guidance", "setting", "claim"):
        one, other = set(getattr(left, name)), set(getattr(right, name))
        if one and other and not one & other:
            return True
    return False


def _meet(left: Dated, right: Dated) -> bool:
    return (left.start or date.min) <= (right.end or date.max) and (right.start or date.min) <= (left.end or date.max)


def _common(left: Dated, right: Dated) -> str:
    start = max(left.start or date.min, right.start or date.min)
    end = min(left.end or date.max, right.end or date.max)
    return _words(None if start == date.min else start, None if end == date.max else end)


def _span(dated: Dated) -> str:
    return _words(dated.start, dated.end)


def _words(start: date | None, end: date | None) -> str:
    begin = f"from {start}" if start else "at undated times"
    return f"{begin} until {end}" if end else begin
