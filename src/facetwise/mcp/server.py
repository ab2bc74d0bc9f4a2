"""The server: its tools and resources by the low level of the official SDK, and a log that names tools and durations only."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import mcp_types as types
import msgspec
from anyio import to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from facetwise import __version__
from facetwise.knowledge import Knowledge
from facetwise.mcp import resources
from facetwise.mcp.bounds import Told
from facetwise.mcp.tools import Tool, tools, unknown_tool
from facetwise.problems import FacetwiseError
from facetwise.web.desk import Desk
from facetwise.web.trouble import KINDS, RequestError, from_problems

log = logging.getLogger("facetwise.mcp")

INSTRUCTIONS = (
    "Cited, dated answers about facet joint procedures of the spine and the codes that report them. Every answer names its "
    "sources by key under citations (or sources), and lists them under sources: cite them, with their dates. 'not_established' "
    "means that no source says; do not fill it in. A key that is left out of an input says 'not documented'. Send no names, "
    "birth dates or numbers of patients: none is needed. The answers are a reading of published rules, no decision of a payer "
    "and no legal, medical or billing advice."
)
_OUTPUT = {
    "type": "object",
    "properties": {
        "answer": {"type": "object", "description": "The answer, as the API and the command give it."},
        "sources": {
            "type": "array",
            "description": "Every source that the answer cites, by its key.",
            "items": {"type": "object", "required": ["key", "title", "publisher", "url", "date", "evidence"]},
        },
        "left_out": {
            "type": "array",
            "description": "What the answer had no room for, and how to ask for it.",
            "items": {"type": "object", "required": ["path", "entries", "how"]},
        },
    },
    "required": ["answer", "sources", "left_out"],
}
_ANNOTATIONS = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_Result = TypeVar("_Result")
_Context = ServerRequestContext[Any]


class Service:
    """Answers the requests of one server from one knowledge. Nothing of a request is kept or logged."""

    def __init__(self, knowledge: Knowledge):
        self.desk = Desk(knowledge)
        self.tools: dict[str, Tool] = tools(knowledge, self.desk)
        # One at a time: a host asks one thing after another, and the processor is not shared better by threads.
        self._turn = anyio.CapacityLimiter(1)

    async def list_tools(self, _: _Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Return every tool."""
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=one.name,
                    title=one.title,
                    description=one.description,
                    input_schema=one.schema,
                    output_schema=_OUTPUT,
                    annotations=_ANNOTATIONS,
                )
                for one in self.tools.values()
            ]
        )

    async def call_tool(self, _: _Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Answer a call; what is wrong with it is an answer too, which says what to mend."""
        tool = self.tools.get(params.name)
        if tool is None:
            return _refused(unknown_tool(params.name, self.tools))
        arguments = dict(params.arguments or {})
        try:
            found = await self._timed(tool.name, lambda: tool.run(arguments))
        except FacetwiseError as error:
            return _refused(from_problems(error))
        except RequestError as error:
            return _refused(error)
        return _answered(found)

    async def list_resources(self, _: _Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """Return the resources that stand by themselves."""
        found = await self._timed("resources", lambda: resources.entries(self.desk))
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=one.uri, name=one.name, title=one.title, description=one.description, mime_type=one.media
                )
                for one in found
            ]
        )

    async def list_templates(
        self, _: _Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """Return the addresses that are to be filled in."""
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=one.uri,
                    name=one.name,
                    title=one.title,
                    description=one.description,
                    mime_type=one.media,
                )
                for one in resources.TEMPLATES
            ]
        )

    async def read_resource(self, _: _Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """Return one resource. Raises MCPError."""
        uri = str(params.uri)
        try:
            media, text = await self._timed("resource", lambda: resources.read(self.desk, uri))
        except FacetwiseError as error:
            problem = from_problems(error)
            raise MCPError(types.INVALID_PARAMS, str(error), {"problems": _parts(problem)}) from None
        except RequestError as error:
            raise MCPError(types.INTERNAL_ERROR, error.details().detail) from None
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=media, text=text)])

    async def _timed(self, name: str, make: Callable[[], _Result]) -> _Result:
        started = time.perf_counter()
        told = ""
        try:
            return await to_thread.run_sync(make, limiter=self._turn)
        except (FacetwiseError, RequestError):
            told = " refused"
            raise
        except Exception as error:
            # Its words may repeat the arguments.
            told = f" failed: {_place(error)}"
            raise RequestError("failed") from None
        finally:
            spent = (time.perf_counter() - started) * 1000
            log.log(logging.ERROR if "failed" in told else logging.INFO, "%s %.1f ms%s", name, spent, told)


def server(knowledge: Knowledge) -> Server[Any]:
    """Return the server for a knowledge; a transport runs it."""
    service = Service(knowledge)
    made: Server[Any] = Server(
        "facetwise",
        version=__version__,
        title="Facetwise",
        description="Cited, dated answers about facet joint procedures and the codes that report them",
        instructions=INSTRUCTIONS,
        on_list_tools=service.list_tools,
        on_call_tool=service.call_tool,
        on_list_resources=service.list_resources,
        on_list_resource_templates=service.list_templates,
        on_read_resource=service.read_resource,
    )
    # No trace of a message goes anywhere.
    made.middleware.clear()
    return made


async def serve_stdio(knowledge: Knowledge) -> None:
    """Serve on standard input and output until the input ends."""
    made = server(knowledge)
    async with stdio_server() as (reading, writing):
        await made.run(reading, writing, made.create_initialization_options())


def _answered(found: Told) -> types.CallToolResult:
    text = msgspec.json.encode(found).decode()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=msgspec.json.decode(text)
    )


def _refused(error: RequestError) -> types.CallToolResult:
    """Return an error with the five parts of each problem: where, what was found, what is expected, how to mend it."""
    value = {"error": {"kind": error.kind, "title": KINDS[error.kind][1], "problems": _parts(error)}}
    text = msgspec.json.encode(value).decode()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=value, is_error=True
    )


def _parts(error: RequestError) -> list[dict[str, Any]]:
    return [
        {
            "file": one.file or "the arguments",
            "line": one.line,
            "place": one.place,
            "found": one.found,
            "expected": one.expected,
            "mend": one.mend,
        }
        for one in error.problems
    ]


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return type(error).__name__ + " at " + " < ".join(f"{one.filename}:{one.lineno}" for one in reversed(frames))
