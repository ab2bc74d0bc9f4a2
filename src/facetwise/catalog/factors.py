"""Conversion factors that the knowledge lists, by which a file is told to be for qualifying participants or for others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_TABLE = "fees/conversion-factors"
PARTICIPATIONS = ("all", "qualifying_apm", "non_qualifying_apm")


@dataclass(frozen=True, slots=True)
class Factor:
    """A conversion factor in dollars a unit: whom it is for, and its days."""

    participation: str
    value: Decimal
    start: date
    end: date


def factors(kind: str) -> list[Factor]:
    """Return the factors of a kind ("pfs", "anesthesia") that the knowledge lists."""
    from facetwise.knowledge import load

    table = load().store.tables.get(_TABLE)
    return [
        Factor(record["participation"], record["value"], row.start or date.min, row.end or date.max)
        for row, record in (table.records(kind=kind) if table else ())
    ]
