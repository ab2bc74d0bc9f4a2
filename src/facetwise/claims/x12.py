"""Reads professional and institutional claims of X12 837 (005010) as a stream, in constant memory.

The loops are followed by their segments: HL opens a billing provider (20), a subscriber (22) or a patient (23); CLM a claim;
SBR in a claim another payer's part, which is passed over; LX a line. What is read from where: docs/claims.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pyarrow as pa

from facetwise.claims import fields
from facetwise.claims.batches import BATCH_LINES, Batch
from facetwise.claims.columns import PROFESSIONAL
from facetwise.claims.composites import Composites, text
from facetwise.claims.interchanges import Walk
from facetwise.claims.loops import NOWHERE, Loops
from facetwise.claims.rejected import LINE_REASONS, Counts, Quarantine, fault, late_reason, reason_of

# A claim of the guides has at most 999 lines; one without end must not fill the memory.
LINES_MOST = 9_999
_NO_CODE = fault("no-code")


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
        self._reasons = {**LINE_REASONS, "date-late": late_reason(last_day)}
        self._days = fields.Kept(fields.Days(last_day).plain)
        self._units = fields.Kept(fields.units)
        self._charges = fields.Kept(fields.charge)
        self._numbers = fields.Kept(fields.line_number)
        self._authorization: bytes | None = None
        self._referral: bytes | None = None
        self._line_authorization: bytes | None = None
        self._line_referral: bytes | None = None
        self._control_number: bytes | None = None

    # What the envelope asks

    def delimited(self) -> None:
        """Look for the segments by their beginnings, in the delimiters of this interchange."""
        self._composites = Composites(self.batch, self.element, self.component)
        handlers = {
            "HL": self._level, "SBR": self._subscriber, "PAT": self._patient, "NM1": self._name, "N4": self._town,
            "DMG": self._birth, "CLM": self._claim, "DTP": self._date, "REF": self._reference, "HI": self._diagnoses,
            "LX": self._line, "SV1": self._professional_service, "SV2": self._institutional_service,
        }  # fmt: skip
        self.reading = {self.key(name): handler for name, handler in handlers.items()}
        element = self.element
        self._diagnosis_starts = tuple(
            b"HI" + element + name + self.component for name in (b"ABK", b"ABF", b"BK", b"BF")
        )

    def begin(self) -> None:
        """A transaction begins."""
        self._professional = self.claim_type == PROFESSIONAL
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
        parts = (*segment.split(self.element, 6), b"", b"", b"", b"", b"")
        self.claim_open = True
        self._line_open = self._other_payer = False
        self._broken = self._distrusted
        self._claim_place = self.place(number)
        self._broken_at = self._claim_place, "CLM"
        self._claim_id = text(parts[1].strip())
        if self._professional:
            self._pos = self._composites.place_of_service[parts[5]]
            self._bill = None
            readable = self._pos is not None
        else:
            self._pos = None
            self._bill = self._composites.bill_type[parts[5]]
            readable = self._bill is not None
        if not readable:
            self._break(
                "CLM05 has not three parts, divided by the component separator of the ISA", self._claim_place, "CLM"
            )
        self._claim_day = self._admission_day = 0
        self._hi = b""
        self._dx = 0
        self._rendering = None
        self._state = self._billing_state
        self._authorization = None
        self._referral = None
        self._line_count = self._last_number = 0
        self._lines: list[tuple[object, ...]] = []
        self._faulty: list[tuple[int, str, str]] = []
        self._where = NOWHERE

    def _close(self) -> None:
        if not self.claim_open:
            return
        self._end_line()
        self.claim_open = False
        claim_id = self._claim_id.decode("utf-8") or None
        if self._broken:
            self.reject(*self._broken_at, claim_id, self._line_count, self._broken)
        elif not self._line_count:
            self.reject(self._claim_place, "CLM", claim_id, 0, "the claim has no service line")
        elif claim_id is None:
            self.reject(self._claim_place, "CLM", None, self._line_count, LINE_REASONS["no-claim-id"])
        else:
            for place, name, reason in self._faulty:
                self.reject(place, name, claim_id, 1, reason)
            if self._lines:
                self._keep()

    def _keep(self) -> None:
        person = self._person if self._person_known else self._who()
        common = (
            *(self._claim_id, self.claim_type, person, self._payer, self._bill, self._billing_npi, self._dx),
            self._filing,
        )
        self.batch.add(common, self._lines)
        self._counts.claims = (self._counts.claims or 0) + 1
        self._counts.lines += len(self._lines)
        if len(self.batch) >= BATCH_LINES:
            self.ready.append(self.batch.take())
            if self.batch.forget():
                self._composites.forget()

    def _diagnoses(self, segment: bytes, number: int) -> None:
        if not self.claim_open or not segment.startswith(self._diagnosis_starts):
            return
        if self._line_open:
            self._break("diagnoses stand among the lines: a CLM is lost", self.place(number), "HI")
        self._hi = self._hi + self.element + segment if self._hi else segment
        self._dx = self._composites.diagnosis_set[self._hi]
        if self._dx < 0:
            self._break("the claim has more than 25 diagnoses", self.place(number), "HI")

    def _reference(self, segment: bytes, number: int) -> None:
        kind = segment[4:6]
        if not self.claim_open or self._other_payer or kind not in (b"G1", b"9F", b"6R"):
            return
        parts = segment.split(self.element)
        # A number that another payer gave bears that payer's identifier (2U).
        value = text(parts[2].strip()) if len(parts) > 2 and not (len(parts) > 4 and parts[4][:2] == b"2U") else b""
        if not value:
            return
        if not self._line_open:
            if kind == b"G1":
                self._authorization = value
            elif kind == b"9F":
                self._referral = value
        elif kind == b"G1":
            self._line_authorization = value
        elif kind == b"9F":
            self._line_referral = value
        else:
            self._control_number = value

    def _date(self, segment: bytes, number: int) -> None:
        kind = segment[4:7]
        if kind != b"472" and (kind not in (b"434", b"435") or self._professional):
            return
        if not self.claim_open:
            return
        parts = segment.split(self.element)
        day = self._days[parts[3] if len(parts) > 3 else b""]
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
        self._end_line()
        self._line_open = True
        self._other_payer = False
        self._line_count += 1
        self._number = self._numbers[segment[3:]]
        if 0 <= self._number <= self._last_number:
            self._break("the lines are not numbered upward (LX01): a CLM may be lost", self.place(number), "LX")
        if self._line_count > LINES_MOST:
            self._break("the claim has more than 9,999 lines", self._claim_place, "CLM")
        self._last_number = max(self._number, self._last_number)
        self._line_place = self.place(number)
        self._line_name = "LX"
        self._procedure = 0
        self._day = 0
        self._line_pos = self._pos
        self._line_state = None
        self._line_rendering = None
        self._line_authorization = None
        self._line_referral = None
        self._control_number = None
        self._where = NOWHERE

    def _professional_service(self, segment: bytes, number: int) -> None:
        if not self._professional:
            self._wrong_service(number, "SV1")
            return
        if not self._service(number, "SV1"):
            return
        parts = segment.split(self.element)
        if len(parts) < 8:
            parts += [b""] * 7
        self._procedure = self._composites.procedure[parts[1]]
        self._charge = self._charges[parts[2]]
        self._basis = parts[3] or None
        self._quantity = self._units[parts[4]]
        if parts[5]:
            self._line_pos = text(parts[5].strip())
        self._pointer = self._composites.pointers[parts[7]]

    def _institutional_service(self, segment: bytes, number: int) -> None:
        if self._professional:
            self._wrong_service(number, "SV2")
            return
        if not self._service(number, "SV2"):
            return
        parts = segment.split(self.element)
        if len(parts) < 6:
            parts += [b""] * 5
        procedure = self._composites.procedure[parts[2]]
        self._procedure = 0 if procedure == _NO_CODE else procedure
        self._charge = self._charges[parts[3]]
        self._basis = parts[4] or None
        self._quantity = self._units[parts[5]]
        self._pointer = 0

    def _service(self, number: int, name: str) -> bool:
        """Whether the service stands in a line that has none yet."""
        if not self.claim_open or not self._line_open:
            self._lost_service(number, name)
            return False
        if self._line_name != "LX":
            self._break("a line has two services: an LX is lost", self.place(number), name)
            return False
        self._line_place = self.place(number)
        self._line_name = name
        return True

    def _wrong_service(self, number: int, name: str) -> None:
        if self.claim_open:
            self._break(f"{name} does not belong to this kind of claim", self.place(number), name)

    def _lost_service(self, number: int, name: str) -> None:
        if self.claim_open:
            self._break("a service stands before the first LX", self.place(number), name)

    def _end_line(self) -> None:
        if not self._line_open:
            return
        self._line_open = False
        if self._broken:
            self._lines.clear()
            self._faulty.clear()
            return
        if self._line_name == "LX":
            self._faulty.append((self._line_place, "LX", "the line has no service (SV1 or SV2)"))
            return
        day = self._day or self._claim_day or self._admission_day or fault("date")
        if (self._number | day | self._procedure | self._quantity | self._charge | self._pointer) < 0:
            values = (self._number, day, self._procedure, self._quantity, self._charge, self._pointer)
            name = reason_of(*values)
            at = {"line-number": "LX", "date": "DTP", "date-late": "DTP"}.get(name, self._line_name)
            self._faulty.append((self._line_place, at, self._reasons[name]))
            return
        self._lines.append(
            (
                *(self._number, day, self._procedure, self._quantity, self._charge, self._basis),
                self._line_rendering or self._rendering,
                self._pointer,
                self._line_pos,
                self._line_state or self._state,
                self._line_authorization or self._authorization,
                self._line_referral or self._referral,
                self._control_number,
                self._line_place,
            )
        )
