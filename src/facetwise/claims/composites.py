"""What single segments and composites of an 837 say, each read once for each text that occurs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from facetwise.claims import fields
from facetwise.claims.batches import Batch
from facetwise.claims.columns import MODIFIERS
from facetwise.claims.rejected import fault

_KEPT = 100_000
_EMPTY = [b""] * 8
_NO_CODE = fault("no-code")
# Principal and other diagnoses, of ICD-10 and ICD-9; admitting, visit reason and external cause are none of these.
_DIAGNOSES = (b"ABK", b"ABF", b"BK", b"BF")


def text(value: bytes) -> bytes:
    """Return text of an 837 as UTF-8: what is not UTF-8 is taken for Latin-1, in which X12's extended characters stand."""
    if value.isascii():
        return value
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1").encode("utf-8")
    return value


class Texts(dict[bytes, bytes | None]):
    """What a segment was read as, kept for the next time and forgotten when there is too much of it."""

    def __init__(self, read: Callable[[bytes], bytes | None]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, segment: bytes) -> bytes | None:
        if len(self) >= _KEPT:
            self.clear()
        value = self[segment] = self._read(segment)
        return value


class Service(NamedTuple):
    """What SV1 or SV2 says. Numbers as in `batches.LineRow`; `fault` is negative where one of them is."""

    procedure: int
    units: int
    charge: int
    pointers: int
    basis: bytes | None
    place_of_service: bytes | None
    fault: int


class Services(dict[bytes, Service]):
    """What services were read as; a practice charges the same for the same, so most lines were seen before."""

    def __init__(self, read: Callable[[bytes], Service]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, segment: bytes) -> Service:
        if len(self) >= _KEPT:
            self.clear()
        value = self[segment] = self._read(segment)
        return value


class Composites:
    """Reads segments in the delimiters of one interchange. Procedures and pointers are numbers of `batch`.

    A procedure that cannot be read is the negative number of its reason, a pointer set likewise.
    """

    def __init__(self, batch: Batch, element: bytes = b"*", component: bytes = b":") -> None:
        self._batch = batch
        self._element = element
        self._component = component
        self.npi = Texts(self._npi)
        self.payer = Texts(self._payer)
        self.state = Texts(self._state)
        self.filing = Texts(self._filing)
        self.diagnosis = Texts(self._diagnosis)
        self.place_of_service = Texts(self._place_of_service)
        self.bill_type = Texts(self._bill_type)
        self._units = fields.Kept(fields.units)
        self._charges = fields.Kept(fields.charge)
        self.forget()

    def forget(self) -> None:
        """Forget what are numbers of the batch."""
        self.procedure = fields.Kept(self._procedure)
        self.pointers = fields.Kept(self._pointers)
        self.service = Services(self._service)

    def _elements(self, segment: bytes, least: int) -> tuple[bytes, ...]:
        return (*segment.split(self._element), *(b"",) * least)

    def _npi(self, segment: bytes) -> bytes | None:
        """NM109 where NM108 says that it is an NPI; another number may be a person's."""
        parts = self._elements(segment, 10)
        return text(parts[9].strip()) or None if parts[8] == b"XX" else None

    def _payer(self, segment: bytes) -> bytes | None:
        """The payer's name (NM103), else its identifier (NM109)."""
        parts = self._elements(segment, 10)
        return text(parts[3].strip()) or text(parts[9].strip()) or None

    def _state(self, segment: bytes) -> bytes | None:
        state = self._elements(segment, 4)[2].strip().upper()
        return state if len(state) == 2 and state.isalpha() and state.isascii() else None

    def _filing(self, segment: bytes) -> bytes | None:
        return text(self._elements(segment, 10)[9].strip().upper()) or None

    def _place_of_service(self, composite: bytes) -> bytes | None:
        """CLM05-1 of a professional claim; None where CLM05 has not its three parts."""
        parts = composite.split(self._component)
        return text(parts[0].strip()) if len(parts) == 3 else None

    def _bill_type(self, composite: bytes) -> bytes | None:
        """CLM05-1 and CLM05-3 of an institutional claim; None where CLM05 has not its three parts."""
        parts = composite.split(self._component)
        return text(parts[0].strip() + parts[2].strip()) if len(parts) == 3 else None

    def _procedure(self, composite: bytes) -> int:
        """SV101 or SV202: the qualifier, the code and its modifiers."""
        parts = composite.split(self._component)
        if len(parts) < 2:
            return fault("code") if composite.strip() else fault("no-code")
        if parts[0] != b"HC":
            return fault("no-code")
        code = fields.code(parts[1])
        if code is None:
            return fault("code") if parts[1].strip() else fault("no-code")
        modifiers = [text(part.strip(b" \t").upper()) or None for part in parts[2:6]]
        return self._batch.procedures.number(code, *modifiers[:MODIFIERS])

    def _service(self, segment: bytes) -> Service:
        parts = (*segment.split(self._element), *_EMPTY)
        if segment.startswith(b"SV1"):
            procedure, pointers = self.procedure[parts[1]], self.pointers[parts[7]]
            charge, basis, units, place = parts[2], parts[3], parts[4], text(parts[5].strip()) or None
        else:
            procedure, pointers = self.procedure[parts[2]], 0
            charge, basis, units, place = parts[3], parts[4], parts[5], None
            if procedure == _NO_CODE:
                # A line with a revenue code only, or with a rate code (HIPPS).
                procedure = 0
        cents, thousandths = self._charges[charge], self._units[units]
        return Service(
            procedure,
            thousandths,
            cents,
            pointers,
            text(basis.strip()) or None,
            place,
            procedure | thousandths | cents | pointers,
        )

    def _pointers(self, composite: bytes) -> int:
        found = [fields.pointer(part) for part in composite.split(self._component)]
        if any(pointer < 0 for pointer in found) or len(found) > self._batch.pointers.width:
            return fault("pointer")
        return self._batch.pointers.number(*(pointer or None for pointer in found))

    def diagnoses(self, segment: bytes) -> tuple[bytes, ...]:
        """Return the diagnoses of an HI segment in their order, which is what pointers count."""
        return tuple([code for composite in segment.split(self._element) if (code := self.diagnosis[composite])])

    def _diagnosis(self, composite: bytes) -> bytes | None:
        parts = composite.split(self._component)
        return text(fields.diagnosis(parts[1])) or None if len(parts) > 1 and parts[0] in _DIAGNOSES else None
