"""Reads the mix of the sample: who comes, for what, with which diagnoses, and which codes stand in for an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facetwise.knowledge import Store
from facetwise.problems import FacetwiseError, Problem

PLACE = "samples"
FACET_CLASS = "facet"


@dataclass(frozen=True, slots=True)
class People:
    """A class of patients: its share, and how many visits one of them has."""

    name: str
    weight: int
    visits_from: int
    visits_to: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A payer in one state, as a claim writes it; `payer` is empty where the knowledge has no such payer."""

    written: str
    payer: str
    state: str
    weight: int


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line that no payer's rule shapes. `code` is empty on a line with a revenue code only; `charge` in dollars a unit."""

    code: str
    modifiers: tuple[str, ...]
    units: int
    charge: int


@dataclass(frozen=True, slots=True)
class PlainVisit:
    """A visit that no payer's rule shapes."""

    name: str
    people: str
    weight: int
    claim: str
    place: str
    bill_type: str
    provider: str
    diagnoses: str
    lines: tuple[PlainLine, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a course: a visit or the purpose of a facet procedure, so many days after the step before."""

    visit: str
    after: int


@dataclass(frozen=True, slots=True)
class Mix:
    """Everything that `knowledge/samples` says."""

    people: tuple[People, ...]
    payments: tuple[Payment, ...]
    visits: dict[str, PlainVisit]
    courses: dict[str, tuple[int, tuple[Step, ...]]]
    charges: dict[tuple[str, str], int]
    diagnoses: dict[str, tuple[tuple[str, int], ...]]
    stand_ins: dict[str, tuple[PlainLine, ...]]
    procedures: dict[str, dict[str, int]]


def read_mix(store: Store) -> Mix:
    """Return the mix of the knowledge. Raises FacetwiseError where a table is missing or names what is not there."""
    lines: dict[str, list[PlainLine]] = {}
    for row in _rows(store, "visit-lines"):
        lines.setdefault(row["visit"], []).append(
            PlainLine(row["code"] or "", row["modifiers"] or (), row["units"], row["charge"])
        )
    visits = {
        row["visit"]: PlainVisit(
            row["visit"],
            row["class"],
            row["weight"],
            row["claim"],
            row["place"] or "",
            row["bill_type"] or "",
            row["provider"],
            row["diagnoses"],
            tuple(lines.get(row["visit"], ())),
        )
        for row in _rows(store, "visits")
    }
    courses: dict[str, tuple[int, tuple[Step, ...]]] = {}
    for row in _rows(store, "courses"):
        weight, steps = courses.get(row["course"], (row["weight"], ()))
        courses[row["course"]] = (weight, (*steps, Step(row["visit"], row["after"])))
    diagnoses: dict[str, tuple[tuple[str, int], ...]] = {}
    for row in _rows(store, "diagnoses"):
        diagnoses[row["group"]] = (*diagnoses.get(row["group"], ()), (row["code"], row["weight"]))
    stand_ins: dict[str, tuple[PlainLine, ...]] = {}
    for row in _rows(store, "errors"):
        one = PlainLine(row["code"], row["modifiers"] or (), row["units"], 0)
        stand_ins[row["role"]] = (*stand_ins.get(row["role"], ()), one)
    procedures: dict[str, dict[str, int]] = {}
    for row in _rows(store, "procedures"):
        procedures.setdefault(row["aspect"], {})[row["value"]] = row["weight"]
    mix = Mix(
        people=tuple(
            People(row["class"], row["weight"], row["visits_from"], row["visits_to"]) for row in _rows(store, "people")
        ),
        payments=tuple(
            Payment(row["written"], row["payer"] or "", state, row["weight"])
            for row in _rows(store, "payers")
            for state in row["states"]
        ),
        visits=visits,
        courses=courses,
        charges={(row["claim"], row["level"]): row["charge"] for row in _rows(store, "charges")},
        diagnoses=diagnoses,
        stand_ins=stand_ins,
        procedures=procedures,
    )
    _check(mix, store)
    return mix


def _rows(store: Store, name: str) -> list[dict[str, Any]]:
    table = store.tables.get(f"{PLACE}/{name}")
    if table is None:
        raise FacetwiseError(
            Problem(f"{PLACE}/{name}", 0, "the knowledge has no such table", "the knowledge as shipped")
        )
    return [record for _, record in table.records()]


def _check(mix: Mix, store: Store) -> None:
    payers = {thing.slug for thing in store.things.values() if thing.kind == "payer"}
    unknown = [(f"{PLACE}/payers", one.payer) for one in mix.payments if one.payer and one.payer not in payers]
    unknown += [(f"{PLACE}/visits", one.diagnoses) for one in mix.visits.values() if one.diagnoses not in mix.diagnoses]
    unknown += [(f"{PLACE}/visit-lines", one.name) for one in mix.visits.values() if not one.lines]
    if unknown:
        raise FacetwiseError(
            [Problem(file, 0, f"{name!r} is not there", "what another table holds") for file, name in unknown]
        )
