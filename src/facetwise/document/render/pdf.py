"""PDF: a document on paper, laid out by Typst from the document as data.

Nothing of the document ever stands in the template's source: this module turns it into plain values (words, glyphs,
source numbers, column widths), the template reads them as JSON and prints text as text. What is folded on a page goes
into the part "Further detail" at the end, with a reference from where it belongs.
"""

from __future__ import annotations

import functools
import importlib.resources
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from facetwise.document import charts, model
from facetwise.document.model import STATUS_WORDS, Cell, Chart, Column, Document, Line, TableBlock, TableRow
from facetwise.document.render import marks
from facetwise.document.render.html import thousands
from facetwise.knowledge.dating import in_words
from facetwise.problems import FacetwiseError, Problem, did_you_mean

View = dict[str, Any]

# Width and height in points. The side margins leave a text width that fits either sheet.
PAPERS = {"a4": (595.28, 841.89), "us-letter": (612.0, 792.0)}
_SIDE, _TOP, _BOTTOM = 51.0, 62.0, 56.0
_TABLE_SIZE, _WIDE_SIZE = 8.5, 8.0
_GAP = 9.0
_MANY_COLUMNS = 5
# Points to a pixel of a chart: its 13 pixel labels come out about as large as the text.
_CHART_SCALE = 0.73
_LONG_WORD = re.compile(r"[^\s/-]{29,}")


def to_pdf(document: Document, paper: str = "a4") -> bytes:
    """Return the document as a tagged PDF, the same bytes for the same document, on "a4" or "us-letter".

    Raises FacetwiseError when `paper` is another, when the package `typst` is missing, and when Typst cannot lay the
    document out.
    """
    if paper not in PAPERS:
        raise _error(f"paper {paper!r} is not known", " or ".join(PAPERS), did_you_mean(paper, PAPERS))
    try:
        import typst
    except ImportError:
        found = "PDF needs the package typst, which is not installed"
        raise _error(found, mend="install it: pip install 'facetwise[pdf]'") from None
    files = {
        "main": _resource("templates/document.typ"),
        "document.json": json.dumps(_breakable(_Reader(document, paper).document()), ensure_ascii=False).encode(),
    }
    day = date.fromisoformat(document.as_of)
    # The type hints of the package do not know that the input may be several files by name.
    compile_any: Any = typst.compile
    compiled: Callable[..., bytes] = functools.partial(
        compile_any,
        files,
        format="pdf",
        font_paths=[_resource_path("fonts")],
        timestamp=datetime(day.year, day.month, day.day, tzinfo=UTC),
    )
    attempts: tuple[View, ...] = (
        # Only the fonts that we ship: the same page, and the same bytes, on every machine.
        {"ignore_system_fonts": True, "pdf_standards": ["ua-1"]},
        # PDF/UA refuses a sign that no font has. A user's own text may hold any: then the fonts of the machine help,
        # and where they do not, the page is still tagged, without the claim.
        {"ignore_system_fonts": False, "pdf_standards": ["ua-1"]},
        {"ignore_system_fonts": False},
    )
    reason = ""
    for attempt in attempts:
        try:
            return compiled(**attempt)
        except typst.TypstError as error:
            reason = error.message
    raise _error(f"the PDF could not be laid out: {reason}", mend="write HTML instead (--format html) and report this")


def _error(found: str, expected: str = "", mend: str = "") -> FacetwiseError:
    return FacetwiseError(Problem("", 0, found, expected, mend))


def _resource_path(name: str) -> str:
    return str(importlib.resources.files("facetwise.document").joinpath(name))


@functools.cache
def _resource(name: str) -> bytes:
    return importlib.resources.files("facetwise.document").joinpath(name).read_bytes()


