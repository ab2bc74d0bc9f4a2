"""Where fees come from: one small protocol, answered by the knowledge and by the official files in the catalog."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from facetwise.knowledge.store import Store
from facetwise.knowledge.tables import Row
from facetwise.payment import fees as tables
from facetwise.payment.physician import Gpci, Units
from facetwise.problems import FacetwiseError

KNOWLEDGE = "knowledge"
CATALOG = "catalog"
NON_FACILITY = "non_facility"
FACILITY = "facility"
_UNIT_LIMITS = "edits/mue"
_WORD = re.compile(r"[A-Z]{2,}")


class MissingFeesError(FacetwiseError):
    """Neither the knowledge nor the catalog holds what the day asks for; the problems say what and where to get it."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Provenance:
    """The release that a figure stands in. `citations` are source keys, empty for a file of the user's catalog."""

    kind: str
    release: str
    origin: str
    citations: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PhysicianFee:
    """A row of the physician fee schedule: relative value units, flags and indicators as the file prints them.

    `capped` are the units by site of the OPPS cap for imaging, empty where the row has none.
    """

    code: str
    modifier: str
    status: str
    units: dict[str, Units]
    not_applicable: frozenset[str]
    indicators: dict[str, str]
    provenance: Provenance
    capped: dict[str, Units] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Factor:
    """A conversion factor in dollars a unit, and whose it is: all, qualifying_apm or non_qualifying_apm."""

    value: Decimal
    participation: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Locality:
    """A Medicare payment locality with its geographic practice cost indices."""

    mac: str
    locality: str
    state: str
    name: str
    gpci: Gpci
    provenance: Provenance | None = None

    def lies_in(self, state: str) -> bool:
        """Whether the locality is of this state, or its name says that it takes in a part of it."""
        return self.state == state or state in _WORD.findall(self.name)


@dataclass(frozen=True, slots=True)
class CenterRate:
    """A surgery-center rate in dollars before the wage index. `rate` is None where the addendum prints none."""

    code: str
    addendum: str
    indicator: str
    rate: Decimal | None
    discounted: bool
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class HospitalRate:
    """An APC and its national rate in dollars. `status` and `copayment` are empty without an Addendum B."""

    code: str
    apc: str
    rate: Decimal | None
    provenance: Provenance
    status: str = ""
    copayment: Decimal | None = None


class FeeSource(Protocol):
    """Fees of a day. A method answers None (or nothing) where the source has no release for the day."""

    @property
    def name(self) -> str:
        """Return the word for messages: knowledge or catalog."""

    def physician(
        self, codes: Collection[str], day: date, participation: str
    ) -> dict[tuple[str, str], PhysicianFee] | None:
        """Return rows by code and modifier; None without a release."""

    def factor(self, day: date, participation: str) -> Factor | None:
        """Return the conversion factor for this participation, or the one of all."""

    def localities(self, day: date) -> list[Locality]:
        """Return the payment localities."""

    def zip_locality(self, zip_code: str, day: date) -> list[tuple[str, str, bool]] | None:
        """Return contractor, locality and whether nine digits are needed; None without a release."""

    def cap(self, code: str, modifier: str, mac: str, locality: str, site: str, day: date) -> Decimal | None:
        """Return the OPPS-capped amount that the file prints for a locality, in dollars."""

    def center(self, codes: Collection[str], day: date) -> dict[str, CenterRate] | None:
        """Return surgery-center rates by code; None without a release."""

    def wage_index(self, cbsa: str, day: date) -> list[Decimal] | None:
        """Return the wage indices printed for an area; None without a release."""

    def hospital(self, codes: Collection[str], day: date) -> dict[str, HospitalRate] | None:
        """Return hospital outpatient rates by code; None without a release."""

    def unit_limits(self, codes: Collection[str], day: date) -> dict[str, int]:
        """Return the most units of a code on a professional claim and day (MUE), where known."""

    def codes(self, day: date) -> Collection[str]:
        """Return the codes of the physician fee schedule, to tell the nearest of a wrong one."""


_MOST_DAYS = 24


