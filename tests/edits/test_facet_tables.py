"""The payers' rules as reference tables: held against what the payers say on single days, and whole in themselves."""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import facetwise.edits
from edits.facet_runner import Runner, runner_of
from facetwise.coding.code import bilateral_layout
from facetwise.coding.encounter import Encounter
from facetwise.edits.reference import payers
from facetwise.edits.reference.build import payer_rows
from facetwise.edits.reference.codes import day_number
from facetwise.edits.reference.payer_tables import PAYER_TABLES
from facetwise.edits.tables import BOOKS, CODES
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Position
from facetwise.payers import rules

_SHAPES = {**PAYER_TABLES, **BOOKS, **CODES}
_SEVERAL = {"level_limit", "region_limit", "session_limit", "repeat_limit", "junction_pair", "junction"}
_RULE = {"payer", "severity", "statement", "fix", "evidence", "from_day", "to_day", "citations"}
Record = dict[str, Any]


@pytest.fixture(scope="module")
def runner(knowledge: Knowledge) -> Runner:
    return runner_of(knowledge.digest)


@pytest.fixture(scope="module")
def tables(runner: Runner) -> dict[str, list[Record]]:
    return {
        name: [dict(zip(columns, row, strict=True)) for row in rows] for name, (columns, rows) in runner.tables.items()
    }


def test_rows_fit_their_shapes(runner: Runner) -> None:
    assert set(PAYER_TABLES) <= set(runner.tables)
    types = {"VARCHAR": str, "INTEGER": int}
    for name, (columns, rows) in runner.tables.items():
        shape = _SHAPES[name]
        assert columns == tuple(shape.columns)
        for row in rows:
            for value, kind in zip(row, shape.columns.values(), strict=True):
                assert type(value) is types[kind], (name, row)


def test_what_is_cited_is_known_and_what_is_said_has_words(
    tables: dict[str, list[Record]], knowledge: Knowledge
) -> None:
    for name, rows in tables.items():
        for row in rows:
            assert all(key in knowledge.store.sources for key in row.get("citations", "").split()), (name, row)
            if "severity" in row:
                assert row["severity"] in ("deny", "review", "info")
                assert row["statement"].strip() == row["statement"] != ""
                assert row["fix"].endswith(".")
                assert row["severity"] != "deny" or row["citations"], (name, row)
            if "from_day" in row:
                assert row["from_day"] <= row["to_day"]


def test_a_day_has_one_rule_for_a_key_and_neighbours_differ(tables: dict[str, list[Record]]) -> None:
    for name, rows in tables.items():
        if name in _SEVERAL or "from_day" not in _SHAPES[name].columns:
            continue
        by_key: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
        unkeyed = {"layout", "own", "position", "reviewer", "bound", "list_id", "mark", "level", "wanted", "applies"}
        plain = name in ("book", "facet_code", "facet_dx", "imaging_code", "no_contractor")
        free = (
            _RULE | unkeyed | ({"title", "ncci", "kind", "region", "rank", "units_rule", "family"} if plain else set())
        )
        for row in rows:
            by_key[tuple(value for column, value in row.items() if column not in free)].append(row)
        for key, found in by_key.items():
            found.sort(key=lambda row: row["from_day"])
            for earlier, later in itertools.pairwise(found):
                assert earlier["to_day"] < later["from_day"], (name, key)
                same = {column: value for column, value in earlier.items() if column not in ("from_day", "to_day")}
                touching = earlier["to_day"] + 1 == later["from_day"]
                assert not (touching and same.items() <= later.items()), (name, key)


def test_every_payer_and_state_has_a_book(runner: Runner, knowledge: Knowledge) -> None:
    """States that no jurisdiction names share the book of no state; contractors' states share one book each."""
    rng = random.Random(5)
    payers = sorted({thing.slug for thing in knowledge.store.things.values() if thing.kind == "payer"})
    states = sorted({state for _, state in runner.books})
    for payer in payers:
        assert runner.book(payer, "")
    for _ in range(400):
        payer, first, second = rng.choice(payers), rng.choice(states), rng.choice([*states, "ZZ"])
        day = date(2020, 1, 1) + timedelta(rng.randrange(2500))
        view = knowledge.as_of(day)
        if runner.book(payer, first) == runner.book(payer, second) and payer in view.payers():
            one, other = rules(view, payer, first), rules(view, payer, second)
            assert (one.whose, one.local, one.unknown_contractor) == (
                other.whose,
                other.local,
                other.unknown_contractor,
            )
    assert runner.book("nobody", "OH") == 0
    assert runner.book("medicare", "OH") != runner.book("medicare", "CA")


def _days(knowledge: Knowledge, rng: random.Random, count: int) -> list[date]:
    """Days at the turns of the knowledge, one before and one after, and any others."""
    horizon = knowledge.store.horizon
    turns = sorted(
        {
            dated.start
            for thing in knowledge.store.things.values()
            if thing.question
            for dated in thing.history
            if dated.start and horizon.from_ < dated.start <= horizon.until
        }
    )
    found = [rng.choice(turns) - timedelta(rng.randrange(2)) for _ in range(count)]
    return [day for day in found if horizon.from_ <= day]


