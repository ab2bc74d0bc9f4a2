"""The knowledge as rows for the set-wise evaluation: rules by payer, state and day, and their tests flattened to nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from facetwise.coverage.logic import days_of, in_unit
from facetwise.coverage.regions import areas_of, pairs
from facetwise.coverage.rulebook import (
    CONTRACTOR,
    CONTRACTOR_NEEDED,
    CONTRACTOR_STATEMENT,
    CONTRACTORS_DIFFER,
    NEEDS_COVERED_CODE,
    NEEDS_COVERED_PROCEDURE,
    PLACES,
    POSITION_QUESTIONS,
    REFUSAL_QUESTIONS,
    REFUSED,
    SESSIONS,
    name_of,
    note_of,
    over_all_perhaps,
    places_codes,
    questions,
    refuses,
    silent_name,
    silent_needed,
    silent_statement,
    standing_of,
)
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Criterion, Family, Jurisdiction, Limit, Position
from facetwise.knowledge.parts import Applies, Measure, Test
from facetwise.knowledge.turns import turns
from facetwise.payers import Rules, Said, rules

_NO_RULES = Applies()
_PLACES = Decimal(1).scaleb(-10)  # decimals of the numbers in SQL
_EXACT = Context(prec=60)
_BOUNDS = ("at_least", "more_than", "at_most", "less_than")

CRITERIA, REFUSALS, LIMITS, POSITIONS = 1, 2, 3, 4


@dataclass(slots=True)
class Compiled:
    """Rows by the name of their table."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tests: dict[Test, int] = field(default_factory=dict)
    # Signatures hold the identity of dated values, which the store keeps alive.
    rulesets: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)


def compile_rules(knowledge: Knowledge, asked: Iterable[tuple[str, str, date]]) -> Compiled:
    """Return the rows that cases of these payers, states ("" for none) and days need.

    What cannot be asked (a day outside the horizon, a payer or state unknown on it) gets no row in `scope`.
    """
    compiled = Compiled()
    _vocabulary(compiled, knowledge)
    _questions(compiled, knowledge)
    turns = _turns(knowledge)
    compiled.add(
        "shared_word", id=CONTRACTOR, statement=CONTRACTOR_STATEMENT, needed=CONTRACTOR_NEEDED, differ=CONTRACTORS_DIFFER,
        needed_code=NEEDS_COVERED_CODE,
    )  # fmt: skip
    views: dict[int, tuple[View, set[str]]] = {}
    known: dict[tuple[int, str, str], int] = {}
    scopes: dict[tuple[int, str, str], tuple[Rules, int, list[tuple[str, Rules, int]]]] = {}
    for payer, state, day in asked:
        if not knowledge.store.horizon.from_ <= day <= knowledge.store.horizon.until:
            continue
        segment = bisect_right(turns, day)
        if segment not in views:
            views[segment] = _view(compiled, knowledge.as_of(day), segment)
        view, states = views[segment]
        if payer not in view.payers() or (state and state not in states):
            continue
        key = (segment, payer, state)
        if key not in scopes:
            own = rules(view, payer, state)
            each = [(one, own.of(one)) for one in own.possible]
            numbers = [_known_ruleset(compiled, known, segment, its) for its in (own, *(its for _, its in each))]
            others = [(one, its, number) for (one, its), number in zip(each, numbers[1:], strict=True)]
            scopes[key] = (own, numbers[0], others)
        own, ruleset, others = scopes[key]
        place = {"payer": payer, "state": state, "day": day.isoformat()}
        compiled.add(
            "scope", **place, segment=segment, ruleset=ruleset, whose=own.whose,
            unknown_contractor=own.unknown_contractor, possible=len(others),
        )  # fmt: skip
        for variant, (contractor, its, number) in enumerate(others, 1):
            compiled.add("scope_by", **place, variant=variant, contractor=contractor, ruleset=number, whose=its.whose)
    return compiled


def most_contractors(compiled: Compiled) -> int:
    """Return how many contractors may at most be meant where none is known."""
    return max((int(row["variant"]) for row in compiled.tables.get("scope_by", ())), default=0)


def deepest(compiled: Compiled) -> int:
    """Return the depth of the deepest node of any test; a test of one leaf has depth 0."""
    return max((int(row["depth"]) for row in compiled.tables.get("test_node", ())), default=0)


def _vocabulary(compiled: Compiled, knowledge: Knowledge) -> None:
    vocabulary = knowledge.store.vocabulary
    for listed, words in vocabulary.words.items():
        for word in words:
            compiled.add("word", list=listed, word=word)
    for name, one in vocabulary.asks.items():
        compiled.add("asks", name=name, type=one.type, unit=one.unit, words=one.words)


def _questions(compiled: Compiled, knowledge: Knowledge) -> None:
    for place, slug, question in questions(knowledge.store, "criterion"):
        if question.headline:
            compiled.add(
                "silent", question=slug, place=place, bears=list(question.technique), needed=silent_needed(question),
                statement=silent_statement(question), names=[silent_name(question)],
            )  # fmt: skip


