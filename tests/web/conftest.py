"""The application as the tests ask it: in process, and on a socket for the tests that open pages."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from facetwise.knowledge import Knowledge
from facetwise.web.app import application
from facetwise.web.settings import Settings

ORIGIN = "http://127.0.0.1"


@pytest.fixture(scope="session")
def app(knowledge: Knowledge) -> ASGIApp:
    return application(knowledge, Settings())


@pytest.fixture(scope="session")
def client(app: ASGIApp) -> Iterator[TestClient]:
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as found:
        yield found


@pytest.fixture(scope="session")
def served(app: ASGIApp) -> Iterator[str]:
    """The address of the application on a socket of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.01)
        yield f"{ORIGIN}:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = os.environ.get("FACETWISE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("there is no Chromium on this machine; set FACETWISE_CHROMIUM to the path of one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield started
        started.close()
