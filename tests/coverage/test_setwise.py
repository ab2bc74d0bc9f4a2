"""The set-wise evaluation answers as the scalar engine does, case by case, and writes whole or not at all."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from coverage_cases import USUAL, Maker
from coverage_shapes import flat, given, wanted, write_lines, write_parquet
from facetwise.coverage.setwise import cover_file, run_setwise
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

_CASES = 300
_SEED = 20260302


@pytest.fixture(scope="module")
def cases(knowledge: Knowledge) -> list[dict[str, Any]]:
    maker = Maker(knowledge, _SEED)
    return [maker.case(number) for number in range(_CASES)]


def test_columns_say_what_lines_say(cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path) -> None:
    lines = cover_file(write_lines(tmp_path / "cases.ndjson", cases), tmp_path / "lines.parquet", knowledge)
    rows = [flat(case) for case in cases]
    path = write_parquet(tmp_path / "cases.parquet", [row for row, _ in rows])
    history = write_parquet(tmp_path / "history.parquet", [event for _, events in rows for event in events])
    covered = cover_file(path, tmp_path / "columns.parquet", knowledge, history=history)
    assert covered.scalar == lines.scalar
    assert given(tmp_path / "columns.parquet") == given(tmp_path / "lines.parquet")


def test_odd_cases_go_to_the_scalar_engine(cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path) -> None:
    odd = {**cases[0], "patient": {"pain_score": 6.123456789012}}
    path, out = write_lines(tmp_path / "cases.ndjson", [odd, cases[1]]), tmp_path / "findings.parquet"
    assert cover_file(path, out, knowledge).scalar == 1
    assert given(out) == {case["case_id"]: wanted(case, knowledge) for case in (odd, cases[1])}
    evaluated = duckdb.read_parquet(str(out)).project("case_id, evaluated").distinct().fetchall()
    assert sorted(evaluated) == [(odd["case_id"], "scalar"), (cases[1]["case_id"], "setwise")]


def refused(path: Path, out: Path, knowledge: Knowledge, **more: Any) -> str:
    with pytest.raises(FacetwiseError) as error:
        cover_file(path, out, knowledge, **more)
    assert not out.exists()
    assert sorted(one.name for one in out.parent.iterdir() if one.name.startswith(".")) == []
    return str(error.value)


_BAD: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("unknown key", lambda case: case["patient"].update(pain_scor=77.25), "patient.pain_scor: unknown key"),
    (
        "percent",
        lambda case: case.update(facts={"history.relief_percent": 177.25}),
        "number of percent is not possible",
    ),
    ("payer", lambda case: case.update(payer="medicar"), "this payer is not known"),
    ("day", lambda case: case.update(date_of_service="2026-02-30"), "date_of_service: this is not a date"),
    ("horizon", lambda case: case.update(date_of_service="1999-02-03"), "outside the knowledge"),
    (
        "later",
        lambda case: case.update(history=[{"date": "2099-01-01", "technique": USUAL[0], "region": "lumbar"}]),
        "history[0].date: this lies after the date of service",
    ),
    ("joint", lambda case: case["procedure"].update(region="cervical", joints=["L4-L5"]), "does not lie in"),
    ("no technique", lambda case: case["procedure"].pop("technique"), "technique is missing"),
    ("twice", lambda case: case.update(case_id="case-0"), "its case_id is that of an earlier case"),
]


@pytest.mark.parametrize(("spoil", "message"), [bad[1:] for bad in _BAD], ids=[bad[0] for bad in _BAD])
def test_bad_input_is_named_by_line_and_nothing_is_written(
    spoil: Callable[[dict[str, Any]], Any],
    message: str,
    cases: list[dict[str, Any]],
    knowledge: Knowledge,
    tmp_path: Path,
) -> None:
    bad = json.loads(json.dumps({**cases[1], "patient": {}}))
    spoil(bad)
    path = tmp_path / "cases.ndjson"
    path.write_text(f"{json.dumps(cases[0])}\n\n{json.dumps(bad)}\n", encoding="utf-8")
    text = refused(path, tmp_path / "findings.parquet", knowledge)
    assert f"{path}:3: " in text
    assert message in text
    assert "77.25" not in text


def test_a_line_that_is_not_json(cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "cases.ndjson"
    path.write_text(json.dumps(cases[0]) + '\n{"payer": "secret\n', encoding="utf-8")
    text = refused(path, tmp_path / "findings.parquet", knowledge)
    assert f"{path}:2: this is not JSON" in text
    assert "secret" not in text


def test_unknown_columns_and_strays(cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path) -> None:
    row, _ = flat(cases[0])
    out = tmp_path / "findings.parquet"
    path = write_parquet(tmp_path / "wrong.parquet", [{**row, "patient__pain_scor": 3}])
    assert "unknown column 'patient__pain_scor'" in refused(path, out, knowledge)
    path = write_parquet(tmp_path / "cases.parquet", [row])
    event = {"case_id": "nobody", "date": "2020-02-01", "technique": USUAL[0], "region": "lumbar"}
    history = write_parquet(tmp_path / "history.parquet", [event])
    assert f"{history}:1: its case_id is that of no case" in refused(path, out, knowledge, history=history)


def test_command(
    cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(tmp_path / "cases.ndjson", cases[:20])
    out = tmp_path / "findings.ndjson"
    options = argparse.Namespace(case=str(path), output=str(out), knowledge=[], history=None, format="json")
    code = run_setwise(options)
    record = json.loads(capsys.readouterr().out)
    assert (record["cases"], record["knowledge"]) == (20, knowledge.digest)
    assert code == int("not_met" in record["outcomes"])
    assert sum(json.loads(line)["kind"] == "outcome" for line in out.read_text(encoding="utf-8").splitlines()) == 20
