"""The command `price`: pipes, options, the table, the comparison, and what it says of wrong input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facetwise.cli import main

ROOT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]
CLAIM: dict[str, Any] = {
    "payer": "medicare",
    "date_of_service": "2026-03-02",
    "setting": "office",
    "lines": [{"line": 1, "code": "64493", "modifiers": ["50"], "units": 1}],
}


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line; `given` is written to a file, or to standard input for text."""

    def call(*arguments: str, given: Any = None, code: str = "price") -> tuple[int, str, str]:
        names = list(arguments)
        if isinstance(given, str):
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
            names.insert(0, "-")
        elif given is not None:
            path = tmp_path / "claim.json"
            path.write_text(json.dumps(given), encoding="utf-8")
            names.insert(0, str(path))
        returned = main([code, *names])
        out, err = capsysbinary.readouterr()
        return returned, out.decode(), err.decode()

    return call


def with_line(**line: Any) -> dict[str, Any]:
    return {**CLAIM, "lines": [{"line": 1, "code": "64493", **line}]}


def test_what_code_prints_is_priced(run: Run) -> None:
    returned, coded, _ = run(str(ROOT / "docs" / "examples" / "encounter.yaml"), code="code")
    assert returned == 0
    returned, out, err = run(given=coded)
    answer = json.loads(out)
    assert (returned, err) == (0, "")
    # Ohio is one locality, and the state that the encounter names picks it.
    assert (answer["locality"]["mac"], answer["locality"]["locality"]) == ("15202", "00")
    assert [line["code"] for line in answer["lines"]] == ["64493", "64494"]
    assert [line["allowed"] for line in answer["lines"]] == ["178.57", "90.62"]
    returned, out, _ = run("--locality", "national", given=coded)
    assert [line["allowed"] for line in json.loads(out)["lines"]] == ["190.39", "95.86"]


def test_the_answer_has_the_shape_of_the_contract(run: Run) -> None:
    returned, out, err = run(given=CLAIM)
    answer = json.loads(out)
    assert (returned, err) == (0, "")
    [line] = answer["lines"]
    assert line["adjustments"] == [{"rule": "bilateral-150", "factor": "1.5"}]
    assert (line["line"], line["code"], line["base"], line["allowed"]) == (1, "64493", "190.39", "285.59")
    assert line["citations"]
    assert {name: answer[name] for name in ("allowed", "medicare_pays", "patient_pays", "after_sequestration")} == {
        "allowed": "285.59",
        "medicare_pays": "228.47",
        "patient_pays": "57.12",
        "after_sequestration": "223.90",
    }


def test_a_list_gives_a_list(run: Run) -> None:
    _, out, _ = run(given=[CLAIM, {**CLAIM, "setting": "asc"}])
    assert [answer["allowed"] for answer in json.loads(out)] == ["285.59", "122.25"]
    _, out, _ = run(given=[CLAIM])
    assert len(json.loads(out)) == 1


def test_yaml_does_as_well(run: Run) -> None:
    text = "date_of_service: 2026-03-02\nplace_of_service: 24\nlines:\n  - {code: 64493, modifiers: [50]}\n"
    assert json.loads(run(given=text)[1])["allowed"] == "122.25"


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        (["--setting", "asc"], "122.25"),
        (["--setting", "asc", "--claim", "facility"], "485.51"),
        (["--place-of-service", "22"], None),
        (["--apm-participant", "true"], "287.00"),
        (["--locality", "13202/01"], "327.56"),
        (["--state", "OH"], "267.86"),
        (["--date-of-service", "2025-11-03"], "258.12"),
        (["--payer", "cgs"], "285.59"),
    ],
)
def test_options_win_over_the_object(run: Run, options: list[str], allowed: str | None) -> None:
    returned, out, err = run(*options, given=CLAIM)
    if allowed is None:
        assert returned == 2
        assert "--place-of-service: place of service 22 is hopd, yet setting says office" in err
    else:
        assert json.loads(out)["allowed"] == allowed


def test_deductible_and_wage_index_options(run: Run) -> None:
    _, out, _ = run("--deductible", "100", given=CLAIM)
    assert json.loads(out)["patient_pays"] == "137.12"
    _, out, _ = run("--setting", "asc", "--claim", "facility", "--wage-index", "0.8539", given=with_line())
    assert json.loads(out)["allowed"] == "450.04"


