"""The batch engine's own ways, none of which may show: lots, slices, hashes that fall together, files read where they lie."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from edits.comparing import drawn
from edits.engines import in_batch, parquet
from edits.oracle import World
from edits.random_claims import Batch, Row
from facetwise.edits import Asked, checked, output, screening
from facetwise.edits.batch import Settings
from facetwise.edits.in_place import ENDS
from facetwise.knowledge import Knowledge


@pytest.fixture(scope="module")
def batch(knowledge: Knowledge) -> Batch:
    return drawn(World(knowledge), seed=5, claims=150)


@pytest.fixture(scope="module")
def wanted(batch: Batch, knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    found = in_batch(knowledge, tmp_path_factory.mktemp("plain"), batch.lines, batch.history)
    assert len({edit for edit, *_ in found}) > 10
    return found


def test_person_days_that_fall_together(
    batch: Batch, wanted: list[Any], knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrower = screening.NARROW.replace(">> 32", ">> 58")
    assert narrower != screening.NARROW
    monkeypatch.setattr(screening, "NARROW", narrower)
    for lot_lines in (10**9, 200):
        found = in_batch(knowledge, tmp_path, batch.lines, batch.history, settings=Settings(lot_lines=lot_lines))
        assert found == wanted


def test_slices(
    batch: Batch, wanted: list[Any], knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening, "SLICE_LINES", 90)
    assert screening.slices(1000)[0][0] == 0
    assert screening.slices(1000)[-1][1] == 2**32 - 1
    assert in_batch(knowledge, tmp_path, batch.lines, batch.history) == wanted


def test_lots_give_the_same_bytes(batch: Batch, knowledge: Knowledge, tmp_path: Path) -> None:
    files = []
    for lot_lines in (10**9, 150):
        out = tmp_path / f"{lot_lines}.parquet"
        with checked(_asked(tmp_path, batch, Settings(lot_lines=lot_lines)), knowledge, out) as result:
            output.write(result, "parquet", out)
        files.append(out.read_bytes())
    assert files[0] == files[1]


def test_a_column_may_always_be_empty(batch: Batch, knowledge: Knowledge, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with checked(_asked(tmp_path, batch), knowledge, out) as result:
        output.write(result, "parquet", out)
    assert all(field.nullable for field in pq.read_schema(out))


@pytest.mark.parametrize(
    ("name", "odd"),
    [*((name, "{} ") for name in ENDS), ("person_id", "{}\t"), ("billing_npi", "{}\t"), ("payer", " {}")],
)
def test_blanks_at_the_ends_of_a_text_are_taken_off(
    name: str, odd: str, batch: Batch, wanted: list[Any], knowledge: Knowledge, tmp_path: Path
) -> None:
    def spoiled(rows: list[Row]) -> list[Row]:
        return [
            {**row, name: odd.format(row[name])} if row.get(name) and n % 3 == 1 else row for n, row in enumerate(rows)
        ]

    lines, history = spoiled(batch.lines), spoiled(batch.history)
    assert (lines, history) != (batch.lines, batch.history)
    # In lots, for what was found of them before the blanks showed must not stay.
    settings = Settings(lot_lines=150)
    assert in_batch(knowledge, tmp_path, lines, history, settings=settings) == wanted


@pytest.mark.parametrize("name", ["person_id", "rendering_npi"])
def test_a_text_of_nothing_but_blanks_is_none(name: str, batch: Batch, knowledge: Knowledge, tmp_path: Path) -> None:
    none, blank = ([{**row, name: value} for row in batch.lines] for value in (None, " "))
    found = in_batch(knowledge, tmp_path, blank, batch.history)
    assert found == in_batch(knowledge, tmp_path, none, batch.history)


def test_claims_are_counted_in_any_order(batch: Batch, knowledge: Knowledge, tmp_path: Path) -> None:
    many = len({row["claim_id"] for row in batch.lines})
    for order in ("as drawn", "by claim", "any"):
        lines = list(batch.lines)
        if order == "by claim":
            lines.sort(key=lambda row: row["claim_id"])
        elif order == "any":
            random.Random(3).shuffle(lines)
        for history in ([], batch.history):
            with checked(_asked(tmp_path, Batch(lines, history)), knowledge) as result:
                assert result.claims == many


def test_a_claim_in_two_files_is_one(batch: Batch, knowledge: Knowledge, tmp_path: Path) -> None:
    lines = sorted(batch.lines, key=lambda row: row["claim_id"])
    files = tuple(
        parquet(tmp_path / f"{number}.parquet", rows) for number, rows in enumerate((lines[:200], lines[100:]))
    )
    for order in (files, files[::-1]):
        with checked(Asked(order), knowledge) as result:
            assert result.claims == len({row["claim_id"] for row in lines})


def _asked(folder: Path, batch: Batch, settings: Settings | None = None) -> Asked:
    lines = parquet(folder / "lines.parquet", batch.lines)
    history = (parquet(folder / "history.parquet", batch.history),) if batch.history else ()
    return Asked((lines,), history, settings=settings or Settings())
