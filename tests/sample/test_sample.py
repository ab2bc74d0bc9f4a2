"""The sample: the same bytes for the same request, clean claims clean, and every planted error found where the list says."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from edits import random_ncci
from edits.oracle import World, check
from facetwise.claims.columns import SCHEMA
from facetwise.cli import main
from facetwise.edits.check import Asked as Checking
from facetwise.edits.check import checked
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError
from facetwise.sample import make as making
from facetwise.sample.make import Asked, Made, files_of, make, span_of
from facetwise.sample.plan import Plan, plan
from facetwise.sample.rows import FLAT, PLANTED

# What a claim can show: joint-incomplete is a matter of nerves, which a claim does not name.
SHOWN = {
    *("add-on-without-primary", "bilateral-reporting", "code-not-effective", "destruction-includes-injection"),
    *("diagnosis-not-supporting", "diagnostic-modifier-missing", "fact-not-established", "image-guidance-missing"),
    *(
        "imaging-included",
        "laterality-missing",
        "level-limit",
        "mue-exceeded",
        "prior-authorization-missing",
        "ptp-pair",
    ),
    *("region-limit", "repeat-too-soon", "sedation-not-covered", "session-limit", "technique-not-covered"),
    *("third-level-not-covered", "ultrasound-guided", "units-not-one"),
}
LINES = 200_000
ASKED = Asked(lines=20_000, seed=11, errors=0.1)


@pytest.fixture(scope="module", autouse=True)
def one_plan(knowledge: Knowledge) -> Any:
    """Plans are the same for the same days, and are made once for all tests."""
    made: dict[Any, Plan] = {}

    def planned(known: Knowledge, span: Any, catalog: Any = None) -> Plan:
        if (span, catalog) not in made:
            made[span, catalog] = plan(known, span, catalog)
        return made[span, catalog]

    patch = pytest.MonkeyPatch()
    patch.setattr(making, "plan", planned)
    yield planned
    patch.undo()


@pytest.fixture(scope="module")
def sample(knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Made:
    files, _ = files_of(tmp_path_factory.mktemp("sample"), "parquet")
    return make(knowledge, ASKED, files)


def rows(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


def planted(made: Made) -> list[dict[str, str]]:
    with made.files.planted.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_that_was_planted_is_found_and_nothing_else(sample: Made, knowledge: Knowledge) -> None:
    found = check(World(knowledge), rows(sample.files.claims), rows(sample.files.history))
    listed = Counter((one["edit"], one["claim_id"], int(one["claim_line_number"])) for one in planted(sample))
    judged = Counter((one.edit, one.claim_id, one.claim_line_number) for one in found if one.severity != "info")
    assert not listed - judged, "planted and not found"
    assert not judged - listed, "found and not planted"
    assert set(sample.edits) == SHOWN


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2021, 6, 1), date(2022, 1, 31)),
        (date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_the_same_under_the_rules_of_other_years(first: date, last: date, knowledge: Knowledge, tmp_path: Path) -> None:
    files, _ = files_of(tmp_path, "parquet")
    made = make(knowledge, Asked(lines=6_000, seed=3, errors=0.15, first=first, last=last), files)
    found = check(World(knowledge), rows(files.claims), rows(files.history))
    listed = {(one["edit"], one["claim_id"], int(one["claim_line_number"])) for one in planted(made)}
    assert listed == {(one.edit, one.claim_id, one.claim_line_number) for one in found if one.severity != "info"}
    days = pq.read_table(files.claims).column("claim_line_start_date").to_pylist()
    assert first <= min(days)
    assert max(days) <= last


def test_the_engine_finds_all_of_many_lines_and_nothing_else(knowledge: Knowledge, tmp_path: Path) -> None:
    files, _ = files_of(tmp_path, "parquet")
    made = make(knowledge, Asked(lines=LINES, seed=29, errors=0.03), files)
    with checked(Checking((files.claims,), (files.history,)), knowledge) as result:
        assert (result.lines, result.rejected) == (made.lines, 0)
        assert result.history_lines == made.history
        connection = duckdb.connect()
        connection.execute("CREATE TABLE listed AS SELECT * FROM read_csv(?, all_varchar = true)", [str(files.planted)])
        connection.execute(
            "CREATE TABLE found AS SELECT *, CAST(claim_line_number AS VARCHAR) AS number FROM read_parquet(?) WHERE severity <> 'info'",
            [str(result.findings_file)],
        )
    missed = connection.execute(
        """SELECT l.edit, l.error, count(*), any_value(l.claim_id) FROM listed AS l ANTI JOIN found AS f
           ON l.edit = f.edit AND l.claim_id = f.claim_id AND l.claim_line_number = f.number GROUP BY ALL"""
    ).fetchall()
    assert missed == []
    alarms = connection.execute(
        """SELECT f.edit, f.severity, count(*), any_value(f.message) FROM found AS f ANTI JOIN listed AS l
           ON l.edit = f.edit AND l.claim_id = f.claim_id AND l.claim_line_number = f.number GROUP BY ALL"""
    ).fetchall()
    assert alarms == []
    # Where the list names another line, it is the one that the finding names.
    others = connection.execute(
        """SELECT l.edit, count(*), any_value(l.claim_id) FROM listed AS l JOIN found AS f
           ON l.edit = f.edit AND l.claim_id = f.claim_id AND l.claim_line_number = f.number
           WHERE l.other_claim_id IS NOT NULL AND NOT EXISTS (
               FROM found AS g WHERE g.edit = l.edit AND g.claim_id = l.claim_id AND g.number = l.claim_line_number
                   AND g.other_claim_id = l.other_claim_id AND CAST(g.other_claim_line_number AS VARCHAR) = l.other_claim_line_number)
           GROUP BY ALL"""
    ).fetchall()
    assert others == []
    assert made.planted > 0.025 * LINES


@pytest.mark.parametrize("form", ["837", "fhir"])
def test_in_every_format_all_is_found_and_nothing_else(form: str, knowledge: Knowledge, tmp_path: Path) -> None:
    files, _ = files_of(tmp_path, form)
    made = make(knowledge, Asked(lines=3_000, seed=41, errors=0.15, form=form), files)
    with checked(Checking((files.claims,), (files.history,)), knowledge) as result:
        assert (result.lines, result.rejected) == (made.lines, 0)
        found = {(one.edit, one.claim_id, one.claim_line_number) for one in result.findings() if one.severity != "info"}
    assert found == {(one["edit"], one["claim_id"], int(one["claim_line_number"])) for one in planted(made)}


def test_with_tables_of_the_catalog_clean_claims_keep_to_those(
    knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invented releases that deny a third of all pairs of some codes; visits and patterns that they deny are left out."""
    catalog = tmp_path / "catalog.duckdb"
    monkeypatch.setattr(random_ncci, "CODES", ("64490", "64493", "64494", "64635", "77003", "20553", "62323", "J3301"))
    random_ncci.make(6, knowledge, catalog)
    files, _ = files_of(tmp_path / "made", "parquet")
    asked = Asked(lines=6_000, seed=6, errors=0.1, first=date(2025, 3, 20), last=date(2025, 4, 15))
    made = make(knowledge, asked, files, catalog=catalog)
    with checked(Checking((files.claims,), (files.history,)), knowledge, catalog=catalog) as result:
        found = {(one.edit, one.claim_id, one.claim_line_number) for one in result.findings() if one.severity != "info"}
    assert found == {(one["edit"], one["claim_id"], int(one["claim_line_number"])) for one in planted(made)}


