"""Whose rules hold: the contractor of the state on the day, or each that may be meant; never one picked in silence."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coverage_cases import Remembered
from coverage_shapes import answered, given, wanted, write_lines
from facetwise.coverage.case import read_cases
from facetwise.coverage.checklist import checklist
from facetwise.coverage.determination import cover
from facetwise.coverage.report import explained
from facetwise.coverage.setwise import cover_file
from facetwise.coverage.terminal import determination_text
from facetwise.document.model import TableBlock
from facetwise.knowledge import Knowledge, load

_CASE: dict[str, Any] = {
    "case_id": "one",
    "payer": "medicare",
    "date_of_service": "2026-10-05",
    "setting": "hopd",
    "procedure": {"technique": "radiofrequency_ablation", "region": "lumbar", "joints": ["L4-L5"], "sides": "left"},
    "history": [],
}


@pytest.mark.parametrize("day", ["2021-06-01", "2024-08-15", "2026-04-15", "2026-04-16", "2026-10-05"])
def test_every_state_has_its_contractor_on_every_day(knowledge: Knowledge, day: str) -> None:
    knowledge = Remembered(knowledge)
    view = knowledge.as_of(date.fromisoformat(day))
    of_state = {state: one.value.contractor for _, one in view.of_kind("jurisdiction") for state in one.value.states}  # type: ignore[union-attr]
    assert len(of_state) >= 51
    for state, contractor in of_state.items():
        for payer in ("medicare", "medicare-advantage"):
            answer = answered({**_CASE, "payer": payer, "state": state, "date_of_service": day}, knowledge)
            assert answer.whose == (contractor if payer == "medicare" else payer)
            assert answer.alternatives == ()
            assert "state" not in answer.missing


def test_without_a_state_each_contractor_answers_as_it_would_in_its_own(knowledge: Knowledge) -> None:
    for payer in ("medicare", "medicare-advantage"):
        answer = answered({**_CASE, "payer": payer}, knowledge)
        assert len(answer.alternatives) >= 7
        for one in answer.alternatives:
            for state in one.states[:2]:
                own = answered({**_CASE, "payer": payer, "state": state}, knowledge)
                assert (own.outcome, own.missing, own.policies) == (one.outcome, one.missing, one.policies)


@pytest.fixture(scope="module")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    """The knowledge with a second contractor for one state, as an overlay would say it."""
    folder = tmp_path_factory.mktemp("overlay")
    place = folder / "payers" / "medicare" / "jurisdictions"
    place.mkdir(parents=True)
    (place / "second.yaml").write_text(
        "jurisdiction: second\ntitle: A second jurisdiction of one state\ncontractor: ngs\nstates: [OH]\n"
        "history:\n  - {from: 2021-01-01, sources: [ngs-l33392-table]}\n",
        encoding="utf-8",
    )
    return load([folder])


def test_a_state_of_two_contractors_is_answered_by_both(shared_state: Knowledge) -> None:
    answer = answered({**_CASE, "state": "OH"}, shared_state)
    assert {one.whose for one in answer.alternatives} == {"cgs", "ngs"}
    assert answer.whose == "medicare"
    assert "OH has more than one contractor" in answer.notes[0]
    assert "state" in answer.missing


def test_two_contractors_set_wise(shared_state: Knowledge, tmp_path: Path) -> None:
    cases = [
        {**_CASE, "case_id": f"{payer}-{state}", "payer": payer, "state": state}
        for payer in ("medicare", "medicare-advantage")
        for state in ("OH", "CA")
    ]
    out = tmp_path / "findings.parquet"
    cover_file(write_lines(tmp_path / "cases.ndjson", cases), out, shared_state)
    found = given(out)
    for case in cases:
        assert found[case["case_id"]] == wanted(case, shared_state)
    assert len(found["medicare-OH"]["alternative"]) == 2


def test_the_pages_show_each_contractor(knowledge: Knowledge) -> None:
    import json

    (case,) = read_cases(json.dumps({key: _CASE[key] for key in _CASE if key != "case_id"}), "case", knowledge)
    answer = cover(case, knowledge)
    text = determination_text(case, answer)
    for document in (explained(case, answer, knowledge), checklist(case, knowledge)):
        (table,) = [
            block
            for section in document.sections
            for block in section.blocks
            if isinstance(block, TableBlock) and block.id == "contractors"
        ]
        named = [row.cells[0].text for row in table.rows]
        assert all(any(name.startswith(one.title) for name in named) for one in answer.alternatives)
    assert all(one.title in text for one in answer.alternatives)
    assert max(map(len, text.splitlines())) <= 100
