"""The knowledge as of a date: what each payer says, on the day that is asked about."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Payer, Registry, Source, Statement
from facetwise.knowledge.parts import Value
from facetwise.knowledge.store import Dated, Store, Thing
from facetwise.knowledge.tables import Row
from facetwise.problems import FacetwiseError, Problem


class Answer(msgspec.Struct, frozen=True):
    """One payer's answer to one question on one day.

    `dated` None: the knowledge has nothing, so the answer is "not established". `payer` is who was asked, `said_by`
    whose text answers (another payer's where this one follows it). `presumed`: the text of `said_by` was read, the
    asked payer's own was not, and is taken to say the same.
    """

    payer: str
    said_by: str
    thing: Thing | None
    dated: Dated | None
    presumed: bool = False

    @property
    def value(self) -> Any:
        return self.dated.value if self.dated else None


class View:
    """The knowledge on one day. Nothing it returns lies outside its own dates."""

    def __init__(self, store: Store, day: date):
        horizon = store.horizon
        if not horizon.from_ <= day <= horizon.until:
            raise FacetwiseError(
                Problem(
                    "",
                    0,
                    f"{day.isoformat()} lies outside the knowledge",
                    f"a date from {horizon.from_.isoformat()} to {horizon.until.isoformat()}",
                    f"the knowledge was last reviewed on {in_words(horizon.reviewed)}",
                )
            )
        self.store = store
        self.day = day
        self._by_kind: dict[str, list[tuple[Thing, Dated]]] = {}
        self._by_payer: dict[tuple[str, str], list[tuple[Thing, Dated]]] = {}
        for thing in store.things.values():
            dated = next((one for one in thing.history if one.holds_on(day)), None)
            if dated is None:
                continue
            self._by_kind.setdefault(thing.kind, []).append((thing, dated))
            if thing.question and thing.payer:
                self._by_payer.setdefault((thing.payer, thing.question), []).append((thing, dated))

    def of_kind(self, kind: str) -> list[tuple[Thing, Dated]]:
        """Return the things of a kind that say something on this day, in the order of their ids."""
        return self._by_kind.get(kind, [])

    def thing(self, thing_id: str) -> Dated | None:
        """Return what the thing at this path says on this day; None when it says nothing on it."""
        thing = self.store.things.get(thing_id)
        if thing is None:
            raise KeyError(thing_id)
        return next((one for one in thing.history if one.holds_on(self.day)), None)

    def value(self, thing_id: str) -> Value | None:
        """Return the value of the thing at this path on this day; None when not established or in conflict."""
        dated = self.thing(thing_id)
        return dated.value if dated else None

    def payers(self) -> dict[str, Payer]:
        """Return the payers of this day by id, in their order."""
        return self._payers

    @functools.cached_property
    def _payers(self) -> dict[str, Payer]:
        found = {thing.slug: dated.value for thing, dated in self.of_kind("payer") if isinstance(dated.value, Payer)}
        return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))

    def answers(self, payer: str, question: str) -> list[Answer]:
        """Return what `payer` says to `question`; one empty answer when nothing is established.

        Its own texts come first; those of whom it follows are added where it has none of the same name.
        """
        payers = self.payers()
        found: dict[str, Answer] = {}
        seen: set[str] = set()
        asked = [payer]
        while asked:
            who = asked.pop(0)
            if who in seen or who not in payers:
                continue
            seen.add(who)
            for thing, dated in self._by_payer.get((who, question), []):
                if thing.slug not in found:
                    found[thing.slug] = Answer(payer, who, thing, dated, _presumed(payer, dated))
            asked.extend(payers[who].follows)
        return list(found.values()) or [Answer(payer, "", None, None)]

    def rows(self, table: str, **key: str | None) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Yield the rows of a table that hold on this day and have these values."""
        yield from self.store.tables[table].records(self.day, **key)

    def statements(self, section: str) -> list[tuple[Thing, Dated, Statement]]:
        """Return the statements of a briefing section, in their order; a side of a conflict is one of its own."""
        found = []
        for thing, dated in self.of_kind("statement"):
            for one in dated.sides or (dated,):
                if isinstance(one.value, Statement) and one.value.section == section:
                    found.append((thing, one, one.value))
        return sorted(found, key=lambda item: (item[2].order, item[0].id))

    def source(self, key: str) -> Source:
        """Return a source by its key."""
        return self.store.sources[key]

    def registry(self) -> dict[str, Registry]:
        """Return how far each payer is verified, by payer id."""
        return {
            dated.value.payer: dated.value for _, dated in self.of_kind("registry") if isinstance(dated.value, Registry)
        }


def _presumed(payer: str, dated: Dated) -> bool:
    """Whether the words are those of a shared text that was not read in this payer's own edition."""
    held_by = getattr(dated.value, "held_by", ())
    return bool(held_by) and payer not in held_by
