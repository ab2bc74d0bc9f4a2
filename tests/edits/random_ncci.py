"""Invented NCCI tables: a catalog of releases that lie in part of the days, and the same as the scalar reference reads it.

What the knowledge itself holds answers on the days before and after. All numbers are made up; the codes are those of the random claims.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import duckdb

from edits.oracle.world import HOSPITAL, PRACTITIONER, Ncci, from_knowledge
from facetwise.catalog import schema
from facetwise.knowledge import Knowledge

CODES = (
    *(
        "64490",
        "64491",
        "64493",
        "64494",
        "64495",
        "64633",
        "64634",
        "64635",
        "64636",
        "0213T",
        "0216T",
        "0217T",
        "99213",
        "62323",
    ),
    *("20553", "77003", "76942", "99152", "01992", "64483", "64999", "J3301", "27096", "64450", "95937"),
)
FIRST, LAST = date(2025, 1, 1), date(2025, 9, 30)
_QUARTERS = ((date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 4, 1), date(2025, 6, 30)), (date(2025, 7, 1), LAST))
_DAY = timedelta(days=1)
_KINDS = {
    "ptp_practitioner": (PRACTITIONER, _QUARTERS),
    "ptp_hospital": (HOSPITAL, _QUARTERS[:2]),
    "mue_practitioner": (PRACTITIONER, _QUARTERS),
    "mue_outpatient_hospital": (HOSPITAL, _QUARTERS[1:]),
    "add_on": (0, _QUARTERS[:1]),
}


def make(seed: int, knowledge: Knowledge, path: Path) -> Ncci:
    """Write a catalog of invented releases to `path`; return its edits with those of the knowledge around them."""
    chance = random.Random(seed)
    found = _outside(from_knowledge(knowledge))
    pairs = [(one, other) for one in CODES for other in CODES if one != other and chance.random() < 0.3]
    lives = {pair: _life(chance) for pair in pairs}
    with duckdb.connect(str(path)) as connection:
        for statement in schema.statements():
            connection.execute(statement)
        number = 0
        for kind, (service, quarters) in _KINDS.items():
            for first, last in quarters:
                number += 1
                connection.execute(
                    "INSERT INTO manifest (id, kind, release, sha256, rows, effective_from, effective_to) VALUES (?, ?, ?, ?, 1, ?, ?)",
                    [number, kind, f"{kind} {first}", f"{seed}-{number}", first, last],
                )
                if kind.startswith("ptp"):
                    _pairs(connection, number, chance, found, service, (first, last), lives)
                elif kind.startswith("mue"):
                    _units(connection, number, chance, found, service, (first, last))
                else:
                    _add_ons(connection, number, chance, found, (first, last))
    return found


def _life(chance: random.Random) -> tuple[date, date | None, str]:
    begins = FIRST + timedelta(days=chance.randrange(-400, 270))
    indicator = chance.choice("0111")
    roll = chance.random()
    if roll < 0.1:
        return begins, begins, "9"
    if roll < 0.5:
        return begins, begins + timedelta(days=chance.randrange(1, 500)), indicator
    return begins, None, indicator


def _pairs(
    connection: duckdb.DuckDBPyConnection,
    release: int,
    chance: random.Random,
    found: Ncci,
    service: int,
    span: tuple[date, date],
    lives: dict[tuple[str, str], tuple[date, date | None, str]],
) -> None:
    for (first, second), (begins, deleted, indicator) in lives.items():
        if begins > span[1] or (service == HOSPITAL and chance.random() < 0.3):
            continue
        connection.execute(
            "INSERT INTO ptp VALUES (?, '', ?, ?, ?, ?, ?, ?, '')",
            [release, first, second, first + second, begins, deleted, indicator],
        )
        last = min(span[1], deleted - _DAY if deleted else span[1])
        found.ptp.setdefault((service, first, second), []).append((max(begins, span[0]), last, indicator))


def _units(
    connection: duckdb.DuckDBPyConnection,
    release: int,
    chance: random.Random,
    found: Ncci,
    service: int,
    span: tuple[date, date],
) -> None:
    for code in CODES:
        if chance.random() < 0.8:
            value, indicator = chance.choice((0, 1, 1, 2, 3)), chance.choice("123")
            connection.execute("INSERT INTO mue VALUES (?, '', ?, ?, ?, '')", [release, code, value, indicator])
            found.mue.setdefault((service, code), []).append((*span, value, indicator, False))


def _add_ons(
    connection: duckdb.DuckDBPyConnection, release: int, chance: random.Random, found: Ncci, span: tuple[date, date]
) -> None:
    for code in CODES:
        kind = chance.choice("1123")
        for primary in chance.sample(CODES, 2):
            begins = span[0] + timedelta(days=chance.randrange(-100, 80))
            deleted = chance.choice((None, begins + timedelta(days=chance.randrange(1, 120))))
            connection.execute(
                "INSERT INTO add_on VALUES (?, ?, ?, ?, ?, ?, '')", [release, kind, code, primary, begins, deleted]
            )
            last = min(span[1], deleted - _DAY if deleted else span[1])
            found.add_on.setdefault(code, []).append((max(begins, span[0]), last, primary, kind))


def _outside(held: Ncci) -> Ncci:
    """Return the knowledge's edits on the days that no release answers for."""
    spans = {
        kind: [
            quarter
            for name, (service, quarters) in _KINDS.items()
            if name.startswith(kind[0]) and service == kind[1]
            for quarter in quarters
        ]
        for kind in (("ptp", PRACTITIONER), ("ptp", HOSPITAL), ("mue", PRACTITIONER), ("mue", HOSPITAL), ("add_on", 0))
    }
    return Ncci(
        {
            key: [(*part, *row[2:]) for row in rows for part in _parts(row[:2], spans["ptp", key[0]])]
            for key, rows in held.ptp.items()
        },
        {
            key: [(*part, *row[2:]) for row in rows for part in _parts(row[:2], spans["mue", key[0]])]
            for key, rows in held.mue.items()
        },
        {
            key: [(*part, *row[2:]) for row in rows for part in _parts(row[:2], spans["add_on", 0])]
            for key, rows in held.add_on.items()
        },
    )


def _parts(span: tuple[date, date], taken: list[tuple[date, date]]) -> list[tuple[date, date]]:
    parts = [span]
    for first, last in taken:
        parts = [
            piece
            for begins, ends in parts
            for piece in ((begins, min(ends, first - _DAY)), (max(begins, last + _DAY), ends))
            if piece[0] <= piece[1]
        ]
    return parts
