"""Cards of CDS Hooks from a determination: what is refused, what the record still has to show, limits, where to read on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from facetwise.coverage.answers import CriterionResult, Determination, LimitResult
from facetwise.coverage.case import Case
from facetwise.coverage.labels import Bearing, bearing_of, bearings, payer_name, word_label
from facetwise.coverage.report import state_of
from facetwise.document.render.markdown import escaped
from facetwise.edits.result import ClaimFinding
from facetwise.knowledge import View
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Policy
from facetwise.web.cds.judged import Session

TOPICS = "http://terminology.hl7.org/CodeSystem/cdshooks-card-type"
COVERAGE, LIMITS = "coverage-info", "limits"
_TOPIC_NAMES = {COVERAGE: "Coverage Information", LIMITS: "Limits"}
_SUMMARY = 139
_DETAIL_LINES = 40
_SOURCES = 8
_REFUSED = ("not_covered", "appeal_only")
_POSITIONS = {
    "covered": "covered",
    "not_covered": "not covered",
    "appeal_only": "on appeal only",
    "not_established": "not established",
}
NOTICE = "A reading of published rules, no decision of the payer: confirm the live policy before it decides anything."


class Topic(msgspec.Struct, frozen=True):
    """A coding of what a card is about."""

    system: str
    code: str
    display: str


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose guidance a card gives."""

    label: str
    url: str = ""
    topic: Topic | None = None


class Link(msgspec.Struct, frozen=True):
    """Where to read on."""

    label: str
    url: str
    type: str = "absolute"


