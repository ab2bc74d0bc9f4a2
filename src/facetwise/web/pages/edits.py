"""The pages of the edits: all of them, and one."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.problems import did_you_mean
from facetwise.web import edit_pages
from facetwise.web.pages.site import Site, only
from facetwise.web.trouble import refused


def routes(site: Site) -> list[Route]:
    """Return the routes of the edits."""

    async def every(request: Request) -> Response:
        only(request)
        found = edit_pages.edits()
        values = {"groups": found.groups}
        return await site.page(
            request, "edits", "edits.html", lambda: values, lambda: site.encoded(found), "/api/v1/edits"
        )

    async def one(request: Request) -> Response:
        only(request)
        name = request.path_params["edit"]
        if name not in edit_pages.edit_names():
            mend = did_you_mean(name[:60], edit_pages.edit_names())
            raise refused("not-found", "there is no such edit", "an edit of /edits", mend)

        def made() -> edit_pages.EditPage:
            return edit_pages.edit(site.desk.knowledge, name, site.desk.today())

        def values() -> dict[str, Any]:
            page = made()
            return {"page": page, "entries": {entry.key: entry for entry in page.sources}}

        return await site.page(
            request, name, "edit.html", values, lambda: site.encoded(made()), f"/api/v1/edits/{name}"
        )

    return [Route("/edits", every), Route("/edits/{edit}", one)]
