"""Loading: the cache serves what has not changed, and nothing about it can keep an answer away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from facetwise.knowledge import compile as compiling
from facetwise.knowledge import load
from facetwise.knowledge.load import bytes_digest, cache_directory, layers
from facetwise.knowledge.store import BASE_LAYER, Store
from facetwise.problems import FacetwiseError
from small_tree import base_files, cell, write, write_tree

_RELIEF = "payers/program/relief"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACETWISE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "knowledge")


@pytest.fixture
def no_yaml(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, reading a YAML file of the knowledge fails the test."""

    def refuse(*arguments: Any) -> Any:
        raise AssertionError(f"reads {arguments}")

    return lambda: monkeypatch.setattr(compiling, "read_document", refuse)


def _only(directory: Path) -> Path:
    [path] = directory.iterdir()
    return path


def _overlay(path: Path, words: str) -> Path:
    return write(
        path,
        {
            f"{_RELIEF}.yaml": "criterion: relief\nextends: payers/program/relief\nhistory:\n"
            f"  - {{from: 2024, cell: {words} 50, sources: [letter]}}\n"
        },
    )


# -- the cache


def test_the_second_time_no_yaml_is_read(root: Path, no_yaml: Callable[[], None]) -> None:
    first = load(base=root)
    no_yaml()
    second = load(base=root)
    assert msgspec.to_builtins(second.store) == msgspec.to_builtins(first.store)
    assert second.digest == first.digest


def test_the_cache_is_kept_below_the_home_that_is_set(root: Path, cache: Path) -> None:
    assert cache_directory() == cache
    load(base=root)
    assert _only(cache).suffix == ".msgpack"


def test_without_a_home_the_cache_is_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACETWISE_HOME")
    assert cache_directory().name == "facetwise"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content + b"\x00",
        lambda content: b"\xc1" + content[1:],
        lambda content: msgspec.msgpack.encode({"layers": ["facetwise"]}),
        lambda content: msgspec.msgpack.encode([1, 2]),
        lambda content: content.replace(b"facetwise", b"facet\xffise"),
        lambda content: b"\x91" * 100_000,
        lambda content: b"not what it was",
    ],
    ids=["empty", "half", "short", "long", "sign", "keys", "list", "no-utf8", "deep", "other"],
)
def test_a_broken_cache_is_compiled_again(spoil: Callable[[bytes], bytes], root: Path, cache: Path) -> None:
    digest = load(base=root).digest
    kept = _only(cache)
    whole = kept.read_bytes()
    kept.write_bytes(spoil(whole))
    assert load(base=root).digest == digest
    assert msgspec.msgpack.decode(_only(cache).read_bytes(), type=Store).digest == digest


def test_a_cache_that_cannot_be_written_costs_no_answer(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where a directory should be", encoding="utf-8")
    monkeypatch.setenv("FACETWISE_HOME", str(occupied))
    assert load(base=root).digest == load(base=root).digest
    assert occupied.read_text(encoding="utf-8") == "a file where a directory should be"


def test_a_cache_that_is_a_directory_costs_no_answer(root: Path, cache: Path) -> None:
    digest = load(base=root).digest
    kept = _only(cache)
    kept.unlink()
    kept.mkdir()
    assert load(base=root).digest == digest


def test_an_edit_is_seen_at_once(root: Path) -> None:
    before = load(base=root)
    write(
        root, {f"{_RELIEF}.yaml": base_files()[f"{_RELIEF}.yaml"].replace("cell: 50 % relief", "cell: at least 50 %")}
    )
    after = load(base=root)
    assert cell(before.store, _RELIEF, "2024-01-01") == "50 % relief"
    assert cell(after.store, _RELIEF, "2024-01-01") == "at least 50 %"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("anatomy/joints.csv", base_files()["anatomy/joints.csv"].replace("1.75", "1.85")),
        ("payers/program/x.yaml", base_files()[f"{_RELIEF}.yaml"].replace("criterion: relief", "criterion: x")),
        ("__mine/x.yaml", base_files()[f"{_RELIEF}.yaml"].replace("criterion: relief", "criterion: x")),
        ("payers/program/__x.yaml", base_files()[f"{_RELIEF}.yaml"].replace("criterion: relief", "criterion: __x")),
    ],
)
def test_every_file_that_is_read_is_watched(name: str, content: str, root: Path) -> None:
    before = load(base=root).digest
    write(root, {name: content})
    assert load(base=root).digest != before


