"""What the API answers beyond the answers of the commands: lists of codes and payers, the knowledge, the releases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from facetwise import __version__
from facetwise.briefing import compare as comparison
from facetwise.briefing.changes import Change
from facetwise.briefing.compare import MOST_COLUMNS
from facetwise.briefing.sections.payers import comparison_table
from facetwise.briefing.subject import codes_of, subject
from facetwise.document.model import SourceEntry, TableBlock, cited
from facetwise.document.sources import source_entries
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Code, Payer, Policy, Registry
from facetwise.problems import FacetwiseError, Problem, nearest
from facetwise.web.desk import Desk


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of an answer."""


class CodeEntry(Entry, frozen=True):
    """A procedure code in the words of this project, as it stands on the day."""

    code: str
    title: str
    description: str
    system: str
    role: str
    region: str
    technique: tuple[str, ...]
    rank: str
    bases: tuple[str, ...]
    briefing: str
    citations: tuple[str, ...]


class Codes(Entry, frozen=True):
    """The codes of a day."""

    as_of: str
    knowledge: str
    codes: tuple[CodeEntry, ...]


class TopicState(Entry, frozen=True):
    """How far one topic of a payer is verified: complete, partial, identity_only or none."""

    topic: str
    title: str
    state: str
    evidence: str
    since: str | None
    note: str


class PolicyEntry(Entry, frozen=True):
    """A document that a payer publishes, in the version that holds on the day."""

    id: str
    identifier: str
    title: str
    type: str
    status: str
    version: str
    since: str
    citations: tuple[str, ...]


class PayerEntry(Entry, frozen=True):
    """Somebody who pays, or whose rules payers use."""

    id: str
    title: str
    name: str
    role: str
    group: str
    follows: tuple[str, ...]
    states: tuple[str, ...]
    note: str


class Payers(Entry, frozen=True):
    """The payers of a day."""

    as_of: str
    knowledge: str
    payers: tuple[PayerEntry, ...]


class PayerAnswer(Entry, frozen=True):
    """One payer on a day: its policies, how far it is verified, and what changed in the twelve months before."""

    as_of: str
    knowledge: str
    payer: PayerEntry
    policies: tuple[PolicyEntry, ...]
    verified: tuple[TopicState, ...]
    changes: tuple[Change, ...]


class Verified(Entry, frozen=True):
    """The verification of one payer."""

    payer: str
    topics: tuple[TopicState, ...]


class RegistryAnswer(Entry, frozen=True):
    """The verification registry of a day."""

    as_of: str
    knowledge: str
    payers: tuple[Verified, ...]


class KnowledgeAnswer(Entry, frozen=True):
    """Which knowledge answers: its digest, the days it answers for, when it was last gone through, and its size."""

    knowledge: str
    version: str
    layers: tuple[str, ...]
    answers_from: date
    answers_until: date
    reviewed: date
    things: int
    tables: int
    sources: int


class HeldRelease(Entry, frozen=True):
    """A release in the catalog; both days included."""

    release: str
    effective_from: date
    effective_to: date
    rows: int
    rejected: int
    source: str
    sha256: str
    loaded_at: str
    note: str


class ReleaseKind(Entry, frozen=True):
    """One kind of official release: current, stale (a newer one is due) or missing."""

    kind: str
    title: str
    state: str
    next_due: date | None
    releases: tuple[HeldRelease, ...]


class DataAnswer(Entry, frozen=True):
    """What the catalog on this machine holds."""

    today: date
    kinds: tuple[ReleaseKind, ...]


class ComparisonAnswer(Entry, frozen=True):
    """Payers beside each other on one code: the tables, and the sources that they cite."""

    code: str
    as_of: str
    knowledge: str
    payers: tuple[str, ...]
    tables: tuple[TableBlock, ...]
    sources: tuple[SourceEntry, ...]


class ChangesAnswer(Entry, frozen=True, rename={"start": "from", "end": "to"}):
    """What changed from a day to another, both included, newest first."""

    code: str
    start: str
    end: str
    knowledge: str
    changes: tuple[Change, ...]


def codes(desk: Desk, day: date, wanted: str = "") -> Codes:
    """Return the codes of a day; with `wanted`, those whose code begins so or whose title has all its words."""
    view = desk.knowledge.as_of(day)
    words = wanted.lower().split()
    found = [
        _code(code, value, dated.sources)
        for (code, value), (_, dated) in zip(codes_of(view), view.of_kind("code"), strict=True)
        if not words or code.lower().startswith(words[0]) or all(word in _said(value) for word in words)
    ]
    return Codes(as_of=day.isoformat(), knowledge=desk.knowledge.digest, codes=tuple(found))


def _said(value: Code) -> str:
    return f"{value.title} {value.description} {' '.join(value.technique).replace('_', ' ')}".lower()


def _code(code: str, value: Code, sources: tuple[str, ...]) -> CodeEntry:
    return CodeEntry(
        code=code,
        title=value.title,
        description=value.description,
        system=value.system,
        role=value.role,
        region=value.region,
        technique=value.technique,
        rank=value.rank,
        bases=value.bases,
        briefing=value.briefing,
        citations=sources,
    )


