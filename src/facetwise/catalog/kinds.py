"""The kinds of official release that the catalog holds: their tables, their names, how long one holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

_LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of release. `every` is the months from one publication to the next; `year_begins` the month of its year.

    `reaches_back`: its rows carry dates of their own and stay in the file when they end, so that a release answers for
    days before its own first one as well. `naming` is how a release is called, from its first day.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    every: int = 3
    year_begins: int = 1
    reaches_back: bool = False
    naming: str = "{year}Q{quarter}"
    parts: Literal["", "participation", "range"] = ""

    def period_end(self, start: date) -> date:
        """Return the last day of the year (calendar or fiscal) that `start` lies in."""
        year = start.year + (start.month >= self.year_begins) - (self.year_begins == 1)
        return date(year, self.year_begins, 1) - timedelta(days=1) if self.year_begins > 1 else date(year, 12, 31)

    def next_due(self, start: date) -> date:
        """Return the first day of the publication that follows one that begins on `start`."""
        passed = (start.month - self.year_begins) % 12
        months = start.year * 12 + start.month - 1 - passed % self.every + self.every
        return date(months // 12, months % 12 + 1, 1)

    def release_name(self, start: date, precise: bool) -> str:
        """Return what a release is called that begins on `start`; `precise` False: only its year is known."""
        quarter = (start.month - 1) // 3
        fiscal = start.year + (start.month >= self.year_begins > 1)
        naming = self.naming if precise or "quarter" not in self.naming else "{year}"
        name = naming.format(
            year=start.year,
            yy=f"{start.year % 100:02d}",
            quarter=quarter + 1,
            letter=_LETTERS[quarter] if precise else "",
            fiscal=fiscal,
            half=(start.month - 1) // 6,
            day=start.isoformat(),
        )
        on_time = start.day == 1 and start.month % 3 == 1
        return name if on_time or "{day}" in self.naming else f"{name} from {start.isoformat()}"


_ALL = (
    Kind("physician_fee", "physician fee schedule, relative values (PPRRVU)", ("physician_fee",),
         naming="RVU{yy}{letter}", parts="participation"),
    Kind("gpci", "geographic practice cost indices", ("gpci",), every=12, naming="GPCI{year}"),
    Kind("locality_county", "counties of the localities", ("locality_county",), every=12, naming="{yy}LOCCO"),
    Kind("zip_locality", "ZIP code to contractor and locality", ("zip_locality",)),
    Kind("anesthesia_factor", "anesthesia conversion factors", ("anesthesia_factor",), every=12,
         naming="ANES{year}", parts="participation"),
    Kind("opps_cap", "OPPS cap of imaging", ("opps_cap",)),
    Kind("ptp_practitioner", "NCCI procedure-to-procedure edits, practitioner", ("ptp",), reaches_back=True, parts="range"),
    Kind("ptp_hospital", "NCCI procedure-to-procedure edits, outpatient hospital", ("ptp",), reaches_back=True,
         parts="range"),
    Kind("mue_practitioner", "NCCI medically unlikely edits, practitioner", ("mue",)),
    Kind("mue_outpatient_hospital", "NCCI medically unlikely edits, outpatient hospital", ("mue",)),
    Kind("mue_dme", "NCCI medically unlikely edits, DME supplier", ("mue",)),
    Kind("add_on", "NCCI add-on codes", ("add_on",), every=12, reaches_back=True),
    Kind("asc_aa", "surgery center, covered surgical procedures (addendum AA)", ("asc_rate",)),
    Kind("asc_bb", "surgery center, covered ancillary services (addendum BB)", ("asc_rate",)),
    Kind("asc_ee", "surgery center, excluded procedures (addendum EE)", ("asc_excluded",)),
    Kind("asc_ff", "surgery center, device offsets and APCs (addendum FF)", ("asc_apc",)),
    Kind("asc_wage_index", "surgery center, wage index", ("asc_wage_index",), every=12, naming="{year}"),
    Kind("opps_addendum_b", "hospital outpatient, Addendum B", ("opps_addendum_b",)),
    Kind("icd10", "ICD-10-CM order file", ("icd10",), every=12, year_begins=10, naming="FY{fiscal}"),
    Kind("taxonomy", "NUCC provider taxonomy", ("taxonomy",), every=6, naming="{yy}.{half}"),
    Kind("adjustment_code", "claim adjustment and remark codes", ("adjustment_code",), every=4, reaches_back=True,
         naming="{day}"),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
