"""The server's side of the process that checks an upload: start it, ask it, read what it says, end it whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from facetwise.web.check.messages import Job
from facetwise.web.settings import TOKEN_VARIABLE

_CHUNK = 1 << 18
_WAIT_SECONDS = 5.0
_HELD_BACK = (TOKEN_VARIABLE,)


class Process:
    """One process of `worker`, from the begin of an upload to its end."""

    def __init__(self, place: Path, overlays: tuple[str, ...]):
        # The threads only wait for the pipe of a process, which ends when that does.
        self._threads = ThreadPoolExecutor(1, "facetwise-upload")
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "facetwise.web.check.worker", str(place), *overlays],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name not in _HELD_BACK},
        )

    def ask(self, job: Job) -> None:
        """Say what is to be done; a process that has gone already is noticed when its lines are read."""
        pipe: Any = self._process.stdin
        with contextlib.suppress(OSError):
            pipe.write(msgspec.json.encode(job) + b"\n")
            pipe.flush()

    async def lines(self) -> AsyncIterator[bytes]:
        """Give the lines that it says, without their end."""
        pipe: Any = self._process.stdout
        loop = asyncio.get_running_loop()
        rest = b""
        while chunk := await loop.run_in_executor(self._threads, pipe.read1, _CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """End it if it has not ended, and wait until it has."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_WAIT_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._threads.shutdown(wait=False)
