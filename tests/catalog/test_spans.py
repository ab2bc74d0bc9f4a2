"""How the spans of releases follow each other."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.catalog import KINDS
from facetwise.catalog.spans import Own, SpanConflictError, settle

_FEES, _PAIRS, _ICD = KINDS["physician_fee"], KINDS["ptp_practitioner"], KINDS["icd10"]


def _own(number: int, start: date, reach: date | None = None, kind: str = "physician_fee") -> Own:
    return Own(number, f"release {number}", start, KINDS[kind].period_end(start), reach)


def test_a_later_quarter_ends_the_earlier_and_the_last_holds_to_the_end_of_the_year() -> None:
    spans = settle(_FEES, [_own(2, date(2026, 7, 1)), _own(1, date(2026, 1, 1)), _own(3, date(2027, 1, 1))])
    assert spans == {
        1: (date(2026, 1, 1), date(2026, 6, 30)),
        2: (date(2026, 7, 1), date(2026, 12, 31)),
        3: (date(2027, 1, 1), date(2027, 12, 31)),
    }


def test_rows_with_dates_of_their_own_fill_what_no_earlier_release_has() -> None:
    old = date(1996, 1, 1)
    releases = [_own(1, date(2025, 10, 1), old), _own(2, date(2026, 7, 1), old), _own(3, date(2026, 10, 1), old)]
    assert settle(_PAIRS, releases) == {
        1: (old, date(2025, 12, 31)),
        2: (date(2026, 1, 1), date(2026, 9, 30)),
        3: (date(2026, 10, 1), date(2026, 12, 31)),
    }


def test_the_year_of_diagnoses_begins_in_october() -> None:
    spans = settle(_ICD, [_own(1, date(2025, 10, 1), kind="icd10"), _own(2, date(2026, 4, 1), kind="icd10")])
    assert spans == {1: (date(2025, 10, 1), date(2026, 3, 31)), 2: (date(2026, 4, 1), date(2026, 9, 30))}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((date(2026, 1, 1), date(2026, 12, 31)), (date(2026, 1, 1), date(2026, 12, 31))),
        ((date(2025, 7, 1), date(2026, 6, 30)), (date(2026, 1, 1), date(2026, 12, 31))),
        ((date(2026, 1, 1), date(2026, 12, 31)), (date(2026, 7, 1), date(2026, 9, 30))),
    ],
)
def test_claims_that_overlap_otherwise_are_an_error(first: tuple[date, date], second: tuple[date, date]) -> None:
    with pytest.raises(SpanConflictError):
        settle(_FEES, [Own(1, "one", *first), Own(2, "two", *second)])


_DAYS = st.dates(date(2015, 1, 1), date(2030, 12, 31))


@given(st.lists(_DAYS, unique=True, max_size=12), _DAYS, st.sampled_from([_FEES, _PAIRS, _ICD]))
def test_no_day_has_two_releases_and_each_holds_on_its_own_first_day(
    starts: list[date], reach: date, kind: object
) -> None:
    assert isinstance(kind, type(_FEES))
    owns = [Own(number, str(number), start, kind.period_end(start), reach) for number, start in enumerate(starts)]
    spans = settle(kind, owns)
    ordered = sorted(spans.values())
    for own in owns:
        start, end = spans[own.id]
        assert start <= own.start <= end <= own.end
    for (_, end), (start, _) in itertools.pairwise(ordered):
        assert end < start


@given(_DAYS, st.sampled_from(list(KINDS.values())))
def test_the_next_publication_is_after_the_first_day_and_not_beyond_a_year(start: date, kind: object) -> None:
    assert isinstance(kind, type(_FEES))
    due = kind.next_due(start)
    assert start < due <= kind.period_end(start) + timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "start", "name"),
    [
        ("physician_fee", date(2026, 10, 1), "RVU26D"),
        ("physician_fee", date(2024, 3, 9), "RVU24A from 2024-03-09"),
        ("icd10", date(2026, 4, 1), "FY2026"),
        ("taxonomy", date(2026, 1, 1), "26.0"),
        ("mue_dme", date(2026, 4, 1), "2026Q2"),
    ],
)
def test_names_of_releases(kind: str, start: date, name: str) -> None:
    assert KINDS[kind].release_name(start, precise=True) == name
