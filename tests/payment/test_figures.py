"""Tables of prices, use and edits: against each other, against typed figures, and against the files they come from."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from facetwise.knowledge import Knowledge
from facetwise.payment import fees
from facetwise.payment.money import to_cents

FACET = ("64490", "64491", "64492", "64493", "64494", "64495", "64633", "64634", "64635", "64636")


def _records(knowledge: Knowledge, table: str, day: str = "") -> Iterator[dict[str, Any]]:
    for _, record in knowledge.store.tables[table].records(date.fromisoformat(day) if day else None):
        yield record


def _file(shared_data: Path, *parts: str) -> Path:
    path = shared_data.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{path.name} is not on this machine")
    return path


def _csv(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# Prices


def test_negotiated_professional_rates_rest_on_national_amounts_of_2020(knowledge: Knowledge) -> None:
    multiples = {
        "specialist": Decimal("1.65"),
        "hospitalist": Decimal("1.91"),
        "primary_care_provider": Decimal("1.56"),
        "non_physician": Decimal("1.312"),
    }
    compared = 0
    for record in _records(knowledge, "prices/negotiated"):
        if record["code"] not in FACET or record["schedule"] not in multiples:
            continue
        setting = {"non_facility": "office", "facility": "facility"}[record["setting"]]
        priced = fees.national(knowledge.store, record["code"], date(2020, 7, 1), setting)
        assert priced is not None
        wanted = to_cents(Decimal("0.8") * to_cents(multiples[record["schedule"]] * priced[0]))
        assert record["rate"] == wanted, record
        compared += 1
    assert compared == 80


@pytest.mark.parametrize(
    ("code", "schedule", "setting", "rate"),
    [
        ("64490", "specialist", "non_facility", "258.21"),
        ("64495", "specialist", "facility", "71.94"),
        ("64635", "specialist", "non_facility", "562.61"),
        ("64636", "freestanding_imaging", "non_facility", "528.33"),
        ("64493", "hospital_outpatient_facility_fee", None, "2258.0"),
        ("64635", "hospital_outpatient_facility_fee", None, "4783.0"),
        ("64495", "hospital_outpatient_facility_fee", None, None),
    ],
)
def test_negotiated_rates(
    knowledge: Knowledge, code: str, schedule: str, setting: str | None, rate: str | None
) -> None:
    found = [
        record["rate"]
        for record in _records(knowledge, "prices/negotiated")
        if (record["code"], record["schedule"]) == (code, schedule) and setting in (None, record["setting"])
    ]
    assert found == ([Decimal(rate)] if rate else [])


def test_negotiated_facility_rates_rest_on_hospital_rates_of_2024(knowledge: Knowledge) -> None:
    for code, rate in (("64493", "2258.0"), ("62323", "1713.1")):
        held = fees.hospital(knowledge.store, code, date(2024, 7, 1))
        assert held is not None
        assert held.rate is not None
        assert round(held.rate * Decimal("2.6"), 1) == Decimal(rate)


@pytest.mark.parametrize(
    ("code", "price", "hospitals", "median"),
    [
        ("64490", "cash", 2224, 1570),
        ("64493", "cash", 2377, 1614),
        ("64495", "cash", 2049, 824),
        ("64636", "cash", 1874, 1279),
        ("64493", "gross", 2618, 2947),
        ("64635", "gross", 2227, 4876),
    ],
)
def test_posted_prices(knowledge: Knowledge, code: str, price: str, hospitals: int, median: int) -> None:
    found = [
        record
        for record in _records(knowledge, "prices/hospital-posted", "2026-01-28")
        if (record["code"], record["price"]) == (code, price)
    ]
    assert [(record["hospitals"], int(to_cents(record["p50"]) + Decimal("0.5"))) for record in found] == [
        (hospitals, median)
    ]
    assert list(_records(knowledge, "prices/hospital-posted", "2026-01-27")) == []


def test_posted_percentiles_are_those_of_the_data_set(knowledge: Knowledge, shared_data: Path) -> None:
    highest: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    for row in _csv(_file(shared_data, "prices", "hospital_posted_prices_facet_2026.csv.gz")):
        held = highest[row["hcpcs"], row["price_type"]]
        held[row["ccn"]] = max(Decimal(row["price"]), held.get(row["ccn"], Decimal()))
    for record in _records(knowledge, "prices/hospital-posted"):
        prices = sorted(highest[record["code"], record["price"]].values())
        assert len(prices) == record["hospitals"]
        for percent in (10, 25, 50, 75, 90):
            assert abs(_percentile(prices, percent) - record[f"p{percent}"]) <= Decimal("0.01"), record


def _percentile(prices: list[Decimal], percent: int) -> Decimal:
    place = Decimal(percent * (len(prices) - 1)) / 100
    low = int(place)
    high = min(low + 1, len(prices) - 1)
    return prices[low] + (prices[high] - prices[low]) * (place - low)


def test_each_line_of_the_remittance_adds_up(knowledge: Knowledge) -> None:
    paid_lines = 0
    for record in _records(knowledge, "prices/remittance-2017"):
        parts = [record[name] or Decimal() for name in ("paid", "co45", "co59", "co253", "pr2")]
        other = Decimal(record["other_adjustment"].split()[1]) if record["other_adjustment"] else Decimal()
        if record["paid"]:
            assert record["charge"] == sum(parts) + other, record
            coinsurance = to_cents(record["allowed"] * Decimal("0.2"))
            assert record["pr2"] == coinsurance
            assert record["co253"] == to_cents((record["allowed"] - coinsurance) * Decimal("0.02"))
            assert record["paid"] == record["allowed"] - record["pr2"] - record["co253"]
            paid_lines += 1
        else:
            assert record["charge"] == other
    assert paid_lines == 4


# Use


@pytest.mark.parametrize(
    ("code", "place", "providers", "beneficiaries", "services", "a_day", "charge", "allowed"),
    [
        ("64633", "F", 5661, 30584, 70975, "1.137", "3216.30", "455.04"),
        ("64633", "O", 3279, 24775, 31368, "1.000", "2018.74", "474.23"),
        ("64634", "F", 3970, 26670, 37682, "1.139", "905.81", "73.95"),
        ("64634", "O", 3160, 23083, 32982, "1.130", "1056.35", "273.06"),
        ("64635", "F", 7317, 103900, 245653, "1.207", "3314.08", "458.01"),
        ("64635", "O", 4527, 91470, 116037, "1.000", "2140.96", "514.63"),
        ("64636", "F", 5434, 93809, 128990, "1.127", "892.26", "70.76"),
        ("64636", "O", 4433, 86676, 123061, "1.119", "1046.46", "271.11"),
    ],
)
def test_national_counts_of_2023(
    knowledge: Knowledge,
    code: str,
    place: str,
    providers: int,
    beneficiaries: int,
    services: int,
    a_day: str,
    charge: str,
    allowed: str,
) -> None:
    (record,) = (
        record
        for record in _records(knowledge, "usage/geography-2023")
        if (record["level"], record["code"], record["place"]) == ("national", code, place)
    )
    assert (record["providers"], record["beneficiaries"], record["services"]) == (providers, beneficiaries, services)
    assert round(record["services"] / record["beneficiary_days"], 3) == Decimal(a_day)
    assert to_cents(record["mean_charge"]) == Decimal(charge)
    assert to_cents(record["mean_allowed"]) == Decimal(allowed)


@pytest.mark.parametrize(("code", "total"), [("64633", 102343), ("64634", 70664), ("64635", 361690), ("64636", 252051)])
def test_state_rows_add_up_to_the_national_one(knowledge: Knowledge, code: str, total: int) -> None:
    sums: Counter[str] = Counter()
    for record in _records(knowledge, "usage/geography-2023"):
        if record["code"] == code:
            sums[record["level"]] += int(record["services"])
    assert sums["national"] == total
    assert 0 <= sums["national"] - sums["state"] <= 46


def test_the_geography_rows_are_those_of_the_published_file(knowledge: Knowledge, shared_data: Path) -> None:
    names = {
        "providers": "Tot_Rndrng_Prvdrs",
        "beneficiaries": "Tot_Benes",
        "services": "Tot_Srvcs",
        "beneficiary_days": "Tot_Bene_Day_Srvcs",
        "mean_charge": "Avg_Sbmtd_Chrg",
        "mean_allowed": "Avg_Mdcr_Alowd_Amt",
        "mean_payment": "Avg_Mdcr_Pymt_Amt",
        "mean_standardized": "Avg_Mdcr_Stdzd_Amt",
    }
    published = {
        (row["Rndrng_Prvdr_Geo_Lvl"].lower(), row["Rndrng_Prvdr_Geo_Desc"], row["HCPCS_Cd"], row["Place_Of_Srvc"]): {
            name: Decimal(row[column]) for name, column in names.items()
        }
        for row in _csv(_file(shared_data, "cms", "utilization", "mup_phy_2023_geo_rf_codes.csv"))
    }
    held = {
        (record["level"], record["name"], record["code"], record["place"]): {
            name: Decimal(record[name]) for name in names
        }
        for record in _records(knowledge, "usage/geography-2023")
    }
    assert len(published) == 790
    assert held == published


@pytest.mark.parametrize(
    ("code", "total", "published"),
    [
        ("64490", 1847212, True),
        ("64493", 6548453, False),
        ("64494", 4059820, True),
        ("64633", 627944, True),
        ("64635", 3171735, False),
        ("64636", 3293248, True),
    ],
)
def test_ten_years_of_the_provider_file(knowledge: Knowledge, code: str, total: int, published: bool) -> None:
    years = {
        record["year"]: record["services"]
        for record in _records(knowledge, "usage/national-2014-2023")
        if record["code"] == code
    }
    assert years["2014-2023"] == total
    if published:
        assert sum(amount for year, amount in years.items() if year != "2014-2023") == total


@pytest.mark.parametrize(
    ("add_on", "primary", "percent"),
    [
        ("64494", "64493", "82.5"),
        ("64495", "64493", "45.4"),
        ("64492", "64490", "56.7"),
        ("64634", "64633", "163.8"),
        ("64636", "64635", "158.7"),
    ],
)
def test_ratios_in_the_small_jurisdictions_of_2012(
    knowledge: Knowledge, add_on: str, primary: str, percent: str
) -> None:
    sums: Counter[str] = Counter()
    for record in _records(knowledge, "usage/subset-2012"):
        sums[record["code"]] += int(record["services"])
    assert round(Decimal(100 * sums[add_on]) / sums[primary], 1) == Decimal(percent)


JURISDICTIONS_2012 = "AK DC DE HI ID ME MT ND NE NH NM NV PR RI SD UT VT WV WY"


def test_the_subset_of_2012_has_19_jurisdictions(knowledge: Knowledge) -> None:
    states = {record["state"] for record in _records(knowledge, "usage/subset-2012")}
    assert states == set(JURISDICTIONS_2012.split())


# Edits


def _unit_edit(knowledge: Knowledge, code: str, table: str, day: str) -> list[tuple[str, int, str, str | None]]:
    return [
        (record["edition"], record["value"], record["mai"], row.evidence)
        for row, record in knowledge.store.tables["edits/mue"].records(date.fromisoformat(day))
        if (record["code"], record["table"]) == (code, table)
    ]


@pytest.mark.parametrize(
    ("code", "table", "day", "edition", "value", "mai", "evidence"),
    [
        ("64495", "practitioner", "2024-07-01", "2024Q3", 1, "2", None),
        ("64495", "practitioner", "2024-09-30", "2024Q3", 1, "2", None),
        ("64495", "practitioner", "2024-10-01", "2024Q3", 1, "2", "inferred"),
        ("64495", "practitioner", "2026-03-31", "2024Q3", 1, "2", "inferred"),
        ("64495", "practitioner", "2026-04-01", "2026Q2", 1, "2", None),
        ("64635", "practitioner", "2026-09-30", "2026Q2", 1, "2", None),
        ("64635", "practitioner", "2026-10-01", "v32.3", 1, "2", None),
        ("64634", "practitioner", "2026-10-01", "v32.3", 4, "3", None),
        ("64636", "practitioner", "2024-07-01", "2024Q3", 4, "3", None),
        ("64636", "outpatient_hospital", "2024-09-30", "2024Q3", 4, "3", None),
        ("64636", "outpatient_hospital", "2024-10-01", "2024Q3", 4, "3", "inferred"),
        ("64772", "practitioner", "2026-10-01", "v32.3", 6, "3", None),
        ("99153", "practitioner", "2026-07-01", "2026Q2", 9, "3", None),
        ("99153", "outpatient_hospital", "2024-07-01", "2024Q3", 12, "3", None),
        ("J2001", "practitioner", "2026-03-31", "2024Q3", 60, "3", "inferred"),
        ("J2001", "outpatient_hospital", "2024-07-01", "2024Q3", 400, "3", None),
        ("J1010", "practitioner", "2026-04-01", "2026Q2", 160, "3", None),
    ],
)
def test_unit_edits_by_edition(
    knowledge: Knowledge, code: str, table: str, day: str, edition: str, value: int, mai: str, evidence: str | None
) -> None:
    assert _unit_edit(knowledge, code, table, day) == [(edition, value, mai, evidence)]


@pytest.mark.parametrize(
    ("code", "table", "day"),
    [
        ("64495", "practitioner", "2024-06-30"),
        ("64772", "practitioner", "2026-09-30"),
        ("J2001", "practitioner", "2026-04-01"),
        ("J1010", "practitioner", "2026-03-31"),
        ("01991", "practitioner", "2026-07-01"),
        ("01940", "outpatient_hospital", "2024-07-01"),
    ],
)
def test_unit_edits_that_are_not_held(knowledge: Knowledge, code: str, table: str, day: str) -> None:
    assert _unit_edit(knowledge, code, table, day) == []


@pytest.mark.parametrize(
    ("table", "edition", "name", "columns"),
    [
        ("practitioner", "2026Q2", "mue_practitioner_2026q2_flat.csv", ("hcpcs", "mue", "mai", "rationale")),
        (
            "outpatient_hospital",
            "2024Q3",
            "mue_outpatient_2024q3_flat.csv",
            ("hcpcs_code", "mue_units", "mue_mai", "mue_rationale"),
        ),
    ],
)
def test_unit_edits_are_those_of_the_files(
    knowledge: Knowledge, shared_data: Path, table: str, edition: str, name: str, columns: tuple[str, str, str, str]
) -> None:
    code, *rest = columns
    published = {row[code]: tuple(row[one] for one in rest) for row in _csv(_file(shared_data, "cms", "ncci", name))}
    held = [
        record
        for record in _records(knowledge, "edits/mue")
        if (record["table"], record["edition"]) == (table, edition)
    ]
    assert len(held) > 50
    for record in held:
        assert (str(record["value"]), record["mai"], record["rationale"]) == published[record["code"]]


PRIMARIES_OF_77003 = "61050 61055 62267 62273 62280 62281 62282 62284 64449 64510 64517 64520 64610 96450"
ADD_ON_PRIMARIES = {
    "64491": {"64490"},
    "64492": {"64490", "64491"},
    "64494": {"64490", "64493"},
    "64495": {"64493", "64494"},
    "64634": {"64633"},
    "64636": {"64635"},
    "64480": {"64479"},
    "64484": {"64483"},
    "0214T": {"0213T"},
    "0215T": {"0213T", "0214T"},
    "0217T": {"0216T"},
    "0218T": {"0216T", "0217T"},
    "99153": {"99151", "99152", "G0500"},
}


def test_add_ons_and_their_primaries(knowledge: Knowledge) -> None:
    held: dict[str, set[str]] = defaultdict(set)
    for record in _records(knowledge, "edits/add-on-codes", "2024-06-03"):
        assert record["type"] == "1"
        held[record["add_on"]].add(record["primary"])
    assert {code: held[code] for code in ADD_ON_PRIMARIES} == ADD_ON_PRIMARIES
    assert held["77003"] == set(PRIMARIES_OF_77003.split())
    assert len(held["77002"]) == 73
    assert list(_records(knowledge, "edits/add-on-codes", "2024-06-02")) == []


def test_add_ons_are_those_of_the_file(knowledge: Knowledge, shared_data: Path) -> None:
    held = {(record["add_on"], record["primary"]) for record in _records(knowledge, "edits/add-on-codes")}
    codes = {add_on for add_on, _ in held}
    published = {
        (row["add_on_code"], row["primary_code"])
        for row in _csv(_file(shared_data, "cms", "ncci", "aoc_2024_flat.csv"))
        if row["add_on_code"] in codes
    }
    assert held == published


def _pair(knowledge: Knowledge, first: str, second: str) -> list[tuple[str | None, str | None]]:
    return [
        (record["practitioner_indicator"], record["hospital_indicator"])
        for record in _records(knowledge, "edits/ptp", "2024-07-01")
        if (record["column1"], record["column2"]) == (first, second) and record["practitioner_deleted"] is None
    ]


@pytest.mark.parametrize(
    ("firsts", "seconds", "indicator"),
    [
        ("64633 64635", "64490 64491 64492 64493 64494 64495", "1"),
        ("64634 64636", "64490 64493", "1"),
        ("64490 64491 64492 64493 64494 64495", "76000 76942 77001 77002 77003 77012", "1"),
        ("64633 64635", "76000 77001 77002 77003 77012", "1"),
        ("64634 64636", "76000 77002 77003 77012", "1"),
        ("64490 64493 64633 64635", "99211 99212 99213 99214 99215 G0463", "1"),
        ("64490 64493", "01991 01992", "0"),
        ("64490 64493 64633 64634 64635 64636", "99155 99156 99157", "0"),
        ("01937 01938 01939 01940 01941 01942", "64490 64493", "1"),
        ("64490 64491 64492 64493 64494 64495", "0213T 0214T 0215T 0216T 0217T 0218T", "0"),
        ("64633 64634 64635 64636", "0213T 0216T", "0"),
        ("64490 64495 64633 64636", "95822 95925 95930 95937 95940", "0"),
        ("64490 64495 64633 64636", "J2001 J0670", "1"),
        ("20552 20553", "64490 64491 64492 64493 64494 64495", "1"),
        ("64633 64634 64635 64636", "20552 20553", "1"),
        ("64490 64493", "20550 20551 20600 20605 20610", "1"),
        ("20550 20551 20600 20605", "64494 64495", "0"),
        ("20610", "64494 64495", "1"),
        ("64451", "64493 64494 64495", "0"),
        ("64451", "64491 64492", "1"),
        ("64490 64633 64634 64635 64636", "64451", "1"),
        ("64625", "64490 64491 64492 64493 64494 64495", "0"),
        ("64635", "64625", "1"),
        ("64625", "64636", "1"),
        ("64772", "64490 64491 64492 64493 64494 64495", "0"),
        ("64633 64634 64635 64636", "62320 62321 62322 62323 64479 64483", "1"),
        ("64633 64635", "64480", "0"),
        ("64633 64635", "64484", "1"),
    ],
)
def test_pairs_of_the_practitioner_file(knowledge: Knowledge, firsts: str, seconds: str, indicator: str) -> None:
    for first in firsts.split():
        for second in seconds.split():
            assert [practitioner for practitioner, _ in _pair(knowledge, first, second)] == [indicator], (first, second)
            assert _pair(knowledge, second, first) == []


@pytest.mark.parametrize(
    ("firsts", "seconds"),
    [
        ("64634 64636", "77001"),
        ("64633 64634 64635 64636", "76942"),
        ("64491 64492 64494 64495 64634 64636", "99211 99213 99215"),
        ("64490 64493 64633 64635", "99202 99203 99204 99205"),
        ("64490 64493 64635", "99151 99152 99153"),
        ("64490 64493 64635", "J1010 J1100 J3301 J0702 J2003"),
        ("64490 64493 64495", "62320 62321 62322 62323 64479 64480 64483 64484 27096"),
        ("64490 64493", "64491 64492 64494 64495"),
        ("64633 64635", "64634 64636"),
    ],
)
def test_pairs_that_do_not_exist(knowledge: Knowledge, firsts: str, seconds: str) -> None:
    for first in firsts.split():
        for second in seconds.split():
            assert _pair(knowledge, first, second) == _pair(knowledge, second, first) == [], (first, second)


def test_pairs_are_those_of_the_practitioner_file(knowledge: Knowledge, shared_data: Path) -> None:
    held: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for record in _records(knowledge, "edits/ptp"):
        deleted = record["practitioner_deleted"]
        held[record["column1"], record["column2"]].append(
            (
                deleted.isoformat() if deleted else "9999-12-31",
                record["practitioner_indicator"],
                record["practitioner_rationale"],
            )
        )
    published: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    path = _file(shared_data, "cms", "ncci", "ptp_practitioner_2024q3_flat.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for first, second, deleted, indicator, rationale in csv.reader(file):
            if (first, second) in held:
                published[first, second].append((deleted, indicator, rationale))
    assert {pair: sorted(rows) for pair, rows in held.items()} == {
        pair: sorted(rows) for pair, rows in published.items()
    }


# The files behind the fee schedules

_UNITS = {"work": 5, "nf_pe": 6, "f_pe": 8, "mp": 10, "nf_total": 11, "f_total": 12}
_INDICATORS = {
    "status": 3,
    "nf_na": 7,
    "f_na": 9,
    "pctc": 13,
    "global": 14,
    "mult": 18,
    "bilat": 19,
    "asst": 20,
    "co": 21,
    "team": 22,
}


@pytest.mark.parametrize(
    ("parts", "factor", "count"),
    [
        (("2026", "PPRRVU2026_Jul_nonQPP.csv"), 25, 75),
        (("2025", "PPRRVU2025_Oct.csv"), 24, 75),
    ],
)
def test_relative_values_are_those_of_the_release(
    knowledge: Knowledge, shared_data: Path, parts: tuple[str, str], factor: int, count: int
) -> None:
    path = _file(shared_data, "cms", "mpfs", *parts)
    with path.open(encoding="latin-1", newline="") as file:
        published = {(row[0], row[1].strip()): row for row in csv.reader(file) if len(row) > factor}
    held = list(_records(knowledge, fees.PHYSICIAN, f"{parts[0]}-12-31"))
    assert len(held) == count
    for record in held:
        row = published[record["code"], record["modifier"] or ""]
        for name, place in {**_UNITS, "conversion_factor": factor}.items():
            assert record[name] == Decimal(row[place]), (record["code"], name)
        for name, place in _INDICATORS.items():
            assert (record[name] or "") == row[place].strip(), (record["code"], name)


def test_relative_values_of_2020_to_2023_are_those_of_the_last_release(knowledge: Knowledge, shared_data: Path) -> None:
    path = _file(shared_data, "cms", "mpfs", "history", "pprrvu_2020d_2023d_flat.csv.gz")
    published = {(row["year"], row["hcpcs"], row["mod"]): row for row in _csv(path)}
    names = {
        "work": "work_rvu",
        "nf_pe": "non_fac_pe_rvu",
        "f_pe": "facility_pe_rvu",
        "mp": "mp_rvu",
        "conversion_factor": "conv_factor",
    }
    for year in ("2020", "2021", "2022", "2023"):
        held = list(_records(knowledge, fees.PHYSICIAN, f"{year}-12-31"))
        assert len(held) == 47
        for record in held:
            row = published[year, record["code"], record["modifier"] or ""]
            assert record["global"] == row["glob_days"]
            for name, column in names.items():
                assert record[name] == Decimal(row[column]), (year, record["code"], name)


def test_indices_are_those_of_the_file(knowledge: Knowledge, shared_data: Path) -> None:
    with _file(shared_data, "cms", "mpfs", "2026", "GPCI2026.csv").open(encoding="latin-1", newline="") as file:
        published = {
            (row[0], row[2]): tuple(row[4:7]) for row in csv.reader(file) if len(row) > 6 and row[0][:5].isdigit()
        }
    held = {
        (record["mac"], record["locality"]): tuple(str(record[name]) for name in ("work", "pe", "mp"))
        for _, record, _ in fees.localities(knowledge.store, date(2026, 7, 1))
    }
    assert len(held) == 109
    assert held == published


@pytest.mark.parametrize("quarter", ["20250101", "20251001", "20260101", "20260401"])
def test_surgery_center_and_hospital_rates_are_those_of_the_addenda(
    knowledge: Knowledge, shared_data: Path, quarter: str
) -> None:
    day = f"{quarter[:4]}-{quarter[4:6]}-{quarter[6:]}"
    addenda = {}
    for letters in ("AA", "BB", "EE", "FF"):
        path = _file(shared_data, "cms", "asc", f"{quarter[:4]}_{quarter}_{letters}.csv")
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            addenda[letters] = {row[0].strip(): [cell.strip() for cell in row] for row in csv.reader(file) if row}
    for record in _records(knowledge, fees.SURGERY_CENTER, day):
        listed = [letters for letters in ("AA", "BB", "EE") if record["code"] in addenda[letters]] or ["none"]
        assert [record["addendum"]] == listed
        if record["addendum"] in ("AA", "BB"):
            row = addenda[record["addendum"]][record["code"]]
            assert (record["indicator"], record["weight"], record["rate"]) == (row[4], _number(row[5]), _number(row[6]))
            if record["addendum"] == "AA":
                assert record["multiple_discount"] == row[3]
    for record in _records(knowledge, fees.HOSPITAL, day):
        row = addenda["FF"][record["code"]]
        assert (record["apc"], record["rate"]) == (row[4], _number(row[6]))


def _number(cell: str) -> Decimal | None:
    return Decimal(cell.replace("$", "").replace(",", "")) if cell else None


def test_ohio_prices_are_those_of_the_file(knowledge: Knowledge, shared_data: Path) -> None:
    path = _file(shared_data, "cms", "mpfs", "2020", "pfs_locality_15202_00_2020.csv")
    published = {(row["hcpcs"], row["mod"]): row for row in _csv(path)}
    for record in _records(knowledge, "fees/ohio-2020"):
        row = published[record["code"], record["modifier"] or ""]
        assert (record["nf_fee"], record["f_fee"]) == (
            Decimal(row["non_facility_fee"]),
            Decimal(row["facility_fee"]),
        )
        assert record["opps_cap_indicator"] == row["opps_indicator"] == "9"
    assert sum(1 for row in published.values() if row["opps_indicator"] == "1") == 959
