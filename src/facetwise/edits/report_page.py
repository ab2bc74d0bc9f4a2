"""The report of a check as one page that carries all it needs: no request leaves it, no script runs in it, all text of claims is escaped."""

from __future__ import annotations

import functools
import importlib.resources
from datetime import date
from pathlib import Path

from markupsafe import Markup

from facetwise.document.model import Chart, Document, Section, Series, cited, sealed
from facetwise.document.render.html import environment, style
from facetwise.document.sources import CPT_NOTICE, source_entries
from facetwise.edits.report import EditRow, Groups, Report
from facetwise.edits.report_pages import Page, page
from facetwise.edits.report_terminal import answer, expected_words, first_things, money
from facetwise.knowledge import Knowledge

_BARS = 8
_TITLES = {
    "summary": "Summary",
    "edits": "By edit",
    "providers": "By provider",
    "payers": "By payer",
    "codes": "By procedure code",
    "lines": "The denied lines that charge most",
    "rejected": "What could not be read",
    "not-checked": "What was not checked",
    "pages": "What the edits look at",
    "sources": "Sources",
}
GLYPHS = {"reject": "✕", "deny": "✕", "review": "△", "info": "·"}
WORDS = {"reject": "refused", "deny": "denied", "review": "to review", "info": "for information"}


def to_html(report: Report, knowledge: Knowledge) -> str:
    """Return the report as a page."""
    view = knowledge.as_of(_day(report, knowledge))
    pages = tuple(
        found for row in report.edits if (found := page(row.edit, knowledge.store.sources.__contains__)) is not None
    )
    sections = _sections(report, pages)
    keys = [key for key in _keys(report, pages) if key in knowledge.store.sources]
    run = report.run
    document = sealed(
        Document(
            code="",
            as_of=view.day.isoformat(),
            title="Check of claims",
            summary=answer(report),
            knowledge=knowledge.digest,
            reviewed=knowledge.store.horizon.reviewed.isoformat(),
            sections=tuple(Section(name, _TITLES[name], ()) for name in sections),
            sources=source_entries(view, keys),
            notice=CPT_NOTICE.replace("This briefing", "This report"),
            kind="report",
        )
    )
    return (
        environment("facetwise.edits")
        .get_template("report.html")
        .render(
            document=document,
            entries={entry.key: entry for entry in document.sources},
            style=style() + _style(),
            report=report,
            run=run,
            sections=sections,
            titles=_TITLES,
            answer=answer(report),
            expected=expected_words(report) if report.expected and report.expected.denied else "",
            first=first_things(report),
            chart=_chart(report.edits),
            groups=_all_groups(report),
            pages=pages,
            paged={one.edit for one in pages},
            glyphs=GLYPHS,
            words=WORDS,
            money=money,
        )
    )


def write_html(report: Report, knowledge: Knowledge, path: Path) -> None:
    """Write the page, whole or not at all. Raises FacetwiseError where it cannot be written."""
    from facetwise.document.write import write

    write(path, to_html(report, knowledge).encode())


def _day(report: Report, knowledge: Knowledge) -> date:
    horizon = knowledge.store.horizon
    return min(max(report.last_day or horizon.reviewed, horizon.from_), horizon.until)


def _sections(report: Report, pages: tuple[Page, ...]) -> list[str]:
    shown = {
        "edits": report.edits,
        "providers": report.providers.rows,
        "payers": report.payers.rows,
        "codes": report.codes.rows,
        "lines": report.denied,
        "rejected": report.run.refused,
        "not-checked": report.run.not_checked,
        "pages": pages,
    }
    return ["summary", *(name for name, rows in shown.items() if rows), "sources"]


def _keys(report: Report, pages: tuple[Page, ...]) -> list[str]:
    keys = dict.fromkeys(key for row in report.edits for key in row.citations)
    keys |= dict.fromkeys(key for one in pages for key in cited(one.blocks))
    return list(keys)


def _all_groups(report: Report) -> tuple[tuple[str, str, Groups], ...]:
    return (
        ("providers", "Provider", report.providers),
        ("payers", "Payer", report.payers),
        ("codes", "Code", report.codes),
    )


def _chart(rows: tuple[EditRow, ...]) -> Chart | None:
    """Return the charges at stake by edit; None where fewer than two edits deny anything."""
    graves = [row for row in rows if row.charges > 0][:_BARS]
    if len(graves) < 2:
        return None
    first = graves[0]
    total = sum(row.charges for row in rows)
    share = round(100 * first.charges / total)
    return Chart(
        title=f"{first.edit} stands for {share} % of the charges that the edits deny",
        id="stake",
        kind="bars",
        x="edit",
        y="Charges of the lines that the edit denies, dollars",
        series=(Series("charges", tuple((row.edit, f"{row.charges:.2f}") for row in graves)),),
        alt="; ".join(f"{row.edit} {money(row.charges)}" for row in graves),
        note="A line that several edits deny counts with each of them.",
        money=True,
    )


@functools.cache
def _style() -> Markup:
    path = importlib.resources.files("facetwise.edits") / "templates" / "report.css"
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 - ours, not a user's
