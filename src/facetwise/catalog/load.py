"""Loading: every release of a call in one transaction, whole or not at all; the same file twice changes nothing."""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from facetwise.catalog import schema
from facetwise.catalog.database import Catalog, catalog_path, open_catalog
from facetwise.catalog.kinds import KINDS, Kind
from facetwise.catalog.layouts import ptp
from facetwise.catalog.layouts.reading import Bulk, Reading, check_share
from facetwise.catalog.members import members
from facetwise.catalog.prepare import Options, Prepared, prepare
from facetwise.catalog.spans import Own, SpanConflictError, settle
from facetwise.catalog.status import parts_note
from facetwise.problems import FacetwiseError, Problem

State = Literal["loaded", "completed", "replaced", "already loaded"]
_NULL = "\\N"
_SHOWN = 3


@dataclass(slots=True)
class Loaded:
    """What became of one release. `rows` and `rejected` are those of the whole release; the days are both included."""

    kind: str
    release: str
    state: State
    files: tuple[str, ...]
    source: str
    sha256: str
    rows: int
    rejected: int
    effective_from: date
    effective_to: date
    notes: list[str] = field(default_factory=list)


def load_files(
    paths: Sequence[Path],
    *,
    effective: tuple[date, date | None] | None = None,
    kind: str | None = None,
    participation: str = "",
    replace: bool = False,
    sources: Mapping[Path, str] | None = None,
    path: Path | None = None,
) -> list[Loaded]:
    """Load official files into the catalog (at `path`, by default in $FACETWISE_HOME); archives are opened.

    `effective` is the first day, and the last where it is to be stated, for files that do not say it; `kind` takes only
    this kind and settles what a content leaves open; `replace` puts a release in the place of one that begins on the same
    day; `sources` gives the address a file was fetched from. Raises FacetwiseError; the catalog is then as it was.
    """
    paths = [Path(one) for one in paths]
    with tempfile.TemporaryDirectory(prefix="facetwise-") as name:
        scratch = Path(name)
        options = Options(effective, kind, participation)
        if kind is not None and kind not in KINDS:
            raise FacetwiseError(Problem("", 0, f"--kind {kind!r} is no kind of release", "one of " + ", ".join(KINDS)))
        prepared, aside = prepare(members(paths, scratch, sources), scratch, options)
        if not prepared:
            raise FacetwiseError(Problem("", 0, f"the files hold no release of kind {kind}"))
        fresh = not (path or catalog_path()).exists()
        try:
            with open_catalog(read_only=False, path=path) as catalog:
                loaded = _transaction(catalog, prepared, scratch, replace)
        except BaseException:
            if fresh:
                (path or catalog_path()).unlink(missing_ok=True)
            raise
    loaded[0].notes += aside
    return loaded


def _transaction(catalog: Catalog, prepared: list[Prepared], scratch: Path, replace: bool) -> list[Loaded]:
    import duckdb

    connection = catalog.connection
    connection.execute("BEGIN")
    try:
        loaded = [_Release(connection, one, scratch, replace).load() for one in prepared]
        for one in loaded:
            # A later release of the same call may have ended an earlier one.
            one.effective_from, one.effective_to = connection.execute(
                "SELECT effective_from, effective_to FROM manifest WHERE kind = ? AND release = ?",
                [one.kind, one.release],
            ).fetchall()[0]
        changed = any(one.state != "already loaded" for one in loaded)
        connection.execute("COMMIT" if changed else "ROLLBACK")
    except BaseException as error:
        connection.execute("ROLLBACK")
        if isinstance(error, duckdb.Error):
            reason = str(error).split("\n", 1)[0]
            raise FacetwiseError(
                Problem(
                    str(catalog.path), 0, f"the database did not take the rows: {reason}", mend="nothing was loaded"
                )
            ) from error
        raise
    return loaded


