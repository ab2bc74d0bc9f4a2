"""`facetwise cover` on the command line: the shape of the contract, exit codes, error lines, and what they keep quiet."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from coverage_cases import Remembered
from facetwise.cli import main
from facetwise.coverage import read_cases
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

_CASE: dict[str, Any] = {
    "payer": "medicare",
    "state": "OH",
    "date_of_service": "2026-03-02",
    "setting": "hopd",
    "procedure": {"technique": "radiofrequency_ablation", "region": "lumbar", "levels": 2, "sides": "bilateral"},
    "patient": {"pain_duration_months": 7, "predominantly_axial": True},
    "history": [],
}
_MARK = "zqxj"


@pytest.fixture(scope="module")
def remembered(knowledge: Knowledge) -> Remembered:
    return Remembered(knowledge)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return written(tmp_path, _CASE)


def written(folder: Path, content: Any) -> Path:
    path = folder / "case.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_shape_of_the_contract(case: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    code = main(["cover", str(case)])
    found = json.loads(capfdbinary.readouterr().out)
    assert code == (1 if found["outcome"] == "not_met" else 0)
    assert found["outcome"] in ("met", "not_met", "undetermined")
    assert set(found) >= {"policies", "criteria", "missing", "limits", "code_positions", "prior_authorization"}
    for one in found["criteria"]:
        assert set(one) >= {"id", "statement", "status", "found", "needed", "citations"}
        assert one["status"] in ("met", "not_met", "unknown")
    for one in found["limits"]:
        assert set(one) >= {"id", "used", "allowed", "window_days", "next_eligible_date", "citations"}
    for one in found["code_positions"]:
        assert set(one) >= {"code", "position", "citations"}
        assert one["position"] in ("covered", "not_covered", "appeal_only", "not_established")
    assert set(found["prior_authorization"]) >= {"required", "why", "citations"}


def test_a_list_gives_a_list(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["cover", str(written(tmp_path, [_CASE, {**_CASE, "payer": "aetna"}]))])
    assert [one["payer"] for one in json.loads(capfdbinary.readouterr().out)] == ["medicare", "aetna"]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(_CASE).encode())))
    main(["cover", "-"])
    assert json.loads(capfdbinary.readouterr().out)["payer"] == "medicare"


def test_not_met_is_exit_code_1_in_every_form(case: Path, tmp_path: Path) -> None:
    # No block came before the ablation, so its first criterion is not met.
    for more in ([], ["--format", "table"], ["--explain"], ["--format", "html"], ["--versus", "payer=aetna"]):
        assert main(["cover", str(case), *more, "-o", str(tmp_path / "out")]) == 1
    assert main(["cover", str(case), "--checklist", "-o", str(tmp_path / "out")]) == 0


def test_undetermined_is_exit_code_0(tmp_path: Path) -> None:
    path = written(tmp_path, {**_CASE, "payer": "aetna", "patient": {}, "history": None})
    assert main(["cover", str(path), "-o", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    ("name", "begins"),
    [("page.html", b"<!doctype html>"), ("page.md", b"# Coverage of"), ("page.pdf", b"%PDF"), ("page.json", b"{")],
)
def test_the_ending_of_the_file_says_the_form(case: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    if name.endswith("pdf"):
        pytest.importorskip("typst")
    main(["cover", str(case), "--explain", "-o", str(tmp_path / name)])
    assert (tmp_path / name).read_bytes().lstrip().startswith(begins)


def test_explain_is_markdown_and_as_json_a_document(case: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["cover", str(case), "--explain"])
    assert capfdbinary.readouterr().out.startswith(b"# Coverage of")
    main(["cover", str(case), "--explain", "--format", "json"])
    found = json.loads(capfdbinary.readouterr().out)
    assert found["kind"] == "coverage page"
    assert [one["id"] for one in found["sections"]][:2] == ["overview", "criteria"]
    assert found["sections"][-1]["id"] == "sources"


def test_versus_as_json(case: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["cover", str(case), "--versus", "payer=aetna"])
    found = json.loads(capfdbinary.readouterr().out)
    assert [side["payer"] for side in found["sides"]] == ["medicare", "aetna"]
    assert all(len(row["sides"]) == 2 for row in found["rows"])


def test_a_checklist_from_options_is_that_of_the_case(case: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["cover", "--checklist", str(case)])
    by_case = capfdbinary.readouterr().out
    asked = {"payer": "medicare", "state": "OH", "date": "2026-03-02", "setting": "hopd"}
    asked |= {"technique": "radiofrequency_ablation", "region": "lumbar"}
    main(["cover", "--checklist", *(part for name, value in asked.items() for part in (f"--{name}", value))])
    assert capfdbinary.readouterr().out == by_case


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "no case is named"),
        (["--explain"], "no case is named"),
        (["CASE", "--payer", "aetna"], "--payer is for --checklist"),
        (["CASE", "--checklist", "--payer", "aetna"], "both say what is asked"),
        (["--checklist", "--payer", "aetna"], "needs --technique and --region"),
        (["CASE", "--explain", "--format", "table"], "a page has no --format table"),
        (["CASE", "--explain", "--checklist"], "not allowed with"),
        (["CASE", "--versus", "hospital=x"], "is no change of a case"),
        (["nowhere.yaml"], "it cannot be read"),
        (
            ["--checklist", "--payer", "aetna", "--technique", "medial_branch_block", "--region", "lumber"],
            "did you mean 'lumbar'",
        ),
        (
            ["--checklist", "--payer", "nobody", "--technique", "medial_branch_block", "--region", "lumbar"],
            "this payer is not known",
        ),
    ],
)
def test_a_wrong_call_is_exit_code_2(
    case: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cover", *(str(case) if one == "CASE" else one for one in arguments)]) == 2
    told = capsys.readouterr()
    assert expected in told.err
    assert told.out == ""


def test_a_page_is_for_one_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, [_CASE, _CASE])
    for more in (["--explain"], ["--checklist"], ["--versus", "state=CA"]):
        assert main(["cover", str(path), *more]) == 2
        assert "2 cases stand here" in capsys.readouterr().err


def test_a_directory_is_no_file_and_nothing_is_left(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cover", str(case), "--explain", "-o", str(tmp_path / "no" / "page.html")]) == 2
    assert "it cannot be written" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["case.json"]


@pytest.mark.parametrize(
    ("line", "place", "expected"),
    [
        ("patient: {pain_duration_month: 7}", "patient.pain_duration_month", "unknown key"),
        ("patient: {pain_duration_months: seven}", "patient.pain_duration_months", "not a number"),
        ("patient: {pain_duration_months: 7 weeks}", "patient.pain_duration_months", "not a number"),
        ("patient: {pain_duration_months: -1}", "patient.pain_duration_months", "not possible"),
        ("patient: {pain_score: 70}", "patient.pain_score", "number of points is not possible"),
        ("patient: {physical_therapy_visits: 2.5}", "patient.physical_therapy_visits", "no whole number"),
        ("patient: {pain_duration_months: 0x10}", "patient.pain_duration_months", "not a number"),
        ("authorization: {decided_on: soon}", "authorization.decided_on", "not a date"),
        ("authorization: {number: 12 34}", "authorization.number", "no number of a decision"),
        ("patient: {predominantly_axial: perhaps}", "patient.predominantly_axial", "neither true nor false"),
        ("history: none", "history", "no list"),
        ("history: [{technique: medial_branch_block, region: lumbar}]", "history[0]", "date is missing"),
        (
            "history: [{date: 2026-03-03, technique: medial_branch_block, region: lumbar}]",
            "history[0].date",
            "lies after the date of service",
        ),
        (
            "history: [{date: 2026-01-03, technique: medial_branch_block, region: lumbar, relief_percent: 101}]",
            "history[0].relief_percent",
            "not possible",
        ),
        (
            "history: [{date: 2026-01-03, technique: medial_branch_block, region: lumbar, joints: [C3-C4]}]",
            "history[0].joints[0]",
            "does not lie in",
        ),
        (
            "history: [{date: 2026-01-03, technique: medial_branch_block, region: lumbar, joints: [L7-L8]}]",
            "history[0].joints[0]",
            "does not exist",
        ),
    ],
)
def test_a_wrong_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, place: str, expected: str
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "payer: medicare\nstate: OH\ndate_of_service: 2026-03-02\n"
        f"procedure: {{technique: radiofrequency_ablation, region: lumbar}}\n{line}\n",
        encoding="utf-8",
    )
    assert main(["cover", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"facetwise: {path}:5: {place}: ")
    assert expected in told


_marked = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12).map(
    lambda text: f"{_MARK}{text}"
)
_numbers = st.one_of(st.integers(-(10**12), -(10**6)), st.integers(10**6, 10**12)).map(str)
_values = st.one_of(_marked, _numbers, st.lists(_marked, min_size=1, max_size=2), st.dictionaries(_marked, _marked))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    return [str(value)]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_nothing_of_the_patient_is_in_an_error_text(remembered: Remembered, data: st.DataObject) -> None:
    knowledge: Knowledge = remembered
    asks = knowledge.store.vocabulary.asks
    names = {
        part: sorted(name.removeprefix(f"{part}.") for name in asks if name.startswith(f"{part}."))
        for part in ("patient", "procedure", "history")
    }
    event_keys = ["date", "technique", "purpose", "sequence", "region", "joints", "sides", *names["history"]]
    content = {
        **_CASE,
        "patient": data.draw(st.dictionaries(st.sampled_from(names["patient"]), _values, max_size=3)),
        "procedure": {
            **_CASE["procedure"],
            **data.draw(
                st.dictionaries(st.sampled_from([*names["procedure"], "joints", "sides"]), _values, max_size=2)
            ),
        },
        "history": data.draw(
            st.one_of(st.lists(st.dictionaries(st.sampled_from(event_keys), _values, max_size=4), max_size=2), _marked)
        ),
    }
    if data.draw(st.booleans()):
        content["state"] = data.draw(_marked)
    try:
        read_cases(json.dumps(content), "case", knowledge)
    except FacetwiseError as error:
        told = str(error).lower()
        for value in (*_leaves(content["patient"]), *_leaves(content["history"])):
            assert value.lower() not in told, "a value stands in the text"
        assert _MARK not in re.sub(r"case:\d+: \S+: unknown key", "", told)
    else:
        assume(False)


def test_help_answers_without_the_engine() -> None:
    import subprocess

    script = (
        "import sys; from facetwise.cli import parser; parser(); "
        "print([one for one in sys.modules if one in ('msgspec', 'yaml', 'jinja2')])"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"
