"""Lint, by small trees: what it must find, where, and in which words; and what it must leave in peace.

Each file of `lint/good`, `lint/contradictions` and `lint/bad` lays its `files` over the tree of `lint/tree.yaml`;
one that is `null` is left out of the tree. A bad case says which words the `error` holds, a contradiction which are
`found`, and `at` which file and line; line 0 means the whole file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from small_tree import LINT, base_files, lint, read_case, store, write_tree


def _cases(directory: str) -> list[Any]:
    return [pytest.param(read_case(path), id=path.stem) for path in sorted((LINT / directory).glob("*.yaml"))]


def _files(case: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if content == "null" else content for name, content in case["files"].items()}


@pytest.mark.parametrize("case", _cases("good"))
def test_nothing_is_wrong_with(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) == {"name", "files"}
    report = lint(write_tree(tmp_path / "knowledge", _files(case)))
    assert [str(problem) for problem in report.errors] == []
    assert report.store is not None


@pytest.mark.parametrize("case", _cases("bad"))
def test_lint_finds(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) == {"name", "files", "error", "at"}
    report = lint(write_tree(tmp_path / "knowledge", _files(case)))
    found = [(f"{problem.file}:{problem.line}", str(problem)) for problem in report.errors]
    assert any(case["at"] == at and case["error"] in words for at, words in found), found


@pytest.mark.parametrize("case", _cases("contradictions"))
def test_lint_reports_a_contradiction_and_no_error(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) == {"name", "files", "found", "at"}
    report = lint(write_tree(tmp_path / "knowledge", _files(case)))
    assert report.errors == []
    found = [(f"{problem.file}:{problem.line}", problem.found, problem.level) for problem in report.contradictions]
    at_place = [(words, level) for at, words, level in found if at == case["at"]]
    assert any(case["found"] in words and level == "contradiction" for words, level in at_place), found


def test_good_cases_contradict_nothing_but_where_they_say_so(tmp_path: Path) -> None:
    for path in sorted((LINT / "good").glob("positions-*.yaml")):
        report = lint(write_tree(tmp_path / path.stem / "knowledge", _files(read_case(path))))
        undeclared = [problem for problem in report.contradictions if "sources disagree" not in problem.found]
        assert undeclared == [], path.stem


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    report = lint(write_tree(tmp_path / "knowledge", _files(read_case(LINT / "bad" / "several.yaml"))))
    assert [(problem.file, problem.line) for problem in report.errors] == [
        ("knowledge/payers/program/x.yaml", 6),
        ("knowledge/payers/program/y.yaml", 6),
    ]


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "knowledge",
        {"sources/letter.yaml": "title: caf\xe9\n".encode("latin-1"), "anatomy/joints.csv": b"joint\n\xff\n"},
    )
    assert [str(problem) for problem in lint(root).errors] == [
        "knowledge/anatomy/joints.csv: byte 6 is not UTF-8; save the file as UTF-8.",
        "knowledge/sources/letter.yaml: byte 10 is not UTF-8; expected UTF-8 text; save the file as UTF-8.",
    ]


def test_a_table_saved_by_a_spreadsheet_reads_the_same(tmp_path: Path) -> None:
    name = "anatomy/joints.csv"
    plain = base_files()[name]
    saved = b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()
    left, right = write_tree(tmp_path / "a"), write_tree(tmp_path / "b", {name: saved})
    assert store(left).digest == store(right).digest
