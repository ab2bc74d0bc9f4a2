"""Reading YAML into plain text that remembers its lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from facetwise.knowledge.reading import parse_document, read_document
from facetwise.problems import FacetwiseError, Problem


@pytest.mark.parametrize(
    "text",
    ["64495", "0213T", "00", "010", "NO", "yes", "on", "true", "1e3", "0x1F", "2024-08-10", "12:30:45", ".5", "="],
)
def test_every_scalar_is_the_text_that_stands_there(text: str) -> None:
    assert parse_document(f"a: {text}\nb: [{text}]", "x").data == {"a": text, "b": [text]}


@pytest.mark.parametrize("text", ["", "~", "null"])
def test_an_empty_value_is_none(text: str) -> None:
    assert parse_document(f"a: {text}\n", "x").data == {"a": None}


def test_quoted_emptiness_is_text() -> None:
    assert parse_document("a: ''\nb: \"null\"\n", "x").data == {"a": "", "b": "null"}


def test_each_place_has_its_line() -> None:
    document = parse_document(
        "# remark\na: 1\nb:\n  - c: 2\n    d: [3, 4]\n\n  - e: >-\n      long\n      text\nf: 5\n", "x"
    )
    assert document.line(("a",)) == 2
    assert document.line(("b", 0)) == 4
    assert document.line(("b", 0, "d", 1)) == 5
    assert document.line(("b", 1, "e")) == 7
    assert document.line(("f",)) == 10


def test_a_place_that_is_not_there_has_the_line_around_it() -> None:
    document = parse_document("a: 1\nb:\n  c: 2\n", "x")
    assert document.line(("b", "c", "d", 3)) == 3
    assert document.line(("z",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\na: 2\n", 2, "key 'a' stands here a second time"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "key 'b' stands here a second time"),
        ("a: [1\nb: 2\n", 2, "this is not YAML"),
        ("a: 'x\n", 2, "this is not YAML"),
        ("a: b: c\n", 1, "this is not YAML"),
        ("a: 1\n\tb: 2\n", 2, "this is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "this is not YAML"),
        ("a: *gone\n", 1, "this is not YAML"),
        ("a: \x01\n", 0, "this is not YAML"),
        ("", 1, "the file holds no keys"),
        ("# only a remark\n", 1, "the file holds no keys"),
        ("word\n", 1, "the file holds no keys"),
        ("- a\n", 1, "the file holds no keys"),
        ("? [a]\n: 1\n", 1, "a key that is not a word"),
        ("a: &x\n  b: *x\n", 1, "an alias (*name) stands inside what it means"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(text: str, line: int, words: str) -> None:
    with pytest.raises(FacetwiseError) as caught:
        parse_document(text, "some/file.yaml")
    problem = caught.value.problems[0]
    assert (problem.file, problem.line) == ("some/file.yaml", line)
    assert words in problem.found


def test_every_key_that_stands_twice_is_told() -> None:
    with pytest.raises(FacetwiseError) as caught:
        parse_document("a: 1\na: 2\nb: 3\nb: 4\n", "x")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(FacetwiseError, match=r"^here/x\.yaml: byte 3 is not UTF-8; expected UTF-8 text"):
        read_document(path, "here/x.yaml")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match=r"x\.yaml: it cannot be read"):
        read_document(tmp_path, "x.yaml")


def test_line_endings_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    text = "a: >-\n  one\n  two\nb: |\n  three\n  four\n"
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    read = read_document(path, "x")
    assert (read.data, read.lines) == (parse_document(text, "x").data, parse_document(text, "x").lines)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
_TREES = st.recursive(_TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3))


@given(st.dictionaries(_TEXTS, _TREES, min_size=1, max_size=4))
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    quoted = yaml.safe_dump(data, allow_unicode=True, default_style='"', sort_keys=False)
    document = parse_document(quoted, "x")
    assert document.data == data
    assert all(1 <= line <= quoted.count("\n") + 1 for line in document.lines.values())


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    problems: list[Problem] = []
    try:
        assert isinstance(parse_document(text, "x").data, dict)
    except FacetwiseError as error:
        problems = error.problems
    assert all(problem.file == "x" and problem.found for problem in problems)
