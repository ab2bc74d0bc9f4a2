"""HTML: one file that carries all it needs; no request leaves it and no script runs in it."""

from __future__ import annotations

import functools
import importlib.resources
from decimal import Decimal

import jinja2
from markupsafe import Markup

from facetwise.briefing import charts
from facetwise.briefing.document import STATUS_WORDS, Chart, Document
from facetwise.briefing.render import marks
from facetwise.knowledge.dating import in_words

_GRADES = ("primary", "secondary", "superseded", "inferred")


@functools.cache
def environment(*packages: str) -> jinja2.Environment:
    """Return what renders blocks; the templates of `packages` come before those of the briefing."""
    names = (*packages, "facetwise.briefing")
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
    )
    return environment


def to_html(document: Document) -> str:
    """Return the document as one self-contained page."""
    return (
        environment()
        .get_template("briefing.html")
        .render(
            document=document,
            entries={entry.key: entry for entry in document.sources},
            style=style(),
        )
    )


@functools.cache
def style() -> Markup:
    """Return the style sheet of the blocks."""
    path = importlib.resources.files("facetwise.briefing") / "templates" / "briefing.css"
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
