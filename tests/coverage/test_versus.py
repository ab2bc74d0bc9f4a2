"""The same case under another payer, state or date: what differs stands first, and nothing is left out."""

from __future__ import annotations

import pytest

from facetwise.coverage import Case, cover, read_cases
from facetwise.coverage.versus import changed, compare, comparison_document, comparison_text
from facetwise.document.write import render
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

CASE = """
payer: medicare
state: OH
date_of_service: 2026-03-02
setting: hopd
procedure: {technique: radiofrequency_ablation, region: lumbar, levels: 2, sides: bilateral}
patient: {pain_duration_months: 7}
history:
  - {date: 2025-11-03, technique: medial_branch_block, purpose: diagnostic, region: lumbar, relief_percent: 85}
"""
CHANGES = ("payer=aetna", "state=CA", "date=2026-04-01", "payer=humana,date=2026-05-01", "payer=cgs")


@pytest.fixture(scope="module")
def case(knowledge: Knowledge) -> Case:
    return read_cases(CASE, "case.yaml", knowledge)[0]


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_stands_first(case: Case, knowledge: Knowledge, change: str) -> None:
    rows = compare(case, [change], knowledge).rows
    assert [row.differs for row in rows] == sorted((row.differs for row in rows), reverse=True)
    for row in rows:
        said = [sorted((word.status, word.text, word.found) for word in side) for side in row.sides]
        assert row.differs == (said[0] != said[1])


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_of_either_side_is_left_out(case: Case, knowledge: Knowledge, change: str) -> None:
    found = compare(case, [change], knowledge)
    for place, one in enumerate((case, changed(case, change, knowledge))):
        answer = cover(one, knowledge)
        words = [word for row in found.rows if row.part == "criterion" for word in row.sides[place]]
        assert sorted(word.text for word in words) == sorted(one.needed for one in answer.criteria)
        assert found.sides[place].outcome == answer.outcome
        assert sum(len(row.sides[place]) for row in found.rows if row.part == "limit") == len(answer.limits)
        assert sum(len(row.sides[place]) for row in found.rows if row.part == "position") == len(answer.code_positions)


def test_a_case_beside_itself_does_not_differ(case: Case, knowledge: Knowledge) -> None:
    assert not any(row.differs for row in compare(case, ["state=OH"], knowledge).rows)


def test_several_changes_stand_side_by_side(case: Case, knowledge: Knowledge) -> None:
    found = compare(case, ["payer=aetna", "state=ca", "date=2026-04-01"], knowledge)
    assert [side.change for side in found.sides] == ["", "payer=aetna", "state=ca", "date=2026-04-01"]
    assert found.sides[2].state == "CA"
    assert all(len(row.sides) == 4 for row in found.rows)
    assert max(map(len, comparison_text(case, found, knowledge).splitlines())) <= 100


@pytest.mark.parametrize("change", CHANGES)
def test_the_text_fits_a_terminal_and_names_both_sides(case: Case, knowledge: Knowledge, change: str) -> None:
    text = comparison_text(case, compare(case, [change], knowledge), knowledge)
    assert max(map(len, text.splitlines())) <= 100
    assert "DIFFERENT" in text or "THE SAME" in text


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_it_can_be_drawn(case: Case, knowledge: Knowledge, form: str) -> None:
    document = comparison_document(case, compare(case, ["payer=aetna"], knowledge), knowledge)
    content = render(document, form).decode()
    assert "Aetna" in content
    assert "What differs" in content


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("payer", "is no change of a case"),
        ("payer=", "is no change of a case"),
        ("color=red", "is no change of a case"),
        ("payer=aetnaa", "did you mean 'aetna'"),
        ("state=OHIO", "postal abbreviation"),
        ("date=02.03.2026", "is not a date"),
        ("date=1999-01-01", "--versus"),
        ("date=2025-10-01", "earlier procedure of the case lies after this date"),
        ("date=2099-01-01", "lies outside the knowledge"),
    ],
)
def test_a_wrong_change_is_told(case: Case, knowledge: Knowledge, change: str, expected: str) -> None:
    with pytest.raises(FacetwiseError, match=expected) as told:
        compare(case, [change], knowledge)
    assert "85" not in str(told.value)
    assert "2025-11-03" not in str(told.value)


def test_too_many_sides_are_refused(case: Case, knowledge: Knowledge) -> None:
    with pytest.raises(FacetwiseError, match="at most 3"):
        compare(case, ["state=CA"] * 4, knowledge)
