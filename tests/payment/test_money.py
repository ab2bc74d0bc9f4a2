"""Cents: rounded half up, written with two places."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.payment.money import in_dollars, to_cents

_AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0", "0.00"),
        ("0.004999", "0.00"),
        ("0.005", "0.01"),
        ("0.015", "0.02"),
        ("0.025", "0.03"),
        ("429.375", "429.38"),
        ("98.865", "98.87"),
        ("98.8649999", "98.86"),
        ("1765.76", "1765.76"),
        ("485.5", "485.50"),
        ("-0.005", "-0.01"),
    ],
)
def test_amounts_are_rounded_half_up_to_the_cent(amount: str, cents: str) -> None:
    assert str(to_cents(Decimal(amount))) == cents


@pytest.mark.parametrize(
    ("amount", "text"),
    [("98.87", "98.87"), ("2258.0", "2258.00"), ("1E+3", "1000.00"), ("0.005", "0.01"), ("1281.224", "1281.22")],
)
def test_dollars_have_two_places_and_no_separators(amount: str, text: str) -> None:
    assert in_dollars(Decimal(amount)) == text


@given(_AMOUNTS)
def test_rounding_moves_an_amount_by_at_most_half_a_cent_and_only_once(amount: Decimal) -> None:
    rounded = to_cents(amount)
    assert abs(rounded - amount) <= Decimal("0.005")
    assert to_cents(rounded) == rounded
    assert rounded == amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert Decimal(in_dollars(amount)) == rounded
