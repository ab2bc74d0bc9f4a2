"""Rows by the span of days on which they hold, joined where neighbouring spans say the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from facetwise.edits.tables import Shape

_NUMBER = "rule_id"
Row = dict[str, Any]
Rows = list[tuple[Any, ...]]


class Spans:
    """Rows of several tables, added span after span in the order of time."""

    def __init__(self) -> None:
        self._done: dict[str, list[tuple[Row, int, int]]] = {}
        self._open: dict[str, dict[tuple[tuple[str, Any], ...], tuple[int, int]]] = {}

    def add(self, rows: Iterable[tuple[str, Row]], first: int, last: int) -> None:
        """Add rows (table, values) that hold from `first` to `last`, both days included."""
        for table, row in rows:
            key = tuple(row.items())
            opened = self._open.setdefault(table, {})
            held = opened.get(key)
            if held is not None and held[1] >= first - 1:
                opened[key] = (held[0], last)
                continue
            if held is not None:
                self._done.setdefault(table, []).append((row, *held))
            opened[key] = (first, last)

    def rows(self, table: str, shape: Shape) -> Rows:
        """Return the rows of a table in the order of its columns, sorted; where it has a rule_id, numbered from 1."""
        found = list(self._done.get(table, ()))
        found += [(dict(key), *span) for key, span in self._open.get(table, {}).items()]
        whole = [{**row, "from_day": first, "to_day": last} for row, first, last in found]
        columns = [name for name in shape.columns if name != _NUMBER]
        rows = sorted(tuple(row[name] for name in columns) for row in whole)
        return [(number, *row) for number, row in enumerate(rows, 1)] if _NUMBER in shape.columns else rows
