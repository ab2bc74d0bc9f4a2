"""The two evaluations in one shape and held against each other; cases written as lines and as columns."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

from coverage_cases import PAIR, Maker, Raw, Remembered
from facetwise.coverage import cover, read_cases
from facetwise.coverage.answers import Determination
from facetwise.coverage.setwise import cover_file
from facetwise.knowledge import Knowledge

LOT = 2_500
_SHARES = {"met": 0.05, "not_met": 0.2, "undetermined": 0.2}


def check_equal(seed: int, knowledge: Knowledge, folder: Path) -> None:
    """Hold the two evaluations against each other on a lot of random cases; each outcome is a fair share of them."""
    remembered = Remembered(knowledge)
    maker = Maker(remembered, seed)
    cases = [maker.case(number) for number in range(LOT)]
    path, out = write_lines(folder / "cases.ndjson", cases), folder / "findings.parquet"
    covered = cover_file(path, out, knowledge, chunk=LOT if seed else LOT // 2)
    # Only cases with a pair over a region's border are left to the scalar engine.
    paired = sum(any(set(PAIR) <= set(one.get("joints", ())) for one in _places(case)) for case in cases)
    assert (covered.cases, covered.scalar) == (LOT, paired)
    assert paired
    found = given(out)
    outcomes: Counter[str] = Counter()
    for case in cases:
        answer = wanted(case, remembered)
        assert found[case["case_id"]] == answer, case
        outcomes[answer["outcome"][0]] += 1
    for outcome, share in _SHARES.items():
        assert outcomes[outcome] >= share * LOT, outcomes


def _places(case: Raw) -> list[Raw]:
    return [case["procedure"], *case.get("history", ())]


def wanted(case: dict[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """What the scalar engine says, in the shape of `given`."""
    answer = answered(case, knowledge)
    return {
        "outcome": (answer.outcome, answer.whose, answer.sequence, list(answer.missing)),
        "criterion": [
            (
                *(one.id, one.status, one.found, list(one.missing)),
                *(one.statement, one.needed, list(one.citations), one.evidence, one.note),
            )
            for one in answer.criteria
        ],
        "limit": [
            (one.id, one.status, one.used, one.allowed, one.window_days, one.next_eligible_date, list(one.citations))
            for one in answer.limits
        ],
        "alternative": [(one.whose, one.outcome, list(one.missing)) for one in answer.alternatives],
    }


def answered(case: dict[str, Any], knowledge: Knowledge) -> Determination:
    """What the scalar engine answers to a raw case."""
    text = json.dumps({key: value for key, value in case.items() if key != "case_id"})
    return cover(read_cases(text, "case", knowledge)[0], knowledge)


def given(out: Path) -> dict[str, dict[str, Any]]:
    """The findings of a file by case."""
    found: dict[str, dict[str, Any]] = {}
    rows = duckdb.read_parquet(str(out))
    for row in (dict(zip(rows.columns, values, strict=True)) for values in rows.fetchall()):
        case = found.setdefault(row["case_id"], {"criterion": [], "limit": [], "alternative": []})
        if row["kind"] == "outcome":
            case["outcome"] = (row["status"], row["whose"], row["sequence"], row["missing"])
        elif row["kind"] == "criterion":
            seen = json.loads(row["found"]) if row["found"] else None
            texts = (row["statement"], row["needed"], row["citations"], row["evidence"], row["note"])
            case["criterion"].append((row["id"], row["status"], seen, row["missing"], *texts))
        elif row["kind"] == "alternative":
            case["alternative"].append((row["whose"], row["status"], row["missing"]))
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
