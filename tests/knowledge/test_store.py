"""The digest: the same for the same facts however they are laid out, another for any other fact."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from small_tree import base_files, knowledge, store, write, write_tree

_RELIEF = "payers/program/relief.yaml"
_CONFLICT = """\
criterion: pain
question: relief
cell: pain
statement: There was pain.
history:
  - from: 2020
    conflict:
      - {cell: pain of 4, sources: [letter], evidence: primary}
      - {cell: pain of 5, sources: [digest], note: It is a reading.}
"""


@pytest.fixture(scope="module")
def base_digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return store(write_tree(tmp_path_factory.mktemp("store") / "knowledge")).digest


def _with(path: str, old: str, new: str) -> dict[str, str]:
    content = base_files()[path]
    assert old in content
    return {path: content.replace(old, new)}


def test_a_digest_says_how_it_was_made(base_digest: str) -> None:
    assert base_digest.startswith("sha256:")
    assert len(base_digest) == len("sha256:") + 64


def test_another_root_changes_nothing(tmp_path: Path, base_digest: str) -> None:
    assert store(write_tree(tmp_path / "some" / "where" / "else")).digest == base_digest


def test_another_place_of_an_overlay_changes_nothing(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "knowledge")
    files = {
        _RELIEF: "criterion: relief\nextends: payers/program/relief\nhistory:\n  - {from: 2024, sources: [letter]}\n"
    }
    near, far = write(tmp_path / "near" / "mine", files), write(tmp_path / "far" / "off" / "mine", files)
    assert store(root, near).digest == store(root, far).digest != store(root).digest


def test_an_overlay_that_says_nothing_changes_nothing(tmp_path: Path, base_digest: str) -> None:
    empty = tmp_path / "mine"
    empty.mkdir()
    assert knowledge(write_tree(tmp_path / "knowledge"), empty).digest == base_digest


def _reordered(content: str) -> str:
    data = yaml.load(content, Loader=yaml.BaseLoader)
    first, *rest = data
    return str(
        yaml.safe_dump({key: data[key] for key in (first, *reversed(rest))}, sort_keys=False, allow_unicode=True)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda content: "# a remark\n\n" + content.replace("\n", " # another\n", 1),
        lambda content: content.replace("\n", "\r\n"),
        lambda content: content.replace(": ", ":   ") + "\n\n",
        lambda content: "\ufeff" + content,
        _reordered,
    ],
    ids=["comments", "line-endings", "whitespace", "byte-order-mark", "key-order"],
)
def test_the_layout_of_files_changes_nothing(change: object, tmp_path: Path, base_digest: str) -> None:
    assert callable(change)
    files = {name: change(text) if name.endswith(".yaml") else text for name, text in base_files().items()}
    assert files != base_files()
    assert store(write_tree(tmp_path / "knowledge", files)).digest == base_digest


def test_line_endings_and_order_of_rows_change_nothing(tmp_path: Path, base_digest: str) -> None:
    name = "anatomy/joints.csv"
    head, *rows = base_files()[name].splitlines()
    text = "\r\n".join([head, *reversed(rows), ""])
    assert store(write_tree(tmp_path / "knowledge", {name: text})).digest == base_digest


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(_with(_RELIEF, "cell: 50 % relief", "cell: 50 % or better"), id="value"),
        pytest.param(_with(_RELIEF, "{asks: better, is: true}", "{asks: better, is: false}"), id="test"),
        pytest.param(_with(_RELIEF, "held_by: [program]", "held_by: [contractor]"), id="held-by"),
        pytest.param(_with(_RELIEF, "from: 2023", "from: 2023-02"), id="date"),
        pytest.param(_with(_RELIEF, "from: 2023", "from: 2023-01-01"), id="how-a-date-is-said"),
        pytest.param(_with(_RELIEF, "from: 2023", "from: 2023\n    until: 2024"), id="until"),
        pytest.param(_with(_RELIEF, "from: 2020", "from: undated"), id="undated"),
        pytest.param(_with(_RELIEF, "sources: [digest]", "sources: [letter]"), id="source"),
        pytest.param(_with(_RELIEF, "sources: [digest]", "sources: [digest, letter]"), id="one-more-source"),
        pytest.param(_with(_RELIEF, "sources: [digest]", "sources: [digest]\n    note: n"), id="note"),
        pytest.param(_with(_RELIEF, "sources: [digest]", "sources: [digest]\n    evidence: inferred"), id="evidence"),
        pytest.param(_with(_RELIEF, "change: The program", "change: Now the program"), id="change"),
        pytest.param(_with(_RELIEF, "means: Less", "means: Much less"), id="means"),
        pytest.param(_with("payers/program/sessions.yaml", "of 2022 was not", "of 2022 is not"), id="not-established"),
        pytest.param({"payers/program/pain.yaml": _CONFLICT}, id="one-more-thing"),
        pytest.param({_RELIEF: None}, id="one-thing-less"),
        pytest.param(_with("anatomy/joints.csv", "1.75", "1.76"), id="cell"),
        pytest.param(_with("anatomy/joints.csv", "2022-12-31", "2022-12-30"), id="until-of-a-row"),
        pytest.param(_with("anatomy/joints.csv", "letter digest", "letter"), id="source-of-a-row"),
        pytest.param(_with("anatomy/joints.yaml", "title: Joints", "title: The joints"), id="title-of-a-table"),
        pytest.param(_with("anatomy/joints.yaml", "title: Joints", "title: Joints\nnote: n"), id="note-of-a-table"),
        pytest.param(_with("sources/letter.yaml", "date: 2024-01-05", "date: 2024-01-06"), id="date-of-a-source"),
        pytest.param(_with("sources/letter.yaml", "evidence: primary", "evidence: secondary"), id="grade-of-a-source"),
        pytest.param(_with("questions/relief.yaml", "title: Relief", "title: Pain relief"), id="question"),
        pytest.param(_with("vocabulary/words.yaml", "block: nerve block", "block: block of a nerve"), id="word"),
        pytest.param(_with("horizon.yaml", "reviewed: 2026-06-01", "reviewed: 2026-06-02"), id="reviewed"),
        pytest.param(_with("payers/contractor-notes.yaml", "was not read", "could not be read"), id="statement"),
    ],
)
def test_any_other_fact_is_another_digest(changed: dict[str, str | None], tmp_path: Path, base_digest: str) -> None:
    assert store(write_tree(tmp_path / "knowledge", changed)).digest != base_digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("pain of 4", "pain of 3"), ("evidence: primary", "evidence: inferred"), ("a reading", "one reading")],
)
def test_a_side_of_a_conflict_counts(old: str, new: str, tmp_path: Path) -> None:
    one = write_tree(tmp_path / "one", {"payers/program/pain.yaml": _CONFLICT})
    other = write_tree(tmp_path / "other", {"payers/program/pain.yaml": _CONFLICT.replace(old, new)})
    assert store(one).digest != store(other).digest


def test_what_is_not_established_counts_by_its_question(tmp_path: Path) -> None:
    text = (
        "criterion: pain\nquestion: {}\nhistory:\n  - {{from: 2020, not_established: Not read., sources: [letter]}}\n"
    )
    again = base_files()["questions/relief.yaml"].replace("question: relief", "question: again")
    digests = {
        store(
            write_tree(
                tmp_path / question,
                {"questions/again.yaml": again, "payers/program/pain.yaml": text.format(question)},
            )
        ).digest
        for question in ("relief", "again")
    }
    assert len(digests) == 2


@given(names=st.permutations(sorted(base_files())))
@settings(max_examples=5)
def test_the_order_in_which_files_were_written_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], base_digest: str
) -> None:
    root = write(tmp_path_factory.mktemp("order") / "knowledge", {name: base_files()[name] for name in names})
    assert store(root).digest == base_digest


def test_every_source_is_reached_through_the_sides(tmp_path: Path) -> None:
    held = store(write_tree(tmp_path / "knowledge", {"payers/program/pain.yaml": _CONFLICT}))
    assert list(held.things["payers/program/pain"].history[0].all_sources()) == ["letter", "digest"]