def test_where_a_pair_is_listed_both_lines_are_there(sample: Made) -> None:
    lines = {
        (row["claim_id"], row["claim_line_number"])
        for name in ("claims", "history")
        for row in rows(getattr(sample.files, name))
    }
    pairs = 0
    for one in planted(sample):
        assert (one["claim_id"], int(one["claim_line_number"])) in lines
        if one["other_claim_id"]:
            pairs += 1
            assert (one["other_claim_id"], int(one["other_claim_line_number"])) in lines
    assert pairs > 50


def test_the_same_request_makes_the_same_bytes_whatever_the_threads(knowledge: Knowledge, tmp_path: Path) -> None:
    def digests(seed: int, threads: int, form: str) -> list[str]:
        files, _ = files_of(tmp_path / f"{seed}-{threads}-{form}", form)
        made = make(knowledge, Asked(lines=5_000, seed=seed, form=form), files, threads=threads)
        return [
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (made.files.claims, made.files.history, made.files.planted)
        ]

    assert digests(1, 1, "parquet") == digests(1, 4, "parquet")
    assert digests(1, 1, "csv") == digests(1, 4, "csv")
    assert not set(digests(1, 1, "csv")) & set(digests(2, 1, "csv"))


def test_it_makes_as_much_as_is_asked_for(sample: Made) -> None:
    assert ASKED.lines - 100 < sample.lines <= ASKED.lines
    assert sample.lines == pq.read_metadata(sample.files.claims).num_rows
    assert sample.history == pq.read_metadata(sample.files.history).num_rows
    assert 0.9 * ASKED.errors < sample.planted / sample.lines < 1.1 * ASKED.errors
    assert sum(sample.edits.values()) == sample.planted == len(planted(sample))


def test_columns_are_those_of_the_claim_line_table(sample: Made) -> None:
    for path in (sample.files.claims, sample.files.history):
        schema = pq.read_schema(path)
        assert schema.names == list(FLAT)
        assert all(schema.field(name).type == SCHEMA.field(name).type for name in FLAT)
    assert list(planted(sample)[0]) == list(PLANTED)


def test_the_mix_is_what_a_practice_sees(sample: Made) -> None:
    """Most lines are not of facet procedures; many payers, states, providers; several forms of claim."""
    lines = rows(sample.files.claims)
    facet = sum(1 for row in lines if (row["hcpcs_code"] or "").startswith(("6449", "6463")))
    assert 0.02 < facet / len(lines) < 0.3
    assert len({row["payer"] for row in lines}) > 20
    assert len({row["state"] for row in lines}) > 20
    assert len({row["person_id"] for row in lines}) > 1_500
    assert len({row["rendering_npi"] for row in lines}) > 500
    assert {row["claim_type"] for row in lines} == {"professional", "institutional"}
    assert any(row["hcpcs_code"] is None for row in lines)
    assert len({(row["claim_id"], row["claim_line_number"]) for row in lines}) == len(lines)


