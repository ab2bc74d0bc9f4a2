"""HTML: one file that carries all it needs; no request leaves it and no script runs in it."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import jinja2
from markupsafe import Markup, escape

from facetwise.document import charts
from facetwise.document.model import STATUS_WORDS, Chart, Document, SourceEntry
from facetwise.document.render import marks
from facetwise.knowledge.dating import in_words

_GRADES = ("primary", "secondary", "superseded", "inferred")


@functools.cache
def environment(*packages: str) -> jinja2.Environment:
    """Return what renders blocks; the templates of `packages` come before those of this room."""
    names = (*packages, "facetwise.document")
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name, "templates") for name in names]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["in_words"] = in_words
    environment.filters["thousands"] = thousands
    environment.globals.update(
        status_words=STATUS_WORDS,
        status_glyphs=marks.STATUS_GLYPHS,
        evidence_glyphs=marks.EVIDENCE_GLYPHS,
        evidence_words=marks.EVIDENCE_WORDS,
        grades=_GRADES,
        remarks=marks.remarks,
        says_status=marks.says_status,
        chart_svg=chart_svg,
        cites_html=cites_html,
    )
    return environment


def cites_html(line: Any, entries: Mapping[str, SourceEntry]) -> Markup:
    """Return the numbers of a line's sources, with its grade of evidence; `line` has `sources` and `evidence`.

    A page holds hundreds of them, and a template would take most of its time for these.
    """
    keys, evidence = (line["sources"], line["evidence"]) if isinstance(line, dict) else (line.sources, line.evidence)
    if not keys:
        return Markup()
    grade = ""
    if evidence:
        title = escape(f"{evidence}: {marks.EVIDENCE_WORDS[evidence]}")
        grade = (
            f'<span class="grade" title="{title}" aria-hidden="true">{escape(marks.EVIDENCE_GLYPHS[evidence])}</span>'
        )
    links = '<span aria-hidden="true">,</span><wbr>'.join(_link(entries[key], evidence) for key in keys)
    return Markup(f'<span class="cites">{grade}{links}</span>')  # noqa: S704 - every value in it was escaped


@functools.lru_cache(maxsize=4_096)
def _link(entry: SourceEntry, evidence: str) -> str:
    date = in_words(entry.date) if entry.date != "not established" else "date not established"
    title = escape(f"{entry.publisher}, {date}" + (f", version {entry.version}" if entry.version else ""))
    label = escape(f"source {entry.number}, {evidence or entry.evidence}")
    return f'<a href="#source-{entry.number:d}" title="{title}" aria-label="{label}">{entry.number:d}</a>'


def to_html(document: Document) -> str:
    """Return the document as one self-contained page."""
    return (
        environment()
        .get_template("document.html")
        .render(
            document=document,
            entries={entry.key: entry for entry in document.sources},
            style=style(),
        )
    )


@functools.cache
def style() -> Markup:
    """Return the style sheet of the blocks."""
    path = importlib.resources.files("facetwise.document") / "templates" / "document.css"
    # The style sheet is ours, not a user's; it is marked safe so that its quotes stay quotes.
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704


def chart_svg(chart: Chart) -> Markup:
    """Return a chart for a page: its hues as custom properties, so that dark pages can lighten them."""
    text = charts.svg(chart)
    for number, hue in enumerate(charts.HUES, start=1):
        text = text.replace(hue, f"var(--hue-{number})")
    return Markup(text)  # noqa: S704 - drawn from escaped values by the chart library


def thousands(value: str, money: bool = False) -> str:
    """Return a number with separators; money with its two places."""
    number = Decimal(value)
    if money:
        return f"{number:,.2f}"
    return f"{number:,f}" if number != number.to_integral_value() else f"{int(number):,}"
