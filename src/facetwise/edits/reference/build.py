"""The reference tables on disk: built once from the knowledge and the catalog, kept by digest in the user's cache.

Two files say the same: `reference-<digest>.duckdb` for many claims and, once it is asked for, `reference-<digest>.sqlite`
for one at a time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from facetwise.catalog import Catalog, Release, open_catalog
from facetwise.edits.reference.codes import Rows, code_rows, iso_day
from facetwise.edits.reference.ncci import KINDS, Edition, edition_rows, knowledge_rows, load_releases
from facetwise.edits.reference.screen import STATEMENTS
from facetwise.edits.tables import FAR, TYPES, Shape, reference_shapes
from facetwise.knowledge import Knowledge
from facetwise.knowledge.load import cache_directory

if TYPE_CHECKING:
    import duckdb

_ROOM = Path(__file__).parents[1]
_CHUNK = 50_000
_KEPT = 3  # reference files of each kind that stay in the cache, beside those used within the last hour
_IN_USE = 3600


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the tables lie, and which releases and editions of the knowledge their NCCI rows come from."""

    digest: str
    duckdb: Path
    editions: tuple[Edition, ...] = field(repr=False)

    def sqlite(self) -> Path:
        """Return the file for one claim at a time, made from the other when it is not there."""
        import duckdb

        lite = self.duckdb.with_suffix(".sqlite")
        if not lite.exists():
            with tempfile.TemporaryDirectory(dir=lite.parent, prefix=".reference-") as scratch:
                made = Path(scratch) / lite.name
                with duckdb.connect(str(self.duckdb), read_only=True) as connection:
                    _write_sqlite(connection, reference_shapes(), made)
                made.replace(lite)
        _use(lite)
        return lite

    def releases(self, first: int, last: int) -> dict[str, list[dict[str, str]]]:
        """Return, by kind, what answers on the days from `first` to `last`, in the order of its days."""
        found: dict[str, list[dict[str, str]]] = {kind: [] for kind, _, _ in KINDS}
        for one in sorted(self.editions, key=lambda edition: (edition.kind, edition.from_day)):
            if one.from_day <= last and one.to_day >= first:
                span = {"from": _shown(one.from_day)} | ({"to": _shown(one.to_day)} if one.to_day < FAR else {})
                held = "catalog" if one.from_catalog else "knowledge"
                found[one.kind].append({"release": one.release, "held_in": held, **span})
        return found


def reference(knowledge: Knowledge, catalog: Path | None = None) -> Reference:
    """Return the reference tables of this knowledge and catalog (default: the user's), built when they are not there.

    Raises FacetwiseError when the catalog cannot be opened.
    """
    with open_catalog(path=catalog) as opened:
        releases = [one for kind, _, _ in KINDS for one in opened.releases(kind)]
        digest = _digest(knowledge, releases)
        place = cache_directory()
        duck = place / f"reference-{digest}.duckdb"
        rows, editions = knowledge_rows(knowledge, releases)
        editions += [_edition(release) for release in releases]
        if not duck.exists():
            place.mkdir(parents=True, exist_ok=True)
            rows |= code_rows(knowledge) | payer_rows(knowledge) | {"edition": edition_rows(editions)}
            _build(duck, rows, opened, releases)
            _prune(place, digest)
        _use(duck)
    return Reference(digest, duck, tuple(editions))


def payer_rows(knowledge: Knowledge) -> dict[str, Rows]:
    """Return the rows of the tables that come from what payers say, kept in the cache: to make them takes seconds."""
    kept = cache_directory() / f"payers-{_digest(knowledge, [])}.msgpack"
    try:
        found: dict[str, Rows] = msgspec.msgpack.decode(kept.read_bytes(), type=dict[str, list[tuple[Any, ...]]])
        _use(kept)
    except (OSError, msgspec.MsgspecError):
        from facetwise.edits.reference.payers import compile_payers

        found = {name: rows for name, (_, rows) in compile_payers(knowledge.store).items()}
        with contextlib.suppress(OSError):  # where nothing can be kept it is made again
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".payers-") as scratch:
                made = Path(scratch) / kept.name
                made.write_bytes(msgspec.msgpack.encode(found))
                made.replace(kept)
            _prune(kept.parent, kept.name)
    return found


def _edition(release: Release) -> Edition:
    epoch = date(1970, 1, 1)
    return Edition(release.kind, release.release, (release.start - epoch).days, (release.end - epoch).days, True)


