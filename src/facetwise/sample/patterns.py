"""Patterns: the claims of one visit, written once and repeated for many patients, with the findings that were planted in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

PROFESSIONAL = "professional"
CENTER = "center"
HOSPITAL = "hospital"
RIGHT, LEFT, BOTH = "right", "left", "both"
SIDE_MODIFIER = {RIGHT: "RT", LEFT: "LT"}
BOTH_MODIFIER = "50"


@dataclass(frozen=True, slots=True)
class Line:
    """A service line; `charge` in dollars for one unit on one side. `code` is empty for a revenue code only."""

    code: str
    modifiers: tuple[str, ...]
    units: int
    charge: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a visit: its form, who bills, and what is billed.

    `days_before` the day that the pattern is about; `history`: it stands in the history only, whenever it was. `diagnoses` names a group
    of diagnoses from which the first one is drawn.
    """

    form: str
    place: str
    bill_type: str
    provider: str
    diagnoses: str
    lines: tuple[Line, ...]
    authorized: bool = False
    days_before: int = 0
    history: bool = False

    @property
    def service(self) -> int:
        """1: the practitioner tables of NCCI; 2: those of outpatient hospitals."""
        return 2 if self.form == HOSPITAL else 1

    @property
    def claim(self) -> str:
        """Whose claim it is, in the words of the payers' rules."""
        return "professional" if self.form == PROFESSIONAL else "facility"

    def before(self, days: int, *, history: bool) -> Claim:
        """Return the same claim, so many days earlier."""
        return replace(self, days_before=days, history=history)


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """A finding that a planted error brings about. Claims are counted from 0 and lines from 1; other_line 0: no other line."""

    edit: str
    claim: int
    line: int
    other_claim: int = 0
    other_line: int = 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """The claims of a visit under one book, on the days from `start` to `end`. Clean unless `error` names what was planted."""

    claims: tuple[Claim, ...]
    start: date
    end: date
    error: str = ""
    expected: tuple[Expected, ...] = ()

    @property
    def reach(self) -> int:
        """How many days before the visit its earliest claim that is no history lies."""
        return max((claim.days_before for claim in self.claims if not claim.history), default=0)


def places(claims: Iterable[Claim]) -> Iterator[tuple[int, Claim, int, Line]]:
    """Yield every line with the numbers of its claim (from 0) and of the line (from 1)."""
    for number, claim in enumerate(claims):
        for place, line in enumerate(claim.lines, start=1):
            yield number, claim, place, line


def side_of(line: Line) -> str:
    """Return R, L, B for both, or nothing, by the modifiers."""
    both = BOTH_MODIFIER in line.modifiers or set(SIDE_MODIFIER.values()) <= set(line.modifiers)
    if both:
        return "B"
    return next((modifier[0] for modifier in SIDE_MODIFIER.values() if modifier in line.modifiers), "")
