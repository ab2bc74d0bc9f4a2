"""How to report it: modifiers, units, sides, edits, diagnoses, who performs it."""

from __future__ import annotations

import msgspec

from facetwise.briefing.subject import Subject
from facetwise.document.model import AnyBlock, Cell, Column, Line, Points, TableBlock, TableRow, plain_cell
from facetwise.knowledge.kinds import DiagnosisList, Modifier

_CORRECT_CODING = "correct-coding"
_DIAGNOSES = "diagnoses"
# Statements up to this place in the order are shown at once, the others behind a fold.
_FIRST = 155


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the coding section."""
    kinds: dict[str, list[Line]] = {"counting": [], "further": [], _CORRECT_CODING: [], _DIAGNOSES: []}
    for _, dated, one in subject.statements("coding"):
        if one.modifiers:
            continue
        kind = one.topic if one.topic in kinds else "counting" if one.order <= _FIRST or one.lead else "further"
        kinds[kind].append(subject.statement_line(dated, one))
    found: list[AnyBlock] = []
    if kinds["counting"]:
        found.append(Points(title="How levels, units and sides are counted", lines=tuple(kinds["counting"])))
    for block in (*_modifiers(subject), _conventions(subject), _add_ons(subject), _pairs(subject)):
        if block:
            found.append(block)
    for kind, title in (("further", "More on counting and reporting"), (_CORRECT_CODING, "The correct-coding rules")):
        if kinds[kind]:
            found.append(Points(title=title, lines=tuple(kinds[kind]), folded=True))
    found += _diagnoses(subject)
    if kinds[_DIAGNOSES]:
        found.append(Points(title="Notes on the diagnosis lists", lines=tuple(kinds[_DIAGNOSES]), folded=True))
    taxonomies = _taxonomies(subject)
    if taxonomies:
        found.append(taxonomies)
    return found


def _modifiers(subject: Subject) -> list[TableBlock]:
    held = [
        (thing.slug, dated, dated.value)
        for thing, dated in subject.view.of_kind("modifier")
        if isinstance(dated.value, Modifier)
    ]
    by_modifier: dict[str, list[Line]] = {}
    for _, dated, one in subject.view.statements("coding"):
        if subject.concerns(one):
            for modifier in one.modifiers:
                by_modifier.setdefault(modifier, []).append(subject.statement_line(dated, one))
    often: list[TableRow] = []
    seldom: list[TableRow] = []
    for slug, dated, value in sorted(held, key=lambda item: (item[2].order, item[0])):
        if value.bears_on and subject.code not in value.bears_on:
            continue
        # The note on the modifier stands once, beside what it says.
        use = tuple(msgspec.structs.replace(subject.line(dated, text), note="") for text in value.when) or (
            Line("not established", status="not_established"),
        )
        row = TableRow(
            (
                plain_cell(slug),
                Cell((subject.line(dated, value.description),)),
                Cell((*use, *by_modifier.get(slug, ()))),
            )
        )
        (seldom if value.seldom else often).append(row)
    columns = (
        Column("modifier", "Modifier"),
        Column("what", "What it says"),
        Column("when", "When to use it, by payer where they differ"),
    )
    caption = f"Modifiers that bear on {subject.code}, and when each is used"
    found = []
    if often:
        found.append(TableBlock(id="modifiers", title="Modifiers", caption=caption, columns=columns, rows=tuple(often)))
    if seldom:
        found.append(
            TableBlock(
                id="modifiers-seldom",
                title="Modifiers seldom used here",
                caption="Modifiers that may bear on the session, or that are reported by mistake",
                columns=columns,
                rows=tuple(seldom),
                folded=True,
            )
        )
    return found


def _conventions(subject: Subject) -> TableBlock | None:
    rows = []
    payers = subject.view.payers()
    for slug, question in sorted(subject.view.store.questions.items(), key=lambda item: item[1].order):
        if question.kind != "billing":
            continue
        lines: list[Line] = []
        said: set[tuple[str, str]] = set()
        for key, payer in payers.items():
            if not subject.allows(key):
                continue
            for answer in subject.answers(key, slug):
                if answer.dated is None or answer.thing is None or answer.said_by != key:
                    continue
                for line in subject.answer_lines(answer, full=True, who=payer.title):
                    if (answer.thing.id, line.text) not in said:
                        said.add((answer.thing.id, line.text))
                        lines.append(line)
        if lines:
            rows.append(TableRow((plain_cell(question.title), Cell(tuple(lines)))))
    if not rows:
        return None
    return TableBlock(
        id="conventions",
        title="How payers want it reported",
        caption="Billing conventions by payer; a payer that is not named has not established one",
        columns=(Column("question", "Question"), Column("answer", "What each payer says")),
        rows=tuple(rows),
    )


def _add_ons(subject: Subject) -> TableBlock | None:
    if "edits/add-on-codes" not in subject.view.store.tables:
        return None
    rows = []
    for row, record in subject.view.store.tables["edits/add-on-codes"].records(subject.day):
        if record["add_on"] == subject.code:
            rows.append(
                TableRow(
                    (
                        plain_cell(f"{subject.code} is an add-on to"),
                        subject.row_cell(row, record["primary"]),
                        plain_cell(subject.meaning("add_on_type", record["type"])),
                    )
                )
            )
        elif record["primary"] == subject.code:
            rows.append(
                TableRow(
                    (
                        plain_cell(f"{subject.code} carries the add-on"),
                        subject.row_cell(row, record["add_on"]),
                        plain_cell(subject.meaning("add_on_type", record["type"])),
                    )
                )
            )
    if not rows:
        return None
    return TableBlock(
        id="add-ons",
        title="Add-on edits",
        caption=f"The {subject.program} add-on table for {subject.code}",
        columns=(Column("what", "Relation"), Column("code", "Code"), Column("type", "Table type")),
        rows=tuple(rows),
    )


def _pairs(subject: Subject) -> TableBlock | None:
    if "edits/ptp" not in subject.view.store.tables:
        return None
    kinds: dict[tuple[str, str, str, str], tuple[list[str], Line]] = {}
    for row, record in subject.view.store.tables["edits/ptp"].records(subject.day):
        if subject.code not in (record["column1"], record["column2"]):
            continue
        if record["practitioner_deleted"] and record["hospital_deleted"]:
            continue
        first = record["column1"] == subject.code
        other = record["column2"] if first else record["column1"]
        key = (
            "paid; the other is included" if first else "included in the other",
            record["practitioner_indicator"] or "no pair",
            record["hospital_indicator"] or "no pair",
            "",
        )
        kinds.setdefault(key, ([], subject.row_line(row, "")))[0].append(other)
    if not kinds:
        return None
    rows = []
    for (role, practitioner, hospital, _), (others, line) in sorted(kinds.items()):
        codes = ", ".join(sorted(set(others)))
        rows.append(
            TableRow(
                (
                    plain_cell(f"{subject.code} is {role}"),
                    Cell((Line(codes, sources=line.sources, evidence=line.evidence, since=line.since),)),
                    plain_cell(subject.meaning("ptp", practitioner)),
                    plain_cell(subject.meaning("ptp", hospital)),
                )
            )
        )
    return TableBlock(
        id="pairs",
        title="Procedure-to-procedure pairs",
        caption=f"NCCI pairs of {subject.code} with the family and its neighbours",
        columns=(
            Column("role", "Role"),
            Column("codes", "With"),
            Column("practitioner", "Practitioner claims"),
            Column("hospital", "Hospital outpatient claims"),
        ),
        rows=tuple(rows),
        lines=subject.beside("pairs", "coding"),
    )


def _diagnoses(subject: Subject) -> list[AnyBlock]:
    payers = subject.view.payers()
    by_list: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[list[str], list[Line], DiagnosisList]] = {}
    none: list[str] = []
    for key, payer in payers.items():
        if not subject.allows(key) or payer.role == "vendor":
            continue
        answers = [
            answer for answer in subject.view.answers(key, "diagnosis-list") if isinstance(answer.value, DiagnosisList)
        ]
        if not answers:
            none.append(payer.title)
        for answer in answers:
            value = answer.value
            assert isinstance(value, DiagnosisList)
            assert answer.dated is not None
            entry = by_list.setdefault((value.supports, value.marked), ([], [], value))
            entry[0].append(payer.title)
            entry[1].append(subject.line(answer.dated, value.cell, who=payer.title, presumed=answer.presumed))
    if not by_list:
        return []
    table = "diagnoses/facet-diagnoses"
    described: dict[str, str] = {}
    if table in subject.view.store.tables:
        for _, record in subject.view.rows(table):
            described[record["code"]] = _described(record)
    rows = []
    for (supports, marked), (names, lines, value) in by_list.items():
        applies = not value.codes or subject.code in value.codes
        text = _spans(supports)
        if marked:
            text += f"; marked in the list: {_spans(marked)} ({value.mark or 'meaning not established'})"
        first = lines[0]
        rows.append(
            TableRow(
                (
                    plain_cell(", ".join(names)),
                    Cell(
                        (
                            Line(
                                text,
                                sources=tuple(dict.fromkeys(k for line in lines for k in line.sources)),
                                evidence=first.evidence,
                                since=first.since,
                            ),
                        )
                    ),
                    plain_cell(
                        "yes" if applies else f"no: {subject.code} is outside the list",
                        status="" if applies else "not_covered",
                    ),
                )
            )
        )
    note = "Other payers' diagnosis lists are not established." if none else ""
    found: list[AnyBlock] = [
        TableBlock(
            id="diagnoses",
            title="Diagnoses that support it",
            caption="ICD-10-CM lists of the billing articles",
            columns=(
                Column("payer", "Payer"),
                Column("codes", "Diagnoses"),
                Column("applies", f"Does the list take in {subject.code}?"),
            ),
            rows=tuple(rows),
            note=note,
        )
    ]
    if described:
        found.append(
            TableBlock(
                id="diagnosis-words",
                title="What these diagnoses are",
                caption="The diagnoses of the lists in our words",
                columns=(Column("code", "Diagnosis"), Column("what", "What it is")),
                rows=tuple(
                    TableRow((plain_cell(code), plain_cell(words))) for code, words in sorted(described.items())
                ),
                folded=True,
            )
        )
    return found


def _described(record: dict[str, object]) -> str:
    parts = [str(record[name]) for name in ("family", "region") if record.get(name)]
    return ", ".join(parts) or "not described"


def _spans(codes: tuple[str, ...]) -> str:
    """Write runs of codes as spans: M47.812-M47.817."""
    found: list[list[str]] = []
    for code in sorted(codes):
        if (
            found
            and code[:-1] == found[-1][-1][:-1]
            and code[-1].isdigit()
            and found[-1][-1][-1].isdigit()
            and int(code[-1]) == int(found[-1][-1][-1]) + 1
        ):
            found[-1].append(code)
        else:
            found.append([code])
    return ", ".join(
        run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in found
    )


def _taxonomies(subject: Subject) -> TableBlock | None:
    table = subject.view.store.tables.get("taxonomies/pain")
    if table is None:
        return None
    rows = []
    for row, record in sorted(table.records(subject.day), key=lambda item: item[1]["order"]):
        title = f"{record['grouping']}: {record['specialty']}" if record["specialty"] else record["grouping"]
        rows.append(
            TableRow(
                (
                    plain_cell(record["taxonomy"]),
                    subject.row_cell(row, title),
                    plain_cell(record["note"] or "no further note"),
                )
            )
        )
    note = ""
    for _, record in subject.view.rows("taxonomies/pain-use", code=subject.code):
        if record["clinicians_percent"] is not None:
            note = f"Of the cohort, {record['clinicians_percent']} % of clinicians use {subject.code}."
    return TableBlock(
        id="taxonomies",
        title="Who performs it",
        caption="Provider taxonomy codes of the specialties that perform facet procedures",
        columns=(Column("code", "Taxonomy"), Column("what", "Specialty"), Column("note", "Note")),
        rows=tuple(rows),
        note=note,
    )
