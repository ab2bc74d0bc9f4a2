"""The fee schedules that the knowledge carries, for the facet family and its neighbours, with no file to load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from facetwise.knowledge.store import Store
from facetwise.knowledge.tables import Row
from facetwise.payment.physician import NATIONAL, Gpci, Units, allowed

PHYSICIAN = "fees/physician"
CONVERSION = "fees/conversion-factors"
LOCALITIES = "fees/gpci"
SURGERY_CENTER = "fees/surgery-center"
HOSPITAL = "fees/outpatient-hospital"


@dataclass(frozen=True, slots=True)
class Fee:
    """A row of the physician fee schedule: units by setting (None where no payment exists), indicators, provenance."""

    row: Row
    record: dict[str, Any]
    office: Units | None
    facility: Units | None


@dataclass(frozen=True, slots=True)
class Factor:
    """A conversion factor in dollars a unit, with its row."""

    row: Row
    value: Decimal


@dataclass(frozen=True, slots=True)
class FacilityRate:
    """What a facility is paid for a code: the rate (None when packaged), the indicator or APC, the row."""

    row: Row
    rate: Decimal | None
    indicator: str
    record: dict[str, Any]


def fee(store: Store, code: str, day: date, modifier: str | None = None) -> Fee | None:
    """Return the physician fee schedule's row for a code on a day; None when the knowledge has none."""
    for row, record in _rows(store, PHYSICIAN, day, code=code, modifier=modifier):
        return Fee(row, record, _units(record, "nf"), _units(record, "f"))
    return None


def _units(record: dict[str, Any], setting: str) -> Units | None:
    # NA marks a setting in which the code is not paid, though the file prints numbers there.
    if record[f"{setting}_na"] or record["status"] != "A":
        return None
    return Units(record["work"], record[f"{setting}_pe"], record["mp"])


def factor(store: Store, day: date, kind: str = "pfs") -> Factor | None:
    """Return the conversion factor of a day; the one for clinicians outside qualifying models where there are two."""
    found = [
        (record["participation"], Factor(row, record["value"]))
        for row, record in _rows(store, CONVERSION, day, kind=kind)
    ]
    for wanted in ("all", "non_qualifying_apm"):
        for participation, one in found:
            if participation == wanted:
                return one
    return None


def national(store: Store, code: str, day: date, setting: str) -> tuple[Decimal, Fee, Factor] | None:
    """Return the national allowed amount (GPCI 1.0) in dollars with its row and factor; None when there is none."""
    held, conversion = fee(store, code, day), factor(store, day)
    units = (held.office if setting == "office" else held.facility) if held else None
    if held is None or conversion is None or units is None:
        return None
    return allowed(units, conversion.value, NATIONAL), held, conversion


def localities(store: Store, day: date) -> Iterator[tuple[Row, dict[str, Any], Gpci]]:
    """Yield the payment localities of a day with their indices."""
    for row, record in _rows(store, LOCALITIES, day):
        yield row, record, Gpci(record["work"], record["pe"], record["mp"])


def surgery_center(store: Store, code: str, day: date) -> FacilityRate | None:
    """Return the surgery center's national rate; `rate` None with indicator N1 says that it is packaged."""
    for row, record in _rows(store, SURGERY_CENTER, day, code=code):
        return FacilityRate(row, record["rate"], record["indicator"] or "", record)
    return None


def hospital(store: Store, code: str, day: date) -> FacilityRate | None:
    """Return the hospital outpatient rate of the code's APC, as the surgery-center addendum FF prints it."""
    for row, record in _rows(store, HOSPITAL, day, code=code):
        return FacilityRate(row, record["rate"], record["apc"] or "", record)
    return None


def _rows(store: Store, table: str, day: date, **key: str | None) -> Iterator[tuple[Row, dict[str, Any]]]:
    held = store.tables.get(table)
    return held.records(day, **key) if held else iter(())
