"""The PDF: what stands on its pages, that text stays text, and that the same document gives the same bytes."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import msgspec
import pypdfium2
import pytest

from facetwise.briefing.build import build
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
    Status,
    Steps,
    TableBlock,
    TableRow,
    Timeline,
    plain_cell,
)
from facetwise.document.render.pdf import to_pdf
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

HOSTILE = '#panic() *bold* _it_ $x^2$ <lab> @ref [a] `raw` // no = head -- "q" \\u{1F600} #let x = 1'


def source(number: int) -> SourceEntry:
    return SourceEntry(
        key=f"key-{number}",
        title=f"Title {number}",
        publisher="Publisher",
        url=f"https://example.org/{number}",
        date="2024-05",
        evidence="primary",
        number=number,
    )


def document(*blocks: AnyBlock, more: tuple[Section, ...] = (), entries: int = 1, **changes: Any) -> Document:
    """A briefing of an overview, a section with the blocks, and sources."""
    overview = Section(
        "overview", "Overview", (Answer(text="It is an add-on.", lines=(Line("", sources=("key-1",)),)),)
    )
    sections = (overview, Section("coding", "Coding", blocks), *more, Section("sources", "Sources", ()))
    made = Document(
        code="64495",
        as_of="2026-03-02",
        title="64495: Facet injection",
        summary="National coding and coverage briefing",
        knowledge="sha256:aa",
        reviewed="2026-02-01",
        sections=sections,
        sources=tuple(source(number) for number in range(1, entries + 1)),
        notice="It is no advice.",
        digest="sha256:bb",
    )
    return msgspec.structs.replace(made, **changes)


def table(rows: tuple[TableRow, ...], columns: int = 2, **changes: Any) -> TableBlock:
    heads = tuple(Column(f"c{number}", f"Head {number}") for number in range(columns))
    return msgspec.structs.replace(TableBlock(id="t", caption="The caption", columns=heads, rows=rows), **changes)


def pages(content: bytes) -> list[str]:
    """The text of each page; what Typst breaks into lines is joined by spaces."""
    with pypdfium2.PdfDocument(content) as pdf:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in pdf]


def sizes(content: bytes) -> list[tuple[int, int]]:
    with pypdfium2.PdfDocument(content) as pdf:
        return [(round(width), round(height)) for width, height in (page.get_size() for page in pdf)]


def text_of(*blocks: AnyBlock, **changes: Any) -> str:
    return " ".join(pages(to_pdf(document(*blocks, **changes))))


def test_the_first_page_says_what_it_is_and_of_when() -> None:
    first = pages(to_pdf(document(Paragraph(line=Line("Something.", sources=("key-1",))))))[0]
    for words in (
        "64495",
        "Facet injection",
        "As of 2 March 2026",
        "Knowledge reviewed 1 February 2026",
        "It is an add-on.",
    ):
        assert words in first
    assert first.index("It is an add-on.") < first.index("Contents") < first.index("Something.")


def test_every_page_is_numbered_and_later_ones_carry_code_and_date() -> None:
    found = pages(to_pdf(document(Points(lines=tuple(Line(f"Point {number}.") for number in range(120))))))
    assert len(found) >= 3
    for number, text in enumerate(found, start=1):
        assert f"page {number} of {len(found)}" in text
        if number > 1:
            assert text.startswith("64495 Facet injection As of 2 March 2026")


def test_the_last_page_ends_with_the_notice_and_the_digests() -> None:
    last = pages(to_pdf(document()))[-1]
    assert "It is no advice." in last
    assert "Knowledge sha256:aa. Briefing sha256:bb." in last


def test_metadata_language_and_tags() -> None:
    content = to_pdf(document())
    with pypdfium2.PdfDocument(content) as pdf:
        known = pdf.get_metadata_dict()
        assert known["Title"] == "64495: Facet injection, as of 2 March 2026"
        assert known["CreationDate"].startswith("D:20260302")
        assert pdf.is_tagged()
        assert [one.get_title() for one in pdf.get_toc()][:2] == ["Overview", "Coding"]
    assert b"pdfuaid:part>1<" in content
    assert b"en-US" in content


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("us-letter", (612, 792))])
def test_paper(paper: str, size: tuple[int, int]) -> None:
    assert set(sizes(to_pdf(document(), paper=paper))) == {size}


def test_a_paper_that_is_not_known() -> None:
    with pytest.raises(FacetwiseError, match="us-letter"):
        to_pdf(document(), paper="us-leter")


def test_without_typst_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(FacetwiseError, match=r"pip install 'facetwise\[pdf\]'"):
        to_pdf(document())


def test_hostile_text_prints_as_it_is() -> None:
    line = Line(HOSTILE, who=HOSTILE, note=HOSTILE, sources=("key-1",), evidence="primary", lines=(Line(HOSTILE),))
    chart = Chart(id="c", title=HOSTILE, kind="bars", x="x", y="y", series=(Series("s", (("<a>", "1"),)),), alt=HOSTILE)
    blocks: tuple[AnyBlock, ...] = (
        Paragraph(title=HOSTILE, line=line),
        Points(lines=(line,)),
        Checklist(lines=(line,)),
        Facts(items=((HOSTILE, Cell((line,))),)),
        table((TableRow((Cell((line,)), Cell((line,))), group=HOSTILE),), caption=HOSTILE, note=HOSTILE),
        Timeline(events=(Event("2020", HOSTILE, who=HOSTILE, means=HOSTILE, conflict=True),)),
        Steps(items=((HOSTILE, HOSTILE),)),
        chart,
        Points(title=HOSTILE, folded=True, lines=(line,)),
    )
    entry = msgspec.structs.replace(source(1), title=HOSTILE, publisher=HOSTILE, url=f"https://example.org/{HOSTILE}")
    changes = {"title": f"64495: {HOSTILE}", "notice": HOSTILE, "sources": (entry,), "layers": (HOSTILE,)}
    found = text_of(*blocks, more=(Section("x", HOSTILE, (Points(lines=(line,)),), folded=True),), **changes)
    # Line ends fall anywhere in it, and narrow columns may break its words.
    assert found.replace(" ", "").count(HOSTILE.replace(" ", "")) >= 30


def test_text_in_signs_that_our_fonts_lack_still_renders() -> None:
    assert "after" in text_of(Paragraph(line=Line("\U0001f600 \u6f22 \ue000 after")))


def test_the_same_document_gives_the_same_bytes() -> None:
    one = document(Points(lines=(Line("A point.", sources=("key-1",)),)))
    assert to_pdf(one) == to_pdf(one)


STATUSES: tuple[tuple[Status, str], ...] = (
    ("covered", "✓ covered"),
    ("not_covered", "✕ not covered"),
    ("appeal_only", "△ on appeal only"),
    ("not_established", "? not established"),
    ("required", "■ required"),
    ("conflict", "≠ sources disagree"),
)


@pytest.mark.parametrize(("status", "shown"), STATUSES)
def test_a_status_is_a_word_with_a_glyph(status: Status, shown: str) -> None:
    found = text_of(table((TableRow((plain_cell("Row"), plain_cell("", status=status))),)))
    assert shown in found


def test_a_status_that_the_text_begins_with_is_said_once() -> None:
    assert "not covered, no exception" in text_of(
        Paragraph(line=Line("not covered, no exception", status="not_covered"))
    )


def test_remarks_notes_and_both_sides_of_a_conflict() -> None:
    sides = (Line("One says three."), Line("The other says two."))
    line = Line("", who="Medicare", status="conflict", recent=True, since="2026-01-01", note="The note.", lines=sides)
    found = text_of(Points(lines=(line, Line("Old.", since="undated"))))
    for words in (
        "Medicare:",
        "changed 1 January 2026",
        "The note.",
        "One says three.",
        "The other says two.",
        "undated",
    ):
        assert words in found


def test_a_table_repeats_its_head_and_its_group_on_each_page() -> None:
    rows = tuple(TableRow((plain_cell(f"Row {n}"), plain_cell("x")), group="The group") for n in range(120))
    found = [text for text in pages(to_pdf(document(table(rows)))) if "Row " in text]
    assert len(found) >= 3
    assert all("Head 0 Head 1" in text and "The group" in text for text in found)


def test_a_row_stays_whole_unless_it_is_taller_than_a_page() -> None:
    half = Cell(tuple(Line(f"half {number}") for number in range(28)))
    tall = Cell(tuple(Line(f"tall {number}.") for number in range(150)))
    found = pages(
        to_pdf(document(table(tuple(TableRow((plain_cell("r"), cell)) for cell in (half, half, half, tall)))))
    )
    for text in found:
        assert text.count("half 0") == text.count("half 27")
    assert all(any(f"tall {number}." in text for text in found) for number in range(150))


def test_a_comparison_of_many_columns_stands_on_a_turned_page() -> None:
    rows = (TableRow(tuple(plain_cell(f"cell {number}") for number in range(7)), group="Limits"),)
    content = to_pdf(
        document(table(rows, columns=7, kind="comparison", title="Compared"), Points(lines=(Line("After."),)))
    )
    turned = [text for text, (width, height) in zip(pages(content), sizes(content), strict=True) if width > height]
    assert len(turned) == 1
    # The heading of a section goes with the table that it begins with.
    assert all(words in turned[0] for words in ("Coding", "Compared", "cell 0", "cell 6"))


def test_what_is_folded_goes_to_the_end_and_is_referred_to() -> None:
    folded = Section("payers", "Payers", (Points(lines=(Line("Inside the section."),)),), folded=True)
    found = pages(
        to_pdf(document(Points(title="Rules", lines=(Line("Inside the block."),), folded=True), more=(folded,)))
    )
    whole = " ".join(found)
    assert f"See Further detail: Rules (p. {len(found) - 1})" in whole
    assert f"Payers: see Further detail, page {len(found) - 1}." in whole
    assert all(words in found[-2] for words in ("Further detail", "Inside the block.", "Inside the section."))


def test_a_chart_is_drawn_and_its_figures_stand_at_the_end() -> None:
    series = (Series("Office", (("2025", "87.5"), ("2026", "1298.7"))), Series("Facility", (("2026", "45"),)))
    words: dict[str, Any] = {"x": "year", "y": "US dollars", "alt": "It rose.", "sources": ("key-1",), "money": True}
    found = text_of(Chart(id="c", title="Office payment rose", kind="line", series=series, **words))
    assert "Figures: Office payment rose" in found
    assert "2026 1,298.70 45.00" in found
    assert "2025 87.50 none" in found
    assert "Source 1." in found


def test_numbers_lead_to_numbered_sources() -> None:
    keys = tuple(f"key-{number}" for number in range(1, 13))
    content = to_pdf(document(Points(lines=(Line("A point.", sources=keys, evidence="secondary"),)), entries=12))
    found = " ".join(pages(content))
    assert "A point. ○ 1,2,3,4,5,6,7,8,9,10,11,12" in found.replace(", ", ",")
    for number in range(1, 13):
        assert f"{number} ● Title {number}. Publisher, May 2024. primary." in found
        assert f"https://example.org/{number}" in found


def test_the_briefing_on_64495_is_whole(knowledge: Knowledge) -> None:
    made = build(knowledge, "64495", date(2026, 3, 2))
    found = pages(to_pdf(made))
    whole = " ".join(found)
    assert "64495" in found[0]
    assert "As of 2 March 2026" in found[0]
    assert f"page {len(found)} of {len(found)}" in found[-1]
    letters = bare(whole)
    for section in made.sections:
        assert section.title in whole
        for block in section.blocks:
            assert bare(block.title) in letters
    for entry in made.sources:
        assert bare(f"{entry.number} ● {entry.title}") in letters
        assert bare(entry.key) in letters
    assert whole.count("? not established") == unknown(made)


def bare(text: str) -> str:
    """The letters and digits alone: lines end anywhere, and a hyphen at the end of one reads as another sign."""
    return "".join(letter for letter in text if letter.isalnum())


def unknown(part: Any) -> int:
    """How often a status of the document says that nothing is established."""
    if isinstance(part, msgspec.Struct):
        own = int(isinstance(part, Line) and part.status == "not_established")
        return own + sum(unknown(getattr(part, name)) for name in part.__struct_fields__)
    return sum(map(unknown, part)) if isinstance(part, tuple) else 0
