"""Payers beside each other on one code."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.problems import FacetwiseError
from facetwise.web.api import answers
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, address, chosen, only, several
from facetwise.web.trouble import from_problems


def routes(site: Site) -> list[Route]:
    """Return the route of the comparison."""

    async def compare(request: Request) -> Response:
        only(request, "code", "as_of", "payer")
        return await _compare(site, request)

    return [Route("/compare", compare)]


async def _compare(site: Site, request: Request) -> Response:
    desk = site.desk
    payers = several(request, "payer")
    try:
        day = desk.day(chosen(request, "as_of"), "as_of")
        view = desk.knowledge.as_of(day)
    except FacetwiseError as error:
        raise from_problems(error) from None
    code = chosen(request, "code").upper() or choices.first_code(view)

    def values() -> dict[str, Any]:
        found = answers.compared(desk, code, day, payers)
        known = dict(choices.codes(view))
        return {
            "answer": found,
            "title": known[code].title if code in known else "",
            "entries": {entry.key: entry for entry in found.sources},
            "day": day,
            "code": code,
            "codes": choices.codes(view),
            "chosen_payers": payers,
            "groups": choices.payer_groups(view),
            **choices.days(desk),
        }

    return await site.page(
        request,
        (code, day, payers),
        "compare.html",
        values,
        lambda: site.encoded(answers.compared(desk, code, day, payers)),
        address(f"/api/v1/compare/{code}", as_of=day, payer=payers),
    )
