"""Who covers it and on what terms."""

from __future__ import annotations

from facetwise.briefing import compare
from facetwise.briefing.compare import MOST_COLUMNS, Group
from facetwise.briefing.subject import NOT_ESTABLISHED, Subject
from facetwise.document.model import (
    AnyBlock,
    Cell,
    Column,
    Line,
    Paragraph,
    Points,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Jurisdiction, Policy, Question

_NOTE = (
    "A cell gives the payer's own rule in short; the numbers beside it lead to its sources. “presumed”: the shared "
    "text was read, that payer's own was not. “not established” is a finding: no source that we hold says either way."
)


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the payers section."""
    asked = compare.questions(subject)
    columns = compare.groups(subject)
    found: list[AnyBlock] = []
    lead = tuple(subject.statement_line(dated, one) for _, dated, one in subject.statements("payers", lead=True))
    if lead:
        found.append(Points(lines=lead))
    main = [column for column in columns if column.first][:MOST_COLUMNS]
    more = [column for column in columns if column not in main][:MOST_COLUMNS]
    headline = [(slug, question) for slug, question in asked if question.headline]
    rest = [(slug, question) for slug, question in asked if not question.headline]
    found.append(comparison_table(subject, "comparison", "Payers compared", headline, main))
    if more:
        found.append(comparison_table(subject, "comparison-others", "Further payers compared", headline, more))
    if rest:
        found.append(
            comparison_table(subject, "comparison-details", "The finer terms compared", rest, main, folded=True)
        )
    found += _contractors(subject, asked)
    found += _jurisdictions(subject)
    found += _policies(subject)
    statements = [(dated, one) for _, dated, one in subject.statements("payers", lead=False)]
    practice = tuple(
        subject.statement_line(dated, one) for dated, one in statements if one.topic == "prior-authorization"
    )
    if practice:
        found.append(Points(title="Prior authorization in practice", lines=practice, audience=("billing", "policy")))
    found += _each(subject, asked)
    others = tuple(
        subject.statement_line(dated, one) for dated, one in statements if one.topic != "prior-authorization"
    )
    if others:
        found.append(Points(title="More that payers have said", lines=others, folded=True))
    return found


def comparison_table(
    subject: Subject,
    name: str,
    title: str,
    asked: list[tuple[str, Question]],
    columns: list[Group],
    *,
    folded: bool = False,
) -> TableBlock:
    """Return questions against payer groups: a row a question, a column a group, no cell blank."""
    rows = tuple(
        TableRow(
            (plain_cell(question.title), *(compare.cell(subject, column, slug) for column in columns)),
            group=question.group,
        )
        for slug, question in asked
    )
    return TableBlock(
        id=name,
        title=title,
        caption=f"{title} on {subject.code}, as of {in_words(subject.day)}",
        columns=(
            Column("question", "Question", weight=2),
            *(
                Column(f"g{number}", column.title, weight=3 if len(column.payers) > 2 else 2)
                for number, column in enumerate(columns)
            ),
        ),
        rows=rows,
        note=_NOTE,
        kind="comparison",
        folded=folded,
    )


def _contractors(subject: Subject, asked: list[tuple[str, Question]]) -> list[AnyBlock]:
    payers = subject.view.payers()
    contractors = [key for key in payers if payers[key].role == "contractor" and subject.allows(key)]
    rows = []
    for slug, question in [*asked, *compare.questions(subject, section="coding")]:
        said: dict[tuple[str, ...], tuple[list[list[Line]], list[str]]] = {}
        for key in contractors:
            lines = [line for answer in subject.answers(key, slug) for line in subject.answer_lines(answer, full=True)]
            texts = tuple(text for line in lines for text in (line.text, *(one.text for one in line.lines)))
            answers, names = said.setdefault(texts, ([], []))
            answers.append(lines)
            names.append(payers[key].name)
        if len(said) < 2:
            continue
        for answers, names in said.values():
            merged = tuple(compare.together(list(alike)) for alike in zip(*answers, strict=True))
            rows.append(TableRow((plain_cell(", ".join(names)), Cell(merged)), group=question.title))
    if not rows:
        return []
    return [
        TableBlock(
            id="contractors",
            title="Where contractors differ",
            caption="Questions that the contractors answer differently, each answer with the contractors that give it",
            columns=(Column("who", "Contractors"), Column("what", "What they say")),
            rows=tuple(rows),
        )
    ]


def _jurisdictions(subject: Subject) -> list[AnyBlock]:
    payers = subject.view.payers()
    policies = {
        thing.slug: dated.value for thing, dated in subject.view.of_kind("policy") if isinstance(dated.value, Policy)
    }
    rows = []
    for _, dated in subject.view.of_kind("jurisdiction"):
        value = dated.value
        if not isinstance(value, Jurisdiction) or not subject.allows(value.contractor):
            continue
        names = [policies[key].identifier for key in value.policies if key in policies]
        rows.append(
            TableRow(
                (
                    plain_cell(value.title),
                    plain_cell(payers[value.contractor].name if value.contractor in payers else value.contractor),
                    plain_cell(" ".join(value.states)),
                    Cell(
                        (
                            subject.line(
                                dated, ", ".join(names) or NOT_ESTABLISHED, status="" if names else "not_established"
                            ),
                        )
                    ),
                )
            )
        )
    if not rows:
        return []
    return [
        TableBlock(
            id="jurisdictions",
            title="Which contractor, which policy",
            caption=f"{subject.program} jurisdictions, their states and the policies in force",
            columns=(
                Column("jurisdiction", "Jurisdiction"),
                Column("contractor", "Contractor"),
                Column("states", "States and territories"),
                Column("policies", "LCD and billing article"),
            ),
            rows=tuple(rows),
            audience=("billing", "policy"),
        )
    ]


def _policies(subject: Subject) -> list[AnyBlock]:
    payers = subject.view.payers()
    rows = []
    for thing, dated in subject.view.of_kind("policy"):
        value = dated.value
        if not isinstance(value, Policy) or thing.payer not in payers or not subject.allows(thing.payer):
            continue
        version = f"version {value.version}" if value.version else "version not established"
        status = value.status.replace("_", " ")
        rows.append(
            (
                payers[thing.payer].order,
                thing.payer,
                TableRow(
                    (
                        plain_cell(payers[thing.payer].title),
                        plain_cell(f"{value.identifier} {value.title}".strip()),
                        Cell((subject.line(dated, f"{version}, since {dated.since}"),)),
                        plain_cell(status),
                    )
                ),
            )
        )
    if not rows:
        return []
    return [
        TableBlock(
            id="policies",
            title="The policies",
            caption="Policies behind this section, with the version that the knowledge holds for the day",
            columns=(
                Column("payer", "Payer"),
                Column("policy", "Policy"),
                Column("version", "Version"),
                Column("status", "Status"),
            ),
            rows=tuple(row for _, _, row in sorted(rows, key=lambda item: item[:2])),
            folded=True,
        )
    ]


def _each(subject: Subject, asked: list[tuple[str, Question]]) -> list[AnyBlock]:
    """Every payer by itself, with what it says in full; questions without an answer in one line."""
    found: list[AnyBlock] = []
    for key, payer in subject.view.payers().items():
        if payer.role in ("program", "contractor") or not subject.allows(key):
            continue
        rows, silent = [], []
        for slug, question in asked:
            answers = [answer for answer in subject.answers(key, slug) if answer.dated is not None]
            if not answers:
                silent.append(question.title[0].lower() + question.title[1:])
                continue
            lines = [line for answer in answers for line in subject.answer_lines(answer, full=True)]
            rows.append(TableRow((plain_cell(question.title), Cell(tuple(lines)))))
        if rows:
            note = f"Not established: {'; '.join(silent)}." if silent else ""
            found.append(
                TableBlock(
                    id=f"payer-{key}",
                    title=payer.title,
                    caption=f"What is known of {payer.title}",
                    columns=(Column("question", "Question"), Column("answer", "What it says")),
                    rows=tuple(rows),
                    note=" ".join(text for text in (payer.note, note) if text),
                    folded=True,
                )
            )
        else:
            text = f"No term of {payer.title} on this procedure is established."
            found.append(
                Paragraph(
                    title=payer.title, line=Line(f"{text} {payer.note}".strip(), status="not_established"), folded=True
                )
            )
    return found
