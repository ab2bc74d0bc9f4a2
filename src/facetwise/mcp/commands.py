"""The command `mcp`: its options, and the server on standard input and output. The SDK is imported when it is asked for."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from facetwise.problems import FacetwiseError, Problem


def add_mcp(commands: Any) -> argparse.ArgumentParser:
    """Add `mcp` to the commands of the command line; return its parser, for the options that all commands share."""
    mcp: argparse.ArgumentParser = commands.add_parser(
        "mcp",
        help="the same questions as tools for an assistant (Model Context Protocol)",
        description="Serve the questions as tools of the Model Context Protocol on standard input and output, for a host "
        "that starts this command. Nothing listens on the network.",
    )
    mcp.add_argument("--quiet", action="store_true", help="no line a call on standard error")
    return mcp


def run_mcp(options: argparse.Namespace) -> int:
    """Run `mcp` until its host closes the input; return the exit code."""
    try:
        import anyio

        import_module("mcp.server")
    except ImportError as error:
        raise FacetwiseError(
            Problem("", 0, f"mcp needs {error.name}", "the extra 'mcp'", "install it: pip install 'facetwise[mcp]'")
        ) from None
    from facetwise.knowledge import load
    from facetwise.mcp.server import serve_stdio

    _log(quiet=options.quiet)
    knowledge = load([Path(one) for one in options.knowledge])
    try:
        anyio.run(serve_stdio, knowledge)
    except KeyboardInterrupt:
        return 0
    return 0


def _log(*, quiet: bool) -> None:
    """Log to standard error only: standard output is the protocol's."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    own = logging.getLogger("facetwise.mcp")
    own.handlers[:] = [handler]
    own.setLevel(logging.WARNING if quiet else logging.INFO)
    own.propagate = False
    # What the SDK says of a message could repeat it; that a call failed, our own log says.
    for name in ("mcp", "pydantic"):
        silent = logging.getLogger(name)
        silent.handlers[:] = [logging.NullHandler()]
        silent.propagate = False
