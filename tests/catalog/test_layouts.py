"""Every published layout: recognised under a name that says nothing, its rows in the catalog value by value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import small_releases as published
from facetwise.catalog import KINDS, Loaded, load_files, open_catalog

_JULY = {"effective": (date(2026, 7, 1), None)}
_ADD_ON_WORKBOOK = ((published.AMA,), published.ADD_ON_HEADER, *published.ADD_ON_ROWS)
_PTP_WORKBOOK = (
    *(row.split("\t") for row in published.PTP_HEADER),
    # Codes and dates kept as numbers, as spreadsheets do: the zeros in front are lost.
    (1, 2, "", 20260701, "*", 1, "Misuse of column two code with column one code"),
    *published.PTP_ROWS[1:],
)

# Content, what the user must say, kind, release, first and last day, rows.
CASES: dict[str, tuple[bytes, dict[str, Any], str, str, tuple[str, str], int]] = {
    "pprrvu 2026": (published.pprrvu(), {}, "physician_fee", "RVU26C", ("2026-07-01", "2026-12-31"), 4),
    "pprrvu 2025": (published.pprrvu(2025, "October"), {}, "physician_fee", "RVU25D", ("2025-10-01", "2025-12-31"), 4),
    "pprrvu 2024": (published.pprrvu(2024, "July"), {}, "physician_fee", "RVU24C", ("2024-07-01", "2024-12-31"), 4),
    "pprrvu text": (
        published.pprrvu_text(), {"effective": (date(2025, 10, 1), None)}, "physician_fee", "RVU25D",
        ("2025-10-01", "2025-12-31"), 4,
    ),
    "gpci": (published.gpci(), {}, "gpci", "GPCI2026", ("2026-01-01", "2026-12-31"), 3),
    "gpci text": (published.gpci_text(2025), {}, "gpci", "GPCI2025", ("2025-01-01", "2025-12-31"), 3),
    "counties": (published.counties(), {}, "locality_county", "26LOCCO", ("2026-01-01", "2026-12-31"), 3),
    "counties text": (published.counties_text(), {}, "locality_county", "26LOCCO", ("2026-01-01", "2026-12-31"), 3),
    "zip5": (published.zip5(), {}, "zip_locality", "2026Q3", ("2026-07-01", "2026-12-31"), 3),
    "anesthesia": (published.anesthesia(), {"effective": (date(2025, 1, 1), None)}, "anesthesia_factor", "ANES2025",
                   ("2025-01-01", "2025-12-31"), 3),
    "anesthesia text": (published.anesthesia_text(), {"effective": (date(2025, 1, 1), None)}, "anesthesia_factor",
                        "ANES2025", ("2025-01-01", "2025-12-31"), 2),
    "opps cap": (published.opps_cap(), _JULY, "opps_cap", "2026Q3", ("2026-07-01", "2026-12-31"), 2),
    "opps cap text": (published.opps_cap_text(), _JULY, "opps_cap", "2026Q3", ("2026-07-01", "2026-12-31"), 2),
    "ptp": (published.ptp(), {"kind": "ptp_practitioner"}, "ptp_practitioner", "2026Q3", ("1996-01-01", "2026-12-31"), 4),
    "ptp hospital": (published.ptp(), {"kind": "ptp_hospital"}, "ptp_hospital", "2026Q3", ("1996-01-01", "2026-12-31"), 4),
    "ptp workbook": (published.workbook(_PTP_WORKBOOK), {"kind": "ptp_practitioner"}, "ptp_practitioner", "2026Q3",
                     ("1996-01-01", "2026-12-31"), 4),
    "mue": (published.mue(), _JULY, "mue_practitioner", "2026Q3", ("2026-07-01", "2026-12-31"), 3),
    "mue hospital": (published.mue("Outpatient Hospital Services"), _JULY, "mue_outpatient_hospital", "2026Q3",
                     ("2026-07-01", "2026-12-31"), 3),
    "mue dme": (published.mue("DME Supplier Services"), _JULY, "mue_dme", "2026Q3", ("2026-07-01", "2026-12-31"), 3),
    "add-on text": (published.add_ons_text(), {}, "add_on", "2026Q3", ("2013-01-01", "2026-12-31"), 3),
    "add-on workbook": (published.workbook(_ADD_ON_WORKBOOK), {}, "add_on", "2026Q3", ("2013-01-01", "2026-12-31"), 3),
    "asc aa": (published.asc("AA"), {}, "asc_aa", "2026Q2", ("2026-04-01", "2026-12-31"), 3),
    "asc aa tabs": (published.tabbed(published.asc("AA", "July", 2024)), {}, "asc_aa", "2024Q3",
                    ("2024-07-01", "2024-12-31"), 3),
    "asc bb": (published.asc("BB"), {}, "asc_bb", "2026Q2", ("2026-04-01", "2026-12-31"), 2),
    "asc ee": (published.asc("EE"), {}, "asc_ee", "2026", ("2026-01-01", "2026-12-31"), 2),
    "asc ff": (published.asc("FF"), {}, "asc_ff", "2026Q2", ("2026-04-01", "2026-12-31"), 2),
    "addendum b": (published.addendum_b(), {}, "opps_addendum_b", "2026Q3", ("2026-07-01", "2026-12-31"), 2),
    "icd10": (published.icd10(), {"effective": (date(2025, 10, 1), None)}, "icd10", "FY2026", ("2025-10-01", "2026-09-30"), 3),
    "taxonomy": (published.taxonomy(), {}, "taxonomy", "25.1", ("2025-07-01", "2025-12-31"), 2),
    "adjustments": (published.adjustments(), {}, "adjustment_code", "2024-03-01", ("1995-01-01", "2024-12-31"), 4),
}  # fmt: skip


def _load(folder: Path, content: bytes, **said: Any) -> Loaded:
    (loaded,) = load_files([published.put(folder, content)], path=folder / "catalog.duckdb", **said)
    return loaded


def _rows(folder: Path, table: str, columns: str = "* EXCLUDE release_id") -> list[tuple[Any, ...]]:
    with open_catalog(path=folder / "catalog.duckdb") as catalog:
        return catalog.connection.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


@pytest.mark.parametrize("case", CASES)
def test_a_layout_is_recognised_by_its_content_and_dated_by_it(case: str, tmp_path: Path) -> None:
    content, said, kind, release, days, rows = CASES[case]
    loaded = _load(tmp_path, content, **said)
    assert (loaded.kind, loaded.release, loaded.rows, loaded.rejected) == (kind, release, rows, 0)
    assert (loaded.effective_from.isoformat(), loaded.effective_to.isoformat()) == days
    assert len(_rows(tmp_path, KINDS[kind].tables[0])) == rows


def test_every_kind_has_a_case() -> None:
    assert {case[2] for case in CASES.values()} | {"asc_wage_index"} == set(KINDS)


def test_relative_values_keep_their_columns_in_both_widths_and_in_the_text_form(tmp_path: Path) -> None:
    wanted = (
        "code, modifier, status, work, nf_pe, nf_na, f_pe, f_na, mp, pctc, global_days, pre, intra, post, mult, bilat, asst, "
        "co, team, endo_base, imaging_family"
    )
    contents = (published.pprrvu(), published.pprrvu(2025, "October"), published.pprrvu_text())
    found = []
    for number, content in enumerate(contents):
        folder = tmp_path / str(number)
        folder.mkdir()
        _load(folder, content, effective=(date(2025, 10, 1), None) if number == 2 else None)
        found.append(_rows(folder, "physician_fee", wanted))
        # The column that came in 2026 moves everything after it.
        assert _rows(folder, "physician_fee", "DISTINCT pricing_indicator") == [("9" if not number else "",)]
    assert found[0] == found[1] == found[2]
    assert found[0][1] == (
        "00002", "", "A", Decimal("0.53"), Decimal("3.06"), False, Decimal("3.06"), True, Decimal("0.04"), "0", "000",
        Decimal("0.1"), Decimal("0.8"), Decimal("0.1"), "2", "1", "2", "0", "0", "", "99",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("factor", "year", "whose"),
    [("33.4009", 2026, "non_qualifying_apm"), ("33.5675", 2026, "qualifying_apm"), ("32.3465", 2025, "all")],
)
def test_the_conversion_factor_tells_whom_a_file_is_for(factor: str, year: int, whose: str, tmp_path: Path) -> None:
    _load(tmp_path, published.pprrvu(year, "October", factor))
    assert _rows(tmp_path, "physician_fee", "DISTINCT participation, conversion_factor") == [(whose, Decimal(factor))]


def test_a_factor_that_the_knowledge_does_not_know_is_told_by_the_title_or_by_the_user(tmp_path: Path) -> None:
    plain = published.pprrvu(2027, "January", "31.9999")
    titled = plain.replace(b"January Release", b"January Release nonQPP")
    _load(tmp_path, titled)
    assert _rows(tmp_path, "physician_fee", "DISTINCT participation") == [("non_qualifying_apm",)]
    other = tmp_path / "other"
    other.mkdir()
    _load(other, plain, participation="qualifying_apm")
    assert _rows(other, "physician_fee", "DISTINCT participation") == [("qualifying_apm",)]


def test_localities_have_their_zeros_and_names_no_marks(tmp_path: Path) -> None:
    _load(tmp_path, published.gpci())
    _load(tmp_path, published.counties())
    assert _rows(tmp_path, "gpci")[1] == (
        "02102",
        "01",
        "AK",
        "ALASKA",
        Decimal("1.5"),
        Decimal("1.065"),
        Decimal("0.551"),
    )
    assert ("01112", "05", "CALIFORNIA", "SAN FRANCISCO", "SAN FRANCISCO") in _rows(tmp_path, "locality_county")


def test_both_forms_of_a_table_of_places_hold_the_same(tmp_path: Path) -> None:
    pairs: tuple[tuple[Any, Any, dict[str, Any]], ...] = (
        (published.gpci, published.gpci_text, {}),
        (published.counties, published.counties_text, {}),
        (published.opps_cap, published.opps_cap_text, _JULY),
    )
    for csv_form, text_form, said in pairs:
        _load(tmp_path, csv_form(), **said)
        again = _load(tmp_path, text_form(), **said)
        assert again.state == "already loaded"
        assert again.notes == [f"the same rows as in {tmp_path / 'download.bin'}"]


def test_zip_codes_say_where_five_digits_do_not_decide(tmp_path: Path) -> None:
    _load(tmp_path, published.zip5())
    assert _rows(tmp_path, "zip_locality") == [
        ("35004", "AL", "10112", "00", "", False),
        ("96701", "HI", "01212", "01", "B", True),
        ("99501", "AK", "02102", "01", "R", False),
    ]


def test_the_national_anesthesia_factor_stands_in_the_header(tmp_path: Path) -> None:
    _load(tmp_path, published.anesthesia(), effective=(date(2025, 1, 1), None))
    assert _rows(tmp_path, "anesthesia_factor")[0] == ("", "", Decimal("20.3178"), "all")
    other = tmp_path / "text"
    other.mkdir()
    _load(other, published.anesthesia_text(), effective=(date(2025, 1, 1), None))
    assert _rows(other, "anesthesia_factor", "factor") == [(Decimal("19.31"),), (Decimal("27.86"),)]


@pytest.mark.parametrize("case", ["ptp", "ptp workbook"])
def test_pairs_keep_their_order_their_dates_and_their_history(case: str, tmp_path: Path) -> None:
    content, said, *_ = CASES[case]
    _load(tmp_path, content, **said)
    rows = _rows(tmp_path, "ptp")
    assert rows[0][:7] == ("practitioner", "00001", "00002", "0000100002", date(2026, 7, 1), None, "1")
    assert rows[1][2:] == (
        "0003T",
        "000010003T",
        date(1996, 1, 1),
        date(2023, 12, 31),
        "0",
        'CPT "separate procedure" definition',
    )
    assert [row[6] for row in rows] == ["1", "0", "9", "0"]


def test_unit_limits_keep_zero_and_the_leading_digit_of_the_indicator(tmp_path: Path) -> None:
    _load(tmp_path, published.mue(), **_JULY)
    assert [row[1:4] for row in _rows(tmp_path, "mue")] == [("00001", 1, "2"), ("00002", 0, "1"), ("A0004", 12, "3")]


@pytest.mark.parametrize("case", ["add-on text", "add-on workbook"])
def test_an_add_on_edit_ends_with_itself_or_either_code(case: str, tmp_path: Path) -> None:
    _load(tmp_path, CASES[case][0])
    assert [row[:5] for row in _rows(tmp_path, "add_on")] == [
        ("1", "0003T", "00001", date(2013, 1, 1), None),
        ("2", "A0004", "CCCCC", date(2013, 1, 1), date(2020, 12, 31)),
        ("3", "0003T", "00002", date(2026, 7, 1), date(2024, 3, 31)),
    ]


def test_surgery_center_rates(tmp_path: Path) -> None:
    for addendum in ("AA", "BB", "EE", "FF"):
        _load(tmp_path, published.asc(addendum))
    assert _rows(tmp_path, "asc_rate") == [
        ("AA", "00001", "G2", True, Decimal("8.6202"), Decimal("485.51")),
        ("AA", "00002", "J8", True, Decimal("83.61"), Decimal("4589.82")),
        ("AA", "0003T", "N1", False, None, None),
        ("BB", "00002", "Z2", None, Decimal("12.7708"), Decimal("719.28")),
        ("BB", "A0004", "K2", None, None, Decimal("0.12")),
    ]
    assert _rows(tmp_path, "asc_excluded") == [("00001",), ("0003T",)]
    assert _rows(tmp_path, "asc_apc")[0] == ("00001", "G2", "5443", Decimal("3061.63"), Decimal("0"), Decimal("0"))


def test_the_addendum_ff_of_2024_has_one_column_less(tmp_path: Path) -> None:
    content = published.asc("FF", "January", 2024)
    content = content.replace(b"January 2024 APC Device Offset Percentage,", b"").replace(b"5443,4.75%,", b"5443,")
    content = content.replace(b"N1,,,,,", b"N1,,,,")
    _load(tmp_path, content)
    assert _rows(tmp_path, "asc_apc")[0][2:4] == ("5443", Decimal("3061.63"))


def test_a_wage_index_that_is_ambiguous_or_none_is_kept_aside(tmp_path: Path) -> None:
    loaded = _load(tmp_path, published.wage_index())
    assert (loaded.kind, loaded.release, loaded.rows, loaded.rejected) == ("asc_wage_index", "2026", 2, 3)
    assert _rows(tmp_path, "asc_wage_index") == [
        ("01", "ALABAMA", Decimal("0.6367")),
        ("32420", "Mayagüez, PR", Decimal("0.3759")),
    ]
    reasons = dict(_rows(tmp_path, "rejected", "line, reason"))
    assert reasons[3] == "area 41 has the wage index 0, which says that there is none"
    assert reasons[5] == reasons[6] == "area 10180 has the wage indices 0.9287 and 0.9301; none is taken"


def test_outpatient_rates_and_code_sets(tmp_path: Path) -> None:
    _load(tmp_path, published.addendum_b())
    _load(tmp_path, published.icd10(), effective=(date(2025, 10, 1), None))
    _load(tmp_path, published.taxonomy())
    _load(tmp_path, published.adjustments())
    assert _rows(tmp_path, "opps_addendum_b")[0] == (
        "00001", "T", "5443", Decimal("9.8855"), Decimal("1903.68"), None, Decimal("180.74"),
    )  # fmt: skip
    assert _rows(tmp_path, "icd10")[2] == ("M5450", True, "Low back pain, unspecified")
    assert _rows(tmp_path, "taxonomy")[0][3:] == ("Pain Medicine", "Pain Medicine Physician")
    assert ("carc", "W3", date(2012, 9, 30), None, date(2014, 7, 1)) in _rows(tmp_path, "adjustment_code")


def test_no_descriptor_of_a_procedure_is_kept(tmp_path: Path) -> None:
    for content in (
        published.pprrvu(),
        published.asc("AA"),
        published.asc("EE"),
        published.asc("FF"),
        published.addendum_b(),
    ):
        _load(tmp_path, content)
    assert b"invented" not in (tmp_path / "catalog.duckdb").read_bytes()


def test_numbers_of_a_workbook_are_what_was_typed(tmp_path: Path) -> None:
    header = published.opps_cap().decode().splitlines()[0].split(",")
    # Spreadsheets print the binary fraction nearest to what was typed, and numbers without zeros in front.
    content = published.workbook([header, ("0003T", "TC", "A", 2102, 1, 0.98, 1150.6)], shared=False)
    content = published.rewritten(content, b"<v>0.98</v>", b"<v>0.97999999999999998</v>")
    _load(tmp_path, content, **_JULY)
    assert _rows(tmp_path, "opps_cap") == [("0003T", "TC", "A", "02102", "01", Decimal("0.98"), Decimal("1150.60"))]
