"""The blank page: what the record must contain for a payer, a procedure and a day, before the visit."""

from __future__ import annotations

from dataclasses import replace

from facetwise.coverage.answers import Determination
from facetwise.coverage.case import Case
from facetwise.coverage.determination import cover
from facetwise.coverage.evaluate import region_of
from facetwise.coverage.labels import Bearing, bearing_of, bearings, wanted_lines, word_label
from facetwise.coverage.report import (
    alternatives_block,
    authorization_block,
    capital,
    document,
    facts_of,
    policies_block,
    positions_block,
    title_of,
)
from facetwise.document.model import (
    Answer,
    AnyBlock,
    Cell,
    Checklist,
    Column,
    Document,
    Line,
    Section,
    Status,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.kinds import DiagnosisList, Documentation, Family, Vocabulary
from facetwise.payers import rules


def blank(case: Case) -> Case:
    """Return the case without anything of the patient: the payer, the place, the day and the kind of procedure."""
    return replace(case, facts={}, history=None, joints=(), sides="")


def checklist(case: Case, knowledge: Knowledge) -> Document:
    """Return what the record must contain for the case's payer, day and procedure; no fact of a patient is used."""
    view = knowledge.as_of(case.day)
    bare = blank(case)
    bare = replace(bare, codes=case.codes or _all_codes(view, case))
    answer = cover(bare, knowledge)
    rows = _wanted(view, bare, answer)
    sections = [
        Section("overview", "Before the visit", tuple(_checklist_overview(view, bare, answer))),
        Section("criteria", "What the record must contain", tuple(rows)),
    ]
    if answer.alternatives:
        sections.insert(1, Section("contractors", "By each contractor", (alternatives_block(answer, outcomes=False),)))
    records = _records(view, bare)
    if records:
        sections.append(Section("record", "Form of the record", tuple(records)))
    if answer.limits:
        sections.append(Section("limits", "Limits over time", (_allowances(view, bare, answer),)))
    if answer.code_positions:
        sections.append(Section("codes", "Codes", (positions_block(answer),)))
    sections.append(Section("authorization", "Prior authorization", (authorization_block(answer),)))
    sections.append(Section("policies", "Policies", (policies_block(view, answer),)))
    return document(knowledge, view, f"Checklist for {title_of(view, bare)}", "checklist", sections)


def _checklist_overview(view: View, case: Case, answer: Determination) -> list[AnyBlock]:
    refused = [one for one in answer.criteria if one.status == "not_met"]
    text = "The record must show each of the following."
    if refused:
        text = "This payer has the procedure as not covered."
    elif not any(one.citations for one in answer.criteria):
        text = "No source that is held says what this payer wants of this procedure."
    lines = [Line("", ""), *(Line(note) for note in answer.notes)]
    lines += [Line(one.statement, sources=one.citations, evidence=one.evidence, note=one.note) for one in refused]
    return [Answer(text=text, lines=tuple(lines)), facts_of(view, case, answer)]


def _wanted(view: View, case: Case, answer: Determination) -> list[AnyBlock]:
    """Return the criteria by the group of their question, each with its thresholds and sources."""
    words = view.store.vocabulary
    known = bearings(view, case)
    over_time = {limit.statement for limit in answer.limits}
    groups: dict[str, list[Line]] = {}
    placed = [(bearing_of(known, one.id, one.statement), one) for one in answer.criteria]
    for about, one in sorted(placed, key=lambda item: item[0].order):
        if one.status == "not_met" or one.statement in over_time:
            continue
        which = ", ".join(word_label(words, "sequence", name) for name in about.sequence)
        status: Status = "not_established" if not one.citations else ""
        groups.setdefault(about.group or "Further", []).append(
            Line(
                capital(one.needed) if status else one.statement,
                who=f"{about.title} ({which})" if which else about.title,
                status=status,
                sources=one.citations,
                evidence=one.evidence,
                note=" ".join(filter(None, ("" if status else _thresholds(words, about), capital(one.note)))),
            )
        )
    return [Checklist(title=name, lines=tuple(lines)) for name, lines in groups.items()]


def _thresholds(words: Vocabulary, about: Bearing) -> str:
    if about.test is not None:
        return f"The record shows {'; '.join(wanted_lines(words, about.test))}."
    return "A person judges it from the record." if about.kind == "criterion" else ""


def _records(view: View, case: Case) -> list[AnyBlock]:
    """Return what the payer says the record, and a request, must hold, and which diagnoses it lists."""
    asked = rules(view, case.payer, case.state)
    blocks: list[AnyBlock] = []
    for slug, question in sorted(view.store.questions.items(), key=lambda item: (item[1].order, item[0])):
        if question.kind not in ("documentation", "diagnosis_list"):
            continue
        lines = []
        for one in asked.said(slug, case.technique, purpose=case.purpose, setting=case.setting):
            sources, evidence = one.citations, one.dated.evidence or ""
            if isinstance(one.value, Documentation):
                lines += [Line(item, sources=sources, evidence=evidence) for item in one.value.items]
            elif isinstance(one.value, DiagnosisList):
                lines.append(Line(one.value.statement, sources=sources, evidence=evidence, note=one.dated.note))
        if lines:
            blocks.append(Checklist(title=question.title, lines=tuple(lines)))
    return blocks


def _all_codes(view: View, case: Case) -> tuple[str, ...]:
    region = region_of(view, case.region)
    for _, dated in view.of_kind("family"):
        family = dated.value
        if isinstance(family, Family) and case.technique in family.technique and family.ranks:
            guided = family.guidance and case.facts.get("procedure.guidance", "fluoroscopy") not in family.guidance
            if (not family.region or region in family.region) and not guided:
                return tuple(dict.fromkeys(rank.code for rank in family.ranks))
    return ()


def _allowances(view: View, case: Case, answer: Determination) -> TableBlock:
    known = bearings(view, case)
    rows = tuple(
        TableRow(
            (
                Cell((Line(bearing_of(known, one.id, one.statement).title),)),
                plain_cell(one.statement, sources=one.citations),
                plain_cell(str(one.allowed)),
                plain_cell(str(one.window_days)),
            )
        )
        for one in answer.limits
    )
    columns = (
        Column("limit", "Limit"),
        Column("statement", "What it says", weight=3),
        Column("allowed", "Allowed", number=True),
        Column("window", "Window", unit="days", number=True),
    )
    return TableBlock(id="limits", caption="Sessions that a window holds", columns=columns, rows=rows)
