"""What stands before every answer: host names, other sites, tokens, limits, headers, and what the log holds."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from facetwise.knowledge import Knowledge
from facetwise.web.access import COOKIE
from facetwise.web.app import application
from facetwise.web.guard import Guard
from facetwise.web.settings import Limits, Settings

TOKEN = "a-token-of-the-tests-with-enough-characters"
ORIGIN = "http://127.0.0.1"
PAGES = (
    "/",
    "/codes/64495",
    "/spine",
    "/cover",
    "/check",
    "/edits",
    "/edits/ptp-pair",
    "/compare",
    "/changes",
    "/data",
    "/api",
    "/payers/cgs",
    "/login",
)


@pytest.fixture(scope="module")
def closed(knowledge: Knowledge) -> Iterator[TestClient]:
    """The application with a token."""
    with TestClient(application(knowledge, Settings(token=TOKEN)), base_url=ORIGIN, follow_redirects=False) as found:
        yield found


def around(answer: Any, **limits: Any) -> TestClient:
    """A guard before a small application of the tests."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)

    return TestClient(Guard(app, Settings(limits=Limits(**limits))), base_url=ORIGIN)


@pytest.mark.parametrize("path", [*PAGES, "/api/v1/knowledge", "/nothing", "/api/v1/nothing", "/static/site.css"])
def test_every_answer_carries_the_headers_of_safety(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_what_its_policy_forbids(client: TestClient, path: str) -> None:
    text = client.get(path, headers={"accept": "text/html"}).text
    for mark in (" style=", "<style", "javascript:", " onclick=", " onload=", "<iframe", "<base"):
        assert mark not in text
    assert text.count("<script") == text.count('<script src="/static/')
    for outside in ("http://", "https://", "//"):
        for attribute in ("src", "action"):
            assert f'{attribute}="{outside}' not in text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "10.0.0.1"])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    response = client.get("/api/v1/knowledge", headers={"host": host})
    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST"])
def test_the_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/knowledge", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": ORIGIN}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ORIGIN.replace("http", "https")}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": ORIGIN}, 403),
        ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, 403),
    ],
)
def test_posts_of_other_sites_are_refused(client: TestClient, headers: dict[str, str], status: int) -> None:
    for path in ("/spine", "/cover"):
        assert client.post(path, data={"clear": "1"}, headers=headers).status_code in (status, 422)
        assert (client.post(path, data={"clear": "1"}, headers=headers).status_code == 403) is (status == 403)


def test_without_the_token_nothing_is_answered(closed: TestClient) -> None:
    for path in ("/api/v1/knowledge", "/api/v1/openapi.json", "/nothing", "/codes/64495"):
        response = closed.get(path)
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["problems"][0]["expected"] == "Authorization: Bearer TOKEN"
    assert closed.post("/api/v1/code", json={}).status_code == 401
    assert closed.get("/healthz").json() == {"status": "ok"}
    assert closed.get("/static/site.css").status_code == 200
    good = closed.get("/api/v1/knowledge", headers={"authorization": f"Bearer {TOKEN}"})
    assert good.status_code == 200
    for wrong in (TOKEN, f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}"):
        assert closed.get("/api/v1/knowledge", headers={"authorization": wrong}).status_code == 401


def test_a_browser_signs_in_and_out(closed: TestClient) -> None:
    closed.cookies.clear()
    sent = closed.get("/codes/64495", headers={"accept": "text/html"})
    assert sent.status_code == 303
    assert sent.headers["location"] == "/login?next=/codes/64495"
    wrong = closed.post("/login", data={"token": "x" * 40, "next": "/"})
    assert wrong.status_code == 401
    assert "not the token" in wrong.text
    assert "set-cookie" not in wrong.headers
    right = closed.post("/login", data={"token": TOKEN, "next": "/codes/64495"})
    assert right.status_code == 303
    assert right.headers["location"] == "/codes/64495"
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert closed.get("/", headers={"accept": "text/html"}).status_code == 200
    assert closed.post("/login", data={"leave": "1"}).status_code == 303
    closed.cookies.clear()
    assert closed.get("/", headers={"accept": "text/html"}).status_code == 303


def test_behind_tls_the_cookie_is_secure(knowledge: Knowledge) -> None:
    client = TestClient(
        application(knowledge, Settings(token=TOKEN)), base_url="https://127.0.0.1", follow_redirects=False
    )
    assert "secure" in client.post("/login", data={"token": TOKEN}).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "follow", ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "evil", "/a\nb"]
)
def test_signing_in_leads_nowhere_else(closed: TestClient, follow: str) -> None:
    response = closed.post("/login", data={"token": TOKEN, "next": follow})
    assert response.headers["location"] == "/"
    closed.cookies.clear()


def test_a_false_cookie_opens_nothing(closed: TestClient) -> None:
    for value in ("x", "99999999999.abc", ""):
        assert closed.get("/api/v1/knowledge", headers={"cookie": f"{COOKIE}={value}"}).status_code == 401


