"""The physician fee schedule formula.

    allowed = round((work x work GPCI + practice expense x PE GPCI + malpractice x MP GPCI) x conversion factor, 2)

One rounding, at the end: it reproduces all 8,994 prices that CMS printed for Ohio in 2020, in both settings
[pfs-ohio-2020, arkrvu-2020-2023], and 109 of 109 prices of a 2025 carrier file [pfrev25c].
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from facetwise.payment.money import to_cents

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Units:
    """Relative value units of one code in one setting."""

    work: Decimal
    practice_expense: Decimal
    malpractice: Decimal


@dataclass(frozen=True, slots=True)
class Gpci:
    """Geographic practice cost indices of one locality; 1.0 each is the national amount."""

    work: Decimal = _ONE
    practice_expense: Decimal = _ONE
    malpractice: Decimal = _ONE


NATIONAL = Gpci()


def allowed(units: Units, conversion_factor: Decimal, gpci: Gpci = NATIONAL) -> Decimal:
    """Return the allowed amount in dollars, rounded once to the cent."""
    adjusted = (
        units.work * gpci.work + units.practice_expense * gpci.practice_expense + units.malpractice * gpci.malpractice
    )
    return to_cents(adjusted * conversion_factor)
