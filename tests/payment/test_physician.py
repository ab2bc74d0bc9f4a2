"""The formula of the physician fee schedule against prices that CMS printed, and against other ways of rounding."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest

from facetwise.payment.money import to_cents
from facetwise.payment.physician import NATIONAL, Gpci, Units, allowed

_CENT = Decimal("0.01")
_CF_2020 = Decimal("36.0896")
_CF_2026 = Decimal("33.4009")
_64493_OFFICE = Units(Decimal("1.48"), Decimal("4.08"), Decimal("0.14"))
_64493_FACILITY = Units(Decimal("1.48"), Decimal("0.82"), Decimal("0.14"))


@dataclass(frozen=True, slots=True)
class Ohio:
    """All that CMS printed for one locality, each price beside the units that must give it."""

    gpci: Gpci
    office: list[tuple[Units, Decimal]]
    facility: list[tuple[Units, Decimal]]
    unmatched: list[str]


@pytest.fixture(scope="module")
def ohio(shared_data: Path) -> Ohio:
    folder = shared_data / "cms" / "mpfs"
    prices = folder / "2020" / "pfs_locality_15202_00_2020.csv"
    units = folder / "history" / "pprrvu_2020d_2023d_flat.csv.gz"
    indices = folder / "history" / "gpci_2020_2023_flat.csv"
    for path in (prices, units, indices):
        if not path.is_file():
            pytest.skip(f"{path.name} is not on this machine")
    with indices.open(encoding="utf-8", newline="") as file:
        locality = next(
            row for row in csv.DictReader(file) if (row["year"], row["mac"], row["locality"]) == ("2020", "15202", "00")
        )
    gpci = Gpci(*(Decimal(locality[name]) for name in ("gpci_work", "gpci_pe", "gpci_mp")))
    with gzip.open(units, "rt", encoding="utf-8", newline="") as file:
        held = {(row["hcpcs"], row["mod"]): row for row in csv.DictReader(file) if row["year"] == "2020"}
    found = Ohio(gpci, [], [], [])
    with prices.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            match = held.get((row["hcpcs"], row["mod"]))
            if match is None:
                found.unmatched.append(f"{row['hcpcs']} {row['mod']}")
                continue
            work, malpractice = Decimal(match["work_rvu"]), Decimal(match["mp_rvu"])
            for rows, expense, fee in (
                (found.office, "non_fac_pe_rvu", "non_facility_fee"),
                (found.facility, "facility_pe_rvu", "facility_fee"),
            ):
                rows.append((Units(work, Decimal(match[expense]), malpractice), Decimal(row[fee])))
    return found


def test_the_ohio_files_are_the_ones_that_the_facts_describe(ohio: Ohio) -> None:
    assert ohio.gpci == Gpci(Decimal("1.000"), Decimal("0.915"), Decimal("1.049"))
    assert (len(ohio.office), len(ohio.facility), ohio.unmatched) == (8994, 8994, [])


@pytest.mark.parametrize("setting", ["office", "facility"])
def test_every_ohio_price_of_2020_is_reproduced_to_the_cent(ohio: Ohio, setting: str) -> None:
    rows: list[tuple[Units, Decimal]] = getattr(ohio, setting)
    wrong = [(units, fee, amount) for units, fee in rows if (amount := allowed(units, _CF_2020, gpci=ohio.gpci)) != fee]
    assert wrong == []


def _parts(units: Units, gpci: Gpci) -> tuple[Decimal, Decimal, Decimal]:
    return (
        units.work * gpci.work,
        units.practice_expense * gpci.practice_expense,
        units.malpractice * gpci.malpractice,
    )


def _half_to_even(units: Units, gpci: Gpci) -> Decimal:
    return (sum(_parts(units, gpci), Decimal()) * _CF_2020).quantize(_CENT, rounding=ROUND_HALF_EVEN)


def _cut_off(units: Units, gpci: Gpci) -> Decimal:
    return (sum(_parts(units, gpci), Decimal()) * _CF_2020).quantize(_CENT, rounding=ROUND_DOWN)


def _each_component(units: Units, gpci: Gpci) -> Decimal:
    return sum((to_cents(part * _CF_2020) for part in _parts(units, gpci)), Decimal())


def _total_first(units: Units, gpci: Gpci) -> Decimal:
    return to_cents(to_cents(sum(_parts(units, gpci), Decimal())) * _CF_2020)


@pytest.mark.parametrize(
    ("rounding", "office", "facility"),
    [
        (_half_to_even, 8994, 8994),
        (_cut_off, 4567, 4535),
        (_each_component, 6160, 6145),
        (_total_first, 243, 239),
    ],
)
def test_other_ways_of_rounding_fit_as_many_ohio_prices_as_the_facts_say(
    ohio: Ohio, rounding: Callable[[Units, Gpci], Decimal], office: int, facility: int
) -> None:
    fitting = [
        sum(1 for units, fee in rows if rounding(units, ohio.gpci) == fee) for rows in (ohio.office, ohio.facility)
    ]
    assert fitting == [office, facility]


@pytest.mark.parametrize(
    ("place", "work", "expense", "malpractice", "office", "facility"),
    [
        ("Arizona", "1.000", "0.969", "0.856", "185.49", "79.98"),
        ("Manhattan", "1.064", "1.162", "1.586", "218.37", "91.84"),
        ("Miami", "1.000", "1.041", "2.529", "203.12", "89.77"),
    ],
)
def test_64493_in_three_localities_of_2026(
    place: str, work: str, expense: str, malpractice: str, office: str, facility: str
) -> None:
    gpci = Gpci(Decimal(work), Decimal(expense), Decimal(malpractice))
    assert allowed(_64493_OFFICE, _CF_2026, gpci) == Decimal(office)
    assert allowed(_64493_FACILITY, _CF_2026, gpci) == Decimal(facility)


def test_without_indices_the_amount_is_national() -> None:
    assert allowed(_64493_OFFICE, _CF_2026) == allowed(_64493_OFFICE, _CF_2026, NATIONAL) == Decimal("190.39")


def test_each_index_moves_its_own_component() -> None:
    units = Units(Decimal(1), Decimal(10), Decimal(100))
    assert allowed(units, Decimal(1), Gpci(work=Decimal(2))) == Decimal("112.00")
    assert allowed(units, Decimal(1), Gpci(practice_expense=Decimal(2))) == Decimal("121.00")
    assert allowed(units, Decimal(1), Gpci(malpractice=Decimal(2))) == Decimal("211.00")


@pytest.mark.parametrize(
    ("work", "factor", "amount"),
    [("1.005", "1", "1.01"), ("1.015", "1", "1.02"), ("1.0049", "1", "1.00"), ("0", "33.4009", "0.00")],
)
def test_half_a_cent_is_rounded_up(work: str, factor: str, amount: str) -> None:
    assert str(allowed(Units(Decimal(work), Decimal(0), Decimal(0)), Decimal(factor))) == amount


def test_components_are_not_rounded_before_they_are_added() -> None:
    thirds = Units(Decimal("0.004"), Decimal("0.004"), Decimal("0.004"))
    assert allowed(thirds, Decimal(1)) == Decimal("0.01")


def test_the_total_is_not_rounded_before_it_meets_the_factor() -> None:
    units = Units(Decimal("1.48"), Decimal("4.08"), Decimal("0.14"))
    gpci = Gpci(Decimal("1.064"), Decimal("1.162"), Decimal("1.586"))
    total = Decimal("6.53772")
    assert allowed(units, Decimal(1000), gpci) == total * 1000
