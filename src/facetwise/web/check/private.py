"""Where an upload lies while it is checked: a directory that only this user can enter, gone at the end whatever happens."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PREFIX = "facetwise-upload-"
_LOCK = "in-use"
_DAY = 86_400


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """Give a new directory, and delete it with all that is in it."""
    place = Path(tempfile.mkdtemp(prefix=PREFIX))
    held: Any = None
    try:
        held = (place / _LOCK).open("wb")
        _locked(held)
        yield place
    finally:
        if held is not None:
            held.close()
        shutil.rmtree(place, ignore_errors=True)


def sweep() -> int:
    """Delete what servers left that were cut off (power, kill); return how many directories. Others' are let be."""
    gone = 0
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = place.lstat()
            if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "geteuid") and about.st_uid != os.geteuid()):
                continue
            lock = place / _LOCK
            if lock.is_file():
                with lock.open("rb+") as held:
                    if not _locked(held):
                        continue
                    shutil.rmtree(place, ignore_errors=True)
            elif time.time() - about.st_mtime > _DAY:
                shutil.rmtree(place, ignore_errors=True)
            gone += not place.exists()
    return gone


def _locked(file: Any) -> bool:
    """Whether this process could take the lock of an open file; where there are no such locks, nothing is swept."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def private_file(path: Path) -> Any:
    """Open a new file that only this user can read and write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    return os.fdopen(descriptor, "wb", buffering=1 << 20)
