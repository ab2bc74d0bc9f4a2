"""How the server is set up: where it listens, who may ask, and how much. Loopback only, unless a token protects it."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facetwise.problems import FacetwiseError, Problem

TOKEN_VARIABLE = "FACETWISE_TOKEN"  # noqa: S105 - the name of a variable, not a token
LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_SHORTEST_TOKEN = 32
_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
_TLS = (
    "The token travels as it is: put a proxy with TLS (Caddy, nginx) before it and let facetwise listen on loopback "
    "behind that, or in a network that only the proxy reaches"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost: bytes of body and address, seconds for each, requests at once, entries of a list.

    Of an upload of claims: its bytes and seconds, what it may unpack to, its lines, and the seconds and memory of its check.
    """

    body_bytes: int = 1_000_000
    address_bytes: int = 8_192
    body_seconds: float = 15.0
    answer_seconds: float = 30.0
    at_once: int = 128
    entries: int = 200
    kept_bytes: int = 160_000_000
    upload_bytes: int = 256_000_000
    upload_seconds: float = 300.0
    unpacked_bytes: int = 4_000_000_000
    upload_lines: int = 40_000_000
    check_seconds: float = 600.0
    check_memory: str = "1GB"
    checks_at_once: int = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the server listens and who may ask. `token` "": loopback only, nobody is asked for one.

    `hosts` are the names by which it may be called; a request for another name is refused (DNS rebinding). `overlays` are the
    directories that were laid over the knowledge, which a check of an upload loads anew.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    hosts: frozenset[str] = LOOPBACK_NAMES
    limits: Limits = field(default_factory=Limits)
    overlays: tuple[str, ...] = ()


def settings(
    host: str,
    port: int,
    token_file: str | None = None,
    names: tuple[str, ...] = (),
    limits: Limits | None = None,
    overlays: tuple[str, ...] = (),
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings of a call. Raises FacetwiseError where it would be open to others without a token or name."""
    if not 0 <= port <= 65_535:
        raise FacetwiseError(Problem("", 0, f"--port {port}", "a port from 1 to 65535; 0 takes a free one"))
    token = _token(token_file, environment)
    local = is_loopback(host)
    if not local and not token:
        raise FacetwiseError(
            Problem(
                "",
                0,
                f"--host {host} lets others in without a token",
                f"--token-file FILE or {TOKEN_VARIABLE}, with at least {_SHORTEST_TOKEN} characters",
                f"{_MAKE_ONE}. {_TLS}",
            )
        )
    own = () if host in ("0.0.0.0", "::") else (host,)  # noqa: S104 - looked at, not bound
    hosts = frozenset(name.strip().lower().strip("[]") for name in (*names, *own))
    if not local and not hosts:
        raise FacetwiseError(
            Problem(
                "",
                0,
                f"--host {host} listens on every address, and no name is said by which it is called",
                "--allow-host NAME, the host name in the address that people type",
            )
        )
    return Settings(host, port, token, hosts | LOOPBACK_NAMES, limits or Limits(), overlays)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(token_file: str | None, environment: Mapping[str, str]) -> str:
    if token_file is None:
        name, text = TOKEN_VARIABLE, environment.get(TOKEN_VARIABLE, "")
        if not text:
            return ""
    else:
        name, text = token_file, _read(Path(token_file))
    text = text.strip()
    if len(text) < _SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise FacetwiseError(
            Problem(
                name, 0, "this is no token", f"at least {_SHORTEST_TOKEN} printable characters, no blank", _MAKE_ONE
            )
        )
    return text


def _read(path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise FacetwiseError(
                Problem(str(path), 0, "others may read the token", "a file of yours alone", f"chmod 600 {path}")
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise FacetwiseError(
            Problem(str(path), 0, f"it cannot be read: {reason.lower()}", "a file that holds the token")
        ) from None
