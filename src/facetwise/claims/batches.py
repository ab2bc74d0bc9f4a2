"""Puts claims and their lines, as the streamed readers find them, into record batches of the claim-line table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from facetwise.claims import fields
from facetwise.claims.columns import DIAGNOSES, SCHEMA

Text = bytes | None
BATCH_LINES = 32_768


class ClaimRow(NamedTuple):
    """What all lines of a claim have in common. `diagnoses` are at most 25 codes."""

    claim_id: bytes
    claim_type: bytes
    person_id: Text
    payer: Text
    bill_type: Text
    billing_npi: Text
    diagnoses: tuple[bytes, ...]
    filing_indicator: Text


class LineRow(NamedTuple):
    """A line; its day is an ordinal, its units thousandths, its charge cents; no number is negative.

    `claim` is the number of its claim in the batch (`Batch.claim_count` when the claim is added); `procedure` and `pointers`
    are numbers of `Batch.procedures` and `Batch.pointers`.
    """

    claim: int
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


CLAIM_WIDTH = len(ClaimRow._fields)
LINE_WIDTH = len(LineRow._fields)


class Batch:
    """Collects claims with their lines and gives them back as record batches. `file` is the index of the file.

    `claims` and `lines` are the rows one after the other in one list each: many small rows would cost the collector of
    garbage more time than reading costs.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self.procedures = fields.procedures()
        self.pointers = fields.pointers()
        self.claims: list[object] = []
        self.lines: list[object] = []
        self.claim_count = 0

    def __len__(self) -> int:
        return len(self.lines) // LINE_WIDTH

    def add(self, claim: ClaimRow) -> None:
        """Add a claim, of which at least one line was added before."""
        self.claims += claim
        self.claim_count += 1

    def take(self) -> pa.RecordBatch:
        """Return what has come together since the last time and empty it. No claim may be half added."""
        string, whole = pa.string(), pa.int32()
        of_line = pa.array(self.lines[0::LINE_WIDTH], whole)

        def common(name: str, kind: pa.DataType = string) -> pa.Array:
            return _array(self.claims[ClaimRow._fields.index(name) :: CLAIM_WIDTH], kind).take(of_line)

        def own(name: str, kind: pa.DataType = string) -> pa.Array:
            return _array(self.lines[LineRow._fields.index(name) :: LINE_WIDTH], kind)

        procedure = _spread(self.procedures.members, self.procedures.width, own("procedure", whole), string)
        pointer = _spread(self.pointers.members, self.pointers.width, own("pointers", whole), whole)
        codes = self.claims[ClaimRow._fields.index("diagnoses") :: CLAIM_WIDTH]
        diagnosis = _spread(codes, DIAGNOSES, of_line, string)
        day = pc.subtract(own("day", whole), pa.scalar(fields.EPOCH, whole)).view(pa.date32())
        cents = own("charge", pa.int64())
        cents = pc.if_else(pc.equal(cents, fields.NO_CHARGE), pa.scalar(None, pa.int64()), cents)
        arrays = [
            common("claim_id"),
            own("number", whole),
            common("claim_type"),
            common("person_id"),
            common("payer"),
            own("place_of_service"),
            common("bill_type"),
            day,
            *procedure,
            _decimal(own("units", pa.int64()), SCHEMA.field("service_unit_quantity").type),
            _decimal(cents, SCHEMA.field("charge_amount").type),
            own("rendering_npi"),
            common("billing_npi"),
            *diagnosis,
            *pointer,
            own("state"),
            own("authorization"),
            pa.repeat(pa.scalar(self.file, whole), len(of_line)),
            own("place", pa.int64()),
            common("filing_indicator"),
            own("basis"),
            own("referral"),
            own("control"),
        ]
        self.claims, self.lines, self.claim_count = [], [], 0
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)

    def forget(self) -> bool:
        """After `take`: drop the numberings that have grown large; numbers given before then mean nothing any more."""
        forgotten = [kept.forget() for kept in (self.procedures, self.pointers)]
        return any(forgotten)


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    """Return values as Arrow; texts are checked to be UTF-8 all at once, which is quicker than one by one."""
    if kind == pa.string():
        return pa.array(values, pa.binary()).cast(kind)
    return pa.array(values, kind)


def _spread(sets: Sequence[Any], width: int, numbers: pa.Array, kind: pa.DataType) -> list[pa.Array]:
    """Return a column for each place in the sets (tuples of different lengths), by the number of each row's set."""
    columns = [_array(column, kind).take(numbers) for column in zip_longest(*sets)]
    nothing = pa.nulls(len(numbers), kind)
    return [*columns, *[nothing] * (width - len(columns))]


def _decimal(scaled: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return whole numbers of the last decimal as decimals, without a detour over text or objects of Python."""
    wide = scaled.cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(kind, len(wide), wide.buffers(), wide.null_count)
