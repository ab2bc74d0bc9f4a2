"""Reading what is to be priced: claim lines with payer, day, setting and place. Every fault names its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from facetwise.knowledge import Knowledge, Store
from facetwise.knowledge.kinds import Payer
from facetwise.knowledge.reading import Path_, parse_any
from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest

PROFESSIONAL = "professional"
FACILITY_CLAIM = "facility"
OFFICE = "office"
CENTER = "asc"
HOSPITAL = "hopd"

_PRICED = (
    "payer",
    "date_of_service",
    "setting",
    "place_of_service",
    "claim",
    "locality",
    "state",
    "zip",
    "apm_participant",
    "deductible",
    "wage_index",
    "cbsa",
)
_KEYS = ("lines", *_PRICED, "as_of", "knowledge", "whose", "findings", "claim_id")
_LINE_KEYS = ("line", "code", "modifiers", "units", "charge", "joints", "why", "citations")
_LOCALITY_KEYS = ("mac", "locality", "state", "zip")
_CODE = re.compile(r"[0-9A-Z][0-9]{3}[0-9A-Z]")
_MODIFIER = re.compile(r"[0-9A-Z]{2}")
_MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_NATIONAL = "national"
_MOST_UNITS = 10**6


@dataclass(frozen=True, slots=True)
class LocalityWish:
    """Where the service was: contractor and locality, or a zip, or a state. `hint`: the state only came along."""

    mac: str = ""
    locality: str = ""
    state: str = ""
    zip_code: str = ""
    hint: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A claim line to price. `charge` in dollars, None where it is not given."""

    line: int
    code: str
    modifiers: tuple[str, ...]
    units: int
    charge: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One claim to price. `apm_participant` None: not documented; `place` None: national amounts."""

    day: date
    setting: str
    claim: str
    lines: tuple[Line, ...]
    payer: str = ""
    place: LocalityWish | None = None
    apm_participant: bool | None = None
    deductible: Decimal = Decimal(0)
    wage_index: Decimal | None = None
    cbsa: str = ""


def read_requests(
    text: str, name: str, knowledge: Knowledge, options: Mapping[str, str] | None = None, *, compare: bool = False
) -> tuple[list[Request], bool]:
    """Read one claim or a list of them from JSON or YAML; also say whether it was a list.

    `options` are the keys given on the command line and win over what the text holds; with `compare` setting and
    claim are not needed. Raises FacetwiseError with every fault.
    """
    data, lines = parse_any(text, name)
    is_list = isinstance(data, list)
    entries: list[tuple[Path_, Any]] = (
        [((index,), entry) for index, entry in enumerate(data)] if is_list else [((), data)]
    )
    if not entries:
        raise FacetwiseError(Problem(name, 1, "the list holds nothing to price", "at least one object with lines"))
    reader = _Reader(name, lines, knowledge, dict(options or {}), compare)
    found = [request for at, entry in entries if (request := reader.request(at, entry)) is not None]
    if reader.problems:
        raise FacetwiseError(reader.problems)
    return found, is_list


@dataclass(frozen=True, slots=True)
class _Known:
    """The words of a knowledge that a claim may use, over all its days."""

    payers: list[str]
    states: list[str]
    places: dict[str, str]
    codes: list[str]


# By the digest of the knowledge: a server reads many claims with the same words, and gathering them costs more than reading.
_GATHERED: dict[str, _Known] = {}
_MOST_GATHERED = 8


def _known(store: Store) -> _Known:
    held = _GATHERED.get(store.digest)
    if held is not None:
        return held
    payers = sorted(
        thing.slug
        for thing in store.things.values()
        if thing.kind == "payer" and any(isinstance(dated.value, Payer) for dated in thing.history)
    )
    states = {
        state
        for thing in store.things.values()
        if thing.kind == "jurisdiction"
        for dated in thing.history
        for state in getattr(dated.value, "states", ())
    }
    found = _Known(
        payers,
        sorted(states | {record["state"] for _, record in store.tables["fees/gpci"].records()}),
        {record["place_of_service"]: record["setting"] for _, record in store.tables["fees/places"].records()},
        sorted({record["code"] for _, record in store.tables["fees/physician"].records()}),
    )
    if len(_GATHERED) >= _MOST_GATHERED:
        _GATHERED.clear()
    _GATHERED[store.digest] = found
    return found


class _Reader:
    def __init__(
        self, name: str, lines: dict[Path_, int], knowledge: Knowledge, options: dict[str, str], compare: bool
    ):
        self.name = name
        self.lines = lines
        self.options = options
        self.compare = compare
        self.problems: list[Problem] = []
        self.words = knowledge.store.vocabulary.words
        known = _known(knowledge.store)
        self.payers, self.states, self.places, self.codes = known.payers, known.states, known.places, known.codes

    def fault(self, at: Path_, found: str, expected: str = "", mend: str = "") -> None:
        key = next((step for step in reversed(at) if isinstance(step, str)), "")
        if len([step for step in at if isinstance(step, str)]) == 1 and key in self.options:
            option = "--" + key.replace("_", "-")
            self.problems.append(Problem("", 0, f"{option}: {found}", expected, mend))
            return
        place = at
        while place and place not in self.lines:
            place = place[:-1]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")
        told = f"{where}: {found}" if where else found
        self.problems.append(Problem(self.name, self.lines.get(place, 1), told, expected, mend))

    def mapping(self, at: Path_, data: Any, keys: tuple[str, ...]) -> bool:
        if not isinstance(data, dict):
            self.fault(at, "this is no mapping of keys", "keys " + ", ".join(keys))
            return False
        for key in data:
            if key not in keys:
                self.fault((*at, key), "unknown key", "one of " + ", ".join(keys), did_you_mean(key, keys))
        return True

    def request(self, at: Path_, data: Any) -> Request | None:
        before = len(self.problems)
        if not self.mapping(at, data, _KEYS):
            return None
        given = {**data, **self.options}
        if "setting" in self.options:
            given.pop("place_of_service", None)
        day = self.day(at, given)
        setting, claim = self.setting(at, given)
        place = self.place(at, given)
        request_lines = self.claim_lines((*at, "lines"), data)
        payer = given.get("payer")
        if payer is not None and payer not in self.payers:
            self.fault(
                (*at, "payer"),
                f"payer {payer!r} is not known",
                "the id of a payer of the knowledge",
                did_you_mean(str(payer), self.payers),
            )
        apm = self.flag((*at, "apm_participant"), given.get("apm_participant"))
        deductible = self.money((*at, "deductible"), given.get("deductible"))
        wage_index = self.money((*at, "wage_index"), given.get("wage_index"))
        if wage_index is not None and given.get("cbsa") is not None:
            self.fault((*at, "cbsa"), "wage_index and cbsa", "one of the two")
        if len(self.problems) > before or day is None:
            return None
        return Request(
            day=day,
            setting=setting,
            claim=claim,
            lines=request_lines,
            payer=payer or "",
            place=place,
            apm_participant=apm,
            deductible=deductible or Decimal(0),
            wage_index=wage_index,
            cbsa=given.get("cbsa") or "",
        )

    def day(self, at: Path_, given: dict[str, Any]) -> date | None:
        value = given.get("date_of_service")
        if value is None:
            self.fault(
                at, "date_of_service is missing", "a date such as 2026-03-02, in the object or as --date-of-service"
            )
            return None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fault(
                (*at, "date_of_service"),
                f"{value!r} is not a date",
                "a date such as 2026-03-02 (year, month, day)",
            )
            return None

    def setting(self, at: Path_, given: dict[str, Any]) -> tuple[str, str]:
        said, place = given.get("setting"), given.get("place_of_service")
        setting = self.word((*at, "setting"), said, self.words["setting"], "setting") if said is not None else ""
        if place is not None:
            word = self.word((*at, "place_of_service"), place, self.places, "place of service")
            if word and setting and self.places[word] != setting:
                self.fault(
                    (*at, "place_of_service"),
                    f"place of service {word} is {self.places[word]}, yet setting says {setting}",
                )
            setting = setting or self.places.get(word, "")
        if said is None and place is None and not self.compare:
            self.fault(at, "setting is missing", "setting: office, asc or hopd (or place_of_service)")
        claim = PROFESSIONAL
        if given.get("claim") is not None:
            claim = self.word((*at, "claim"), given["claim"], self.words["claim"], "claim")
        if claim == FACILITY_CLAIM and setting == OFFICE and not self.compare:
            self.fault((*at, "claim"), "a facility claim from an office", "claim: professional, or setting asc or hopd")
        return setting, claim

    def word(self, at: Path_, value: Any, known: Any, what: str) -> str:
        options = list(known)
        if isinstance(value, str) and value in options:
            return value
        self.fault(
            at,
            f"{what} {value!r} is not known",
            "one of " + ", ".join(options),
            did_you_mean(str(value), options),
        )
        return ""

    def place(self, at: Path_, given: dict[str, Any]) -> LocalityWish | None:
        value = given.get("locality")
        explicit = [key for key in ("locality", "state", "zip") if key in self.options]
        if len(explicit) > 1:
            self.fault((*at, explicit[1]), f"{' and '.join('--' + key for key in explicit)}", "one of them")
            return None
        if explicit and explicit[0] != "locality":
            return self.locality((*at, explicit[0]), {explicit[0]: given[explicit[0]]})
        if value is not None:
            return self.locality((*at, "locality"), value)
        if given.get("zip") is not None:
            return self.locality((*at, "zip"), {"zip": given["zip"]})
        if given.get("state"):
            state = self.state((*at, "state"), given["state"])
            return LocalityWish(state=state, hint=True) if state else None
        return None

    def locality(self, at: Path_, value: Any) -> LocalityWish | None:
        if isinstance(value, str):
            if value == _NATIONAL:
                return None
            mac, slash, number = value.partition("/")
            if not slash:
                self.fault(
                    at,
                    f"locality {value!r}",
                    "contractor and locality number, such as {mac: '15202', locality: '00'} or 15202/00; or national",
                )
                return None
            return LocalityWish(mac=mac.strip(), locality=number.strip())
        if not self.mapping(at, value, _LOCALITY_KEYS):
            return None
        given = {key: str(one) for key, one in value.items() if one is not None}
        if given.keys() == {"mac", "locality"}:
            return LocalityWish(mac=given["mac"], locality=given["locality"])
        if given.keys() == {"state"}:
            state = self.state(at if at[-1] == "state" else (*at, "state"), given["state"])
            return LocalityWish(state=state) if state else None
        if given.keys() == {"zip"}:
            text = given["zip"]
            if not re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", text):
                self.fault(at, f"zip {text!r}", "five digits, such as '43215'")
                return None
            return LocalityWish(zip_code=text[:5])
        self.fault(at, f"keys {', '.join(given) or 'none'}", "mac and locality together, or state, or zip")
        return None

    def state(self, at: Path_, value: Any) -> str:
        text = str(value).upper()
        if text in self.states:
            return text
        self.fault(
            at, f"state {value!r} is not known", "a postal abbreviation such as OH", did_you_mean(text, self.states)
        )
        return ""

    def flag(self, at: Path_, value: Any) -> bool | None:
        if value is None:
            return None
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        self.fault(at, f"{value!r}", "true or false")
        return None

    def money(self, at: Path_, value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            if not _MONEY.fullmatch(str(value)):
                raise InvalidOperation
            return Decimal(str(value))
        except InvalidOperation:
            self.fault(at, f"{value!r} is no amount", "a number that is not negative, such as 125.50")
            return None

    def claim_lines(self, at: Path_, data: dict[str, Any]) -> tuple[Line, ...]:
        value = data.get("lines")
        if not isinstance(value, list):
            what = "lines is missing" if value is None else "lines is no list"
            self.fault(at if value is not None else at[:-1], what, 'a list such as [{"code": "...", "units": 1}]')
            return ()
        found: list[Line] = []
        taken: set[int] = set()
        for index, entry in enumerate(value):
            here = (*at, index)
            if not self.mapping(here, entry, _LINE_KEYS):
                continue
            number = self.whole((*here, "line"), entry.get("line", str(index + 1)), "a line number, from 1")
            if number in taken:
                self.fault((*here, "line"), f"line {number} stands here a second time", "each line once")
            if number:
                taken.add(number)
            units = self.whole((*here, "units"), entry.get("units", "1"), "a whole number of units, from 1")
            code, modifiers = self.code(here, entry), self.modifiers(here, entry)
            found.append(Line(number, code, modifiers, units, self.money((*here, "charge"), entry.get("charge"))))
        return tuple(found)

    def code(self, at: Path_, entry: dict[str, Any]) -> str:
        if entry.get("code") is None:
            self.fault(at, "code is missing", "a procedure code of five characters")
            return ""
        code = str(entry["code"]).upper()
        if not _CODE.fullmatch(code):
            close = nearest(code, self.codes)
            mend = f"did you mean {close[0]!r}" if close else ""
            self.fault((*at, "code"), f"{entry['code']!r} is no procedure code", "five letters and digits", mend)
        return code

    def modifiers(self, at: Path_, entry: dict[str, Any]) -> tuple[str, ...]:
        value = entry.get("modifiers")
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fault((*at, "modifiers"), f"{value!r}", "a list of modifiers, such as [RT, KX]")
            return ()
        found = []
        for index, one in enumerate(value):
            text = str(one).upper()
            if not _MODIFIER.fullmatch(text):
                self.fault((*at, "modifiers", index), f"{one!r} is no modifier", "two letters or digits")
            found.append(text)
        return tuple(found)

    def whole(self, at: Path_, value: Any, expected: str) -> int:
        text = str(value)
        if re.fullmatch(r"[0-9]{1,7}", text) and 1 <= int(text) <= _MOST_UNITS:
            return int(text)
        self.fault(at, f"{value!r}", expected)
        return 0
