"""Knowledge of one's own, laid over ours: differences, replacements, additions, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from facetwise.knowledge.kinds import Code
from facetwise.knowledge.store import BASE_LAYER
from small_tree import base_files, cell, errors, knowledge, on, store, write, write_tree

_RELIEF = "payers/program/relief"
_SOURCE = """\
source: memo
title: Our memo
publisher: Ours
url: https://example.org/memo
evidence: secondary
date: 2024-02-01
"""
_LICENSED = """\
code: 10001
extends: codes/10001
history:
  - from: 2020
    descriptor: Words that somebody licensed
    sources: [memo]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "knowledge")


def _mine(tmp_path: Path, **files: str) -> Path:
    return write(tmp_path / "mine", {name.replace("__", "/") + ".yaml": content for name, content in files.items()})


def test_an_extension_states_only_the_difference(root: Path, tmp_path: Path) -> None:
    mine = _mine(
        tmp_path,
        payers__program__relief=f"criterion: relief\nextends: {_RELIEF}\nhistory:\n"
        "  - {from: 2024, until: 2024, cell: ours 50, sources: [letter]}\n",
    )
    held = store(root, mine)
    days = ("2022-06-01", "2023-12-31", "2024-01-01", "2024-12-31", "2025-01-01")
    assert [cell(held, _RELIEF, day) for day in days] == [
        "80 % relief",
        "50 % relief",
        "ours 50",
        "ours 50",
        "50 % relief",
    ]
    dated = [on(held, _RELIEF, day) for day in days]
    assert [one.layer if one else "" for one in dated] == [BASE_LAYER, BASE_LAYER, "mine", "mine", BASE_LAYER]
    assert [one.file.split("/")[0] if one else "" for one in dated[1:3]] == ["knowledge", "mine"]
    ours = dated[2]
    assert ours is not None
    assert ours.sources == ("letter", "digest")
    assert getattr(ours.value, "statement", "").startswith("The block relieved at least 50 %")


def test_a_replacement_puts_the_base_aside(root: Path, tmp_path: Path) -> None:
    mine = _mine(
        tmp_path,
        payers__program__relief=f"criterion: relief\nreplaces: {_RELIEF}\nquestion: relief\ncell: ours\n"
        "statement: Ours.\nhistory:\n  - {from: 2024, sources: [letter]}\n",
    )
    held = store(root, mine)
    assert [cell(held, _RELIEF, day) for day in ("2023-12-31", "2024-01-01")] == [None, "ours"]
    assert held.things[_RELIEF].layer == "mine"


def test_neither_extending_nor_replacing_is_refused(root: Path, tmp_path: Path) -> None:
    mine = _mine(tmp_path, payers__program__relief=base_files()[f"{_RELIEF}.yaml"])
    assert errors(root, mine) == [
        f"mine/{_RELIEF}.yaml:1: {_RELIEF} is already in the layer below; expected 'extends: {_RELIEF}' to state "
        f"differences or 'replaces: {_RELIEF}' to put it aside."
    ]


@pytest.mark.parametrize(("path", "wanted"), [("releif", "releif"), ("relief", "payers/program/releif")])
def test_a_replacement_of_nothing_is_refused(path: str, wanted: str, root: Path, tmp_path: Path) -> None:
    text = f"criterion: {path}\nreplaces: payers/program/releif\nquestion: relief\ncell: ours\nstatement: Ours.\n"
    mine = write(
        tmp_path / "mine", {f"payers/program/{path}.yaml": text + "history:\n  - {from: 2024, sources: [letter]}\n"}
    )
    [found] = errors(root, mine)
    assert found.startswith(
        f"mine/payers/program/{path}.yaml:2: replaces 'payers/program/releif', which is not the thing"
    )


@pytest.mark.parametrize("name", ["payers/program/relief", "sources/letter", "anatomy/joints"])
def test_another_kind_under_a_name_of_the_base_is_refused(name: str, root: Path, tmp_path: Path) -> None:
    entry = "{from: 2024, sources: [letter]}"
    text = f"audit: {name.split('/')[-1]}\ntitle: A\nagency: B\nstatement: C.\nhistory: [{entry}]\n"
    [found] = errors(root, write(tmp_path / "mine", {f"{name}.yaml": text}))
    assert found.startswith(f"mine/{name}.yaml:1: a audit over {name}, which is a ")


def test_a_new_payer_with_its_own_source(root: Path, tmp_path: Path) -> None:
    mine = _mine(
        tmp_path,
        sources__memo=_SOURCE,
        payers__ours__payer="payer: ours\ntitle: Ours\nrole: commercial\ngroup: insurers\nfollows: [program]\n"
        "history:\n  - {from: 2024, sources: [memo]}\n",
        payers__ours__sessions="limit: sessions\nextends: payers/program/sessions\nat_most: 2\ncell: two\n"
        "statement: Two.\nhistory:\n  - {from: 2024, sources: [memo]}\n",
    )
    held = knowledge(root, mine)
    view = held.as_of(date(2024, 5, 1))
    assert held.store.layers == (BASE_LAYER, "mine")
    assert held.store.source_layers["memo"] == "mine"
    assert held.store.source_layers["letter"] == BASE_LAYER
    assert "ours" in view.payers()
    assert [(answer.said_by, answer.value.cell) for answer in view.answers("ours", "relief")] == [
        ("program", "50 % relief")
    ]
    assert [(answer.said_by, answer.value.cell) for answer in view.answers("ours", "sessions")] == [("ours", "two")]
    assert "ours" not in held.as_of(date(2023, 12, 31)).payers()


def test_a_source_of_the_overlay_stands_for_the_one_of_its_name(root: Path, tmp_path: Path) -> None:
    mine = _mine(tmp_path, sources__letter=_SOURCE.replace("source: memo", "source: letter"))
    held = store(root, mine)
    assert held.sources["letter"].title == "Our memo"
    assert held.source_layers["letter"] == "mine"


