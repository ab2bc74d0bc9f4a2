"""The set-wise evaluation answers as the scalar engine does, case by case, and writes whole or not at all."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from facetwise.coverage import cover, read_cases
from facetwise.coverage.setwise import cover_file, run_setwise
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

duckdb = pytest.importorskip("duckdb")

_CASES = 1500
_SEED = 20260302
_BACK = {"cervical": ["C3-C4", "C4-C5", "C5-C6"], "lumbar": ["L3-L4", "L4-L5", "L5-S1"], "thoracic": ["T5-T6"]}
_USUAL = ("medial_branch_block", "intra_articular_injection", "radiofrequency_ablation")


def some(rng: random.Random, odds: float, make: Callable[[], Any]) -> Any:
    return make() if rng.random() < odds else None


class Maker:
    """Random contract cases over all payers, states, techniques, days and histories, from a seed."""

    def __init__(self, knowledge: Knowledge, seed: int):
        self.rng = random.Random(seed)
        self.asks = knowledge.store.vocabulary.asks
        self.words = knowledge.store.vocabulary.words
        self.horizon = knowledge.store.horizon
        self.knowledge = knowledge
        self.last = knowledge.as_of(self.horizon.until)
        self.payers = list(self.last.payers())
        self.states = sorted({s for _, one in self.last.of_kind("jurisdiction") for s in one.value.states})  # type: ignore[union-attr]

    def day(self) -> date:
        from_ = date(2021, 1, 1) if self.rng.random() < 0.9 else self.horizon.from_
        return from_ + timedelta(days=self.rng.randrange((self.horizon.until - from_).days + 1))

    def value(self, name: str) -> Any:
        asked, rng = self.asks[name], self.rng
        if asked.type == "boolean":
            return rng.random() < 0.6
        if asked.type == "word":
            return rng.choice(list(self.words[asked.words or ""]))
        most = {"percent": 100, "points": 10, "months": 12, "levels": 4, "sessions": 3}.get(asked.unit or "", 400)
        number = rng.choice(
            [3, 6, 12, 50, 80, 82, 83, 90, 182, 183, 365, rng.randrange(most + 1), rng.uniform(0, most)]
        )
        return round(min(number, most), rng.choice([0, 1, 2])) if isinstance(number, float) else min(number, most)

    def facts(self, prefix: str, odds: float) -> dict[str, Any]:
        names = [name for name in self.asks if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.value(name) for name in names if self.rng.random() < odds}

    def place(self, region: str, odds: float) -> dict[str, Any]:
        rng, names = self.rng, _BACK.get(region)
        found: dict[str, Any] = {"region": region}
        if names and rng.random() < odds:
            found["joints"] = rng.sample(names, rng.randint(1, len(names)))
        if rng.random() < odds:
            found["sides"] = rng.choice(list(self.words["side"]))
        return found

    def technique(self) -> str:
        return self.rng.choice(_USUAL if self.rng.random() < 0.8 else list(self.words["technique"]))

    def region(self, other: str = "") -> str:
        return other if other and self.rng.random() < 0.7 else self.rng.choice(list(self.words["region"]))

    def event(self, day: date, region: str) -> dict[str, Any]:
        rng = self.rng
        back = rng.choice([0, 1, 7, 13, 14, 15, 30, 90, 181, 182, 183, 364, 365, 366, rng.randrange(900)])
        event = {
            "date": (day - timedelta(days=back)).isoformat(),
            "technique": self.technique(),
            "purpose": some(rng, 0.8, lambda: rng.choice(["diagnostic", "diagnostic", "therapeutic"])),
            "sequence": some(rng, 0.3, lambda: rng.choice(list(self.words["sequence"]))),
            **self.place(self.region(region), 0.7),
            **self.facts("history.", 0.4),
        }
        return {key: value for key, value in event.items() if value is not None}

    def case(self, number: int) -> dict[str, Any]:
        rng, day, region = self.rng, self.day(), self.region()
        payer = "medicare" if rng.random() < 0.35 else rng.choice(self.payers)
        odds = rng.choice([0.0, 0.5, 0.9, 1.0])
        procedure = {
            "technique": self.technique(),
            "purpose": some(rng, 0.7, lambda: rng.choice(["diagnostic", "therapeutic"])),
            "sequence": some(rng, 0.3, lambda: rng.choice(list(self.words["sequence"]))),
            "codes": some(rng, 0.2, lambda: rng.sample(["64493", "64495", "64635", "0213T", "64999"], 2)),
            **self.place(region, 0.6),
            **{
                key: value
                for key, value in self.facts("procedure.", odds * 0.7).items()
                if key not in ("technique", "purpose", "region", "setting", "levels")
            },
        }
        if "joints" not in procedure and rng.random() < 0.7:
            procedure["levels"] = rng.randint(1, 4)
        if payer not in self.knowledge.as_of(day).payers():
            payer = "medicare"
        case = {
            "case_id": f"case-{number}",
            "payer": payer,
            "state": some(rng, 0.8, lambda: rng.choice(self.states)),
            "date_of_service": day.isoformat(),
            "setting": some(rng, 0.7, lambda: rng.choice(list(self.words["setting"]))),
            "procedure": {key: value for key, value in procedure.items() if value is not None},
            "patient": self.facts("patient.", odds),
            "facts": {f"record.{key}": value for key, value in self.facts("record.", odds).items()}
            | ({"history.relief_percent": 85} if rng.random() < 0.1 else {}),
            "history": some(
                rng, 0.85, lambda: [self.event(day, region) for _ in range(rng.choice([0, 1, 2, 2, 3, 4, 6]))]
            ),
        }
        return {key: value for key, value in case.items() if value is not None}


def wanted(case: dict[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """What the scalar engine says, in the shape of `given`."""
    text = json.dumps({key: value for key, value in case.items() if key != "case_id"})
    answer = cover(read_cases(text, "case", knowledge)[0], knowledge)
    return {
        "outcome": (answer.outcome, answer.whose, answer.sequence, list(answer.missing)),
        "criterion": [
            (one.id, one.status, one.found, one.statement, one.needed, list(one.citations), one.evidence, one.note)
            for one in answer.criteria
        ],
        "limit": [
            (one.id, one.status, one.used, one.allowed, one.window_days, one.next_eligible_date, list(one.citations))
            for one in answer.limits
        ],
    }


def given(out: Path) -> dict[str, dict[str, Any]]:
    """The findings of a file by case."""
    found: dict[str, dict[str, Any]] = {}
    rows = duckdb.read_parquet(str(out))
    for row in (dict(zip(rows.columns, values, strict=True)) for values in rows.fetchall()):
        case = found.setdefault(row["case_id"], {"criterion": [], "limit": []})
        if row["kind"] == "outcome":
            case["outcome"] = (row["status"], row["whose"], row["sequence"], row["missing"])
        elif row["kind"] == "criterion":
            seen = json.loads(row["found"]) if row["found"] else None
            texts = (row["statement"], row["needed"], row["citations"], row["evidence"], row["note"])
            case["criterion"].append((row["id"], row["status"], seen, *texts))
        else:
            day = row["next_eligible_date"]
            counts = (row["used"], row["allowed"], row["window_days"], day.isoformat() if day else None)
            case["limit"].append((row["id"], row["status"], *counts, row["citations"]))
    return found


def write_lines(path: Path, cases: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return path


def flat(case: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A contract case as a row of columns, and its history as rows."""
    plain = ("technique", "purpose", "region", "sides", "sequence", "codes", "joints")
    row = {key: case.get(key) for key in ("case_id", "payer", "state", "date_of_service", "setting")}
    row |= {key if key in plain else f"procedure__{key}": value for key, value in case["procedure"].items()}
    row |= {f"patient__{key}": value for key, value in case.get("patient", {}).items()}
    row |= {key.replace(".", "__"): value for key, value in case.get("facts", {}).items()}
    row["history_documented"] = "history" in case
    event = ("date", "technique", "purpose", "sequence", "region", "joints", "sides")
    events = [
        {"case_id": case["case_id"]} | {key if key in event else f"history__{key}": one[key] for key in one}
        for one in case.get("history", [])
    ]
    return row, events


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = write_lines(path.with_suffix(".json"), rows)
    duckdb.read_json(str(lines), format="newline_delimited", sample_size=-1).write_parquet(str(path))
    return path


