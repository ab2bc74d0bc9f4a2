"""The knowledge, checked: everything that would make an answer wrong, undated or without a source.

`errors` must be mended before anything is answered. `contradictions` are not errors: sources do disagree; they are
reported so that nobody takes one side unawares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetwise.knowledge import compile as compiling
from facetwise.knowledge.contradictions import contradictions
from facetwise.knowledge.kinds import (
    Billing,
    Code,
    Criterion,
    Example,
    Family,
    Jurisdiction,
    Limit,
    Modifier,
    Payer,
    Policy,
    Registry,
    Statement,
)
from facetwise.knowledge.parts import Applies, Measure, Part, Test, Value, Window
from facetwise.knowledge.schema import decimal_text
from facetwise.knowledge.store import BASE_LAYER, Dated, Store, Thing
from facetwise.problems import Problem, did_you_mean

_SOURCE_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?|not established")


@dataclass(slots=True)
class Report:
    """What lint found, and the store when it could be built."""

    store: Store | None
    errors: list[Problem] = field(default_factory=list)
    contradictions: list[Problem] = field(default_factory=list)


def lint_layers(layers: list[tuple[str, Path]]) -> Report:
    """Compile the layers and check what the files say against each other."""
    compiled = compiling.compile_layers(layers)
    report = Report(compiled.store, list(compiled.problems))
    if compiled.store is not None and not compiled.problems:
        report.errors.extend(_Checker(compiled.store).problems())
        report.contradictions.extend(contradictions(compiled.store))
    report.errors = sorted(set(report.errors))
    return report


class _Checker:
    def __init__(self, store: Store):
        self.store = store
        self.slugs = {
            kind: {thing.slug for thing in store.things.values() if thing.kind == kind}
            for kind in ("code", "payer", "policy", "modifier", "family")
        }
        self.joints = self._column("anatomy/joints", "joint")
        self.nerves = self._column("anatomy/nerves", "nerve")
        self.known_codes = self.slugs["code"] | self._column("codes/others", "code")
        self.found: list[Problem] = []

    def _column(self, table: str, column: str) -> set[str]:
        held = self.store.tables.get(table)
        if held is None:
            return set()
        place = list(held.columns).index(column)
        return {row.cells[place] or "" for row in held.rows}

    def problems(self) -> list[Problem]:
        cited: set[str] = set()
        for thing in self.store.things.values():
            for dated in thing.history:
                for one in (dated, *dated.sides):
                    cited.update(one.sources)
                    self._sources(one.sources, one)
                    if one.value is not None:
                        self._value(thing, one, one.value)
        for table in self.store.tables.values():
            for row in table.rows:
                cited.update(row.sources)
                place = Dated(since="", file=table.file, line=row.line)
                self._sources(row.sources, place)
        self._cited(cited)
        self._names()
        self._payers()
        return self.found

    # -- sources

    def _sources(self, keys: tuple[str, ...], place: Dated) -> None:
        for key in keys:
            self._known("source", key, self.store.sources, place)

    def _cited(self, cited: set[str]) -> None:
        for key, source in self.store.sources.items():
            file = self.store.source_files[key]
            if key not in cited and not source.uncited:
                self._add(
                    Dated(since="", file=file),
                    "no fact cites this source",
                    "a citation",
                    "cite it, or say why not under 'uncited'",
                )
            if key in cited and source.uncited:
                self._add(
                    Dated(since="", file=file), "it is cited, yet says under 'uncited' why not", mend="remove 'uncited'"
                )
            if not _SOURCE_DATE.fullmatch(source.date):
                self._add(
                    Dated(since="", file=file),
                    f"date {source.date!r}",
                    "YYYY, YYYY-MM, YYYY-MM-DD or 'not established'",
                )
        for slug, question in self.store.questions.items():
            for word in question.technique:
                self._word("technique", word, Dated(since="", file=self.store.question_files[slug]))

    # -- things

    def _names(self) -> None:
        """Facts name a payer, a code or a policy by its own name, wherever its file lies: two may not share one."""
        first: dict[tuple[str, str], Thing] = {}
        for thing in self.store.things.values():
            held = first.setdefault((thing.kind, thing.slug), thing)
            if held is not thing and thing.kind in self.slugs:
                self._add(
                    thing.history[0],
                    f"a second {thing.kind} {thing.slug!r}; the first is {held.file}",
                    "a name of its own",
                    "rename one of the two",
                )

    def _payers(self) -> None:
        registered = {
            one.value.payer
            for thing in self.store.things.values()
            for one in thing.history
            if isinstance(one.value, Registry)
        }
        for thing in self.store.things.values():
            if thing.kind == "payer" and thing.layer == BASE_LAYER and thing.slug not in registered:
                self._add(
                    thing.history[0], f"payer {thing.slug!r} is not in the registry", f"registry/{thing.slug}.yaml"
                )

    def _value(self, thing: Thing, place: Dated, value: Value) -> None:
        if isinstance(value, Code) and value.descriptor and place.layer == BASE_LAYER:
            self._add(place, "a descriptor in the base knowledge", "none: the AMA owns them", "put it in an overlay")
        question = getattr(value, "question", None)
        if question is not None:
            self._question(thing, place, question)
        applies = getattr(value, "applies", None)
        if isinstance(applies, Applies):
            for name in ("technique", "purpose", "sequence", "region", "guidance", "setting", "claim"):
                for word in getattr(applies, name):
                    self._word(name, word, place)
            self._codes(applies.codes, place)
        for name in ("codes", "bases", "subject_codes"):
            self._codes(getattr(value, name, ()), place)
        for payer in getattr(value, "held_by", ()):
            self._known("payer", payer, self.slugs["payer"], place)
        for policy in getattr(value, "policies", ()):
            self._known("policy", policy, self.slugs["policy"], place)
        for modifier in getattr(value, "modifiers", ()):
            self._known("modifier", modifier, self.slugs["modifier"], place)
        for joint in getattr(value, "joints", ()):
            self._known("joint", joint, self.joints, place)
        for nerve in getattr(value, "nerves", ()):
            self._known("nerve", nerve, self.nerves, place)
        for part in _parts(value):
            if isinstance(part, Test):
                self._test(part, place)
            elif isinstance(part, Measure):
                self._known("unit", part.unit, self.store.vocabulary.units, place)
            elif isinstance(part, Window) and part.kind == "rolling" and (part.length is None or part.unit is None):
                self._add(
                    place,
                    "a rolling window without length and unit",
                    "such as {kind: rolling, length: 12, unit: months}",
                )
        self._by_kind(place, value)
        self._cell(place, value)

    def _by_kind(self, place: Dated, value: Value) -> None:
        if isinstance(value, Code):
            for word in value.technique:
                self._word("technique", word, place)
            self._word("region", value.region, place)
            for word in value.guidance_included:
                self._word("guidance", word, place)
            self._codes(tuple(neighbour.code for neighbour in value.neighbours), place)
            if value.family:
                self._known("family", value.family, self.slugs["family"], place)
        elif isinstance(value, Family):
            for word in value.technique:
                self._word("technique", word, place)
            for word in value.region:
                self._word("region", word, place)
            self._codes(tuple(rank.code for rank in value.ranks), place)
        elif isinstance(value, Modifier):
            self._codes(value.bears_on, place)
        elif isinstance(value, Payer):
            for other in value.follows:
                self._known("payer", other, self.slugs["payer"], place)
            self._word("payer_group", value.group, place)
        elif isinstance(value, Policy):
            for other in value.pairs_with:
                self._known("policy", other, self.slugs["policy"], place)
        elif isinstance(value, Jurisdiction):
            self._known("payer", value.contractor, self.slugs["payer"], place)
        elif isinstance(value, Registry):
            self._known("payer", value.payer, self.slugs["payer"], place)
            for topic in value.topics:
                self._word("topic", topic.topic, place)
        elif isinstance(value, Billing):
            self._word("layout", value.layout, place)
            self._word("region", value.region, place)
            for word in value.claim:
                self._word("claim", word, place)
        elif isinstance(value, Limit):
            self._word("counted", value.counts, place)
            for word in value.per:
                self._word("counted", word, place)
        elif isinstance(value, Statement):
            for family in value.families:
                self._known("family", family, self.slugs["family"] | self._families(), place)
            for payer in value.payers:
                self._known("payer", payer, self.slugs["payer"], place)
        elif isinstance(value, Example):
            for line in value.lines:
                self._codes((line.code,), place)
                for modifier in line.modifiers:
                    self._known("modifier", modifier, self.slugs["modifier"], place)

    def _families(self) -> set[str]:
        return set(self.store.vocabulary.words.get("code_group", {}))

    def _question(self, thing: Thing, place: Dated, slug: str) -> None:
        question = self.store.questions.get(slug)
        if question is None:
            self._known("question", slug, self.store.questions, place)
        elif question.kind != thing.kind:
            self._add(place, f"question {slug!r} is answered by a {question.kind}", f"not by a {thing.kind}")

    def _test(self, test: Test, place: Dated) -> None:
        numbers = [n for n in (test.at_least, test.more_than, test.at_most, test.less_than) if n is not None]
        branches = [name for name in ("all", "any", "none") if getattr(test, name)]
        heads = len(branches) + (test.asks is not None) + (test.prior is not None)
        if heads != 1:
            self._add(place, f"a test with {heads} heads", "exactly one of asks, prior, all, any, none")
            return
        if test.asks is not None:
            asked = self.store.vocabulary.asks.get(test.asks)
            if asked is None:
                self._known("fact", test.asks, self.store.vocabulary.asks, place)
                return
            if numbers and test.unit is None:
                self._add(place, f"a number for {test.asks!r} without a unit", f"unit: {asked.unit}")
            elif numbers and test.unit != asked.unit and not {test.unit, asked.unit} <= _SPANS_OF_TIME:
                self._add(place, f"{test.asks!r} in {test.unit!r}", f"{asked.unit!r}")
            if numbers and asked.type != "number":
                self._add(place, f"a number for {test.asks!r}, which is a {asked.type}")
            if not numbers and test.is_ is None and not test.one_of:
                self._add(
                    place,
                    f"{test.asks!r} is compared with nothing",
                    "at_least, more_than, at_most, less_than, is or one_of",
                )
            if asked.type == "boolean" and test.is_ not in ("true", "false"):
                self._add(place, f"{test.asks!r} is {test.is_!r}", "is: true or is: false")
            for word in (*((test.is_,) if test.is_ else ()), *test.one_of):
                if asked.words:
                    self._word(asked.words, word, place)
        if test.prior is not None:
            for name in ("technique", "purpose", "sequence"):
                for word in getattr(test.prior, name):
                    self._word(name, word, place)
            for word in test.prior.same:
                self._word("counted", word, place)

    def _cell(self, place: Dated, value: Value) -> None:
        """A comparison's short form must say the numbers that the test or limit compares with."""
        numbers: set[str] = set()
        if isinstance(value, Criterion) and value.test is not None:
            for part in _parts(value.test):
                if isinstance(part, Test | Measure):
                    bounds = (part.at_least, part.more_than, part.at_most, part.less_than)
                    numbers.update(decimal_text(bound) for bound in bounds if bound is not None)
        elif isinstance(value, Limit) and value.at_most is not None:
            numbers.add(decimal_text(value.at_most))
        text = f"{getattr(value, 'cell', '')} {getattr(value, 'statement', '')}".lower()
        for word, number in _NUMBER_WORDS.items():
            text = re.sub(rf"\b{word}\b", number, text)
        shown = set(re.findall(r"\d+(?:\.\d+)?", text.replace(",", "")))
        for number in sorted(numbers - shown):
            self._add(
                place,
                f"{number} is compared with, yet neither 'cell' nor 'statement' says it",
                "the number in words for people",
            )

    # -- words

    def _codes(self, codes: tuple[str, ...], place: Dated) -> None:
        for code in codes:
            self._known("code", code, self.known_codes, place)

    def _word(self, list_name: str, word: str, place: Dated) -> None:
        if word:
            self._known(list_name, word, self.store.vocabulary.words.get(list_name, {}), place)

    def _known(self, what: str, word: str, known: Any, place: Dated) -> None:
        if word not in known:
            self._add(place, f"{what} {word!r} is not known", f"a {what} of the knowledge", did_you_mean(word, known))

    def _add(self, place: Dated, found: str, expected: str = "", mend: str = "") -> None:
        self.found.append(Problem(place.file, place.line, found, expected, mend))


_SPANS_OF_TIME = {"days", "weeks", "months", "years"}
_NUMBER_WORDS = {
    "once": "1",
    "one": "1",
    "twice": "2",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "half": "50",
}


def _parts(value: Part) -> Iterator[Part]:
    """Yield `value` and every mapping inside it."""
    yield value
    for name in value.__struct_fields__:
        inner = getattr(value, name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(one, Part):
                yield from _parts(one)


__all__ = ["Report", "lint_layers"]
