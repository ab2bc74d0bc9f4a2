"""Reading a case: the patient, the procedure and its history, typed by the vocabulary. Absent means not documented."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from facetwise.coverage.logic import Fact
from facetwise.coverage.regions import joints_of, pairs
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.parts import Asked
from facetwise.knowledge.reading import Path_, parse_any
from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest

_KEYS = ("payer", "state", "date_of_service", "setting", "procedure", "patient", "history", "authorization", "facts")
_PROCEDURE = ("technique", "purpose", "region", "sides", "sequence", "codes", "joints")
_EVENT = ("date", "technique", "purpose", "sequence", "region", "joints", "sides")
# The ends of a scale, and what is counted and not measured.
_MOST = {"percent": 100, "points": 10}
_WHOLE = ("levels", "sessions", "procedures", "visits")
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,50}")


@dataclass(frozen=True, slots=True)
class Event:
    """An earlier procedure: when, how, where, and what it brought (`facts`, by their names in the vocabulary)."""

    day: date
    technique: str
    region: str
    purpose: str = ""
    sequence: str = ""
    joints: tuple[str, ...] = ()
    sides: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One question of coverage. `history` None: none is documented; an empty one says that there was none."""

    payer: str
    day: date
    technique: str
    region: str
    state: str = ""
    setting: str = ""
    purpose: str = ""
    sequence: str = ""
    sides: str = ""
    joints: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    history: tuple[Event, ...] | None = None
    authorization_number: str = ""


def read_cases(text: str, name: str, knowledge: Knowledge) -> list[Case]:
    """Read one case, or a list of them, from YAML or JSON `text` called `name` in messages.

    Raises FacetwiseError with every fault and its place; the values of a patient are never repeated in it.
    """
    data, lines = parse_any(text, name)
    entries: list[tuple[Path_, Any]] = (
        [((index,), entry) for index, entry in enumerate(data)] if isinstance(data, list) else [((), data)]
    )
    problems: list[Problem] = []
    if not entries:
        raise FacetwiseError(Problem(name, 1, "the list holds no case", "at least one"))
    cases = [_Reader(name, lines, knowledge, problems).case(at, entry) for at, entry in entries]
    if problems:
        raise FacetwiseError(problems)
    return [case for case in cases if case is not None]


def _in_order(event: Event) -> tuple[Any, ...]:
    """By day, and within a day by all that is said, so that the order in which it was written never matters."""
    said = sorted((name, str(value)) for name, value in event.facts.items())
    return (event.day, event.technique, event.region, event.joints, event.purpose, event.sequence, event.sides, said)


