"""A cited document, such as a briefing: sections of blocks, every statement with its sources, ready for any renderer.

The JSON of a document is what `brief --format json` prints; HTML, PDF and Markdown are drawn from the same blocks.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

Status = Literal[
    "",
    "covered",
    "covered_with_criteria",
    "not_covered",
    "appeal_only",
    "not_established",
    "required",
    "not_required",
    "depends",
    "conflict",
    "met",
    "not_met",
    "unknown",
]
STATUS_WORDS: dict[str, str] = {
    "covered": "covered",
    "covered_with_criteria": "covered if criteria are met",
    "not_covered": "not covered",
    "appeal_only": "on appeal only",
    "not_established": "not established",
    "required": "required",
    "not_required": "not required",
    "depends": "depends on the plan",
    "conflict": "sources disagree",
    "met": "met",
    "not_met": "not met",
    "unknown": "missing",
}


def without_status(text: str, status: str) -> str:
    """Return `text` without the words of its status at its beginning, since the status is shown beside it."""
    words = STATUS_WORDS.get(status, "")
    if not words or not text.lower().startswith(words) or text[len(words) : len(words) + 1].isalpha():
        return text
    rest = text[len(words) :].strip()
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    rest = rest.lstrip(",;:-. ")
    if not rest:
        return words
    return rest[0].upper() + rest[1:] if text[0].isupper() else rest


class Block(msgspec.Struct, tag_field="type", frozen=True, omit_defaults=True, kw_only=True):
    """A piece of a section. `audience` names the readers it is for (none: all); `folded` puts it behind the rest."""

    title: str = ""
    audience: tuple[str, ...] = ()
    folded: bool = False


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dated, cited sentence or cell line. `who` names whose it is where several stand together.

    `since` is the date from which it holds ("undated" when the source has none), `seen` says that it was presumed from
    a shared text, `recent` that it changed within twelve months before the as-of date, `layer` whose overlay says it.
    """

    text: str
    who: str = ""
    status: Status = ""
    sources: tuple[str, ...] = ()
    evidence: str = ""
    since: str = ""
    until: str = ""
    note: str = ""
    presumed: bool = False
    recent: bool = False
    layer: str = ""
    lines: tuple[Line, ...] = ()


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table cell: its lines; a number is shown as it is written, right-aligned when its column says so."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "; ".join(line.text for line in self.lines)


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table column; `unit` stands in the header, `weight` is its share of the width in a comparison."""

    key: str
    title: str
    unit: str = ""
    number: bool = False
    weight: int = 1


class TableRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table row; `group` is the heading under which it stands."""

    cells: tuple[Cell, ...]
    group: str = ""


class Answer(Block, frozen=True, tag="answer"):
    """What matters, first: one sentence and what it rests on."""

    text: str
    lines: tuple[Line, ...] = ()


class Paragraph(Block, frozen=True, tag="paragraph"):
    """A sentence or a few with their sources."""

    line: Line


class Points(Block, frozen=True, tag="points"):
    """A list of cited sentences."""

    lines: tuple[Line, ...]


class Facts(Block, frozen=True, tag="facts"):
    """Labels with their values."""

    items: tuple[tuple[str, Cell], ...]


class TableBlock(Block, frozen=True, tag="table"):
    """A table with a caption; the first column heads its rows. `lines` are cited remarks that stand under it.

    `kind` comparison asks for the matrix layout.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    lines: tuple[Line, ...] = ()
    kind: Literal["plain", "comparison"] = "plain"


class Series(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line or set of bars: its name and its values by label, exact decimals as text."""

    name: str
    points: tuple[tuple[str, str], ...]


class Chart(Block, frozen=True, tag="chart"):
    """A chart that says one thing, in its title. `alt` says it in words; the values stand in `series`."""

    id: str
    kind: Literal["line", "bars", "ranges"]
    x: str
    y: str
    series: tuple[Series, ...]
    alt: str
    sources: tuple[str, ...] = ()
    note: str = ""
    lines: tuple[Line, ...] = ()
    money: bool = False


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that changed: when, who, what, and what it means."""

    date: str
    text: str
    who: str = ""
    means: str = ""
    sources: tuple[str, ...] = ()
    evidence: str = ""
    recent: bool = False
    conflict: bool = False


class Timeline(Block, frozen=True, tag="timeline"):
    """What changed, newest first."""

    events: tuple[Event, ...]


class Steps(Block, frozen=True, tag="steps"):
    """Numbered steps."""

    items: tuple[tuple[str, str], ...]
    sources: tuple[str, ...] = ()


class Checklist(Block, frozen=True, tag="checklist"):
    """Boxes to tick."""

    lines: tuple[Line, ...]


AnyBlock = Answer | Paragraph | Points | Facts | TableBlock | Chart | Timeline | Steps | Checklist


class Section(msgspec.Struct, frozen=True, omit_defaults=True):
    """A section; `folded` when the chosen audience needs it least."""

    id: str
    title: str
    blocks: tuple[AnyBlock, ...]
    folded: bool = False


class SourceEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A source as a document lists it; `number` is the one that print shows."""

    key: str
    title: str
    publisher: str
    url: str
    date: str
    evidence: str
    number: int
    version: str = ""
    identifier: str = ""
    canonical_url: str = ""
    extent: str = ""
    vintage: str = ""
    note: str = ""
    weight: str = "normal"
    layer: str = ""


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole briefing, or another paper (`kind` names it), which may be about no one `code`.

    Dates are ISO texts; `digest` is over everything else in it.
    """

    code: str
    as_of: str
    title: str
    summary: str
    knowledge: str
    reviewed: str
    sections: tuple[Section, ...]
    sources: tuple[SourceEntry, ...]
    audience: str = ""
    payers: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    notice: str = ""
    digest: str = ""
    kind: str = "briefing"


def sealed(document: Document) -> Document:
    """Return the document with its digest: "sha256:..." over its JSON without `digest`."""
    bare = msgspec.structs.replace(document, digest="")
    content = msgspec.json.encode(bare, order="deterministic")
    return msgspec.structs.replace(document, digest="sha256:" + hashlib.sha256(content).hexdigest())


def to_json(document: Document) -> bytes:
    """Return the document as JSON, indented, with the keys in the order of the contract."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def cited(document: Any) -> list[str]:
    """Return the keys of the sources in the order in which the sections first cite them."""
    found: dict[str, None] = {}
    _collect(document, found)
    return list(found)


def _collect(part: Any, found: dict[str, None]) -> None:
    if isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            inner = getattr(part, name)
            if name == "sources":
                for key in inner:
                    found.setdefault(key)
            elif inner and not isinstance(inner, str):
                _collect(inner, found)
    elif isinstance(part, tuple | list):
        for one in part:
            if not isinstance(one, str):
                _collect(one, found)


def plain_cell(
    text: str, *, sources: tuple[str, ...] = (), evidence: str = "", status: Status = "", note: str = ""
) -> Cell:
    """Return a cell of one line."""
    return Cell((Line(text, sources=sources, evidence=evidence, status=status, note=note),))
