"""The loops above the claims of an 837: billing provider, subscriber, patient, and the person key that comes from them."""

from __future__ import annotations

from hashlib import sha256

from facetwise.claims.batches import Batch
from facetwise.claims.composites import Composites, text
from facetwise.claims.envelope import Envelope
from facetwise.claims.rejected import Quarantine

# Which N4 is the state of the place of service: none, the billing provider's, the claim's or the line's facility.
NOWHERE, _BILLING, _FACILITY, _LINE_FACILITY = range(4)
# What a line may have of its own.
_RENDERING, _STATE, AUTHORIZATION, REFERRAL = range(4)


class Loops(Envelope):
    """Follows HL, SBR, PAT, DMG, NM1 and N4. Names and addresses are looked at here and go no further."""

    def __init__(self, file: int, quarantine: Quarantine, batch: Batch) -> None:
        super().__init__(file, quarantine)
        self.batch = batch
        self._composites = Composites(batch)
        self._broken = self._distrusted = ""
        self._broken_at = 0, "CLM"
        self._other_payer = False
        self._state: bytes | None = None
        self._rendering: bytes | None = None
        self._own: list[bytes | None] | None = None
        self._reset()

    def _close(self) -> None:
        """The open claim, if there is one, ends."""
        raise NotImplementedError

    def unknown(self, segment: bytes, number: int, reason: str) -> None:
        """A segment that no 837 has: its claim cannot be trusted; outside a claim, none before the next HL."""
        if self.claim_open:
            self._break(reason, self.place(number), self.shown(segment))
        else:
            self._distrust(reason, self.place(number), self.shown(segment))

    def _break(self, reason: str, place: int, name: str) -> None:
        """The open claim cannot be trusted."""
        if not self._broken:
            self._broken = reason
            self._broken_at = place, name

    def _distrust(self, reason: str, place: int, name: str) -> None:
        """No claim before the next HL can be trusted."""
        if not self._distrusted:
            self._distrusted = reason
            self.reject(place, name, None, 0, reason)

    def _reset(self) -> None:
        self.claim_open = False
        self._line_open = False
        self._distrusted = ""
        self._billing_npi: bytes | None = None
        self._billing_state: bytes | None = None
        self._reset_subscriber()

    def _reset_subscriber(self) -> None:
        self._filing: bytes | None = None
        self._payer: bytes | None = None
        self._member = b""
        self._member_birth = b""
        self._dependent: list[bytes] | None = None
        self._relation = b""
        self._person: bytes | None = None
        self._person_known = False
        self._where = NOWHERE

    def _level(self, segment: bytes, number: int) -> None:
        self._close()
        self._distrusted = ""
        parts = segment.split(self.element)
        level = parts[3] if len(parts) > 3 else b""
        if level == b"22":
            self._reset_subscriber()
        elif level == b"23":
            self._dependent = []
            self._relation = b""
            self._person_known = False
        elif level == b"20":
            self._billing_npi = self._billing_state = None
            self._reset_subscriber()
        else:
            self._distrust("the level of a loop (HL03) is none of 20, 22 and 23", self.place(number), "HL")

    def _subscriber(self, segment: bytes, number: int) -> None:
        if not self.claim_open:
            self._filing = self._composites.filing[segment]
        elif self._line_open:
            # The other payers of a claim stand before its lines: this is a subscriber, and the HL before it is lost.
            self._break("a subscriber begins without its loop (HL)", self.place(number), "SBR")
            self._close()
            self._distrust("a subscriber begins without its loop (HL)", self.place(number), "SBR")
        else:
            self._other_payer = True

    def _patient(self, segment: bytes, number: int) -> None:
        if not self.claim_open and self._dependent is not None:
            self._relation = segment

    def _birth(self, segment: bytes, number: int) -> None:
        if not self.claim_open:
            if self._dependent is None:
                self._member_birth = segment
            else:
                self._dependent.append(segment)

    def _name(self, segment: bytes, number: int) -> None:
        entity = segment[4:6]
        if not self.claim_open:
            self._where = NOWHERE
            if entity == b"IL":
                self._member = segment
            elif entity == b"PR":
                self._payer = self._composites.payer[segment]
            elif entity == b"85":
                self._billing_npi = self._composites.npi[segment]
                self._where = _BILLING
            elif entity == b"QC" and self._dependent is not None:
                self._dependent.append(segment)
        elif not self._other_payer:
            self._where = NOWHERE
            if entity == b"82":
                if self._line_open:
                    self._own_part(_RENDERING, self._composites.npi[segment])
                else:
                    self._rendering = self._composites.npi[segment]
            elif entity == b"77":
                self._where = _LINE_FACILITY if self._line_open else _FACILITY

    def _town(self, segment: bytes, number: int) -> None:
        if self._where == NOWHERE or (self.claim_open and self._other_payer):
            return
        state = self._composites.state[segment]
        if self._where == _BILLING:
            self._billing_state = state
        elif self._where == _FACILITY:
            self._state = state or self._state
        else:
            self._own_part(_STATE, state)

    def _own_part(self, part: int, value: bytes | None) -> None:
        """Keep what a line has of its own where most lines have the claim's."""
        if self._own is None:
            self._own = [None] * 4
        self._own[part] = value

    def _who(self) -> bytes | None:
        """Return the key of the person: the member id, or a hash where that does not tell who it is."""
        if self._person_known:
            return self._person
        self._person_known = True
        member = self._member.split(self.element)
        if len(member) < 10:
            member += [b""] * 10
        member_id = text(member[9].strip().upper())
        if self._dependent is not None:
            told = [self._relation.split(self.element)[1:2]]
            for segment in self._dependent:
                parts = (*segment.split(self.element), *(b"",) * 5)
                # Of a name only the first name, which a family does not share; else the name as it stands.
                told.append([parts[4] or parts[3]] if segment.startswith(b"NM1") else [parts[2], parts[3]])
            # The relation tells nothing more where name and birth date are there, and senders differ in it.
            known = told[1:] if len(told) > 1 else told
            self._person = _hashed(member_id, *(part for parts in known for part in parts))
        elif member_id:
            self._person = member_id
        else:
            birth = (*self._member_birth.split(self.element), b"", b"", b"")[2]
            names = [part for part in (member[3], member[4], birth) if part.strip()]
            self._person = _hashed(*names) if names else None
        return self._person


def _hashed(*parts: bytes) -> bytes:
    """Return a hash of what tells a person from another, whatever the case and the blanks."""
    told = b"\x1f".join(b" ".join(part.upper().split()) for part in parts)
    return sha256(told).hexdigest().encode("ascii")
