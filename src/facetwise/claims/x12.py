"""Reads professional and institutional claims of X12 837 (005010) as a stream, in constant memory.

The loops are followed by their segments: HL opens a billing provider (20), a subscriber (22) or a patient (23); CLM a claim;
SBR in a claim another payer's part, which is passed over; LX a line. What is read from where: docs/claims.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pyarrow as pa

from facetwise.claims import fields
from facetwise.claims.batches import BATCH_LINES, LINE_WIDTH, Batch
from facetwise.claims.columns import DIAGNOSES, PROFESSIONAL
from facetwise.claims.composites import Composites, text
from facetwise.claims.interchanges import Walk
from facetwise.claims.loops import AUTHORIZATION, NOWHERE, REFERRAL, Loops
from facetwise.claims.rejected import LINE_REASONS, Counts, Quarantine, fault, late_reason, reason_of

# A claim of the guides has at most 999 lines; one without end must not fill the memory.
LINES_MOST = 9_999
# How many segments a line that is taken at once looks ahead.
_AHEAD = 4
_NO_DAY = fault("date")
_FULL = BATCH_LINES * LINE_WIDTH


def read_837(
    read: Callable[[int], bytes], file: int, last_day: date, quarantine: Quarantine, counts: Counts
) -> Iterator[pa.RecordBatch]:
    """Give the claims of one 837 file, opened as `read`, as record batches of the claim-line table.

    `file` is its index. What cannot be read goes to `quarantine`; `counts` keeps step with what was given.
    """
    claims = Claims(file, last_day, quarantine, counts)
    for _ in Walk(read, claims):
        yield from claims.ready
        claims.ready.clear()
    if len(claims.batch):
        yield claims.batch.take()


class Claims(Loops):
    """Follows the loops of a transaction and puts its claims into batches; `ready` holds those that are full."""

    def __init__(self, file: int, last_day: date, quarantine: Quarantine, counts: Counts) -> None:
        super().__init__(file, quarantine, Batch(file))
        self.ready: list[pa.RecordBatch] = []
        self._counts = counts
        self._claims = counts.claims or 0
        self._reasons = {**LINE_REASONS, "date-late": late_reason(last_day)}
        self._read_day = fields.Days(last_day).plain
        self._days = fields.Kept(self._day_of)
        self._numbers = fields.Kept(fields.line_number)
        self._authorization: bytes | None = None
        self._referral: bytes | None = None
        self._control_number: bytes | None = None

    # What the envelope asks

    def delimited(self) -> None:
        """Look for the segments by their beginnings, in the delimiters of this interchange."""
        self._composites = Composites(self.batch, self.element, self.component)
        handlers = {
            "HL": self._level, "SBR": self._subscriber, "PAT": self._patient, "NM1": self._name, "N4": self._town,
            "DMG": self._birth, "CLM": self._claim, "DTP": self._date, "REF": self._reference, "HI": self._diagnoses,
            "LX": self._line, "SV1": self._line_service, "SV2": self._line_service,
        }  # fmt: skip
        self.reading = {self.key(name): handler for name, handler in handlers.items()}
        element = self.element
        self._diagnosis_starts = tuple(
            b"HI" + element + name + self.component for name in (b"ABK", b"ABF", b"BK", b"BF")
        )

    def begin(self) -> None:
        """A transaction begins."""
        self._professional = self.claim_type == PROFESSIONAL
        self._claim_kind = self.claim_type.encode()
        self._service_name = b"SV1" if self._professional else b"SV2"
        self._service_day = b"DTP" + self.element + b"472"
        self._line_control = b"REF" + self.element + b"6R"
        self._line_ends = frozenset(self.key(name) for name in ("LX", "HL", "CLM", "SE"))
        self._reset()

    def finish(self, broken: str) -> bool:
        """A transaction ends, or for the reason `broken` its open claim cannot be trusted. Return whether a claim was open."""
        was_open = self.claim_open
        if broken and was_open:
            self._broken = self._broken or broken
        self._close()
        return was_open

    # Claims

    def _claim(self, segment: bytes, number: int) -> None:
        self._close()
        parts = segment.split(self.element, 6)
        if len(parts) < 6:
            parts += [b""] * 5
        self.claim_open = True
        self._line_open = self._other_payer = False
        self._broken = self._distrusted
        self._claim_place = self.place(number)
        self._broken_at = self._claim_place, "CLM"
        self._claim_id = text(parts[1].strip())
        if self._professional:
            pos = self._composites.place_of_service[parts[5]]
            self._pos = pos or None
            self._bill = None
            readable = pos is not None
        else:
            self._pos = None
            self._bill = self._composites.bill_type[parts[5]]
            readable = self._bill is not None
        if not readable:
            self._break(
                "CLM05 has not three parts, divided by the component separator of the ISA", self._claim_place, "CLM"
            )
        self._claim_day = self._admission_day = 0
        self._dx: tuple[bytes, ...] = ()
        self._rendering = None
        self._state = self._billing_state
        self._authorization = None
        self._referral = None
        self._line_count = self._last_number = 0
        self._mark = len(self.batch.lines)
        self._faulty: list[tuple[int, str, str]] = []
        self._where = NOWHERE

    def _close(self) -> None:
        if not self.claim_open:
            return
        if self._line_open:
            self._end_line()
        self.claim_open = False
        if self._broken or not self._line_count or not self._claim_id:
            del self.batch.lines[self._mark :]
            self._refuse_claim()
            return
        for place, name, reason in self._faulty:
            self.reject(place, name, self._claim_id.decode(), 1, reason)
        count = self._line_count - len(self._faulty)
        if not count:
            return
        person = self._person if self._person_known else self._who()
        self.batch.claims += (
            *(self._claim_id, self._claim_kind, person, self._payer, self._bill or None, self._billing_npi, self._dx),
            self._filing,
        )
        self.batch.claim_count += 1
        self._claims += 1
        self._counts.claims = self._claims
        self._counts.lines += count
        if len(self.batch.lines) >= _FULL:
            self.ready.append(self.batch.take())
            if self.batch.forget():
                self._composites.forget()

    def _refuse_claim(self) -> None:
        claim_id = self._claim_id.decode() or None
        if self._broken:
            self.reject(*self._broken_at, claim_id, self._line_count, self._broken)
        elif not self._line_count:
            self.reject(self._claim_place, "CLM", claim_id, 0, "the claim has no service line")
        else:
            self.reject(self._claim_place, "CLM", None, self._line_count, LINE_REASONS["no-claim-id"])

    def _diagnoses(self, segment: bytes, number: int) -> None:
        if not self.claim_open or not segment.startswith(self._diagnosis_starts):
            return
        if self._line_open:
            self._break("diagnoses stand among the lines: a CLM is lost", self.place(number), "HI")
        codes = self._composites.diagnoses(segment)
        self._dx = self._dx + codes if self._dx else codes
        if len(self._dx) > DIAGNOSES:
            self._break("the claim has more than 25 diagnoses", self.place(number), "HI")

    def _reference(self, segment: bytes, number: int) -> None:
        kind = segment[4:6]
        if kind == b"6R":
            if self._line_open:
                self._control_number = text((*segment.split(self.element), b"", b"")[2].strip()) or None
            return
        if not self.claim_open or self._other_payer or kind not in (b"G1", b"9F"):
            return
        parts = segment.split(self.element)
        # A number that another payer gave bears that payer's identifier (2U).
        value = text(parts[2].strip()) if len(parts) > 2 and not (len(parts) > 4 and parts[4][:2] == b"2U") else b""
        if value and self._line_open:
            self._own_part(AUTHORIZATION if kind == b"G1" else REFERRAL, value)
        elif value and kind == b"G1":
            self._authorization = value
        elif value:
            self._referral = value

    def _day_of(self, segment: bytes) -> int:
        parts = segment.split(self.element)
        return self._read_day(parts[3] if len(parts) > 3 else b"")

    def _date(self, segment: bytes, number: int) -> None:
        kind = segment[4:7]
        if kind != b"472" and (kind not in (b"434", b"435") or self._professional):
            return
        if not self.claim_open:
            return
        day = self._days[segment]
        if kind == b"435":
            self._admission_day = day
        elif self._line_open:
            if kind == b"472":
                self._day = day
        elif kind == b"472" or not self._claim_day:
            self._claim_day = day

    # Lines

    def _line(self, segment: bytes, number: int) -> None:
        if not self.claim_open:
            self.reject(self.place(number), "LX", None, 1, "a line stands outside a claim: its CLM is lost")
            return
        if self._line_open:
            self._end_line()
        self._line_open = True
        self._other_payer = False
        self._line_count += 1
        line = self._number = self._numbers[segment[3:]]
        if line > self._last_number:
            self._last_number = line
        elif line >= 0:
            self._break("the lines are not numbered upward (LX01): a CLM may be lost", self.place(number), "LX")
        if self._line_count > LINES_MOST:
            del self.batch.lines[self._mark :]
            self._break("the claim has more than 9,999 lines", self._claim_place, "CLM")
        self._own = None
        self._control_number = None
        segments = self._segments
        # Most lines are LX, SV1 and DTP*472, with or without REF*6R, and nothing more: those are taken at once.
        if len(segments) - number > _AHEAD:
            service, day = segments[number + 1], segments[number + 2]
            if service[:3] == self._service_name and day[:7] == self._service_day:
                after, used = segments[number + 3], 2
                if after[:6] == self._line_control:
                    self._control_number = text((*after.split(self.element), b"")[2].strip()) or None
                    after, used = segments[number + 4], 3
                if after[:3] in self._line_ends:
                    self._line_place = self._starts[number + 1] + (number + 1) * self._gap
                    self._service = service
                    self._day = self._days[day]
                    for _ in range(used):
                        next(self._numbered)
                    self._end_line()
                    return
                self._control_number = None
        self._line_place = self._starts[number] + number * self._gap
        self._service = b""
        self._day = 0
        self._where = NOWHERE

    def _line_service(self, segment: bytes, number: int) -> None:
        if not self._line_open or self._service or segment[:3] != self._service_name:
            self._wrong_service(segment, number)
            return
        self._line_place = self._starts[number] + number * self._gap
        self._service = segment

    def _wrong_service(self, segment: bytes, number: int) -> None:
        if not self.claim_open:
            return
        if segment[:3] != self._service_name:
            why = "the service does not belong to this kind of claim"
        elif self._line_open:
            why = "a line has two services: an LX is lost"
        else:
            why = "a service stands before the first LX"
        self._break(why, self.place(number), self.shown(segment))

    def _end_line(self) -> None:
        self._line_open = False
        if self._broken:
            return
        if not self._service:
            self._faulty.append((self._line_place, "LX", "the line has no service (SV1 or SV2)"))
            return
        procedure, units, charge, pointers, basis, pos, service_fault = self._composites.service[self._service]
        day = self._day or self._claim_day or self._admission_day or _NO_DAY
        if (self._number | day | service_fault) < 0:
            name = reason_of(self._number, day, procedure, units, charge, pointers)
            at = {"line-number": "LX", "date": "DTP", "date-late": "DTP"}.get(name, self._service_name.decode())
            self._faulty.append((self._line_place, at, self._reasons[name]))
            return
        rendering, state, authorization, referral = self._rendering, self._state, self._authorization, self._referral
        if self._own is not None:
            rendering, state = self._own[0] or rendering, self._own[1] or state
            authorization, referral = self._own[2] or authorization, self._own[3] or referral
        # One after the other, in the order of LineRow.
        batch = self.batch
        batch.lines += (
            *(
                batch.claim_count,
                self._number,
                day,
                procedure,
                units,
                charge,
                basis,
                rendering,
                pointers,
                pos or self._pos,
            ),
            *(state, authorization, referral, self._control_number, self._line_place),
        )
