"""Code sets: ICD-10-CM order file, NUCC taxonomy, claim adjustment and remark codes [icd10cm-2026-head, nucc-taxonomy-25-1]."""

from __future__ import annotations

import re
from datetime import date

from facetwise.catalog.content import AGAIN, Content
from facetwise.catalog.layouts.reading import Layout, Reading, Rejected, finish, newest
from facetwise.catalog.spans import Dated

_ORDER_LINE = re.compile(r"\d{5} [A-Z][0-9A-Z]{2}[0-9A-Z ]{4} [01] .{60} .+")
_TITLE_FROM = 77
_TAXONOMY = ("Code", "Grouping", "Classification", "Specialization", "Definition", "Notes", "Display Name")
_TURN = re.compile(r"\[?(\d{1,2})/(\d{1,2})/(\d{4}):")
_ADJUSTMENT = ("adj_code", "adj_type", "adj_start_date", "adj_last_modified", "adj_end_date")
_LISTS = {"CARC": "carc", "RARC": "rarc", "GROUP": "group"}


def _read_order_file(content: Content) -> Reading:
    reading = Reading(content, "icd10", "icd10")
    before, last = 0, (0, "")
    for line, text in content.lines():
        last = (line, text)
        if not text.strip():
            continue
        try:
            if not _ORDER_LINE.fullmatch(text):
                raise ValueError("no record of the order file: number, code, header flag, short and long title")
            order = int(text[:5])
            if before and order != before + 1:
                raise content.refuse(
                    f"order number {order:05} follows {before:05}",
                    "numbers without a gap: rows are missing or out of order",
                    AGAIN,
                    line,
                )
            before = order
            reading.rows.append((text[6:13].strip(), text[14] == "1", text[_TITLE_FROM:].strip()))
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
            before = before + 1 if before else 0
    if last[1].strip() and len(last[1]) <= _TITLE_FROM:
        raise content.refuse(
            f"the last line has {len(last[1])} characters", f"more than {_TITLE_FROM}: the file is cut", AGAIN, last[0]
        )
    return finish(reading, key=1)


def _read_taxonomy(content: Content) -> Reading:
    header = content.header(*_TAXONOMY) or 0
    names = content.head_records[header]
    places = {name: names.index(name) for name in _TAXONOMY}
    reading = Reading(content, "taxonomy", "taxonomy")
    turns: list[date] = []
    for line, cells in content.body(header, len(names)):
        try:
            if len(cells) < max(places.values()) + 1:
                raise ValueError(f"{len(cells)} cells where the header has {len(names)}")
            taxonomy = cells[places["Code"]]
            if not re.fullmatch(r"[0-9A-Z]{9}X", taxonomy):
                raise ValueError(f"{taxonomy!r} is no taxonomy code")
            reading.rows.append(
                (
                    taxonomy,
                    *(cells[places[name]] for name in ("Grouping", "Classification", "Specialization", "Display Name")),
                )
            )
            for month, day, year in _TURN.findall(cells[places["Notes"]]):
                turns.append(date(int(year), int(month), int(day)))
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    reading.dated = newest(turns, "its newest note, of {}")
    return finish(reading, key=1)


def _read_adjustments(content: Content) -> Reading:
    header = content.header(*_ADJUSTMENT) or 0
    names = [cell.lower() for cell in content.head_records[header]]
    places = [names.index(name) for name in _ADJUSTMENT]
    reading = Reading(content, "adjustment_code", "adjustment_code")
    turns: list[date] = []
    for line, cells in content.body(header, len(names)):
        try:
            if len(cells) < len(names):
                raise ValueError(f"{len(cells)} cells where the header has {len(names)}")
            adjustment, of_list, *dates = (cells[place] for place in places)
            if of_list.upper() not in _LISTS or not adjustment:
                raise ValueError(f"{adjustment!r} of list {of_list!r} is no CARC, RARC or group code")
            days = [date.fromisoformat(text) if text else None for text in dates]
            reading.rows.append(
                (_LISTS[of_list.upper()], adjustment, *(day.isoformat() if day else None for day in days))
            )
            turns += [day for day in days[:2] if day]
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    dated = newest(turns, "its newest code, of {}")
    reading.dated = Dated(dated.start, True, dated.says) if dated else None
    return finish(reading, key=2)


LAYOUTS = (
    Layout("ICD-10-CM order file", "icd10", lambda content: content.begins_with(_ORDER_LINE), _read_order_file),
    Layout("NUCC taxonomy", "taxonomy", lambda content: content.header(*_TAXONOMY) is not None, _read_taxonomy),
    Layout(
        "claim adjustment and remark codes",
        "adjustment_code",
        lambda content: content.header(*_ADJUSTMENT) is not None,
        _read_adjustments,
    ),
)