class KnowledgeFees:
    """The fees that the knowledge carries: the facet family and its neighbours, with no file at all."""

    def __init__(self, store: Store):
        self._store = store
        self._spans: dict[tuple[str, date], bool] = {}
        self._indices: dict[str, dict[str, list[Row]]] = {}
        self._localities: dict[date, list[Locality]] = {}

    @property
    def name(self) -> str:
        return KNOWLEDGE

    def physician(
        self, codes: Collection[str], day: date, participation: str
    ) -> dict[tuple[str, str], PhysicianFee] | None:
        if not self._covers(tables.PHYSICIAN, day):
            return None
        found = {}
        for code in codes:
            for row, record in self._rows(tables.PHYSICIAN, code, day):
                found[code, record["modifier"] or ""] = PhysicianFee(
                    code=code,
                    modifier=record["modifier"] or "",
                    status=record["status"] or "",
                    units={
                        NON_FACILITY: Units(record["work"], record["nf_pe"], record["mp"]),
                        FACILITY: Units(record["work"], record["f_pe"], record["mp"]),
                    },
                    not_applicable=frozenset(
                        site for site, flag in ((NON_FACILITY, "nf_na"), (FACILITY, "f_na")) if record[flag]
                    ),
                    indicators={
                        name: record[name] or "" for name in ("pctc", "global", "mult", "bilat", "asst", "co", "team")
                    },
                    provenance=_provenance("physician_fee", record["release"], row),
                )
        return found

    def factor(self, day: date, participation: str) -> Factor | None:
        found = {}
        for row, record in self._table(tables.CONVERSION).records(day, kind="pfs"):
            span = row.start.isoformat() if row.start else ""
            found[record["participation"]] = Factor(
                record["value"], record["participation"], _provenance("conversion_factor", span, row)
            )
        return found.get(participation) or found.get("all")

    def localities(self, day: date) -> list[Locality]:
        held = self._localities.get(day)
        if held is None:
            held = [
                Locality(
                    record["mac"],
                    record["locality"],
                    record["state"],
                    record["name"],
                    gpci,
                    _provenance("gpci", row.start.isoformat() if row.start else "", row),
                )
                for row, record, gpci in tables.localities(self._store, day)
            ]
            # A server prices claims of many days; those of a year share their indices but not their key.
            if len(self._localities) >= _MOST_DAYS:
                self._localities.clear()
            self._localities[day] = held
        return held

    def zip_locality(self, zip_code: str, day: date) -> list[tuple[str, str, bool]] | None:
        return None

    def cap(self, code: str, modifier: str, mac: str, locality: str, site: str, day: date) -> Decimal | None:
        return None

    def center(self, codes: Collection[str], day: date) -> dict[str, CenterRate] | None:
        if not self._covers(tables.SURGERY_CENTER, day):
            return None
        return {
            code: CenterRate(
                code,
                record["addendum"] or "",
                record["indicator"] or "",
                record["rate"],
                record["multiple_discount"] == "Y",
                _provenance("asc_rate", row.start.isoformat() if row.start else "", row),
            )
            for code in codes
            for row, record in self._rows(tables.SURGERY_CENTER, code, day)
        }

    def wage_index(self, cbsa: str, day: date) -> list[Decimal] | None:
        return None

    def hospital(self, codes: Collection[str], day: date) -> dict[str, HospitalRate] | None:
        if not self._covers(tables.HOSPITAL, day):
            return None
        return {
            code: HospitalRate(
                code,
                record["apc"] or "",
                record["rate"],
                _provenance("asc_apc", row.start.isoformat() if row.start else "", row),
            )
            for code in codes
            for row, record in self._rows(tables.HOSPITAL, code, day)
        }

    def unit_limits(self, codes: Collection[str], day: date) -> dict[str, int]:
        return {
            code: record["value"]
            for code in codes
            for _, record in self._rows(_UNIT_LIMITS, code, day)
            if record["table"] == "practitioner"
        }

    def codes(self, day: date) -> Collection[str]:
        return self._index(tables.PHYSICIAN)

    def _table(self, table: str) -> Any:
        return self._store.tables[table]

    def _index(self, table: str) -> dict[str, list[Row]]:
        if table not in self._indices:
            held = self._table(table)
            place = list(held.columns).index("code")
            found: dict[str, list[Row]] = {}
            for row in held.rows:
                found.setdefault(row.cells[place], []).append(row)
            self._indices[table] = found
        return self._indices[table]

    def _rows(self, table: str, code: str, day: date) -> list[tuple[Row, dict[str, Any]]]:
        return [(row, self._table(table).record(row)) for row in self._index(table).get(code, []) if _holds(row, day)]

    def _covers(self, table: str, day: date) -> bool:
        if (table, day) not in self._spans:
            self._spans[table, day] = any(_holds(row, day) for row in self._table(table).rows)
        return self._spans[table, day]


def _holds(row: Row, day: date) -> bool:
    return (row.start or date.min) <= day <= (row.end or date.max)


def _provenance(kind: str, release: str, row: Row) -> Provenance:
    return Provenance(kind, release, KNOWLEDGE, row.sources, row.evidence or "")
