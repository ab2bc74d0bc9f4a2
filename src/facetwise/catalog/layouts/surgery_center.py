"""Surgery-center addenda AA, BB, EE and FF and the wage index [asc-addenda-2024q1-2026q2].

The header is found by content, since titles, quotes and encodings vary from quarter to quarter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from facetwise.catalog.content import Content
from facetwise.catalog.layouts.reading import (
    MONTHS,
    Cell,
    Layout,
    Reading,
    Rejected,
    calendar_year,
    code,
    finish,
    number,
    padded,
    whole_year,
)
from facetwise.catalog.spans import Dated

_MONTH = re.compile(r"^(" + "|".join(MONTHS) + r") (20\d\d) ", re.I)
_ADDENDUM = re.compile(r"\bAddendum (AA|BB|EE|FF)\b", re.I)
_PROCEDURE = re.compile(r"[0-9A-Z]{5}\**", re.I)
_WAGE = re.compile(r"W(?:AGE )?I(?:NDEX)? ?(?:20)?(\d\d)", re.I)
# Header names without their month, as folded and lower-cased; the first that is there counts.
_INDICATOR, _WEIGHT, _RATE = ("payment indicator",), ("payment weight",), ("payment rate",)
_DISCOUNT = ("subject to multiple procedure discounting",)


def _header(content: Content) -> tuple[int, list[str], set[tuple[str, str]]] | None:
    """Return the header's place, its names without month, and the months it names; None when there is none."""
    for place, cells in enumerate(content.head_records[:20]):
        if not cells or cells[0].lower() not in ("hcpcs code", "hcpcs"):
            continue
        months = {(found.group(1).lower(), found.group(2)) for cell in cells if (found := _MONTH.match(cell + " "))}
        return place, [_MONTH.sub("", cell + " ").strip().lower() for cell in cells], months
    return None


def _which(content: Content) -> str:
    """Return AA, BB, EE or FF by the columns of the header; "" when this is none of them."""
    found = _header(content)
    if not found:
        return ""
    place, names, _ = found
    if any("device offset" in name for name in names):
        return "FF"
    if _DISCOUNT[0] in names and _RATE[0] in names:
        return "AA"
    if _INDICATOR[0] in names and _RATE[0] in names:
        return "BB"
    title = " ".join(cell for cells in content.head_records[:place] for cell in cells)
    said = _ADDENDUM.search(title)
    if {name for name in names if name} == {"hcpcs code", "short descriptor"} and said:
        return said.group(1).upper()
    return ""


def _read(content: Content) -> Reading:
    addendum = _which(content)
    place, names, months = _header(content) or (0, [], set())
    table = {"EE": "asc_excluded", "FF": "asc_apc"}.get(addendum, "asc_rate")
    reading = Reading(content, f"asc_{addendum.lower()}", table, dated=_dated(content, place, months))
    title = " ".join(cell for cells in content.head_records[:place] for cell in cells)
    said = _ADDENDUM.search(title)
    if said and said.group(1).upper() != addendum:
        raise content.refuse(
            f"the title says addendum {said.group(1).upper()}, the columns are those of {addendum}",
            "title and columns of one addendum",
            "check that the header belongs to these rows",
            place + 1,
        )
    build = {"EE": _excluded, "FF": _apc}.get(addendum, _rate)
    for line, cells in content.body(place, len(names), lenient=True):
        if not _PROCEDURE.fullmatch(cells[0]) and not any(cells[1:]):
            continue  # a note below the table
        try:
            if len(cells) < len(names) and any(names[len(cells) :]):
                raise ValueError(f"{len(cells)} cells where the header has {len(names)}")
            reading.rows.append(build(addendum, _Cells(content, names, cells)))
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading, key=2 if table == "asc_rate" else 1)


def _dated(content: Content, place: int, months: set[tuple[str, str]]) -> Dated | None:
    if len(months) > 1:
        shown = ", ".join(f"{month.title()} {year}" for month, year in sorted(months))
        raise content.refuse(
            f"the header names {shown}",
            "columns of one quarter",
            "check that the header belongs to these rows",
            place + 1,
        )
    if months:
        month, year = next(iter(months))
        start = date(int(year), MONTHS.index(month) + 1, 1)
        return Dated(start, True, f"its header, {month.title()} {year}")
    title = " ".join(cell for cells in content.head_records[:place] for cell in cells)
    in_title = calendar_year(title)
    return whole_year(in_title, "the title") if in_title else None


