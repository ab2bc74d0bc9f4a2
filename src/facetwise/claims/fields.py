"""How the text of a field becomes a value, the same in every streamed format; `sql/normal.sql` says it once more for flat files.

A value is a number from 0, or the negative number of the reason why there is none (`rejected.fault`); so one look at a
line's numbers tells whether any of them is at fault. Claims repeat themselves, so what was read once is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from facetwise.claims.columns import DIAGNOSES, MODIFIERS, POINTERS
from facetwise.claims.rejected import fault

# Days are counted from 0001-01-01 here, so that none is negative, and from 1970-01-01 in the table.
EPOCH = date(1970, 1, 1).toordinal()
NO_CHARGE = (1 << 62) - 1
UNITS_MOST = 99_999_999
CHARGE_MOST = 999_999_999_999
_KEPT = 100_000

_NUMBER = re.compile(rb"[+-]?(?:\d{1,20}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?")
_ISO_DAY = re.compile(rb"(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_PLAIN_DAY = re.compile(rb"(\d{4})(\d\d)(\d\d)")
_CODE = re.compile(rb"[0-9A-Z]{5}")
_LINE = re.compile(rb"\d{1,9}")


class Kept(dict[bytes, int]):
    """What a field's text was read as, kept for the next time and forgotten when there is too much of it."""

    def __init__(self, read: Callable[[bytes], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: bytes) -> int:
        if len(self) >= _KEPT:
            self.clear()
        value = self[text] = self._read(text)
        return value


def _scaled(text: bytes, decimals: int, absent: int, unread: int, least: int, most: int, outside: int) -> int:
    text = text.strip(b" \t")
    if not text:
        return absent
    if _NUMBER.fullmatch(text) is None:
        return unread
    number = Decimal(text.decode("ascii")).scaleb(decimals)
    if number.adjusted() > 25:
        return outside
    whole = int(number.to_integral_value(ROUND_HALF_UP))
    return whole if least <= whole <= most else outside


def units(text: bytes) -> int:
    """Return thousandths of a unit, rounded half away from 0; absent, unreadable, 0, negative or too many is a fault."""
    return _scaled(text, 3, fault("units"), fault("units"), 1, UNITS_MOST, fault("units-range"))


def charge(text: bytes) -> int:
    """Return cents, rounded half away from 0, `NO_CHARGE` where there is none; unreadable, negative or too much is a fault."""
    return _scaled(text, 2, NO_CHARGE, fault("charge"), 0, CHARGE_MOST, fault("charge-range"))


def line_number(text: bytes) -> int:
    """Return the line's number, from 1."""
    text = text.strip(b" \t")
    number = int(text) if _LINE.fullmatch(text) else 0
    return number or fault("line-number")


class Days:
    """Reads days up to the last one that can be checked, as ordinals of the calendar."""

    def __init__(self, last_day: date) -> None:
        self._last = last_day.toordinal()

    def _ordinal(self, parts: re.Match[bytes] | None) -> int:
        if parts is None:
            return fault("date")
        try:
            ordinal = date(int(parts[1]), int(parts[2]), int(parts[3])).toordinal()
        except ValueError:
            return fault("date")
        return ordinal if ordinal <= self._last else fault("date-late")

    def plain(self, text: bytes) -> int:
        """Return the day of CCYYMMDD, or the first day of CCYYMMDD-CCYYMMDD or of a date with time CCYYMMDDHHMM."""
        first, dash, last = text.strip(b" \t").partition(b"-")
        if dash:
            begin, end = self._ordinal(_PLAIN_DAY.fullmatch(first)), self._ordinal(_PLAIN_DAY.fullmatch(last))
            if begin >= 0 and end < begin and end != fault("date-late"):
                return fault("date")
            return begin
        if len(first) == 12 and first.isdigit():
            first = first[:8]
        return self._ordinal(_PLAIN_DAY.fullmatch(first))

    def iso(self, text: bytes) -> int:
        """Return the day of CCYY-MM-DD, with or without a time of day, or of CCYYMMDD."""
        text = text.strip(b" \t")
        return self._ordinal(_ISO_DAY.fullmatch(text) or _PLAIN_DAY.fullmatch(text))


def code(text: bytes) -> bytes | None:
    """Return the procedure code in upper case, or None where it is not five letters or digits."""
    text = text.strip(b" \t").upper()
    return text if _CODE.fullmatch(text) else None


def diagnosis(text: bytes) -> bytes:
    """Return a diagnosis code in upper case without dots and blanks."""
    return text.upper().translate(None, b". \t")


def pointer(text: bytes) -> int:
    """Return which diagnosis is meant, from 1, 0 where none is; "1.00" is 1."""
    text = text.strip(b" \t")
    if not text:
        return 0
    whole, _, rest = text.partition(b".")
    if not whole.isdigit() or len(whole) > 2 or rest.strip(b"0") or not 1 <= int(whole) <= DIAGNOSES:
        return fault("pointer")
    return int(whole)


class Sets:
    """Numbers the procedures (code and modifiers) and the pointer sets that occur, so that a line carries a number for each.

    Number 0 is none. `forget` starts anew when too many are kept; the numbers given before then mean nothing any more.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.members: list[tuple[bytes | int | None, ...]] = [()]
        self._known: dict[tuple[bytes | int | None, ...], int] = {(): 0}

    def number(self, *members: bytes | int | None) -> int:
        """Return the number of these members, which are fewer than or as many as the width."""
        known = self._known.get(members)
        if known is None:
            known = self._known[members] = len(self.members)
            self.members.append(members)
        return known

    def forget(self) -> bool:
        """Forget all when there are too many; return whether it was done."""
        if len(self.members) < _KEPT:
            return False
        del self.members[1:]
        self._known = {(): 0}
        return True


def procedures() -> Sets:
    """Return an empty numbering of procedure codes with their modifiers."""
    return Sets(1 + MODIFIERS)


def pointers() -> Sets:
    """Return an empty numbering of what lines point to."""
    return Sets(POINTERS)
