"""Prices from the catalog: small tables with invented numbers, and CMS's own files against formulas written apart."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from facetwise.catalog import load_files, open_catalog
from facetwise.knowledge import Knowledge
from facetwise.payment.price import Pricer
from facetwise.payment.request import Line, LocalityWish, Request
from facetwise.payment.sources import MissingFeesError
from facetwise.problems import FacetwiseError
from fee_tables import SmallCatalog, asc_rows, pprrvu_rows

DAY = date(2026, 8, 3)
_SITES = (("office", 6, 7), ("asc", 8, 9))


def ask(pricer: Pricer, *codes: str, setting: str = "office", **more: Any) -> Any:
    lines = tuple(
        Line(number, code.split("-")[0], tuple(code.split("-")[1:]), 1) for number, code in enumerate(codes, start=1)
    )
    return pricer.price(
        Request(day=more.pop("day", DAY), setting=setting, claim=more.pop("claim", "professional"), lines=lines, **more)
    )


def _fee(code: str, modifier: str = "", status: str = "A", whose: str = "all", **more: Any) -> list[Any]:
    """A row with invented numbers."""
    row = {
        "work": "1.00", "nf_pe": "2.00", "nf_na": False, "f_pe": "0.50", "f_na": False, "mp": "0.10", "pctc": "0",
        "global_days": "000", "mult": "2", "bilat": "1", "asst": "2", "co": "0", "team": "0",
        "conversion_factor": "30.0000", "participation": whose, "cap_nf_pe": "0", "cap_f_pe": "0", "cap_mp": "0",
        **more,
    }  # fmt: skip
    return [code, modifier, status, *row.values()]


@pytest.fixture
def catalog() -> SmallCatalog:
    held = SmallCatalog()
    number = held.add("physician_fee", "RVU-X", "2026-07-01", "2026-09-30")
    imaging = {"mult": "0", "bilat": "0", "cap_nf_pe": "1.00", "cap_f_pe": "1.00", "cap_mp": "0.05"}
    held.insert(
        "physician_fee",
        number,
        [
            _fee("90001"),
            _fee("90002", status="R", mult="0"),
            _fee("90003", **imaging),
            _fee("90003", "TC", f_na=True, **imaging),
            _fee("90004", mult="4"),
            _fee("90005", mult="4"),
            _fee("90006", "53"),
            _fee("90006"),
            _fee("90007", whose="non_qualifying_apm"),
            _fee("90007", whose="qualifying_apm", conversion_factor="31.0000"),
        ],
    )
    indices = held.add("gpci", "GPCI-X", "2026-01-01", "2026-12-31")
    held.insert("gpci", indices, [["99999", "01", "ZZ", "NOWHERE", "1.1", "0.9", "2"]])
    zips = held.add("zip_locality", "ZIP-X", "2026-07-01", "2026-09-30")
    held.insert(
        "zip_locality",
        zips,
        [["00001", "ZZ", "99999", "01", "", False], ["00002", "ZZ", "99999", "01", "", True]],
    )
    caps = held.add("opps_cap", "CAP-X", "2026-07-01", "2026-09-30")
    held.insert("opps_cap", caps, [["90003", "", "A", "99999", "01", "40.00", "41.00"]])
    return held


def test_the_users_file_comes_before_the_knowledge(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    number = catalog.loaded[0].id
    catalog.insert("physician_fee", number, [_fee("64493")])
    pricer = Pricer(knowledge, catalog)
    inside, outside = ask(pricer, "64493"), ask(pricer, "64493", day=date(2026, 3, 2))
    assert (inside.lines[0].base, inside.lines[0].release) == ("93.00", "RVU-X")
    assert (outside.lines[0].base, outside.lines[0].release) == ("190.39", "RVU26C")
    assert {(one.kind, one.origin) for one in inside.releases} >= {("physician_fee", "catalog")}


def test_locality_by_key_zip_and_state(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    pricer = Pricer(knowledge, catalog)
    # (1.00 x 1.1 + 2.00 x 0.9 + 0.10 x 2) x 30
    for wish in (LocalityWish("99999", "01"), LocalityWish(zip_code="00001"), LocalityWish(state="ZZ")):
        assert ask(pricer, "90001", place=wish).allowed == "93.00"
    with pytest.raises(FacetwiseError, match="nine digits decide"):
        ask(pricer, "90001", place=LocalityWish(zip_code="00002"))
    with pytest.raises(FacetwiseError, match="zip '00003' is in no Medicare locality"):
        ask(pricer, "90001", place=LocalityWish(zip_code="00003"))


def test_the_opps_cap_by_formula_and_by_printed_amount(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    pricer = Pricer(knowledge, catalog)
    national = ask(pricer, "90003")
    assert (national.lines[0].base, national.allowed) == ("93.00", "61.50")
    assert national.lines[0].adjustments[0].rule == "opps-cap"
    assert ask(pricer, "90003", place=LocalityWish("99999", "01")).allowed == "41.00"
    # In a facility the plain fee, (1.00 + 0.50 + 0.10) x 30, is the lower one.
    assert ask(pricer, "90003", setting="asc").allowed == "48.00"


@pytest.mark.parametrize(("apm", "base"), [(True, "96.10"), (False, "93.00")])
def test_the_factor_of_the_participation(knowledge: Knowledge, catalog: SmallCatalog, apm: bool, base: str) -> None:
    catalog.connection.execute("DELETE FROM physician_fee WHERE participation = 'all'")
    assert ask(Pricer(knowledge, catalog), "90007", apm_participant=apm).lines[0].base == base


def test_a_factor_that_is_not_loaded_comes_from_the_knowledge(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    catalog.connection.execute("DELETE FROM physician_fee WHERE participation <> 'non_qualifying_apm'")
    answer = ask(Pricer(knowledge, catalog), "90007", apm_participant=True)
    assert (answer.conversion_factor, answer.lines[0].base) == ("33.5675", "104.06")


def test_restricted_codes_are_priced_and_unknown_reductions_said(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    pricer = Pricer(knowledge, catalog)
    assert ask(pricer, "90002").allowed == "93.00"
    answer = ask(pricer, "90004", "90005")
    assert answer.allowed == "186.00"
    assert "multiple-procedure indicator 4" in " ".join(one.message for one in answer.findings)


def test_a_row_of_its_own_for_a_modifier(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    assert ask(Pricer(knowledge, catalog), "90006-53").allowed == "93.00"


def test_a_code_that_the_release_does_not_have(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    with pytest.raises(FacetwiseError, match="code '90008' is not in the physician fee schedule") as caught:
        ask(Pricer(knowledge, catalog), "90008")
    assert caught.value.exit_code == 2
    assert "did you mean '9000" in str(caught.value)


def test_a_day_without_a_release_exits_3(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    for day in (date(2026, 3, 2), date(2027, 1, 1), date(2019, 5, 1)):
        with pytest.raises(MissingFeesError, match="and load it with") as caught:
            ask(Pricer(knowledge, catalog), "90001", day=day)
        assert caught.value.exit_code == 3


def test_many_claims_cost_few_queries(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    pricer = Pricer(knowledge, catalog)
    requests = [Request(DAY, "office", "professional", (Line(1, "90001", (), 1),)) for _ in range(50)]
    pricer.prefetch(requests)
    for one in requests:
        pricer.price(one)
    assert catalog.queries < 15


def test_hospital_lines_with_status_indicators(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    number = catalog.add("opps_addendum_b", "B-X", "2026-07-01", "2026-09-30")
    catalog.insert(
        "opps_addendum_b",
        number,
        [
            ["90001", "J1", "5431", "10", "1000.00", "250.00", "200.00"],
            ["90002", "J1", "5432", "9", "900.00", "180.00", "180.00"],
            ["90003", "N", "", None, None, None, None],
            ["90004", "T", "5443", "5", "500.00", None, "100.00"],
            ["90005", "T", "5442", "4", "400.00", None, "80.00"],
            ["90006", "S", "5441", "3", "300.00", None, "60.00"],
            ["90007", "Q9", "5441", "3", "300.00", None, "60.00"],
        ],
    )
    pricer = Pricer(knowledge, catalog)

    def paid(*codes: str) -> list[str | None]:
        return [one.allowed for one in ask(pricer, *codes, setting="hopd", claim="facility").lines]

    assert paid("90001", "90002", "90003", "90006") == ["1000.00", "0.00", "0.00", "0.00"]
    assert paid("90004", "90005", "90006", "90003") == ["500.00", None, "300.00", "0.00"]
    assert paid("90007") == [None]
    alone = ask(pricer, "90001", setting="hopd", claim="facility")
    assert (alone.patient_pays, alone.medicare_pays, alone.after_sequestration) == ("250.00", "750.00", "735.00")


def test_surgery_center_tables(knowledge: Knowledge, catalog: SmallCatalog) -> None:
    for kind, addendum, row in (
        ("asc_aa", "AA", ["90001", "G2", True, "1", "100.00"]),
        ("asc_bb", "BB", ["90002", "K2", False, "1", "7.00"]),
    ):
        number = catalog.add(kind, f"{addendum}-X", "2026-07-01", "2026-09-30")
        catalog.insert("asc_rate", number, [[addendum, *row]])
    catalog.insert("asc_excluded", catalog.add("asc_ee", "EE-X", "2026-07-01", "2026-09-30"), [["90003"]])
    wages = catalog.add("asc_wage_index", "WI-X", "2026-01-01", "2026-12-31")
    catalog.insert("asc_wage_index", wages, [["10001", "Here", "0.8"], ["10002", "A", "1"], ["10002", "B", "1.1"]])
    pricer = Pricer(knowledge, catalog)
    answer = ask(pricer, "90001", "90002", "90003", "90009", setting="asc", claim="facility", cbsa="10001")
    assert [one.allowed for one in answer.lines] == ["90.00", "6.30", None, None]
    assert [one.release for one in answer.lines] == ["AA-X", "BB-X", "EE-X", ""]
    for area in ("10002", "10003"):
        with pytest.raises(FacetwiseError, match="wage indices"):
            ask(pricer, "90001", setting="asc", claim="facility", cbsa=area)


# -- CMS's own files


def _path(root: Path, *parts: str) -> Path:
    path = root.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{path.name} is not on this machine")
    return path


def _cents(row: list[str], expense: int, factor: str, malpractice: int = 10) -> str:
    """Hundredths of a unit times ten-thousandths of a dollar are millionths of a dollar; a cent is 10,000 of them."""
    total = sum(round(float(row[place]) * 100) for place in (5, expense, malpractice))
    millionths = total * round(float(factor) * 10000)
    cents = (millionths * 2 + 10000) // 20000
    return f"{cents // 100}.{cents % 100:02d}"


@pytest.mark.parametrize(
    ("file", "day", "factor", "count", "capped"),
    [
        (("2026", "PPRRVU2026_Jul_nonQPP.csv"), DAY, 25, 9408, 58),
        (("2025", "PPRRVU2025_Oct.csv"), date(2025, 11, 3), 24, 9021, 58),
    ],
)
def test_every_active_row_against_a_second_formula(
    knowledge: Knowledge,
    shared_data: Path,
    file: tuple[str, str],
    day: date,
    factor: int,
    count: int,
    capped: int,
) -> None:
    path = _path(shared_data, "cms", "mpfs", *file)
    catalog = SmallCatalog()
    span = (f"{day.year}-07-01", f"{day.year}-12-31")
    whose = "non_qualifying_apm" if day.year == 2026 else "all"
    catalog.load_pprrvu(path, "RVU", *span, participation=whose, factor=factor)
    rows = [row for row in pprrvu_rows(path) if row[3] == "A"]
    pricer = Pricer(knowledge, catalog)
    requests = [
        Request(day, setting, "professional", (Line(1, row[0], (row[1],) if row[1] else (), 1),))
        for row in rows
        for setting, _, _ in _SITES
    ]
    pricer.prefetch(requests)
    asked = iter(requests)
    wrong, held_down, unpaid = [], 0, 0
    for row in rows:
        for setting, expense, flag in _SITES:
            answer = pricer.price(next(asked))
            plain = _cents(row, expense, row[factor])
            wanted: str | None = plain
            cap = row[factor + 4 + (setting == "asc")]
            if row[flag] == "NA":
                wanted, unpaid = None, unpaid + 1
            elif float(cap) > 0:
                limit = [*row]
                limit[expense], limit[10] = cap, row[factor + 6]
                capped_fee = _cents(limit, expense, row[factor])
                if Decimal(capped_fee) < Decimal(plain):
                    wanted, held_down = capped_fee, held_down + (setting == "office")
            if answer.lines[0].allowed != wanted:
                wrong.append((row[0], row[1], setting, answer.lines[0].allowed, wanted))
    assert wrong == []
    print(f"{path.name}: {len(rows)} active rows in both settings, {unpaid} not paid there, {held_down} under the cap")
    assert (len(rows), held_down) == (count, capped)


def test_the_cap_by_formula_is_the_printed_cap_in_every_locality(knowledge: Knowledge, shared_data: Path) -> None:
    folder = shared_data / "cms" / "mpfs" / "2025"
    catalog = SmallCatalog()
    catalog.load_pprrvu(
        _path(folder, "PPRRVU2025_Oct.csv"), "RVU25D", "2025-10-01", "2025-12-31", participation="all", factor=24
    )
    indices = catalog.add("gpci", "GPCI2025", "2025-01-01", "2025-12-31")
    with _path(folder, "GPCI2025.csv").open(encoding="latin-1", newline="") as file:
        localities = [row for row in csv.reader(file) if len(row) > 6 and row[0].strip().isdigit()]
    catalog.insert(
        "gpci", indices, [[row[0].strip(), row[2].strip(), row[1].strip(), row[3], *row[4:7]] for row in localities]
    )
    active = {(row[0], row[1]) for row in pprrvu_rows(folder / "PPRRVU2025_Oct.csv") if row[3] == "A"}
    with _path(folder, "OPPSCAP_Oct.csv").open(encoding="latin-1", newline="") as file:
        printed = {
            (row["CARRIER"], row["LOCALITY"], row["HCPCS"], row["MOD"].strip()): row["NON-FACILTY PRICE"]
            for row in csv.DictReader(file)
            if (row["HCPCS"], row["MOD"].strip()) in active
        }
    pricer = Pricer(knowledge, catalog)
    day = date(2025, 11, 3)
    equal = 0
    sample = {("01112", "05"), ("10112", "00"), ("02102", "01"), ("13202", "01"), ("15202", "00")}
    for (mac, locality, code, modifier), price in printed.items():
        if (mac, locality) not in sample:
            continue
        answer = ask(pricer, f"{code}-{modifier}" if modifier else code, day=day, place=LocalityWish(mac, locality))
        assert Decimal(answer.allowed) == Decimal(price), (mac, locality, code, modifier)
        equal += 1
    assert equal == 5 * 58


def test_ohio_of_2020_through_the_whole_of_pricing(knowledge: Knowledge, shared_data: Path) -> None:
    """Every price that CMS printed for a row paid in the setting, from the relative values and indices of that year."""
    folder = shared_data / "cms" / "mpfs"
    catalog = SmallCatalog()
    number = catalog.add("physician_fee", "RVU20D", "2020-10-01", "2020-12-31")
    with gzip.open(
        _path(folder, "history", "pprrvu_2020d_2023d_flat.csv.gz"), "rt", encoding="utf-8", newline=""
    ) as file:
        rows = [row for row in csv.DictReader(file) if row["year"] == "2020"]
    names = [
        "hcpcs",
        "mod",
        "status_code",
        "work_rvu",
        "non_fac_pe_rvu",
        "non_fac_indicator",
        "facility_pe_rvu",
        "facility_indicator",
        "mp_rvu",
        "pctc_ind",
        "glob_days",
        "mult_proc",
        "bilat_surg",
        "asst_surg",
        "co_surg",
        "team_surg",
        "conv_factor",
    ]
    values = [[row[name] == "NA" if name.endswith("_indicator") else row[name] for name in names] for row in rows]
    catalog.connection.execute(
        f"INSERT INTO physician_fee SELECT {number}, c.* , 'all', NULL, NULL, NULL FROM "
        "(SELECT unnest(?) AS c0) AS t(c0), LATERAL (SELECT c0[1], c0[2], c0[3], c0[4]::DECIMAL(9,4), "
        "c0[5]::DECIMAL(9,4), c0[6]::BOOLEAN, c0[7]::DECIMAL(9,4), c0[8]::BOOLEAN, c0[9]::DECIMAL(9,4), c0[10], c0[11], "
        "c0[12], c0[13], c0[14], c0[15], c0[16], c0[17]::DECIMAL(10,4)) AS c",
        [[[str(value) for value in row] for row in values]],
    )
    paid = {
        (row["hcpcs"], row["mod"]): (row["non_fac_indicator"] != "NA", row["facility_indicator"] != "NA")
        for row in rows
    }
    with _path(folder, "2020", "pfs_locality_15202_00_2020.csv").open(encoding="utf-8", newline="") as file:
        printed = list(csv.DictReader(file))
    day = date(2020, 11, 2)
    place = LocalityWish("15202", "00")
    pricer = Pricer(knowledge, catalog)
    cases = []
    for row in printed:
        key = row["hcpcs"], row["mod"]
        lines = (Line(1, key[0], (key[1],) if key[1] else (), 1),)
        for setting, column, is_paid in zip(
            ("office", "asc"), ("non_facility_fee", "facility_fee"), paid[key], strict=True
        ):
            if is_paid:
                cases.append((Request(day, setting, "professional", lines, place=place), Decimal(row[column])))
    pricer.prefetch([request for request, _ in cases])
    wrong = [
        (request.lines[0], request.setting, fee)
        for request, fee in cases
        if Decimal(pricer.price(request).lines[0].allowed or -1) != fee
    ]
    print(f"Ohio 2020: {len(cases)} prices of {2 * len(printed)}, the others NA in that setting")
    assert wrong == []
    assert len(printed) == 8994


@pytest.mark.parametrize("quarter", ["2025_20250101", "2025_20251001", "2026_20260101", "2026_20260401"])
def test_every_surgery_center_rate_is_the_printed_one(knowledge: Knowledge, shared_data: Path, quarter: str) -> None:
    path = _path(shared_data, "cms", "asc", f"{quarter}_AA.csv")
    start = date(int(quarter[5:9]), int(quarter[9:11]), 1)
    catalog = SmallCatalog()
    catalog.load_asc(path, quarter, start.isoformat(), f"{start.year}-12-31")
    pricer = Pricer(knowledge, catalog)
    rows = asc_rows(path)
    # Rates one claim a code would be one query each; what is not ranked is priced together, the ranked by their base.
    lines = tuple(Line(number, row[0], (), 1) for number, row in enumerate(rows, start=1))
    answer = pricer.price(Request(start, "asc", "facility", lines))
    for row, one in zip(rows, answer.lines, strict=True):
        wanted = "0.00" if row[4] == "N1" else f"{Decimal(row[6]):.2f}" if row[6] else None
        assert one.base == wanted, row[0]
        if wanted is not None and row[3] != "Y":
            assert one.allowed == wanted
    ranked = [Decimal(row[6]) for row in rows if row[3] == "Y" and row[6]]
    halves = sum(((rate / 2).quantize(Decimal("0.01"), "ROUND_HALF_UP") for rate in ranked), Decimal(0))
    highest = max(ranked)
    whole = halves - (highest / 2).quantize(Decimal("0.01"), "ROUND_HALF_UP") + highest
    apart = sum((Decimal(row[6]) for row in rows if row[3] != "Y" and row[6]), Decimal(0))
    assert Decimal(answer.allowed) == whole + apart


@pytest.mark.parametrize(
    ("quarter", "file", "factor", "equal", "with_parts", "near", "count"),
    [
        # January and April print the same rates; the values are those of July, where practice expense had moved.
        ("2026_20260101", ("2026", "PPRRVU2026_Jul_nonQPP.csv"), "33.5675", 308, 317, 76, 403),
        ("2026_20260401", ("2026", "PPRRVU2026_Jul_nonQPP.csv"), "33.5675", 308, 317, 76, 403),
        ("2025_20251001", ("2025", "PPRRVU2025_Oct.csv"), "32.3465", 396, 406, 0, 406),
    ],
)
def test_how_many_office_based_rates_are_practice_expense_times_the_factor(
    shared_data: Path,
    quarter: str,
    file: tuple[str, str],
    factor: str,
    equal: int,
    with_parts: int,
    near: int,
    count: int,
) -> None:
    """Where a code has a technical part, the rate is that part's practice expense: it explains all that is left of 2025."""
    expense = {(row[0], row[1]): Decimal(row[6]) for row in pprrvu_rows(_path(shared_data, "cms", "mpfs", *file))}
    rates = {
        row[0]: Decimal(row[6])
        for row in asc_rows(_path(shared_data, "cms", "asc", f"{quarter}_AA.csv"))
        if row[4] == "P3"
    }

    def is_rate(code: str, value: Decimal) -> bool:
        return (value * Decimal(factor)).quantize(Decimal("0.01"), "ROUND_HALF_UP") == rates[code]

    whole = [code for code in rates if is_rate(code, expense[code, ""])]
    part = {code: expense.get((code, "TC"), expense[code, ""]) for code in rates}
    fitting = [code for code in rates if is_rate(code, part[code])]
    step = Decimal("0.01")
    by_a_step = [
        code
        for code in rates
        if code not in fitting and (is_rate(code, part[code] + step) or is_rate(code, part[code] - step))
    ]
    print(
        f"{quarter}: {len(whole)} of {len(rates)} P3 rates equal; {len(fitting)} with the technical part where there is "
        f"one; {len(by_a_step)} differ by 0.01 unit, {len(rates) - len(fitting) - len(by_a_step)} by more"
    )
    assert (len(whole), len(fitting), len(by_a_step), len(rates)) == (equal, with_parts, near, count)