def test_layouts_are_those_of_coding(runner: Runner, tables: dict[str, list[Record]], knowledge: Knowledge) -> None:
    rng = random.Random(1)
    by_key: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for row in tables["bilateral_rule"]:
        by_key[row["book"], row["code"], row["claim"], row["setting"]].append(row)
    payers = sorted({thing.slug for thing in knowledge.store.things.values() if thing.kind == "payer"})
    codes = sorted(row["code"] for row in tables["facet_code"])
    for day in _days(knowledge, rng, 250):
        payer, state, code = rng.choice(["medicare", *payers]), rng.choice(["", "OH", "CA", "TX"]), rng.choice(codes)
        claim, setting = rng.choice(["professional", "facility"]), rng.choice(["office", "asc", "hopd"])
        view = knowledge.as_of(day)
        if payer not in view.payers():
            continue
        asked = rules(view, payer, state)
        encounter = Encounter(payer, day, setting, claim, (), state)
        said, layout, finding = bilateral_layout(view, asked, encounter, code)
        number = day_number(day)
        rows = [
            row
            for row in by_key[runner.book(payer, state), code, claim, setting]
            if row["from_day"] <= number <= row["to_day"]
        ]
        assert [(row["layout"], row["own"]) for row in rows] == ([(layout, int(finding is None))] if said else [])


def test_third_levels_are_as_the_payer_says(
    runner: Runner, tables: dict[str, list[Record]], knowledge: Knowledge
) -> None:
    rng = random.Random(2)
    by_key: dict[tuple[int, str], list[Record]] = defaultdict(list)
    for row in tables["code_position"]:
        by_key[row["book"], row["code"]].append(row)
    third = sorted(row["code"] for row in tables["facet_code"] if row["rank"] == "third_and_further")
    plain = [code for code in third if code.isdigit()]
    payers = sorted({thing.slug for thing in knowledge.store.things.values() if thing.kind == "payer"})
    for day in _days(knowledge, rng, 250):
        payer, state, code = (
            rng.choice(["medicare", *payers]),
            rng.choice(["", "OH", "CA", "NJ", "GA"]),
            rng.choice(plain),
        )
        view = knowledge.as_of(day)
        if payer not in view.payers():
            continue
        asked = rules(view, payer, state)
        said = [one for one in asked.said("third-level-position") if code in one.value.codes]
        said = said or [
            one
            for one in asked.said("code-position")
            if isinstance(one.value, Position) and code in one.value.codes and one.value.when is None
        ]
        positions = {one.value.position for one in said}
        number = day_number(day)
        rows = [row for row in by_key[runner.book(payer, state), code] if row["from_day"] <= number <= row["to_day"]]
        if positions & {"not_covered", "appeal_only"}:
            (row,) = rows
            assert row["edit"] == "third-level-not-covered"
            assert set(row["position"].split()) == positions & {"not_covered", "appeal_only"}
            sure = any(one.dated.evidence != "inferred" for one in said)
            assert row["severity"] == ("deny" if sure else "review")
        elif positions & {"covered", "covered_with_criteria"}:
            assert rows == []
        else:
            assert [row["edit"] for row in rows] == ["fact-not-established"]


def test_the_calendar_knows_its_years(tables: dict[str, list[Record]]) -> None:
    by_day = {row["iso"]: row for row in tables["calendar"]}
    leap = by_day["2024-02-29"]
    assert leap["year_start"] == by_day["2024-01-01"]["day"]
    assert leap["next_year"] == by_day["2025-01-01"]["day"]
    assert leap["day"] == day_number(date(2024, 2, 29))
    assert len(by_day) == len(tables["calendar"])


def test_no_code_or_payer_in_the_texts_or_their_tables() -> None:
    """What the texts and the tables' makers know of codes and payers comes from the knowledge."""
    root = Path(facetwise.edits.__file__).parent
    files = [*(root / "sql").glob("*.sql"), *(root / "reference").glob("payer*.py"), root / "reference" / "scope.py"]
    assert len(files) > 15
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(\d{4}[0-9T]|[A-Z]\d{4})\b(?!-)", text), path.name


def test_what_payers_say_is_kept_and_a_broken_file_is_made_again(
    knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACETWISE_HOME", str(tmp_path))
    monkeypatch.setattr(payers, "compile_payers", lambda store: {"book": (("book", "title"), [(1, "One")])})
    assert payer_rows(knowledge) == {"book": [(1, "One")]}
    (kept,) = (tmp_path / "cache").glob("payers-*.msgpack")
    whole = kept.read_bytes()
    monkeypatch.setattr(payers, "compile_payers", lambda store: {"book": (("book", "title"), [(2, "Two")])})
    assert payer_rows(knowledge) == {"book": [(1, "One")]}, "it was kept"
    kept.write_bytes(whole[: len(whole) // 2])
    assert payer_rows(knowledge) == {"book": [(2, "Two")]}
