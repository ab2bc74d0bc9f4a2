"""What is kept while the server runs: views of days, and answers by what was asked. The knowledge itself never changes."""

from __future__ import annotations

import asyncio
import collections
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.store import Store
from facetwise.knowledge.tables import Row

_MOST_VIEWS = 24
_LEAST_WORTH_PACKING = 1_000


class WarmView(View):
    """The knowledge on one day, with the rows that were asked for. Nobody who reads a row writes to it."""

    def __init__(self, store: Store, day: date):
        super().__init__(store, day)
        self._rows: dict[str, tuple[tuple[Row, dict[str, Any]], ...]] = {}

    def rows(self, table: str, **key: str | None) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Yield the rows of a table that hold on this day and have these values."""
        if key:
            # By a value that somebody sent there could be any number of different ones.
            return super().rows(table, **key)
        held = self._rows.get(table)
        if held is None:
            held = self._rows[table] = tuple(super().rows(table))
        return iter(held)


class WarmKnowledge(Knowledge):
    """The knowledge, with the views of the days that were asked about lately."""

    def __init__(self, store: Store):
        super().__init__(store)
        self._views: collections.OrderedDict[date, View] = collections.OrderedDict()

    def as_of(self, day: date) -> View:
        """Return the view of one day. Raises FacetwiseError outside the horizon of the knowledge."""
        view = self._views.get(day)
        if view is None:
            # Two threads may both make one; they are the same.
            view = self._views[day] = WarmView(self.store, day)
            while len(self._views) > _MOST_VIEWS:
                self._views.popitem(last=False)
        return view


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is sent: as it is, packed, and its tag."""

    body: bytes
    packed: bytes
    tag: str

    @property
    def size(self) -> int:
        return len(self.body) + len(self.packed)


def keep(body: bytes) -> Kept:
    """Return an answer ready to be sent many times."""
    packed = gzip.compress(body, 6, mtime=0) if len(body) >= _LEAST_WORTH_PACKING else b""
    return Kept(body, packed, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class Shelf:
    """Answers without patient data by what was asked, the oldest unused put away; each is made once, off the loop."""

    def __init__(self, most_bytes: int):
        self._most = most_bytes
        self._kept: collections.OrderedDict[Hashable, Kept] = collections.OrderedDict()
        self._making: dict[Hashable, asyncio.Task[Kept]] = {}
        # Making is work for the processor: more than two at a time only wait for each other.
        self._turns = asyncio.Semaphore(2)
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> Kept:
        """Return what `key` stands for; `make` is called in a thread when it is not there. Raises what it raises."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._made(key, make))
        # One who gives up does not take the answer from those who still wait.
        waiting: Awaitable[Kept] = asyncio.shield(task)
        return await waiting

    async def _made(self, key: Hashable, make: Callable[[], bytes]) -> Kept:
        try:
            async with self._turns:
                kept = await asyncio.to_thread(lambda: keep(make()))
            if kept.size <= self._most:
                self._kept[key] = kept
                self.bytes += kept.size
                while self.bytes > self._most:
                    _, gone = self._kept.popitem(last=False)
                    self.bytes -= gone.size
            return kept
        finally:
            del self._making[key]
