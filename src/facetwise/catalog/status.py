"""What the catalog holds, which of it is behind the calendar, and which kinds are missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from facetwise.catalog.database import Catalog
from facetwise.catalog.kinds import KINDS, Kind

_PUBLISHED_PARTS = 4  # how many files CMS cuts a table of procedure-to-procedure edits into
State = Literal["current", "stale", "missing"]


@dataclass(frozen=True, slots=True)
class Held:
    """One release as the manifest has it; the days are both included."""

    release: str
    effective_from: date
    effective_to: date
    rows: int
    rejected: int
    source: str
    sha256: str
    loaded_at: str
    note: str


@dataclass(frozen=True, slots=True)
class KindStatus:
    """One kind. `due` is the first day of the publication after the newest one loaded; stale: that day has come."""

    kind: Kind
    state: State
    due: date | None
    releases: tuple[Held, ...]


def status(catalog: Catalog, today: date) -> list[KindStatus]:
    """Return every kind, in the order of the catalog, as it stands on `today`."""
    rows = catalog.connection.execute(
        "SELECT kind, own_from, id, release, effective_from, effective_to, rows, rejected, source, sha256, loaded_at "
        "FROM manifest JOIN release_span ON release_id = id ORDER BY effective_from"
    ).fetchall()
    answers = []
    for kind in KINDS.values():
        own = [row for row in rows if row[0] == kind.name]
        if not own:
            answers.append(KindStatus(kind, "missing", None, ()))
            continue
        due = kind.next_due(max(row[1] for row in own))
        held = tuple(_held(catalog.connection, kind, row[2:]) for row in own)
        answers.append(KindStatus(kind, "stale" if due <= today else "current", due, held))
    return answers


def _held(connection: Any, kind: Kind, row: tuple[Any, ...]) -> Held:
    release, name, start, end, rows, rejected, source, checksum, loaded_at = row
    note = parts_note(connection, kind, release)
    return Held(name, start, end, rows, rejected, source, checksum, loaded_at.isoformat(), note)


def parts_note(connection: Any, kind: Kind, release: int) -> str:
    """Return what may be missing of a release that is published in several files; "" when nothing is."""
    if not kind.parts:
        return ""
    rows = connection.execute("SELECT part FROM release_file WHERE release_id = ? ORDER BY part", [release]).fetchall()
    parts = [row[0] for row in rows]
    if kind.parts == "participation":
        other = {"qualifying_apm": "non_qualifying_apm", "non_qualifying_apm": "qualifying_apm"}
        return f"without the file for {other[parts[0]]}" if len(parts) == 1 and parts[0] in other else ""
    if len(parts) == _PUBLISHED_PARTS:
        return ""
    first, last = parts[0].split(" ")[0], parts[-1].split(" ")[1]
    return (
        f"in {len(parts)} file{'s' * (len(parts) > 1)}, column 1 from {first[:5]} to {last[:5]}; CMS publishes the table in "
        f"{_PUBLISHED_PARTS}: load the others too, they join this release"
    )