def test_a_large_body_is_refused_said_or_not(client: TestClient) -> None:
    large = b'{"x":"' + b"a" * 1_000_001 + b'"}'
    said = client.post("/api/v1/code", content=large, headers={"content-type": "application/json"})
    assert said.status_code == 413

    def parts() -> Iterator[bytes]:
        for start in range(0, len(large), 50_000):
            yield large[start : start + 50_000]

    unsaid = client.post("/api/v1/code", content=parts(), headers={"content-type": "application/json"})
    assert unsaid.status_code == 413
    assert client.post("/cover", data={"patient.pain_score": "1" * 1_000_100}).status_code == 413


def test_a_browser_is_told_as_a_page(client: TestClient) -> None:
    asked = {"accept": "text/html,application/xhtml+xml"}
    large = client.post("/cover", data={"patient.pain_score": "1" * 1_000_100}, headers=asked)
    assert large.status_code == 413
    assert large.headers["content-type"].startswith("text/html")
    assert "The request is too large" in large.text
    assert "1,000,000 bytes" in large.text
    assert large.headers["content-security-policy"]
    elsewhere = client.get("/", headers={**asked, "host": "evil.example"})
    assert elsewhere.status_code == 421
    assert elsewhere.headers["content-type"].startswith("text/html")
    assert client.head("/", headers={**asked, "host": "evil.example"}).content == b""
    assert client.get("/", headers={**asked, "host": "[evil"}).status_code == 421
    of_api = client.get("/api/v1/knowledge", headers={**asked, "host": "evil.example"})
    assert of_api.headers["content-type"] == "application/problem+json"


def test_a_long_address_is_refused(client: TestClient) -> None:
    assert client.get("/find?q=" + "a" * 9_000).status_code == 414


def test_a_form_of_too_many_fields_is_refused(client: TestClient) -> None:
    response = client.post("/spine", data={f"f{number}": "1" for number in range(400)})
    assert response.status_code == 400
    assert "f1" not in response.text


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async def slow(request: Request) -> PlainTextResponse:
        await asyncio.sleep(5)
        return PlainTextResponse("late")

    response = around(slow, answer_seconds=0.05).get("/")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"


def test_a_body_that_does_not_come_is_given_up() -> None:
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def run() -> None:
        async def never() -> Any:
            await asyncio.sleep(5)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http"}
        await Guard(app, Settings(limits=Limits(body_seconds=0.05)))(
            {**scope, "headers": [(b"host", b"localhost")]}, never, send
        )

    asyncio.run(run())
    assert sent[0]["status"] == 408


def test_more_requests_than_the_limit_are_sent_away() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        await PlainTextResponse("done")(scope, receive, send)

    async def run() -> list[int]:
        guard = Guard(app, Settings(limits=Limits(at_once=3)))
        statuses: list[int] = []

        async def one() -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            async def receive() -> Any:
                return {"type": "http.request", "body": b"", "more_body": False}

            scope = {
                "type": "http",
                "method": "GET",
                "path": "/",
                "raw_path": b"/",
                "query_string": b"",
                "scheme": "http",
            }
            await guard({**scope, "headers": [(b"host", b"localhost")]}, receive, send)

        await asyncio.gather(*(one() for _ in range(5)))
        assert guard.at_once == 0
        return statuses

    assert sorted(asyncio.run(run())) == [200, 200, 200, 503, 503]


def test_what_fails_is_told_by_its_place_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: Request) -> PlainTextResponse:
        raise KeyError("Mary Smith, born 1950-01-01")

    caplog.set_level(logging.INFO, "facetwise.web")
    response = around(broken).get("/somewhere?name=Mary+Smith")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "Smith" not in response.text
    assert "Smith" not in caplog.text
    assert "KeyError at" in caplog.text
    assert "test_guard.py" in caplog.text


def test_the_log_holds_nothing_of_a_case(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    case = {
        "payer": "medicare", "state": "OH", "date_of_service": "2026-03-07", "setting": "hopd",
        "procedure": {"technique": "radiofrequency_ablation", "region": "lumbar"}, "patient": {"pain_duration_months": 77},
    }  # fmt: skip
    assert client.post("/api/v1/cover", json=case).status_code == 200
    case["patient"] = {"pain_score": "Mary Smith", "Mary Smith": 1}
    assert (
        client.post("/api/v1/cover", content=json.dumps(case), headers={"content-type": "application/json"}).status_code
        == 422
    )
    assert client.post("/cover", data={"patient.pain_duration_months": "Mary Smith"}).status_code == 422
    client.get("/find?q=Mary+Smith")
    # The client of the tests logs addresses too; what counts is what the server's side says.
    own = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    assert any(line.startswith("POST /api/v1/cover 200") for line in own)
    for line in own:
        shown = re.sub(r" [0-9]+ bytes [0-9.]+ ms$", "", line)
        for secret in ("Mary", "Smith", "2026", "77", "?"):
            assert secret not in shown