def test_a_state_of_several_localities_is_a_question(run: Run) -> None:
    returned, out, _ = run(given={**CLAIM, "state": "FL"})
    answer = json.loads(out)
    assert (returned, answer["allowed"], answer["locality"]["name"]) == (0, "285.59", "national")
    [finding] = [one for one in answer["findings"] if one["severity"] == "review"]
    assert "09102/04 MIAMI" in finding["message"]
    # Part of Virginia belongs to the locality of Washington.
    assert "12202/01" in run(given={**CLAIM, "state": "VA"})[1]
    # Asked for by name, it is an error.
    returned, out, err = run("--state", "FL", given=CLAIM)
    assert (returned, out) == (2, "")
    assert "FL lies in 3 payment localities; expected one of 09102/03" in err


def test_a_year_without_indices_is_national_unless_the_place_is_asked_for(run: Run) -> None:
    _, out, _ = run("--date-of-service", "2025-11-03", given={**CLAIM, "state": "OH"})
    assert json.loads(out)["allowed"] == "258.12"
    assert "neither in the knowledge nor loaded" in out
    returned, out, err = run("--date-of-service", "2025-11-03", "--state", "OH", given=CLAIM)
    assert (returned, out) == (3, "")
    assert "(GPCI) for 2025-11-03 are not loaded" in err