@dataclass
class _Reader:
    """Turns a document into the plain values that the template lays out."""

    source: Document
    paper: str
    appendix: list[View] = field(default_factory=list)
    labels: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def __post_init__(self) -> None:
        self.numbers = marks.numbers(self.source)
        width, height = PAPERS[self.paper]
        self.width, self.wide = width - 2 * _SIDE, height - 2 * _SIDE
        self.lines_per_page = (height - _TOP - _BOTTOM) / (_TABLE_SIZE * 1.35)

    def document(self) -> View:
        source = self.source
        sections = [self.section(one) for one in source.sections if one.id != "sources"]
        day = date.fromisoformat(source.as_of)
        code, _, name = source.title.rpartition(": ") if ": " not in source.title else source.title.partition(": ")
        if not source.code:
            code, name = "", source.title
        about = [f"Knowledge reviewed {in_words(source.reviewed)}"]
        if source.audience:
            about.append(f"ordered for {source.audience} readers")
        if source.layers:
            about.append(f"with your own knowledge: {', '.join(source.layers)}")
        return {
            "paper": self.paper,
            "margin": {"x": _SIDE, "top": _TOP, "bottom": _BOTTOM},
            "sizes": {"table": _TABLE_SIZE, "wide": _WIDE_SIZE, "gap": _GAP},
            "code": code or source.code,
            "name": name,
            "kind": source.kind,
            "title": f"{source.title}, as of {in_words(day)}",
            "summary": source.summary,
            "date": [day.year, day.month, day.day],
            "as_of": f"As of {in_words(day)}",
            "about": "; ".join(about),
            "grades": [
                {"glyph": glyph, "word": word, "means": marks.EVIDENCE_WORDS[word]}
                for word, glyph in marks.EVIDENCE_GLYPHS.items()
            ],
            "sections": sections,
            "appendix": self.appendix,
            "sources": [_source(entry) for entry in source.sources],
            "sources_title": next((one.title for one in source.sections if one.id == "sources"), "Sources"),
            "notice": source.notice,
            "digests": f"Knowledge {source.knowledge}. {source.kind.capitalize()} {source.digest}.",
        }

    def section(self, section: model.Section) -> View:
        """Return a section: runs of blocks, each on upright or turned pages. What is folded goes to the appendix."""
        label = f"section-{self.labels()}"
        found: View = {"id": section.id, "title": section.title, "label": label, "folded": section.folded, "runs": []}
        if section.folded:
            blocks = [view for block in section.blocks for view in self.whole(block)]
            self.appendix.append({"title": section.title, "label": label, "listed": True, "runs": _runs(blocks)})
            return found
        folded: list[View] = []
        views: list[View] = []
        for block in section.blocks:
            if block.folded:
                moved = self.whole(block, title=block.title or "More")
                folded += moved
                self.refer(views, moved[0])
                continue
            view, *figures = self.whole(block)
            views.append(view)
            for one in figures:
                folded.append(one)
                view["figures"] = one["label"]
        if folded:
            self.appendix.append(
                {"title": section.title, "label": f"{label}-more", "listed": False, "runs": _runs(folded)}
            )
        found["runs"] = _runs(views)
        return found

    def refer(self, views: list[View], moved: View) -> None:
        """Add a reference to a block of the appendix; references that follow one another share a line."""
        if not views or views[-1]["type"] != "refs":
            views.append({"type": "refs", "title": "", "items": []})
        views[-1]["items"].append({"title": moved["title"], "label": moved["label"]})

    def whole(self, block: model.AnyBlock, title: str = "") -> list[View]:
        """Return a block, with a label of its own; a chart is followed by its figures as a table."""
        view = self.block(block) | {"title": title or block.title, "label": f"block-{self.labels()}"}
        if isinstance(block, Chart):
            table = self.table(_figures(block), min(self.width, 110.0 * (1 + len(block.series))))
            return [view, table | {"title": f"Figures: {block.title}", "label": f"block-{self.labels()}"}]
        return [view]

    def block(self, block: model.AnyBlock) -> View:
        match block:
            case model.Answer():
                # As in HTML: the first line gives the sentence its sources, the others say what it rests on.
                first = self.cites(block.lines[0]) if block.lines else {"grade": "", "cites": []}
                return {"type": "answer", "text": block.text, **first, "lines": self.lines(block.lines[1:])}
            case model.Paragraph():
                return {"type": "paragraph", "line": self.line(block.line)}
            case model.Points():
                return {"type": "points", "lines": self.lines(block.lines)}
            case model.Facts():
                items = [{"label": label, "lines": self.lines(cell.lines)} for label, cell in block.items]
                return {"type": "facts", "items": items}
            case TableBlock():
                return self.table(block)
            case Chart():
                note = {"note": block.note, "cites": [self.numbers[key] for key in block.sources]}
                drawing = charts.svg(block)
                width = min(_CHART_SCALE * _svg_width(drawing) / self.width, 1.0)
                return {"type": "chart", "svg": drawing, "width": width, "alt": block.alt or block.title, **note}
            case model.Timeline():
                return {"type": "timeline", "events": [self.event(event) for event in block.events]}
            case model.Steps():
                items = [{"title": name, "text": text} for name, text in block.items]
                return {"type": "steps", "items": items, "cites": [self.numbers[key] for key in block.sources]}
            case model.Checklist():
                return {"type": "checklist", "lines": self.lines(block.lines)}

    def event(self, event: model.Event) -> View:
        text = f"{event.who}: {event.text}" if event.who else event.text
        said = {"date": in_words(event.date), "text": text, "means": event.means, "recent": event.recent}
        status = _status("conflict") if event.conflict else _status("")
        return {**said, **status, **self.cites(event)}

    def lines(self, lines: Iterable[Line]) -> list[View]:
        return [self.line(line) for line in lines]

    def line(self, line: Line) -> View:
        text = line.text
        word = STATUS_WORDS.get(line.status, "")
        if marks.says_status(line) and not text[len(word) : len(word) + 1].isalnum():
            text = text[len(word) :]
        return {
            "who": line.who,
            **_status(line.status),
            "text": text,
            "remarks": marks.remarks(line),
            "recent": line.recent,
            "yours": bool(line.layer),
            "note": line.note,
            "lines": self.lines(line.lines),
            **self.cites(line),
        }

    def cites(self, one: Line | model.Event) -> View:
        grade = marks.EVIDENCE_GLYPHS.get(one.evidence, "") if one.sources else ""
        return {"grade": grade, "cites": [self.numbers[key] for key in one.sources]}

    def table(self, block: TableBlock, whole: float = 0) -> View:
        wide = block.kind == "comparison" and len(block.columns) > _MANY_COLUMNS
        size = _WIDE_SIZE if wide else _TABLE_SIZE
        slots = [_slot(block, place, size, self.numbers) for place in range(len(block.columns))]
        widths = _widths(block, whole or (self.wide if wide else self.width), size, slots)
        groups = [
            {
                "title": title,
                "rows": [
                    {
                        "cells": [self.lines(cell.lines) for cell in row.cells],
                        # Only these are measured by the template, which costs time.
                        "tall": _height(row, widths, size) > self.lines_per_page / 4,
                    }
                    for row in rows
                ],
            }
            for title, rows in itertools.groupby(block.rows, key=lambda row: row.group)
        ]
        columns = [
            {"title": one.title, "unit": one.unit, "number": one.number, "slot": slot}
            for one, slot in zip(block.columns, slots, strict=True)
        ]
        shape = {"columns": columns, "widths": widths, "wide": wide, "groups": groups}
        return {"type": "table", "caption": block.caption, "note": block.note, **shape}


