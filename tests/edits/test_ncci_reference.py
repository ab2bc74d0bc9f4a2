"""The NCCI tables: which days come from a release, which from the knowledge, and what the result says of it."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from facetwise.catalog import open_catalog
from facetwise.edits import Checker
from facetwise.edits.reference.build import _prune, reference
from facetwise.edits.reference.codes import day_number
from facetwise.edits.reference.ncci import outside
from facetwise.knowledge import Knowledge

_FIRST, _LAST = date(2025, 1, 1), date(2025, 3, 31)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with two quarters of practitioner pairs and one of unit values, of codes that nobody has."""
    path = tmp_path_factory.mktemp("catalog") / "catalog.duckdb"
    with open_catalog(read_only=False, path=path) as opened:
        run = opened.connection.execute
        for number, kind, name, first, last in (
            (1, "ptp_practitioner", "2025Q1", "2025-01-01", "2025-03-31"),
            (2, "ptp_practitioner", "2025Q2", "2025-04-01", "2025-06-30"),
            (3, "mue_practitioner", "2025Q1", "2025-01-01", "2025-03-31"),
        ):
            run(
                "INSERT INTO manifest VALUES (?, ?, ?, '', ?, 1, 0, ?::DATE, ?::DATE, current_timestamp)",
                [number, kind, name, f"sha of {number}", first, last],
            )
        for number in (1, 2):
            run(
                "INSERT INTO ptp SELECT ?, 'practitioner', 'A0001', other, 'A0001' || other, effective::DATE, deleted::DATE, kind, ''"
                " FROM (VALUES ('A0002', '2020-01-01', NULL, '1'), ('A0003', '2025-02-01', '2025-02-15', '0'),"
                " ('A0004', '2025-02-01', '2025-02-01', '9')) AS t(other, effective, deleted, kind)",
                [number],
            )
        run("INSERT INTO mue VALUES (3, 'practitioner', 'A0001', 2, '2', '')")
    return path


def _line(number: int, code: str, day: str, units: str = "1", *modifiers: str) -> dict[str, str]:
    named = {f"hcpcs_modifier_{place}": modifier for place, modifier in enumerate(modifiers, 1)}
    return {
        "claim_id": "C1", "claim_line_number": str(number), "claim_type": "professional", "person_id": "P1", "payer": "medicare",
        "state": "OH", "place_of_service_code": "11", "claim_line_start_date": day, "hcpcs_code": code,
        "service_unit_quantity": units, "rendering_npi": "1", "billing_npi": "2", **named,
    }  # fmt: skip


@pytest.fixture(scope="module")
def checker(knowledge: Knowledge, catalog: Path) -> Checker:
    return Checker(knowledge, catalog=catalog)


def test_rows_of_following_releases_are_one(knowledge: Knowledge, catalog: Path) -> None:
    made = reference(knowledge, catalog)
    with duckdb.connect(str(made.duckdb), read_only=True) as connection:
        rows = connection.execute(
            "SELECT column2, indicator, from_day, to_day FROM ptp WHERE column1 = 'A0001' AND service = 1 ORDER BY ALL"
        ).fetchall()
    assert rows == [
        ("A0002", "1", day_number(_FIRST), day_number(date(2025, 6, 30))),
        ("A0003", "0", day_number(date(2025, 2, 1)), day_number(date(2025, 2, 14))),
    ]


def test_the_knowledge_answers_where_no_release_does(knowledge: Knowledge, catalog: Path) -> None:
    made = reference(knowledge, catalog)
    said = made.releases(day_number(date(2024, 12, 1)), day_number(date(2025, 12, 31)))
    pairs = [(one["held_in"], one["release"], one["from"], one.get("to")) for one in said["ptp_practitioner"]]
    assert pairs == [
        ("knowledge", "2024Q3", "2024-07-01", "2024-12-31"),
        ("catalog", "2025Q1", "2025-01-01", "2025-03-31"),
        ("catalog", "2025Q2", "2025-04-01", "2025-06-30"),
        ("knowledge", "2024Q3", "2025-07-01", None),
    ]
    assert [one["held_in"] for one in said["ptp_hospital"]] == ["knowledge"]


@pytest.mark.parametrize(
    ("day", "codes", "found"),
    [
        ("2025-01-01", ("A0001", "A0002"), ["deny"]),
        ("2025-06-30", ("A0001", "A0002"), ["deny"]),
        ("2024-12-31", ("A0001", "A0002"), []),
        ("2025-07-01", ("A0001", "A0002"), []),
        ("2025-01-31", ("A0001", "A0003"), []),
        ("2025-02-01", ("A0001", "A0003"), ["deny"]),
        ("2025-02-14", ("A0001", "A0003"), ["deny"]),
        ("2025-02-15", ("A0001", "A0003"), []),
        ("2025-02-01", ("A0001", "A0004"), []),
    ],
)
def test_a_pair_holds_on_its_days(checker: Checker, day: str, codes: tuple[str, str], found: list[str]) -> None:
    findings = checker.check([_line(number, code, day) for number, code in enumerate(codes, 1)])
    assert [one.severity for one in findings if one.edit == "ptp-pair"] == found
    for one in findings:
        if one.edit == "ptp-pair":
            assert (one.claim_line_number, one.other_claim_line_number) == (2, 1)
            assert one.evidence["release"] == ("2025Q2" if day > "2025-03-31" else "2025Q1")
            assert one.carc == "236"


def test_a_unit_value_of_a_release(checker: Checker) -> None:
    over = checker.check([_line(1, "A0001", "2025-01-02", "1"), _line(2, "A0001", "2025-01-02", "1.5")])
    assert [(one.edit, one.claim_line_number, one.evidence["units"]) for one in over] == [("mue-exceeded", 2, 2.5)]
    assert not checker.check([_line(1, "A0001", "2025-01-02", "2")])
    assert not checker.check([_line(1, "A0001", "2025-04-02", "3")]), "no value is held for that day"


def test_parts_outside_of_spans() -> None:
    assert outside((1, 10), []) == [(1, 10)]
    assert outside((1, 10), [(3, 4), (6, 12)]) == [(1, 2), (5, 5)]
    assert outside((1, 10), [(0, 11)]) == []
    assert outside((5, 6), [(1, 4), (7, 9)]) == [(5, 6)]


def test_only_old_files_that_are_not_in_use_are_taken_away(tmp_path: Path) -> None:
    now = time.time()
    for number in range(8):
        path = tmp_path / f"reference-{number}.duckdb"
        path.touch()
        hours = number if number < 5 else 0.5
        os.utime(path, (now - 3600 * hours, now - 3600 * hours))
    _prune(tmp_path, "4")
    left = {path.stem.removeprefix("reference-") for path in tmp_path.iterdir()}
    # 0, 5, 6 and 7 were used within the hour; of the older ones the own one stays.
    assert left == {"0", "5", "6", "7", "4"}
