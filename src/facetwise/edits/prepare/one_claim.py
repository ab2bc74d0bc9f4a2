"""Fills the prepared tables from rows of the claim-line table in memory: what `line.sql` and its neighbours say, in Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from facetwise.edits.books import Books
from facetwise.problems import FacetwiseError, Problem

Row = Mapping[str, Any]
Spans = dict[str, list[tuple[Any, ...]]]
_EPOCH = date(1970, 1, 1).toordinal()
_SIDES = frozenset(("RT", "LT"))
_ALL_SCREENS = 31
_MODIFIERS = tuple(f"hcpcs_modifier_{number}" for number in range(1, 6))
_DIAGNOSES = tuple(f"diagnosis_code_{number}" for number in range(1, 26))
_POINTERS = tuple(f"diagnosis_pointer_{number}" for number in range(1, 5))
# Where things stand in a prepared line.
DAY, CODE = 9, 14


class Preparation:
    """What preparing needs of the reference tables, read once."""

    def __init__(self, reference: sqlite3.Connection, books: Books):
        self._books = books
        self._places = _spans(reference, "SELECT place, from_day, to_day, setting FROM place_setting")
        self._bypass = _spans(reference, "SELECT modifier, from_day, to_day FROM modifier WHERE bypasses = 'yes'")
        self._facets = _spans(
            reference, "SELECT code, from_day, to_day, kind, region, rank, units_rule, family FROM facet_code"
        )
        self.watched = frozenset(code for (code,) in reference.execute("SELECT code FROM watched"))

    def fill(
        self, checked: Iterable[Row], history: Iterable[Row]
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the rows of line, facet and line_dx. Raises FacetwiseError for a row that is no claim line."""
        lines: list[tuple[Any, ...]] = []
        facets: list[tuple[Any, ...]] = []
        diagnoses: list[tuple[Any, ...]] = []
        groups: dict[tuple[Any, ...], int] = {}
        number = 0
        for judged, rows in ((1, checked), (0, history)):
            for row in rows:
                number += 1
                code = row.get("hcpcs_code")
                if not code:
                    continue
                line = self._line(number, judged, row, str(code), groups)
                lines.append(line)
                facet = _holding(self._facets, code, line[DAY])
                if facet is not None:
                    facets.append((*line, *facet))
                if code in self.watched:
                    diagnoses += _pointed(number, row)
        return lines, facets, diagnoses

    def _line(
        self, number: int, judged: int, row: Row, code: str, groups: dict[tuple[Any, ...], int]
    ) -> tuple[Any, ...]:
        day = day_of(row["claim_line_start_date"])
        claim_id = row["claim_id"]
        rendering, billing = row.get("rendering_npi") or "", row.get("billing_npi") or ""
        provider = rendering or billing
        person = row.get("person_id") or f"claim {claim_id}"
        if row["claim_type"] == "institutional":
            service, claim = 2, "facility"
            setting = "hopd" if (row.get("bill_type_code") or "").startswith("13") else ""
        else:
            service = 1
            place = _holding(self._places, row.get("place_of_service_code") or "", day)
            setting = place[0] if place else ""
            claim = "facility" if setting == "asc" and provider == billing else "professional"
        modifiers = [row.get(name) or "" for name in _MODIFIERS]
        bypassing = [one for one in modifiers if one and _holding(self._bypass, one, day) is not None]
        units = 1.0 if row.get("unit_basis") == "MJ" else float(row["service_unit_quantity"])
        payer, filing = row.get("payer") or "", row.get("claim_filing_indicator_code") or ""
        return (
            number,
            judged,
            claim_id,
            row["claim_line_number"],
            groups.setdefault((person, provider, day), len(groups)),
            groups.setdefault((person, day), len(groups)),
            person,
            provider,
            billing,
            day,
            self._books.book(payer, filing, row.get("state") or ""),
            service,
            claim,
            setting,
            code,
            *modifiers,
            _side(modifiers),
            1 if bypassing else 0,
            1 if bypassing and _SIDES.issuperset(bypassing) else 0,
            units,
            None,
            1 if row.get("prior_authorization_number") else 0,
            _ALL_SCREENS,
        )


def day_of(value: Any) -> int:
    """Return the day number of a date, or of its text. Raises FacetwiseError."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            value = None
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        raise FacetwiseError(Problem("", 0, "a claim_line_start_date that is no date", "a date such as 2026-03-02"))
    return value.toordinal() - _EPOCH


def _side(modifiers: list[str]) -> str:
    right, left = "RT" in modifiers, "LT" in modifiers
    if "50" in modifiers or (right and left):
        return "B"
    return "R" if right else "L" if left else ""


def _pointed(number: int, row: Row) -> list[tuple[Any, ...]]:
    pointers = {row[name] for name in _POINTERS if row.get(name)}
    return [
        (number, place, row[name])
        for place, name in enumerate(_DIAGNOSES, 1)
        if row.get(name) and (not pointers or place in pointers)
    ]


def _spans(reference: sqlite3.Connection, query: str) -> Spans:
    found: Spans = {}
    for key, *rest in reference.execute(query):
        found.setdefault(key, []).append(tuple(rest))
    return found


def _holding(spans: Spans, key: str, day: int) -> tuple[Any, ...] | None:
    """Return what the row that holds on the day says beside its span."""
    for first, last, *said in spans.get(key, ()):
        if first <= day <= last:
            return tuple(said)
    return None