class Action(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A change that is proposed."""

    type: str
    description: str
    resource: dict[str, msgspec.Raw] | None = None
    resource_id: str = ""


class Suggestion(msgspec.Struct, frozen=True):
    """A change that the user may choose."""

    label: str
    uuid: str
    actions: tuple[Action, ...]


class Card(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A card."""

    summary: str
    indicator: str
    source: Source
    detail: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: str = ""
    links: tuple[Link, ...] = ()


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What a service answers."""

    cards: list[Card]
    system_actions: list[Action] = []

    def json(self) -> bytes:
        """Return it as JSON; `cards` is there when it is empty."""
        if self.cards:
            return msgspec.json.encode(self)
        value: dict[str, Any] = {"cards": []}
        return msgspec.json.encode(value | ({"systemActions": self.system_actions} if self.system_actions else {}))


class Teller:
    """Makes the cards of one session. `base` is the address of this server; `asserted`: the order itself says the outcome."""

    def __init__(
        self,
        view: View,
        session: Session,
        cases: Sequence[Case],
        answer: Determination,
        findings: Sequence[ClaimFinding],
        base: str,
    ):
        self.view = view
        self.words = view.store.vocabulary
        self.session = session
        self.cases = cases
        self.case = cases[0]
        self.answer = answer
        self.findings = list(findings)
        self.base = base
        self.known: dict[str, Bearing] = {}
        for case in cases:
            self.known |= bearings(view, case)
        by_state: dict[str, list[CriterionResult]] = {}
        for one in sorted(answer.criteria, key=lambda one: self._bearing(one).order):
            by_state.setdefault(state_of(one), []).append(one)
        self.criteria = by_state
        # A refused code has a criterion of its own; it is told as a code.
        self.failed = [one for one in by_state.get("not_met", []) if not one.id.startswith("position-")]
        self.reached = [one for one in answer.limits if one.status == "not_met"]
        limits = {one.id for one in self.reached}
        self.failed = [one for one in self.failed if one.id not in limits]
        self.refused = [one for one in answer.code_positions if one.position in _REFUSED]
        self.records = [one for one in by_state.get("unknown", []) if any(" " not in name for name in one.missing)]

    def _bearing(self, one: CriterionResult | LimitResult) -> Bearing:
        return bearing_of(self.known, one.id, one.statement)

    @property
    def who(self) -> str:
        payer, whose = payer_name(self.view, self.answer.payer), payer_name(self.view, self.answer.whose)
        return payer if payer == whose else f"{payer} ({whose})"

    def coverage(self, *, asserted: bool = False) -> Card | None:
        """Return the card of coverage and documentation; None where `asserted` says all that it would."""
        told = [] if asserted else [*self._codes_told(), *self._authorization_told()]
        if self.failed:
            told.append(f"{_count(len(self.failed), 'criterion', 'criteria')} not met")
        if self.findings:
            told += [one.edit for one in self.findings]
        if self.records:
            told.append(f"{_count(len(self.records), 'point')} to document")
        if not told:
            if asserted:
                return None
            told.append("criteria met by what was sent" if self.answer.outcome == "met" else "rules not established")
        warned = bool(self.failed or self.findings or (self.refused and not asserted))
        suggestions = self._suggestions()
        return Card(
            summary=_fitting(f"{self.who}: ", told),
            indicator="warning" if warned else "info",
            source=self._source(COVERAGE),
            detail=self._detail(asserted=asserted),
            suggestions=suggestions,
            selection_behavior="any" if suggestions else "",
            links=self._links(),
        )

    def limits(self) -> Card | None:
        """Return the card of the limits that are used up, with the next day that fits."""
        if not self.reached:
            return None
        told = []
        lines = []
        for one in self.reached:
            title = self._bearing(one).title
            next_day = f", next from {one.next_eligible_date}" if one.next_eligible_date else ""
            told.append(f"{title.lower()} used up ({one.used} of {one.allowed} in {one.window_days} days){next_day}")
            lines.append(f"- **{escaped(title)}**: {escaped(one.statement)} Used {one.used} of {one.allowed}.")
            if one.next_eligible_date:
                lines.append(f"  A further session fits from {in_words(one.next_eligible_date)}.")
        lines += ["", "Counted from the procedures that were sent; others, elsewhere, may count too.", ""]
        keys = [key for one in self.reached for key in one.citations]
        return Card(
            summary=_fitting(f"{self.who}: ", told),
            indicator="warning",
            source=self._source(LIMITS),
            detail="\n".join([*lines, *self._sources(keys), "", NOTICE]),
            links=self._links(),
        )

    def _codes_told(self) -> Iterator[str]:
        by_position: dict[str, list[str]] = {}
        for one in self.refused:
            by_position.setdefault(_POSITIONS[one.position], []).append(one.code)
        for text, codes in by_position.items():
            yield f"{', '.join(dict.fromkeys(codes))} {text}"

    def _authorization_told(self) -> Iterator[str]:
        if self.answer.prior_authorization.required:
            yield "prior authorization needed"

    def _detail(self, *, asserted: bool) -> str:
        blocks = [self._lines("Not met", self.failed)]
        if self.findings:
            blocks.append(
                ["**The order itself**", *(f"- {escaped(one.message)} {escaped(one.fix)}" for one in self.findings)]
            )
        blocks.append(self._lines("To document: not in what was sent", self.records))
        if not asserted:
            blocks.append(["**Codes**", *self._positions()] if self.answer.code_positions else [])
            blocks.append(["**Prior authorization**", f"- {escaped(self.answer.prior_authorization.why)}"])
        blocks.append(self._lines("Sources disagree", self.criteria.get("conflict", [])))
        silent = dict.fromkeys(self._bearing(one).title for one in self.criteria.get("not_established", []))
        if silent:
            blocks.append([f"**Not established for this payer**: {escaped(', '.join(silent).lower())}."])
        met = len(self.criteria.get("met", []))
        if met:
            blocks.append([f"{_count(met, 'criterion', 'criteria')} met by what was sent."])
        blocks.append(self._open())
        blocks.append(list(self._sources(self._cited(asserted=asserted))))
        blocks.append([NOTICE])
        return "\n\n".join("\n".join(block) for block in blocks if block)

    def _lines(self, title: str, found: Sequence[CriterionResult]) -> list[str]:
        if not found:
            return []
        lines = [f"**{title}**"]
        for one in found[:_DETAIL_LINES]:
            lines.append(f"- **{escaped(self._bearing(one).title)}**: {escaped(one.needed)}")
        if len(found) > _DETAIL_LINES:
            lines.append(f"- and {len(found) - _DETAIL_LINES} more")
        return lines

    def _positions(self) -> Iterator[str]:
        for one in self.answer.code_positions:
            said = f" {escaped(one.statement)}" if one.statement else ""
            yield f"- {one.code}: {_POSITIONS[one.position]}.{said}"

    def _open(self) -> list[str]:
        """Return what the request leaves open, and by what it was judged."""
        lines = []
        if len(self.cases) > 1:
            names = [word_label(self.words, "technique", case.technique) for case in self.cases]
            lines.append(
                f"- The order does not say which is meant: {' or '.join(names)}. What differs is told as not settled."
            )
        if not all(one.day for one in self.session.orders):
            lines.append("- The order names no day: it is judged as of today.")
        lines += [f"- {escaped(note)}" for note in self.answer.notes]
        if self.case.history is None:
            lines.append(
                "- No earlier facet procedure was sent, which does not say that there was none: limits are not counted."
            )
        else:
            kind = word_label(self.words, "sequence", self.answer.sequence) if self.answer.sequence else ""
            taken = f" By them this is taken for a {kind} procedure of its kind." if kind else ""
            lines.append(f"- Earlier procedures are those that were sent; others may have been done elsewhere.{taken}")
        return ["**What the request leaves open**", *lines] if lines else []

    def _cited(self, *, asserted: bool) -> Iterator[str]:
        for one in (*self.failed, *self.records):
            yield from one.citations
        for finding in self.findings:
            yield from finding.citations
        if not asserted:
            for position in self.answer.code_positions:
                yield from position.citations
            yield from self.answer.prior_authorization.citations

    def _sources(self, keys: Iterable[str]) -> Iterator[str]:
        """Yield the sources, those that most of what is told cites first; the page has them all."""
        counted: dict[str, int] = {}
        for key in keys:
            counted[key] = counted.get(key, 0) + 1
        ranked = sorted(counted, key=lambda key: -counted[key])
        if not ranked:
            return
        yield "**Sources**"
        for key in ranked[:_SOURCES]:
            one = self.view.source(key)
            date = "" if one.date == "not established" else f", {one.date}"
            address = f": <{one.url}>" if one.url.startswith("http") else ""
            yield f"- {escaped(one.title)} ({escaped(one.publisher)}{date}){address}"
        if len(ranked) > _SOURCES:
            yield f"- and {len(ranked) - _SOURCES} more on the page"

    def _source(self, topic: str) -> Source:
        policies = {thing.slug: dated for thing, dated in self.view.of_kind("policy")}
        held = [policies[slug] for slug in self.answer.policies if slug in policies]
        names = [dated.value.identifier for dated in held if isinstance(dated.value, Policy)]
        # The document itself where it has an address, else what says of it; a copy of it is neither.
        sources = [self.view.source(key) for dated in held for key in dated.sources]
        urls = [dated.value.url for dated in held if isinstance(dated.value, Policy)]
        urls += [one.canonical_url for one in sources]
        urls += [one.url for one in sources if not one.repository]
        label = f"{self.who}, published rules" + (f" ({', '.join(names[:3])})" if names else "") + ", read by Facetwise"
        url = next((one for one in urls if one.startswith(("https://", "http://"))), "")
        return Source(label, url, Topic(TOPICS, topic, _TOPIC_NAMES[topic]))

    def _links(self) -> tuple[Link, ...]:
        """Return links to our pages; they name codes, payer and procedure, and nothing of the patient or the day."""
        payer = self.answer.payer
        asked = {
            "payer": payer,
            "technique": self.case.technique,
            "region": self.session.region,
            "state": self.session.state,
        }
        query = urlencode({name: value for name, value in asked.items() if value})
        links = [Link("Blank checklist for the record", f"{self.base}/cover/checklist?{query}")]
        links.append(Link("Coverage form of this payer", f"{self.base}/cover?{query}"))
        for code in self.session.codes[:3]:
            links.append(
                Link(f"Briefing on {code}", f"{self.base}/codes/{code}?{urlencode({'payer': self.answer.whose})}")
            )
        return tuple(links)

    def _suggestions(self) -> tuple[Suggestion, ...]:
        """Return the way out of add-on orders that every source has as not covered, where another order remains."""
        by_code: dict[str, set[str]] = {}
        for one in self.answer.code_positions:
            by_code.setdefault(one.code, set()).add(one.position)
        codes = {thing.slug: dated.value for thing, dated in self.view.of_kind("code")}
        refused = [
            one
            for one in self.session.orders
            if by_code.get(one.said.code) == {"not_covered"}
            and getattr(codes.get(one.said.code), "role", "") == "add_on"
        ]
        if len(refused) == len(self.session.orders):
            return ()
        return tuple(
            Suggestion(
                label=f"Take {one.said.code} out of the orders",
                uuid=str(uuid.uuid4()),
                actions=(
                    Action(
                        type="delete",
                        description=f"Remove the order of {one.said.code}, which {self.who} does not cover",
                        resource_id=f"{one.resource_type}/{one.id}",
                    ),
                ),
            )
            for one in refused
            if one.id and one.draft
        )


def plain_card(who: str, summary: str, detail: str, links: tuple[Link, ...] = ()) -> Card:
    """Return a card that tells why there is no answer."""
    return Card(
        summary=_fitting("", [summary]),
        indicator="info",
        source=Source(who, "", Topic(TOPICS, COVERAGE, _TOPIC_NAMES[COVERAGE])),
        detail=detail,
        links=links,
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _fitting(head: str, told: Sequence[str]) -> str:
    """Return as many of the phrases as a summary holds, whole."""
    text = head + told[0]
    for one in told[1:]:
        if len(text) + 2 + len(one) <= _SUMMARY:
            text += f"; {one}"
    return text if len(text) <= _SUMMARY else text[: _SUMMARY - 1].rstrip() + "…"
