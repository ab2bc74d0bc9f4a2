"""The physician fee schedule's relative value file (PPRRVU), with commas or in fixed width [mpfs-rvu26c, mpfs-rvu25d]."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from facetwise.catalog.content import AGAIN, Content
from facetwise.catalog.factors import Factor, factors
from facetwise.catalog.layouts.reading import (
    MONTHS,
    Cell,
    Layout,
    Reading,
    Rejected,
    check_share,
    code,
    finish,
    number,
    whole_year,
)
from facetwise.catalog.spans import Dated

_TITLE = re.compile(r"(20\d\d) National Physician Fee Schedule Relative Value File (\w+)", re.I)
_HEADER_ROWS = 4  # the names of the columns run over this many rows above the last one
# Column of the table -> the header of its column, its rows joined.
_COLUMNS = {
    "code": "HCPCS", "modifier": "MOD", "status": "STATUS CODE", "work": "WORK RVU", "nf_pe": "NON-FAC PE RVU",
    "nf_na": "NON-FAC NA INDICATOR", "f_pe": "FACILITY PE RVU", "f_na": "FACILITY NA INDICATOR", "mp": "MP RVU",
    "pctc": "PCTC IND", "global_days": "GLOB DAYS", "pre": "PRE OP", "intra": "INTRA OP", "post": "POST OP",
    "mult": "MULT PROC", "bilat": "BILAT SURG", "asst": "ASST SURG", "co": "CO- SURG", "team": "TEAM SURG",
    "pricing_indicator": "PRIC IND", "endo_base": "ENDO BASE", "conversion_factor": "CONV FACTOR",
    "imaging_family": "DIAGNOSTIC IMAGING FAMILY INDICATOR",
    "cap_nf_pe": "NON-FACILITY PE USED FOR OPPS PAYMENT AMOUNT",
    "cap_f_pe": "FACILITY PE USED FOR OPPS PAYMENT AMOUNT", "cap_mp": "MP USED FOR OPPS PAYMENT AMOUNT",
    "nf_total": "NON-FACILITY TOTAL", "f_total": "FACILITY TOTAL",
}  # fmt: skip
_OPTIONAL = frozenset(("pricing_indicator",))  # since 2026
_RECORD = 171
_TEXT_LINE = re.compile(r"[0-9A-Z]{5}(  |[0-9A-Z]{2}).{50}[A-Z]")
# Slices of the text form of 2025; they agree with its csv on all 19,090 rows.
_SLICES = {
    "code": (0, 5), "modifier": (5, 7), "status": (57, 58), "work": (59, 65), "nf_pe": (65, 72), "nf_na": (72, 74),
    "f_pe": (74, 81), "f_na": (81, 83), "mp": (83, 89), "nf_total": (89, 96), "f_total": (96, 102), "pctc": (102, 103),
    "global_days": (103, 106), "pre": (106, 109), "intra": (109, 112), "post": (112, 115), "mult": (115, 116),
    "bilat": (116, 117), "asst": (117, 118), "co": (118, 119), "team": (119, 120), "endo_base": (127, 132),
    "conversion_factor": (133, 140), "imaging_family": (145, 147), "cap_nf_pe": (151, 157), "cap_f_pe": (158, 164),
    "cap_mp": (165, 171),
}  # fmt: skip
_NUMBERS = frozenset(
    ("work", "nf_pe", "f_pe", "mp", "pre", "intra", "post", "conversion_factor", "cap_nf_pe", "cap_f_pe", "cap_mp")
)
_ORDER = (
    "code", "modifier", "status", "work", "nf_pe", "nf_na", "f_pe", "f_na", "mp", "pctc", "global_days", "pre", "intra",
    "post", "mult", "bilat", "asst", "co", "team", "pricing_indicator", "endo_base", "conversion_factor",
    "participation", "imaging_family", "cap_nf_pe", "cap_f_pe", "cap_mp",
)  # fmt: skip
_SUM_HOLDS = "A"  # the status whose rows must add up: others may leave the total empty


class _Rows:
    """Collects rows and checks them: order, sums, one conversion factor."""

    def __init__(self, content: Content):
        self.content = content
        self.rows: list[dict[str, str | None]] = []
        self.rejected: list[Rejected] = []
        self.factor = ""
        self._before = ("", "")
        self._wrong: list[str] = []
        self._first_wrong = 0

    def add(self, line: int, cell: Callable[[str], str]) -> None:
        try:
            row: dict[str, str | None] = {
                name: number(cell(name), 4, _COLUMNS[name].lower(), needed=True) for name in _NUMBERS
            }
            for name in _SLICES:
                if name not in _NUMBERS:
                    row[name] = cell(name).strip()
            row["pricing_indicator"] = cell("pricing_indicator").strip()
            row["code"] = code(cell("code"), numeric=self.content.sheet is not None)
            self._totals(line, row)
        except ValueError as error:
            self.rejected.append(Rejected(line, str(error)))
            return
        self._order(line, row)
        self.rows.append(row)

    def _totals(self, line: int, row: dict[str, str | None]) -> None:
        if row["status"] != _SUM_HOLDS:
            return
        work, malpractice = _value(row["work"]), _value(row["mp"])
        for expense, total in (("nf_pe", "nf_total"), ("f_pe", "f_total")):
            printed = number(row[total] or "", 4, _COLUMNS[total].lower(), needed=True)
            added = work + _value(row[expense]) + malpractice
            if added != _value(printed):
                self._wrong.append(f"{row['code']} {row['modifier']}".strip() + f" adds up to {added}, not {printed}")
                self._first_wrong = self._first_wrong or line

    def _order(self, line: int, row: dict[str, str | None]) -> None:
        key = (row["code"] or "", row["modifier"] or "")
        if key[0] < self._before[0]:
            raise self.content.refuse(
                f"{key[0]} stands after {self._before[0]}", "rows sorted by code, as published", AGAIN, line
            )
        self._before = key
        factor = row["conversion_factor"] or ""
        self.factor = self.factor or factor
        if Decimal(factor) != Decimal(self.factor):
            raise self.content.refuse(
                f"the conversion factor is {factor} here and {self.factor} above", "one a file", AGAIN, line
            )

    def reading(self, year: int | None, dated: Dated | None, participation: str) -> Reading:
        """Return the reading, its control figures checked."""
        reading = Reading(self.content, "physician_fee", "physician_fee", rejected=self.rejected)
        if self.rows:
            check_share(self.content, len(self.rows), self.rejected)
        if self._wrong:
            raise self.content.refuse(
                f"on {len(self._wrong)} totals of active rows, work + practice expense + malpractice is not the total "
                f"printed ({'; '.join(self._wrong[:3])})",
                "sums that hold, as in every published file",
                "check that the header belongs to these rows",
                self._first_wrong,
            )
        if self.rows:
            participation, reading.hint = _whose(self.content, self.factor, year, participation)
        reading.part = participation
        for row in self.rows:
            values: dict[str, Cell] = {**row, "participation": participation}
            values["nf_na"], values["f_na"] = row["nf_na"] == "NA", row["f_na"] == "NA"
            reading.rows.append(tuple(values[name] for name in _ORDER))
        reading.dated = dated
        reading.notes.append(f"conversion factor {self.factor}, participation {participation}")
        return finish(reading, key=2)


def _value(text: str | None) -> Decimal:
    return Decimal(text or "0")


def _whose(content: Content, value: str, year: int | None, stated: str) -> tuple[str, str]:
    """Return for whom a file is, by title and conversion factor, and a hint at its year. Raises FacetwiseError."""
    known = [one for one in factors("pfs") if one.value == Decimal(value)]
    hint = f"the conversion factor {value} is that of {known[0].start.year}" if known else ""
    if year and known and all(one.start.year != year for one in known):
        raise content.refuse(
            f"the title says {year}, but the conversion factor {value} is that of {known[0].start.year}",
            "a title and rows of one year",
            "check that the header belongs to these rows",
        )
    if stated:
        return stated, hint
    of_year = [one for one in known if year is None or one.start.year == year]
    if of_year:
        return of_year[0].participation, hint
    return _by_title(content, value, year), hint


def _by_title(content: Content, value: str, year: int | None) -> str:
    top = " ".join(cell for cells in content.head_records[:10] for cell in cells) + " ".join(content.head_lines[:10])
    if re.search(r"\bnon-? ?(?:QPP?|qualifying)\b", top, re.I):
        return "non_qualifying_apm"
    if re.search(r"\b(?:QPP?|qualifying)\b", top, re.I):
        return "qualifying_apm"
    listed: list[Factor] = [one for one in factors("pfs") if year and one.start.year == year]
    if listed and all(one.participation == "all" for one in listed):
        return "all"
    raise content.refuse(
        f"the conversion factor {value} is not in the knowledge, and no title says whether the file is for qualifying "
        "participants or for others",
        "a factor of knowledge/fees/conversion-factors.csv",
        "say it with --participation qualifying_apm, non_qualifying_apm or all",
    )


def _is_csv(content: Content) -> bool:
    return content.header("HCPCS", "MOD", "DESCRIPTION") is not None and any(
        "Relative Value File" in cell for cells in content.head_records[:10] for cell in cells
    )


def _read_csv(content: Content) -> Reading:
    header = content.header("HCPCS", "MOD", "DESCRIPTION")
    if header is None:  # pragma: no cover - recognised before
        raise content.refuse("no header")
    year, dated = _title(content, header)
    block = content.head_records[max(0, header - _HEADER_ROWS) : header + 1]
    width = len(block[-1])
    names = [" ".join(row[place] for row in block if place < len(row) and row[place]).upper() for place in range(width)]
    places = {name: names.index(title) for name, title in _COLUMNS.items() if title in names}
    missing = [_COLUMNS[name] for name in _COLUMNS if name not in places and name not in _OPTIONAL]
    if missing:
        raise content.refuse(
            f"the header lacks {', '.join(missing)}",
            "a header as published from 2024 to 2026",
            "a layout of another year is not read; please report it",
            header + 1,
        )
    rows = _Rows(content)
    for line, cells in content.body(header, width):
        if len(cells) != width and not rows.rows and len(cells) > 1:
            raise content.refuse(
                f"the header has {width} columns, the rows have {len(cells)}",
                "header and rows of one year's layout (31 columns to 2025, 32 with PRIC IND from 2026)",
                "check that the header belongs to these rows",
                line,
            )
        if len(cells) != width:
            rows.rejected.append(Rejected(line, f"{len(cells)} cells where the header has {width}"))
            continue
        rows.add(line, lambda name, cells=cells: cells[places[name]] if name in places else "")  # type: ignore[misc]
    return rows.reading(year, dated, content.participation)


def _title(content: Content, header: int) -> tuple[int | None, Dated | None]:
    for cells in content.head_records[:header]:
        for cell in cells:
            found = _TITLE.search(cell)
            if found and found.group(2).lower() in MONTHS:
                year, month = int(found.group(1)), MONTHS.index(found.group(2).lower()) + 1
                return year, Dated(date(year, month, 1), True, f'the title, "{found.group(2)} Release {year}"')
            if found:
                return int(found.group(1)), whole_year(int(found.group(1)), "the title")
    return None, None


def _is_text(content: Content) -> bool:
    lines = content.head_lines
    records = [line for line in lines if not line.startswith("HDR ")]
    return 0 < len(records) < len(lines) and bool(_TEXT_LINE.match(records[0]))


def _read_text(content: Content) -> Reading:
    rows = _Rows(content)
    number_of_lines = 0
    last = ""
    for line, text in content.lines():
        number_of_lines = line
        last = text
        if text.startswith("HDR ") or not text.strip():
            continue
        if len(text) != _RECORD:
            if not rows.rows:
                raise content.refuse(
                    f"the first record has {len(text)} characters",
                    f"{_RECORD}, as in the text form of 2025",
                    "load the csv of the same archive",
                    line,
                )
            rows.rejected.append(Rejected(line, f"{len(text)} characters where a record has {_RECORD}"))
            continue
        rows.add(line, lambda name, text=text: text[slice(*_SLICES[name])] if name in _SLICES else "")  # type: ignore[misc]
    if last.strip() and len(last) != _RECORD:
        raise content.refuse(
            f"the last line has {len(last)} characters", f"{_RECORD}: the file is cut", AGAIN, number_of_lines
        )
    return rows.reading(None, None, content.participation)


LAYOUTS = (
    Layout("PPRRVU with commas", "physician_fee", _is_csv, _read_csv),
    Layout("PPRRVU in fixed width", "physician_fee", _is_text, _read_text),
)
