"""A progress bar on standard error, for whatever takes more than two seconds on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

_PATIENCE = 2.0  # seconds before anything is shown
_STEP = 0.2  # seconds between two drawings
_BAR = 24


class Progress:
    """Draws `name`, bar, megabytes, speed and time left; draws nothing when `stream` is no terminal."""

    def __init__(self, name: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self._name = name
        self._stream = stream or sys.stderr
        self._clock = clock
        self._shown = self._stream.isatty()
        self._began = self._drawn = clock()
        self._first = -1
        self._width = 0

    def at(self, done: int, total: int | None) -> None:
        """Say that `done` bytes of `total` (None: not known) are here."""
        if not self._shown:
            return
        now = self._clock()
        if self._first < 0:
            self._first = done
        if now - self._began < _PATIENCE or now - self._drawn < _STEP:
            return
        self._drawn = now
        speed = (done - self._first) / (now - self._began)
        parts = [self._name[:32]]
        if total:
            full = min(_BAR, _BAR * done // total)
            parts.append(f"[{'#' * full}{'.' * (_BAR - full)}] {100 * done // total:3d}%")
        parts.append(_megabytes(done) + (f" of {_megabytes(total)}" if total else ""))
        if speed > 0:
            parts.append(f"{_megabytes(speed)}/s")
            if total:
                left = int((total - done) / speed)
                parts.append(f"{left // 60}:{left % 60:02d} left")
        line = "  ".join(parts)
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)

    def end(self) -> None:
        """Wipe the bar."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"
