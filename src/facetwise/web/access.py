"""Who may ask: the token as a bearer or as a signed cookie, and whether another site sent the request."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

COOKIE = "facetwise_session"
SESSION_SECONDS = 12 * 3600
_SAFE_FETCH = ("same-origin", "none")


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def session(token: str, now: float | None = None) -> str:
    """Return the value of a session cookie: when it ends, and a signature by the token."""
    ends = str(int((time.time() if now is None else now) + SESSION_SECONDS))
    return f"{ends}.{_signature(token, ends)}"


def _signature(token: str, ends: str) -> str:
    return hmac.new(token.encode(), f"facetwise session until {ends}".encode(), hashlib.sha256).hexdigest()


def may_ask(token: str, authorization: str, cookie: str, now: float | None = None) -> bool:
    """Whether a request with these headers knows the token."""
    if not token:
        return True
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return same(given.strip(), token)
    ends, _, signature = cookie.partition(".")
    good = same(signature, _signature(token, ends))
    return good and ends.isascii() and ends.isdigit() and int(ends) > (time.time() if now is None else now)


def from_other_site(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether a browser says that another site sent this; what is no browser says nothing and is let through."""
    site = headers.get("sec-fetch-site", "")
    if site:
        return site not in _SAFE_FETCH
    origin = headers.get("origin", "")
    # Under referrer-policy no-referrer a browser's own form has the origin "null", but then Sec-Fetch-Site speaks for it.
    return bool(origin) and origin.lower() != f"{scheme}://{headers.get('host', '').lower()}"
