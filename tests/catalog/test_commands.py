"""`facetwise data load` and `data status` at the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import small_releases as published
from facetwise.catalog import load_files, open_catalog
from facetwise.catalog.status import status
from facetwise.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACETWISE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_load_prints_what_became_of_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = published.put(tmp_path, published.pprrvu())
    assert main(["data", "load", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "physician_fee RVU26C: loaded, 4 rows, 2026-07-01 to 2026-12-31"
    assert err == ""
    assert main(["data", "load", str(file)]) == 0
    assert "already loaded" in capsys.readouterr().out


def test_load_as_json_is_one_document(tmp_path: Path, home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    file = published.put(tmp_path, published.archive({"a": published.gpci(), "b": published.zip5(), "c": b"%PDF"}))
    assert main(["data", "load", str(file), "--format", "json"]) == 0
    answer = json.loads(capsysbinary.readouterr().out)
    assert answer["catalog"] == str(home / "catalog.duckdb")
    assert {one["kind"]: (one["state"], one["rows"], one["effective_from"]) for one in answer["loaded"]} == {
        "gpci": ("loaded", 3, "2026-07-01"),
        "zip_locality": ("loaded", 3, "2026-07-01"),
    }


@pytest.mark.parametrize("order", ["before", "behind"])
def test_the_first_day_may_stand_before_or_behind_the_files(order: str, tmp_path: Path) -> None:
    file = str(published.put(tmp_path, published.mue()))
    days = ["--effective", "2026-07-01", "2026-09-30"]
    assert main(["data", "load", *([*days, file] if order == "before" else [file, *days])]) == 0
    with open_catalog() as catalog:
        assert [(str(one.start), str(one.end)) for one in catalog.releases()] == [("2026-07-01", "2026-09-30")]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "no file is named"),
        (["FILE", "--effective", "July"], "--effective 'July' is not a date"),
        (["FILE", "--effective", "2026-07-01", "2026-01-01"], "ends 2026-01-01, before it begins 2026-07-01"),
        (["FILE", "--effective", "2026-01-01", "2026-02-01", "2026-03-01"], "names 3 days"),
        (["nowhere.csv"], "nowhere.csv: it cannot be read: no such file or directory"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    arguments: list[str], wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(published.put(tmp_path, published.mue()))
    assert main(["data", "load", *(file if one == "FILE" else one for one in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert wanted in err
    assert len(err.splitlines()) == 1


def test_status_says_what_is_loaded_stale_and_missing(tmp_path: Path) -> None:
    load_files([published.put(tmp_path, published.pprrvu(), "a"), published.put(tmp_path, published.gpci(), "b")])
    with open_catalog() as catalog:
        kinds = {one.kind.name: one for one in status(catalog, date(2026, 10, 1))}
        before = {one.kind.name: one for one in status(catalog, date(2026, 9, 30))}
    assert (kinds["physician_fee"].state, kinds["physician_fee"].due) == ("stale", date(2026, 10, 1))
    assert before["physician_fee"].state == kinds["gpci"].state == "current"
    assert kinds["icd10"].state == "missing"
    assert kinds["physician_fee"].releases[0].note == "without the file for qualifying_apm"


def test_status_prints_a_table_or_json(tmp_path: Path, home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["data", "status"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert text.startswith(str(home / "catalog.duckdb"))
    assert not home.exists()
    load_files([published.put(tmp_path, published.gpci())])
    assert main(["data", "status", "--format", "json"]) == 0
    answer = json.loads(capsysbinary.readouterr().out)
    (gpci,) = [one for one in answer["kinds"] if one["kind"] == "gpci"]
    assert [one["release"] for one in gpci["releases"]] == ["GPCI2026"]
    assert {one["state"] for one in answer["kinds"] if one["kind"] != "gpci"} == {"missing"}


def test_help_does_not_wait_for_the_database() -> None:
    script = "import sys, facetwise.cli; facetwise.cli.parser(); print('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
