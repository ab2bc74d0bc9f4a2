"""Reading an encounter: who pays, where, when, what was treated. Every fault names its place and the nearest word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.reading import Path_, parse_any
from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest

_KEYS = ("payer", "state", "date_of_service", "setting", "place_of_service", "claim", "procedures")
_PROCEDURE_KEYS = ("technique", "purpose", "guidance", "targets")
_TARGET_KEYS = ("joint", "nerve", "side")


@dataclass(frozen=True, slots=True)
class Target:
    """A joint or a nerve and its side: left, right or bilateral."""

    side: str
    joint: str = ""
    nerve: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One technique on its targets. Empty `purpose` or `guidance` means that it is not documented."""

    technique: str
    targets: tuple[Target, ...]
    purpose: str = ""
    guidance: str = ""


@dataclass(frozen=True, slots=True)
class Encounter:
    """What was done to one patient on one day. Empty `state` means not documented; `claim_said` whether `claim` was."""

    payer: str
    day: date
    setting: str
    claim: str
    procedures: tuple[Procedure, ...]
    state: str = ""
    claim_said: bool = True


def read_encounters(text: str, name: str, knowledge: Knowledge) -> list[Encounter]:
    """Read one encounter, or a list of them, from YAML or JSON `text` called `name` in messages.

    Raises FacetwiseError with every fault: unknown keys, words, joints, nerves, payers, states, a missing side, a day
    outside the knowledge or before the codes existed.
    """
    data, lines = parse_any(text, name)
    entries: list[tuple[Path_, Any]] = (
        [((index,), entry) for index, entry in enumerate(data)] if isinstance(data, list) else [((), data)]
    )
    if not entries:
        raise FacetwiseError(Problem(name, 1, "the list holds no encounter", "at least one"))
    problems: list[Problem] = []
    found = []
    for at, entry in entries:
        encounter = _Reader(name, lines, knowledge, problems).encounter(at, entry)
        if encounter is not None:
            found.append(encounter)
    if problems:
        raise FacetwiseError(problems)
    return found


