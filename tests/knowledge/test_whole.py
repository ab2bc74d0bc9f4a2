"""The knowledge as shipped: without errors, every fact with its sources, and nothing of it in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from facetwise.knowledge import Dated, Knowledge, Store
from facetwise.knowledge.kinds import Code, Payer
from facetwise.knowledge.lint import Report, lint_layers
from facetwise.knowledge.load import base_directory, layers

_SRC = Path(__file__).parents[2] / "src"
_ENDINGS = (".py", ".html", ".css", ".typ")
_CODE = re.compile(r"(?<![\w#])[\dA-Z]\d{3}[\dA-Z](?!\w)")
# Words of the code that are payers' names by chance or by necessity.
_ALLOWED = {
    "horizon": "the span of dates that the knowledge answers for; a New Jersey insurer bears the same name",
    "medicare": "the program whose published formula the payment code computes, and whose jurisdictions are a kind",
}


@pytest.fixture(scope="module")
def report() -> Report:
    return lint_layers(layers())


@pytest.fixture(scope="module")
def store(report: Report) -> Store:
    assert report.store is not None
    return report.store


def _everything(store: Store) -> Iterator[tuple[str, Dated]]:
    for thing in store.things.values():
        for dated in thing.history:
            yield thing.id, dated


def test_lint_finds_no_error(report: Report) -> None:
    assert [str(problem) for problem in report.errors] == []


def test_what_is_loaded_is_what_lint_built(store: Store, knowledge: Knowledge) -> None:
    assert knowledge.digest == store.digest


def test_every_fact_reaches_a_source(store: Store) -> None:
    for name, dated in _everything(store):
        stated = dated.sides or (dated,)
        assert all(one.sources for one in stated), name
        assert set(dated.all_sources()) <= set(store.sources), name
        assert all(one.evidence for one in stated), name


def test_every_row_reaches_a_source(store: Store) -> None:
    for table in store.tables.values():
        for row in table.rows:
            assert row.sources, f"{table.file}:{row.line}"
            assert set(row.sources) <= set(store.sources), f"{table.file}:{row.line}"


def test_every_source_is_cited_or_says_why_not(store: Store) -> None:
    cited = {key for _, dated in _everything(store) for key in dated.all_sources()}
    cited |= {key for table in store.tables.values() for row in table.rows for key in row.sources}
    for key, source in store.sources.items():
        assert (key in cited) != bool(source.uncited), key


def test_every_source_can_be_found_again(store: Store) -> None:
    for key, source in store.sources.items():
        assert source.title, key
        assert source.publisher, key
        assert source.url, key


def test_every_entry_says_something(store: Store) -> None:
    for name, dated in _everything(store):
        said = (dated.value is not None, bool(dated.sides), bool(dated.not_established))
        assert sum(said) == 1, (name, dated.since)


def test_no_day_has_two_answers(store: Store) -> None:
    for thing in store.things.values():
        for earlier, later in pairwise(thing.history):
            assert earlier.end is not None, thing.id
            assert later.start is not None, thing.id
            assert earlier.end < later.start, thing.id


def test_sides_hold_while_their_entry_holds(store: Store) -> None:
    for name, dated in _everything(store):
        assert all((side.start, side.end) == (dated.start, dated.end) for side in dated.sides), name


def test_no_descriptor_is_shipped(store: Store) -> None:
    assert [
        name for name, dated in _everything(store) if isinstance(dated.value, Code) and dated.value.descriptor
    ] == []
    for path in base_directory().rglob("*.yaml"):
        assert not re.search(r"^\s*[\[{-]*\s*descriptor\s*:", path.read_text(encoding="utf-8"), re.MULTILINE), path


# -- nothing of it in the code


def _lines() -> Iterator[tuple[str, str]]:
    for path in sorted(_SRC.rglob("*")):
        if path.suffix in _ENDINGS:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{path.relative_to(_SRC)}:{number}", line


def _codes(store: Store) -> set[str]:
    found = {thing.slug for thing in store.things.values() if thing.kind == "code"}
    for table in store.tables.values():
        places = [place for place, kind in enumerate(table.columns.values()) if kind == "code"]
        found |= {row.cells[place] or "" for row in table.rows for place in places}
    return {code for code in found if _CODE.fullmatch(code)}


def _payer_names(store: Store) -> set[str]:
    found = set()
    for thing in store.things.values():
        if thing.kind == "payer":
            found.add(thing.slug)
            for dated in thing.history:
                if isinstance(dated.value, Payer):
                    found |= {dated.value.title.lower(), dated.value.short.lower()} - {""}
    return found


def test_the_code_that_is_looked_through_is_there(store: Store) -> None:
    assert {Path(place.split(":")[0]).suffix for place, _ in _lines()} == set(_ENDINGS)
    assert len(_codes(store)) > 100
    assert len(_payer_names(store)) > 50


def test_no_procedure_code_stands_in_the_code(store: Store) -> None:
    codes = _codes(store)
    assert [(place, code) for place, line in _lines() for code in _CODE.findall(line) if code in codes] == []


def test_no_payer_stands_in_the_code(store: Store) -> None:
    names = _payer_names(store) - set(_ALLOWED)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(re.escape(name) for name in sorted(names))})(?![\w-])")
    assert [(place, match[0]) for place, line in _lines() for match in pattern.finditer(line.lower())] == []


def test_no_source_stands_in_the_code(store: Store) -> None:
    keys = {key for key in store.sources if "-" in key}
    quoted = re.compile(r"""["']([a-z0-9]+(?:-[a-z0-9]+)+)["']""")
    assert [(place, word) for place, line in _lines() for word in quoted.findall(line) if word in keys] == []


def test_what_is_allowed_in_the_code_is_a_payer_and_is_there(store: Store) -> None:
    text = "\n".join(line.lower() for _, line in _lines())
    for word in _ALLOWED:
        assert word in _payer_names(store)
        assert re.search(rf"\b{word}\b", text)
