"""The state of the data: the knowledge, official releases, the verification registry, what is not established."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.document.model import Cell, Column, Line, Points, TableBlock, TableRow, plain_cell
from facetwise.document.sources import source_entries
from facetwise.knowledge import Dated, View
from facetwise.knowledge.kinds import Statement
from facetwise.problems import FacetwiseError
from facetwise.web import reply
from facetwise.web.api import answers
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, chosen, only
from facetwise.web.trouble import from_problems

_STATES = {
    "complete": "Complete",
    "partial": "Partial",
    "identity_only": "Policy known, terms not",
    "none": "Nothing established",
}
_SECTION = "limits-of-the-data"


def routes(site: Site) -> list[Route]:
    """Return the route of the state of the data."""

    async def data(request: Request) -> Response:
        only(request, "as_of")
        media = reply.accepted(request, (reply.HTML, reply.JSON))
        try:
            day = site.desk.day(chosen(request, "as_of"), "as_of")
            # The catalog may change while the server runs, so this page is made each time.
            releases = await asyncio.to_thread(answers.data, site.desk)
            if media == reply.JSON:
                return reply.once(site.encoded(releases), media)
            values = await asyncio.to_thread(_values, site, day, releases)
        except FacetwiseError as error:
            raise from_problems(error) from None
        content = site.render("data.html", request, json="/api/v1/data", **values)
        return reply.once(content, f"{reply.HTML}; charset=utf-8")

    return [Route("/data", data)]


def _values(site: Site, day: date, releases: answers.DataAnswer) -> dict[str, Any]:
    view = site.desk.knowledge.as_of(day)
    gaps = _gaps(view)
    conflicts = _conflicts(view)
    cited = [key for line in (*gaps, *(line for _, lines in conflicts for line in lines)) for key in line.sources]
    sources = source_entries(view, list(dict.fromkeys(cited)))
    states = [one.state for one in releases.kinds]
    return {
        "about": answers.about(site.desk),
        "day": day,
        "releases": releases,
        "counts": {name: states.count(name) for name in ("current", "stale", "missing")},
        "registry": _registry(view),
        "gaps": Points(lines=tuple(gaps)),
        "conflicts": _conflict_table(conflicts),
        "sources": sources,
        "entries": {entry.key: entry for entry in sources},
        **choices.days(site.desk),
    }


def _line(dated: Dated, text: str, *, who: str = "", status: Any = "") -> Line:
    return Line(
        text, who=who, status=status, sources=dated.sources, evidence=dated.evidence or "", since=dated.since,
        note=dated.note,
    )  # fmt: skip


def _gaps(view: View) -> list[Line]:
    payers = view.payers()
    found = []
    for _, dated, one in view.statements(_SECTION):
        if one.status == "not_established":
            settle = f" What would settle it: {one.settle.rstrip('.')}." if one.settle else ""
            who = ", ".join(payers[key].name for key in one.payers if key in payers)
            found.append(_line(dated, one.text.rstrip(".") + "." + settle, who=who, status="not_established"))
    return found


def _conflicts(view: View) -> list[tuple[str, list[Line]]]:
    """Return what sources disagree on: the matter, and what each side says."""
    payers = view.payers()
    found = []
    for thing in view.store.things.values():
        for dated in thing.history:
            if dated.sides and dated.holds_on(view.day):
                question = view.store.questions.get(thing.question)
                matter = question.title if question else thing.slug.replace("-", " ").capitalize()
                who = f"{payers[thing.payer].name}: " if thing.payer in payers else ""
                found.append((f"{who}{matter}", [_line(side, _said(side.value)) for side in dated.sides]))
    return found


def _said(value: object) -> str:
    if isinstance(value, Statement):
        return value.text
    version = getattr(value, "version", "")
    return getattr(value, "statement", "") or f"{getattr(value, 'identifier', '')} {version}".strip()


def _conflict_table(conflicts: list[tuple[str, list[Line]]]) -> TableBlock:
    return TableBlock(
        id="conflicts",
        caption="Both sides stand, with their dates",
        columns=(Column("matter", "Matter"), Column("sides", "What each side says")),
        rows=tuple(TableRow((plain_cell(matter), Cell(tuple(lines)))) for matter, lines in conflicts),
    )


def _registry(view: View) -> TableBlock:
    payers = view.payers()
    titles = view.store.vocabulary.words["topic"]
    rows = []
    for key, payer in payers.items():
        entry = view.registry().get(key)
        if entry is None:
            continue
        by_state: dict[str, list[str]] = {}
        for topic in entry.topics:
            by_state.setdefault(topic.state, []).append(titles[topic.topic])
        seen = max((topic.since for topic in entry.topics if topic.since), default=None)
        since = plain_cell(seen.isoformat()) if seen else plain_cell("", status="not_established")
        cells = tuple(plain_cell(", ".join(by_state.get(state, ())) or "none") for state in _STATES)
        rows.append(TableRow((plain_cell(payer.title), *cells, since)))
    columns = (
        Column("payer", "Payer"),
        *(Column(state, title) for state, title in _STATES.items()),
        Column("since", "Last verified"),
    )
    return TableBlock(id="registry", caption="Topics of each payer by their state", columns=columns, rows=tuple(rows))
