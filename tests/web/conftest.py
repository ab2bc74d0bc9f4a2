"""The application as the tests ask it: in process, and on a socket for the tests that open pages."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from browser_pages import Open
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


@pytest.fixture
def tab(browser: Browser, served: str) -> Iterator[Open]:
    """Opens pages of the server, and says at the end that nothing went wrong in them and nothing left this machine."""
    opened: list[Page] = []
    wrong: list[str] = []

    def open_page(path: str, width: int = 1280, height: int = 900, **options: Any) -> Page:
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        opened.append(page)
        page.set_default_timeout(10_000)

        def said(text: str) -> None:
            if "status of 4" not in text:  # a page that says what is wrong comes with such a status
                wrong.append(text)

        page.on("console", lambda message: said(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # A download that the page makes itself has an address of its own kind.
        own = (served, f"blob:{served}")
        page.on("request", lambda request: None if request.url.startswith(own) else wrong.append(request.url))
        page.goto(served + path)
        if path.startswith("/spine#"):
            page.wait_for_selector("#sentence")
        return page

    yield open_page
    for page in opened:
        page.close()
    assert wrong == []
