"""Puts claims and their lines, as the streamed readers find them, into record batches of the claim-line table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from facetwise.claims import fields
from facetwise.claims.columns import DIAGNOSES, MODIFIERS, POINTERS, SCHEMA

Text = bytes | None
BATCH_LINES = 32_768


class ClaimRow(NamedTuple):
    """What all lines of a claim have in common. `diagnoses` is a number of `Batch.diagnoses`."""

    claim_id: bytes
    claim_type: str
    person_id: Text
    payer: Text
    bill_type: Text
    billing_npi: Text
    diagnoses: int
    filing_indicator: Text


class LineRow(NamedTuple):
    """A line; its day is an ordinal, its units thousandths, its charge cents; no number is negative.

    `procedure` and `pointers` are numbers of `Batch.procedures` and `Batch.pointers`.
    """

    number: int
    day: int
    procedure: int
    units: int
    charge: int
    basis: Text
    rendering_npi: Text
    pointers: int
    place_of_service: Text
    state: Text
    authorization: Text
    referral: Text
    control: Text
    place: int


class Batch:
    """Collects claims with their lines and gives them back as record batches. `file` is the index of the file."""

    def __init__(self, file: int) -> None:
        self.file = file
        self.procedures = fields.procedures()
        self.pointers = fields.pointers()
        self.diagnoses = fields.diagnoses()
        self._claims: list[tuple[object, ...]] = []
        self._lines: list[tuple[object, ...]] = []
        self._counts: list[int] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, claim: tuple[object, ...], lines: Sequence[tuple[object, ...]]) -> None:
        """Add a claim (laid out as `ClaimRow`) and its lines (as `LineRow`), of which there is at least one."""
        self._claims.append(claim)
        self._counts.append(len(lines))
        self._lines.extend(lines)

    def take(self) -> pa.RecordBatch:
        """Return what has come together since the last time and empty it."""
        claim_count = len(self._claims)
        claim = _Columns(self._claims, len(ClaimRow._fields))
        line = _Columns(self._lines, len(LineRow._fields))
        numbers = range(claim_count)
        of_line = pa.array(
            [number for number, count in zip(numbers, self._counts, strict=True) for _ in range(count)], pa.int32()
        )
        string = pa.string()

        def common(name: str) -> pa.Array:
            return claim.array(ClaimRow._fields.index(name), string).take(of_line)

        def own(name: str, kind: pa.DataType = string) -> pa.Array:
            return line.array(LineRow._fields.index(name), kind)

        count = len(self._lines)
        procedure = _spread(self.procedures, own("procedure", pa.int32()), string)
        pointer = _spread(self.pointers, own("pointers", pa.int32()), pa.int32())
        diagnosis = _spread(
            self.diagnoses, claim.array(ClaimRow._fields.index("diagnoses"), pa.int32()).take(of_line), string
        )
        day = pc.subtract(own("day", pa.int32()), pa.scalar(fields.EPOCH, pa.int32())).view(pa.date32())
        cents = own("charge", pa.int64())
        cents = pc.if_else(pc.equal(cents, fields.NO_CHARGE), pa.scalar(None, pa.int64()), cents)
        arrays = [
            common("claim_id"),
            own("number", pa.int32()),
            common("claim_type"),
            common("person_id"),
            common("payer"),
            own("place_of_service"),
            common("bill_type"),
            day,
            *procedure[: 1 + MODIFIERS],
            _decimal(own("units", pa.int64()), SCHEMA.field("service_unit_quantity").type),
            _decimal(cents, SCHEMA.field("charge_amount").type),
            own("rendering_npi"),
            common("billing_npi"),
            *diagnosis[:DIAGNOSES],
            *pointer[:POINTERS],
            own("state"),
            own("authorization"),
            pa.repeat(pa.scalar(self.file, pa.int32()), count),
            own("place", pa.int64()),
            common("filing_indicator"),
            own("basis"),
            own("referral"),
            own("control"),
        ]
        self._claims, self._lines, self._counts = [], [], []
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)

    def forget(self) -> bool:
        """After `take`: drop the numberings that have grown large; numbers given before then mean nothing any more."""
        forgotten = [kept.forget() for kept in (self.procedures, self.pointers, self.diagnoses)]
        return any(forgotten)


class _Columns:
    """The columns of rows."""

    def __init__(self, rows: Sequence[tuple[object, ...]], width: int) -> None:
        self._columns = list(zip(*rows, strict=True)) if rows else [()] * width

    def array(self, index: int, kind: pa.DataType) -> pa.Array:
        return pa.array(self._columns[index], kind)


def _spread(sets: fields.Sets, numbers: pa.Array, kind: pa.DataType) -> list[pa.Array]:
    """Return a column for each place in the sets, by the number of each row's set."""
    spread = []
    for column in zip(*sets.members, strict=True):
        if any(member is not None for member in column):
            spread.append(pa.array(column, kind).take(numbers))
        else:
            spread.append(pa.nulls(len(numbers), kind))
    return spread


def _decimal(scaled: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return whole numbers of the last decimal as decimals, without a detour over text or objects of Python."""
    wide = scaled.cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(kind, len(wide), wide.buffers(), wide.null_count)
