"""Tables: typed cells, rows with dates, and rows of an overlay over those below."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.knowledge.kinds import TableHeader
from facetwise.knowledge.tables import Table, read_table, typed
from facetwise.problems import Problem
from small_tree import base_files, errors, knowledge, store, write, write_tree

_HEADER = TableHeader(title="T", file="t.csv", key=("name",), columns={"name": "text", "amount": "decimal"})
_JOINTS = "anatomy/joints"


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("12.50", "decimal", Decimal("12.50")),
        ("-0.25", "decimal", Decimal("-0.25")),
        ("0", "decimal", Decimal(0)),
        ("007", "integer", 7),
        ("-3", "integer", -3),
        ("2026-03", "date", date(2026, 3, 1)),
        ("true", "boolean", True),
        ("false", "boolean", False),
        ("a  b", "words", ("a", "b")),
        ("letter digest", "sources", ("letter", "digest")),
        ("010", "text", "010"),
        ("0213T", "code", "0213T"),
    ],
)
def test_a_cell_has_the_type_of_its_column(cell: str, kind: str, value: Any) -> None:
    assert typed(cell, kind) == value
    assert type(typed(cell, kind)) is type(value)
    assert typed(None, kind) is None


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        *((cell, "decimal") for cell in ("1,5", "1e3", "NaN", "Infinity", "1_000", "$5", "1.", ".5", "")),
        *((cell, "integer") for cell in ("1.0", "one", "1_000", "٣", "")),
        *((cell, "boolean") for cell in ("yes", "True", "1", "")),
        *((cell, "date") for cell in ("soon", "2026-02-30", "")),
    ],
)
def test_a_cell_of_another_type_is_refused(cell: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        typed(cell, kind)


def _table(tmp_path: Path, *rows: str, header: TableHeader = _HEADER) -> tuple[Table, list[Problem]]:
    path = tmp_path / "t.csv"
    path.write_text(
        "\n".join([",".join([*header.columns, "from", "until", "sources"]), *rows]) + "\n", encoding="utf-8"
    )
    problems: list[Problem] = []
    return read_table(header, "t", path, "t.csv", "facetwise", problems), problems


def _amounts(table: Table, day: date) -> list[Any]:
    return [record["amount"] for _, record in table.records(day)]


def test_a_row_lasts_until_the_next_of_its_key(tmp_path: Path) -> None:
    table, problems = _table(tmp_path, "a,1,2020,,letter", "b,9,2020,,letter", "a,2,2021-03-01,,letter")
    assert problems == []
    assert _amounts(table, date(2021, 2, 28)) == [Decimal(1), Decimal(9)]
    assert _amounts(table, date(2021, 3, 1)) == [Decimal(9), Decimal(2)]
    assert _amounts(table, date(2019, 12, 31)) == []


def test_rows_may_stand_in_any_order(tmp_path: Path) -> None:
    table, problems = _table(tmp_path, "a,2,2021,,letter", "a,1,undated,,letter")
    assert problems == []
    assert _amounts(table, date(1999, 1, 1)) == [Decimal(1)]
    assert _amounts(table, date(2021, 1, 1)) == [Decimal(2)]


def test_all_records_are_given_without_a_day(tmp_path: Path) -> None:
    table, _ = _table(tmp_path, "a,1,2020,2020,letter digest", "a,,2022,,digest")
    assert [(record, row.sources, row.line) for row, record in table.records()] == [
        ({"name": "a", "amount": Decimal(1)}, ("letter", "digest"), 2),
        ({"name": "a", "amount": None}, ("digest",), 3),
    ]


def test_several_mistakes_are_told_each_with_its_line(tmp_path: Path) -> None:
    _, problems = _table(tmp_path, "a,x,2020,,letter", "b,1,2020,letter", "c,1,2020,2019,letter", "d,1,2020,,")
    assert [problem.line for problem in problems] == [2, 3, 4, 5]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 300)), min_size=1, max_size=8, unique=True))
def test_a_day_never_gets_two_rows_of_one_key(
    tmp_path_factory: pytest.TempPathFactory, starts: list[tuple[str, int]]
) -> None:
    first = date(2020, 1, 1)
    rows = [f"{name},{after},{first + timedelta(days=after)},,letter" for name, after in starts]
    table, problems = _table(tmp_path_factory.mktemp("t"), *rows)
    assert problems == []
    for after in {0, 301, *(after for _, after in starts)}:
        day = first + timedelta(days=after)
        expected = {
            name: max(begin for other, begin in starts if other == name and begin <= after)
            for name in {name for name, begin in starts if begin <= after}
        }
        assert {record["name"]: int(record["amount"]) for _, record in table.records(day)} == expected
        assert len(_amounts(table, day)) == len(expected)


# -- overlays


def _overlay(tmp_path: Path, rows: str, header: str | None = None) -> Path:
    return write(
        tmp_path / "mine",
        {
            f"{_JOINTS}.yaml": header or base_files()[f"{_JOINTS}.yaml"],
            f"{_JOINTS}.csv": "joint,place,width,paired,from,until,sources\n" + rows,
        },
    )


def test_an_overlay_replaces_every_row_of_its_keys_and_adds_its_own(tmp_path: Path) -> None:
    overlay = _overlay(tmp_path, "upper,7,,true,2024,,letter\nmiddle,5,,true,2020,,letter\n")
    view = knowledge(write_tree(tmp_path / "knowledge"), overlay).as_of(date(2024, 5, 1))
    assert {record["joint"]: record["place"] for _, record in view.rows(_JOINTS)} == {
        "lower": 2,
        "upper": 7,
        "middle": 5,
    }
    assert [record["joint"] for _, record in view.rows(_JOINTS, joint="middle")] == ["middle"]
    before = knowledge(tmp_path / "knowledge", overlay).as_of(date(2023, 5, 1))
    assert [record["joint"] for _, record in before.rows(_JOINTS, joint="upper")] == []


def test_an_overlay_of_other_columns_is_an_error(tmp_path: Path) -> None:
    header = base_files()[f"{_JOINTS}.yaml"].replace("place: integer, width: decimal", "width: decimal, place: integer")
    overlay = _overlay(tmp_path, "upper,7,,true,2024,,letter\n", header)
    overlay.joinpath(f"{_JOINTS}.csv").write_text("joint,width,place,paired,from,until,sources\n", encoding="utf-8")
    found = errors(write_tree(tmp_path / "knowledge"), overlay)
    assert [
        problem for problem in found if "columns or key unlike those of anatomy/joints in the layer below" in problem
    ]


def test_the_line_of_a_row_is_told_with_the_csv(tmp_path: Path) -> None:
    rows = base_files()[f"{_JOINTS}.csv"] + "other,1,,true,2020,,nobody\n"
    found = errors(write_tree(tmp_path / "knowledge", {f"{_JOINTS}.csv": rows}))
    assert found == [
        "knowledge/anatomy/joints.csv:5: source 'nobody' is not known; expected a source of the knowledge."
    ]


def test_a_row_knows_its_line_in_a_store(tmp_path: Path) -> None:
    table = store(write_tree(tmp_path / "knowledge")).tables[_JOINTS]
    assert [row.line for row in table.rows] == [2, 3, 4]
    assert [row.end for row in table.rows] == [date(2022, 12, 31), None, None]
