"""Where the data is limited, where sources disagree, and how far each payer is verified."""

from __future__ import annotations

from facetwise.briefing.subject import Subject
from facetwise.document.model import AnyBlock, Cell, Column, Line, Points, TableBlock, TableRow, plain_cell
from facetwise.knowledge.kinds import Audit, Policy, Registry, Statement

_STATES = {
    "complete": "Complete",
    "partial": "Partial",
    "identity_only": "Policy known, terms not",
    "none": "Nothing established",
}

_OVERALL = {
    "complete": "At least one topic complete",
    "partial": "Some terms known in part",
    "identity_only": "The policy is known, its terms are not",
    "none": "Nothing established",
}


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the section on the limits of the data: gaps first, those of single payers behind a fold."""
    found: list[AnyBlock] = []
    gaps: dict[bool, list[Line]] = {}
    rest = []
    for _, dated, one in subject.statements("limits-of-the-data"):
        line = subject.statement_line(dated, one)
        if one.status == "not_established":
            gaps.setdefault(bool(one.payers) and subject.code not in one.codes, []).append(line)
        else:
            rest.append(line)
    if gaps.get(False):
        found.append(Points(title="Not established", lines=tuple(gaps[False])))
    if gaps.get(True):
        found.append(Points(title="Not established, payer by payer", lines=tuple(gaps[True]), folded=True))
    conflicts = _conflicts(subject)
    if conflicts:
        found.append(conflicts)
    found += _registry(subject)
    if rest:
        found.append(Points(title="About the data", lines=tuple(rest), folded=True))
    return found


def _conflicts(subject: Subject) -> AnyBlock | None:
    payers = subject.view.payers()
    rows = []
    for thing in subject.view.store.things.values():
        for dated in thing.history:
            if not dated.sides or not dated.holds_on(subject.day) or not _bears(subject, dated):
                continue
            if thing.payer and not subject.allows(thing.payer):
                continue
            lines = []
            for side in dated.sides:
                lines.append(subject.line(side, _said(side.value)))
            who = payers[thing.payer].name if thing.payer in payers else ""
            name = _matter(subject, thing.slug, dated.sides[0].value)
            rows.append(TableRow((plain_cell(f"{who}: {name}" if who else name), Cell(tuple(lines)))))
    if not rows:
        return None
    return TableBlock(
        id="conflicts",
        title="Where sources disagree",
        caption="Both sides stand, with their dates; pick one only with its document in hand",
        columns=(Column("what", "Matter"), Column("sides", "What each side says")),
        rows=tuple(rows),
    )


def _said(value: object) -> str:
    if isinstance(value, Policy):
        version = f"version {value.version}" if value.version else "version not established"
        return f"{value.identifier}: {version}, {value.status.replace('_', ' ')}"
    return getattr(value, "statement", "") or getattr(value, "text", "")


def _matter(subject: Subject, slug: str, value: object) -> str:
    question = subject.view.store.questions.get(getattr(value, "question", ""))
    if question is not None:
        return question.title[0].lower() + question.title[1:]
    if isinstance(value, Policy):
        return f"which version of {value.identifier} is in force"
    if isinstance(value, Audit):
        return value.title
    return slug.replace("-", " ")


def _bears(subject: Subject, dated: object) -> bool:
    for side in getattr(dated, "sides", ()):
        value = side.value
        if isinstance(value, Statement):
            return subject.concerns(value)
        codes = getattr(value, "codes", ())
        if codes and subject.code not in codes:
            return False
        applies = getattr(value, "applies", None)
        if applies and applies.technique and not set(applies.technique) & subject.techniques:
            return False
    return subject.full


def _summary(subject: Subject, registry: list[tuple[str, Registry]]) -> TableBlock:
    """Each payer once, by the best that is verified of its terms."""
    payers = subject.view.payers()
    groups: dict[str, list[str]] = {state: [] for state in _OVERALL}
    for key, entry in registry:
        if key not in payers or not subject.allows(key):
            continue
        terms = {topic.state for topic in entry.topics if topic.topic != "policy-identity"}
        known = {topic.state for topic in entry.topics}
        best = next((state for state in ("complete", "partial") if state in terms), "")
        best = best or ("identity_only" if known - {"none"} else "none")
        groups[best].append(payers[key].name)
    return TableBlock(
        id="verified",
        title="How far each payer is verified",
        caption="Each payer by the best that is verified of its terms",
        columns=(Column("state", "State"), Column("payers", "Payers")),
        rows=tuple(
            TableRow((plain_cell(_OVERALL[state]), plain_cell(", ".join(names) or "none")))
            for state, names in groups.items()
        ),
    )


def _registry(subject: Subject) -> list[AnyBlock]:
    payers = subject.view.payers()
    topics = subject.view.store.vocabulary.words["topic"]
    rows, notes = [], []
    registry = sorted(
        subject.view.registry().items(), key=lambda item: payers[item[0]].order if item[0] in payers else 0
    )
    for key, entry in registry:
        if key not in payers or not subject.allows(key):
            continue
        by_state: dict[str, list[str]] = {}
        for topic in entry.topics:
            by_state.setdefault(topic.state, []).append(topics[topic.topic])
            if topic.note:
                notes.append(
                    TableRow((plain_cell(payers[key].name), plain_cell(topics[topic.topic]), plain_cell(topic.note)))
                )
        seen = max((topic.since for topic in entry.topics if topic.since), default=None)
        cells = tuple(plain_cell(", ".join(by_state.get(state, ())) or "none") for state in _STATES)
        since = plain_cell(seen.isoformat()) if seen else plain_cell("not established", status="not_established")
        rows.append(TableRow((plain_cell(payers[key].name), *cells, since)))
    if not rows:
        return []
    columns = (
        Column("payer", "Payer"),
        *(Column(state, words) for state, words in _STATES.items()),
        Column("since", "Last verified"),
    )
    found: list[AnyBlock] = [
        TableBlock(
            id="registry",
            title="Verification, topic by topic",
            caption="State of verification by payer and topic",
            columns=columns,
            rows=tuple(rows),
            folded=True,
        )
    ]
    found.insert(0, _summary(subject, registry))
    if notes:
        found.append(
            TableBlock(
                id="registry-notes",
                title="Notes on verification",
                caption="What the state of verification rests on",
                columns=(Column("payer", "Payer"), Column("topic", "Topic"), Column("note", "Note")),
                rows=tuple(notes),
                folded=True,
            )
        )
    return found