def test_provider_numbers_bear_their_check_digit(sample: Made) -> None:
    for number in {row["billing_npi"] for row in rows(sample.files.claims)}:
        digits = [int(digit) for digit in f"80840{number}"]
        doubled = [digit if place % 2 else 2 * digit for place, digit in enumerate(reversed(digits), start=1)]
        assert sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def test_without_errors_nothing_is_planted(knowledge: Knowledge, tmp_path: Path) -> None:
    files, _ = files_of(tmp_path, "parquet")
    made = make(knowledge, Asked(lines=3_000, errors=0), files)
    assert made.planted == 0
    assert planted(made) == []
    found = check(World(knowledge), rows(files.claims), rows(files.history))
    assert [one for one in found if one.severity != "info"] == []


@pytest.mark.parametrize("lines", [1, 7, 300])
def test_a_few_lines_too(lines: int, knowledge: Knowledge, tmp_path: Path) -> None:
    files, _ = files_of(tmp_path, "csv")
    made = make(knowledge, replace(ASKED, lines=lines, form="csv"), files)
    assert made.lines <= lines


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(lines=0), "--lines 0"),
        (Asked(lines=100, errors=1.0), "--errors 1"),
        (Asked(lines=100, errors=0.9), "cannot be planted"),
        (Asked(lines=100, first=date(2026, 2, 1), last=date(2026, 1, 1)), "lies before"),
        (Asked(lines=100, first=date(2019, 2, 1), last=date(2026, 1, 1)), "outside the knowledge"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(
    asked: Asked, said: str, knowledge: Knowledge, tmp_path: Path
) -> None:
    files, _ = files_of(tmp_path, "parquet")
    with pytest.raises(FacetwiseError, match=said):
        make(knowledge, asked, files)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_nothing(
    knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "_copy", stop)
    files, _ = files_of(tmp_path, "parquet")
    with pytest.raises(KeyboardInterrupt):
        make(knowledge, replace(ASKED, lines=100), files)
    assert list(tmp_path.iterdir()) == []


def test_the_days_end_with_the_review_of_the_knowledge(knowledge: Knowledge) -> None:
    span = span_of(knowledge, Asked())
    assert span.last == knowledge.store.horizon.reviewed
    assert (span.last - span.first).days == 364
    assert (span.first - span.history).days == 730


def test_a_file_names_the_others_beside_it() -> None:
    files, form = files_of(Path("some/claims.csv"), None)
    assert form == "csv"
    assert [files.history.name, files.planted.name] == ["claims-history.csv", "claims-planted.csv"]
    with pytest.raises(FacetwiseError, match="names no format"):
        files_of(Path("claims.xlsx"), None)


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "-o", str(tmp_path / "made"), "--lines", "500", "--errors", "0.1"]) == 0
    told = capsys.readouterr().out
    assert "findings to expect" in told
    assert "made up" in told
    assert "ptp-pair" in told


def test_a_file_in_the_way_of_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["sample", "-o", str(tmp_path / "taken" / "below"), "--lines", "10"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_clean_lines_keep_to_the_full_tables_of_pairs_and_units(sample: Made, shared_data: Path) -> None:
    """The tables hold far more codes than the shipped knowledge; no clean visit may touch one of their pairs or limits."""
    ncci = shared_data / "cms" / "ncci"
    spoiled = {one["claim_id"] for one in planted(sample)}
    connection = duckdb.connect()
    connection.execute("CREATE TABLE spoiled AS SELECT unnest(?) AS claim_id", [sorted(spoiled)])
    connection.execute(
        "CREATE TABLE line AS SELECT * FROM read_parquet(?) WHERE claim_id NOT IN (FROM spoiled) AND claim_type = 'professional'",
        [str(sample.files.claims)],
    )
    pairs = connection.execute(
        """SELECT DISTINCT a.hcpcs_code, b.hcpcs_code FROM line a JOIN line b
           ON a.person_id = b.person_id AND a.claim_line_start_date = b.claim_line_start_date AND a.billing_npi = b.billing_npi
           JOIN read_csv(?, all_varchar = true) p
           ON p.column1 = a.hcpcs_code AND p.column2 = b.hcpcs_code AND p.deletion_date IS NULL AND p.modifier_indicator <> '9'
           WHERE NOT (a.hcpcs_modifier_1 IN ('25', '59') OR b.hcpcs_modifier_1 IN ('25', '59'))""",
        [str(ncci / "ptp_practitioner_2024q3_flat.csv.gz")],
    ).fetchall()
    assert pairs == []
    over = connection.execute(
        """SELECT DISTINCT hcpcs_code, service_unit_quantity, mue FROM line
           JOIN read_csv(?, all_varchar = true) m ON m.hcpcs = hcpcs_code WHERE service_unit_quantity > CAST(mue AS INTEGER)""",
        [str(ncci / "mue_practitioner_2026q2_flat.csv")],
    ).fetchall()
    assert over == []
