"""The page for the chart and the blank one: gaps first, every word cited, nothing of a patient on the blank."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from facetwise.coverage import Case, cover, read_cases
from facetwise.coverage.checklist import blank, checklist
from facetwise.coverage.labels import bearings, fact_label, fact_value, wanted_lines
from facetwise.coverage.report import explained
from facetwise.document.model import Checklist, Document, TableBlock, cited, to_json
from facetwise.document.write import render
from facetwise.knowledge import Knowledge
from facetwise.knowledge.parts import Measure, Prior, Test

CASE = """
payer: medicare
state: OH
date_of_service: 2026-03-02
setting: hopd
procedure: {technique: radiofrequency_ablation, region: lumbar, levels: 2, sides: bilateral}
patient: {pain_duration_months: 7, predominantly_axial: true, untreated_radiculopathy: false, neurogenic_claudication: false}
history:
  - {date: 2025-11-03, technique: medial_branch_block, purpose: diagnostic, region: lumbar, joints: [L4-L5, L5-S1],
     sides: bilateral, relief_percent: 85, relief_days: 1}
"""
PAYERS = ("medicare", "aetna", "humana", "evicore", "cigna")


@pytest.fixture(scope="module")
def case(knowledge: Knowledge) -> Case:
    return read_cases(CASE, "case.yaml", knowledge)[0]


def page(case: Case, knowledge: Knowledge) -> Document:
    return explained(case, cover(case, knowledge), knowledge)


def table(document: Document, name: str) -> TableBlock:
    found = [
        block
        for section in document.sections
        for block in section.blocks
        if isinstance(block, TableBlock) and block.id == name
    ]
    return found[0]


def test_the_gaps_stand_first(case: Case, knowledge: Knowledge) -> None:
    groups = [row.group for row in table(page(case, knowledge), "criteria").rows]
    assert list(dict.fromkeys(groups)) == ["Not met", "Missing from the record", "Met"]


def test_every_criterion_of_the_determination_is_on_the_page(case: Case, knowledge: Knowledge) -> None:
    answer = cover(case, knowledge)
    rows = table(page(case, knowledge), "criteria").rows
    assert sorted(row.cells[2].text for row in rows) == sorted(one.statement for one in answer.criteria)
    assert {line.sources for row in rows for line in row.cells[2].lines} == {one.citations for one in answer.criteria}


def test_facts_are_shown_with_their_units(case: Case, knowledge: Knowledge) -> None:
    texts = [row.cells[3].text for row in table(page(case, knowledge), "criteria").rows]
    assert "duration of the pain: 7 months" in texts
    assert "untreated radiculopathy: no; neurogenic claudication: no" in texts


def test_the_earlier_procedures_are_listed(case: Case, knowledge: Knowledge) -> None:
    (row,) = table(page(case, knowledge), "history").rows
    assert row.cells[0].text == "3 November 2025"
    assert "relief of pain: 85 percent" in row.cells[2].text


def test_a_history_that_says_there_was_none_is_told_from_one_that_is_not_there(
    case: Case, knowledge: Knowledge
) -> None:
    assert "history" in [one.id for one in page(replace(case, history=()), knowledge).sections]
    assert "history" not in [one.id for one in page(replace(case, history=None), knowledge).sections]


def test_a_used_limit_tells_the_next_date(case: Case, knowledge: Knowledge) -> None:
    from facetwise.coverage.case import Event

    sessions = tuple(Event(day, case.technique, case.region) for day in (date(2025, 4, 1), date(2025, 10, 1)))
    document = page(replace(case, history=sessions), knowledge)
    rows = table(document, "limits").rows
    assert ["2", "2", "365", "from 1 April 2026"] in [[cell.text for cell in row.cells[2:]] for row in rows]


@pytest.mark.parametrize("payer", PAYERS)
@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_each_payer_can_be_drawn(case: Case, knowledge: Knowledge, payer: str, form: str) -> None:
    other = replace(case, payer=payer)
    for document in (page(other, knowledge), checklist(other, knowledge)):
        assert render(document, form)
        assert {entry.key for entry in document.sources} == set(cited(document.sections))


def test_a_pdf_is_drawn(case: Case, knowledge: Knowledge) -> None:
    pytest.importorskip("typst")
    assert render(page(case, knowledge), "pdf").startswith(b"%PDF")


def test_what_is_not_established_says_so(case: Case, knowledge: Knowledge) -> None:
    rows = table(page(replace(case, payer="aetna"), knowledge), "criteria").rows
    silent = [row for row in rows if row.group == "Not established for this payer"]
    assert silent
    assert all(row.cells[1].lines[0].status == "not_established" for row in silent)


def test_the_page_is_the_same_for_the_same_case(case: Case, knowledge: Knowledge) -> None:
    assert page(case, knowledge).digest == page(case, knowledge).digest
    assert page(case, knowledge).digest != page(replace(case, state="CA"), knowledge).digest


def test_the_page_is_about_no_one_code(case: Case, knowledge: Knowledge) -> None:
    document = page(case, knowledge)
    assert json.loads(to_json(document))["code"] == ""
    text = render(document, "html").decode()
    assert 'class="code"' not in text
    assert "Facetwise coverage page" in text


def test_the_checklist_holds_every_criterion_that_may_bear_with_its_threshold(case: Case, knowledge: Knowledge) -> None:
    document = checklist(case, knowledge)
    text = render(document, "markdown").decode()
    assert "duration of the pain: at least 3 months" in text
    assert "(first)" in text
    assert "(repeat)" in text
    boxes = [block for one in document.sections if one.id == "criteria" for block in one.blocks]
    assert all(isinstance(block, Checklist) for block in boxes)
    for line in (line for block in boxes if isinstance(block, Checklist) for line in block.lines):
        assert line.sources or line.status == "not_established", line


def test_the_checklist_uses_nothing_of_the_patient(case: Case, knowledge: Knowledge) -> None:
    bare = replace(case, facts={}, history=None, joints=(), sides="")
    assert checklist(case, knowledge) == checklist(bare, knowledge)
    assert blank(case) == bare


def test_the_checklist_says_that_a_technique_is_refused(case: Case, knowledge: Knowledge) -> None:
    document = checklist(replace(case, technique="cryo_denervation"), knowledge)
    assert "not covered" in render(document, "markdown").decode().split("## What")[0]


def test_a_test_in_words(knowledge: Knowledge) -> None:
    words = knowledge.store.vocabulary
    relief = Test(asks="history.relief_percent", at_least=Decimal(80), unit="percent")
    axial = Test(asks="patient.predominantly_axial", is_="true")
    long = Test(asks="patient.pain_duration_months", more_than=Decimal(1), unit="months")
    assert wanted_lines(words, Test(all=(axial, long))) == [
        "the pain is mainly axial: yes",
        "duration of the pain: more than 1 month",
    ]
    assert wanted_lines(words, Test(any=(axial, long))) == [
        "one of these: the pain is mainly axial: yes; or duration of the pain: more than 1 month"
    ]
    assert wanted_lines(words, Test(none=(axial,))) == ["none of these: the pain is mainly axial: yes"]
    prior = Test(
        prior=Prior(
            technique=("medial_branch_block",), purpose=("diagnostic",), where=(relief,), same=("level", "side")
        ),
        count=Measure(unit="procedures", at_least=Decimal(2)),
        apart=Measure(unit="weeks", at_least=Decimal(2)),
        within=Measure(unit="months", at_most=Decimal(12)),
    )
    assert wanted_lines(words, prior) == [
        "earlier diagnostic medial branch block: at least 2 procedures, relief of pain: at least 80 percent, "
        "same level and side, at least 2 weeks apart, within at most 12 months"
    ]


def test_every_fact_that_can_be_missing_has_words(knowledge: Knowledge) -> None:
    words = knowledge.store.vocabulary
    for name in (*words.asks, "history", "history.purpose", "procedure.joints", "state"):
        label = fact_label(words, name)
        assert label
        assert "_" not in label


def test_every_test_of_the_knowledge_can_be_said(case: Case, knowledge: Knowledge) -> None:
    view = knowledge.as_of(case.day)
    for payer in view.payers():
        for technique in ("medial_branch_block", "radiofrequency_ablation", "facet_cyst_rupture"):
            for about in bearings(view, replace(case, payer=payer, technique=technique)).values():
                assert about.test is None or all(
                    "_" not in line for line in wanted_lines(view.store.vocabulary, about.test)
                )


def test_values_in_words(knowledge: Knowledge) -> None:
    words = knowledge.store.vocabulary
    assert fact_value(words, "patient.predominantly_axial", "false") == "no"
    assert fact_value(words, "patient.pain_duration_months", "1") == "1 month"
    assert fact_value(words, "procedure.guidance", "ct") == "CT"
    assert fact_value(words, "history", "2025-11-03 medial_branch_block") == "3 November 2025 medial branch block"


def test_what_no_test_can_decide_is_for_a_person(case: Case, knowledge: Knowledge) -> None:
    view = knowledge.as_of(case.day)
    untested = {name for name, about in bearings(view, case).items() if about.kind == "criterion" and not about.test}
    rows = table(page(case, knowledge), "criteria").rows
    judged = [row for row in rows if row.cells[2].text in untested and row.cells[2].lines[0].sources]
    assert judged
    assert {row.cells[3].text for row in judged} == {"for a person to judge"}
