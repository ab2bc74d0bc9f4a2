"""The rules of one payer over a span of days on which they do not change, as far as a sample claim must keep to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from facetwise.coding import Encounter
from facetwise.coding.code import bilateral_layout
from facetwise.coverage.logic import days_of
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import Billing, Criterion, DiagnosisList, Family, Limit, Position, PriorAuthorization
from facetwise.knowledge.parts import Test
from facetwise.payers import Rules, Said, rules
from facetwise.sample.ncci import Ncci

QUESTIONS = (
    *("bilateral-professional", "bilateral-facility", "third-level-position", "code-position", "excluded-techniques"),
    *("ultrasound-position", "levels-per-session", "regions-per-session", "diagnostic-modifier", "prior-authorization"),
    *("bundled-services", "sedation", "junction-pair", "ablation-interval", "ablation-sessions", "diagnostic-sessions"),
    *("therapeutic-sessions", "injection-sessions", "diagnosis-list", "second-diagnostic", "imaging-guidance"),
)
_OVER_TIME = (
    "ablation-interval",
    "ablation-sessions",
    "diagnostic-sessions",
    "therapeutic-sessions",
    "injection-sessions",
)
_LAYOUTS = ("bilateral-professional", "bilateral-facility")
_REFUSED = ("not_covered", "appeal_only")


@dataclass(slots=True)
class Book:
    """A payer's rules from `start` to `end`, both included. `asked` is None for a payer of whom nothing is known."""

    payer: str
    view: View
    asked: Rules | None
    start: date
    end: date
    _layouts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _said: dict[tuple[str, ...], list[Said]] = field(default_factory=dict)
    _authorized: dict[tuple[str, tuple[str, ...], str, str], str] = field(default_factory=dict)

    def said(self, question: str, technique: str = "", **facts: str) -> list[Said]:
        """Return what the payer says to a question; nothing where nothing is known of it."""
        if self.asked is None:
            return []
        key = (question, technique, *facts, *facts.values())
        if key not in self._said:
            self._said[key] = self.asked.said(question, technique, **facts)
        return self._said[key]

    def says(self) -> tuple[int, ...]:
        """Return what tells this book from another of the same payer: which entries of the knowledge answer on its days."""
        asked = self.asked or _program(self.view)
        layouts = [id(one.dated) for question in _LAYOUTS for one in _program(self.view).said(question)]
        answers = [id(one.dated) for question in QUESTIONS for one in asked.said(question)]
        codes = [hash(thing.slug) for thing, dated in self.view.of_kind("code") if dated.value is not None]
        families = [id(dated) for kind in ("family", "modifier") for _, dated in self.view.of_kind(kind)]
        return (*answers, -1, *layouts, -1, *families, -1, *codes)

    def layout(self, code: str, claim: str, setting: str) -> str:
        """Return how both sides of one level are reported."""
        key = (code, claim, setting)
        if key not in self._layouts:
            asked = self.asked or _program(self.view)
            encounter = Encounter(
                payer=asked.whose, state="", day=self.start, setting=setting, claim=claim, procedures=()
            )
            self._layouts[key] = bilateral_layout(self.view, asked, encounter, code)[1]
        return self._layouts[key]

    def diagnostic_modifiers(self, code: str, technique: str, claim: str) -> tuple[str, ...]:
        """Return what the payer wants on a diagnostic line."""
        found: dict[str, None] = {}
        for one in self.said("diagnostic-modifier", technique, claim=claim):
            if isinstance(one.value, Billing) and (not one.value.codes or code in one.value.codes):
                found.update(dict.fromkeys(one.value.modifiers))
        return tuple(found)

    def authorization(self, code: str, techniques: tuple[str, ...], setting: str, claim: str) -> str:
        """Return yes, depends, no, or nothing: whether the payer wants a decision beforehand; the strictest of what it says."""
        key = (code, techniques, setting, claim)
        if key not in self._authorized:
            self._authorized[key] = self._authorization(*key)
        return self._authorized[key]

    def _authorization(self, code: str, techniques: tuple[str, ...], setting: str, claim: str) -> str:
        said = {
            one.value.required
            for technique in techniques
            for one in self.said("prior-authorization", technique, setting=setting, claim=claim, codes=code)
            if isinstance(one.value, PriorAuthorization) and (not one.value.codes or code in one.value.codes)
        }
        return next((word for word in ("yes", "depends", "no") if word in said), "")

    def authorization_is_the_facilitys(self, code: str, techniques: tuple[str, ...], setting: str) -> bool:
        """Whether all that asks for a decision is bound to a setting: then the facility's claim bears the number."""
        asking = [
            one.value
            for technique in techniques
            for one in self.said("prior-authorization", technique, setting=setting, codes=code)
            if isinstance(one.value, PriorAuthorization)
            and one.value.required == "yes"
            and (not one.value.codes or code in one.value.codes)
        ]
        return all(one.applies.setting for one in asking)

    def refuses(self, code: str, techniques: tuple[str, ...]) -> bool:
        """Whether a position of the payer on this code, or on each technique that it reports, is not to cover it."""
        named = [
            one.value
            for question in ("third-level-position", "code-position")
            for technique in techniques
            for one in self.said(question, technique)
            if isinstance(one.value, Position) and code in one.value.codes
        ]
        return any(one.position in _REFUSED for one in named) or self.excludes(techniques)

    def excludes(self, techniques: tuple[str, ...]) -> bool:
        """Whether each of the techniques is excluded whatever the guidance."""
        excluded = {
            technique
            for one in self.said("excluded-techniques")
            if isinstance(one.value, Position) and one.value.position in _REFUSED and not one.value.applies.guidance
            for technique in one.value.applies.technique
        }
        return bool(techniques) and set(techniques) <= excluded

    def limits(self, question: str, techniques: tuple[str, ...]) -> list[Said]:
        """Return the limits with a number that bear on any of these techniques."""
        found: dict[int, Said] = {}
        for technique in techniques:
            for one in self.said(question, technique):
                if isinstance(one.value, Limit) and one.value.at_most is not None:
                    found[id(one.dated)] = one
        return list(found.values())

    def over_time(self, techniques: tuple[str, ...]) -> list[Limit]:
        """Return the limits over a span of time that bear on any of these techniques."""
        return [one.value for question in _OVER_TIME for one in self.limits(question, techniques)]

    def apart(self, techniques: tuple[str, ...]) -> int:
        """Return how many days the payer wants between two diagnostic sessions; 0 where it says nothing."""
        spans = [0]
        for technique in techniques:
            for one in self.said("second-diagnostic", technique, purpose="diagnostic"):
                if isinstance(one.value, Criterion) and one.value.test is not None:
                    spans += _apart(one.value.test)
        return max(spans)

    def supports(self, code: str) -> DiagnosisList | None:
        """Return the payer's list of diagnoses that support a code."""
        for one in self.said("diagnosis-list"):
            if isinstance(one.value, DiagnosisList) and (not one.value.codes or code in one.value.codes):
                return one.value
        return None


