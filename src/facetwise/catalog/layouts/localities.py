"""Files about places: cost indices, counties, ZIP codes, anesthesia factors, the OPPS cap [gpci-2025, zip5-2025-10]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from facetwise.catalog.content import AGAIN, Content
from facetwise.catalog.factors import factors
from facetwise.catalog.layouts.reading import (
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

_GPCI_LINE = re.compile(r"(\d{5})\s+([A-Z]{2})\s+(\d{2})\s+(\S.*?)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s*")
_COUNTY_LINE = re.compile(r"\s*(\d{4,5})\s+(\d{1,2})\s(.*)")
_ANESTHESIA_LINE = re.compile(r"(\d{5})\s+(\d{2})\s+(\S.*?)\s+(\d{4})\s*")
_CAP_LINE = re.compile(r"[0-9A-Z]{5}(?:  |[0-9A-Z]{2}) [A-Z] \d{5}  \d{2}[ \d]{6}\.\d\d[ \d]{7}\.\d\d")
_ZIP_LINE = re.compile(r"[A-Z]{2}\d{10}.{2}[RB ].{60}20\d\d[1-4]")
_ZIP, _CAP = 80, 38


def _gpci_header(content: Content) -> int | None:
    for place, cells in enumerate(content.head_records[:15]):
        joined = " ".join(cells).upper()
        if "PW GPCI" in joined and "PE GPCI" in joined and "MP GPCI" in joined:
            return place
    return None


def _read_gpci(content: Content) -> Reading:
    header = _gpci_header(content) or 0
    names = " ".join(content.head_records[header])
    title = " ".join(cell for cells in content.head_records[:header] for cell in cells)
    said, in_header = calendar_year(title), set(re.findall(r"\b(20\d\d) (?:PW|PE|MP) GPCI", names))
    if len(in_header) > 1 or (said and in_header and in_header != {str(said)}):
        raise content.refuse(
            f"the title says {said}, the header {' and '.join(sorted(in_header))}",
            "title and header of one year",
            "check that the header belongs to these rows",
            header + 1,
        )
    year = said or (int(in_header.pop()) if in_header else None)
    reading = Reading(content, "gpci", "gpci", dated=whole_year(year, "the title") if year else None)
    fixed = len(content.head_records[header]) < 7
    for line, cells in _gpci_rows(content, header, fixed):
        try:
            if len(cells) < 7:
                raise ValueError(f"{len(cells)} cells where the header has 7")
            mac, state, locality, name, *indices = cells[:7]
            reading.rows.append(
                (
                    padded(mac, 5, "contractor"),
                    padded(locality, 2, "locality"),
                    state,
                    name.rstrip("* "),
                    *(number(index, 4, "index", needed=True) for index in indices),
                )
            )
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading, key=2)


def _gpci_rows(content: Content, header: int, fixed: bool) -> Iterator[tuple[int, list[str]]]:
    if fixed:
        for line, text in content.lines():
            if re.match(r"\d{4,5}\s", text):
                found = _GPCI_LINE.fullmatch(text)
                yield line, list(found.groups()) if found else text.split()
        return
    for line, cells in content.body(header, 7):
        if cells[0].isdigit():  # footnotes follow the table
            yield line, cells


def _counties_header(content: Content) -> int | None:
    for place, cells in enumerate(content.head_records[:15]):
        joined = " ".join(cells).lower()
        if "fee schedule area" in joined and "counties" in joined and "medicare adm" in joined:
            return place
    return None


def _read_counties(content: Content) -> Reading:
    header = _counties_header(content) or 0
    title = " ".join(cell for cells in content.head_records[:header] for cell in cells)
    found = re.search(r"\b(20\d\d) LOCALITIES", title.upper())
    reading = Reading(content, "locality_county", "locality_county")
    reading.dated = whole_year(int(found.group(1)), "the title") if found else None
    state = ""
    fixed = len(content.head_records[header]) < 5
    for line, cells in _county_lines(content, header) if fixed else content.body(header, 5):
        if not cells[0].isdigit():
            continue
        try:
            if len(cells) < 5:
                raise ValueError(f"{len(cells)} cells where the header has 5")
            mac, locality, own_state, area, counties = cells[:5]
            state = own_state or state
            if not state or not area:
                raise ValueError("no state, or no fee schedule area")
            reading.rows.append((padded(mac, 5, "contractor"), padded(locality, 2, "locality"), state, area, counties))
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading)


def _county_lines(content: Content, header: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of the text form: they stand in columns, of which the header only hints at the places."""
    rows = [(line, text, _COUNTY_LINE.fullmatch(text)) for line, text in content.lines() if line > header + 1]
    for line, text, found in rows:
        if found is None:
            continue
        # A state stands at the left of its column or not at all; the other two cells are parted by two blanks or more.
        rest = found.group(3)
        cells = re.split(r"\s{2,}", rest.strip())
        if text[18:44].strip() == "" and len(cells) == 2:
            cells = ["", *cells]
        yield line, [found.group(1), found.group(2), *(cell.strip() for cell in cells)]


