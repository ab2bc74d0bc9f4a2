"""The API as routes: each path with its operations, OPTIONS, 405, and answers that are kept where nothing is private."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.problems import FacetwiseError
from facetwise.web import reply
from facetwise.web.api import openapi
from facetwise.web.api.examples import examples
from facetwise.web.api.operation import JSON, Call, Operation, read_body, read_other, read_query
from facetwise.web.api.words import Words
from facetwise.web.desk import Desk
from facetwise.web.settings import Settings
from facetwise.web.trouble import from_problems, refused
from facetwise.web.warm import Shelf, keep

BASE = "/api/v1"
# A body of more than this takes long enough to keep others waiting: it is answered beside the loop.
_SMALL_BODY = 8_000


class Api:
    """The operations of one desk, ready to be routed."""

    def __init__(self, desk: Desk, shelf: Shelf, settings: Settings, words: Words, operations: Sequence[Operation]):
        self.desk = desk
        self.shelf = shelf
        self.settings = settings
        self.words = words
        self.operations = list(operations)
        document = openapi.document(operations, BASE, examples(desk.knowledge), token=bool(settings.token))
        self.document = document
        self._document = keep(msgspec.json.format(msgspec.json.encode(document), indent=2))
        self._decoders = {one.name: one.decoder() for one in operations if one.body is not None}

    def routes(self) -> list[Route]:
        """Return a route for each path, and that of the document."""
        by_path: dict[str, dict[str, Operation]] = {}
        for one in (one for one in self.operations if not one.content):
            by_path.setdefault(one.path, {})[one.method] = one
        found = [Route(BASE + path, _AnyMethod(self, by_method)) for path, by_method in by_path.items()]
        return [*found, Route(f"{BASE}/openapi.json", self._openapi, methods=["GET"])]

    def named(self, name: str) -> Operation:
        """Return the operation of this name."""
        return next(one for one in self.operations if one.name == name)

    async def answer(self, operation: Operation, request: Request) -> Response:
        """Answer one request. Raises RequestError."""
        reply.accepted(request, (JSON,))
        query = read_query(operation, request)
        path = {name: value.upper() if name == "code" else value for name, value in request.path_params.items()}
        try:
            if operation.body is not None:
                return await self._of_body(operation, request, Call(path, query))
            call = Call(path, query)
            if operation.fresh:
                return reply.once(await asyncio.to_thread(self._made, operation, call), JSON)
            key = (operation.name, tuple(path.items()), query, self.desk.today())
            return reply.kept(request, await self.shelf.get(key, lambda: self._made(operation, call)), JSON)
        except FacetwiseError as error:
            known = all(value in _options(operation, name) for name, value in path.items())
            raise from_problems(error, kind="" if known else "not-found", of_body=operation.body is not None) from None

    async def _of_body(self, operation: Operation, request: Request, call: Call) -> Response:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != JSON and media not in operation.others:
            wanted = " or ".join((JSON, *operation.others))
            raise refused("wrong-type", f"a body of type {media[:60] or 'not said'}", f"Content-Type: {wanted}")
        body = await request.body()
        if media == JSON:
            text, is_list = read_body(operation, self.desk, self._decoders[operation.name], body, self._most)
        else:
            text, is_list = read_other(operation.others[media], body), False
        call = Call(call.path, call.query, text, is_list, media)
        at_once = len(body) <= _SMALL_BODY and not operation.slow
        if at_once and (operation.ready is None or operation.ready(self.desk)):
            return reply.once(self._made(operation, call), JSON)
        return reply.once(await asyncio.to_thread(self._made, operation, call), JSON)

    @property
    def _most(self) -> int:
        return self.settings.limits.entries

    def _made(self, operation: Operation, call: Call) -> bytes:
        answer: Any = operation.run(self.desk, call)
        return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)

    async def _openapi(self, request: Request) -> Response:
        reply.accepted(request, (JSON,))
        return reply.kept(request, self._document, JSON)


class _AnyMethod:
    """Every method of one path: its operations, HEAD, OPTIONS, and 405 with what is allowed for the others."""

    def __init__(self, api: Api, by_method: dict[str, Operation]):
        self._api = api
        self._by_method = by_method
        names = [*by_method, *(("HEAD",) if "GET" in by_method else ()), "OPTIONS"]
        self._allow = ", ".join(names)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            response = Response(status_code=204, headers={"allow": self._allow})
        elif method in self._by_method:
            response = await self._api.answer(self._by_method[method], request)
        else:
            raise refused("wrong-method", f"{request.method[:20]} has no meaning here", self._allow, allow=self._allow)
        await response(scope, receive, send)


def _options(operation: Operation, name: str) -> tuple[Any, ...]:
    return get_args(operation.parameters[name])
