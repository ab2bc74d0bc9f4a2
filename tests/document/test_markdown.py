"""The Markdown: read back with a Markdown parser, its tables, headings, folds and links hold, and text stays text."""

from __future__ import annotations

import html
import itertools
import re
from datetime import date

import msgspec
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from facetwise.briefing.build import build
from facetwise.document.model import Answer, Cell, Document, Facts, Line, Paragraph, Points, Section, Steps
from facetwise.document.render.markdown import to_markdown
from facetwise.knowledge import Knowledge
from small_document import SOURCE, document, hostile

HOSTILE = "<script>alert(1)</script> | `code` *bold* _it_ ~~no~~ [x](y) ![i](j) # &lt; &#60; \\| \\"
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> list[Token]:
    return READER.parse(text)


def words(token: Token) -> str:
    """What a reader sees of an inline token; tags are set aside, a break is a blank."""
    return "".join(
        {"text": child.content, "code_inline": child.content, "softbreak": " "}.get(child.type, "\n")
        for child in token.children or ()
        if not child.type.endswith(("_open", "_close"))
    )


def tables(found: list[Token]) -> list[list[int]]:
    """The number of cells of each row of each table."""
    made: list[list[int]] = []
    for token in found:
        if token.type == "table_open":
            made.append([])
        elif token.type == "tr_open":
            made[-1].append(0)
        elif token.type in ("th_open", "td_open"):
            made[-1][-1] += 1
    return made


def check(text: str) -> list[Token]:
    """Check what holds for every briefing, and return its tokens."""
    found = tokens(text)
    for rows in tables(found):
        assert len(set(rows)) == 1, rows
    # A row that is no row of a table is left as a paragraph that begins with a bar.
    assert not [token.content for token in found if token.type == "inline" and token.content.startswith("|")]
    levels = [int(token.tag[1]) for token in found if token.type == "heading_open"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    anchors = re.findall(r'<a id="(source-\d+)">', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#(source-\d+)\)", text)) <= set(anchors)
    for line, after in itertools.pairwise(text.splitlines()):
        if line.startswith(("<details>", "</details>")):
            assert after == "", f"GitHub reads {after!r} after {line!r} as HTML"
    assert text.count("<details>") == text.count("</details>")
    return found


def cells_of_every_line(text: str) -> None:
    """No line of a table has more cells than its head: the parser would drop them without a word."""
    width = 0
    for line in text.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) - 1
        width = width or bars
        assert bars == width, line


@pytest.fixture(scope="module")
def whole(knowledge: Knowledge) -> Document:
    return build(knowledge, "64495", date(2026, 3, 2))


def test_the_briefing_on_64495_reads_as_markdown(whole: Document) -> None:
    text = to_markdown(whole)
    found = check(text)
    cells_of_every_line(text)
    assert tables(found)
    seen = "\n".join(words(token) for token in found if token.type == "inline")
    for entry in whole.sources:
        assert " ".join(entry.title.split()) in seen
    assert f"Briefing {whole.digest}." in seen
    assert "As of 2 March 2026." in seen


def test_the_contents_lead_to_the_headings(whole: Document) -> None:
    text = to_markdown(whole)
    heads = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    # GitHub names a heading by its words: small letters, blanks as hyphens, nothing else.
    names = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", text)) <= names
    assert len(heads) == len(whole.sections)


def test_what_is_folded_stands_in_details_with_its_tables(whole: Document) -> None:
    text = to_markdown(whole)
    folded = [block for section in whole.sections for block in section.blocks if section.folded or block.folded]
    assert folded
    parts = re.findall(r"<details><summary>(.*?)</summary>\n\n(.*?)\n\n</details>\n", text, re.DOTALL)
    assert [html.unescape(title) for title, _ in parts] == [block.title or "More" for block in folded]
    for (_, body), block in zip(parts, folded, strict=True):
        if block.__struct_config__.tag == "table":
            assert tables(tokens(body))


def test_an_audience_folds_whole_sections(knowledge: Knowledge) -> None:
    made = build(knowledge, "64635", date(2026, 3, 2), audience="billing")
    text = to_markdown(made)
    check(text)
    assert "ordered for billing readers" in text


def test_hostile_text_shows_as_it_is_in_every_kind_of_block() -> None:
    text = to_markdown(hostile(HOSTILE))
    found = check(text)
    cells_of_every_line(text)
    inline = [token for token in found if token.type == "inline"]
    said = [words(token) for token in inline]
    # Once and more in each block; the status words and marks stand around it.
    assert sum(one.count(HOSTILE) for one in said) >= 60
    raw = [token.content for token in found if token.type == "html_block"]
    raw += [child.content for token in inline for child in token.children or () if child.type == "html_inline"]
    ours = re.compile(r"<br>|<a id=\"source-\d+\">|</a>|<details><summary>[^<>]*</summary>\n?|</details>\n?")
    assert all(ours.fullmatch(one) for one in raw), raw
    links = [child.attrGet("href") for token in inline for child in token.children or () if child.type == "link_open"]
    assert "y" not in links
    assert not [child for token in inline for child in token.children or () if child.type == "image"]
    assert html.escape(HOSTILE) in text


@pytest.mark.parametrize(
    "text", ["- item", "1. item", "2) item", "+ item", "---", "===", "> quote", "# head", "| a | b |"]
)
def test_text_that_looks_like_a_block_stays_a_sentence(text: str) -> None:
    made = to_markdown(
        document(Paragraph(line=Line("Before.")), Paragraph(line=Line(text)), Points(lines=(Line(text),)))
    )
    said = [words(token) for token in tokens(made) if token.type == "inline"]
    assert said.count(text) == 2


def test_line_ends_in_a_text_do_not_end_a_row() -> None:
    made = to_markdown(document(Facts(items=(("a\nb", Cell((Line("one\r\n\r\ntwo | three"),))),))))
    assert "| **a b** | one two \\| three |" in made


def test_a_status_is_said_once_and_both_sides_of_a_conflict_stand() -> None:
    sides = (Line("One says three."), Line("Another says two.", layer="ours"))
    made = to_markdown(
        document(
            Points(
                lines=(
                    Line("not established: nothing is said of it", status="not_established"),
                    Line("", status="conflict", lines=sides),
                )
            )
        )
    )
    assert "- ? **not established** nothing is said of it" in made
    assert "≠ **sources disagree** <br>— One says three. <br>— Another says two. *(yours: ours)*" in made


def test_steps_name_their_sources_and_an_answer_needs_none() -> None:
    made = to_markdown(document(Steps(items=(("Count", "The joints."),), sources=("key-1",)), Answer(text="So.")))
    assert "1. **Count.** The joints.\n\nSource [[1]](#source-1)" in made
    assert "> **So.**\n" in made


def test_a_source_says_what_it_is_and_where_it_was_read() -> None:
    entry = msgspec.structs.replace(
        SOURCE, version="3", extent="all", vintage="2024", weight="low", layer="ours", url="https://example.org/a b|<c>"
    )
    made = to_markdown(document(sources=(entry,), more=(Section("x", "Past & future", ()),)))
    line = next(line for line in made.splitlines() if line.startswith("1. <a id"))
    assert line == (
        '1. <a id="source-1"></a>**Title 1**, version 3. Publisher, May 2024; ● primary, low weight, yours: ours. '
        "Read: all. Vintage: 2024. [Issuer's own address](<https://example.org/own>). "
        "[Where it was read](<https://example.org/a%20b%7C%3Cc%3E>). `key-1`"
    )
