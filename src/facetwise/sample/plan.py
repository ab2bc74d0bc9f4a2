"""The plan of a sample: every pattern under every payer's book, and the tables by which DuckDB draws from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa

from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem
from facetwise.sample.books import Book, Views, books, key_of
from facetwise.sample.clean import MOST_LEVELS, PURPOSES, REGIONS, SETTINGS, SIDES, Maker, Variant, plain_claim
from facetwise.sample.mix import FACET_CLASS, Mix, Payment, read_mix
from facetwise.sample.ncci import Ncci, read_ncci
from facetwise.sample.patterns import HOSPITAL, PROFESSIONAL, Claim, Pattern
from facetwise.sample.planted import planted

SLOTS = 4096
REASONS = 64
PROVIDERS = 40  # of one kind in one state
_IN_GROUP = 5
_MODIFIERS = 5
_EPOCH = date(1970, 1, 1)
_PLAIN_FOR_ERRORS, _PLAIN_BETWEEN = "pain-office-3", "pain-office-4"


@dataclass(frozen=True, slots=True)
class Span:
    """The first and last day of the claims, and the first day of the history before them."""

    first: date
    last: date
    history: date


@dataclass(slots=True)
class Plan:
    """The tables by name, and the variables that do not depend on the seed."""

    tables: dict[str, pa.Table]
    variables: dict[str, int]
    patterns: list[Pattern]
    edits: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    mix: Mix
    ncci: Ncci
    span: Span
    diagnoses: dict[str, tuple[tuple[str, int], ...]]
    patterns: list[Pattern] = field(default_factory=list)
    numbers: dict[Pattern, int] = field(default_factory=dict)
    flawed: dict[str, list[tuple[int, date, date, int]]] = field(default_factory=dict)
    clean: list[tuple[int, str, int, int]] = field(default_factory=list)

    def number(self, pattern: Pattern) -> int:
        """Return the number of a pattern; equal ones share it."""
        if pattern not in self.numbers:
            self.numbers[pattern] = len(self.patterns)
            self.patterns.append(pattern)
        return self.numbers[pattern]


def plan(knowledge: Knowledge, span: Span, catalog: Path | None = None) -> Plan:
    """Return the plan for a span of days. Raises FacetwiseError where the knowledge does not answer for it."""
    views = Views(knowledge)
    mix = read_mix(knowledge.store)
    ncci = read_ncci(knowledge, catalog, _codes(knowledge, mix))
    draft = _Draft(mix, ncci, span, dict(mix.diagnoses))
    plain = {
        name: draft.number(Pattern((plain_claim(visit),), date.min, date.max)) for name, visit in mix.visits.items()
    }
    by_key: dict[tuple[str, str, str], int] = {}
    book_days: list[tuple[int, int, int]] = []
    members: dict[int, list[int]] = {}
    total = 0
    for number, payment in enumerate(mix.payments):
        key = key_of(views, payment.payer, payment.state, span.last)
        if key not in by_key:
            by_key[key] = len(by_key)
            mine = books(views, payment.payer, payment.state, span.history, span.last, ncci)
            for book in mine:
                _fill(draft, book, total, by_key[key])
                book_days += [(by_key[key], day, total) for day in range(_day(book.start), _day(book.end) + 1)]
                total += 1
        members.setdefault(by_key[key], []).append(number)
    clean = _clean_visits(draft, plain, views)
    books_of = {number: key for key, numbers in members.items() for number in numbers}
    return _Tables(draft, plain, clean, books_of, members, book_days).plan()


def _fill(draft: _Draft, book: Book, number: int, key: int) -> None:
    maker = Maker(book, draft.mix, draft.ncci, draft.diagnoses)
    for purpose in PURPOSES:
        for index, (region, side, setting) in enumerate(_kinds()):
            best: Pattern | None = None
            for levels in range(1, MOST_LEVELS + 1):
                best = maker.pattern(Variant(purpose, region, side, levels, setting)) or best
                if best is not None:
                    draft.clean.append((number, purpose, index * MOST_LEVELS + levels - 1, draft.number(best)))
    if book.end < draft.span.first:
        return
    for pattern in planted(maker, _PLAIN_FOR_ERRORS):
        first = max(book.start, draft.span.first) + timedelta(days=pattern.reach)
        last = min(book.end, draft.span.last)
        if first <= last and book.start <= first - timedelta(days=pattern.reach):
            draft.flawed.setdefault(pattern.error, []).append((draft.number(pattern), first, last, key))


def _kinds() -> list[tuple[str, str, str]]:
    return [(region, side, setting) for region in REGIONS for side in SIDES for setting in SETTINGS]


def _codes(knowledge: Knowledge, mix: Mix) -> set[str]:
    """Return every code that a sample claim may bear."""
    found = {line.code for visit in mix.visits.values() for line in visit.lines}
    found |= {line.code for lines in mix.stand_ins.values() for line in lines}
    for thing in knowledge.store.things.values():
        if thing.kind == "family":
            found |= {rank.code for dated in thing.history for rank in getattr(dated.value, "ranks", ())}
    return found - {""}


def _clean_visits(draft: _Draft, plain: dict[str, int], views: Views) -> set[str]:
    """Return the visits of the mix that no NCCI table has anything against; the others are left out of the sample.

    Raises FacetwiseError where that leaves a class of patients without a visit, or a course without one of its visits.
    """
    view = views.as_of(draft.span.last)
    clean = {
        name
        for name, number in plain.items()
        if not draft.ncci.findings(
            view, draft.patterns[number].claims, draft.span.history, draft.span.last, steady=False
        )
    }
    needed = {step.visit for _, steps in draft.mix.courses.values() for step in steps} & set(plain)
    needed |= {_PLAIN_FOR_ERRORS, _PLAIN_BETWEEN}
    classes = {one.name for one in draft.mix.people} - {FACET_CLASS}
    empty = sorted(
        classes - {visit.people for name, visit in draft.mix.visits.items() if name in clean and visit.weight}
    )
    for name in [*sorted(needed - clean), *empty]:
        raise FacetwiseError(
            Problem(
                f"samples/visits: {name}",
                0,
                "the NCCI tables deny it",
                "a visit that no edit has anything against",
                "change it",
            )
        )
    return clean


class _Tables:
    """Turns a draft into tables."""

    def __init__(
        self,
        draft: _Draft,
        plain: dict[str, int],
        clean: set[str],
        books_of: dict[int, int],
        members: dict[int, list[int]],
        book_days: list[tuple[int, int, int]],
    ):
        self.draft = draft
        self.mix = draft.mix
        self.plain = plain
        self.clean = clean
        self.books_of = books_of
        self.members = members
        self.book_days = book_days
        self.states = sorted({payment.state for payment in self.mix.payments})
        self.specialties = sorted({claim.provider for pattern in draft.patterns for claim in pattern.claims})
        self.reasons = list(draft.diagnoses)

    def plan(self) -> Plan:
        tables = {
            **self._picks(),
            **self._patterns(),
            **self._flawed(),
            "payment": _table(
                ("payment", "books", "written", "state", "place"),
                [
                    (number, self.books_of[number], one.written, one.state, self.states.index(one.state))
                    for number, one in enumerate(self.mix.payments)
                ],
            ),
            "book_day": _table(("books", "day", "book"), self.book_days),
            "clean": _table(("book", "purpose", "variant", "pattern"), self.draft.clean),
            "step": self._steps(),
            "provider": self._providers(),
            "diagnosis": _table(
                ("key", "code"),
                [
                    (number * REASONS + slot, codes[index][0].replace(".", ""))
                    for number, name in enumerate(self.reasons)
                    for codes in [self.draft.diagnoses[name]]
                    for slot, index in enumerate(_slots([weight for _, weight in codes], REASONS))
                ],
            ),
            "besides": _table(("diagnoses",), [(self.reasons.index("besides"),)]),
            "plain_between": _table(("pattern",), [(self.plain[_PLAIN_BETWEEN],)]),
        }
        variables = {
            "from_day": _day(self.draft.span.first),
            "to_day": _day(self.draft.span.last),
            "history_day": _day(self.draft.span.history),
            "specialties": len(self.specialties),
            "providers": PROVIDERS,
        }
        edits = {one.edit for pattern in self.draft.patterns for one in pattern.expected}
        return Plan(tables, variables, self.draft.patterns, tuple(sorted(edits)))

    def _picks(self) -> dict[str, pa.Table]:
        mix = self.mix
        states: dict[str, int] = {}
        for one in mix.payments:
            states[one.written] = states.get(one.written, 0) + 1
        payments = _slots([_share(one, states) for one in mix.payments], SLOTS)
        courses = list(mix.courses.items())
        sets = [mix.procedures[aspect] for aspect in ("region", "side", "setting", "levels")]
        kinds = [(*kind, str(levels)) for kind in _kinds() for levels in range(1, MOST_LEVELS + 1)]
        weights = [
            reduce(lambda product, pair: product * pair[0].get(pair[1], 0), zip(sets, kind, strict=True), 1)
            for kind in kinds
        ]
        people = {one.name for one in mix.people}
        return {
            "payment_pick": _pick("payment", payments),
            "class_pick": _table(
                ("slot", "class", "visits_from", "visits_to"),
                [
                    (slot, mix.people[index].name, mix.people[index].visits_from, mix.people[index].visits_to)
                    for slot, index in enumerate(_slots([one.weight for one in mix.people], SLOTS))
                ],
            ),
            "course_pick": _table(
                ("slot", "course", "steps"),
                [
                    (slot, index, len(courses[index][1][1]))
                    for slot, index in enumerate(_slots([weight for _, (weight, _) in courses], SLOTS))
                ],
            ),
            "variant_pick": _pick("variant", _slots(weights, SLOTS)),
            "kind_pick": _table(
                ("class", "slot", "pattern"),
                [
                    (name, slot, self.plain[visits[index].name])
                    for name in sorted(people - {FACET_CLASS})
                    for visits in [
                        [one for one in mix.visits.values() if one.people == name and one.name in self.clean]
                    ]
                    for slot, index in enumerate(_slots([one.weight for one in visits], SLOTS))
                ],
            ),
        }

    def _steps(self) -> pa.Table:
        rows = []
        for number, (_, steps) in enumerate(self.mix.courses.values()):
            after = 0
            for place, step in enumerate(steps):
                after += step.after
                purpose = step.visit if step.visit in PURPOSES else None
                rows.append((number, place, after, purpose, None if purpose else self.plain[step.visit]))
        return _table(("course", "v", "after", "purpose", "pattern"), rows)

    def _patterns(self) -> dict[str, pa.Table]:
        patterns: list[tuple[int, int, int]] = []
        lines: list[tuple[Any, ...]] = []
        expected: list[tuple[Any, ...]] = []
        for number, pattern in enumerate(self.draft.patterns):
            first = len(lines)
            for place, claim in enumerate(pattern.claims):
                for at, line in enumerate(claim.lines, start=1):
                    modifiers = [*line.modifiers, *[None] * _MODIFIERS][:_MODIFIERS]
                    lines.append(
                        (
                            *(len(lines), place, at, _type(claim)),
                            *(claim.place or None, claim.bill_type or None, self.specialties.index(claim.provider)),
                            *(line.code or None, *modifiers, line.units, line.charge, claim.form == PROFESSIONAL),
                            *(self.reasons.index(claim.diagnoses), claim.authorized, claim.days_before, claim.history),
                        )
                    )
            patterns.append((number, first, len(lines) - first))
            expected += [
                (
                    *(number, pattern.error, one.edit, one.claim, one.line, one.other_claim, one.other_line),
                    _type(pattern.claims[one.claim]),
                )
                for one in pattern.expected
            ]
        names = (
            *("line", "claim", "number", "claim_type", "place_of_service_code", "bill_type_code", "specialty"),
            *("hcpcs_code", *(f"hcpcs_modifier_{n}" for n in range(1, _MODIFIERS + 1)), "units", "charge", "rendered"),
            *("diagnoses", "authorized", "days_before", "history"),
        )
        return {
            "pattern": _table(("pattern", "first_line", "lines"), patterns),
            "pattern_line": _table(names, lines),
            "expected": _table(
                ("pattern", "error", "edit", "claim", "line", "other_claim", "other_line", "claim_type"), expected
            ),
        }

    def _flawed(self) -> dict[str, pa.Table]:
        recipes: list[tuple[int, int, int]] = []
        flawed: list[tuple[int, int, int, int, int, int]] = []
        payments: list[int] = []
        first_payment: dict[int, int] = {}
        for key, numbers in sorted(self.members.items()):
            first_payment[key] = len(payments)
            payments += numbers
        for number, (_, rows) in enumerate(sorted(self.draft.flawed.items())):
            recipes.append((number, len(flawed), len(rows)))
            for pattern, first, last, key in rows:
                row = (pattern, _day(first), _day(last), first_payment[key], len(self.members[key]))
                flawed.append((len(flawed), *row))
        return {
            "recipe": _table(("recipe", "first_flawed", "flawed_count"), recipes),
            "flawed": _table(("flawed", "pattern", "first_day", "last_day", "first_payment", "payments"), flawed),
            "book_payment": _table(("place", "payment"), list(enumerate(payments))),
        }

    def _providers(self) -> pa.Table:
        """Providers made up: every number begins with 2 and bears its check digit."""
        count = len(self.states) * len(self.specialties) * PROVIDERS
        groups = [_npi(5_000_000 + number) for number in range(count // _IN_GROUP + 1)]
        return _table(
            ("provider", "npi", "group_npi"),
            [(number, _npi(number), groups[number // _IN_GROUP]) for number in range(count)],
        )


def _type(claim: Claim) -> str:
    return "institutional" if claim.form == HOSPITAL else "professional"


def _npi(number: int) -> str:
    """Return a provider number of ten digits with the check digit of the Luhn formula, prefix 80840."""
    body = f"2{number:08d}"
    total = 24
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _share(one: Payment, states: dict[str, int]) -> int:
    return one.weight * 10_000 // states[one.written]


def _slots(weights: Sequence[int], count: int) -> list[int]:
    """Return `count` indexes, each as often as its weight asks, in order; every weight above zero gets one at least."""
    total = sum(weights)
    found: list[int] = []
    passed = 0
    for index, weight in enumerate(weights):
        passed += weight
        wanted = max(round(passed * count / total), len(found) + (weight > 0))
        found += [index] * (wanted - len(found))
    return found[:count]


def _pick(name: str, indexes: Iterable[int]) -> pa.Table:
    return _table(("slot", name), list(enumerate(indexes)))


def _table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Return a table; whole numbers are 32 bits wide, and a column without a value is text."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    arrays = []
    for values in columns:
        known = next((value for value in values if value is not None), None)
        kind = pa.bool_() if isinstance(known, bool) else pa.int32() if isinstance(known, int) else pa.string()
        arrays.append(pa.array(values, kind))
    return pa.table(arrays, names=list(names))


def _day(day: date) -> int:
    return (day - _EPOCH).days