def _shown(day: int) -> str:
    return iso_day(day).isoformat()


def _digest(knowledge: Knowledge, releases: list[Release]) -> str:
    """Return a digest over the knowledge, the releases and the code that makes tables of them."""
    digest = hashlib.sha256(f"{knowledge.digest} {_code_digest()}".encode())
    said = [(one.kind, one.release, str(one.start), str(one.end), one.sha256, one.rows) for one in releases]
    digest.update(msgspec.json.encode(said))
    return digest.hexdigest()[:32]


@functools.cache
def _code_digest() -> str:
    """Return a digest over the rooms whose code has a say in the tables: a new version of it makes them anew."""
    package = _ROOM.parent
    paths = [package / "payers.py", _ROOM / "tables.py", _ROOM / "registry.py"]
    for room in (package / "knowledge", package / "coding", package / "coverage", _ROOM / "reference"):
        paths += room.rglob("*.py")
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _build(duck: Path, rows: dict[str, Rows], catalog: Catalog, releases: list[Release]) -> None:
    import duckdb

    with tempfile.TemporaryDirectory(dir=duck.parent, prefix=".reference-") as scratch:
        made = Path(scratch) / duck.name
        connection = duckdb.connect(str(made))
        try:
            for name, shape in reference_shapes().items():
                _create(connection, name, shape, rows.get(name, []))
            if releases and catalog.path is not None:
                # The catalog is open already; a second connection in this process has to share its way of opening.
                catalog.close()
                connection.execute(f"ATTACH '{str(catalog.path).replace(chr(39), chr(39) * 2)}' AS catalog (READ_ONLY)")
                load_releases(connection, releases)
                connection.execute("DETACH catalog")
            for statement in STATEMENTS:
                connection.execute(statement)
        finally:
            connection.close()
        made.replace(duck)


def _create(connection: duckdb.DuckDBPyConnection, name: str, shape: Shape, rows: Rows) -> None:
    import pyarrow as pa

    columns = ", ".join(f"{column} {kind}" for column, kind in shape.columns.items())
    connection.execute(f"CREATE TABLE {name} ({columns})")
    if not rows:
        return
    kinds = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
    width = len(shape.columns)
    if any(len(row) != width for row in rows):
        raise ValueError(f"rows of {name} do not have the {width} columns of its shape")
    arrays = [pa.array([row[place] for row in rows], kinds[kind]) for place, kind in enumerate(shape.columns.values())]
    connection.register("given_rows", pa.table(arrays, names=list(shape.columns)))
    connection.execute(f"INSERT INTO {name} SELECT * FROM given_rows ORDER BY ALL")  # noqa: S608 - names of our own
    connection.unregister("given_rows")


def _write_sqlite(connection: duckdb.DuckDBPyConnection, shapes: dict[str, Shape], path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        target.execute("BEGIN")
        for name, shape in shapes.items():
            columns = ", ".join(f"{column} {TYPES[kind]}" for column, kind in shape.columns.items())
            target.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * len(shape.columns))
            for chunk in _chunks(connection, name):
                target.executemany(f"INSERT INTO {name} VALUES ({marks})", chunk)  # noqa: S608 - names of our own
            for number, index in enumerate(shape.indexes):
                target.execute(f"CREATE INDEX {name}_{number} ON {name} ({', '.join(index)})")
        target.execute("COMMIT")
        target.execute("ANALYZE")


def _chunks(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[list[tuple[object, ...]]]:
    found = connection.execute(f"SELECT * FROM {name} ORDER BY ALL")  # noqa: S608 - names of our own
    while chunk := found.fetchmany(_CHUNK):
        yield chunk


def _use(path: Path) -> None:
    """Note that a file is about to be opened, so that no other process takes it away as an old one."""
    with contextlib.suppress(OSError):
        os.utime(path)


def _prune(place: Path, own: str) -> None:
    """Delete the files of knowledge and catalogs gone by, but for the newest and those that are in use.

    `own` stands in the names of those that are needed now.
    """
    unused = time.time() - _IN_USE
    for kind in ("reference-*.duckdb", "reference-*.sqlite", "payers-*.msgpack"):
        old = [path for path in place.glob(kind) if own not in path.name]
        with contextlib.suppress(OSError):
            old.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            for path in old[_KEPT - 1 :]:
                if path.stat().st_mtime < unused:
                    path.unlink()