def test_a_file_of_a_wrong_ending_is_told_though_the_rest_is_cached(root: Path) -> None:
    load(base=root)
    write(root, {"payers/program/x.yml": "criterion: x\n"})
    with pytest.raises(FacetwiseError, match=r"x\.yml: a file of this ending is not read"):
        load(base=root)


def test_a_file_that_is_taken_away_is_missed(root: Path) -> None:
    load(base=root)
    (root / f"{_RELIEF}.yaml").unlink()
    assert _RELIEF not in load(base=root).store.things


def test_cases_and_hidden_files_are_not_watched(root: Path) -> None:
    before = bytes_digest(layers(base=root))
    write(root, {"payers/x.cases.yaml": "cases: []\n", ".git/config.yaml": "a: 1\n", "notes.txt": "a"})
    assert bytes_digest(layers(base=root)) == before


def test_moving_the_knowledge_does_not_compile_it_again(
    root: Path, tmp_path: Path, no_yaml: Callable[[], None]
) -> None:
    load(base=root)
    moved = root.rename(tmp_path / "elsewhere")
    no_yaml()
    assert load(base=moved).digest


def test_errors_are_never_kept(root: Path, cache: Path) -> None:
    write(root, {"payers/program/x.yaml": "criterion: y\n"})
    for _ in range(2):
        with pytest.raises(FacetwiseError, match="the name of its path"):
            load(base=root)
    assert not cache.exists()


def test_a_file_that_cannot_be_read_is_named(root: Path) -> None:
    (root / "payers" / "gone.yaml").symlink_to(root / "nowhere.yaml")
    with pytest.raises(FacetwiseError, match=r"gone\.yaml: it cannot be read"):
        load(base=root)


# -- overlays


def test_the_last_overlay_wins(root: Path, tmp_path: Path) -> None:
    one, other = _overlay(tmp_path / "one", "one"), _overlay(tmp_path / "other", "other")
    assert cell(load([one, other], root).store, _RELIEF, "2024-01-01") == "other 50"
    assert cell(load([other, one], root).store, _RELIEF, "2024-01-01") == "one 50"
    assert cell(load([one], root).store, _RELIEF, "2024-01-01") == "one 50"
    assert cell(load([], root).store, _RELIEF, "2024-01-01") == "50 % relief"


def test_the_order_of_overlays_is_not_mixed_up_by_the_cache(root: Path, tmp_path: Path) -> None:
    one, other = _overlay(tmp_path / "one", "one"), _overlay(tmp_path / "other", "other")
    assert len({bytes_digest(layers(order, root)) for order in ([], [one], [other], [one, other], [other, one])}) == 5


def test_layers_are_named_by_their_directories(root: Path, tmp_path: Path) -> None:
    names = ["mine", "a/mine", "b/facetwise", "mine-2", "c/mine"]
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.mkdir(parents=True)
    found = [name for name, _ in layers(paths, root)]
    assert found[:4] == [BASE_LAYER, "mine", "mine-2", "facetwise-3"]
    assert len(set(found)) == len(found)


def test_the_directory_one_stands_in_has_a_name(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_overlay(tmp_path / "mine", "here"))
    held = load([Path()], root).store
    assert held.layers == (BASE_LAYER, "mine")
    assert held.things[_RELIEF].history[-1].file == "mine/payers/program/relief.yaml"


@pytest.mark.parametrize("name", ["nowhere", "file.yaml"])
def test_an_overlay_that_is_no_directory(name: str, root: Path, tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(FacetwiseError, match="there is no such directory; expected a directory of knowledge files"):
        load([tmp_path / name], root)
