"""Finding the knowledge and loading it fast: the files are compiled once and kept by the digest of their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec

from facetwise.knowledge.compile import CASES
from facetwise.knowledge.store import BASE_LAYER, Store
from facetwise.knowledge.view import View
from facetwise.problems import FacetwiseError, Problem

_HERE = Path(__file__).parent


class Knowledge:
    """The compiled knowledge, base and overlays, ready to be viewed as of a date."""

    def __init__(self, store: Store):
        self.store = store

    @property
    def digest(self) -> str:
        """Return "sha256:..." over all that is said."""
        return self.store.digest

    def as_of(self, day: date) -> View:
        """Return the view of one day. Raises FacetwiseError outside the horizon of the knowledge."""
        return View(self.store, day)


def base_directory() -> Path:
    """Return where the shipped knowledge lies: inside the package when installed, in the checkout otherwise."""
    installed = _HERE.parent / "_knowledge"
    return installed if installed.is_dir() else _HERE.parents[2] / "knowledge"


def layers(overlays: Iterable[Path] = (), base: Path | None = None) -> list[tuple[str, Path]]:
    """Return the layers by name, the base first. Raises FacetwiseError when an overlay is no directory."""
    found = [(BASE_LAYER, base or base_directory())]
    for overlay in overlays:
        path = Path(overlay)
        if not path.is_dir():
            raise FacetwiseError(
                Problem(str(overlay), 0, "there is no such directory", "a directory of knowledge files")
            )
        name = path.resolve().name
        taken = [other for other, _ in found]
        free = (f"{name}-{number}" for number in itertools.count(len(found)))
        found.append((next(one for one in free if one not in taken) if name in taken else name, path))
    return found


def load(overlays: Iterable[Path] = (), base: Path | None = None) -> Knowledge:
    """Load the knowledge, from the cache when nothing has changed.

    Raises FacetwiseError on anything that lint calls an error.
    """
    wanted = layers(overlays, base)
    store = load_store(wanted)
    return Knowledge(store)


def load_store(wanted: list[tuple[str, Path]]) -> Store:
    """Return the compiled store of these layers, and keep it for the next time."""
    try:
        digest = bytes_digest(wanted)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(
            Problem(str(error.filename or ""), 0, f"it cannot be read: {reason}", "a file that you may read")
        ) from None
    path = cache_directory() / f"knowledge-{digest}.msgpack"
    with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return msgspec.msgpack.decode(path.read_bytes(), type=Store)
    from facetwise.knowledge.lint import lint_layers  # costs nothing when the cache serves

    report = lint_layers(wanted)
    if report.errors or report.store is None:
        raise FacetwiseError(report.errors)
    _keep(path, report.store)
    return report.store


def bytes_digest(wanted: list[tuple[str, Path]]) -> str:
    """Return a digest of the bytes of every file of the layers, and of the code that compiles them.

    It runs at every start over more than a thousand small files, so it keeps to strings and plain reads.
    """
    digest = hashlib.sha256()
    for name, root in [("code", _HERE), *wanted]:
        digest.update(name.encode() + b"\0")
        base = str(root)
        for path in sorted(_files(base)):
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - Path.open costs as much as the read
                content = file.read()
            relative = path[len(base) :].replace(os.sep, "/")
            digest.update(f"{relative}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:32]


def _files(directory: str) -> list[str]:
    found: list[str] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name == "__pycache__":
                continue
            if entry.is_dir():
                found.extend(_files(entry.path))
            elif name.endswith((".yaml", ".yml", ".csv", ".py")) and not name.endswith(CASES):
                found.append(entry.path)
    return found


def cache_directory() -> Path:
    """Return where compiled knowledge is kept: below $FACETWISE_HOME when set, else the platform's cache directory."""
    home = os.environ.get("FACETWISE_HOME")
    if home:
        return Path(home) / "cache"
    import platformdirs

    return platformdirs.user_cache_path("facetwise")


def _keep(path: Path, store: Store) -> None:
    # A cache that cannot be written (read-only home) costs time, not an answer.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(msgspec.msgpack.encode(store))
        Path(file.name).replace(path)
