"""Exact money: decimals in, decimals through, rounded once where CMS rounds."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


def to_cents(amount: Decimal) -> Decimal:
    """Return `amount` in dollars rounded half up to the cent."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def shown(amount: Decimal) -> str:
    """Return "1,765.76": for people, with separators."""
    return format(to_cents(amount), ",.2f")


def in_dollars(amount: Decimal) -> str:
    """Return "98.87": two places, no sign of currency, no separators."""
    return format(to_cents(amount), "f")
