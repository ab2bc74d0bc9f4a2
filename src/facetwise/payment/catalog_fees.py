"""Fees from the official files that the user has loaded into the catalog: the other half of the fee sources."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from facetwise.payment.physician import Gpci, Units
from facetwise.payment.sources import (
    CATALOG,
    FACILITY,
    NON_FACILITY,
    CenterRate,
    Factor,
    HospitalRate,
    Locality,
    PhysicianFee,
    Provenance,
)

_ADDENDA = ("AA", "BB")
_INDICATORS = ("pctc", "global", "mult", "bilat", "asst", "co", "team")


class Catalog(Protocol):
    """What is asked of the catalog: which release of a kind holds on a day, and a DuckDB connection to its tables."""

    @property
    def connection(self) -> Any:
        """Return a DuckDB connection."""

    def release(self, kind: str, day: date) -> Any:
        """Return the release (id, release) of a kind that holds on a day, or None."""


class CatalogFees:
    """The tables of the catalog as a fee source. One query answers for all the codes asked about."""

    def __init__(self, catalog: Catalog):
        self._catalog = catalog
        self._physician: dict[tuple[int, str], dict[str, dict[str, PhysicianFee]]] = {}
        self._factors: dict[tuple[int, str], Factor | None] = {}
        self._localities: dict[int, list[Locality]] = {}
        self._releases: dict[tuple[str, date], Any] = {}

    @property
    def name(self) -> str:
        return CATALOG

    def prefetch(self, codes: Collection[str], day: date, participation: str) -> None:
        """Read the rows of many codes at once, so that pricing them one by one asks nothing more."""
        release = self._release("physician_fee", day)
        if release is None:
            return
        held = self._physician.setdefault((release.id, participation), {})
        wanted = sorted({code for code in codes if code not in held})
        if not wanted:
            return
        held.update({code: {} for code in wanted})
        provenance = self._provenance("physician_fee", release)
        for row in self._rows(
            "SELECT code, modifier, status, work, nf_pe, nf_na, f_pe, f_na, mp, pctc, global_days, mult, bilat, asst, "
            "co, team, cap_nf_pe, cap_f_pe, cap_mp FROM physician_fee "
            "WHERE release_id = ? AND code IN (SELECT unnest(?)) "
            # Files of one release for qualifying participants and for others differ in the factor alone.
            "ORDER BY participation = ?",
            [release.id, wanted, participation],
        ):
            fee = _fee(row, provenance)
            held[fee.code][fee.modifier] = fee

    def physician(
        self, codes: Collection[str], day: date, participation: str
    ) -> dict[tuple[str, str], PhysicianFee] | None:
        release = self._release("physician_fee", day)
        if release is None:
            return None
        self.prefetch(codes, day, participation)
        held = self._physician.get((release.id, participation), {})
        return {(code, modifier): fee for code in codes for modifier, fee in held[code].items()}

    def factor(self, day: date, participation: str) -> Factor | None:
        release = self._release("physician_fee", day)
        if release is None:
            return None
        key = (release.id, participation)
        if key not in self._factors:
            rows = self._rows(
                "SELECT DISTINCT conversion_factor, participation FROM physician_fee "
                "WHERE release_id = ? AND participation IN (?, 'all') AND conversion_factor > 0 "
                "ORDER BY participation = ?",
                [release.id, participation, participation],
            )
            self._factors[key] = (
                Factor(_decimal(rows[-1][0]), rows[-1][1], self._provenance("physician_fee", release)) if rows else None
            )
        return self._factors[key]

    def localities(self, day: date) -> list[Locality]:
        release = self._release("gpci", day)
        if release is None:
            return []
        if release.id not in self._localities:
            provenance = self._provenance("gpci", release)
            self._localities[release.id] = [
                Locality(
                    mac, locality, state, name, Gpci(_decimal(work), _decimal(pe), _decimal(mp)), provenance=provenance
                )
                for mac, locality, state, name, work, pe, mp in self._rows(
                    "SELECT mac, locality, state, name, work, pe, mp FROM gpci WHERE release_id = ? "
                    "ORDER BY state, locality, mac",
                    [release.id],
                )
            ]
        return self._localities[release.id]

    def zip_locality(self, zip_code: str, day: date) -> list[tuple[str, str, bool]] | None:
        release = self._release("zip_locality", day)
        if release is None:
            return None
        return [
            (mac, locality, bool(plus_four))
            for mac, locality, plus_four in self._rows(
                "SELECT mac, locality, plus_four FROM zip_locality WHERE release_id = ? AND zip = ? ORDER BY 1, 2",
                [release.id, zip_code],
            )
        ]

    def cap(self, code: str, modifier: str, mac: str, locality: str, site: str, day: date) -> Decimal | None:
        release = self._release("opps_cap", day)
        if release is None:
            return None
        rows = self._rows(
            "SELECT non_facility_price, facility_price FROM opps_cap "
            "WHERE release_id = ? AND code = ? AND coalesce(modifier, '') = ? AND mac = ? AND locality = ?",
            [release.id, code, modifier, mac, locality],
        )
        return _or_none(rows[0][site == FACILITY]) if rows else None

    def center(self, codes: Collection[str], day: date) -> dict[str, CenterRate] | None:
        release = self._release("asc_aa", day)
        if release is None:
            return None
        found = {}
        for addendum in reversed(_ADDENDA):
            listed = self._release(f"asc_{addendum.lower()}", day)
            if listed is None:
                continue
            provenance = self._provenance(f"asc_{addendum.lower()}", listed)
            for code, indicator, discount, rate in self._rows(
                "SELECT code, indicator, multiple_discount, rate FROM asc_rate "
                "WHERE release_id = ? AND code IN (SELECT unnest(?))",
                [listed.id, sorted(codes)],
            ):
                found[code] = CenterRate(
                    code, addendum, indicator or "", _or_none(rate), bool(discount), provenance=provenance
                )
        excluded = self._release("asc_ee", day)
        if excluded is not None:
            provenance = self._provenance("asc_ee", excluded)
            for (code,) in self._rows(
                "SELECT code FROM asc_excluded WHERE release_id = ? AND code IN (SELECT unnest(?))",
                [excluded.id, sorted(codes)],
            ):
                found.setdefault(code, CenterRate(code, "EE", "", None, False, provenance))
        return found

    def wage_index(self, cbsa: str, day: date) -> list[Decimal] | None:
        release = self._release("asc_wage_index", day)
        if release is None:
            return None
        return [
            _decimal(value)
            for (value,) in self._rows(
                "SELECT DISTINCT wage_index FROM asc_wage_index WHERE release_id = ? AND cbsa = ? ORDER BY 1",
                [release.id, cbsa],
            )
        ]

    def hospital(self, codes: Collection[str], day: date) -> dict[str, HospitalRate] | None:
        release = self._release("opps_addendum_b", day)
        if release is not None:
            provenance = self._provenance("opps_addendum_b", release)
            return {
                code: HospitalRate(code, apc or "", _or_none(rate), provenance, status or "", _or_none(copayment))
                for code, status, apc, rate, copayment in self._rows(
                    "SELECT code, si, apc, rate, coalesce(national_copay, minimum_copay) FROM opps_addendum_b "
                    "WHERE release_id = ? AND code IN (SELECT unnest(?))",
                    [release.id, sorted(codes)],
                )
            }
        release = self._release("asc_ff", day)
        if release is None:
            return None
        provenance = self._provenance("asc_ff", release)
        return {
            code: HospitalRate(code, apc or "", _or_none(rate), provenance)
            for code, apc, rate in self._rows(
                "SELECT code, apc, opps_rate FROM asc_apc WHERE release_id = ? AND code IN (SELECT unnest(?))",
                [release.id, sorted(codes)],
            )
        }

    def unit_limits(self, codes: Collection[str], day: date) -> dict[str, int]:
        release = self._release("mue_practitioner", day)
        if release is None:
            return {}
        return {
            code: int(value)
            for code, value in self._rows(
                "SELECT code, value FROM mue "
                "WHERE release_id = ? AND service = 'practitioner' AND code IN (SELECT unnest(?))",
                [release.id, sorted(codes)],
            )
        }

    def codes(self, day: date) -> Collection[str]:
        release = self._release("physician_fee", day)
        if release is None:
            return ()
        return [
            code for (code,) in self._rows("SELECT DISTINCT code FROM physician_fee WHERE release_id = ?", [release.id])
        ]

    def _release(self, kind: str, day: date) -> Any:
        if (kind, day) not in self._releases:
            self._releases[kind, day] = self._catalog.release(kind, day)
        return self._releases[kind, day]

    def _rows(self, query: str, values: list[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._catalog.connection.execute(query, values).fetchall()
        return found

    def _provenance(self, kind: str, release: Any) -> Provenance:
        return Provenance(kind, str(release.release), CATALOG)


def _fee(row: tuple[Any, ...], provenance: Provenance) -> PhysicianFee:
    code, modifier, status, work, nf_pe, nf_na, f_pe, f_na, mp, *rest = row
    indicators, (cap_nf, cap_f, cap_mp) = rest[:7], rest[7:]
    capped = {}
    if cap_mp is not None:
        for site, expense in ((NON_FACILITY, cap_nf), (FACILITY, cap_f)):
            if expense:
                capped[site] = Units(_decimal(work), _decimal(expense), _decimal(cap_mp))
    return PhysicianFee(
        code=code,
        modifier=modifier or "",
        status=status or "",
        units={
            NON_FACILITY: Units(_decimal(work), _decimal(nf_pe), _decimal(mp)),
            FACILITY: Units(_decimal(work), _decimal(f_pe), _decimal(mp)),
        },
        not_applicable=frozenset(site for site, flag in ((NON_FACILITY, nf_na), (FACILITY, f_na)) if flag),
        indicators={name: str(value or "") for name, value in zip(_INDICATORS, indicators, strict=True)},
        provenance=provenance,
        capped=capped,
    )


def _decimal(value: Any) -> Decimal:
    # normalize() drops the zeros that a column's scale adds, and the exponent that it may leave is undone.
    number = Decimal(0) if value is None else Decimal(str(value))
    return number.normalize() + Decimal(0)


def _or_none(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
