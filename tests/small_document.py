"""A small briefing built by hand: a section of the blocks that a test gives, between an overview and the sources."""

from __future__ import annotations

from typing import Any

import msgspec

from facetwise.document.model import (
    Answer,
    AnyBlock,
    Cell,
    Chart,
    Checklist,
    Column,
    Document,
    Event,
    Facts,
    Line,
    Paragraph,
    Points,
    Section,
    Series,
    SourceEntry,
    Steps,
    TableBlock,
    TableRow,
    Timeline,
)

SOURCE = SourceEntry(
    key="key-1",
    title="Title 1",
    publisher="Publisher",
    url="https://example.org/read",
    canonical_url="https://example.org/own",
    date="2024-05",
    evidence="primary",
    number=1,
)


def document(*blocks: AnyBlock, more: tuple[Section, ...] = (), **changes: Any) -> Document:
    overview = Section(
        "overview", "Overview", (Answer(text="It is an add-on.", lines=(Line("", sources=("key-1",)),)),)
    )
    made = Document(
        code="64495",
        as_of="2026-03-02",
        title="64495: Facet injection",
        summary="National coding and coverage briefing",
        knowledge="sha256:aa",
        reviewed="2026-02-01",
        sections=(overview, Section("coding", "Coding", blocks), *more, Section("sources", "Sources", ())),
        sources=(SOURCE,),
        notice="It is no advice.",
        digest="sha256:bb",
    )
    return msgspec.structs.replace(made, **changes)


def hostile(text: str) -> Document:
    """A document that says `text` in every place that holds words, once in each kind of block."""
    line = Line(
        text,
        who=text,
        note=text,
        layer=text,
        status="conflict",
        evidence="primary",
        sources=("key-1",),
        lines=(Line(text, who=text), Line(text)),
    )
    plain = Cell((line,))
    series = Series(text, ((text, "1"), ("b", "2")))
    blocks: tuple[AnyBlock, ...] = (
        Answer(title=text, text=text, lines=(line, line)),
        Paragraph(title=text, line=line),
        Points(title=text, lines=(line,)),
        Facts(title=text, items=((text, plain),)),
        TableBlock(
            title=text,
            id="t",
            caption=text,
            columns=(Column("a", text), Column("b", text, unit=text, number=True)),
            rows=(TableRow((plain, plain), group=text),),
            note=text,
            lines=(line,),
        ),
        Chart(
            title=text,
            id="c",
            kind="bars",
            x=text,
            y=text,
            series=(series,),
            alt=text,
            sources=("key-1",),
            note=text,
            lines=(line,),
        ),
        Timeline(title=text, events=(Event("2020", text, who=text, means=text, conflict=True, sources=("key-1",)),)),
        Steps(title=text, items=((text, text),), sources=("key-1",)),
        Checklist(title=text, lines=(line,)),
        Points(title=text, lines=(line,), folded=True),
    )
    entry = msgspec.structs.replace(
        SOURCE, title=text, publisher=text, version=text, extent=text, vintage=text, layer=text
    )
    return document(
        *blocks,
        more=(Section("more", text, (Points(lines=(line,)),), folded=True),),
        title=f"64495: {text}",
        summary=text,
        notice=text,
        layers=(text,),
        audience=text,
        sources=(entry,),
    )
