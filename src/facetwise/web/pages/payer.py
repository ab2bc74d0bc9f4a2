"""One payer: what is verified, its documents, what changed lately, and where to ask further."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.document.sources import source_entries
from facetwise.knowledge.kinds import Payer
from facetwise.problems import FacetwiseError
from facetwise.web.api import answers
from facetwise.web.pages import choices
from facetwise.web.pages.site import Site, address, chosen, only
from facetwise.web.trouble import from_problems


def routes(site: Site) -> list[Route]:
    """Return the route of a payer."""

    async def payer(request: Request) -> Response:
        only(request, "as_of")
        return await _payer(site, request)

    return [Route("/payers/{payer}", payer)]


async def _payer(site: Site, request: Request) -> Response:
    desk = site.desk
    key = request.path_params["payer"]
    try:
        day = desk.day(chosen(request, "as_of"), "as_of")
        view = desk.knowledge.as_of(day)
        if key not in view.payers():
            answers.payer(desk, key, day)
    except FacetwiseError as error:
        raise from_problems(error, kind="" if key in site.words.payers else "not-found") from None

    def values() -> dict[str, Any]:
        found = answers.payer(desk, key, day)
        payers = view.payers()
        keys = [source for one in found.policies for source in one.citations]
        keys += [source for one in found.changes for source in one.sources]
        states: dict[str, list[str]] = {}
        for one in found.verified:
            states.setdefault(one.state, []).append(one.title)
        members = [other for other, one in payers.items() if key in one.follows]
        sources = source_entries(view, list(dict.fromkeys(keys)))
        return {
            "answer": found,
            "day": day,
            "states": states,
            "notes": [one for one in found.verified if one.note],
            "seen": max((one.since for one in found.verified if one.since), default=""),
            "followed": [(other, payers[other].title) for other in found.payer.follows if other in payers],
            "members": [(other, payers[other].title) for other in members],
            "serves": _states(site, view, key, payers[key]),
            "codes": choices.codes(view, "full"),
            "sources": sources,
            "entries": {entry.key: entry for entry in sources},
            **choices.days(desk),
        }

    return await site.page(
        request,
        (key, day),
        "payer.html",
        values,
        lambda: site.encoded(answers.payer(desk, key, day)),
        address(f"/api/v1/payers/{key}", as_of=day),
    )


def _states(site: Site, view: Any, key: str, payer: Payer) -> str:
    held = [one.value for _, one in view.of_kind("jurisdiction") if getattr(one.value, "contractor", "") == key]
    return ", ".join(payer.states or sorted({state for one in held for state in one.states}))