def test_the_table(run: Run) -> None:
    returned, out, _ = run("--format", "table", "--deductible", "50", given={**CLAIM, "state": "OH"})
    assert returned == 0
    for words in (
        "medicare, 2 March 2026, office, professional claim, 15202/00 OHIO, conversion factor 33.4009",
        "64493  50",
        "bilateral-150: both sides on one line; times 1.5",
        "of the patient's part 50.00 is deductible",
        "limiting charge",
        "physician fee RVU26C (knowledge)",
    ):
        assert words in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_the_comparison(run: Run) -> None:
    claim = {**CLAIM, "lines": [*CLAIM["lines"], {"code": "64494", "modifiers": ["50"], "line": 2}]}
    _, out, _ = run("--compare", given=claim)
    sides = {side["setting"]: side for side in json.loads(out)["settings"]}
    assert list(sides) == ["office", "asc", "hopd"]
    assert (sides["office"]["allowed"], sides["office"]["facility"]) == ("429.38", None)
    assert [line["allowed"] for line in sides["asc"]["facility"]["lines"]] == ["485.51", "242.76", "0.00", "0.00"]
    assert [line["modifiers"] for line in sides["asc"]["facility"]["lines"]][:2] == [["RT"], ["LT"]]
    assert (sides["asc"]["professional"]["allowed"], sides["asc"]["allowed"]) == ("187.89", "916.16")
    assert sides["hopd"]["facility"]["allowed"] == "903.68"
    _, out, _ = run("--compare", "--format", "table", given=claim)
    assert "asc      together          916.16" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_the_comparison_meets_the_deductible_once(run: Run) -> None:
    _, out, _ = run("--compare", "--deductible", "300", given=CLAIM)
    sides = {side["setting"]: side for side in json.loads(out)["settings"]}
    assert (sides["asc"]["professional"]["deductible"], sides["asc"]["facility"]["deductible"]) == ("122.25", "177.75")
    assert sides["office"]["professional"]["deductible"] == "285.59"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (with_line(code="6449"), 2, "lines[0].code: '6449' is no procedure code; expected five letters and digits"),
        (with_line(code="64496"), 3, "no fee of that day for 64496"),
        (with_line(units=-1), 2, "lines[0].units: '-1'; expected a whole number of units, from 1"),
        (with_line(units=0), 2, "lines[0].units: '0'"),
        (with_line(units=1.5), 2, "lines[0].units: '1.5'"),
        (with_line(charge="-5"), 2, "lines[0].charge: '-5' is no amount"),
        (with_line(charge="1e9"), 2, "lines[0].charge: '1e9' is no amount"),
        (with_line(modifers=["50"]), 2, "lines[0].modifers: unknown key"),
        (with_line(modifers=["50"]), 2, "did you mean 'modifiers'"),
        (with_line(modifiers="50"), 2, "lines[0].modifiers: '50'; expected a list of modifiers"),
        (with_line(modifiers=["ABC"]), 2, "lines[0].modifiers[0]: 'ABC' is no modifier"),
        ({**CLAIM, "localty": "x"}, 2, "localty: unknown key"),
        ({**CLAIM, "localty": "x"}, 2, "did you mean 'locality'"),
        (
            {**CLAIM, "date_of_service": "2026-02-30"},
            2,
            "'2026-02-30' is not a date; expected a date such as 2026-03-02",
        ),
        ({**CLAIM, "date_of_service": None}, 2, "date_of_service is missing"),
        ({**CLAIM, "date_of_service": "2027-01-01"}, 3, "the physician fee schedule for 2027-01-01 is not loaded"),
        ({**CLAIM, "setting": "ofice"}, 2, "did you mean 'office'"),
        ({**CLAIM, "setting": None}, 2, "setting is missing"),
        ({**CLAIM, "claim": "facility"}, 2, "claim: a facility claim from an office"),
        ({**CLAIM, "payer": "medicar"}, 2, "payer 'medicar' is not known"),
        ({**CLAIM, "payer": "medicar"}, 2, "did you mean 'medicare'"),
        ({**CLAIM, "state": "ZZ"}, 2, "state 'ZZ' is not known"),
        (
            {**CLAIM, "locality": {"mac": "15202", "locality": "99"}},
            2,
            "locality 15202/99 does not exist on 2026-03-02",
        ),
        ({**CLAIM, "locality": {"mac": "15203", "locality": "00"}}, 2, "did you mean '15202/00'"),
        ({**CLAIM, "locality": {"mac": "15202"}}, 2, "mac and locality together, or state, or zip"),
        ({**CLAIM, "locality": "15202"}, 2, "locality '15202'; expected contractor and locality number"),
        ({**CLAIM, "locality": {"mac": "1", "place": "2"}}, 2, "locality.place: unknown key"),
        ({**CLAIM, "zip": "43215"}, 3, "the table from zip to locality for 2026-03-02 is not loaded"),
        ({**CLAIM, "zip": "432"}, 2, "zip '432'; expected five digits"),
        ({**CLAIM, "apm_participant": "maybe"}, 2, "apm_participant: 'maybe'; expected true or false"),
        ({**CLAIM, "lines": "64493"}, 2, "lines: lines is no list"),
        ({"date_of_service": "2026-03-02", "setting": "office"}, 2, "lines is missing"),
        ({**CLAIM, "lines": [{"units": 1}]}, 2, "lines[0]: code is missing"),
        ({**CLAIM, "lines": ["64493"]}, 2, "lines[0]: this is no mapping of keys"),
        ({**CLAIM, "lines": [{"line": 1, "code": "64493"}] * 2}, 2, "line 1 stands here a second time"),
        ([], 2, "the list holds nothing to price"),
        ("{", 2, "this is not YAML"),
        ("x", 2, "this is no mapping of keys"),
        (
            {**CLAIM, "setting": "asc", "claim": "facility", "date_of_service": "2020-03-02"},
            3,
            "surgery-center rates of 64493 for 2020-03-02 are neither in the knowledge nor loaded",
        ),
        (
            {**CLAIM, "setting": "hopd", "claim": "facility", "date_of_service": "2021-03-02"},
            3,
            "hospital outpatient rates for 2021-03-02",
        ),
        (
            {**CLAIM, "setting": "asc", "claim": "facility", "cbsa": "10001"},
            3,
            "wage index for 2026-03-02 is not loaded",
        ),
        ({**CLAIM, "wage_index": "1", "cbsa": "10001"}, 2, "wage_index and cbsa; expected one of the two"),
    ],
)
def test_wrong_input_is_told_in_one_line(run: Run, given: Any, code: int, words: str) -> None:
    returned, out, err = run(given=given)
    assert (returned, out) == (code, "")
    assert words in err
    assert err.startswith("facetwise: ")
    assert "Traceback" not in err


def test_several_faults_are_told_together(run: Run) -> None:
    returned, _, err = run(given={**with_line(units=0, code="x"), "payer": "nobody"})
    assert returned == 2
    assert err.count("facetwise: ") == 3


def test_a_file_that_is_not_there_or_no_text(run: Run, tmp_path: Path) -> None:
    assert "it cannot be read: no such file" in run(str(tmp_path / "none.json"))[2]
    path = tmp_path / "latin.json"
    path.write_bytes(b"\xff\xfe")
    assert "byte 0 is not UTF-8" in run(str(path))[2]


def test_an_option_without_use_is_told(run: Run) -> None:
    returned, _, err = run("-o", "x.csv", given=CLAIM)
    assert returned == 2
    assert "--output has no use with JSON or YAML" in err
