"""What holds for every claim: a further unit never lowers it, and the order of its lines never matters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.knowledge import Knowledge
from facetwise.payment.answer import Answer
from facetwise.payment.price import Pricer
from facetwise.payment.request import Line, Request

_CODES = (
    "64490", "64491", "64492", "64493", "64494", "64495", "64633", "64634", "64635", "64636",
    "64479", "64480", "64483", "64484", "64450", "64640", "20552", "62321", "99213", "77003",
)  # fmt: skip
_MODIFIERS = ((), ("RT",), ("LT",), ("50",), ("59",), ("RT", "KX"), ("LT", "59"), ("80",), ("26",))
_CHARGES = st.none() | st.decimals(min_value=1, max_value=2000, places=2)
_DAYS = st.sampled_from([date(2026, 8, 3), date(2025, 11, 3)])


@st.composite
def _lines(draw: st.DrawFn, *, charges: bool) -> tuple[Line, ...]:
    count = draw(st.integers(1, 9))
    return tuple(
        Line(
            number,
            draw(st.sampled_from(_CODES)),
            draw(st.sampled_from(_MODIFIERS)),
            draw(st.integers(1, 4)),
            draw(_CHARGES) if charges else None,
        )
        for number in range(1, count + 1)
    )


@pytest.fixture(scope="module")
def pricer(knowledge: Knowledge) -> Pricer:
    return Pricer(knowledge)


@pytest.fixture(scope="module")
def limits(knowledge: Knowledge) -> dict[str, int]:
    """Units of a code that are paid a day."""
    return {
        record["code"]: record["value"]
        for _, record in knowledge.store.tables["edits/mue"].records(date(2026, 8, 3), table="practitioner")
    }


def _said(answer: Answer) -> Counter[tuple[object, ...]]:
    return Counter((one.code, one.modifiers, one.units, one.base, one.allowed) for one in answer.lines)


_SIDES = st.sampled_from(
    [("office", "professional"), ("asc", "professional"), ("asc", "facility"), ("hopd", "facility")]
)


def _with_room_for_one(lines: tuple[Line, ...], code: str, at: int, limits: dict[str, int]) -> tuple[Line, ...]:
    """Return the lines with that at `at` of this code, and as many others of the code as leave a unit to its limit."""
    left = limits[code] - 1
    assert left > 0
    kept: list[Line] = []
    for number in [at, *(other for other in range(len(lines)) if other != at)]:
        one = lines[number] if number != at else replace(lines[number], code=code)
        if one.code == code:
            units = min(one.units, left)
            left -= units
        else:
            units = one.units if limits[one.code] > 1 else 1
        if units:
            kept.append(replace(one, units=units))
    return tuple(sorted(kept, key=lambda one: one.line))


@given(lines=_lines(charges=False), at=st.integers(0, 8), data=st.data(), side=_SIDES)
def test_a_further_unit_within_the_limit_never_lowers_the_price(
    pricer: Pricer, limits: dict[str, int], lines: tuple[Line, ...], at: int, data: st.DataObject, side: tuple[str, str]
) -> None:
    at %= len(lines)
    number = lines[at].line
    code = data.draw(st.sampled_from([code for code in _CODES if limits[code] > 1]))
    lines = _with_room_for_one(lines, code, at, limits)
    at = next(place for place, one in enumerate(lines) if one.line == number)
    more = tuple(replace(one, units=one.units + 1) if number == at else one for number, one in enumerate(lines))
    before, after = (pricer.price(Request(date(2026, 8, 3), *side, held)) for held in (lines, more))
    assert Decimal(after.allowed) >= Decimal(before.allowed)
    assert Decimal(after.medicare_pays) >= Decimal(before.medicare_pays)
    assert Decimal(after.patient_pays) >= Decimal(before.patient_pays)


@given(
    lines=_lines(charges=True),
    shuffled=st.randoms(use_true_random=False),
    day=_DAYS,
    side=_SIDES,
    deductible=st.decimals(min_value=0, max_value=500, places=2),
)
def test_the_order_of_the_lines_never_matters(
    pricer: Pricer, lines: tuple[Line, ...], shuffled: object, day: date, side: tuple[str, str], deductible: Decimal
) -> None:
    turned = list(lines)
    shuffled.shuffle(turned)  # type: ignore[attr-defined]
    turned = [replace(one, line=number) for number, one in enumerate(turned, start=1)]
    first, second = (pricer.price(Request(day, *side, tuple(held), deductible=deductible)) for held in (lines, turned))
    assert _said(first) == _said(second)
    for name in ("allowed", "medicare_pays", "patient_pays", "after_sequestration", "limiting_charge"):
        assert getattr(first, name) == getattr(second, name)


@given(lines=_lines(charges=True), day=_DAYS, side=_SIDES, deductible=st.decimals(min_value=0, max_value=500, places=2))
def test_the_parts_add_up(
    pricer: Pricer, lines: tuple[Line, ...], day: date, side: tuple[str, str], deductible: Decimal
) -> None:
    answer = pricer.price(Request(day, *side, lines, deductible=deductible))
    allowed = Decimal(answer.allowed)
    assert allowed == Decimal(answer.medicare_pays) + Decimal(answer.patient_pays)
    assert allowed == sum(Decimal(one.allowed) for one in answer.lines if one.allowed is not None)
    assert Decimal(answer.deductible) == min(deductible, allowed)
    for one in answer.lines:
        if one.allowed is None or one.base is None or any(each.factor is None for each in one.adjustments):
            continue
        amount = Decimal(one.base) * one.priced_units
        for each in one.adjustments:
            amount *= Decimal(each.factor or "1")
        refused = any(
            finding.severity == "deny" and finding.claim_line_number == one.line for finding in answer.findings
        )
        assert refused or abs(amount - Decimal(one.allowed)) <= Decimal("0.005")
