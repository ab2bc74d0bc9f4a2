"""The command `serve`: its options, and the server on one socket. Nothing of the server is imported before it is asked for."""

from __future__ import annotations

import argparse
import contextlib
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import socket

_BACKLOG = 256
_MOST_CONNECTIONS = 1_000
_UPLOAD_MB = 256


def add_serve(commands: Any) -> argparse.ArgumentParser:
    """Add `serve` to the commands of the command line; return its parser, for the options that all commands share."""
    serve: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="web pages and REST API, on loopback unless told otherwise",
        description="Serve the pages and the REST API. Only this machine can reach them unless --host says otherwise, "
        "which a token must then protect.",
    )
    serve.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="listen here (default: 127.0.0.1)")
    serve.add_argument("--port", metavar="N", type=int, default=8000, help="default: 8000; 0 takes a free one")
    serve.add_argument(
        "--token-file", metavar="FILE", help="ask every request for the token in this file (or in FACETWISE_TOKEN)"
    )
    serve.add_argument(
        "--allow-host", metavar="NAME", action="append", default=[], help="answer to this host name too; repeatable"
    )
    serve.add_argument(
        "--upload-mb",
        metavar="N",
        type=int,
        default=_UPLOAD_MB,
        help="the largest upload of claims, in megabytes (default: 256)",
    )
    serve.add_argument("--quiet", action="store_true", help="no line a request on standard error")
    return serve


def run_serve(options: argparse.Namespace) -> int:
    """Run `serve` until it is stopped; return the exit code."""
    from facetwise.web.settings import Limits, is_loopback, settings

    if not 1 <= options.upload_mb <= 100_000:
        raise FacetwiseError(Problem("", 0, f"--upload-mb {options.upload_mb}", "1 to 100000 megabytes"))
    chosen = settings(
        options.host,
        options.port,
        options.token_file,
        tuple(options.allow_host),
        Limits(upload_bytes=options.upload_mb * 1_000_000),
        tuple(str(Path(one).absolute()) for one in options.knowledge),
    )
    try:
        # All of the extra is looked for at once, so that no form finds a part of it missing later.
        for name in ("httptools", "python_multipart", "starlette"):
            import_module(name)
        import uvicorn
    except ImportError as error:
        raise FacetwiseError(
            Problem("", 0, f"serve needs {error.name}", "the extra 'web'", "install it: pip install 'facetwise[web]'")
        ) from None
    from facetwise.knowledge import load
    from facetwise.web.app import application
    from facetwise.web.listener import Listener

    _log(quiet=options.quiet)
    app = application(load([Path(one) for one in options.knowledge]), chosen)
    listener = _listen(chosen.host, chosen.port)
    config = uvicorn.Config(
        app,
        http=Listener,
        limit_concurrency=_MOST_CONNECTIONS,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        # Only a proxy on this machine may say for whom it asks and whether it spoke TLS.
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
    )
    port = listener.getsockname()[1]
    shown = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    print(f"Facetwise: http://{shown}:{port}  (API: /api, Ctrl-C ends)", file=sys.stderr, flush=True)
    if not is_loopback(chosen.host):
        print("The token travels as it is: let only a proxy with TLS reach this (docs/serve.md).", file=sys.stderr)
    # Once the server has ended, the signal that ended it is raised anew: Ctrl-C is how it is meant to end.
    with listener, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(
            Problem("", 0, f"{host} port {port} cannot be used: {reason}", "a free port", "choose another with --port")
        ) from None
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def _log(*, quiet: bool) -> None:
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    own = logging.getLogger("facetwise.web")
    own.handlers[:] = [handler]
    own.setLevel(logging.WARNING if quiet else logging.INFO)
    own.propagate = False
    # What the server under us says of a request could repeat it; that it failed, our own log says.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