class _Reader:
    def __init__(self, name: str, lines: dict[Path_, int], knowledge: Knowledge, problems: list[Problem]):
        self.name = name
        self.lines = lines
        self.knowledge = knowledge
        self.problems = problems
        self.words = knowledge.store.vocabulary.words

    def fault(self, at: Path_, found: str, expected: str = "", mend: str = "") -> None:
        place = at
        while place and place not in self.lines:
            place = place[:-1]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")
        self.problems.append(
            Problem(self.name, self.lines.get(place, 1), f"{where}: {found}" if where else found, expected, mend)
        )

    def mapping(self, at: Path_, data: Any, keys: tuple[str, ...]) -> bool:
        if not isinstance(data, dict):
            self.fault(at, "this is no mapping of keys", "keys " + ", ".join(keys))
            return False
        for key in data:
            if key not in keys:
                self.fault((*at, key), "unknown key", "one of " + ", ".join(keys), did_you_mean(key, keys))
        return True

    def word(self, at: Path_, value: Any, known: Iterable[str], what: str) -> str:
        options = list(known)
        if isinstance(value, str) and value in options:
            return value
        shown = ", ".join(options) if len(options) <= 12 else ", ".join(nearest(str(value), options, 5))
        expected = f"one of {shown}" if shown else f"a {what} of the knowledge"
        self.fault(at, f"{what} {value!r} is not known", expected, did_you_mean(str(value), options))
        return ""

    def encounter(self, at: Path_, data: Any) -> Encounter | None:
        before = len(self.problems)
        if not self.mapping(at, data, _KEYS):
            return None
        for key in ("payer", "date_of_service", "procedures"):
            if data.get(key) is None:
                self.fault(at, f"{key} is missing", f"'{key}: ...'")
        day = self.day((*at, "date_of_service"), data.get("date_of_service"))
        view = self.view((*at, "date_of_service"), day) if day else None
        if view is None or day is None:
            return None
        payer = self.word((*at, "payer"), data["payer"], view.payers(), "payer") if data.get("payer") else ""
        state = self.state((*at, "state"), data["state"], view) if data.get("state") is not None else ""
        setting = self.setting(at, data, view)
        claim = "professional"
        if data.get("claim") is not None:
            claim = self.word((*at, "claim"), data["claim"], self.words["claim"], "claim")
        procedures = self.procedures((*at, "procedures"), data.get("procedures"), view)
        if len(self.problems) > before:
            return None
        return Encounter(
            payer=payer,
            day=day,
            setting=setting,
            claim=claim,
            procedures=procedures,
            state=state,
            claim_said=data.get("claim") is not None,
        )

    def day(self, at: Path_, value: Any) -> date | None:
        if value is None:
            return None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fault(at, f"{value!r} is not a date", "a date such as 2026-03-02 (year, month, day)")
            return None

    def view(self, at: Path_, day: date) -> View | None:
        try:
            return self.knowledge.as_of(day)
        except FacetwiseError as error:
            problem = error.problems[0]
            began = min(
                (
                    dated.start
                    for thing in self.knowledge.store.things.values()
                    if thing.kind == "family"
                    for dated in thing.history
                    if dated.start is not None
                ),
                default=None,
            )
            hint = f"the first of these codes began on {began.isoformat()}" if began and day < began else problem.mend
            self.fault(at, problem.found, problem.expected, hint)
            return None

    def state(self, at: Path_, value: Any, view: View) -> str:
        known = {state for _, dated in view.of_kind("jurisdiction") for state in getattr(dated.value, "states", ())}
        text = str(value).upper()
        if text in known:
            return text
        self.fault(at, f"state {value!r} is not known", "a postal abbreviation such as OH", did_you_mean(text, known))
        return ""

    def setting(self, at: Path_, data: dict[str, Any], view: View) -> str:
        said = data.get("setting")
        place = data.get("place_of_service")
        if said is None and place is None:
            self.fault(at, "setting is missing", "setting: office, asc or hopd (or place_of_service)")
            return ""
        by_place = {record["place_of_service"]: record["setting"] for _, record in view.rows("fees/places")}
        found = self.word((*at, "setting"), said, self.words["setting"], "setting") if said is not None else ""
        if place is None:
            return found
        word = self.word((*at, "place_of_service"), place, by_place, "place of service")
        if word and found and by_place[word] != found:
            self.fault(
                (*at, "place_of_service"), f"place of service {word} is {by_place[word]}, yet setting says {found}"
            )
        return by_place[word] if word else found

    def procedures(self, at: Path_, data: Any, view: View) -> tuple[Procedure, ...]:
        if data is None:
            return ()
        if not isinstance(data, list) or not data:
            self.fault(at, "no procedures", "a list of procedures, each with technique and targets")
            return ()
        found = []
        techniques = codable(view)
        for index, entry in enumerate(data):
            here = (*at, index)
            if not self.mapping(here, entry, _PROCEDURE_KEYS):
                continue
            technique = ""
            if entry.get("technique") is None:
                self.fault(here, "technique is missing", "one of " + ", ".join(techniques))
            else:
                technique = self.word((*here, "technique"), entry["technique"], techniques, "technique")
            said = {}
            for key in ("purpose", "guidance"):
                if entry.get(key) is not None:
                    said[key] = self.word((*here, key), entry[key], self.words[key], key)
            targets = self.targets((*here, "targets"), entry.get("targets"), view)
            found.append(Procedure(technique, targets, said.get("purpose", ""), said.get("guidance", "")))
        return tuple(found)

    def targets(self, at: Path_, data: Any, view: View) -> tuple[Target, ...]:
        if not isinstance(data, list) or not data:
            self.fault(at, "no targets", "a list such as - {joint: L4-L5, side: left}")
            return ()
        joints = [record["joint"] for _, record in view.rows("anatomy/joints")]
        joints += [record["joint"] for _, record in view.rows("anatomy/outside")]
        nerves = [record["nerve"] for _, record in view.rows("anatomy/nerves")]
        found = []
        for index, entry in enumerate(data):
            here = (*at, index)
            if not self.mapping(here, entry, _TARGET_KEYS):
                continue
            named = [key for key in ("joint", "nerve") if entry.get(key) is not None]
            if len(named) != 1:
                self.fault(here, f"{' and '.join(named) or 'neither joint nor nerve'}", "one of joint and nerve")
                continue
            side = ""
            if entry.get("side") is None:
                self.fault(here, "the side is missing", "side: left, right or bilateral")
            else:
                side = self.word((*here, "side"), entry["side"], self.words["side"], "side")
            what = named[0]
            text = str(entry[what]).upper().replace(" ", "")
            known = joints if what == "joint" else nerves
            if text not in known:
                self.anatomy((*here, what), what, str(entry[what]), text, known)
            elif side:
                found.append(Target(side, **{what: text}))
        return tuple(found)

    def anatomy(self, at: Path_, what: str, shown: str, text: str, known: list[str]) -> None:
        close = _neighbours(text, known) or nearest(text, known, 2)
        mend = f"did you mean {' or '.join(close)}" if close else ""
        expected = "two neighbouring vertebrae, such as L4-L5" if what == "joint" else "a nerve such as L4, or TON"
        self.fault(at, f"{what} {shown!r} does not exist", expected, mend)


def _neighbours(text: str, joints: list[str]) -> list[str]:
    """Return the joints that end at either vertebra of an impossible one: L4-S1 gives L4-L5 and L5-S1."""
    upper, _, lower = text.partition("-")
    if not lower:
        return []
    if f"{lower}-{upper}" in joints:
        return [f"{lower}-{upper}"]
    found = [joint for joint in joints if joint.startswith(f"{upper}-")]
    return found + [joint for joint in joints if joint.endswith(f"-{lower}") and joint not in found]


def codable(view: View) -> list[str]:
    """Return the techniques on facet joints that the knowledge can turn into codes, in the order of the vocabulary."""
    known: set[str] = set()
    for _, dated in view.of_kind("family"):
        family: Any = dated.value
        if family is not None and any(rank.level in ("first", "any") for rank in family.ranks):
            known.update(family.technique)
    facet = view.store.vocabulary.words.get("facet_technique", {})
    return [word for word in facet if word in known]
