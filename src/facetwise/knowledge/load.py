"""Finding the knowledge and loading it fast: the files are compiled once and kept by the digest of their bytes."""

from __future__ import annotations

import contextlib
import hashlib
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
        if name in [other for other, _ in found]:
            name = f"{name}-{len(found)}"
        found.append((name, path))
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
    path = cache_directory() / f"knowledge-{bytes_digest(wanted)}.msgpack"
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.msgpack.decode(path.read_bytes(), type=Store)
    from facetwise.knowledge.lint import lint_layers  # costs nothing when the cache serves

    report = lint_layers(wanted)
    if report.errors or report.store is None:
        raise FacetwiseError(report.errors)
    _keep(path, report.store)
    return report.store


def bytes_digest(wanted: list[tuple[str, Path]]) -> str:
    """Return a digest of the bytes of every file of the layers, and of the code that compiles them."""
    digest = hashlib.sha256()
    for name, root in [("code", _HERE), *wanted]:
        digest.update(name.encode() + b"\0")
        for path in _files(root):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:32]


def _files(root: Path) -> list[Path]:
    found: list[Path] = []
    for directory, directories, names in os.walk(root):
        directories[:] = [name for name in directories if not name.startswith((".", "__"))]
        found.extend(
            Path(directory, name)
            for name in names
            if name.endswith((".yaml", ".csv", ".py")) and not name.endswith(CASES)
        )
    return sorted(found)


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