@pytest.fixture(scope="module")
def cases(knowledge: Knowledge) -> list[dict[str, Any]]:
    maker = Maker(knowledge, _SEED)
    return [maker.case(number) for number in range(_CASES)]


def test_equal_to_the_scalar_engine(cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path) -> None:
    path, out = write_lines(tmp_path / "cases.ndjson", cases), tmp_path / "findings.parquet"
    covered = cover_file(path, out, knowledge, chunk=700)
    assert (covered.cases, covered.scalar) == (len(cases), 0)
    found = given(out)
    for case in cases:
        assert found[case["case_id"]] == wanted(case, knowledge), case


def test_columns_say_what_lines_say(cases: list[dict[str, Any]], knowledge: Knowledge, tmp_path: Path) -> None:
    few = cases[:300]
    cover_file(write_lines(tmp_path / "cases.ndjson", few), tmp_path / "lines.parquet", knowledge)
    rows = [flat(case) for case in few]
    path = write_parquet(tmp_path / "cases.parquet", [row for row, _ in rows])
    history = write_parquet(tmp_path / "history.parquet", [event for _, events in rows for event in events])
    covered = cover_file(path, tmp_path / "columns.parquet", knowledge, history=history)
    assert covered.scalar == 0
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
        lambda case: case.update(history=[{"date": "2099-01-01", "technique": _USUAL[0], "region": "lumbar"}]),
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
    event = {"case_id": "nobody", "date": "2020-02-01", "technique": _USUAL[0], "region": "lumbar"}
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
