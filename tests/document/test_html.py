"""The HTML as text: it carries all it needs, says its status in words, and never takes a text for markup."""

from __future__ import annotations

import html
import re
from datetime import date
from html.parser import HTMLParser

import jinja2
import msgspec
import pytest

from facetwise.briefing.build import build
from facetwise.document.model import (
    STATUS_WORDS,
    Answer,
    AnyBlock,
    Cell,
    Chart,
    Column,
    Document,
    Event,
    Facts,
    Line,
    Paragraph,
    Points,
    Series,
    Status,
    Steps,
    TableBlock,
    TableRow,
    Timeline,
    plain_cell,
)
from facetwise.document.render.html import environment, to_html
from facetwise.knowledge import Knowledge
from small_document import SOURCE, document, hostile

HOSTILE = """<script>alert('x')</script> "quoted" onload="x" {{ 7 * 7 }} {% raw %} </style> &lt; <b>"""
# What may fetch something when a page is opened.
FETCHING = ("src", "srcset", "poster", "data", "background", "action", "formaction", "xlink:href", "ping")


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text between them; drawings and styles are no text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.apart = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.apart += tag in ("svg", "style")

    def handle_endtag(self, tag: str) -> None:
        self.apart -= tag in ("svg", "style")
        if tag in ("th", "td", "dt"):
            self.text.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.apart:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())

    def metas(self) -> dict[str, str]:
        return {found["name"]: found["content"] for tag, found in self.elements if tag == "meta" and "name" in found}


def page(*blocks: AnyBlock) -> Page:
    return Page(to_html(document(*blocks)))


@pytest.fixture(scope="module")
def whole(knowledge: Knowledge) -> Document:
    return build(knowledge, "64495", date(2026, 3, 2))


def test_hostile_text_is_escaped_in_every_kind_of_block() -> None:
    plain = Page(to_html(hostile("Plain words")))
    bad = Page(to_html(hostile(HOSTILE)))
    # The same elements with the same attributes, whatever the text says.
    assert [(tag, sorted(found)) for tag, found in bad.elements] == [
        (tag, sorted(found)) for tag, found in plain.elements
    ]
    assert "script" not in {tag for tag, _ in bad.elements}
    assert bad.words.count(" ".join(HOSTILE.split())) == plain.words.count("Plain words") > 60


def test_a_page_asks_for_nothing_and_runs_nothing(whole: Document) -> None:
    found = Page(text := to_html(whole))
    assert not {tag for tag, _ in found.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name in FETCHING], (tag, attributes)
        if tag != "a":
            assert not attributes.get("href", "").startswith(("http", "//"))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_the_head_says_code_day_and_digest(whole: Document) -> None:
    found = Page(to_html(whole))
    metas = found.metas()
    assert metas["facetwise:code"] == "64495"
    assert metas["facetwise:as-of"] == "2026-03-02"
    assert metas["facetwise:digest"] == whole.digest
    assert "width=device-width" in metas["viewport"]
    assert found.words.startswith(html.unescape(whole.title) + ", as of 2 March 2026")
    assert f"Briefing {whole.digest}." in found.words


@pytest.mark.parametrize(("status", "words"), STATUS_WORDS.items())
def test_a_status_is_a_word(status: Status, words: str) -> None:
    found = page(
        TableBlock(
            id="t",
            caption="C",
            columns=(Column("a", "A"), Column("b", "B")),
            rows=(TableRow((plain_cell("Row"), plain_cell("", status=status))),),
        )
    )
    assert ("span", {"class": f"status s-{status}"}) in found.elements
    assert re.search(rf"Row \S {words}\b", found.words)


def test_a_status_that_the_text_begins_with_is_said_once() -> None:
    found = page(
        Points(
            lines=(
                Line("not established: nothing is said of it", status="not_established"),
                Line("Not covered", status="not_covered"),
                Line("required", status="required"),
                Line("requiredness is not required", status="required"),
            )
        )
    )
    assert "? not established nothing is said of it ✕ not covered ■ required ■ required requiredness is" in found.words


