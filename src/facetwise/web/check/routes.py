"""The stream of the API: an upload in, findings out line by line, or one document."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from facetwise.web import reply
from facetwise.web.api.operation import Operation, read_query
from facetwise.web.check.receive import Received
from facetwise.web.check.uploads import CSV, NDJSON, Uploads, Wanted
from facetwise.web.trouble import refused

_ALLOW = "POST, OPTIONS"
_ANSWERS = {NDJSON: "stream", reply.JSON: "json", CSV: "csv"}


def stream_route(uploads: Uploads, operation: Operation, base: str) -> Route:
    """Return the route of uploads to the API."""
    return Route(base + operation.path, _Stream(uploads, operation))


class _Stream:
    def __init__(self, uploads: Uploads, operation: Operation):
        self._uploads = uploads
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.method == "OPTIONS":
            await Response(status_code=204, headers={"allow": _ALLOW})(scope, receive, send)
            return
        if request.method != "POST":
            raise refused("wrong-method", f"{request.method[:20]} has no meaning here", _ALLOW, allow=_ALLOW)
        media = reply.accepted(request, tuple(_ANSWERS))
        query = read_query(self._operation, request)

        def wanted(received: Received) -> Wanted:
            return Wanted(_ANSWERS[media])

        await self._uploads.answer(scope, receive, send, wanted, {"payer": query.payer, "state": query.state})
