"""Answers on their way out: which form is accepted, kept answers packed and by tag, JSON."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from facetwise.web.trouble import refused
from facetwise.web.warm import Kept

HTML = "text/html"
JSON = "application/json"
# Kept by the reader, and asked again each time: the tag says whether it is still the same.
ASK_AGAIN = "private, no-cache"
NEVER_KEPT = "no-store"


def accepted(request: Request, offered: tuple[str, ...]) -> str:
    """Return the offered media type that the request prefers; the first one of equals. Raises RequestError."""
    header = request.headers.get("accept", "")
    if not header.strip():
        return offered[0]
    best, most = "", 0.0
    for one in offered:
        quality = _quality(header, one)
        if quality > most:
            best, most = one, quality
    if not best:
        raise refused("not-acceptable", "no form of the answer is accepted", " or ".join(offered))
    return best


def _quality(header: str, offered: str) -> float:
    """Return how much a media type is wanted, by the most exact range that names it."""
    kind = offered.partition("/")[0]
    place = {offered: 3, f"{kind}/*": 2, "*/*": 1}
    found, exact = 0.0, 0
    for part in header.split(","):
        name, *parameters = (text.strip().lower() for text in part.split(";"))
        rank = place.get(name, 0)
        if rank > exact:
            found, exact = _weight(parameters), rank
    return found


def _weight(parameters: list[str]) -> float:
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def kept(request: Request, answer: Kept, media: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a kept answer: as it is, packed, or only the word that nothing changed."""
    shared = {"etag": answer.tag, "cache-control": ASK_AGAIN, "vary": "Accept, Accept-Encoding", **(headers or {})}
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if answer.tag in tags:
        return Response(status_code=304, headers=shared)
    if answer.packed and _packs(request):
        return Response(answer.packed, headers={**shared, "content-encoding": "gzip"}, media_type=media)
    return Response(answer.body, headers=shared, media_type=media)


def _packs(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").split(","):
        name, *parameters = (text.strip().lower() for text in part.split(";"))
        if name in ("gzip", "*"):
            return _weight(parameters) > 0
    return False


def once(content: bytes, media: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that nobody keeps."""
    return Response(content, status, {"cache-control": NEVER_KEPT, **(headers or {})}, media)
