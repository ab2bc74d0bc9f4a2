"""Signing in where a token is wanted: the token becomes a signed cookie that scripts cannot read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from facetwise.web import access, reply
from facetwise.web.pages.site import Site
from facetwise.web.trouble import refused


def routes(site: Site) -> list[Route]:
    """Return the routes of signing in and out."""

    async def form(request: Request) -> Response:
        return _form(site, request, _local(request.query_params.get("next", "/")))

    async def enter(request: Request) -> Response:
        if not site.settings.token:
            raise refused("not-found", "this server asks for no token")
        given = await request.form()
        follow = _local(str(given.get("next", "/")))
        if given.get("leave"):
            response: Response = RedirectResponse("/login", 303)
            response.delete_cookie(access.COOKIE, path="/", httponly=True, samesite="strict")
            return response
        if not access.same(str(given.get("token", "")).strip(), site.settings.token):
            return _form(site, request, follow, wrong=True)
        response = RedirectResponse(follow, 303)
        response.set_cookie(
            access.COOKIE,
            access.session(site.settings.token),
            max_age=access.SESSION_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    return [Route("/login", form, methods=["GET"]), Route("/login", enter, methods=["POST"])]


def _form(site: Site, request: Request, follow: str, *, wrong: bool = False) -> Response:
    status = 401 if wrong else 200
    content = site.render("login.html", request, follow=follow, wrong=wrong, wanted=bool(site.settings.token))
    return reply.once(content, f"{reply.HTML}; charset=utf-8", status=status)


def _local(path: str) -> str:
    """Return a path of this server, or the start: never an address elsewhere."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if good else "/"