def _turns(knowledge: Knowledge) -> list[date]:
    """Return the days from which something else holds: between two of them all days are alike, and share a segment."""
    kinds = ("payer", "jurisdiction", "family")
    return turns(knowledge.store, lambda thing: bool(thing.question) or thing.kind in kinds, ("anatomy/joints",))


def _view(compiled: Compiled, view: View, segment: int) -> tuple[View, set[str]]:
    """Add the rows of a segment; return its view and the states that are known in it."""
    states = {
        state
        for _, dated in view.of_kind("jurisdiction")
        if isinstance(dated.value, Jurisdiction)
        for state in dated.value.states
    }
    sources = dict.fromkeys(key for _, dated in view.of_kind("jurisdiction") for key in dated.sources)
    compiled.add("segment_sources", segment=segment, citations=list(sources))
    for pair in sorted(pairs(view)):
        compiled.add("pair", segment=segment, joints=list(pair))
    areas = areas_of(view)
    for region in view.store.vocabulary.words["region"]:
        compiled.add("area", segment=segment, region=region, area=areas.get(region, region))
    for _, record in view.rows("anatomy/joints"):
        regions = [record["region"], record["part"]]
        compiled.add("joint", segment=segment, joint=record["joint"], regions=regions)
    for place, (_, dated) in enumerate(view.of_kind("family")):
        value = dated.value
        if isinstance(value, Family):
            compiled.add(
                "family", segment=segment, place=place, technique=list(value.technique),
                region=list(value.region), guidance=list(value.guidance),
                codes=[rank.code for rank in value.ranks],
            )  # fmt: skip
    for _, dated in view.of_kind("criterion"):
        if isinstance(said := dated.value, Criterion):
            compiled.add(
                "concern", segment=segment, question=said.question, purpose=list(said.applies.purpose),
                sequence=list(said.applies.sequence),
            )  # fmt: skip
    return view, states


def _known_ruleset(compiled: Compiled, known: dict[tuple[int, str, str], int], segment: int, asked: Rules) -> int:
    """Return the number of a ruleset; the same rules of the same days are asked only once, whichever state they hold in."""
    key = (segment, asked.whose, asked.local)
    if key not in known:
        known[key] = _ruleset(compiled, asked.view, asked)
    return known[key]


def _ruleset(compiled: Compiled, view: View, asked: Rules) -> int:
    found: list[tuple[int, int, str, tuple[str, ...], Said]] = []
    for part, kind in ((CRITERIA, "criterion"), (LIMITS, "limit")):
        for place, slug, question in questions(view.store, kind):
            found += [(part, place, slug, question.technique, one) for one in asked.said(slug)]
    for part, slugs in ((REFUSALS, REFUSAL_QUESTIONS), (POSITIONS, POSITION_QUESTIONS)):
        for place, slug in enumerate(slugs):
            found += [(part, place, slug, (), one) for one in asked.said(slug)]
    signature = tuple(
        (part, slug, id(one.dated), one.answer.presumed, one.conflicting) for part, _, slug, _, one in found
    )
    if signature not in compiled.rulesets:
        compiled.rulesets[signature] = ruleset = len(compiled.rulesets)
        for seq, (part, place, slug, bears, one) in enumerate(found):
            _rule(compiled, view, one, ruleset=ruleset, part=part, place=place, seq=seq, question=slug, bears=bears)
    return compiled.rulesets[signature]


def _rule(compiled: Compiled, view: View, one: Said, **where: Any) -> None:
    value, part = one.value, where["part"]
    applies = getattr(value, "applies", None) or _NO_RULES
    row: dict[str, Any] = {}
    if part == CRITERIA:
        if not isinstance(value, Criterion):
            return
        row |= {"kind": "criterion", "test": _test(compiled, view, value.test)}
        if value.applies.technique:
            where["bears"] = ()  # what names its techniques bears on these, whatever its question is about
    elif part == REFUSALS:
        if not refuses(value):
            return
        row |= {"kind": "refusal", "test": _test(compiled, view, value.when)}
    elif part == LIMITS:
        if not isinstance(value, Limit):
            return
        row |= _limit(value)
    else:
        if not isinstance(value, Position) or not places_codes(value):
            return
        position = standing_of(value)
        row |= {
            "kind": "position",
            "codes": list(value.codes),
            "refused": position in REFUSED,
            "entry": "|".join([position, *one.citations]),
        }
    compiled.add(
        "rule", **where | {"bears": list(where["bears"])}, **row,
        **{f"for_{name}": list(getattr(applies, name)) for name in ("technique", "purpose", "sequence", "region", "guidance", "setting")},
        conflicting=one.conflicting, id=name_of(one, where["question"]),
        statement=value.statement, needed=NEEDS_COVERED_PROCEDURE if part == REFUSALS else value.cell, citations=list(one.citations),
        evidence=one.dated.evidence or "", note=note_of(one),
    )  # fmt: skip


