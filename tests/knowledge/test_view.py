"""The knowledge on a day: who answers, by whose text, and when nothing is established."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.knowledge import Answer, Knowledge, View
from facetwise.problems import FacetwiseError
from small_tree import knowledge, write_tree


def _view(tmp_path: Path, day: str, **files: str) -> View:
    named = {name.replace("__", "/") + ".yaml": content for name, content in files.items()}
    return knowledge(write_tree(tmp_path / "knowledge", named)).as_of(date.fromisoformat(day))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return knowledge(write_tree(tmp_path_factory.mktemp("view") / "knowledge"))


def _cells(answers: list[Answer]) -> list[str]:
    return [answer.value.cell if answer.value else "-" for answer in answers]


@pytest.mark.parametrize("day", ["2019-12-31", "2027-01-01", "0001-01-01", "9999-12-31"])
def test_a_day_outside_the_knowledge_is_refused(day: str, small: Knowledge) -> None:
    with pytest.raises(FacetwiseError) as caught:
        small.as_of(date.fromisoformat(day))
    assert str(caught.value) == (
        f"{day} lies outside the knowledge; expected a date from 2020-01-01 to 2026-12-31; "
        "the knowledge was last reviewed on 1 June 2026."
    )


@pytest.mark.parametrize("day", ["2020-01-01", "2026-12-31"])
def test_the_first_and_the_last_day_are_inside(day: str, small: Knowledge) -> None:
    assert small.as_of(date.fromisoformat(day)).day == date.fromisoformat(day)


def test_an_answer_changes_on_the_day(small: Knowledge) -> None:
    for day, words in (("2022-12-31", "80 % relief"), ("2023-01-01", "50 % relief")):
        assert _cells(small.as_of(date.fromisoformat(day)).answers("program", "relief")) == [words]


def test_the_text_of_whom_a_payer_follows_answers_for_it(small: Knowledge) -> None:
    [answer] = small.as_of(date(2024, 1, 1)).answers("contractor", "relief")
    assert (answer.payer, answer.said_by) == ("contractor", "program")
    assert answer.presumed


def test_the_text_that_was_read_is_not_presumed(small: Knowledge) -> None:
    [answer] = small.as_of(date(2024, 1, 1)).answers("program", "relief")
    assert not answer.presumed


def test_what_does_not_say_who_holds_it_is_not_presumed(small: Knowledge) -> None:
    [answer] = small.as_of(date(2024, 1, 1)).answers("contractor", "sessions")
    assert answer.said_by == "program"
    assert not answer.presumed


@pytest.mark.parametrize(("payer", "question"), [("insurer", "relief"), ("program", "stand"), ("nobody", "relief")])
def test_nothing_known_is_an_answer_without_words(payer: str, question: str, small: Knowledge) -> None:
    assert small.as_of(date(2024, 1, 1)).answers(payer, question) == [Answer(payer, "", None, None)]


def test_what_is_not_established_says_why(small: Knowledge) -> None:
    [answer] = small.as_of(date(2022, 5, 1)).answers("contractor", "sessions")
    assert answer.value is None
    assert answer.dated is not None
    assert answer.dated.not_established == "The text of 2022 was not read."


def _own(name: str) -> str:
    return (
        f"criterion: {name}\nquestion: relief\ncell: own\nstatement: Own.\n"
        "history:\n  - {from: 2024, sources: [letter]}\n"
    )


def test_an_own_text_hides_the_one_of_its_name(tmp_path: Path) -> None:
    view = _view(tmp_path, "2024-01-01", payers__program__contractor__relief=_own("relief"))
    assert _cells(view.answers("contractor", "relief")) == ["own"]
    assert _cells(view.answers("program", "relief")) == ["50 % relief"]


def test_before_an_own_text_begins_the_other_answers(tmp_path: Path) -> None:
    view = _view(tmp_path, "2023-12-31", payers__program__contractor__relief=_own("relief"))
    assert _cells(view.answers("contractor", "relief")) == ["50 % relief"]


def test_an_own_text_of_another_name_stands_beside(tmp_path: Path) -> None:
    view = _view(tmp_path, "2024-01-01", payers__program__contractor__more=_own("more"))
    assert _cells(view.answers("contractor", "relief")) == ["own", "50 % relief"]


@pytest.mark.parametrize("extends", ["", "extends: payers/program/relief\n"])
def test_not_established_hides_the_text_of_whom_a_payer_follows(extends: str, tmp_path: Path) -> None:
    own = (
        f"criterion: relief\nquestion: relief\n{extends}history:\n"
        "  - {from: 2020, not_established: Its own text was not read., sources: [letter]}\n"
    )
    view = _view(tmp_path, "2024-01-01", payers__program__contractor__relief=own)
    [answer] = view.answers("contractor", "relief")
    assert (answer.said_by, answer.value) == ("contractor", None)
    assert answer.dated is not None
    assert answer.dated.not_established == "Its own text was not read."


def test_a_conflict_has_no_value_but_sides(tmp_path: Path) -> None:
    own = (
        "criterion: relief\nextends: payers/program/relief\nhistory:\n  - from: 2024\n    conflict:\n"
        "      - {cell: one 50, sources: [letter]}\n      - {cell: other 50, sources: [digest]}\n"
    )
    view = _view(tmp_path, "2024-01-01", payers__program__contractor__relief=own)
    [answer] = view.answers("contractor", "relief")
    assert answer.dated is not None
    assert answer.value is None
    assert [getattr(side.value, "cell", "") for side in answer.dated.sides] == ["one 50", "other 50"]


def _payer(name: str, follows: str) -> str:
    return (
        f"payer: {name}\ntitle: {name}\nrole: commercial\ngroup: insurers\nfollows: [{follows}]\norder: 1\n"
        "history:\n  - {from: 2021, sources: [letter]}\n"
    )


def _registry(name: str) -> str:
    return f"registry: {name}\npayer: {name}\ntopics: []\nhistory:\n  - {{from: 2021, sources: [letter]}}\n"


def test_a_payer_follows_whom_the_followed_one_follows(tmp_path: Path) -> None:
    view = _view(
        tmp_path, "2024-01-01", payers__third__payer=_payer("third", "contractor"), registry__third=_registry("third")
    )
    [answer] = view.answers("third", "relief")
    assert answer.said_by == "program"


def test_a_payer_answers_only_while_it_is_one(tmp_path: Path) -> None:
    view = _view(
        tmp_path, "2020-12-31", payers__third__payer=_payer("third", "program"), registry__third=_registry("third")
    )
    assert "third" not in view.payers()
    assert view.answers("third", "relief") == [Answer("third", "", None, None)]


def test_payers_that_follow_each_other_come_to_an_end(tmp_path: Path) -> None:
    view = _view(
        tmp_path,
        "2024-01-01",
        payers__third__payer=_payer("third", "fourth, program"),
        payers__fourth__payer=_payer("fourth", "third"),
        registry__third=_registry("third"),
        registry__fourth=_registry("fourth"),
    )
    assert _cells(view.answers("third", "relief")) == ["50 % relief"]
    assert list(view.payers()) == ["fourth", "third", "contractor", "insurer", "program"]


def test_things_values_and_sources_by_name(small: Knowledge) -> None:
    view = small.as_of(date(2024, 1, 1))
    assert getattr(view.value("payers/program/relief"), "cell", "") == "50 % relief"
    assert view.thing("registry/program") is None
    assert small.as_of(date(2022, 5, 1)).value("payers/program/sessions") is None
    assert view.source("letter").publisher == "The program"
    with pytest.raises(KeyError):
        view.thing("payers/program/none")


def test_statements_stand_in_their_section(tmp_path: Path) -> None:
    notes = (
        "statements: notes\nsection: payers\nitems:\n"
        "  - {id: late, text: Late., order: 900, from: 2023, sources: [letter]}\n"
        "  - {id: early, text: Early., order: 100, from: 2023, sources: [letter]}\n"
        "  - id: disputed\n    text: x\n    from: 2023\n    conflict:\n"
        "      - {text: One., sources: [letter]}\n      - {text: Other., sources: [digest]}\n"
    )

    def texts(day: str, section: str) -> list[str]:
        return [one.text for _, _, one in _view(tmp_path, day, payers__notes=notes).statements(section)]

    undated = "The contractor's own text was not read."
    assert texts("2024-01-01", "payers") == ["Early.", undated, "One.", "Other.", "Late."]
    assert texts("2022-12-31", "payers") == [undated]
    assert texts("2024-01-01", "coding") == []


def test_the_registry_begins_when_it_was_made(small: Knowledge) -> None:
    assert small.as_of(date(2026, 5, 31)).registry() == {}
    assert set(small.as_of(date(2026, 6, 1)).registry()) == {"program", "contractor", "insurer"}


@given(st.dates(date(2020, 1, 1), date(2026, 12, 31)))
def test_nothing_returned_lies_outside_its_own_dates(small: Knowledge, day: date) -> None:
    view = small.as_of(day)
    for kind in ("criterion", "limit", "payer", "code", "statement", "registry"):
        assert all(dated.holds_on(day) for _, dated in view.of_kind(kind))
    for row, _ in view.rows("anatomy/joints"):
        assert (row.start or date.min) <= day <= (row.end or date.max)


@pytest.mark.parametrize("name", ["payers/program/relief", "payers/program/sessions"])
def test_at_most_one_entry_holds_on_a_day(name: str, small: Knowledge) -> None:
    history = small.store.things[name].history
    for year in range(2019, 2028):
        assert sum(dated.holds_on(date(year, 7, 1)) for dated in history) <= 1
