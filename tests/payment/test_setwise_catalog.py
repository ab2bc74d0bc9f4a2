"""Set-wise prices from a catalog: small tables with invented numbers, and CMS's own file of 2026."""

from __future__ import annotations

import csv
import random
from decimal import Decimal
from pathlib import Path

import pytest

from facetwise.knowledge import Knowledge
from facetwise.payment.setwise import price_file
from setwise_lines import (
    COLUMNS,
    SEED,
    by_claim,
    cents,
    claims,
    fails,
    line,
    read,
    run,
    scalar_claims,
    write,
)


def _catalog(file: Path) -> None:
    """A catalog with invented numbers: two quarters of fees, one with both participations, and all that prices read."""
    import duckdb

    from facetwise.catalog import schema

    with duckdb.connect(str(file)) as connection:
        for statement in schema.statements():
            connection.execute(statement)
        kinds = (
            ("physician_fee", "RVU26A", "2026-01-01", "2026-06-30"),
            ("physician_fee", "RVU26C", "2026-07-01", "2026-12-31"),
            ("gpci", "GPCI2026", "2026-01-01", "2026-12-31"),
            ("zip_locality", "ZIP5 2026", "2026-01-01", "2026-12-31"),
            ("opps_cap", "OPPSCAP", "2026-01-01", "2026-12-31"),
            ("asc_aa", "AA 2026", "2026-01-01", "2026-12-31"),
            ("asc_bb", "BB 2026", "2026-01-01", "2026-12-31"),
            ("asc_ee", "EE 2026", "2026-01-01", "2026-12-31"),
            ("asc_wage_index", "WI 2026", "2026-01-01", "2026-12-31"),
        )
        for number, (kind, release, first, last) in enumerate(kinds, start=1):
            connection.execute(
                "INSERT INTO manifest (id, kind, release, effective_from, effective_to) VALUES (?, ?, ?, ?, ?)",
                [number, kind, release, first, last],
            )
        fee = (
            "INSERT INTO physician_fee (release_id, code, modifier, status, work, nf_pe, nf_na, f_pe, f_na, mp, "
            "global_days, mult, bilat, asst, co, team, conversion_factor, participation, cap_nf_pe, cap_f_pe, cap_mp) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        plain = ["0", "2", "0", "0"]
        for number, whose, factor in (
            (1, "non_qualifying_apm", "30"),
            (2, "non_qualifying_apm", "31"),
            (2, "qualifying_apm", "32"),
        ):
            rows = (
                ["90001", "", "A", "1.01", "2.02", False, "0.53", False, "0.17", "000", "2", "1", "2", "0", "0"],
                ["90002", "", "A", "2.05", "3.33", False, "1.11", False, "0.19", "000", "2", "1", "1", "1", "0"],
                ["90003", "TC", "A", "0", "9.99", False, "9.99", True, "0.11", "XXX", "0", *plain],
                ["90004", "", "A", "0.50", "8.00", False, "8.00", False, "0.50", "XXX", "0", *plain],
                ["90005", "", "R", "1", "1", False, "1", False, "1", "XXX", "0", *plain],
            )
            for row in rows:
                cap = ["3.07", "3.07", "0.07"] if row[0] == "90004" else ["0", "0", "0"]
                connection.execute(fee, [number, *row, factor, whose, *cap])
        for mac, locality, state, name, *indices in (
            ("10000", "01", "OH", "OHIO", "1.013", "0.977", "1.111"),
            ("10000", "02", "KY", "KENTUCKY", "0.987", "0.911", "0.853"),
            ("10000", "03", "KY", "REST OF KENTUCKY", "0.999", "0.899", "0.777"),
        ):
            connection.execute(
                "INSERT INTO gpci VALUES (3, ?, ?, ?, ?, ?, ?, ?)", [mac, locality, state, name, *indices]
            )
        for zip_code, locality, plus_four in (("45014", "01", False), ("41011", "02", True)):
            connection.execute(
                "INSERT INTO zip_locality (release_id, zip, mac, locality, plus_four) VALUES (4, ?, '10000', ?, ?)",
                [zip_code, locality, plus_four],
            )
        connection.execute("INSERT INTO opps_cap VALUES (5, '90003', 'TC', 'A', '10000', '01', 77.77, 88.88)")
        for number, addendum, code, indicator, discounted, rate in (
            (6, "AA", "90001", "G2", True, "401.37"),
            (6, "AA", "90002", "G2", True, "777.79"),
            (6, "AA", "90003", "N1", False, None),
            (7, "BB", "90005", "K2", None, "0.13"),
        ):
            connection.execute(
                "INSERT INTO asc_rate VALUES (?, ?, ?, ?, ?, NULL, ?)",
                [number, addendum, code, indicator, discounted, rate],
            )
        connection.execute("INSERT INTO asc_excluded VALUES (8, '90004')")
        connection.execute("INSERT INTO asc_wage_index VALUES (9, '17140', 'Somewhere', 0.9137)")


def test_the_catalog_comes_first_and_the_knowledge_where_it_is_silent(knowledge: Knowledge, tmp_path: Path) -> None:
    _catalog(tmp_path / "catalog.duckdb")
    center = {"place_of_service_code": "24", "claim": "facility"}
    lines = [
        line("90001", claim_id="first half", date_of_service="2026-02-02"),
        line("90001", claim_id="second half"),
        line("90001", claim_id="participant", apm_participant="true"),
        line("90001", claim_id="participant, not loaded", date_of_service="2026-02-02", apm_participant="true"),
        line("90001", claim_id="zip", zip="45014-1234"),
        line("90001", claim_id="locality", mac="10000", locality="01"),
        line("90001", claim_id="zip of nine", zip="41011"),
        line("90001", claim_id="two localities", state="KY"),
        line("90003", "TC", claim_id="cap", mac="10000", locality="01"),
        line("90004", claim_id="cap by units"),
        line("90005", claim_id="restricted"),
        line("64493", claim_id="not in the release"),
        line("64493", claim_id="the year before", date_of_service="2025-07-01"),
        line("90002", "RT", claim_id="center", **center),
        line("90001", claim_id="center", number=2, **center),
        line("90003", claim_id="center", number=3, **center),
        line("90005", claim_id="center", number=4, units=10, **center),
        line("90002", claim_id="wage", cbsa="17140", **center),
        line("90004", claim_id="excluded", **center),
    ]
    out = tmp_path / "out.csv"
    write(tmp_path / "lines.csv", lines, (*COLUMNS, "zip", "state", "cbsa"))
    price_file(tmp_path / "lines.csv", out, knowledge.store, catalog=tmp_path / "catalog.duckdb")
    found = read(out)

    def got(claim_id: str, number: int = 1) -> str:
        row = found[claim_id, str(number)]
        return str(row["allowed"] or row["finding"])

    total = Decimal("1.01") + Decimal("2.02") + Decimal("0.17")
    assert got("first half") == str(cents(total * 30))
    assert got("second half") == str(cents(total * 31))
    assert got("participant") == str(cents(total * 32))
    assert got("participant, not loaded") == str(cents(total * Decimal("33.5675")))
    ohio = Decimal("1.01") * Decimal("1.013") + Decimal("2.02") * Decimal("0.977") + Decimal("0.17") * Decimal("1.111")
    assert got("zip") == got("locality") == str(cents(ohio * 31))
    assert got("zip of nine") == got("two localities") == "several-localities"
    assert got("cap") == "88.88"
    assert found["cap", "1"]["rules"] == "price-line opps-cap"
    assert got("cap by units") == str(cents((Decimal("0.50") + Decimal("3.07") + Decimal("0.07")) * 31))
    assert got("restricted") == "93.00"
    assert got("not in the release") == "code-not-held"
    assert got("the year before") == "172.08"
    assert [got("center", number) for number in (1, 2, 3, 4)] == ["777.79", "200.69", "0.00", "1.30"]
    assert got("wage") == str(cents(Decimal("777.79") * (Decimal("0.9137") / 2 + Decimal("0.5"))))
    assert got("excluded") == "not-on-the-center-list"
    assert found["second half", "1"]["release"] == "RVU26C"
    assert found["the year before", "1"]["release"] == "RVU25D"


def test_fees_finer_than_published_are_refused(knowledge: Knowledge, tmp_path: Path) -> None:
    import duckdb

    _catalog(tmp_path / "catalog.duckdb")
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as connection:
        connection.execute("UPDATE physician_fee SET work = 1.0101 WHERE code = '90001'")
    path = write(tmp_path / "lines.csv", [line("90001")])
    assert "90001" in fails(knowledge, path, tmp_path / "out.csv", catalog=tmp_path / "catalog.duckdb")
    (tmp_path / "broken.duckdb").write_bytes(b"no database")
    assert "catalog cannot be opened" in fails(
        knowledge, path, tmp_path / "out.csv", catalog=tmp_path / "broken.duckdb"
    )


def test_equal_to_the_scalar_engine_with_a_catalog(
    knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facetwise.catalog import open_catalog

    price = pytest.importorskip("facetwise.payment.price")
    _catalog(tmp_path / "catalog.duckdb")
    monkeypatch.setenv("FACETWISE_HOME", str(tmp_path))
    codes, chance = ("90001", "90002", "90003", "90004", "90005"), random.Random(SEED)
    lines = [one | {"hcpcs_code": chance.choice(codes)} for one in claims(3_000, seed=90001)]
    for some in by_claim(lines).values():
        day = f"2026-0{chance.choice((3, 8))}-15"
        mac, locality = chance.choice((("", ""), ("10000", "01"), ("10000", "03")))
        for one in some:
            one.update(date_of_service=day, mac=mac, locality=locality)
    found = run(knowledge, tmp_path, lines, catalog=tmp_path / "catalog.duckdb")
    checked = 0
    with open_catalog() as catalog:
        pricer = price.Pricer(knowledge, catalog)
        for claim_id, some in by_claim(lines).items():
            expected = scalar_claims(some, pricer)
            for one in some:
                row, want = found[claim_id, str(one["claim_line_number"])], expected.get(str(one["claim_line_number"]))
                assert (row["allowed"] or None) == (want.allowed if want else None), (one, row)
                checked += bool(row["allowed"])
    assert checked > 1_000


def test_every_priced_row_of_the_2026_file_in_one_locality(
    knowledge: Knowledge, shared_data: Path, tmp_path: Path
) -> None:
    """CMS's own file, loaded into a catalog, against the formula of cms.md 2.5 over the file's text."""
    from facetwise.catalog import load_files

    files = [shared_data / "cms/mpfs/2026" / name for name in ("PPRRVU2026_Jul_nonQPP.csv", "GPCI2026.csv")]
    load_files(files, path=tmp_path / "catalog.duckdb")
    with files[0].open(encoding="latin-1", newline="") as source:
        rows = [row for row in csv.reader(source) if len(row) > 30 and row[3] == "A"]
    work, expense, malpractice = (Decimal(value) for value in ("1.064", "1.162", "1.586"))  # Manhattan, cms.md 2.5
    lines, expected = [], {}
    for number, row in enumerate(rows):
        for place, column, capped in (("11", 6, 29), ("22", 8, 30)):
            claim_id, modifiers = f"{number} {place}", [row[1]] if row[1] else []
            where = {"place_of_service_code": place, "mac": "13202", "locality": "01"}
            lines.append(line(row[0], *modifiers, claim_id=claim_id, **where))
            fee, cap = (
                cents(
                    (Decimal(row[5]) * work + Decimal(row[pe]) * expense + Decimal(row[mp]) * malpractice)
                    * Decimal("33.4009")
                )
                for pe, mp in ((column, 10), (capped, 31))
            )
            if row[column + 1] != "NA":
                # The cap is printed in relative values; 0 where there is none.
                expected[claim_id] = min(fee, cap) if Decimal(row[capped]) else fee
    found = run(knowledge, tmp_path, lines, catalog=tmp_path / "catalog.duckdb")
    assert len(expected) > 12_000
    for (claim_id, _), out in found.items():
        assert (Decimal(out["allowed"]) if out["allowed"] else None) == expected.get(claim_id), out
