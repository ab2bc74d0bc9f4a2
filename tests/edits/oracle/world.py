"""What is known: the knowledge as of a day, the payers' rules, and the NCCI edits."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar

from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Code, Family, Modifier
from facetwise.payers import Rules, Said, rules

INJECTION, ABLATION = "injection", "ablation"
PRACTITIONER, HOSPITAL = 1, 2
_FIRST, _LAST = date(1900, 1, 1), date(9999, 12, 31)
_DAY = timedelta(days=1)
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Facet:
    """What a facet code is on a day."""

    kind: str
    region: str
    rank: str
    units_rule: str
    guidance: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ncci:
    """The national edits. Spans hold their first and last day.

    ptp: (service, column 1, column 2) to (first, last, indicator); mue: (service, code) to (first, last, value, adjudication
    indicator, inferred); add_on: code to (first, last, primary, type).
    """

    ptp: dict[tuple[int, str, str], list[tuple[date, date, str]]] = field(default_factory=dict)
    mue: dict[tuple[int, str], list[tuple[date, date, int, str, bool]]] = field(default_factory=dict)
    add_on: dict[str, list[tuple[date, date, str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Book:
    """Whose rules a line goes by. `payer` '' means that the payer is unknown: there are no rules then."""

    payer: str = ""
    whose: str = ""
    local: str = ""
    no_contractor: bool = False


UNKNOWN = Book()


class World:
    """The knowledge and the NCCI edits. Answers are kept, since between two turns of the knowledge all days are alike."""

    def __init__(self, knowledge: Knowledge, ncci: Ncci | None = None):
        self.knowledge = knowledge
        self.store = knowledge.store
        self.ncci = ncci or from_knowledge(knowledge)
        words = self.store.vocabulary.words
        self.techniques = {
            INJECTION: frozenset(words["injection_technique"]),
            ABLATION: frozenset(words["ablation_technique"]),
        }
        turns = {self.store.horizon.from_}
        for thing in self.store.things.values():
            for dated in thing.history:
                turns |= {day for day in (dated.start, dated.end and dated.end + _DAY) if day}
        self._turns = sorted(day for day in turns if day <= self.store.horizon.until)
        self._memory: dict[tuple[Any, ...], Any] = {}
        self._titles = self._payer_titles()

    # -- days ---------------------------------------------------------------------------------------------------

    def span(self, day: date) -> date:
        """Return the first day, within the horizon, of the days that are like this one."""
        place = bisect.bisect_right(self._turns, day) - 1
        return max(self._turns[max(place, 0)], self.store.horizon.from_)

    def view(self, day: date) -> View:
        return self._kept(("view", self.span(day)), lambda: self.knowledge.as_of(self.span(day)))

    def _kept(self, key: tuple[Any, ...], make: Callable[[], Kept]) -> Kept:
        if key not in self._memory:
            self._memory[key] = make()
        found: Kept = self._memory[key]
        return found

    def rows(self, table: str, column: str, value: str, day: date | None = None) -> list[dict[str, Any]]:
        """Return the records of a table whose column reads so; with `day`, those that hold on it."""

        def make() -> dict[str, list[tuple[date, date, dict[str, Any]]]]:
            found: dict[str, list[tuple[date, date, dict[str, Any]]]] = {}
            for row, record in self.store.tables[table].records():
                found.setdefault(record[column], []).append((row.start or _FIRST, row.end or _LAST, record))
            return found

        rows = self._kept(("table", table, column), make).get(value, [])
        return [record for first, last, record in rows if day is None or first <= day <= last]

    # -- payers -------------------------------------------------------------------------------------------------

    def _payer_titles(self) -> dict[str, str]:
        found = {}
        for thing in self.store.things.values():
            if thing.kind == "payer":
                found[thing.slug.casefold()] = thing.slug
                for dated in thing.history:
                    found[dated.value.title.casefold()] = thing.slug  # type: ignore[union-attr]
        return found

    def payer(self, written: str) -> str:
        """Return the payer that a claim names by its exact id or title, whatever the case; '' when it names none."""
        return self._titles.get(written.casefold(), "")

    def book(self, day: date, payer: str, state: str) -> Book:
        """Return whose rules hold for a payer in a state."""
        if not payer:
            return UNKNOWN

        def make() -> Book:
            asked = rules(self.view(day), payer, state)
            return Book(payer, asked.whose, asked.local, asked.unknown_contractor)

        return self._kept(("book", self.span(day), payer, state), make)

    def rules(self, day: date, book: Book) -> Rules:
        return Rules(self.view(day), book.whose, book.no_contractor, book.local)

    def said(self, day: date, book: Book, question: str, techniques: Iterable[str] = ("",), **facts: str) -> list[Said]:
        """Return what the payer says to a question of any of these techniques, each statement once. Nothing for an unknown payer."""
        if not book.payer:
            return []
        wanted = tuple(sorted(techniques)) or ("",)

        def make() -> list[Said]:
            asked = self.rules(day, book)
            found: dict[int, Said] = {}
            for technique in wanted:
                for one in asked.said(question, technique, **facts):
                    found.setdefault(id(one.dated), one)
            return list(found.values())

        return self._kept(("said", self.span(day), book, question, wanted, tuple(sorted(facts.items()))), make)

    def program_rules(self, day: date) -> list[Book]:
        """Return the public program, whose text is taken, openly, where a payer is silent."""
        return self._kept(
            ("program", self.span(day)),
            lambda: [Book(key, key) for key, payer in self.view(day).payers().items() if payer.role == "program"],
        )

    def applies(self, day: date, book: Book, edit: str) -> bool:
        """Whether a source says that the payer, or whom it follows, applies these NCCI edits."""
        if not book.payer:
            return False

        def make() -> bool:
            payers = self.view(day).payers()
            asked, seen = [book.payer], set[str]()
            while asked:
                who = asked.pop(0)
                if who in seen or who not in payers:
                    continue
                seen.add(who)
                rows = [row for row in self.rows("edits/applies-to", "payer", who, day) if row["edit"] == edit]
                if rows:
                    return bool(rows[0]["applies"] == "yes")
                asked.extend(payers[who].follows)
            return False

        return self._kept(("applies", day, book, edit), make)

    # -- codes --------------------------------------------------------------------------------------------------

    def families(self, day: date, code: str) -> list[Family]:
        """Return the families that report with a code on a day."""

        def make() -> dict[str, list[Family]]:
            found: dict[str, list[Family]] = {}
            for _, dated in self.view(day).of_kind("family"):
                assert isinstance(dated.value, Family)
                for rank in dated.value.ranks:
                    found.setdefault(rank.code, []).append(dated.value)
            return found

        return self._kept(("families", self.span(day)), make).get(code, [])

    def techniques_of(self, day: date, code: str) -> frozenset[str]:
        return frozenset(technique for family in self.families(day, code) for technique in family.technique)

    def facet(self, day: date, code: str) -> Facet | None:
        """Return what the code is if it is a facet code: a family of injections or ablations has a rank for it in a region."""
        return self._kept(("facet", self.span(day), code), lambda: self._facet(day, code))

    def _facet(self, day: date, code: str) -> Facet | None:
        for family in self.families(day, code):
            for kind, techniques in self.techniques.items():
                rank = next((rank for rank in family.ranks if rank.code == code), None)
                if techniques & set(family.technique) and len(family.region) == 1 and rank and rank.level != "any":
                    return Facet(kind, family.region[0], rank.level, rank.units, frozenset(family.guidance))
        return None

    def code(self, day: date, code: str) -> Code | None:
        if f"codes/{code}" not in self.store.things:
            return None
        dated = self.view(day).thing(f"codes/{code}")
        return dated.value if dated and isinstance(dated.value, Code) else None

    def code_ever(self, code: str) -> Code | None:
        """Return the last that is said of a code, whatever the day."""
        thing = self.store.things.get(f"codes/{code}")
        value = thing.history[-1].value if thing else None
        return value if isinstance(value, Code) else None

    def bypassing(self, day: date, modifiers: Iterable[str]) -> frozenset[str]:
        """Return those of the modifiers that may bypass an NCCI edit."""

        def make() -> frozenset[str]:
            return frozenset(
                thing.slug
                for thing, dated in self.view(day).of_kind("modifier")
                if isinstance(dated.value, Modifier) and dated.value.bypasses_ncci == "yes"
            )

        known = self._kept(("bypassing", self.span(day)), make)
        return frozenset(one for one in modifiers if one in known or self._elsewhere(day, one))

    def _elsewhere(self, day: date, modifier: str) -> bool:
        """Whether it is one of the modifiers of other fields that may bypass an edit."""
        return any(row["bypasses"] for row in self.rows("edits/bypass-modifiers", "modifier", modifier, day))


def hard(said: Iterable[Said], says: Callable[[Any], bool]) -> bool:
    """Whether what these statements say for certain bears a denial: one is not inferred, and not disputed.

    A dispute in which all sides `says` the same here is none.
    """
    return any(
        one.dated.evidence != "inferred"
        and (not one.conflicting or all(side.value is not None and says(side.value) for side in one.answer.dated.sides))  # type: ignore[union-attr]
        for one in said
    )


def bears_on(world: World, value: Any, kind: str) -> bool:
    """Whether a rule holds for all of a kind: a claim does not tell the techniques of a kind apart."""
    return not value.applies.technique or world.techniques[kind] <= set(value.applies.technique)


def from_knowledge(knowledge: Knowledge) -> Ncci:
    """Return the NCCI edits that the knowledge holds. A pair holds until the day before its deletion date."""
    found = Ncci()
    tables = knowledge.store.tables
    for row, record in tables["edits/ptp"].records():
        for service, name in ((PRACTITIONER, "practitioner"), (HOSPITAL, "hospital")):
            if service == HOSPITAL and not record["hospital_listed"]:
                continue
            deleted, indicator = record[f"{name}_deleted"], record[f"{name}_indicator"]
            if indicator is None:
                continue
            last = min(row.end or _LAST, deleted - _DAY if deleted else _LAST)
            key = (service, record["column1"], record["column2"])
            found.ptp.setdefault(key, []).append((row.start or _FIRST, last, indicator))
    services = {"practitioner": PRACTITIONER, "outpatient_hospital": HOSPITAL}
    for row, record in tables["edits/mue"].records():
        span = (row.start or _FIRST, row.end or _LAST, record["value"], record["mai"], row.evidence == "inferred")
        found.mue.setdefault((services[record["table"]], record["code"]), []).append(span)
    for row, record in tables["edits/add-on-codes"].records():
        found.add_on.setdefault(record["add_on"], []).append(
            (row.start or _FIRST, row.end or _LAST, record["primary"], record["type"])
        )
    return found
