"""One request over HTTPS: which addresses are asked, what is worth a second try, and failures in plain words.

The standard library does this cleanly, so no HTTP library is needed. Plain http is taken on loopback only, where tests
and local mirrors live.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO

from facetwise import __version__
from facetwise.problems import FacetwiseError, Problem

AGENT = f"facetwise/{__version__}"
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEARD = frozenset({304, 401, 416})  # answers that the caller understands
_PASSING = (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)

Answer = http.client.HTTPResponse | urllib.error.HTTPError


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait and how often to try; all times in seconds."""

    timeout: float = 30.0
    tries: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def rest(self, failures: int, asked: float | None = None) -> None:
        """Sleep after the nth failure in a row: twice as long each time, or as long as the server asked for."""
        pause = self.first_pause * 2 ** (failures - 1) if asked is None else asked
        self.sleep(min(pause, self.longest_pause))


class PassingError(Exception):
    """A failure that another try may mend; `after` is the pause in seconds that the server asks for."""

    def __init__(self, reason: str, after: float | None = None):
        super().__init__(reason)
        self.reason = reason
        self.after = after


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(url: str) -> str:
    """Return `url`, or raise FacetwiseError when it is no address that may be asked."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise _wrong_address(url, f"the address is not readable: {error}") from None
    if any(sign <= " " or sign == "\x7f" for sign in url):
        raise _wrong_address(url, "the address holds a blank or a control character")
    if parts.username is not None or parts.password is not None:
        # The address is kept in the manifest and shown in messages; a password must not be.
        shown = urllib.parse.urlunsplit(parts._replace(netloc=host))
        raise _wrong_address(shown, "the address holds a user name or password")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise _wrong_address(url, f"the address begins with {parts.scheme or 'no scheme'}")
    return url


def _wrong_address(url: str, found: str) -> FacetwiseError:
    return FacetwiseError(
        Problem(url, 0, found, "an address that begins with https:// (plain http only on this machine itself)")
    )


def ask(url: str, headers: Mapping[str, str], patience: Patience, secret: str = "") -> Answer:
    """Ask once and return the open answer: any 2xx, or 304, 401 or 416.

    `secret` is sent as a bearer token, to this host only. Raises PassingError for what a second try may mend and
    FacetwiseError for what it will not.
    """
    request = urllib.request.Request(check_address(url), headers={"User-Agent": AGENT, **headers})  # noqa: S310
    if secret:
        request.add_unredirected_header("Authorization", f"Bearer {secret}")
    handlers: list[urllib.request.BaseHandler] = [_SafeRedirects()]
    if is_loopback(urllib.parse.urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        answer: http.client.HTTPResponse = urllib.request.build_opener(*handlers).open(
            request, timeout=patience.timeout
        )
    except urllib.error.HTTPError as error:
        if error.code in _HEARD:
            return error
        with error:
            raise refusal(url, error.code, error.reason, error.headers) from None
    except urllib.error.URLError as error:
        raise _unreached(url, error.reason, patience) from None
    except _PASSING as error:
        raise _unreached(url, error, patience) from None
    return answer


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to an address that may be asked; a token goes along only within its own host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            check_address(newurl)
        except FacetwiseError:
            raise FacetwiseError(
                Problem(
                    req.full_url,
                    0,
                    f"the server sends on to {newurl}",
                    "an address that begins with https://",
                    "give the address of the file itself with --url",
                )
            ) from None
        onward = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if onward is not None and token and _origin(newurl) == _origin(req.full_url):
            onward.add_unredirected_header("Authorization", token)
        return onward


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def refusal(url: str, code: int, reason: str, headers: Message | None) -> Exception:
    """Return the error for an answer of this status: passing or final."""
    if code in _TRANSIENT:
        asked = (headers.get("Retry-After") or "") if headers else ""
        return PassingError(f"the server answers {code} ({reason})", float(asked) if asked.isdecimal() else None)
    by_hand = "open it in a browser and load what you save with 'facetwise data load FILE'"
    if code in (401, 403):
        return FacetwiseError(Problem(url, 0, f"the server refuses it ({code} {reason})", "a public file", by_hand))
    if code in (404, 410):
        return FacetwiseError(
            Problem(
                url,
                0,
                f"there is nothing at this address ({code} {reason})",
                "a file",
                "the publisher may have moved it: look on its page and give the new address with --url",
            )
        )
    return FacetwiseError(Problem(url, 0, f"the server answers {code} ({reason})", "200 and a file", by_hand))


def _unreached(url: str, reason: object, patience: Patience) -> Exception:
    host = urllib.parse.urlsplit(url).hostname or url
    if isinstance(reason, ssl.SSLCertVerificationError):
        return FacetwiseError(
            Problem(
                url,
                0,
                f"the certificate of {host} does not hold: {reason.verify_message}",
                "a certificate that this machine trusts",
                "a proxy that opens TLS needs its own certificate in the system's store (or SSL_CERT_FILE)",
            )
        )
    if isinstance(reason, socket.gaierror):
        return PassingError(f"the host {host} is not known or the network is down")
    if isinstance(reason, TimeoutError):
        return PassingError(f"{host} did not answer within {patience.timeout:g} seconds")
    if isinstance(reason, ConnectionRefusedError):
        return PassingError(f"{host} refuses the connection")
    return PassingError(f"the connection to {host} failed ({reason or type(reason).__name__})")


def gave_up(url: str, failure: PassingError, tries: int, more: str = "") -> FacetwiseError:
    """Return the error for a failure that further tries did not mend."""
    times = "one try" if tries == 1 else f"{tries} tries"
    return FacetwiseError(
        Problem(
            url,
            0,
            f"{failure.reason}; given up after {times}",
            mend=more or "check the network and any proxy (HTTPS_PROXY), then run it again",
        )
    )