def _read_zip(content: Content) -> Reading:
    reading = Reading(content, "zip_locality", "zip_locality")
    quarters: set[str] = set()
    last = (0, "")
    for line, text in content.lines():
        last = (line, text)
        if len(text) != _ZIP:
            reading.rejected.append(Rejected(line, f"{len(text)} characters where a record has {_ZIP}"))
            continue
        try:
            mac, locality = padded(text[7:12], 5, "contractor"), padded(text[12:14], 2, "locality")
            if text[20] not in "01" or text[14] not in " RB":
                raise ValueError(f"flags {text[14]!r} and {text[20]!r}")
            reading.rows.append(
                (padded(text[2:7], 5, "ZIP code"), text[:2], mac, locality, text[14].strip(), text[20] == "1")
            )
            quarters.add(text[75:80])
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    _uncut(content, last, _ZIP)
    if len(quarters) == 1 and re.fullmatch(r"20\d\d[1-4]", quarter := quarters.pop()):
        reading.dated = Dated(date(int(quarter[:4]), int(quarter[4]) * 3 - 2, 1), True, f"its records, {quarter}")
    elif reading.rows:
        raise content.refuse("its records name more than one quarter", "one year and quarter at the end of each", AGAIN)
    return finish(reading, key=1)


def _uncut(content: Content, last: tuple[int, str], length: int) -> None:
    if last[1].strip() and len(last[1]) != length:
        raise content.refuse(
            f"the last line has {len(last[1])} characters", f"{length}: the file is cut", AGAIN, last[0]
        )


def _anesthesia_header(content: Content) -> int | None:
    for place, cells in enumerate(content.head_records[:10]):
        if len(cells) >= 4 and cells[0] == "Contractor" and cells[1] == "Locality" and "anes cf" in cells[3].lower():
            return place
    return None


def _read_anesthesia(content: Content) -> Reading:
    header = _anesthesia_header(content) or 0
    national = re.search(r"\d+\.\d+", content.head_records[header][3])
    rows = ((line, cells) for line, cells in content.body(header, 4) if cells[0].isdigit())
    return _anesthesia(content, rows, national.group() if national else "", 1)


def _read_anesthesia_text(content: Content) -> Reading:
    rows: list[tuple[int, list[str]]] = []
    for line, text in content.lines():
        found = _ANESTHESIA_LINE.fullmatch(text)
        if found or text[:5].isdigit():
            rows.append((line, list(found.groups()) if found else text.split()))
    return _anesthesia(content, iter(rows), "", 100)


def _anesthesia(content: Content, rows: Iterator[tuple[int, list[str]]], national: str, per_dollar: int) -> Reading:
    reading = Reading(content, "anesthesia_factor", "anesthesia_factor")
    known = [one for one in factors("anesthesia") if national and one.value == Decimal(national)]
    part = content.participation or (known[0].participation if known else "all")
    reading.part = part
    reading.hint = f"the national factor {national} is that of {known[0].start.year}" if known else ""
    if national:
        reading.rows.append(("", "", national, part))
    for line, cells in rows:
        try:
            if len(cells) < 4:
                raise ValueError(f"{len(cells)} cells where the header has 4")
            factor = Decimal(number(cells[3], 4, "factor", needed=True) or "0") / per_dollar
            reading.rows.append(
                (padded(cells[0], 5, "contractor"), padded(cells[1], 2, "locality"), format(factor, "f"), part)
            )
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading, key=2)


def _cap_header(content: Content) -> int | None:
    return content.header("HCPCS", "PROCSTAT", "CARRIER", "LOCALITY")


def _read_cap(content: Content) -> Reading:
    header = _cap_header(content)
    if header is None:
        return _cap(content, _cap_lines(content))
    return _cap(content, content.body(header, 7))


def _cap_lines(content: Content) -> Iterator[tuple[int, list[str]]]:
    last = (0, "")
    for line, text in content.lines():
        last = (line, text)
        cuts = ((0, 5), (5, 7), (8, 9), (10, 15), (17, 19), (19, 28), (28, 38))
        yield line, [text[start:end].strip() for start, end in cuts] if len(text) == _CAP else [text]
    _uncut(content, last, _CAP)


def _cap(content: Content, rows: Iterator[tuple[int, list[str]]]) -> Reading:
    reading = Reading(content, "opps_cap", "opps_cap")
    for line, cells in rows:
        try:
            if len(cells) < 7:
                raise ValueError(f"{len(cells)} cells, expected 7 (in fixed width, {_CAP} characters)")
            reading.rows.append(
                (
                    code(cells[0], numeric=content.sheet is not None),
                    cells[1],
                    cells[2],
                    padded(cells[3], 5, "contractor"),
                    padded(cells[4], 2, "locality"),
                    number(cells[5], 2, "facility price", needed=True),
                    number(cells[6], 2, "non-facility price", needed=True),
                )
            )
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading)


LAYOUTS = (
    Layout("GPCI", "gpci", lambda content: _gpci_header(content) is not None, _read_gpci),
    Layout("locality to county", "locality_county", lambda one: _counties_header(one) is not None, _read_counties),
    Layout("ZIP5", "zip_locality", lambda content: content.begins_with(_ZIP_LINE), _read_zip),
    Layout(
        "anesthesia factors", "anesthesia_factor", lambda one: _anesthesia_header(one) is not None, _read_anesthesia
    ),
    Layout(
        "anesthesia factors, text",
        "anesthesia_factor",
        lambda one: one.begins_with(_ANESTHESIA_LINE),
        _read_anesthesia_text,
    ),
    Layout("OPPS cap", "opps_cap", lambda content: _cap_header(content) is not None, _read_cap),
    Layout("OPPS cap, text", "opps_cap", lambda content: content.begins_with(_CAP_LINE), _read_cap),
)
