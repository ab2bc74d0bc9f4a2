"""What pages share: the frame around them, static files, errors as pages, and answers kept by what was asked."""

from __future__ import annotations

import asyncio
import functools
import importlib.resources
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from facetwise.document.render.html import environment
from facetwise.problems import FacetwiseError
from facetwise.web import reply
from facetwise.web.check.uploads import Uploads
from facetwise.web.desk import Desk
from facetwise.web.settings import Settings
from facetwise.web.trouble import RequestError, from_problems, refused
from facetwise.web.warm import Kept, Shelf, keep

if TYPE_CHECKING:
    from facetwise.web.api.routes import Api

Made = TypeVar("Made")
_HERE = "facetwise.web"
_STATIC = {
    "site.css": (_HERE, "static", "text/css"),
    "site.js": (_HERE, "static", "text/javascript"),
    "check.js": (_HERE, "static", "text/javascript"),
    "icon.svg": (_HERE, "static", "image/svg+xml"),
    "document.css": ("facetwise.document", "templates", "text/css"),
}
_FOREVER = "public, max-age=31536000, immutable"
MENU = (
    ("/", "Start"),
    ("/spine", "Spine"),
    ("/cover", "Coverage"),
    ("/check", "Claims"),
    ("/compare", "Compare"),
    ("/changes", "Changes"),
    ("/data", "Data"),
)


class Site:
    """The pages over one desk."""

    def __init__(self, desk: Desk, shelf: Shelf, settings: Settings, api: Api, uploads: Uploads):
        self.desk = desk
        self.shelf = shelf
        self.settings = settings
        self.api = api
        self.uploads = uploads
        self.words = api.words
        self._turns = asyncio.Semaphore(2)
        self.static = {name: _static(name) for name in _STATIC}
        self.environment = environment(_HERE).overlay()
        self.environment.globals = {
            **self.environment.globals,
            "menu": MENU,
            "static": self._static_url,
            "signed_in": bool(settings.token),
            "words": desk.knowledge.store.vocabulary.words,
        }

    def routes(self) -> list[Route]:
        """Return the routes of every page."""
        from facetwise.web.pages import (
            changes,
            check,
            code,
            compare,
            cover,
            data,
            edits,
            login,
            payer,
            reference,
            spine,
            start,
        )

        found = [Route("/static/{name}", self._static_file), Route("/favicon.ico", self._icon)]
        for module in (start, code, payer, compare, spine, cover, check, edits, changes, data, reference, login):
            found += module.routes(self)
        return found

    async def beside(self, make: Callable[..., Made], *given: Any) -> Made:
        """Return what `make` returns, made in a thread: two at a time, since more only wait for each other."""
        async with self._turns:
            return await asyncio.to_thread(make, *given)

    def render(self, template: str, request: Request, **values: Any) -> bytes:
        """Return a page as HTML. `json`: the address of the same as JSON."""
        page = self.environment.get_template(template)
        return page.render(here=request.url.path, **{"json": "", "document": None, **values}).encode()

    async def page(
        self,
        request: Request,
        key: Hashable,
        template: str,
        values: Callable[[], dict[str, Any]],
        content: Callable[[], bytes] | None = None,
        json: str = "",
    ) -> Response:
        """Answer with a page, or with the same as JSON, made once for each `key`. It must hold no patient data.

        `values` gives what the template needs, `content` the JSON, `json` its address. Raises RequestError.
        """
        offered = (reply.HTML, reply.JSON) if content else (reply.HTML,)
        media = reply.accepted(request, offered)
        if content is not None and media == reply.JSON:
            make = content
        else:

            def make() -> bytes:
                return self.render(template, request, **values(), json=json)

        whole = (template, media, request.url.path, key, self.desk.today())
        try:
            answer = await self.shelf.get(whole, make)
        except FacetwiseError as error:
            raise from_problems(error) from None
        shown = f"{media}; charset=utf-8" if media == reply.HTML else media
        links = {"link": f'<{json}>; rel="alternate"; type="application/json"'} if json else {}
        return reply.kept(request, answer, shown, links)

    def wants_page(self, request: Request) -> bool:
        """Whether an answer to this request is best a page for people."""
        return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/v1")

    def trouble(self, request: Request, error: RequestError) -> Response:
        """Return an error as a page."""
        details = error.details()
        content = self.render("trouble.html", request, details=details)
        return reply.once(content, f"{reply.HTML}; charset=utf-8", status=error.status, headers=dict(error.headers))

    def encoded(self, answer: Any) -> bytes:
        """Return an answer as JSON."""
        return msgspec.json.encode(answer)

    def _static_url(self, name: str) -> str:
        return f"/static/{name}?v={self.static[name].tag[1:13]}"

    async def _static_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.static:
            raise refused("not-found", "there is no such file")
        media = _STATIC[name][2]
        fresh = request.url.query == f"v={self.static[name].tag[1:13]}"
        headers = {"cache-control": _FOREVER} if fresh else {}
        return reply.kept(request, self.static[name], f"{media}; charset=utf-8", headers)

    async def _icon(self, request: Request) -> Response:
        return RedirectResponse(self._static_url("icon.svg"), 303)


@functools.cache
def _static(name: str) -> Kept:
    package, folder, _ = _STATIC[name]
    return keep((importlib.resources.files(package) / folder / name).read_bytes())


def address(path: str, **query: Any) -> str:
    """Return an address of this server; what is empty is left out, a tuple stands several times."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        pairs += [
            (name.rstrip("_"), str(one)) for one in (value if isinstance(value, tuple | list) else (value,)) if one
        ]
    return quote(path) + (f"?{urlencode(pairs)}" if pairs else "")


def only(request: Request, *names: str) -> None:
    """Raise RequestError when the address has a parameter that the page does not know."""
    unknown = [name for name in request.query_params if name not in names]
    if unknown:
        raise refused("wrong-input", f"parameter {unknown[0][:60]!r} is not known", "one of " + ", ".join(names))


def chosen(request: Request, name: str) -> str:
    """Return the value of a parameter, empty when it is not given."""
    return request.query_params.get(name, "").strip()


def several(request: Request, name: str) -> tuple[str, ...]:
    """Return the values of a parameter that may be given several times, each once, in their order."""
    return tuple(dict.fromkeys(value for value in request.query_params.getlist(name) if value))
