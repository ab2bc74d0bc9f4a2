"""The official files beside the checkout: counts, control figures, and prices that CMS printed, reached through the catalog."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import small_releases as published
from facetwise.catalog import Catalog, Loaded, load_files, open_catalog
from facetwise.payment.money import to_cents
from facetwise.payment.physician import Gpci, Units, allowed

_OCTOBER = (date(2025, 10, 1), None)


def _named(folder: Path, file: Path, number: int) -> Path:
    """Return a copy under a name that says nothing."""
    return Path(shutil.copy(file, folder / str(number)))


@pytest.fixture(scope="module")
def loaded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Loaded]]:
    """A catalog of the published files, each renamed."""
    folder = tmp_path_factory.mktemp("official")
    path = folder / "catalog.duckdb"
    fees, asc = shared_data / "cms" / "mpfs", shared_data / "cms" / "asc"
    dated = [
        fees / "2026" / "PPRRVU2026_Jul_nonQPP.csv",
        fees / "2026" / "GPCI2026.csv",
        fees / "2025" / "PPRRVU2025_Oct.csv",
        fees / "2025" / "GPCI2025.csv",
        fees / "2025" / "25LOCCO.csv",
        fees / "2025" / "ZIP5_OCT2025.txt",
        *sorted(file for file in asc.glob("*_??.csv") if "EE" not in file.name),
        asc / "2025_wage_index.txt",
        asc / "2026_wage_index.csv",
        shared_data / "codesets" / "nucc_taxonomy_251.csv",
        shared_data / "codesets" / "carc_rarc_2024.csv",
    ]
    results = load_files([_named(folder, file, number) for number, file in enumerate(dated)], path=path)
    told = [fees / "2025" / "ANES2025.csv", fees / "2025" / "OPPSCAP_Oct.csv", asc / "2025_20251001_EE.csv"]
    results += load_files(
        [_named(folder, file, 100 + number) for number, file in enumerate(told)], path=path, effective=_OCTOBER
    )
    return path, results


@pytest.fixture(scope="module")
def catalog(loaded: tuple[Path, list[Loaded]]) -> Iterator[Catalog]:
    with open_catalog(path=loaded[0]) as opened:
        yield opened


def test_the_published_files_load_with_the_counts_that_are_known(loaded: tuple[Path, list[Loaded]]) -> None:
    # Counts of facts/cms.md section 1, facts/formats.md, and of the files' own lines.
    found = {(one.kind, one.release): (one.rows, one.rejected) for one in loaded[1]}
    assert found == {
        ("physician_fee", "RVU26C"): (19356, 0),
        ("physician_fee", "RVU25D"): (19090, 0),
        ("gpci", "GPCI2026"): (109, 0),
        ("gpci", "GPCI2025"): (109, 0),
        ("locality_county", "25LOCCO"): (110, 0),
        ("zip_locality", "2025Q4"): (42956, 0),
        ("asc_aa", "2025Q1"): (4183, 0),
        ("asc_aa", "2025Q4"): (4201, 0),
        ("asc_aa", "2026Q1"): (4821, 0),
        ("asc_aa", "2026Q2"): (4832, 0),
        # Four rows of January 2025 and one of January 2026 stand twice, word for word.
        ("asc_bb", "2025Q1"): (2454, 0),
        ("asc_bb", "2025Q4"): (2534, 0),
        ("asc_bb", "2026Q1"): (2504, 0),
        ("asc_bb", "2026Q2"): (2526, 0),
        ("asc_ff", "2025Q1"): (4183, 0),
        ("asc_ff", "2025Q4"): (4201, 0),
        ("asc_ff", "2026Q1"): (4821, 0),
        ("asc_ff", "2026Q2"): (4832, 0),
        # 27 areas of the copy of 2025 have two values each; three areas have none.
        ("asc_wage_index", "2025"): (441, 62),
        ("asc_wage_index", "2026"): (484, 2),
        ("taxonomy", "25.1"): (883, 0),
        ("adjustment_code", "2024-03-01"): (1581, 0),
        ("anesthesia_factor", "ANES2025"): (110, 0),
        ("opps_cap", "2025Q4"): (16100, 0),
        ("asc_ee", "2025Q4"): (2109, 0),
    }


def test_the_text_forms_hold_the_very_rows_of_the_csv(loaded: tuple[Path, list[Loaded]], shared_data: Path) -> None:
    folder = shared_data / "cms" / "mpfs" / "2025"
    for name, said in (("PPRRVU2025_Oct.txt", _OCTOBER), ("GPCI2025.txt", None)):
        (again,) = load_files([folder / name], path=loaded[0], effective=said)
        assert again.state == "already loaded"
        assert again.notes[0].startswith("the same rows as in ")


def test_every_locality_of_the_zip_codes_and_counties_has_its_indices(catalog: Catalog) -> None:
    without = {
        table: catalog.connection.execute(
            f"SELECT DISTINCT mac, locality FROM {table} WHERE mac <> '' EXCEPT SELECT mac, locality FROM gpci ORDER BY ALL"
        ).fetchall()
        for table in ("zip_locality", "locality_county", "anesthesia_factor", "opps_cap")
    }
    # The OPPS cap of October 2025 lists all of California under its northern contractor, 01112; the indices do not.
    southern = [("01112", locality) for locality in ("17", "18", "71", "72", "73", "74")]
    assert without == {"zip_locality": [], "locality_county": [], "anesthesia_factor": [], "opps_cap": southern}


@pytest.mark.parametrize(
    ("fees", "rates", "factor", "match", "of"),
    [("RVU25D", "2025Q4", "32.3465", 396, 406), ("RVU26C", "2026Q1", "33.5675", 308, 403)],
)
def test_office_based_rates_of_surgery_centers_are_the_office_expense_times_the_factor(
    catalog: Catalog, fees: str, rates: str, factor: str, match: int, of: int
) -> None:
    # Two files that CMS makes apart; the counts are those of facts/cms.md section 1, found by another program.
    rows = catalog.connection.execute(
        "SELECT nf_pe, rate FROM physician_fee f JOIN asc_rate a USING (code) "
        "JOIN manifest m ON m.id = f.release_id JOIN manifest n ON n.id = a.release_id "
        "WHERE m.release = ? AND n.release = ? AND a.addendum = 'AA' AND a.indicator = 'P3' AND f.modifier = ''",
        [fees, rates],
    ).fetchall()
    assert len(rows) == of
    assert sum(to_cents(expense * Decimal(factor)) == rate for expense, rate in rows) == match


def _published_2020(shared_data: Path) -> tuple[bytes, bytes]:
    """Return the flat copies of 2020 in the published layouts (an adapter of this test: CMS's own files are not here)."""
    history = shared_data / "cms" / "mpfs" / "history"
    with gzip.open(history / "pprrvu_2020d_2023d_flat.csv.gz", "rt", newline="", encoding="utf-8") as file:
        flat = [row for row in csv.DictReader(file) if row["year"] == "2020"]
    names = ("hcpcs", "mod", "status_code", "work_rvu", "non_fac_pe_rvu", "non_fac_indicator", "facility_pe_rvu",
             "facility_indicator", "mp_rvu")  # fmt: skip
    # The copy has lost the zeros in front of codes.
    rows = ([row["hcpcs"].zfill(5), *(row[name] for name in names[1:])] for row in flat)
    units = sorted(rows, key=lambda row: (row[0], row[1]))
    fees = published.pprrvu(2020, "October", "36.0896", units)
    with (history / "gpci_2020_2023_flat.csv").open(newline="", encoding="utf-8") as file:
        places = [row for row in csv.DictReader(file) if row["year"] == "2020"]
    head, _, _ = published.gpci(2020).partition(b"10112")
    body = published.lines(
        *(f'{row["mac"]},XX,{row["locality"]},"{row["locality_name"]}",{row["gpci_work"]},{row["gpci_pe"]},{row["gpci_mp"]}'
          for row in places)
    )  # fmt: skip
    return fees, head + body


def test_the_prices_that_cms_printed_for_ohio_in_2020_follow_from_what_is_loaded(
    shared_data: Path, tmp_path: Path
) -> None:
    fees, places = _published_2020(shared_data)
    path = tmp_path / "catalog.duckdb"
    load_files([published.put(tmp_path, fees, "fees"), published.put(tmp_path, places, "places")], path=path)
    with open_catalog(path=path) as catalog:
        release = catalog.require("physician_fee", date(2020, 12, 31))
        units = {
            (code, modifier): rest
            for code, modifier, *rest in catalog.connection.execute(
                "SELECT code, modifier, work, nf_pe, f_pe, mp, conversion_factor FROM physician_fee WHERE release_id = ?",
                [release.id],
            ).fetchall()
        }
        query = "SELECT work, pe, mp FROM gpci WHERE mac = '15202' AND locality = '00'"
        ohio = Gpci(*catalog.connection.execute(query).fetchall()[0])
    prices = shared_data / "cms" / "mpfs" / "2020" / "pfs_locality_15202_00_2020.csv"
    right = {"non_facility_fee": 0, "facility_fee": 0}
    with prices.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            work, office, facility, malpractice, factor = units[row["hcpcs"], row["mod"]]
            for setting, expense in (("non_facility_fee", office), ("facility_fee", facility)):
                found = allowed(Units(work, expense, malpractice), factor, ohio)
                right[setting] += found == Decimal(row[setting])
    assert right == {"non_facility_fee": 8994, "facility_fee": 8994}


def test_the_order_file_of_2024_made_from_its_flat_copy(shared_data: Path, tmp_path: Path) -> None:
    with gzip.open(
        shared_data / "codesets" / "icd10cm_order_fy2024_flat.csv.gz", "rt", newline="", encoding="utf-8"
    ) as file:
        flat = list(csv.DictReader(file))
    rows = (
        f"{int(row['order']):05} {row['code'].replace('.', ''):7} {row['valid']} {row['description'][:60]:60} {row['description']}"
        for row in flat
    )
    (loaded,) = load_files(
        [published.put(tmp_path, published.lines(*rows))],
        path=tmp_path / "catalog.duckdb",
        effective=(date(2023, 10, 1), None),
    )
    assert (loaded.release, loaded.rows, str(loaded.effective_to)) == ("FY2024", 97296, "2024-09-30")
    with open_catalog(path=tmp_path / "catalog.duckdb") as catalog:
        assert catalog.connection.execute("SELECT count(*) FROM icd10 WHERE billable").fetchall() == [(74044,)]


def test_the_published_heads_are_recognised(shared_data: Path, tmp_path: Path) -> None:
    heads = shared_data / "cms" / "format_heads"
    path = tmp_path / "catalog.duckdb"
    effective = (date(2026, 7, 1), None)
    (pairs,) = load_files(
        [heads / "ccipra-v322r0-f1.head.txt"], path=path, effective=effective, kind="ptp_practitioner"
    )
    (limits,) = load_files(
        [heads / "MCR_MUE_PractitionerServices_Eff_07-01-2026.head.csv"], path=path, effective=effective
    )
    assert (pairs.kind, pairs.rows, limits.kind, limits.rows) == ("ptp_practitioner", 7, "mue_practitioner", 4)
