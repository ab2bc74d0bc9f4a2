"""The briefing of a code, with the day, the payers and the readers it is for as its address says."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from facetwise.document.model import to_json
from facetwise.problems import FacetwiseError
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, address, chosen, only, several
from facetwise.web.trouble import from_problems, refused

_AUDIENCES = {"billing": "billing", "clinical": "clinicians", "policy": "policy analysts"}


def routes(site: Site) -> list[Route]:
    """Return the route of the briefing."""

    async def code(request: Request) -> Response:
        only(request, "as_of", "payer", "audience")
        return await _code(site, request)

    return [Route("/codes/{code}", code)]


async def _code(site: Site, request: Request) -> Response:
    desk = site.desk
    name = request.path_params["code"]
    if name != name.upper():
        return RedirectResponse(str(request.url.replace(path=f"/codes/{name.upper()}", scheme="", netloc="")), 303)
    payers, audience = several(request, "payer"), chosen(request, "audience")
    if audience and audience not in _AUDIENCES:
        raise refused("wrong-input", f"audience {audience[:30]!r} is not known", "one of " + ", ".join(_AUDIENCES))
    try:
        day = desk.day(chosen(request, "as_of"), "as_of")
        view = desk.knowledge.as_of(day)
    except FacetwiseError as error:
        raise from_problems(error) from None
    if name not in site.words.codes:
        try:
            desk.brief(name, day)
        except FacetwiseError as error:
            raise from_problems(error, kind="not-found") from None

    def values() -> dict[str, Any]:
        document = desk.brief(name, day, audience, payers)
        return {
            "document": document,
            "entries": {entry.key: entry for entry in document.sources},
            "day": day,
            "chosen_payers": payers,
            "audience": audience,
            "audiences": _AUDIENCES,
            "groups": choices.payer_groups(view),
            **choices.days(desk),
        }

    json = address(f"/api/v1/brief/{name}", as_of=day, payer=payers, audience=audience)
    return await site.page(
        request,
        (name, day, payers, audience),
        "code.html",
        values,
        lambda: to_json(desk.brief(name, day, audience, payers)),
        json,
    )