def _limit(value: Limit) -> dict[str, Any]:
    window = value.window
    most = None if value.at_most is None else _bound(value.at_most, ROUND_FLOOR)
    if window.kind == "session":
        fact = "procedure.regions" if value.counts == "region" else "procedure.levels"
        return {"kind": "session", "fact": fact, "at_most": most, "counts": value.counts}
    days = None
    if window.kind == "rolling" and window.length is not None and window.unit is not None:
        days = days_of(window.length, window.unit)
    return {
        "kind": "window",
        "window_days": days,
        "by_year": window.kind == "calendar_year",
        "at_most": most,
        "counts": value.counts,
        "countable": value.counts in SESSIONS,
        "repeats": value.applies.sequence == ("repeat",),
        "over_all": over_all_perhaps(value),
        "per": [part for what in value.per for part in PLACES.get(what, ())],
    }


def _test(compiled: Compiled, view: View, test: Test | None) -> int | None:
    if test is None:
        return None
    if test not in compiled.tests:
        compiled.tests[test] = number = len(compiled.tests)
        _flatten(compiled, view, number, test, None, 0, [0])
    return compiled.tests[test]


def _flatten(
    compiled: Compiled, view: View, number: int, test: Test, parent: int | None, depth: int, count: list[int]
) -> None:
    """Add a node and, below it, its branches; `node` counts them in the order in which a reader meets them."""
    node = count[0]
    count[0] += 1
    place = {"test": number, "node": node}
    branches, kind = next(
        ((some, name) for some, name in ((test.all, "all"), (test.any, "any"), (test.none, "none")) if some),
        ((), "leaf" if test.prior is None else "prior"),
    )
    compiled.add("test_node", **place, parent=parent, depth=depth, kind=kind)
    for branch in branches:
        _flatten(compiled, view, number, branch, node, depth + 1, count)
    if kind == "leaf":
        compiled.add("leaf", **place, **_leaf(view, test))
    elif kind == "prior":
        _prior(compiled, view, place, test)


def _leaf(view: View, test: Test) -> dict[str, Any]:
    name = test.asks or ""
    asked = view.store.vocabulary.asks[name]
    wanted = ([test.is_] if test.is_ else []) + list(test.one_of)
    if asked.type == "boolean":
        wanted = [test.is_] if test.is_ in ("true", "false") else []
    return {"name": name, "type": asked.type, "wanted": wanted, **_bounds(test, asked.unit)}


def _bounds(bound: Test | Measure, unit: str | None) -> dict[str, str | None]:
    """Return the bounds in the fact's unit, rounded so that a comparison of ten decimals comes out the same."""
    up = {"at_least": ROUND_CEILING, "more_than": ROUND_FLOOR, "at_most": ROUND_FLOOR, "less_than": ROUND_CEILING}
    found: dict[str, str | None] = {}
    for name in _BOUNDS:
        limit = getattr(bound, name)
        found[name] = None if limit is None else _bound(in_unit(limit, bound.unit, unit), up[name])
    return found


def _bound(number: Decimal, rounding: str) -> str:
    return format(number.quantize(_PLACES, rounding=rounding, context=_EXACT), "f")


def _prior(compiled: Compiled, view: View, place: dict[str, int], test: Test) -> None:
    prior = test.prior
    assert prior is not None
    wanted = test.count or Measure(unit="procedures", at_least=Decimal(1))
    apart = test.apart if test.apart is not None and test.apart.at_least is not None else None
    within = test.within if test.within is not None and test.within.at_most is not None else None
    compiled.add(
        "prior", **place, **_bounds(wanted, wanted.unit),
        gap=days_of(apart.at_least, apart.unit) if apart and apart.at_least is not None else None,
        several=test.count is not None and test.count.at_least is not None and test.count.at_least > 1,
    )  # fmt: skip
    checks: list[dict[str, Any]] = [
        {"kind": what, "wanted": list(words)}
        for what, words in (("technique", prior.technique), ("purpose", prior.purpose), ("sequence", prior.sequence))
        if words
    ]
    for one in prior.where:
        flat = _conjunction(one)
        if flat is None:
            compiled.add("beyond", test=place["test"])
            return
        checks += [{"kind": "fact", "some": [_leaf(view, leaf) for leaf in group]} for group in flat]
    # The same site is the same level on the same side; anything else that is shared is at least the region.
    checks += [
        {"kind": f"same_{kind}"}
        for what in prior.same
        for kind in (("level", "side") if what == "site" else ("level",) if what == "joint" else (what,))
    ]
    if within and within.at_most is not None:
        checks.append({"kind": "within", "days": days_of(within.at_most, within.unit)})
    for pos, check in enumerate(checks):
        for choice, leaf in enumerate(check.pop("some", [{}])):
            compiled.add("prior_check", **place, pos=pos, choice=choice, **check, **leaf)


def _conjunction(test: Test) -> list[list[Test]] | None:
    """Return the test as groups of leaves, of each of which one must be met; None when it is of another shape."""
    if test.all:
        groups = [_conjunction(one) for one in test.all]
        return None if None in groups else [group for some in groups for group in some or ()]
    if test.any:
        return [list(test.any)] if all(one.asks for one in test.any) else None
    return [[test]] if test.asks else None
