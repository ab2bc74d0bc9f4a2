"""`facetwise check` as a person calls it: what it prints and writes, its exit codes, what it leaves when it breaks off."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from facetwise.claims.columns import SCHEMA
from facetwise.claims.rows import read_rows
from facetwise.cli import main
from facetwise.edits import check as checking
from facetwise.edits.batch import Batch, Settings

_HEAD = (
    "claim_id,claim_line_number,claim_type,person_id,payer,place_of_service_code,bill_type_code,claim_line_start_date,hcpcs_code,"
    + ",".join(f"hcpcs_modifier_{number}" for number in range(1, 6))
    + ",service_unit_quantity,charge_amount,rendering_npi,billing_npi,"
    + ",".join(f"diagnosis_code_{number}" for number in range(1, 26))
    + ",state"
)


def _line(claim: str, number: str, code: str, modifier: str = "RT", payer: str = "medicare", units: str = "1") -> str:
    cells = [
        claim,
        number,
        "professional",
        "P1",
        payer,
        "11",
        "",
        "2026-08-03",
        code,
        modifier,
        "",
        "",
        "",
        "",
        units,
        "100.00",
    ]
    return ",".join([*cells, "1234567893", "1987654320", "M47816", *[""] * 24, "OH"])


def _file(folder: Path, *lines: str, name: str = "claims.csv") -> str:
    path = folder / name
    path.write_text("\n".join([_HEAD, *lines]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def claims(tmp_path: Path) -> str:
    """An add-on without its primary, a line that is right, and one that cannot be read."""
    return _file(
        tmp_path, _line("C1", "1", "64494"), _line("C2", "1", "99213", ""), _line("C3", "1", "99213", units="-1")
    )


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_json_has_the_shape_of_the_contract(claims: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", claims, "--format", "json"]) == 1
    said = _json(capsys)
    assert {"claims", "lines", "rejected", "findings", "releases", "knowledge"} <= set(said)
    assert (said["claims"], said["lines"], said["rejected"]) == (2, 2, 1)
    finding = next(one for one in said["findings"] if one["edit"] == "add-on-without-primary")
    assert finding["severity"] == "deny"
    assert (finding["claim_id"], finding["claim_line_number"], finding["place"]) == ("C1", 1, 1)
    assert finding["file"] == claims
    assert finding["carc"] == "B15"
    assert finding["citations"]
    assert finding["fix"]
    assert finding["evidence"]["code"] == "64494"
    assert said["rejected_records"][0]["reason"]
    assert said["releases"]["add_on"][0]["held_in"] == "knowledge"


def test_exit_codes(tmp_path: Path, claims: str, capsys: pytest.CaptureFixture[str]) -> None:
    fine = _file(tmp_path, _line("C2", "1", "99213", ""), name="fine.csv")
    assert main(["check", fine]) == 0
    assert main(["check", claims]) == 1
    assert main(["check", str(tmp_path / "none.csv")]) == 2
    assert main(["check", fine, "--payer", "nobody-of-this-name"]) == 2
    assert main(["check", fine, "--state", "Ohio"]) == 2
    assert main(["check", fine, "--memory-limit", "much"]) == 2
    assert main(["check", fine, "--master", "local"]) == 2
    assert main(["check", fine, "-o", fine]) == 2
    assert "fine.csv" in capsys.readouterr().err


def test_an_input_of_which_nothing_could_be_read_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, _line("A", "1", "64493", units="-1"))
    assert main(["check", path, "--format", "json"]) == 2
    printed = capsys.readouterr()
    said = json.loads(printed.out)
    assert (said["lines"], said["rejected"], len(said["rejected_records"])) == (0, 1, 1)
    assert f"{path}: no claim line could be read; the first fault, at row 1: the units" in printed.err


def test_formats_say_the_same(tmp_path: Path, claims: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", claims, "--format", "json"])
    wanted = [(one["claim_id"], one["edit"], one["message"]) for one in _json(capsys)["findings"]]
    for ending in ("json", "csv", "parquet"):
        assert main(["check", claims, "-o", str(tmp_path / f"out.{ending}")]) == 1
        assert (tmp_path / f"out.{ending}.rejected.ndjson").read_text().count("\n") == 1
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [(row["claim_id"], row["edit"], row["message"]) for row in rows] == wanted
    written = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["claim_id"], row["edit"], row["message"]) for row in written] == wanted
    said = json.loads((tmp_path / "out.json").read_text())
    assert [(one["claim_id"], one["edit"], one["message"]) for one in said["findings"]] == wanted
    capsys.readouterr()
    main(["check", claims, "--format", "csv"])
    assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == rows
    assert not list(tmp_path.glob(".*")), "nothing is left beside the output"


def test_whose_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, _line("C1", "1", "64494", payer="Plan of the valley"))
    mapped = tmp_path / "payers.csv"
    mapped.write_text("claim_payer,payer\nplan of the VALLEY,medicare\n", encoding="utf-8")
    severities = []
    for options in ([], ["--payer", "medicare"], ["--payers", str(mapped)]):
        main(["check", path, "--format", "json", *options])
        said = _json(capsys)
        severities += [one["severity"] for one in said["findings"] if one["edit"] == "add-on-without-primary"]
        assert bool(said["payers_unknown"]) == (not options)
    assert severities == ["review", "deny", "deny"]


def test_a_primary_in_the_history_counts(tmp_path: Path, claims: str, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = _file(tmp_path, _line("C0", "1", "64493"), name="earlier.csv")
    main(["check", claims, "--history", earlier, "--format", "json"])
    said = _json(capsys)
    assert said["history_lines"] == 1
    assert not [one for one in said["findings"] if one["edit"] == "add-on-without-primary"]
    assert {one["claim_id"] for one in said["findings"]} <= {"C1", "C2"}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, claims: str) -> None:
    for name in ("one", "two"):
        main(["check", claims, "-o", str(tmp_path / f"{name}.parquet")])
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_a_run_that_breaks_off_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [_line(f"C{number}", "1", "64494").replace(",P1,", f",P{number},") for number in range(40)]
    path, out = _file(tmp_path, *lines), tmp_path / "out.parquet"
    whole = tmp_path / "whole.parquet"
    main(["check", path, "-o", str(whole)])
    done: list[int] = []
    judge = Batch._lot

    def breaking(self: Batch, lot: int) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(lot)
        judge(self, lot)

    monkeypatch.setattr(Settings, "__init__", _small_lots)
    monkeypatch.setattr(Batch, "_lot", breaking)
    with pytest.raises(KeyboardInterrupt):
        main(["check", path, "-o", str(out)])
    assert not out.exists()
    kept = list(tmp_path.glob(".out.parquet.unfinished/lot-*.parquet"))
    assert len(kept) == 2
    done.clear()

    def counted(self: Batch, lot: int) -> None:
        done.append(lot)
        judge(self, lot)

    monkeypatch.setattr(Batch, "_lot", counted)
    assert main(["check", path, "-o", str(out), "--resume"]) == 1
    assert len(done) == 2, "the lots that were finished are not done again"
    assert pq.read_table(out).equals(pq.read_table(whole))
    assert not list(tmp_path.glob(".out*"))
    capsys.readouterr()


def _small_lots(self: Settings, memory_limit: str = "", threads: int = 0, lot_lines: int = 10) -> None:
    for name, value in (("memory_limit", memory_limit), ("threads", threads), ("lot_lines", lot_lines)):
        object.__setattr__(self, name, value)


def test_another_input_is_not_taken_up(tmp_path: Path) -> None:
    work = tmp_path / ".out.parquet.unfinished"
    work.mkdir()
    (work / "run.json").write_text('{"key": "of another run"}')
    (work / "lot-0000.parquet").write_bytes(b"not of this run")
    with checking._workplace(tmp_path / "out.parquet", "of this run", resume=True) as place:
        assert not list(place.glob("lot-*"))
    assert not work.exists()


def test_checked_claims_in_the_history_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ablation, later = _line("C1", "1", "64635"), _line("C2", "1", "64635")
    claims = _file(tmp_path, ablation)
    whole = _file(tmp_path, ablation, later.replace("2026-08-03", "2026-01-05"), name="whole.csv")
    page = tmp_path / "report.html"
    assert main(["check", claims, "--history", whole, "--format", "json", "--report", str(page)]) == 0
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert (said["history_lines"], said["history_left_out"]) == (2, 1)
    assert "with a history of 2 lines, 1 of which is of claims checked here" in page.read_text(encoding="utf-8")
    assert said["findings"] == []
    assert "1 history line was left out, being of claims that are checked" in shown.err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_absent_numbered_columns_are_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    names = [name for name in _HEAD.split(",") if not name[-1].isdigit() or name.rsplit("_", 1)[1] in ("1", "2")]
    cells = dict(zip(_HEAD.split(","), _line("C1", "1", "64494").split(","), strict=True))
    path = tmp_path / f"few.{ending}"
    if ending == "csv":
        path.write_text(f"{','.join(names)}\n{','.join(cells[name] for name in names)}\n", encoding="utf-8")
    else:
        (row,) = read_rows([cells], date(2026, 12, 31))
        columns = [pa.array([row.get(name)], SCHEMA.field(name).type) for name in names]
        pq.write_table(pa.table(columns, schema=pa.schema([SCHEMA.field(name) for name in names])), path)
    assert main(["check", str(path), "--format", "json"]) == 1
    said = _json(capsys)
    assert (said["lines"], said["rejected"]) == (1, 0)
    assert [one["edit"] for one in said["findings"]] == ["add-on-without-primary"]


def test_what_is_refused_of_the_history_is_counted_apart(
    claims: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = _file(tmp_path, _line("H1", "1", "64493"), _line("H2", "1", "64493", units="0"), name="history.csv")
    page = tmp_path / "report.html"
    main(["check", claims, "--history", history, "--format", "json", "--report", str(page)])
    assert "1 line of the history" in page.read_text(encoding="utf-8")
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert (said["lines"], said["rejected"], said["history_lines"], said["history_rejected"]) == (2, 1, 1, 1)
    assert [Path(one["file"]).name for one in said["rejected_records"]] == ["claims.csv", "history.csv"]
    assert "1 line and 1 of the history could not be read" in shown.err
