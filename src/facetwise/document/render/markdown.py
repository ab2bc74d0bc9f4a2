"""Markdown that GitHub renders: headings, tables and footnote-like links to the numbered sources."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from facetwise.document.model import (
    STATUS_WORDS,
    Answer,
    AnyBlock,
    Cell,
    Chart,
    Checklist,
    Document,
    Facts,
    Line,
    Paragraph,
    Points,
    SourceEntry,
    Steps,
    TableBlock,
    Timeline,
    without_status,
)
from facetwise.document.render import marks
from facetwise.document.render.html import thousands
from facetwise.knowledge.dating import in_words

# What Markdown or HTML could take for markup; a text of the knowledge is never more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$])")
# What would begin a list, a rule or an underlined heading where it stands first.
_BEGINS = re.compile(r"(\d{0,9})([-+=.)])(?=[-+=\s]|$)")
# A character reference, such as &lt; or &#60;.
_REFERENCE = re.compile(r"&(?=#?\w+;)")


def to_markdown(document: Document) -> str:
    """Return the document as GitHub-flavoured Markdown."""
    return "\n".join(_Writer(document).lines()).rstrip() + "\n"


class _Writer:
    def __init__(self, document: Document):
        self.document = document
        self.numbers = marks.numbers(document)

    def lines(self) -> Iterator[str]:
        document = self.document
        yield f"# {escaped(document.title)}"
        yield ""
        reviewed = in_words(document.reviewed)
        about = [f"Knowledge reviewed {reviewed}"]
        if document.audience:
            about.append(f"ordered for {escaped(document.audience)} readers")
        if document.layers:
            about.append(f"with your own knowledge: {', '.join(escaped(layer) for layer in document.layers)}")
        yield f"**As of {in_words(document.as_of)}.** {escaped(document.summary)}. {'; '.join(about)}."
        yield ""
        grades = "; ".join(
            f"{marks.EVIDENCE_GLYPHS[grade]} {grade}: {words}" for grade, words in marks.EVIDENCE_WORDS.items()
        )
        yield f"Numbers in brackets lead to the [sources](#sources). Evidence: {grades}."
        yield ""
        yield " · ".join(f"[{escaped(section.title)}](#{_anchor(section.title)})" for section in document.sections)
        yield ""
        for section in document.sections:
            yield f"## {escaped(section.title)}"
            yield ""
            if section.id == "sources":
                for entry in document.sources:
                    yield self._source(entry)
                yield ""
                continue
            for block in section.blocks:
                yield from self._block(block, folded=section.folded or block.folded)
        yield "---"
        yield ""
        yield escaped(document.notice)
        yield ""
        yield f"Knowledge `{document.knowledge}`. {document.kind.capitalize()} `{document.digest}`."

    def _block(self, block: AnyBlock, *, folded: bool) -> Iterator[str]:
        if folded:
            # Inside HTML nothing is read as Markdown; the blank line after it begins Markdown again.
            yield f"<details><summary>{html.escape(' '.join(block.title.split()) or 'More')}</summary>"
            yield ""
        elif block.title:
            yield f"### {escaped(block.title)}"
            yield ""
        yield from self._content(block)
        yield ""
        if folded:
            yield "</details>"
            yield ""

    def _content(self, block: AnyBlock) -> Iterator[str]:
        if isinstance(block, Answer):
            cites = self._cites(block.lines[0]) if block.lines else ""
            yield f"> **{escaped(block.text)}** {cites}".rstrip()
            for line in block.lines[1:]:
                yield ">"
                yield f"> - {self._line(line)}"
        elif isinstance(block, Paragraph):
            yield self._line(block.line)
        elif isinstance(block, Points):
            for line in block.lines:
                yield f"- {self._line(line)}"
        elif isinstance(block, Facts):
            yield "| | |"
            yield "|---|---|"
            for label, cell in block.items:
                yield f"| **{escaped(label)}** | {self._cell(cell)} |"
        elif isinstance(block, TableBlock):
            yield from self._table(block)
        elif isinstance(block, Chart):
            yield from self._chart(block)
        elif isinstance(block, Timeline):
            yield "| When | What changed | What it means |"
            yield "|---|---|---|"
            for event in block.events:
                who = f"{event.who}: " if event.who else ""
                mark = " *(sources disagree)*" if event.conflict else ""
                cites = self._numbers(event.sources, event.evidence)
                what = f"**{escaped(who + event.text)}**{mark} {cites}"
                yield f"| {in_words(event.date)} | {what} | {escaped(event.means)} |"
        elif isinstance(block, Steps):
            for number, (title, text) in enumerate(block.items, start=1):
                yield f"{number}. **{escaped(title)}.** {escaped(text)}"
            if block.sources:
                yield ""
                yield f"Source {self._numbers(block.sources, '')}"
        elif isinstance(block, Checklist):
            for line in block.lines:
                yield f"- [ ] {self._line(line)}"

    def _table(self, block: TableBlock) -> Iterator[str]:
        yield f"*{escaped(block.caption)}*"
        yield ""
        titles = [f"{column.title} ({column.unit})" if column.unit else column.title for column in block.columns]
        yield "| " + " | ".join(escaped(title) for title in titles) + " |"
        yield "|" + "|".join("---:" if column.number else "---" for column in block.columns) + "|"
        group = ""
        for row in block.rows:
            if row.group and row.group != group:
                group = row.group
                yield f"| ***{escaped(group)}*** |" + " |" * (len(block.columns) - 1)
            first, *rest = (self._cell(cell) for cell in row.cells)
            yield "| " + " | ".join([f"**{first}**" if first and "**" not in first else first, *rest]) + " |"
        if block.note:
            yield ""
            yield escaped(block.note)
        for line in block.lines:
            yield ""
            yield self._line(line)

    def _chart(self, block: Chart) -> Iterator[str]:
        labels = list(dict.fromkeys(label for series in block.series for label, _ in series.points))
        yield f"*{escaped(block.y)}* {self._numbers(block.sources, '')}"
        yield ""
        yield f"| {escaped(block.x)} | " + " | ".join(escaped(series.name) for series in block.series) + " |"
        yield "|---|" + "---:|" * len(block.series)
        for label in labels:
            values = (dict(series.points).get(label) for series in block.series)
            yield (
                f"| {escaped(label)} | "
                + " | ".join(thousands(value, block.money) if value else "none" for value in values)
                + " |"
            )
        if block.note:
            yield ""
            yield escaped(block.note)
        for line in block.lines:
            yield ""
            yield self._line(line)

    def _cell(self, cell: Cell) -> str:
        return "<br>".join(self._line(line) for line in cell.lines)

    def _line(self, line: Line) -> str:
        parts = []
        if line.who:
            parts.append(f"**{escaped(line.who)}:**")
        words = STATUS_WORDS.get(line.status, "")
        if words:
            parts.append(f"{marks.STATUS_GLYPHS[line.status]} **{words}**")
        text = without_status(line.text, line.status)
        if text and text.lower() != words:
            parts.append(escaped(text))
        parts += [f"*({escaped(remark)})*" for remark in marks.remarks(line)]
        cites = self._cites(line)
        if cites:
            parts.append(cites)
        if line.note:
            parts.append(f"*{escaped(line.note)}*")
        parts += [f"<br>— {self._line(side)}" for side in line.lines]
        return " ".join(parts)

    def _cites(self, line: Line) -> str:
        return self._numbers(line.sources, line.evidence)

    def _numbers(self, keys: tuple[str, ...], evidence: str) -> str:
        if not keys:
            return ""
        glyph = marks.EVIDENCE_GLYPHS.get(evidence, "")
        return f"{glyph}" + " ".join(f"[[{self.numbers[key]}]](#source-{self.numbers[key]})" for key in keys)

    def _source(self, entry: SourceEntry) -> str:
        version = f", version {escaped(entry.version)}" if entry.version else ""
        date = in_words(entry.date) if entry.date != "not established" else "date not established"
        standing = [f"{marks.EVIDENCE_GLYPHS[entry.evidence]} {entry.evidence}"]
        if entry.weight == "low":
            standing.append("low weight")
        if entry.layer:
            standing.append(f"yours: {escaped(entry.layer)}")
        parts = [
            f'<a id="source-{entry.number}"></a>**{escaped(entry.title)}**{version}',
            f"{escaped(entry.publisher)}, {date}; {', '.join(standing)}",
        ]
        if entry.extent:
            parts.append(f"Read: {escaped(entry.extent)}")
        if entry.vintage:
            parts.append(f"Vintage: {escaped(entry.vintage)}")
        links = (("Issuer's own address", entry.canonical_url), ("Where it was read", entry.url))
        found = [f"[{name}](<{_address(url)}>)" for name, url in links if url.startswith(("http://", "https://"))]
        parts += found or ["No public address is established"]
        return f"{entry.number}. " + ". ".join(parts) + f". `{entry.key}`"


def escaped(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, on one line."""
    line = _REFERENCE.sub("&amp;", " ".join(text.split()))
    line = _SPECIAL.sub(r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;")
    return _BEGINS.sub(r"\1\\\2", line, count=1) if _BEGINS.match(line) else line


def _address(url: str) -> str:
    """Return `url` so that it stands between < and > in a table cell as well."""
    return re.sub(r"[\s<>|\\]", lambda found: f"%{ord(found[0]):02X}", url)


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