class _Cells:
    """The cells of one row, by the name of their column."""

    def __init__(self, content: Content, names: list[str], cells: list[str]):
        self._names, self._cells = names, cells
        self.procedure = code(cells[0], numeric=content.sheet is not None)

    def get(self, *names: str) -> str:
        for name in names:
            if name in self._names:
                place = self._names.index(name)
                return self._cells[place] if place < len(self._cells) else ""
        return ""


def _rate(addendum: str, cells: _Cells) -> tuple[Cell, ...]:
    indicator = cells.get(*_INDICATOR)
    if not indicator:
        raise ValueError("no payment indicator")
    discount = cells.get(*_DISCOUNT).upper()
    if discount not in ("Y", "N", ""):
        raise ValueError(f"discounting {discount!r} is neither Y nor N")
    return (
        addendum,
        cells.procedure,
        indicator,
        {"Y": True, "N": False}.get(discount),
        number(cells.get(*_WEIGHT), 4, "weight"),
        number(cells.get(*_RATE), 2, "rate"),
    )


def _excluded(_: str, cells: _Cells) -> tuple[Cell, ...]:
    return (cells.procedure,)


def _apc(_: str, cells: _Cells) -> tuple[Cell, ...]:
    percent = cells.get("device offset percentage").rstrip("% ")
    return (
        cells.procedure,
        cells.get(*_INDICATOR),
        cells.get("apc"),
        number(cells.get("opps payment rate", "opps rate"), 2, "OPPS rate"),
        number(percent, 4, "device offset percentage"),
        number(cells.get("device offset amount / device portion", "device offset amount"), 2, "device offset amount"),
    )


def _wage_header(content: Content) -> tuple[int, int] | None:
    for place, cells in enumerate(content.head_records[:10]):
        if len(cells) >= 3 and cells[0].upper() == "CBSA" and cells[1].upper() == "CBSA NAME":
            found = _WAGE.fullmatch(cells[2])
            if found:
                return place, 2000 + int(found.group(1))
    return None


def _read_wage(content: Content) -> Reading:
    header, year = _wage_header(content) or (0, 0)
    reading = Reading(content, "asc_wage_index", "asc_wage_index", dated=whole_year(year, "its header"))
    held: dict[str, list[tuple[int, str, str]]] = {}
    for line, cells in content.body(header, 3, lenient=True):
        try:
            if len(cells) < 3:
                raise ValueError(f"{len(cells)} cells where the header has 3")
            index = number(cells[2], 4, "wage index", needed=True) or ""
            area = padded(cells[0], 5 if len(cells[0]) > 2 else 2, "area")
            held.setdefault(area, []).append((line, cells[1], index))
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    finish_rejected = list(reading.rejected)
    reading.rows = [(area, *rows[0][1:]) for area, rows in held.items()]
    finish(reading, key=1)
    # Below, rows that can be read but must not be used: they say nothing about whether the file is what it was taken for.
    reading.rows.clear()
    for area, rows in held.items():
        values = sorted({Decimal(index) for _, _, index in rows})
        if len(values) > 1:
            shown = " and ".join(str(value) for value in values)
            finish_rejected += [
                Rejected(line, f"area {area} has the wage indices {shown}; none is taken") for line, _, _ in rows
            ]
        elif not values[0]:
            finish_rejected.append(
                Rejected(rows[0][0], f"area {area} has the wage index 0, which says that there is none")
            )
        else:
            reading.rows.append((area, rows[0][1], rows[0][2]))
    twice = sum(len({Decimal(row[2]) for row in rows}) > 1 for rows in held.values())
    if twice:
        reading.notes.append(f"{twice} areas have two wage indices each in this file; none of those is loaded")
    reading.rejected = finish_rejected
    return reading


def _recognise(addendum: str) -> Callable[[Content], bool]:
    return lambda content: _which(content) == addendum


LAYOUTS = (
    *(Layout(f"ASC addendum {one}", f"asc_{one.lower()}", _recognise(one), _read) for one in ("AA", "BB", "EE", "FF")),
    Layout("ASC wage index", "asc_wage_index", lambda content: _wage_header(content) is not None, _read_wage),
)
