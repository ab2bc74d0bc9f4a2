"""Hospital outpatient Addendum B: status indicator, APC and rate of each code [opps-addb-2026-quotes]."""

from __future__ import annotations

from datetime import date

from facetwise.catalog.content import Content
from facetwise.catalog.layouts.reading import (
    Layout,
    Reading,
    Rejected,
    calendar_year,
    code,
    finish,
    month_year,
    number,
    whole_year,
)
from facetwise.catalog.spans import Dated, quarter_of

_NEEDED = ("hcpcs code", "si", "apc", "relative weight", "payment rate")
_COPAYS = ("national unadjusted copayment", "minimum unadjusted copayment")


def _header(content: Content) -> int | None:
    return content.header(*_NEEDED)


def _read(content: Content) -> Reading:
    header = _header(content) or 0
    names = [cell.lower() for cell in content.head_records[header]]
    places = {name: names.index(name) for name in (*_NEEDED, *_COPAYS) if name in names}
    reading = Reading(content, "opps_addendum_b", "opps_addendum_b", dated=_dated(content, header))
    width = max(places.values()) + 1
    for line, cells in content.body(header, width, lenient=True):
        if len([cell for cell in cells if cell]) == 1:
            continue  # a note below the table
        try:
            if len(cells) < width:
                raise ValueError(f"{len(cells)} cells where the header has {len(names)}")
            values = {name: cells[place] for name, place in places.items()}
            if not values["si"]:
                raise ValueError("no status indicator")
            reading.rows.append(
                (
                    code(values["hcpcs code"], numeric=content.sheet is not None),
                    values["si"],
                    values["apc"],
                    number(values["relative weight"], 4, "weight"),
                    number(values["payment rate"], 2, "rate"),
                    *(number(values.get(name, ""), 2, "copayment") for name in _COPAYS),
                )
            )
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading, key=1)


def _dated(content: Content, header: int) -> Dated | None:
    for cells in content.head_records[:header]:
        for cell in cells:
            if "copyright" in cell.lower():
                continue
            found = month_year(cell)
            if found:
                return Dated(quarter_of(date(found[1], found[0], 1)), True, f"the title, {found[0]}/{found[1]}")
    for cells in content.head_records[:header]:
        for cell in cells:
            year = calendar_year(cell)
            if year:
                return whole_year(year, "the title")
    return None


LAYOUTS = (Layout("OPPS Addendum B", "opps_addendum_b", lambda content: _header(content) is not None, _read),)
