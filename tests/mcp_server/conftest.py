"""The server as the tests ask it: in memory, over real client sessions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import pytest
from mcp import Client
from mcp.server import Server
from mcp_types import CallToolResult, TextContent

from facetwise.knowledge import Knowledge
from facetwise.mcp.server import server

_Found = TypeVar("_Found")
Ask = Callable[[Callable[[Client], Awaitable[Any]]], Any]


@pytest.fixture(scope="session")
def made(knowledge: Knowledge) -> Server[Any]:
    return server(knowledge)


@pytest.fixture(scope="session")
def ask(made: Server[Any]) -> Ask:
    """Run a question in a session of its own with the server in memory."""

    def run(question: Callable[[Client], Awaitable[_Found]]) -> _Found:
        async def session() -> _Found:
            async with Client(made) as client:
                await client.list_tools()  # so that answers are held against their schemas
                return await question(client)

        return anyio.run(session)

    return run


@pytest.fixture(scope="session")
def call(ask: Ask) -> Callable[..., CallToolResult]:
    def run(name: str, /, **arguments: Any) -> CallToolResult:
        found: CallToolResult = ask(lambda client: client.call_tool(name, arguments))
        return found

    return run


def told(result: CallToolResult) -> Any:
    """The JSON of an answer, which is in its text as in its structure."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    value = json.loads(content.text)
    assert value == result.structured_content
    return value