def fits(limits: list[Limit], levels: int, sides: int, *, clear: bool = True) -> bool:
    """Whether so many levels on so many sides keep to the limits of one session; `clear`: without doubt."""
    for limit in limits:
        assert limit.at_most is not None
        used = Decimal(levels)
        if limit.counts in ("injection", "block", "procedure") and clear:
            used = Decimal(levels * sides)
        if limit.window.kind == "session" and used > limit.at_most:
            return False
    return True


class Views:
    """The views of the knowledge, each made once."""

    def __init__(self, knowledge: Knowledge):
        self.store = knowledge.store
        self._knowledge = knowledge
        self._views: dict[date, View] = {}

    def as_of(self, day: date) -> View:
        """Return the view of a day. Raises FacetwiseError outside the horizon of the knowledge."""
        if day not in self._views:
            self._views[day] = self._knowledge.as_of(day)
        return self._views[day]


def books(knowledge: Views, payer: str, state: str, first: date, last: date, ncci: Ncci) -> list[Book]:
    """Return the payer's books that cover the days from `first` to `last` without a gap."""
    days = {*ncci.turns(), *_turns(knowledge, payer, state, first, last)}
    turns = sorted(day for day in days if first < day <= last)
    ends = [*(day - timedelta(days=1) for day in turns), last]
    found: list[Book] = []
    said: tuple[object, object] | None = None
    for start, end in zip([first, *turns], ends, strict=True):
        view = knowledge.as_of(start)
        book = Book(payer, view, rules(view, payer, state) if payer else None, start, end)
        says = (book.says(), ncci.on(start))
        if said == says:
            found[-1].end = end
        else:
            found.append(book)
            said = says
    return found


def key_of(knowledge: Views, payer: str, state: str, day: date) -> tuple[str, str, str]:
    """Return what decides whose books hold: payers and states with the same key have the same books."""
    if not payer:
        return ("", "", "")
    asked = rules(knowledge.as_of(day), payer, state)
    return (payer, asked.whose, asked.local)


def families(view: View, code: str) -> list[Family]:
    """Return the families that report something by this code."""
    return [
        dated.value
        for _, dated in view.of_kind("family")
        if isinstance(dated.value, Family) and any(rank.code == code for rank in dated.value.ranks)
    ]


def techniques_of(view: View, code: str) -> tuple[str, ...]:
    """Return the techniques that a code may stand for."""
    return tuple(dict.fromkeys(technique for family in families(view, code) for technique in family.technique))


def _program(view: View) -> Rules:
    return next(Rules(view, key) for key, payer in view.payers().items() if payer.role == "program")


def _turns(knowledge: Views, payer: str, state: str, first: date, last: date) -> set[date]:
    """Return the days on which something begins or ends that the payer's rules or the codes say."""
    store = knowledge.store
    chain = {""}
    for day in (first, last):
        view = knowledge.as_of(day)
        known = view.payers()
        asked = rules(view, payer, state) if payer else _program(view)
        waiting = [payer, asked.whose, asked.local, *(key for key, one in known.items() if one.role == "program")]
        while waiting:
            one = waiting.pop()
            if one and one not in chain and one in known:
                chain.add(one)
                waiting += known[one].follows
    days = set()
    for thing in store.things.values():
        if thing.kind in ("family", "code", "modifier", "jurisdiction", "payer") or (
            thing.question in QUESTIONS and thing.payer in chain
        ):
            for dated in thing.history:
                days.add(dated.start or date.min)
                days.add(dated.end + timedelta(days=1) if dated.end and dated.end < date.max else date.min)
    return days


def _apart(test: Test) -> list[int]:
    found = []
    if test.apart is not None and test.apart.at_least is not None:
        length = days_of(test.apart.at_least, test.apart.unit)
        found += [length] if length is not None else []
    for part in (*test.all, *test.any, *test.none):
        found += _apart(part)
    return found
