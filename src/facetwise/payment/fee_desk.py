"""Asking the fee sources in turn: the user's official files first, the knowledge after them, else a plain error."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal

from facetwise.payment.request import LocalityWish
from facetwise.payment.sources import (
    KNOWLEDGE,
    CenterRate,
    Factor,
    FeeSource,
    HospitalRate,
    Locality,
    MissingFeesError,
    PhysicianFee,
)
from facetwise.problems import FacetwiseError, Problem, did_you_mean

_FEE_SCHEDULE = "https://www.cms.gov/medicare/payment/fee-schedules/physician/pfs-relative-value-files"
_CENTERS = "https://www.cms.gov/medicare/payment/prospective-payment-systems/ambulatory-surgical-center-asc"
_HOSPITALS = "https://www.cms.gov/medicare/payment/prospective-payment-systems/hospital-outpatient-pps"


class FeeDesk:
    """The sources in their order. Every method raises MissingFeesError when none of them has the release."""

    def __init__(self, sources: Sequence[FeeSource]):
        self._sources = sources

    def physician(self, codes: Collection[str], day: date, participation: str) -> dict[tuple[str, str], PhysicianFee]:
        """Return the rows of all codes. Raises FacetwiseError for a code that the loaded release does not have."""
        for source in self._sources:
            found = source.physician(codes, day, participation)
            if found is None:
                continue
            absent = sorted(set(codes) - {code for code, _ in found})
            if not absent:
                return found
            if source.name == KNOWLEDGE:
                break
            known = source.codes(day)
            raise FacetwiseError(
                [
                    Problem(
                        "",
                        0,
                        f"code {code!r} is not in the physician fee schedule loaded for {day}",
                        "a code of that release",
                        _nearest(code, known),
                    )
                    for code in absent
                ]
            )
        held = self._known_physician(codes, day, participation)
        raise _missing(
            f"the physician fee schedule for {day} is not loaded, and the knowledge has no fee of that day for "
            f"{', '.join(sorted(set(codes) - held))}",
            "the relative value file (PPRRVU) of that quarter",
            _FEE_SCHEDULE,
            _hint(sorted(set(codes) - held), self._sources, day),
        )

    def _known_physician(self, codes: Collection[str], day: date, participation: str) -> set[str]:
        found: set[str] = set()
        for source in self._sources:
            found |= {code for code, _ in source.physician(codes, day, participation) or ()}
        return found

    def factor(self, day: date, participation: str) -> Factor:
        """Return the conversion factor."""
        for source in self._sources:
            found = source.factor(day, participation)
            if found is not None:
                return found
        raise _missing(
            f"no conversion factor ({participation.replace('_', ' ')}) is known for {day}",
            "the relative value file (PPRRVU) of that quarter",
            _FEE_SCHEDULE,
        )

    def locality(self, wish: LocalityWish, day: date) -> tuple[Locality | None, str]:
        """Return the locality, and why none was picked where the state alone is a hint that does not settle it.

        Raises FacetwiseError for a locality that does not exist, MissingFeesError where the indices are not held.
        """
        held = next((found for source in self._sources if (found := source.localities(day))), [])
        if not held:
            if wish.hint:
                return None, (
                    f"The geographic indices of {day.year} are neither in the knowledge nor loaded; the amounts are "
                    "national. Load the GPCI file of that year with 'facetwise data load'."
                )
            raise _missing(
                f"the geographic practice cost indices (GPCI) for {day} are not loaded, and not in the knowledge",
                "the GPCI file of that year",
                _FEE_SCHEDULE,
                "or ask for national amounts with --locality national",
            )
        mac, number = wish.mac, wish.locality
        if wish.zip_code:
            mac, number = self._zip(wish.zip_code, day)
        if mac or number:
            return _by_key(held, mac, number, day), ""
        found = [one for one in held if one.lies_in(wish.state)]
        if len(found) == 1:
            return found[0], ""
        if not found:
            known = sorted({one.state for one in held})
            if not wish.hint:
                raise FacetwiseError(
                    Problem(
                        "",
                        0,
                        f"state {wish.state!r} has no Medicare locality on {day}",
                        "a postal abbreviation",
                        did_you_mean(wish.state, known),
                    )
                )
            return None, f"{wish.state} has no Medicare locality of its own on {day}; the amounts are national."
        shown = "; ".join(f"{one.mac}/{one.locality} {one.name}" for one in found)
        if wish.hint:
            return None, (
                f"{wish.state} lies in {len(found)} payment localities and the state alone does not pick one, so the "
                f"amounts are national. Localities: {shown}."
            )
        raise FacetwiseError(
            Problem(
                "",
                0,
                f"{wish.state} lies in {len(found)} payment localities",
                f"one of {shown}",
                "name it with --locality MAC/LOCALITY, or give a zip",
            )
        )

    def _zip(self, zip_code: str, day: date) -> tuple[str, str]:
        for source in self._sources:
            found = source.zip_locality(zip_code, day)
            if found is None:
                continue
            if not found:
                raise FacetwiseError(
                    Problem("", 0, f"zip {zip_code!r} is in no Medicare locality on {day}", "a US zip")
                )
            if len(set(found)) > 1 or found[0][2]:
                raise FacetwiseError(
                    Problem(
                        "",
                        0,
                        f"zip {zip_code!r} lies in several localities; nine digits decide",
                        "a locality",
                        "name it with --locality MAC/LOCALITY",
                    )
                )
            return found[0][0], found[0][1]
        raise _missing(
            f"the table from zip to locality for {day} is not loaded",
            "the ZIP to carrier locality file of that quarter",
            _FEE_SCHEDULE,
            "or name the locality with --locality MAC/LOCALITY",
        )

    def cap(self, fee: PhysicianFee, locality: Locality | None, site: str, day: date) -> Decimal | None:
        """Return the OPPS-capped amount that a file prints for the locality, in dollars."""
        if locality is None:
            return None
        for source in self._sources:
            found = source.cap(fee.code, fee.modifier, locality.mac, locality.locality, site, day)
            if found is not None:
                return found
        return None

    def center(self, codes: Collection[str], day: date) -> dict[str, CenterRate]:
        """Return surgery-center rates; a code that no addendum lists is absent."""
        found: dict[str, CenterRate] = {}
        official = False
        for source in self._sources:
            held = source.center(sorted(set(codes) - set(found)), day)
            official = official or (held is not None and source.name != KNOWLEDGE)
            found.update(held or {})
        absent = sorted(set(codes) - set(found))
        # Only the whole files can say that a code is on none of them.
        if absent and not official:
            raise _missing(
                f"surgery-center rates of {', '.join(absent)} for {day} are neither in the knowledge nor loaded",
                "addenda AA, BB and EE of that quarter",
                _CENTERS,
            )
        return found

    def wage_index(self, cbsa: str, day: date) -> Decimal:
        """Return the wage index of an area."""
        for source in self._sources:
            found = source.wage_index(cbsa, day)
            if found is None:
                continue
            if len(found) == 1:
                return found[0]
            raise FacetwiseError(
                Problem(
                    "",
                    0,
                    f"area {cbsa!r} has {len(found) or 'no'} wage indices on {day}",
                    "the number of one core-based statistical area",
                    "give the index itself with --wage-index",
                )
            )
        raise _missing(
            f"the surgery-center wage index for {day} is not loaded",
            "the wage index file of that year",
            _CENTERS,
            "or give the index itself with --wage-index",
        )

    def hospital(self, codes: Collection[str], day: date) -> dict[str, HospitalRate]:
        """Return hospital outpatient rates; a code that the file does not list is absent."""
        for source in self._sources:
            found = source.hospital(codes, day)
            if found is not None:
                return found
        raise _missing(
            f"hospital outpatient rates for {day} are neither in the knowledge nor loaded",
            "OPPS Addendum B of that quarter",
            _HOSPITALS,
        )

    def unit_limits(self, codes: Collection[str], day: date) -> dict[str, int]:
        """Return the most units of each code on a professional claim and day, where a source has it."""
        found: dict[str, int] = {}
        for source in reversed(self._sources):
            found.update(source.unit_limits(codes, day))
        return found


def _by_key(held: list[Locality], mac: str, number: str, day: date) -> Locality:
    for one in held:
        if (one.mac, one.locality) == (mac, number):
            return one
    same = [one for one in held if one.mac == mac]
    expected = (
        "one of " + ", ".join(one.locality for one in same) + f" of contractor {mac}"
        if same
        else "contractor and locality number of the GPCI file, such as " + f"{held[0].mac}/{held[0].locality}"
    )
    known = [f"{one.mac}/{one.locality}" for one in held]
    raise FacetwiseError(
        Problem(
            "",
            0,
            f"locality {mac}/{number} does not exist on {day}",
            expected,
            "" if same else did_you_mean(f"{mac}/{number}", known),
        )
    )


def _hint(codes: list[str], sources: Sequence[FeeSource], day: date) -> str:
    known = {code for source in sources for code in source.codes(day)}
    hints = [hint for code in codes if code not in known and (hint := _nearest(code, known))]
    return f"if the code is mistyped, {hints[0]}" if hints else ""


def _nearest(code: str, known: Collection[str]) -> str:
    """Return "did you mean X": a code that differs in its last character before any other."""
    same = sorted(one for one in known if one[:-1] == code[:-1])
    return did_you_mean(code, same or known)


def _missing(found: str, file: str, url: str, hint: str = "") -> MissingFeesError:
    return MissingFeesError(
        Problem(
            "",
            0,
            found,
            file,
            f"get it from {url} and load it with 'facetwise data load FILE'" + (f"; {hint}" if hint else ""),
        )
    )
