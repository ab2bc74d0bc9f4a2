"""What the record must show, and where records have failed."""

from __future__ import annotations

from facetwise.briefing.subject import Subject
from facetwise.document.model import AnyBlock, Cell, Checklist, Column, Line, TableBlock, TableRow, plain_cell
from facetwise.knowledge.kinds import Audit, Documentation


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the documentation section."""
    found: list[AnyBlock] = []
    by_topic: dict[str, list[Line]] = {}
    for thing, dated, one in subject.statements("documentation"):
        topic = one.topic or thing.id.split("#")[0].rsplit("/", 1)[-1]
        by_topic.setdefault(topic, []).append(subject.statement_line(dated, one))
    for topic, lines in by_topic.items():
        words = topic.replace("-", " ")
        found.append(Checklist(title=f"{words[0].upper()}{words[1:]}", lines=tuple(lines)))
    found += _by_payer(subject)
    audits = _audits(subject)
    if audits:
        found.append(audits)
    return found


def _by_payer(subject: Subject) -> list[AnyBlock]:
    payers = subject.view.payers()
    rows = []
    for thing, dated in subject.view.of_kind("documentation"):
        value = dated.value
        if not isinstance(value, Documentation) or thing.payer not in payers or not subject.allows(thing.payer):
            continue
        wanted = set(value.applies.technique)
        if wanted and subject.value.technique and not wanted & set(subject.value.technique):
            continue
        lines = (subject.line(dated, value.statement), *(Line(item) for item in value.items))
        rows.append(
            (payers[thing.payer].order, thing.id, TableRow((plain_cell(payers[thing.payer].title), Cell(lines))))
        )
    if not rows:
        return []
    return [
        TableBlock(
            id="record-by-payer",
            title="What each payer asks of the record",
            caption="Documentation that payers ask for by name",
            columns=(Column("payer", "Payer"), Column("record", "What the record or request must hold")),
            rows=tuple(row for _, _, row in sorted(rows, key=lambda item: item[:2])),
        )
    ]


def _audits(subject: Subject) -> AnyBlock | None:
    rows = []
    for _, dated in subject.view.of_kind("audit"):
        value = dated.value
        if not isinstance(value, Audit) or (
            value.codes and subject.code not in value.codes and subject.full and not _same_kind(subject, value)
        ):
            continue
        if value.error_percent is not None:
            failed = f"{value.error_percent.normalize():f} %"
        elif value.failed is not None and value.reviewed:
            failed = f"{value.failed} of {value.reviewed}"
        else:
            failed = "no rate given"
        lines = (subject.line(dated, value.statement), *(Line(text) for text in value.findings))
        title = f"{value.agency}, {value.report}" if value.report else value.agency
        rows.append(
            (
                dated.start,
                TableRow((plain_cell(title), plain_cell(dated.since), plain_cell(failed), Cell(lines))),
            )
        )
    if not rows:
        return None
    rows.sort(key=lambda item: str(item[0] or ""), reverse=True)
    return TableBlock(
        id="audits",
        title="Where records fail: audits and error rates",
        caption="Reviews of facet claims, newest first",
        columns=(
            Column("who", "Review"),
            Column("date", "Date"),
            Column("failed", "Failed", number=True),
            Column("found", "What was found"),
        ),
        rows=tuple(row for _, row in rows),
    )


def _same_kind(subject: Subject, audit: Audit) -> bool:
    family = {code for code, value in subject.family() if value.technique == subject.value.technique}
    return bool(family & set(audit.codes))