def payers(desk: Desk, day: date) -> Payers:
    """Return the payers of a day in their order."""
    found = (_payer(key, payer) for key, payer in desk.knowledge.as_of(day).payers().items())
    return Payers(as_of=day.isoformat(), knowledge=desk.knowledge.digest, payers=tuple(found))


def _payer(key: str, payer: Payer) -> PayerEntry:
    return PayerEntry(
        id=key,
        title=payer.title,
        name=payer.name,
        role=payer.role,
        group=payer.group,
        follows=payer.follows,
        states=payer.states,
        note=payer.note,
    )


def payer(desk: Desk, key: str, day: date) -> PayerAnswer:
    """Return one payer. Raises FacetwiseError for one that is not known on the day."""
    view = desk.knowledge.as_of(day)
    known = view.payers()
    if key not in known:
        close = ", ".join(nearest(key, known, 3))
        raise FacetwiseError(
            Problem("", 0, f"payer {key!r} is not known", "the id of a payer", f"nearest: {close}" if close else "")
        )
    registry = view.registry().get(key)
    year_before = max(desk.knowledge.store.horizon.from_, date.fromordinal(day.toordinal() - 365))
    return PayerAnswer(
        as_of=day.isoformat(),
        knowledge=desk.knowledge.digest,
        payer=_payer(key, known[key]),
        policies=tuple(_policies(view, key)),
        verified=topics(view, registry) if registry else (),
        changes=tuple(desk.changes(year_before, day, payers=(key,))),
    )


def _policies(view: View, payer: str) -> Iterable[PolicyEntry]:
    for thing, dated in view.of_kind("policy"):
        value = dated.value
        if thing.payer == payer and isinstance(value, Policy):
            yield PolicyEntry(
                id=thing.slug,
                identifier=value.identifier,
                title=value.title,
                type=value.type,
                status=value.status,
                version=value.version,
                since=dated.since,
                citations=dated.sources,
            )


def topics(view: View, registry: Registry) -> tuple[TopicState, ...]:
    """Return how far each topic of a payer is verified."""
    titles = view.store.vocabulary.words["topic"]
    return tuple(
        TopicState(
            topic=one.topic,
            title=titles[one.topic],
            state=one.state,
            evidence=one.evidence or "",
            since=one.since.isoformat() if one.since else None,
            note=one.note,
        )
        for one in registry.topics
    )


def registry(desk: Desk, day: date) -> RegistryAnswer:
    """Return the verification registry of a day, in the order of the payers."""
    view = desk.knowledge.as_of(day)
    order = {key: number for number, key in enumerate(view.payers())}
    held = sorted(view.registry().items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    found = tuple(Verified(payer=key, topics=topics(view, value)) for key, value in held)
    return RegistryAnswer(as_of=day.isoformat(), knowledge=desk.knowledge.digest, payers=found)


def about(desk: Desk) -> KnowledgeAnswer:
    """Return which knowledge answers."""
    store = desk.knowledge.store
    return KnowledgeAnswer(
        knowledge=store.digest,
        version=__version__,
        layers=store.layers,
        answers_from=store.horizon.from_,
        answers_until=store.horizon.until,
        reviewed=store.horizon.reviewed,
        things=len(store.things),
        tables=len(store.tables),
        sources=len(store.sources),
    )


def data(desk: Desk) -> DataAnswer:
    """Return what the catalog on this machine holds. Raises FacetwiseError when it cannot be opened."""
    kinds = tuple(
        ReleaseKind(
            kind=one.kind.name,
            title=one.kind.title,
            state=one.state,
            next_due=one.due,
            releases=tuple(msgspec.convert(held, HeldRelease, from_attributes=True) for held in one.releases),
        )
        for one in desk.releases()
    )
    return DataAnswer(today=date.today(), kinds=kinds)


def changes(desk: Desk, start: date, end: date, code: str, wanted: tuple[str, ...]) -> ChangesAnswer:
    """Return what changed. Raises FacetwiseError."""
    found = tuple(desk.changes(start, end, code, wanted))
    return ChangesAnswer(
        code=code, start=start.isoformat(), end=end.isoformat(), knowledge=desk.knowledge.digest, changes=found
    )


def compared(desk: Desk, code: str, day: date, wanted: tuple[str, ...]) -> ComparisonAnswer:
    """Return payers beside each other on a code: those asked for, or one column a payer group. Raises FacetwiseError."""
    about_code = subject(desk.knowledge.as_of(day), code, wanted)
    columns = comparison.groups(about_code)
    main = [column for column in columns if column.first][:MOST_COLUMNS]
    more = [column for column in columns if column not in main]
    asked = comparison.questions(about_code) + comparison.questions(about_code, section="coding")
    tables = [comparison_table(about_code, "comparison", "Payers compared", asked, main)]
    for number in range(0, len(more), MOST_COLUMNS):
        part = more[number : number + MOST_COLUMNS]
        tables.append(comparison_table(about_code, f"comparison-{number + 2}", "Further payers compared", asked, part))
    return ComparisonAnswer(
        code=about_code.code,
        as_of=day.isoformat(),
        knowledge=desk.knowledge.digest,
        payers=wanted,
        tables=tuple(tables),
        sources=source_entries(about_code.view, cited(tables)),
    )