class _Release:
    """The loading of one release."""

    def __init__(self, connection: Any, prepared: Prepared, scratch: Path, replace: bool):
        self._connection = connection
        self._prepared = prepared
        self._kind: Kind = prepared.kind
        self._scratch = scratch
        self._replace = replace

    def load(self) -> Loaded:
        prepared, state = self._prepared, "loaded"
        notes = list(prepared.notes)
        held = self._held()
        readings = prepared.readings
        if held is not None:
            known = dict(
                self._connection.execute(
                    "SELECT sha256, part FROM release_file WHERE release_id = ?", [held]
                ).fetchall()
            )
            readings = [one for one in readings if one.content.member.sha256 not in known]
            if not readings:
                return self._report(held, "already loaded", prepared.readings, notes)
            if not self._completes(held, readings):
                if self._same_rows(held, readings):
                    notes.append(f"the same rows as in {self._files_of(held)}")
                    return self._report(held, "already loaded", readings, notes)
                if not self._replace:
                    raise self._taken(held, readings[0])
                self._remove(held)
                held, readings, state = None, prepared.readings, "replaced"
            else:
                state = "completed"
        release = held if held is not None else self._next_id()
        if held is None:
            self._connection.execute(
                "INSERT INTO manifest VALUES (?, ?, ?, '', '', 0, 0, ?, ?, ?)",
                [release, self._kind.name, prepared.name, prepared.dated.start, prepared.end, _now()],
            )
            self._connection.execute(
                "INSERT INTO release_span VALUES (?, ?, ?, NULL, ?)",
                [release, prepared.dated.start, prepared.end, prepared.dated.says],
            )
        for reading in readings:
            notes += self._fill(release, reading)
        self._account(release)
        self._settle()
        return self._report(release, state, readings, [*notes, *self._parts(release)])  # type: ignore[arg-type]

    def _held(self) -> int | None:
        row = self._connection.execute(
            "SELECT id FROM manifest JOIN release_span ON release_id = id WHERE kind = ? AND own_from = ?",
            [self._kind.name, self._prepared.dated.start],
        ).fetchone()
        return row[0] if row else None

    def _completes(self, held: int, readings: list[Reading]) -> bool:
        """Whether files are further parts of a release that is loaded, rather than another version of it."""
        if not self._kind.parts:
            return False
        parts = [
            row[0]
            for row in self._connection.execute("SELECT part FROM release_file WHERE release_id = ?", [held]).fetchall()
        ]
        if self._kind.parts == "participation":
            return not any(part == "all" or one.part in ("all", part) for part in parts for one in readings)
        spans = [part.split(" ") for part in parts]
        return all(one.last < first or last < one.first for first, last in spans for one in readings)

    def _same_rows(self, held: int, readings: list[Reading]) -> bool:
        """Whether files hold the very rows that are loaded, in another form or with other remarks around them."""
        table = readings[0].table
        if len(readings) > 1 or readings[0].bulk or (self._kind.parts and self._others_loaded(held)):
            return False
        probe = self._next_id()
        self._rows(probe, readings[0])
        columns = ", ".join(f'"{name}"' for name in schema.TABLES[table])
        new, old = (f"SELECT {columns} FROM {table} WHERE release_id = {one}" for one in (probe, held))  # noqa: S608
        row = self._connection.execute(
            f"SELECT count(*) FROM (({new} EXCEPT ALL {old}) UNION ALL ({old} EXCEPT ALL {new}))"  # noqa: S608
        ).fetchone()
        self._connection.execute(f"DELETE FROM {table} WHERE release_id = ?", [probe])  # noqa: S608
        return bool(row[0] == 0)

    def _others_loaded(self, held: int) -> bool:
        row = self._connection.execute("SELECT count(*) FROM release_file WHERE release_id = ?", [held]).fetchone()
        return bool(row[0] > 1)

    def _files_of(self, release: int) -> str:
        rows = self._connection.execute("SELECT file FROM release_file WHERE release_id = ?", [release]).fetchall()
        return ", ".join(row[0] for row in rows)

    def _taken(self, held: int, reading: Reading) -> FacetwiseError:
        row = self._connection.execute("SELECT release, source FROM manifest WHERE id = ?", [held]).fetchone()
        return reading.content.refuse(
            f"another {self._kind.name} from {self._prepared.dated.start.isoformat()} is loaded "
            f"({row[0]} from {row[1]}), and the contents differ",
            "one release of a kind at one date",
            "say with --effective from when this one holds, or put it in the other's place with --replace",
        )

    def _remove(self, release: int) -> None:
        for table in (*self._kind.tables, "rejected", "release_file", "release_span"):
            self._connection.execute(f"DELETE FROM {table} WHERE release_id = ?", [release])  # noqa: S608
        self._connection.execute("DELETE FROM manifest WHERE id = ?", [release])

    def _next_id(self) -> int:
        row = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM manifest").fetchone()
        return int(row[0])

    def _fill(self, release: int, reading: Reading) -> list[str]:
        rows = self._bulk(release, reading) if reading.bulk else self._rows(release, reading)
        label, member = reading.content.label, reading.content.member
        self._csv(
            "rejected",
            {"release_id": "INTEGER", "file": "VARCHAR", "line": "BIGINT", "reason": "VARCHAR"},
            [(release, label, one.line, one.reason) for one in reading.rejected],
        )
        part = f"{reading.first} {reading.last}" if reading.bulk else reading.part
        self._connection.execute(
            "INSERT INTO release_file VALUES (?, ?, ?, ?, ?, ?, ?)",
            [release, label, part, member.sha256, rows, member.source, member.source_sha256],
        )
        shown = [f"rejected, {label}:{one.line}: {one.reason}" for one in reading.rejected[:_SHOWN]]
        return [*reading.notes, *shown]

    def _rows(self, release: int, reading: Reading) -> int:
        columns = {"release_id": "INTEGER", **schema.TABLES[reading.table]}
        self._csv(reading.table, columns, [(release, *row) for row in reading.rows])
        return len(reading.rows)

    def _csv(self, table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows by way of a file: far quicker than one statement a row."""
        if not rows:
            return
        with tempfile.NamedTemporaryFile(
            "w", dir=self._scratch, suffix=".csv", newline="", encoding="utf-8", delete=False
        ) as file:
            csv.writer(file).writerows([_NULL if cell is None else cell for cell in row] for row in rows)
        listed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
        place = file.name.replace("'", "''")
        self._connection.execute(
            f"INSERT INTO {table} SELECT * FROM read_csv('{place}', header = false, auto_detect = false, delim = ',', "  # noqa: S608
            f"quote = '\"', escape = '\"', nullstr = '{_NULL}', new_line = '\\r\\n', columns = {{{listed}}})"
        )
        Path(file.name).unlink()

    def _bulk(self, release: int, reading: Reading) -> int:
        bulk = reading.bulk
        if bulk is None:  # pragma: no cover - asked before
            return 0
        service = self._kind.name.removeprefix("ptp_")
        self._connection.execute(
            "INSERT INTO ptp SELECT ?, ?, column1, column2, column1 || column2, effective, deleted, indicator, rationale "  # noqa: S608
            f"FROM {ptp.source(bulk)}",
            [release, service],
        )
        before = sum(
            row[0]
            for row in self._connection.execute(
                "SELECT rows FROM release_file WHERE release_id = ?", [release]
            ).fetchall()
        )
        total, sound, reach = self._connection.execute(
            f"SELECT count(*), count(*) FILTER ({ptp.SOUND}), min(effective) FROM ptp WHERE release_id = ?",  # noqa: S608
            [release],
        ).fetchone()
        expected = bulk.lines - bulk.skip
        if sound - before != expected:
            reading.rejected = list(ptp.faults(bulk))
            check_share(reading.content, sound - before, reading.rejected)
        if sound != total:
            self._connection.execute(f"DELETE FROM ptp WHERE release_id = ? AND ({ptp.SOUND}) IS NOT TRUE", [release])  # noqa: S608
        if sound == before:
            raise reading.content.refuse("no edit can be read", "rows after the header")
        self._count(reading, bulk, sound - before)
        self._connection.execute("UPDATE release_span SET reach_from = ? WHERE release_id = ?", [reach, release])
        return int(sound - before)

    def _count(self, reading: Reading, bulk: Bulk, rows: int) -> None:
        if rows + len(reading.rejected) == bulk.lines - bulk.skip:
            return
        with bulk.path.open("rb") as file:
            blank = sum(1 for number, line in enumerate(file) if number >= bulk.skip and not line.strip())
        if rows + len(reading.rejected) + blank != bulk.lines - bulk.skip:
            raise reading.content.refuse(
                f"{rows} rows read and {len(reading.rejected)} rejected of {bulk.lines - bulk.skip - blank}",
                "every line to be one or the other",
                "please report it",
            )

    def _account(self, release: int) -> None:
        """Write into the manifest what the files of the release add up to."""
        files = self._connection.execute(
            "SELECT DISTINCT source, source_sha256 FROM release_file WHERE release_id = ? ORDER BY 1", [release]
        ).fetchall()
        checksums = [checksum for _, checksum in files]
        joined = hashlib.sha256("\n".join(checksums).encode()).hexdigest() if len(files) > 1 else checksums[0]
        self._connection.execute(
            "UPDATE manifest SET source = ?, sha256 = ?, loaded_at = ?, "
            "rows = (SELECT sum(rows) FROM release_file WHERE release_id = ?), "
            "rejected = (SELECT count(*) FROM rejected WHERE release_id = ?) WHERE id = ?",
            ["\n".join(source for source, _ in files), joined, _now(), release, release, release],
        )
        if self._kind.reaches_back and self._kind.name in ("add_on", "adjustment_code"):
            column = "effective" if self._kind.name == "add_on" else "start"
            self._connection.execute(
                f"UPDATE release_span SET reach_from = (SELECT min({column}) FROM {self._kind.tables[0]} WHERE release_id = ?) "  # noqa: S608
                "WHERE release_id = ?",
                [release, release],
            )

    def _settle(self) -> None:
        rows = self._connection.execute(
            "SELECT id, release, own_from, own_to, reach_from FROM manifest JOIN release_span ON release_id = id WHERE kind = ?",
            [self._kind.name],
        ).fetchall()
        try:
            spans = settle(self._kind, [Own(*row) for row in rows])
        except SpanConflictError as error:
            raise FacetwiseError(
                Problem(
                    self._prepared.readings[0].content.label,
                    0,
                    f"two releases of {self._kind.name} claim the same days: {error}",
                    "spans that do not overlap, or a later release of the same year",
                    "state first and last day with --effective FROM TO",
                )
            ) from None
        for release, (start, end) in spans.items():
            self._connection.execute(
                "UPDATE manifest SET effective_from = ?, effective_to = ? WHERE id = ?", [start, end, release]
            )

    def _parts(self, release: int) -> list[str]:
        note = parts_note(self._connection, self._kind, release)
        return [note] if note else []

    def _report(self, release: int, state: State, readings: list[Reading], notes: list[str]) -> Loaded:
        row = self._connection.execute(
            "SELECT release, source, sha256, rows, rejected, effective_from, effective_to FROM manifest WHERE id = ?",
            [release],
        ).fetchone()
        name, source, checksum, rows, rejected, start, end = row
        notes = [f"dated by {self._prepared.dated.says}", *notes] if state != "already loaded" else notes
        return Loaded(
            self._kind.name,
            name,
            state,
            tuple(one.content.label for one in readings),
            source,
            checksum,
            rows,
            rejected,
            start,
            end,
            notes,
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
