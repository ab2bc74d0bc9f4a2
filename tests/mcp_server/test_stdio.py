"""The command: a session over standard input and output; its log names tools and durations, and nothing of the arguments."""

from __future__ import annotations

import builtins
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from facetwise.cli import main

from .conftest import told
from .test_tools import GOOD, NAME, NAMES

COMMAND = ["-m", "facetwise", "mcp"]


def session(question: Any, log: Path, *options: str) -> Any:
    async def run() -> Any:
        parameters = StdioServerParameters(
            command=sys.executable, args=[*COMMAND, *options], env=dict(os.environ), cwd=str(Path(__file__).parents[2])
        )
        with log.open("w") as errors:
            async with Client(stdio_client(parameters, errlog=errors)) as client:
                return await question(client)

    return anyio.run(run)


def test_a_session_over_standard_input_and_output(tmp_path: Path) -> None:
    async def question(client: Client) -> list[Any]:
        assert tuple(one.name for one in (await client.list_tools()).tools) == NAMES
        good = [told(await client.call_tool(name, GOOD[name])) for name in NAMES]
        wrong = await client.call_tool("cover", {**GOOD["cover"], "payer": NAME})
        assert wrong.is_error
        assert (await client.read_resource("facetwise://knowledge")).contents
        return good

    log = tmp_path / "log"
    found = session(question, log)
    assert all(one["sources"] for one in found)
    lines = log.read_text().splitlines()
    assert len(lines) == 8
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\w+) \d+\.\d ms( refused)?", line), line
    assert [line.split()[2] for line in lines] == [*NAMES, "cover", "resource"]


def test_quiet_says_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert not session(lambda client: client.call_tool("code", GOOD["code"]), log, "--quiet").is_error
    assert log.read_text() == ""


def test_what_is_no_message_is_neither_answered_by_words_of_it_nor_logged() -> None:
    lines = [
        NAME,
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 3, "arguments": NAME}}),
    ]
    made = subprocess.run(
        [sys.executable, *COMMAND],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0
    assert "Mary" not in made.stderr
    for line in made.stdout.splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"


def test_a_failure_is_told_by_its_place(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, knowledge: Any
) -> None:
    import logging

    from facetwise.mcp import server as module
    from facetwise.web.desk import Desk

    def broken(*_: Any) -> None:
        raise ValueError(NAME)

    monkeypatch.setattr(Desk, "cover", broken)
    monkeypatch.setattr(logging.getLogger("facetwise.mcp"), "propagate", True)

    async def ask() -> Any:
        async with Client(module.server(knowledge)) as client:
            return await client.call_tool("cover", GOOD["cover"])

    result = anyio.run(ask)
    assert result.is_error
    assert told(result)["error"]["kind"] == "failed"
    assert "cover" in caplog.text
    assert "ValueError" in caplog.text
    assert "Mary" not in caplog.text + json.dumps(told(result))


def test_without_the_sdk_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "anyio":
            raise ModuleNotFoundError("No module named 'anyio'", name="anyio")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert main(["mcp"]) == 2
    assert (
        capsys.readouterr().err
        == "facetwise: mcp needs anyio; expected the extra 'mcp'; install it: pip install 'facetwise[mcp]'.\n"
    )
