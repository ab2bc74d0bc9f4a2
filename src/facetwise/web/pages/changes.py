"""What changed: a timeline, newest first, by code, payer and span of days."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.briefing.changes import names_itself
from facetwise.document.model import Event, Timeline
from facetwise.document.sources import source_entries
from facetwise.problems import FacetwiseError
from facetwise.web.api import answers
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, address, chosen, only, several
from facetwise.web.trouble import from_problems

_SPAN_DAYS = 3 * 365


def routes(site: Site) -> list[Route]:
    """Return the route of the timeline."""

    async def changes(request: Request) -> Response:
        only(request, "from", "to", "code", "payer")
        return await _changes(site, request)

    return [Route("/changes", changes)]


async def _changes(site: Site, request: Request) -> Response:
    desk = site.desk
    code, payers = chosen(request, "code").upper(), several(request, "payer")
    horizon = desk.knowledge.store.horizon
    try:
        end = desk.day(chosen(request, "to"), "to")
        start = desk.day(chosen(request, "from"), "from") if chosen(request, "from") else _before(end, horizon.from_)
        view = desk.knowledge.as_of(max(horizon.from_, min(end, horizon.until)))
        desk.changes(start, end, code, payers)
    except FacetwiseError as error:
        raise from_problems(error) from None

    def values() -> dict[str, Any]:
        found = desk.changes(start, end, code, payers)
        sources = source_entries(view, list(dict.fromkeys(key for one in found for key in one.sources)))
        recent = choices.year_before(desk, desk.today()).isoformat()
        years: dict[str, list[Event]] = {}
        for one in found:
            event = Event(
                date=one.date,
                text=one.text,
                who="" if names_itself(one) else one.payer,
                means=one.means,
                sources=one.sources,
                evidence=one.evidence,
                recent=one.date > recent,
                conflict=one.conflict,
            )
            years.setdefault(one.date[:4], []).append(event)
        return {
            "count": len(found),
            "years": [(year, Timeline(events=tuple(events))) for year, events in years.items()],
            "start": start,
            "end": end,
            "code": code,
            "codes": choices.codes(view),
            "chosen_payers": payers,
            "groups": choices.payer_groups(view),
            "sources": sources,
            "entries": {entry.key: entry for entry in sources},
            **choices.days(desk),
        }

    return await site.page(
        request,
        (start, end, code, payers),
        "changes.html",
        values,
        lambda: site.encoded(answers.changes(desk, start, end, code, payers)),
        address("/api/v1/changes", from_=start, to=end, code=code, payer=payers),
    )


def _before(end: date, first: date) -> date:
    return max(first, date.fromordinal(end.toordinal() - _SPAN_DAYS))
