"""Dates that may be a day, a month or a year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.knowledge.dating import day_after, day_before, first_day, in_words, last_day


@pytest.mark.parametrize(
    ("text", "first", "last", "words"),
    [
        ("2026-03-02", date(2026, 3, 2), date(2026, 3, 2), "2 March 2026"),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28), "February 2026"),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "February 2024"),
        ("1900-02", date(1900, 2, 1), date(1900, 2, 28), "February 1900"),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31), "December 2026"),
        ("2026", date(2026, 1, 1), date(2026, 12, 31), "2026"),
        ("9999", date(9999, 1, 1), date.max, "9999"),
    ],
)
def test_a_date_has_a_first_and_a_last_day(text: str, first: date, last: date, words: str) -> None:
    assert (first_day(text), last_day(text), in_words(text)) == (first, last, words)


@pytest.mark.parametrize(
    "text",
    [
        "", "undated", "2026-3-2", "26-03-02", "2026/03/02", "2026-13", "2026-00", "2026-02-30", "2025-02-29",
        "2026-04-31", "2026-03-00", "0000", "0000-01-01", "2026-03-02T00:00", "2026-03-02\n", " 2026", "20260302",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        first_day(text)
    with pytest.raises(ValueError, match=r"."):
        last_day(text)


@pytest.mark.parametrize("text", ["undated", "not established", "soon", ""])
def test_other_text_stays_as_it_is_in_prose(text: str) -> None:
    assert in_words(text) == text


def test_a_day_in_prose() -> None:
    assert in_words(date(2026, 3, 2)) == "2 March 2026"


@given(st.dates())
def test_a_whole_day_is_its_own_first_and_last(day: date) -> None:
    assert first_day(day.isoformat()) == last_day(day.isoformat()) == day


@given(st.dates())
def test_a_month_and_a_year_hold_their_days(day: date) -> None:
    for text in (day.isoformat()[:7], day.isoformat()[:4]):
        assert first_day(text) <= day <= last_day(text)
    month = day.isoformat()[:7]
    assert first_day(month).day == 1
    assert last_day(month) == date.max or (last_day(month) + timedelta(days=1)).day == 1


@given(st.dates(max_value=date.max - timedelta(days=1)))
def test_the_day_after_the_day_before(day: date) -> None:
    assert day_before(day_after(day)) == day
    assert day_after(day) - day == timedelta(days=1)