def test_not_established_is_never_an_empty_cell(whole: Document) -> None:
    text = to_html(whole)
    assert text.count('class="status s-not_established"') > 20
    assert not re.search(r"<td[^>]*>\s*</td>", text)


def test_both_sides_of_a_conflict_stand_with_their_dates() -> None:
    sides = (
        Line("Three.", who="One", since="2026-01-01", until="2026-06-30", recent=True),
        Line("Two.", who="Other", since="undated"),
    )
    found = page(Points(lines=(Line("", who="Medicare", status="conflict", lines=sides),)))
    assert (
        "Medicare ≠ sources disagree One Three. changed 1 January 2026 until 30 June 2026 Other Two. undated text"
        in found.words
    )
    assert ("span", {"class": "remark changed"}) in found.elements


def test_what_is_the_users_own_is_marked() -> None:
    made = document(
        Points(lines=(Line("Ours.", layer="our-contracts", sources=("key-1",), evidence="primary"),)),
        layers=("our-contracts",),
    )
    found = Page(to_html(made))
    assert "Ours. yours: our-contracts" in found.words
    assert "with your own knowledge: our-contracts" in found.words
    assert ("div", {"class": "line yours"}) in found.elements


def test_a_source_number_says_whose_and_when() -> None:
    found = page(Points(lines=(Line("Said.", sources=("key-1",), evidence="secondary"),)))
    links = [attributes for tag, attributes in found.elements if tag == "a" and "title" in attributes]
    assert links[-1] == {"href": "#source-1", "title": "Publisher, May 2024", "aria-label": "source 1, secondary"}
    assert "● Title 1. Publisher, May 2024. primary." in found.words


def test_a_source_without_a_date_says_so() -> None:
    made = document(sources=(msgspec.structs.replace(SOURCE, date="not established", url="none", canonical_url=""),))
    assert "Publisher, date not established. primary. No public address is established." in Page(to_html(made)).words


def test_steps_and_charts_name_their_sources() -> None:
    chart = Chart(
        id="c",
        title="It rose",
        kind="line",
        x="year",
        y="US dollars",
        series=(Series("Office", (("2025", "87.5"), ("2026", "1298.7"))), Series("Facility", (("2026", "45"),))),
        alt="It rose from 87.50 to 1,298.70 dollars.",
        sources=("key-1",),
        money=True,
    )
    found = page(Steps(items=(("Count", "The joints."),), sources=("key-1",)), chart)
    assert "Count. The joints. Source 1." in found.words
    assert ("div", {"class": "drawing line", "role": "img", "aria-label": chart.alt}) in found.elements
    assert "year Office Facility 2025 87.50 none 2026 1,298.70 45.00" in found.words


def test_an_answer_and_a_title_may_be_short() -> None:
    made = document(Answer(text="It is not."), Paragraph(line=Line("x")), title="64495")
    assert "It is not." in Page(to_html(made)).words


def test_a_timeline_says_what_and_what_it_means() -> None:
    event = Event("2026-01", "It changed.", who="Medicare", means="Ask first.", conflict=True, sources=("key-1",))
    assert "January 2026 Medicare: It changed. ≠ sources disagree" in page(Timeline(events=(event,))).words


def test_facts_have_labels_and_values() -> None:
    found = page(Facts(items=(("Unit", Cell((Line("one"),))),)))
    assert [tag for tag, _ in found.elements if tag in ("dl", "dt", "dd")] == ["dl", "dt", "dd"]


def test_every_table_has_a_caption_and_heads(whole: Document) -> None:
    text = to_html(whole)
    found = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(found) > 20
    for table in found:
        assert "<caption>" in table
        assert 'scope="col"' in table
        assert 'scope="row"' in table


def test_a_name_that_a_template_does_not_know_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ nothing }}").render()
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ document.nothing }}").render(document=document())
    assert environment().from_string("{{ text }}").render(text="<b>") == "&lt;b&gt;"
