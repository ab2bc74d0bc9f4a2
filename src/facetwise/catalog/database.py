"""The catalog on disk: opening it, and asking which release holds on a day."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from facetwise.catalog import schema
from facetwise.catalog.kinds import KINDS, Kind
from facetwise.problems import FacetwiseError, Problem, did_you_mean

if TYPE_CHECKING:
    import duckdb

FILE = "catalog.duckdb"


class Release(NamedTuple):
    """A release in the catalog; it holds from `start` to `end`, both included."""

    id: int
    kind: str
    release: str
    start: date
    end: date
    source: str
    sha256: str
    rows: int


class MissingReleaseError(FacetwiseError):
    """The catalog lacks the release that a question needs."""

    exit_code = 3


MissingRelease = MissingReleaseError


def home_directory() -> Path:
    """Return $FACETWISE_HOME, or the platform's directory for the user's data."""
    home = os.environ.get("FACETWISE_HOME")
    if home:
        return Path(home)
    import platformdirs

    return platformdirs.user_data_path("facetwise")


def catalog_path() -> Path:
    """Return where the catalog lies, whether it is there or not."""
    return home_directory() / FILE


class Catalog:
    """An open catalog. Use it in a `with` statement, or close it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None):
        self.connection = connection
        self.path = path  # None: there is no file, so nothing is loaded

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self.connection.close()

    def releases(self, kind: str | None = None) -> list[Release]:
        """Return what is loaded, by kind and first day."""
        rows = self.connection.execute(
            "SELECT id, kind, release, effective_from, effective_to, source, sha256, rows FROM manifest "
            "WHERE ? IS NULL OR kind = ? ORDER BY kind, effective_from",
            [kind, kind],
        ).fetchall()
        return [Release(*row) for row in rows]

    def release(self, kind: str, day: date) -> Release | None:
        """Return the release of `kind` that holds on `day`, or None. Raises FacetwiseError for an unknown kind."""
        _kind(kind)
        row = self.connection.execute(
            "SELECT id, kind, release, effective_from, effective_to, source, sha256, rows FROM manifest "
            "WHERE kind = ? AND ? BETWEEN effective_from AND effective_to",
            [kind, day],
        ).fetchone()
        return Release(*row) if row else None

    def require(self, kind: str, day: date) -> Release:
        """Return the release of `kind` that holds on `day`. Raises MissingReleaseError, which says where to get it."""
        found = self.release(kind, day)
        if found is None:
            raise missing(self, _kind(kind), day)
        return found


def missing(catalog: Catalog, kind: Kind, day: date) -> MissingReleaseError:
    """Return the error that names the release which the catalog lacks, what it has instead, and where to get it."""
    held = catalog.releases(kind.name)
    have = "; loaded: " + ", ".join(f"{one.release} ({one.start} to {one.end})" for one in held) if held else ""
    wanted = kind.release_name(_first_day(kind, day), precise=True)
    return MissingReleaseError(
        Problem(
            "",
            0,
            f"the catalog has no {kind.title} for {day.isoformat()}{have}",
            f"the release {wanted} or the one that holds on that day (kind {kind.name})",
            where_to_get(kind.name),
        )
    )


def _first_day(kind: Kind, day: date) -> date:
    passed = (day.month - kind.year_begins) % 12 % kind.every
    months = day.year * 12 + day.month - 1 - passed
    return date(months // 12, months % 12 + 1, 1)


def where_to_get(kind: str) -> str:
    """Return what to do for a release of a kind, with the page that the knowledge names where it names one."""
    from facetwise.catalog.pull import offers
    from facetwise.knowledge import load

    page = next((offer.page for offer in offers(load().store) if offer.kind == kind and offer.page), "")
    fetched = f"get it from {page} and load" if page else "load"
    return f"{fetched} it with 'facetwise data load FILE', or try 'facetwise data pull'"


def open_catalog(read_only: bool = True, path: Path | None = None) -> Catalog:
    """Open the catalog in $FACETWISE_HOME, or at `path`; read-only, an empty one stands in where there is no file.

    Raises FacetwiseError when the file is no catalog, of another version, or in use.
    """
    import duckdb

    path = path or catalog_path()
    if read_only and not path.exists():
        connection = duckdb.connect()
        _create(connection)
        return Catalog(connection, None)
    fresh = not path.exists()
    try:
        if fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path), read_only=read_only)
    except OSError as error:
        raise _cannot_open(path, (error.strerror or str(error)).lower()) from None
    except duckdb.Error as error:
        raise _cannot_open(path, str(error)) from None
    try:
        if fresh:
            _create(connection)
        _check_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return Catalog(connection, path)


def _create(connection: Any) -> None:
    connection.execute("BEGIN")
    for statement in schema.statements():
        connection.execute(statement)
    connection.execute("COMMIT")


def _check_version(connection: Any, path: Path) -> None:
    import duckdb

    try:
        row = connection.execute("SELECT version FROM catalog_version").fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None:
        raise FacetwiseError(
            Problem(str(path), 0, "this DuckDB file is no catalog of facetwise", "a catalog", "move it out of the way")
        )
    if row[0] != schema.VERSION:
        raise FacetwiseError(
            Problem(
                str(path),
                0,
                f"the catalog has version {row[0]}",
                f"version {schema.VERSION} of this facetwise",
                "remove the file and load the releases again",
            )
        )


def _cannot_open(path: Path, reason: str) -> FacetwiseError:
    reason = reason.split("\n", 1)[0]
    if "lock" in reason.lower():
        return FacetwiseError(
            Problem(str(path), 0, "the catalog is in use by another process", mend="wait until that one is done")
        )
    return FacetwiseError(
        Problem(str(path), 0, f"the catalog cannot be opened: {reason}", "a catalog", "remove it and load again")
    )


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise FacetwiseError(
            Problem("", 0, f"{name!r} is no kind of release", "one of " + ", ".join(KINDS), did_you_mean(name, KINDS))
        )
    return KINDS[name]