def test_files_loaded_as_users_load_them(knowledge: Knowledge, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "cms"
    files = [
        _path(folder, "mpfs", "2026", "PPRRVU2026_Jul_nonQPP.csv"),
        _path(folder, "mpfs", "2026", "GPCI2026.csv"),
        _path(folder, "mpfs", "2025", "ZIP5_OCT2025.txt"),
        _path(folder, "asc", "2026_20260401_AA.csv"),
        _path(folder, "asc", "2026_20260401_EE.csv"),
        _path(folder, "asc", "2026_wage_index.csv"),
    ]
    path = tmp_path / "catalog.duckdb"
    load_files(files, path=path)
    with open_catalog(path=path) as catalog:
        pricer = Pricer(knowledge, catalog)
        ohio = LocalityWish(state="OH")
        # A code that the knowledge does not carry, and one that it does; amounts computed by hand.
        office = ask(pricer, "70553", "64493-50", place=ohio)
        assert [one.base for one in office.lines] == ["296.39", "178.57"]
        assert {(one.kind, one.origin) for one in office.releases} >= {
            ("physician_fee", "catalog"),
            ("gpci", "catalog"),
        }
        assert ask(pricer, "64493", place=ohio, apm_participant=True).conversion_factor == "33.5675"
        center = ask(pricer, "64493-RT", "64493-LT", "64999", setting="asc", claim="facility", cbsa="18140")
        assert [one.allowed for one in center.lines] == ["469.93", "234.97", None]
        with pytest.raises(FacetwiseError, match=r"did you mean '6449[0-5]'"):
            ask(pricer, "64496")
