"""Where the data is limited, where sources disagree, and how far each payer is verified."""

from __future__ import annotations

from facetwise.briefing.document import AnyBlock, Cell, Column, Line, Points, TableBlock, TableRow, plain_cell
from facetwise.briefing.subject import Subject
from facetwise.knowledge.kinds import Statement

_STATES = {
    "complete": "complete",
    "partial": "partial",
    "identity_only": "policy known, terms not",
    "none": "nothing established",
}


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the section on the limits of the data."""
    found: list[AnyBlock] = []
    statements = subject.statements("limits-of-the-data")
    gaps = tuple(subject.statement_line(dated, one) for _, dated, one in statements if one.status == "not_established")
    rest = tuple(subject.statement_line(dated, one) for _, dated, one in statements if one.status != "not_established")
    if gaps:
        found.append(Points(title="Not established", lines=gaps))
    conflicts = _conflicts(subject)
    if conflicts:
        found.append(conflicts)
    registry = _registry(subject)
    if registry:
        found.append(registry)
    if rest:
        found.append(Points(title="About the data", lines=rest, folded=len(rest) > 8))
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
                text = getattr(side.value, "statement", "") or getattr(side.value, "text", "")
                lines.append(subject.line(side, text))
            who = payers[thing.payer].title if thing.payer in payers else ""
            name = thing.slug.replace("-", " ")
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


def _bears(subject: Subject, dated: object) -> bool:
    for side in getattr(dated, "sides", ()):
        value = side.value
        if isinstance(value, Statement):
            return subject.concerns(value)
        codes = getattr(value, "codes", ())
        if codes and subject.code not in codes:
            return False
        applies = getattr(value, "applies", None)
        if applies and applies.technique and not set(applies.technique) & set(subject.value.technique):
            return False
    return subject.full


def _registry(subject: Subject) -> AnyBlock | None:
    payers = subject.view.payers()
    topics = subject.view.store.vocabulary.words["topic"]
    rows = []
    for key, registry in sorted(
        subject.view.registry().items(), key=lambda item: payers[item[0]].order if item[0] in payers else 0
    ):
        if key not in payers or not subject.allows(key):
            continue
        by_state: dict[str, list[str]] = {}
        for topic in registry.topics:
            by_state.setdefault(topic.state, []).append(topics[topic.topic])
        seen = max((topic.since for topic in registry.topics if topic.since), default=None)
        notes = " ".join(dict.fromkeys(topic.note for topic in registry.topics if topic.note))
        lines = tuple(
            Line(f"{_STATES[state]}: {', '.join(by_state[state])}", status="not_established" if state == "none" else "")
            for state in _STATES
            if state in by_state
        )
        rows.append(
            TableRow(
                (
                    plain_cell(payers[key].title),
                    Cell(lines or (Line("nothing established", status="not_established"),)),
                    plain_cell(seen.isoformat() if seen else "not established"),
                    plain_cell(notes or "no further note"),
                )
            )
        )
    if not rows:
        return None
    return TableBlock(
        id="registry",
        title="How far each payer is verified",
        caption="State of verification by payer and topic",
        columns=(
            Column("payer", "Payer"),
            Column("state", "How far"),
            Column("since", "Last verified"),
            Column("note", "Note"),
        ),
        rows=tuple(rows),
        audience=("policy",),
    )
