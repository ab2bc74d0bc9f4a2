"""NCCI medically unlikely edits and add-on codes [ncci-mue-2026-07-head, sqyxiu-aoc]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from facetwise.catalog.content import AGAIN, Content
from facetwise.catalog.layouts.reading import Layout, Reading, Rejected, code, finish, newest
from facetwise.catalog.spans import Dated, quarter_of

_SERVICES = (
    (re.compile(r"\bpractitioner services? MUE", re.I), "mue_practitioner", "practitioner"),
    (re.compile(r"\boutpatient hospital services? MUE", re.I), "mue_outpatient_hospital", "outpatient_hospital"),
    (re.compile(r"\bDME\b.*\bMUE", re.I), "mue_dme", "dme"),
)
_ADD_ON_LINE = re.compile(r"[123][0-9A-Z]{5}[ \d]{7}[0-9A-Z]{5}[ \d]{7}\d{7}[ \d]{0,7}.{0,58}")
_ADD_ON_SHORTEST, _ADD_ON_LONGEST = 32, 97
_ADD_ON_COLUMNS = {
    "type": "aoc_edit_type", "add_on": "add-on_code", "add_on_deleted": "aoc_deldt", "primary": "primary_code",
    "primary_deleted": "primary_code_deldt", "effective": "aoc_edit_effdt", "deleted": "aoc_edit_deldt",
    "note": "special_instruction_notes",
}  # fmt: skip
_JULIAN = re.compile(r"(\d{4})(\d{3})(?:\.0+)?")


def _mue_header(content: Content) -> tuple[int, str, str] | None:
    for place, cells in enumerate(content.head_records[:15]):
        if len(cells) < 3 or not re.search(r"HCPCS ?/ ?CPT", cells[0], re.I):
            continue
        for pattern, kind, service in _SERVICES:
            if pattern.search(cells[1]):
                return place, kind, service
    return None


def _read_mue(content: Content) -> Reading:
    header, kind, service = _mue_header(content) or (0, "", "")
    width = len([cell for cell in content.head_records[header] if cell])
    reading = Reading(content, kind, "mue")
    # Published in Latin-1.
    for line, cells in content.body(header, width, lenient=True):
        try:
            if len(cells) < width:
                raise ValueError(f"{len(cells)} cells where the header has {width}")
            if not cells[1].isdigit():
                raise ValueError(f"value {cells[1]!r} is not a whole number")
            if not re.match(r"[123]\b", cells[2]):
                raise ValueError(f"adjudication indicator {cells[2]!r} does not begin with 1, 2 or 3")
            procedure = code(cells[0], numeric=content.sheet is not None)
            rationale = cells[3] if len(cells) > 3 else ""
            reading.rows.append((service, procedure, int(cells[1]), cells[2][0], rationale))
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    return finish(reading, key=2)


def _add_on_header(content: Content) -> int | None:
    return content.header("aoc_edit_type", "add-on_code", "primary_code")


def _read_add_on(content: Content) -> Reading:
    header = _add_on_header(content) or 0
    names = [re.sub(r"[ _]?\(?julian\)?$", "", cell.lower()) for cell in content.head_records[header]]
    missing = [name for name in _ADD_ON_COLUMNS.values() if name not in names and name != "special_instruction_notes"]
    if missing:
        raise content.refuse(
            f"the header lacks {', '.join(missing)}", "the columns of the add-on code edits", line=header + 1
        )
    places = {field: names.index(name) for field, name in _ADD_ON_COLUMNS.items() if name in names}
    return _add_ons(
        content,
        (
            (line, {field: cells[place] if place < len(cells) else "" for field, place in places.items()})
            for line, cells in content.body(header, places["effective"] + 1)
        ),
    )


def _read_add_on_text(content: Content) -> Reading:
    def records() -> Iterator[tuple[int, dict[str, str]]]:
        last = (0, "")
        usual = max((len(line) for line in content.head_lines), default=0)
        for line, text in content.lines():
            last = (line, text)
            if not text.strip():
                continue
            yield line, {
                "type": text[0:1], "add_on": text[1:6], "add_on_deleted": text[6:13], "primary": text[13:18],
                "primary_deleted": text[18:25], "effective": text[25:32], "deleted": text[32:39], "note": text[39:],
            }  # fmt: skip
        padded = usual == _ADD_ON_LONGEST
        if last[1].strip() and (len(last[1]) < _ADD_ON_SHORTEST or (padded and len(last[1]) != _ADD_ON_LONGEST)):
            raise content.refuse(
                f"the last line has {len(last[1])} characters", f"{_ADD_ON_LONGEST}: the file is cut", AGAIN, last[0]
            )

    return _add_ons(content, records())


def _add_ons(content: Content, rows: Iterator[tuple[int, dict[str, str]]]) -> Reading:
    reading = Reading(content, "add_on", "add_on")
    turns: list[date] = []
    numeric = content.sheet is not None
    for line, cells in rows:
        try:
            if cells["type"] not in ("1", "2", "3"):
                raise ValueError(f"type {cells['type']!r} is not 1, 2 or 3")
            effective = _julian(cells["effective"], "edit effective date")
            if effective is None:
                raise ValueError("no edit effective date")
            # The edit ends with itself or with either code, whichever is first.
            ends = [_julian(cells[name], name) for name in ("deleted", "add_on_deleted", "primary_deleted")]
            deleted = min((end for end in ends if end), default=None)
            reading.rows.append(
                (
                    cells["type"],
                    code(cells["add_on"], numeric),
                    code(cells["primary"], numeric),
                    effective.isoformat(),
                    deleted.isoformat() if deleted else None,
                    cells.get("note", "").strip(),
                )
            )
            turns.append(effective)
        except ValueError as error:
            reading.rejected.append(Rejected(line, str(error)))
    dated = newest(turns, "its newest edits, of {}")
    reading.dated = Dated(quarter_of(dated.start), True, dated.says) if dated else None
    return finish(reading)


def _julian(text: str, what: str) -> date | None:
    """Return the day of a Julian date YYYYDDD, None where there is none. Raises ValueError."""
    text = text.strip()
    if not text.strip("0"):
        return None
    found = _JULIAN.fullmatch(text)
    if not found or not 1 <= int(found.group(2)) <= 366:
        raise ValueError(f"{what} {text!r} is no date YYYYDDD")
    day = date(int(found.group(1)), 1, 1) + timedelta(days=int(found.group(2)) - 1)
    if day.year != int(found.group(1)):
        raise ValueError(f"{what} {text!r} is no date YYYYDDD")
    return day


LAYOUTS = (
    Layout("NCCI MUE", "mue", lambda content: _mue_header(content) is not None, _read_mue),
    Layout("NCCI add-on codes", "add_on", lambda content: _add_on_header(content) is not None, _read_add_on),
    Layout("NCCI add-on codes, text", "add_on", lambda content: content.begins_with(_ADD_ON_LINE), _read_add_on_text),
)
