"""The compiled knowledge: every thing with its dated values, every table, and the sources that they cite."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from facetwise.knowledge.kinds import AnyValue, Horizon, Question, Source, Vocabulary
from facetwise.knowledge.parts import Evidence
from facetwise.knowledge.tables import Table

BASE_LAYER = "facetwise"


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """What a thing says from `start` until `end`, both days included.

    `start` None: the source bears no date (`since` is then "undated", else the date as the source gives it). `value`
    None: not established, for the reason in `not_established`, or in conflict, when `sides` hold what each says.
    `layer` is "facetwise" or the name of the overlay that says it.
    """

    since: str
    start: date | None = None
    end: date | None = None
    value: AnyValue | None = None
    sources: tuple[str, ...] = ()
    evidence: Evidence | None = None
    note: str = ""
    change: str = ""
    means: str = ""
    not_established: str = ""
    sides: tuple[Dated, ...] = ()
    layer: str = BASE_LAYER
    file: str = ""
    line: int = 0

    def holds_on(self, day: date) -> bool:
        """Whether `day` lies within these dates."""
        return (self.start or date.min) <= day <= (self.end or date.max)

    def all_sources(self) -> Iterator[str]:
        """Yield the keys cited here and by each side of a conflict."""
        yield from self.sources
        for side in self.sides:
            yield from side.all_sources()


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: `id` is its path without the ending; `slug` its own name; `payer` whose directory it is in, or "".

    `question` is the question that it answers, also while it says that nothing is established.
    """

    id: str
    kind: str
    slug: str
    payer: str = ""
    question: str = ""
    history: tuple[Dated, ...] = ()
    layer: str = BASE_LAYER
    file: str = ""


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `digest` depends on what is said, not on how the files are laid out."""

    layers: tuple[str, ...]
    digest: str
    horizon: Horizon
    things: dict[str, Thing]
    tables: dict[str, Table]
    sources: dict[str, Source]
    source_layers: dict[str, str]
    source_files: dict[str, str]
    questions: dict[str, Question]
    question_files: dict[str, str]
    vocabulary: Vocabulary
    files: int = 0


def content_digest(
    things: dict[str, Thing],
    tables: dict[str, Table],
    sources: dict[str, Source],
    questions: dict[str, Question],
    vocabulary: Vocabulary,
    horizon: Horizon,
) -> str:
    """Return "sha256:..." over everything that is said; comments, line numbers and file order do not count."""
    said: dict[str, Any] = {
        "things": [
            (thing.id, thing.kind, thing.question, [_said(dated) for dated in thing.history])
            for thing in sorted(things.values(), key=lambda thing: thing.id)
        ],
        "tables": [
            (
                table.id,
                table.title,
                table.note,
                list(table.columns),
                sorted(
                    [
                        [cell or "" for cell in row.cells],
                        str(row.start),
                        str(row.end),
                        list(row.sources),
                        row.evidence or "",
                    ]
                    for row in table.rows
                ),
            )
            for table in sorted(tables.values(), key=lambda table: table.id)
        ],
        "sources": sources,
        "questions": questions,
        "vocabulary": vocabulary,
        "horizon": horizon,
    }
    return "sha256:" + hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _said(dated: Dated) -> Any:
    return [
        dated.since,
        str(dated.end),
        dated.value,
        dated.sources,
        dated.evidence,
        dated.note,
        dated.change,
        dated.means,
        dated.not_established,
        dated.layer,
        [_said(side) for side in dated.sides],
    ]