class _Reader:
    def __init__(self, name: str, lines: dict[Path_, int], knowledge: Knowledge, problems: list[Problem]):
        self.name, self.lines, self.knowledge, self.problems = name, lines, knowledge, problems
        self.words = knowledge.store.vocabulary.words
        self.asks = knowledge.store.vocabulary.asks

    def fault(self, at: Path_, found: str, expected: str = "", mend: str = "") -> None:
        place = at
        while place and place not in self.lines:
            place = place[:-1]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")
        message = f"{where}: {found}" if where else found
        self.problems.append(Problem(self.name, self.lines.get(place, 1), message, expected, mend))

    def mapping(self, at: Path_, data: Any, keys: Iterable[str]) -> bool:
        known = list(keys)
        if not isinstance(data, dict):
            self.fault(at, "this is no mapping of keys", "keys " + ", ".join(known[:8]))
            return False
        for key in data:
            if key not in known:
                close = ", ".join(nearest(key, known, 3)) or ", ".join(known[:8])
                self.fault((*at, key), "unknown key", f"a known one, such as {close}", did_you_mean(key, known))
        return True

    def word(self, at: Path_, value: Any, options: Iterable[str], what: str) -> str:
        known = list(options)
        if isinstance(value, str) and value in known:
            return value
        shown = ", ".join(known) if len(known) <= 12 else ", ".join(nearest(str(value), known, 4))
        self.fault(at, f"this {what} is not known", f"one of {shown}", did_you_mean(str(value), known))
        return ""

    def day(self, at: Path_, value: Any) -> date | None:
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fault(at, "this is not a date", "a date such as 2026-03-02 (year, month, day)")
            return None

    def case(self, at: Path_, data: Any) -> Case | None:
        before = len(self.problems)
        if not self.mapping(at, data, _KEYS):
            return None
        for key in ("payer", "date_of_service", "procedure"):
            if data.get(key) is None:
                self.fault(at, f"{key} is missing", f"'{key}: ...'")
        day = self.day((*at, "date_of_service"), data["date_of_service"]) if data.get("date_of_service") else None
        if day is None:
            return None
        try:
            view = self.knowledge.as_of(day)
        except FacetwiseError as error:
            problem = error.problems[0]
            self.fault((*at, "date_of_service"), problem.found, problem.expected, problem.mend)
            return None
        payer = self.word((*at, "payer"), data["payer"], view.payers(), "payer") if data.get("payer") else ""
        state = self.state((*at, "state"), data.get("state"), view)
        setting = self.optional(at, data, "setting", "setting")
        facts: dict[str, Fact] = {}
        technique, region, words, joints, codes = self.procedure((*at, "procedure"), data.get("procedure"), view, facts)
        self.facts((*at, "patient"), data.get("patient"), "patient.", facts)
        self.facts((*at, "facts"), data.get("facts"), "", facts)
        number = self.authorization((*at, "authorization"), data.get("authorization"), facts)
        history = self.history((*at, "history"), data.get("history"), day, view)
        if len(self.problems) > before:
            return None
        return Case(
            payer=payer, day=day, technique=technique, region=region, state=state, setting=setting,
            purpose=words["purpose"], sequence=words["sequence"], sides=words["sides"], joints=joints, codes=codes,
            facts=facts, history=history, authorization_number=number,
        )  # fmt: skip

    def state(self, at: Path_, value: Any, view: View) -> str:
        if value is None:
            return ""
        known = {state for _, dated in view.of_kind("jurisdiction") for state in getattr(dated.value, "states", ())}
        text = str(value).upper()
        if text not in known:
            self.fault(at, "this state is not known", "a postal abbreviation such as OH", did_you_mean(text, known))
        return text

    def optional(self, at: Path_, data: dict[str, Any], key: str, words: str) -> str:
        return self.word((*at, key), data[key], self.words[words], key) if data.get(key) is not None else ""

    def procedure(
        self, at: Path_, data: Any, view: View, facts: dict[str, Fact]
    ) -> tuple[str, str, dict[str, str], tuple[str, ...], tuple[str, ...]]:
        words = {"purpose": "", "sequence": "", "sides": ""}
        measured = {
            name.removeprefix("procedure."): one for name, one in self.asks.items() if name.startswith("procedure.")
        }
        if data is None or not self.mapping(
            at, data, [*_PROCEDURE, *(name for name in measured if name not in _PROCEDURE)]
        ):
            return "", "", words, (), ()
        for key in ("technique", "region"):
            if data.get(key) is None:
                self.fault(at, f"{key} is missing", "one of " + ", ".join(self.words[key]))
        technique = self.optional(at, data, "technique", "technique")
        region = self.optional(at, data, "region", "region")
        words = {
            "purpose": self.optional(at, data, "purpose", "purpose"),
            "sequence": self.optional(at, data, "sequence", "sequence"),
            "sides": self.optional(at, data, "sides", "side"),
        }
        joints = self.joints((*at, "joints"), data.get("joints"), region, view)
        codes = tuple(str(code) for code in data.get("codes") or ())
        for name, asked in measured.items():
            if name in data and name not in _PROCEDURE and data[name] is not None:
                value = self.value((*at, name), data[name], asked)
                if value is not None:
                    facts[f"procedure.{name}"] = value
        if joints and "procedure.levels" not in facts:
            facts["procedure.levels"] = Decimal(len(joints))
        if joints and facts.get("procedure.levels") != Decimal(len(joints)):
            self.fault((*at, "levels"), f"{len(joints)} joints are named, yet levels says otherwise")
        return technique, region, words, joints, codes

    def joints(self, at: Path_, data: Any, region: str, view: View) -> tuple[str, ...]:
        if data is None:
            return ()
        if not isinstance(data, list):
            self.fault(at, "no list of joints", "a list such as [L4-L5, L5-S1]")
            return ()
        known = joints_of(view)
        named = {str(joint).upper() for joint in data}
        # Both joints of a pair over a region's border may stand under either region.
        across = {
            joint
            for pair in (pairs(view) if len(named) > 1 else ())
            if set(pair) <= named and any(region in (known[one]["region"], known[one]["part"]) for one in pair)
            for joint in pair
        }
        found = []
        for index, joint in enumerate(data):
            text = str(joint).upper()
            if text not in known:
                self.fault((*at, index), "this joint does not exist", "such as L4-L5", did_you_mean(text, known))
            elif region and region not in (known[text]["region"], known[text]["part"]) and text not in across:
                self.fault((*at, index), f"this joint does not lie in the {self.words['region'][region]} region")
            else:
                found.append(text)
        return tuple(dict.fromkeys(found))

    def authorization(self, at: Path_, data: Any, facts: dict[str, Fact]) -> str:
        """Read the decision beforehand; its number is a text, and that there is one is a fact."""
        if isinstance(data, dict) and data.get("number") is not None:
            number = data["number"]
            rest = {key: value for key, value in data.items() if key != "number"}
            self.facts(at, rest, "authorization.", facts)
            if not isinstance(number, str) or not _NUMBER.fullmatch(number):
                self.fault((*at, "number"), "this is no number of a decision", "letters, digits and hyphens, up to 50")
                return ""
            facts["authorization.number_recorded"] = True
            return number
        self.facts(at, data, "authorization.", facts)
        return ""

    def facts(self, at: Path_, data: Any, prefix: str, facts: dict[str, Fact]) -> None:
        known = {name.removeprefix(prefix): one for name, one in self.asks.items() if name.startswith(prefix)}
        if data is None or not self.mapping(at, data, known):
            return
        for key, value in data.items():
            if key in known and value is not None:
                typed = self.value((*at, key), value, known[key])
                if typed is not None:
                    facts[prefix + key] = typed

    def value(self, at: Path_, value: Any, asked: Asked) -> Fact | None:
        if asked.type == "boolean":
            if value in ("true", "false"):
                return bool(value == "true")
            self.fault(at, "this is neither true nor false", "true or false")
        elif asked.type == "number":
            try:
                number = Decimal(str(value))
            except InvalidOperation:
                self.fault(at, "this is not a number", f"a number of {asked.unit}")
                return None
            most = _MOST.get(asked.unit or "")
            if not number.is_finite() or number < 0 or (most is not None and number > most):
                bound = "of 0 or more" if most is None else f"from 0 to {most}"
                self.fault(at, f"this number of {asked.unit} is not possible", f"a number {bound}")
                return None
            if asked.unit in _WHOLE and number != number.to_integral_value():
                self.fault(at, f"{asked.unit} are counted, and this is no whole number", "a whole number")
                return None
            return number
        elif asked.type == "date":
            return self.day(at, value)
        else:
            return self.word(at, value, self.words.get(asked.words or "", {}), asked.label) or None
        return None

    def history(self, at: Path_, data: Any, day: date, view: View) -> tuple[Event, ...] | None:
        if data is None:
            return None
        if not isinstance(data, list):
            self.fault(at, "the history is no list", "a list of earlier procedures; [] when there was none")
            return None
        measured = {
            name.removeprefix("history."): one for name, one in self.asks.items() if name.startswith("history.")
        }
        found = []
        for index, entry in enumerate(data):
            here = (*at, index)
            if not self.mapping(here, entry, [*_EVENT, *measured]):
                continue
            for key in ("date", "technique", "region"):
                if entry.get(key) is None:
                    self.fault(here, f"{key} is missing", f"'{key}: ...'")
            when = self.day((*here, "date"), entry["date"]) if entry.get("date") is not None else None
            if when is not None and when > day:
                self.fault((*here, "date"), "this lies after the date of service", "an earlier day")
            region = self.optional(here, entry, "region", "region")
            facts: dict[str, Fact] = {}
            for name, asked in measured.items():
                if entry.get(name) is not None:
                    value = self.value((*here, name), entry[name], asked)
                    if value is not None:
                        facts[f"history.{name}"] = value
            event = Event(
                day=when or day,
                technique=self.optional(here, entry, "technique", "technique"),
                region=region,
                purpose=self.optional(here, entry, "purpose", "purpose"),
                sequence=self.optional(here, entry, "sequence", "sequence"),
                joints=self.joints((*here, "joints"), entry.get("joints"), region, view),
                sides=self.optional(here, entry, "sides", "side"),
                facts=facts,
            )
            found.append(event)
        return tuple(sorted(found, key=_in_order))