def _breakable(part: Any, name: str = "") -> Any:
    """Return the values with places to break in words that no column could hold."""
    if isinstance(part, str) and name not in ("svg", "url", "label", "figures", "digests"):
        return _LONG_WORD.sub(lambda word: "\u200b".join(re.findall(".{1,20}", word[0])), part)
    if isinstance(part, list):
        return [_breakable(one) for one in part]
    return {key: _breakable(one, key) for key, one in part.items()} if isinstance(part, dict) else part


def _svg_width(drawing: str) -> float:
    found = re.search(r'<svg [^>]*?\bwidth="([\d.]+)', drawing)
    return float(found.group(1)) if found else math.inf


def _runs(views: list[View]) -> list[View]:
    """Return the blocks in runs that share upright or turned pages."""
    runs = itertools.groupby(views, key=lambda one: bool(one.get("wide")))
    return [{"wide": wide, "blocks": list(run)} for wide, run in runs]


def _status(status: str) -> View:
    return {"status": status, "glyph": marks.STATUS_GLYPHS.get(status, ""), "word": STATUS_WORDS.get(status, "")}


def _figures(chart: Chart) -> TableBlock:
    labels = dict.fromkeys(label for series in chart.series for label, _ in series.points)
    values = [dict(series.points) for series in chart.series]
    rows = []
    for label in labels:
        shown = (thousands(points[label], chart.money) if label in points else "none" for points in values)
        rows.append(TableRow((Cell((Line(label),)), *(Cell((Line(one),)) for one in shown))))
    columns = (Column("x", chart.x), *(Column(str(n), one.name, number=True) for n, one in enumerate(chart.series)))
    return TableBlock(id=f"{chart.id}-figures", caption=chart.y, columns=columns, rows=tuple(rows))


