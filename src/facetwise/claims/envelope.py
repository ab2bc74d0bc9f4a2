"""The envelope of X12: interchanges, groups and transactions, their control numbers and counts, and what is refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from facetwise.claims.columns import INSTITUTIONAL, PROFESSIONAL
from facetwise.claims.delimiters import Delimiters, Header, read_header
from facetwise.claims.rejected import BYTE, Quarantine, Rejected

Handler = Callable[[bytes, int], bool | None]

# The segments that an 837 of any edition has; another between ST and SE means that bytes are damaged.
_KNOWN = (
    *(
        "AMT",
        "BHT",
        "CAS",
        "CL1",
        "CLM",
        "CN1",
        "CR1",
        "CR2",
        "CR3",
        "CR4",
        "CR5",
        "CR6",
        "CR7",
        "CR8",
        "CRC",
        "CTP",
        "CUR",
    ),
    *("DMG", "DN1", "DN2", "DSB", "DTP", "FRM", "HCP", "HI", "HL", "HSD", "IMM", "K3", "LIN", "LQ", "LX", "MEA", "MIA"),
    *(
        "MOA",
        "N2",
        "N3",
        "N4",
        "NM1",
        "NTE",
        "OI",
        "PAT",
        "PER",
        "PRV",
        "PS1",
        "PWK",
        "QTY",
        "REF",
        "SBR",
        "SV1",
        "SV2",
    ),
    *("SV3", "SV4", "SV5", "SV6", "SV7", "SVD", "TOO", "UR"),
)
_GUIDES = {"005010X222": PROFESSIONAL, "005010X223": INSTITUTIONAL}
_OTHERS = {
    "270": "eligibility inquiry",
    "271": "eligibility answer",
    "276": "claim status inquiry",
    "277": "claim status or acknowledgment",
    "278": "services review",
    "820": "premium payment",
    "834": "enrollment",
    "835": "claim payment",
    "997": "acknowledgment",
    "999": "acknowledgment",
}
_DENTAL = ("005010X224", "004010X097")
_CUT = "{} is missing: the file was cut or parts of it are lost"


class Envelope:
    """Follows the envelope, checks its counts, and hands the segments of transactions that are read to their handlers.

    A subclass gives `reading`, the handlers of segments by their first three bytes (`key`), and `delimited`, `begin`,
    `finish` and `unknown`. A handler is told the segment and its number in the block.
    """

    def __init__(self, file: int, quarantine: Quarantine) -> None:
        self.file = file
        self.inside = False
        self.claim_type = ""
        self.element = self.component = b""
        self.reading: dict[bytes, Handler] = {}
        self._quarantine = quarantine
        self._delimiters: Delimiters | None = None
        self._segments: list[bytes] = []
        self._numbered: Iterator[tuple[int, bytes]] = iter(())
        self._starts: list[int] = [0]
        self._gap = 0
        self._base = 0
        self._outside: dict[bytes, Handler | None] = {b"ISA": self._isa}
        self._between: dict[bytes, Handler | None] = {}
        self._within: dict[bytes, Handler | None] = {}
        self._refusing: dict[bytes, Handler | None] = {}
        self._table = self._outside
        self._missing: Handler | None = self._halt
        self._halted = False
        self._control = self._group_control = self._transaction_control = b""
        self._version = ""
        self._groups = self._transactions = self._st_number = self._st_place = 0
        self._in_group = self._in_transaction = False
        self._refused = ""
        self._refused_lines = 0
        self._stray_place, self._stray_lines = -1, 0

    # For subclasses

    def delimited(self) -> None:
        """New delimiters hold: make `reading`."""
        raise NotImplementedError

    def begin(self) -> None:
        """A transaction of claims begins."""
        raise NotImplementedError

    def finish(self, broken: str) -> bool:
        """A transaction ends; where `broken` is a reason, its open claim cannot be trusted. Return whether one was open."""
        raise NotImplementedError

    def unknown(self, segment: bytes, number: int, reason: str) -> None:
        """Something stands in a transaction that no 837 has."""
        raise NotImplementedError

    def key(self, name: str) -> bytes:
        """Return the three bytes by which the segments of a name are found."""
        return (name.encode() + self.element)[:3]

    def place(self, number: int) -> int:
        """Return the byte at which a segment of this block starts."""
        return self._starts[number] + number * self._gap

    def shown(self, segment: bytes) -> str:
        """Return the name of a segment where it looks like one, for a record of what was rejected."""
        name = segment.split(self.element, 1)[0]
        return name.decode("ascii") if len(name) <= 3 and name.isalnum() and name.isascii() else "?"

    def reject(self, place: int, segment: str, claim_id: str | None, lines: int, reason: str) -> None:
        """Keep what could not be read."""
        self._quarantine.add(Rejected(self.file, place, BYTE, segment, claim_id, lines, reason))

    # For the walk through the file

    def interchange(self, header: Header, place: int) -> None:
        """An interchange begins."""
        self.inside = True
        self._halted = False
        self._control = header.control
        self._groups = 0
        self._in_group = self._in_transaction = False
        if header.delimiters != self._delimiters:
            self._delimiters = header.delimiters
            self.element, self.component = header.delimiters.element, header.delimiters.component
            envelope: dict[bytes, Handler | None] = {b"ISA": self._isa, b"IEA": self._iea}
            named: Iterable[tuple[str, Handler]] = (
                *(("GS", self._gs), ("GE", self._ge), ("ST", self._st), ("SE", self._se)),
            )
            envelope |= {self.key(name): handler for name, handler in named}
            self._between = {**envelope, b"TA1": None}
            self._refusing = {**envelope, self.key("LX"): self._refuse_line}
            self.delimited()
            self._within = {**{self.key(name): None for name in _KNOWN}, **self.reading, **envelope}
        self._enter(self._between)

    def take(self, segments: list[bytes], starts: list[int], gap: int) -> int:
        """Take the segments of a block; return how many were taken."""
        self._starts, self._gap = starts, gap
        self._segments = segments
        # A handler that takes the following segments along moves on in `_numbered`.
        self._numbered = enumerate(segments)
        find, missing = self._table.get, self._missing
        for number, segment in self._numbered:
            handler = find(segment[:3], missing)
            if handler is not None and handler(segment, number):
                # Only the envelope's own segments answer: others are looked for from here on, or nothing more.
                if self._halted:
                    self._base += number
                    return number
                find, missing = self._table.get, self._missing
        self._base += len(segments)
        return len(segments)

    def too_long(self, place: int) -> None:
        """A segment is too long to be one."""
        self._starts, self._gap = [place], 0
        self._base += 1
        reason = "a segment is longer than 1,048,576 bytes"
        if self._in_transaction and not self._refused:
            self.unknown(b"", 0, reason)
        else:
            self.reject(place, "?", None, 0, reason)

    def noise(self, place: int, length: int, lines: int) -> None:
        """There is something else where an interchange should begin."""
        self.reject(
            place, "?", None, lines, f"{length:,} bytes are no interchange; one begins with a complete ISA segment"
        )

    def end(self, place: int, rest: bytes) -> None:
        """The file ends."""
        rest = rest.strip()
        self._starts, self._gap = [place], 0
        if rest.startswith(b"IEA" + self.element) and self.inside:
            self._iea(rest, 0)
        if not self.inside:
            return
        self._end_stray()
        if self._in_transaction:
            self._break_off("SE")
        if rest:
            self.reject(place, self.shown(rest), None, 0, "the file ends within a segment")
        elif self._in_group:
            self.reject(place, "GE", None, 0, _CUT.format("GE"))
        else:
            self.reject(place, "IEA", None, 0, _CUT.format("IEA"))
        self.inside = False

    # The envelope's own segments

    def _enter(self, table: dict[bytes, Handler | None]) -> None:
        self._table = table
        if table is self._within:
            self._missing = self._unknown
        elif table is self._refusing:
            self._missing = None
        elif table is self._outside:
            self._missing = self._halt
        else:
            self._missing = self._stray

    def _halt(self, segment: bytes, number: int) -> bool:
        self._halted = bool(segment.strip())
        return True

    def _stray(self, segment: bytes, number: int) -> None:
        if segment.strip():
            if self._stray_place < 0:
                self._stray_place = self.place(number)
            self._stray_lines += segment.startswith(self.key("LX"))

    def _end_stray(self) -> None:
        if self._stray_place >= 0:
            reason = "segments stand outside a transaction (between ST and SE)"
            self.reject(self._stray_place, "?", None, self._stray_lines, reason)
            self._stray_place, self._stray_lines = -1, 0

    def _unknown(self, segment: bytes, number: int) -> None:
        bare = segment.strip()
        if bare != segment:
            handler = self._within.get(bare[:3], self._unknown)
            if handler is not None and bare:
                handler(bare, number)
        elif bare:
            self.unknown(segment, number, "a segment is none of an 837")

    def _refuse_line(self, segment: bytes, number: int) -> None:
        self._refused_lines += 1

    def _isa(self, segment: bytes, number: int) -> bool:
        self._end_stray()
        if self.inside:
            self._close_transaction("IEA")
            self.reject(self.place(number), "ISA", None, 0, _CUT.format("IEA"))
            self.inside = False
            self._enter(self._outside)
        header = read_header(segment + (self._delimiters.segment if self._delimiters else b""))
        if header is None or header.delimiters != self._delimiters:
            self._halted = True
        else:
            self.interchange(header, self.place(number))
        return True

    def _gs(self, segment: bytes, number: int) -> bool:
        self._end_stray()
        self._close_transaction("SE")
        if self._in_group:
            self.reject(self.place(number), "GS", None, 0, _CUT.format("GE"))
        parts = (*segment.split(self.element), *(b"",) * 9)
        self._in_group = True
        self._groups += 1
        self._transactions = 0
        self._group_control, self._version = parts[6].strip(), parts[8].strip().decode("latin-1")
        return True

    def _ge(self, segment: bytes, number: int) -> bool:
        self._end_stray()
        self._close_transaction("SE")
        if not self._in_group:
            self.reject(self.place(number), "GE", None, 0, _CUT.format("GS"))
            return True
        self._check(segment, number, "GE", "transactions", self._transactions, "GS06", self._group_control)
        self._in_group = False
        return True

    def _iea(self, segment: bytes, number: int) -> bool:
        self._end_stray()
        self._close_transaction("SE")
        if self._in_group:
            self.reject(self.place(number), "IEA", None, 0, _CUT.format("GE"))
        self._check(segment, number, "IEA", "groups", self._groups, "ISA13", self._control)
        self._in_group = self.inside = False
        self._enter(self._outside)
        return True

    def _st(self, segment: bytes, number: int) -> bool:
        self._end_stray()
        self._close_transaction("SE")
        if not self._in_group:
            self.reject(self.place(number), "ST", None, 0, _CUT.format("GS"))
        parts = (*segment.split(self.element), *(b"",) * 4)
        self._in_transaction = True
        self._transactions += 1
        self._transaction_control = parts[2].strip()
        self._st_number, self._st_place = self._base + number, self.place(number)
        self._refused_lines = 0
        version = parts[3].strip().decode("latin-1") or self._version
        self._refused = _refusal(parts[1].strip().decode("latin-1"), version)
        if self._refused:
            self._enter(self._refusing)
        else:
            self.claim_type = _GUIDES[version[:10]]
            self._enter(self._within)
            self.begin()
        return True

    def _se(self, segment: bytes, number: int) -> bool:
        self._end_stray()
        if not self._in_transaction:
            self.reject(self.place(number), "SE", None, 0, _CUT.format("ST"))
            return True
        self._end_transaction("")
        count = self._base + number - self._st_number + 1
        self._check(segment, number, "SE", "segments", count, "ST02", self._transaction_control)
        return True

    def _check(self, segment: bytes, number: int, name: str, what: str, count: int, head: str, control: bytes) -> None:
        parts = (*segment.split(self.element), b"", b"")
        said = parts[1].strip()
        if not said.isdigit() or len(said) > 10 or int(said) != count:
            shown = said.decode() if said.isdigit() and len(said) <= 10 else "no number"
            self.reject(self.place(number), name, None, 0, f"{name}01 says {shown} {what}, {count} were counted")
        if parts[2].strip() != control:
            self.reject(self.place(number), name, None, 0, f"the control number {name}02 differs from {head}")

    def _end_transaction(self, broken: str) -> bool:
        """Close the transaction; return whether that, and what it stands for, is named already."""
        self._in_transaction = False
        self._enter(self._between)
        if not self._refused:
            return self.finish(broken)
        lines = self._refused_lines if self._refused.startswith("837") else 0
        self.reject(self._st_place, "ST", None, lines, self._refused)
        return True

    def _close_transaction(self, missing: str) -> None:
        if self._in_transaction:
            self._break_off(missing)

    def _break_off(self, missing: str) -> None:
        if not self._end_transaction(_CUT.format(missing)):
            self.reject(self._st_place, "ST", None, 0, _CUT.format("SE"))


def _refusal(transaction: str, version: str) -> str:
    """Return why a transaction is not read, or nothing where it is."""
    transaction, version = (name if re.fullmatch("[0-9A-Z]{1,12}", name) else "?" for name in (transaction, version))
    if transaction != "837":
        name = _OTHERS.get(transaction, "not an 837")
        return f"transaction {transaction} ({name}) holds no claims to check"
    if version[:10] in _GUIDES:
        return ""
    if version.startswith("004010"):
        return f"837 of version 4010 ({version}) is not read; send it as 005010X222A1 or 005010X223A2"
    if version[:10] in _DENTAL:
        return f"837 of a dental claim ({version}) is not read"
    return f"837 of version {version} is not read; 005010X222 (professional) and 005010X223 (institutional) are"