def test_words_questions_and_statements_are_added(root: Path, tmp_path: Path) -> None:
    mine = _mine(
        tmp_path,
        vocabulary__mine="vocabulary: mine\ntitle: Ours\nwords: {technique: {needle: needling}}\n",
        questions__needle="question: needle\ntitle: Needle\nkind: criterion\ntechnique: [needle, block]\n",
        payers__notes="statements: notes\nsection: coding\nitems:\n"
        "  - {id: own, text: Our own., from: 2024, sources: [letter]}\n",
    )
    held = store(root, mine)
    assert set(held.vocabulary.words["technique"]) == {"block", "ablation", "needle"}
    assert held.questions["needle"].title == "Needle"
    assert held.things["payers/notes#own"].layer == "mine"


def test_a_licensed_descriptor_stands_in_an_overlay_and_bears_its_name(root: Path, tmp_path: Path) -> None:
    mine = _mine(tmp_path, sources__memo=_SOURCE, codes__10001=_LICENSED)
    dated = on(store(root, mine), "codes/10001", "2024-01-01")
    assert dated is not None
    assert isinstance(dated.value, Code)
    assert (dated.value.descriptor, dated.value.title) == ("Words that somebody licensed", "First block")
    assert dated.layer == "mine"
    assert dated.sources == ("memo", "letter")


def test_the_same_descriptor_in_the_base_is_an_error(tmp_path: Path) -> None:
    text = base_files()["codes/10001.yaml"] + "    descriptor: Words that somebody licensed\n"
    [found] = errors(write_tree(tmp_path / "knowledge", {"codes/10001.yaml": text}))
    assert "a descriptor in the base knowledge; expected none: the AMA owns them; put it in an overlay" in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "criterion: relief\nextends: payers/program/releif\nhistory:\n  - {from: 2024, sources: [letter]}\n",
            "mine/payers/program/relief.yaml:2: extends 'payers/program/releif', which does not exist; expected the "
            "path of a thing, without .yaml; did you mean 'payers/program/relief'.",
        ),
        (
            "criterion: relief\nextends: payers/program/relief\nhistory:\n  - from: 2024\n    sources: [leter]\n",
            "mine/payers/program/relief.yaml:4: source 'leter' is not known; expected a source of the knowledge; "
            "did you mean 'letter'.",
        ),
        (
            "criterion: relief\nextends: payers/program/relief\nhistory:\n  - from: 2024\n    cel: x\n",
            "mine/payers/program/relief.yaml:5: unknown key 'cel'; expected one of ",
        ),
        (
            "criterion: relief\nextends: payers/program/relief\nhistory:\n  - from: 2024-13\n    sources: [letter]\n",
            "mine/payers/program/relief.yaml:4: '2024-13' has no month 13; expected a date, or 'undated'.",
        ),
        (
            "criterion: relief\nextends: payers/program/relief\nhistory:\n  - from: 2024\n    cell: ours\n",
            "mine/payers/program/relief.yaml:4: no source; expected 'sources: [key]' with a key of knowledge/sources; "
            "say who says so.",
        ),
        ("criterion: relief\ncell: [\n", "mine/payers/program/relief.yaml:3: this is not YAML"),
    ],
)
def test_a_broken_overlay_names_file_line_and_what_is_expected(
    text: str, words: str, root: Path, tmp_path: Path
) -> None:
    found = errors(root, _mine(tmp_path, payers__program__relief=text))
    assert any(one.startswith(words) for one in found), found


def test_what_nothing_cites_in_an_overlay_is_told_by_its_own_file(root: Path, tmp_path: Path) -> None:
    [found] = errors(root, _mine(tmp_path, sources__memo=_SOURCE))
    assert found.startswith("mine/sources/memo.yaml: no fact cites this source")


def test_a_question_of_an_overlay_is_told_by_its_own_file(root: Path, tmp_path: Path) -> None:
    [found] = errors(
        root, _mine(tmp_path, questions__mine="question: mine\ntitle: M\nkind: criterion\ntechnique: [needle]\n")
    )
    assert found.startswith("mine/questions/mine.yaml: technique 'needle' is not known")


def test_an_overlay_over_an_overlay(root: Path, tmp_path: Path) -> None:
    head = "criterion: relief\nextends: payers/program/relief\nhistory:\n"
    text = head + "  - {{from: {}, cell: {} 50, sources: [letter]}}\n"
    first = write(tmp_path / "first", {f"{_RELIEF}.yaml": text.format(2024, "first")})
    second = write(tmp_path / "second", {f"{_RELIEF}.yaml": text.format(2025, "second")})
    held = store(root, first, second)
    assert [cell(held, _RELIEF, day) for day in ("2023-06-01", "2024-06-01", "2025-06-01")] == [
        "50 % relief",
        "first 50",
        "second 50",
    ]
    assert [dated.layer for dated in held.things[_RELIEF].history] == [BASE_LAYER, BASE_LAYER, "first", "second"]


def test_an_overlay_changes_what_extends_the_thing_below(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "knowledge",
        {
            "payers/program/contractor/relief.yaml": f"criterion: relief\nextends: {_RELIEF}\nhistory:\n"
            "  - {from: 2025, statement: Its own words; 50., sources: [letter]}\n"
        },
    )
    mine = _mine(
        tmp_path,
        payers__program__relief=f"criterion: relief\nextends: {_RELIEF}\nhistory:\n"
        "  - {from: 2024, cell: ours 50, sources: [letter]}\n",
    )
    assert cell(store(root, mine), "payers/program/contractor/relief", "2025-06-01") == "ours 50"