def _source(entry: model.SourceEntry) -> View:
    when = in_words(entry.date) if entry.date != "not established" else "date not established"
    standing = [
        entry.evidence,
        "low weight" if entry.weight == "low" else "",
        f"yours: {entry.layer}" if entry.layer else "",
    ]
    addresses = [
        {"label": label, "url": url}
        for label, url in (("Issuer's own address", entry.canonical_url), ("Where it was read", entry.url))
        if url.startswith(("http://", "https://"))
    ]
    about = f"{f', version {entry.version}' if entry.version else ''}. {entry.publisher}, {when}."
    read = f"Read: {entry.extent}." if entry.extent else ""
    vintage = f"Vintage: {entry.vintage}." if entry.vintage else ""
    return {
        "number": entry.number,
        "key": entry.key,
        "glyph": marks.EVIDENCE_GLYPHS.get(entry.evidence, ""),
        "title": entry.title,
        "about": about,
        "standing": ", ".join(filter(None, standing)),
        "more": " ".join(filter(None, (read, vintage))),
        "addresses": addresses,
    }


# --- column widths: from the words in the columns, so that a long column gets the room and no word is cut


def _flat(lines: Iterable[Line], cites: bool = True) -> list[str]:
    """Return the texts of the lines, notes and sides; a source number counts as a short word."""
    found = []
    for line in lines:
        numbers = ["00"] * len(line.sources) if cites else []
        said = (line.who, STATUS_WORDS.get(line.status, ""), line.text, *marks.remarks(line), *numbers)
        found += [" ".join(filter(None, said)), line.note, *_flat(line.lines, cites)]
    return [text for text in found if text]


def _widths(block: TableBlock, whole: float, size: float, slots: list[float]) -> list[float]:
    """Return widths in points that fill `whole`: room for the longest word of each column, the rest by need."""
    letter = size * 0.5
    least, wish = [], []
    for place, column in enumerate(block.columns):
        texts = [text for row in block.rows for text in _flat(row.cells[place].lines, cites=not column.number)]
        head = f"{column.title} ({column.unit})" if column.unit else column.title
        # A figure stays on one line with what little stands beside it.
        pieces = [text for text in texts if len(text) <= 22] if column.number else []
        pieces += [word for text in (*texts, head) for word in text.split()]
        longest = max(map(len, pieces), default=1)
        least.append(min(longest * letter * 1.15 + _GAP + slots[place], 1.4 * whole / len(block.columns)))
        if column.number:
            wish.append(least[-1])
            continue
        lengths = sorted(len(text) for text in texts) or [1]
        # Between the longest and the typical text: one long cell must not starve the other columns.
        need = (lengths[-1] + 2 * lengths[len(lengths) // 2]) / 3
        wish.append(max(min(need * letter, whole) + _GAP, min(len(head) * letter + _GAP, least[-1] * 1.6)))
    least = [one * min(1.0, whole / sum(least)) for one in least]
    spare = whole - sum(least)
    extra = [max(one - small, 4.0) for one, small in zip(wish, least, strict=True)]
    return [round(small + spare * more / sum(extra), 2) for small, more in zip(least, extra, strict=True)]


def _slot(block: TableBlock, place: int, size: float, numbers: dict[str, int]) -> float:
    """Return the width in points that the source numbers beside a column of numbers take; 0 in other columns."""
    if not block.columns[place].number:
        return 0
    lines = (line for row in block.rows for line in row.cells[place].lines)
    longest = max((len(",".join(str(numbers[key]) for key in line.sources)) for line in lines), default=0)
    return round(longest * size * 0.39 + size, 2) if longest else 0


def _height(row: TableRow, widths: list[float], size: float) -> float:
    """Return about how many lines the row takes, rather too many than too few."""
    tallest = 0.0
    for cell, width in zip(row.cells, widths, strict=True):
        texts = _flat(cell.lines)
        tallest = max(tallest, sum(1.5 + len(text) * size * 0.6 / max(width - _GAP, 1) for text in texts))
    return tallest
