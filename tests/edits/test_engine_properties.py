"""What must not change a finding: the order of the lines, other persons' claims, how claims are split over files, what ids are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edits.comparing import drawn
from edits.engines import Key, in_batch, one_by_one
from edits.oracle import World
from edits.random_claims import Batch, Row
from facetwise.edits import Checker
from facetwise.knowledge import Knowledge

# Of several lines that are wrong together these edits name the first or last in the order of the input.
_BY_ORDER = {
    "mue-exceeded", "bilateral-reporting", "level-limit", "region-limit", "session-limit", "repeat-too-soon", "fact-not-established"
}  # fmt: skip
_SEEDS = st.integers(0, 10**9)


@pytest.fixture(scope="module")
def world(knowledge: Knowledge) -> World:
    return World(knowledge)


@pytest.fixture(scope="module")
def checker(knowledge: Knowledge) -> Iterator[Checker]:
    with Checker(knowledge) as opened:
        yield opened


def _apart_from_order(rows: Iterable[Row], found: Iterable[Key]) -> set[tuple[Any, ...]]:
    """Return the findings without what the order of the lines decides: which of several lines is named, and which other line."""
    of = {(row["claim_id"], row["claim_line_number"]): row for row in rows}
    kept: set[tuple[Any, ...]] = set()
    for edit, severity, claim, number, _ in found:
        row = of[claim, number]
        if edit in _BY_ORDER:
            kept.add((edit, severity, row["person_id"] or claim, row["claim_line_start_date"]))
        else:
            kept.add((edit, severity, claim, number))
    return kept


@settings(max_examples=40)
@given(seed=_SEEDS, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_lines(world: World, checker: Checker, seed: int, shuffle: Any) -> None:
    batch = drawn(world, seed, 6)
    lines, history = list(batch.lines), list(batch.history)
    before = one_by_one(checker, lines, history)
    shuffle.shuffle(lines)
    shuffle.shuffle(history)
    after = one_by_one(checker, lines, history)
    assert _apart_from_order(batch.lines, after) == _apart_from_order(batch.lines, before)


@settings(max_examples=25)
@given(seed=_SEEDS)
def test_other_persons_claims(world: World, checker: Checker, seed: int) -> None:
    own, others = drawn(world, seed, 4, "A"), drawn(world, seed + 1, 4, "B")
    alone = set(one_by_one(checker, own.lines, own.history))
    lines, history = own.lines + others.lines, own.history + others.history
    together = {_key(one) for one in checker.check(lines, history)} if lines else set()
    assert {one for one in together if one[2].startswith("A")} == alone


def _key(one: Any) -> Key:
    other = (one.other_claim_id, one.other_claim_line_number) if one.other_claim_id is not None else None
    return one.edit, one.severity, one.claim_id, one.claim_line_number, other


@settings(max_examples=25)
@given(seed=_SEEDS)
def test_an_unrelated_line_of_the_person(world: World, checker: Checker, seed: int) -> None:
    batch = drawn(world, seed, 5)
    before = set(one_by_one(checker, batch.lines, batch.history))
    extra = [
        {
            **row,
            "claim_id": f"X{n}",
            "claim_line_number": 1,
            "hcpcs_code": "99999",
            "rendering_npi": "9999999999",
            "billing_npi": None,
        }
        for n, row in enumerate(batch.lines)
    ]
    assert set(one_by_one(checker, batch.lines + extra, batch.history)) == before


@settings(max_examples=25)
@given(seed=_SEEDS, salt=st.integers(1, 9))
def test_the_names_of_ids(world: World, checker: Checker, seed: int, salt: int) -> None:
    batch = drawn(world, seed, 5)
    renamed = Batch([_renamed(row, salt) for row in batch.lines], [_renamed(row, salt) for row in batch.history])
    before = one_by_one(checker, batch.lines, batch.history)
    after = one_by_one(checker, renamed.lines, renamed.history)
    wanted = {(e, s, f"{salt}-{c}", n, (f"{salt}-{o[0]}", o[1]) if o else None) for e, s, c, n, o in before}
    assert set(after) == wanted


def _renamed(row: Row, salt: int) -> Row:
    new = {**row, "claim_id": f"{salt}-{row['claim_id']}"}
    for name in ("person_id", "rendering_npi", "billing_npi"):
        new[name] = f"{row[name]}{salt}" if row.get(name) else row.get(name)
    return new


@settings(max_examples=25)
@given(seed=_SEEDS)
def test_a_history_that_holds_the_checked_claims(world: World, checker: Checker, seed: int) -> None:
    batch = drawn(world, seed, 5)
    before = set(one_by_one(checker, batch.lines, batch.history))
    assert set(one_by_one(checker, batch.lines, batch.history + batch.lines)) == before


def test_the_checked_table_itself_as_history(world: World, knowledge: Knowledge, tmp_path: Path) -> None:
    batch = drawn(world, 11, 300)
    found = in_batch(knowledge, tmp_path, batch.lines, batch.lines)
    assert found
    assert sorted(found, key=str) == sorted(in_batch(knowledge, tmp_path, batch.lines, []), key=str)


def test_split_over_files_and_in_any_order(world: World, knowledge: Knowledge, tmp_path: Path) -> None:
    batch = drawn(world, 7, 300)
    people = sorted({row["person_id"] or "" for row in batch.lines + batch.history})
    whole = in_batch(knowledge, tmp_path, batch.lines, batch.history)
    parts: list[Key] = []
    for part in (people[::2], people[1::2]):
        kept = set(part)
        lines, history = (
            [row for row in rows if (row["person_id"] or "") in kept] for rows in (batch.lines, batch.history)
        )
        parts += in_batch(knowledge, tmp_path, lines, history)
    assert sorted(parts, key=str) == sorted(whole, key=str)
    turned = in_batch(knowledge, tmp_path, batch.lines[::-1], batch.history[::-1])
    assert _apart_from_order(batch.lines, turned) == _apart_from_order(batch.lines, whole)


@settings(max_examples=25)
@given(seed=_SEEDS)
def test_rows_written_by_hand(world: World, checker: Checker, seed: int) -> None:
    batch = drawn(world, seed, 4)
    lines, history = ([_by_hand(row) for row in rows] for rows in (batch.lines, batch.history))
    assert set(one_by_one(checker, lines, history)) == set(one_by_one(checker, batch.lines, batch.history))


def _by_hand(row: Row) -> Row:
    """A row as a person types it: lower case, dots in diagnoses, numbers and days as text."""
    return {
        name: f"{value[:3]}.{value[3:]} ".lower()
        if name.startswith("diagnosis_code") and value
        else f" {value}".lower()
        if name.startswith(("hcpcs", "claim_type", "state", "service", "claim_line", "diagnosis_pointer"))
        and value is not None
        else value
        for name, value in row.items()
    }
