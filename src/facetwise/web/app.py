"""The application: pages, API and static files behind the guard, made for one knowledge."""

from __future__ import annotations

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from facetwise.knowledge import Knowledge
from facetwise.web import reply
from facetwise.web.api.operations import operations
from facetwise.web.api.routes import BASE, Api
from facetwise.web.api.shapes import shapes
from facetwise.web.cds.services import Services
from facetwise.web.check.routes import stream_route
from facetwise.web.check.uploads import Uploads
from facetwise.web.desk import Desk
from facetwise.web.guard import Guard
from facetwise.web.settings import Settings
from facetwise.web.trouble import RequestError, refused
from facetwise.web.warm import Shelf


def application(knowledge: Knowledge, settings: Settings) -> ASGIApp:
    """Return the application for a knowledge."""
    from facetwise.web.pages.site import Site

    desk = Desk(knowledge)
    shelf = Shelf(settings.limits.kept_bytes)
    known = shapes(knowledge, settings.limits.entries)
    api = Api(desk, shelf, settings, known.words, operations(known))
    uploads = Uploads(desk, settings, known.words.payers)
    site = Site(desk, shelf, settings, api, uploads)

    async def trouble(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestError):
            error = _of_router(error)
        if site.wants_page(request):
            return site.trouble(request, error)
        return Response(error_json(error), error.status, dict(error.headers), "application/problem+json")

    def page(scope: Scope, error: RequestError) -> Response | None:
        request = Request(scope)
        return site.trouble(request, error) if site.wants_page(request) else None

    stream = stream_route(uploads, api.named("checkStream"), BASE)
    hooks = Services(desk, settings.limits.entries).routes()
    routes = [*api.routes(), stream, *hooks, Route("/healthz", _healthy, methods=["GET"]), *site.routes()]
    app = Starlette(routes=routes, exception_handlers={RequestError: trouble, HTTPException: trouble})
    # An address with a slash too many is another address.
    app.router.redirect_slashes = False
    return Guard(app, settings, page)


def error_json(error: RequestError) -> bytes:
    """Return the problem details of an error as JSON."""
    return msgspec.json.encode(error.details())


def _of_router(error: Exception) -> RequestError:
    status = getattr(error, "status_code", 404)
    if status == 405:
        allow = (getattr(error, "headers", None) or {}).get("Allow", "GET, HEAD")
        return refused("wrong-method", "the method has no meaning here", allow, allow=allow)
    if status == 404:
        return refused("not-found", "nothing stands at this address", "an address of /api or of the menu")
    # What the parser of forms says of a body could repeat it.
    return refused("not-readable", "the form cannot be read", "the fields of the page's own form")


async def _healthy(request: Request) -> Response:
    return reply.once(b'{"status":"ok"}', reply.JSON)
