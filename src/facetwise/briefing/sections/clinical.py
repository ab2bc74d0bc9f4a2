"""Where it is done, for whom, and a worked example."""

from __future__ import annotations

from facetwise.briefing.subject import Subject, regions_of
from facetwise.document.model import (
    AnyBlock,
    Cell,
    Column,
    Paragraph,
    Points,
    Steps,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge.kinds import Example


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the clinical context."""
    found: list[AnyBlock] = []
    lines = tuple(
        subject.statement_line(dated, one)
        for _, dated, one in subject.statements("clinical-context")
        if one.topic != "background"
    )
    if lines:
        found.append(Points(lines=lines))
    anatomy = _anatomy(subject)
    if anatomy:
        found.append(anatomy)
    for thing, dated in subject.view.of_kind("example"):
        example = dated.value
        if (
            not isinstance(example, Example)
            or subject.code not in example.codes
            or (thing.slug != subject.code and _own(subject))
        ):
            continue
        found.append(Paragraph(title=f"Worked example: {example.title}", line=subject.line(dated, example.patient)))
        found.append(
            Steps(
                title="Step by step",
                items=tuple((step.title, step.text) for step in example.steps),
                sources=dated.sources,
            )
        )
        if example.lines:
            rows = tuple(
                TableRow(
                    (
                        plain_cell(", ".join(line.joints)),
                        plain_cell(line.code),
                        plain_cell(" ".join(line.modifiers) or "none"),
                        plain_cell(str(line.units)),
                        Cell((subject.line(dated, line.why),)),
                    )
                )
                for line in example.lines
            )
            found.append(
                TableBlock(
                    id=f"example-{thing.slug}",
                    title="Its coding, level by level",
                    caption=f"What is reported for the example ({', '.join(example.joints)})",
                    columns=(
                        Column("joint", "Joint"),
                        Column("code", "Code"),
                        Column("modifiers", "Modifiers"),
                        Column("units", "Units", number=True),
                        Column("why", "Why"),
                    ),
                    rows=rows,
                )
            )
        if example.verdict:
            found.append(Paragraph(line=subject.line(dated, example.verdict)))
    background = tuple(
        subject.statement_line(dated, one)
        for _, dated, one in subject.statements("clinical-context")
        if one.topic == "background"
    )
    if background:
        found.append(Points(title="Background", lines=background, folded=True))
    return found


def _own(subject: Subject) -> bool:
    return any(thing.slug == subject.code for thing, _ in subject.view.of_kind("example"))


def _anatomy(subject: Subject) -> TableBlock | None:
    if "anatomy/joints" not in subject.view.store.tables or not subject.value.region:
        return None
    wanted = regions_of(subject.value.region)
    region = subject.view.store.vocabulary.words["region"][subject.value.region]
    rows = []
    for row, record in subject.view.rows("anatomy/joints"):
        if record["region"] not in wanted and record["part"] not in wanted:
            continue
        nerves = " and ".join(nerve for nerve in (record["nerve_1"], record["nerve_2"]) if nerve)
        rows.append(
            TableRow(
                (
                    plain_cell(record["joint"]),
                    subject.row_cell(row, nerves),
                    plain_cell(record["note"] or "as the pattern of its region"),
                )
            )
        )
    if not rows:
        return None
    return TableBlock(
        id="joints",
        title="Which nerves make which joint",
        caption=f"{region[0].upper()}{region[1:]} joints and the medial branches that supply them",
        columns=(Column("joint", "Joint (level)"), Column("nerves", "Nerves"), Column("note", "Note")),
        rows=tuple(rows),
        lines=subject.beside("joints", "clinical-context"),
    )
