"""The start: find a code or a payer, or begin a task."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from facetwise.knowledge import View
from facetwise.web import reply
from facetwise.web.api import answers
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, address, chosen, only

_LATELY = 4


def routes(site: Site) -> list[Route]:
    """Return the routes of the start and of the search."""

    async def start(request: Request) -> Response:
        only(request)
        return await site.page(request, "start", "start.html", lambda: _start(site))

    async def find(request: Request) -> Response:
        only(request, "q")
        return await _find(site, request, chosen(request, "q")[:100])

    return [Route("/", start), Route("/find", find)]


def _start(site: Site) -> dict[str, Any]:
    desk = site.desk
    day = desk.today()
    view = desk.knowledge.as_of(day)
    lately = desk.changes(choices.year_before(desk, day), day)
    return {
        "day": day,
        "full": choices.codes(view, "full"),
        "others": [pair for pair in choices.codes(view) if pair[1].briefing != "full"],
        "groups": choices.payer_groups(view),
        "lately": lately[:_LATELY],
        "reviewed": desk.knowledge.store.horizon.reviewed,
    }


async def _find(site: Site, request: Request, wanted: str) -> Response:
    """Lead to the one code or payer that is meant, or list what comes near."""
    view = site.desk.knowledge.as_of(site.desk.today())
    known = [code for code, _ in choices.codes(view)]
    if wanted.upper() in known:
        return RedirectResponse(address(f"/codes/{wanted.upper()}"), 303)
    payers = _payers(view, wanted)
    codes = answers.codes(site.desk, view.day, wanted).codes if wanted else ()
    if len(payers) == 1 and not codes:
        return RedirectResponse(address(f"/payers/{payers[0][0]}"), 303)
    content = site.render("found.html", request, wanted=wanted, codes=codes, payers=payers)
    return reply.once(content, f"{reply.HTML}; charset=utf-8")


def _payers(view: View, wanted: str) -> list[tuple[str, str]]:
    words = wanted.lower().split()
    if not words:
        return []
    named = {key: f"{key} {one.title} {one.short}".lower() for key, one in view.payers().items()}
    exact = [key for key in named if wanted.lower() == key]
    found = exact or [key for key, text in named.items() if all(word in text for word in words)]
    return [(key, view.payers()[key].title) for key in found]
