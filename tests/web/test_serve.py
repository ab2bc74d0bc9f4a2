"""The command as it runs: what it prints, what it answers, what it does with broken connections, and how it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from facetwise.web.listener import HEAD_BYTES, Listener


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server as a process of its own, on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "facetwise", "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FACETWISE_HOME": str(home)},
    )
    assert process.stderr is not None
    match = re.fullmatch(r"Facetwise: http://127\.0\.0\.1:([0-9]+) .*\n", process.stderr.readline())
    assert match
    yield process, int(match[1])
    if process.poll() is None:
        process.kill()
    process.wait(10)
    process.stderr.close()


def ask(port: int, *parts: bytes, wait: float = 10.0) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        found = b""
        try:
            for part in parts:
                connection.sendall(part)
            while piece := connection.recv(65536):
                found += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
        return found


def test_it_answers_where_it_says(running: tuple[subprocess.Popen[str], int]) -> None:
    _, port = running
    found = ask(port, b"GET /api/v1/knowledge HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200")
    assert b"server:" not in found.lower().partition(b"\r\n\r\n")[0]
    head = ask(port, b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")


def test_a_head_without_end_is_cut_off(running: tuple[subprocess.Popen[str], int]) -> None:
    _, port = running
    found = ask(
        port, b"GET / HTTP/1.1\r\nHost: localhost\r\n", *(b"X-Long: " + b"a" * 8000 + b"\r\n" for _ in range(20))
    )
    assert found.startswith(b"HTTP/1.1 400") or found == b""
    assert b"200" not in found[:20]
    kept = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2
    last = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: "
        + b"a" * (HEAD_BYTES - 4000)
        + b"\r\n\r\n"
    )
    assert ask(port, kept, last).count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(running: tuple[subprocess.Popen[str], int], request_: bytes) -> None:
    _, port = running
    assert ask(port, request_).startswith(b"HTTP/1.1 400")


def test_a_request_without_a_host_is_refused(running: tuple[subprocess.Popen[str], int]) -> None:
    _, port = running
    assert ask(port, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")


def test_a_head_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[float] = []

    class Transport(asyncio.Transport):
        def close(self) -> None:
            closed.append(time.monotonic())

        def is_closing(self) -> bool:
            return bool(closed)

        def get_extra_info(self, name: str, default: object = None) -> object:
            return default

    async def run() -> None:
        import uvicorn

        async def app(scope: object, receive: object, send: object) -> None:
            raise AssertionError("no request came")

        config = uvicorn.Config(app, log_config=None)
        config.load()
        monkeypatch.setattr(Listener, "head_seconds", 0.05)
        connection = Listener(config, uvicorn.server.ServerState(), {}, asyncio.get_running_loop())
        connection.connection_made(Transport())
        connection.data_received(b"GET / HTTP/1.1\r\nHost: local")
        await asyncio.sleep(0.2)

    asyncio.run(run())
    assert len(closed) == 1


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_it_ends_when_it_is_told_and_its_log_holds_paths_alone(running: tuple[subprocess.Popen[str], int]) -> None:
    process, port = running
    ask(port, b"GET /find?q=Mary+Smith HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    process.send_signal(signal.SIGINT)
    log: IO[str] | None = process.stderr
    assert log is not None
    text = log.read()
    assert process.wait(15) == 0
    assert "GET /find 200" in text
    assert "Smith" not in text
    assert "Traceback" not in text
