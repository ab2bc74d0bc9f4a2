"""What stands before every page and endpoint: names, tokens, limits, headers, and a log that holds no patient data."""

from __future__ import annotations

import asyncio
import http.cookies
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facetwise.web import access
from facetwise.web.settings import Settings
from facetwise.web.trouble import PROBLEM_JSON, RequestError, refused

log = logging.getLogger("facetwise.web")

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; manifest-src 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# What a browser needs before it can sign in, and what tells a supervisor that the server runs.
OPEN_PATHS = ("/login", "/healthz", "/favicon.ico")
OPEN_PREFIXES = ("/static/",)
# Where whole files of claims come in: their limits are others.
UPLOAD_PATHS = ("/check", "/api/v1/check/stream")
_METHODS_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
Page = Callable[[Scope, RequestError], ASGIApp | None]


class Guard:
    """Refuses what may not be asked and bounds what may; nothing an answer raises passes it.

    `page` draws a refusal as a page for a browser that asked for one, and gives None for what asked otherwise.
    """

    def __init__(self, app: ASGIApp, settings: Settings, page: Page | None = None):
        self.app = app
        self.settings = settings
        self.page = page
        self.at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        reply = _Reply(scope, send, self.page)
        self.at_once += 1
        try:
            self._check(scope)
            body = _Body(receive, self.settings, scope)
            async with asyncio.timeout(_answer_seconds(scope, self.settings)):
                await self.app(scope, body.receive, reply.send)
        except RequestError as error:
            await reply.problem(error)
        except TimeoutError:
            await reply.problem(refused("busy", "the answer took too long", retry_after="5"))
        except Exception as error:
            log.error("%s %s failed: %s", scope["method"], scope["path"], _place(error))
            await reply.problem(RequestError("failed"))
        finally:
            self.at_once -= 1
            # The path alone: a query could hold what somebody typed.
            path = quote(scope["path"], safe="/")[:200]
            spent = (time.perf_counter() - started) * 1000
            log.info("%s %s %s %d bytes %.1f ms", scope["method"], path, reply.status or "-", reply.sent, spent)

    def _check(self, scope: Scope) -> None:
        limits = self.settings.limits
        headers = Headers(scope=scope)
        if self.at_once > limits.at_once:
            raise refused("busy", f"more than {limits.at_once} requests at once", retry_after="1")
        if _host(headers.get("host", "")) not in self.settings.hosts:
            raise refused("wrong-host", "the Host header names another server", "a name given with --allow-host")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > limits.address_bytes:
            raise refused("address-too-long", f"more than {limits.address_bytes} bytes", "a shorter address")
        if scope["method"] not in _METHODS_WITHOUT_BODY and access.from_other_site(headers, scope["scheme"]):
            raise refused(
                "from-another-site",
                "the request comes from another site, or from a page without TLS",
                "a request from a page of this server, or from a program",
            )
        self._check_token(scope, headers)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > _most_bytes(scope, self.settings):
            raise _too_large(scope, self.settings)

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        path = scope["path"]
        if not self.settings.token or path in OPEN_PATHS or path.startswith(OPEN_PREFIXES):
            return
        if access.may_ask(self.settings.token, headers.get("authorization", ""), _cookie(headers)):
            return
        if "text/html" in headers.get("accept", "") and not path.startswith("/api/v1"):
            raise RequestError("token-missing", headers=(("location", f"/login?next={quote(path)}"),))
        raise refused(
            "token-missing", "no token, or a wrong one", "Authorization: Bearer TOKEN", www_authenticate="Bearer"
        )


def _host(header: str) -> str:
    name = header.rpartition("]")[0].lstrip("[") if header.startswith("[") else header.partition(":")[0]
    return name.lower().rstrip(".")


def _cookie(headers: Headers) -> str:
    try:
        jar = http.cookies.SimpleCookie(headers.get("cookie", ""))
    except http.cookies.CookieError:
        return ""
    return jar[access.COOKIE].value if access.COOKIE in jar else ""


def _is_upload(scope: Scope) -> bool:
    return scope["path"] in UPLOAD_PATHS and scope["method"] == "POST"


def _most_bytes(scope: Scope, settings: Settings) -> int:
    return settings.limits.upload_bytes if _is_upload(scope) else settings.limits.body_bytes


def _body_seconds(scope: Scope, settings: Settings) -> float:
    return settings.limits.upload_seconds if _is_upload(scope) else settings.limits.body_seconds


def _answer_seconds(scope: Scope, settings: Settings) -> float:
    limits = settings.limits
    # The check of an upload has a limit of its own; a little more lets that one speak.
    return limits.upload_seconds + limits.check_seconds + 30 if _is_upload(scope) else limits.answer_seconds


def _too_large(scope: Scope, settings: Settings) -> RequestError:
    mend = {
        "/api/v1/check": "send claims to /api/v1/check/stream, which takes more",
        "/check": "send fewer files at once, or run 'facetwise check' on them",
    }.get(scope["path"], "")
    return refused(
        "too-large", f"the body has more than {_most_bytes(scope, settings):,} bytes", "a smaller body", mend
    )


def _place(error: BaseException) -> str:
    """Return the kind of an error and where it arose; its words may repeat the request, so they are left out."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return type(error).__name__ + " at " + " < ".join(f"{one.filename}:{one.lineno}" for one in reversed(frames))


class _Body:
    """The body as it comes in, counted and timed."""

    def __init__(self, receive: Receive, settings: Settings, scope: Scope):
        self._receive = receive
        self._settings = settings
        self._scope = scope
        self._bytes = 0
        self._ends = time.monotonic() + _body_seconds(scope, settings)
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # only the end of the connection can follow
        try:
            async with asyncio.timeout(max(0.0, self._ends - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise refused("too-slow", "the body did not arrive in time", connection="close") from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._bytes > _most_bytes(self._scope, self._settings):
                raise _too_large(self._scope, self._settings)
        return message


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


class _Reply:
    """The answer as it goes out: with the headers of safety, and counted."""

    def __init__(self, scope: Scope, send: Send, page: Page | None):
        self._scope = scope
        self._send = send
        self._page = page
        self.status = 0
        self.sent = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given += [pair for pair in SECURITY_HEADERS if pair[0] not in names]
            if b"cache-control" not in names:
                given.append((b"cache-control", b"no-store"))
            message = {**message, "headers": given}
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)

    async def problem(self, error: RequestError) -> None:
        """Send problem details, to a browser as a page, or, where it has to sign in, the way to do so."""
        if self.status:
            return  # it began already; closing the connection is all that is left
        location = dict(error.headers).get("location", "")
        if self._page is not None and not location and self._scope["method"] != "HEAD":
            try:
                page = self._page(self._scope, error)
            except Exception as fault:
                log.error("the page of a refusal failed: %s", _place(fault))
                page = None
            if page is not None:
                await page(self._scope, _nothing_more, self.send)
                return
        status = 303 if location else error.status
        content = b"" if location else msgspec.json.encode(error.details())
        headers: list[tuple[bytes, bytes]] = [(name.encode(), text.encode()) for name, text in error.headers]
        headers += [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(content)).encode())]
        start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
        await self.send(start)
        body = b"" if self._scope["method"] == "HEAD" else content
        await self.send({"type": "http.response.body", "body": body})
