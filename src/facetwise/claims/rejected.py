"""What could not be read: the reasons, by name, and where each stands. No reason repeats what the claim says of a person.

A value is never repeated in a reason either: in a row whose columns have slipped a date of service may be a date of birth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa

BYTE = "byte offset"
ROW = "row"
ITEM = "item"

# The reasons that stand for one service line, in the order in which they are looked for; the SQL of flat files uses the
# same names. A line with several faults is rejected for the first.
LINE_REASONS: dict[str, str] = {
    "no-claim-id": "there is no claim id",
    "claim-type": "the claim type is neither professional nor institutional",
    "line-number": "the line number is absent or no whole number from 1",
    "date": "the date of service is absent or cannot be read",
    "date-late": "the date of service is later than any that can be checked",
    "no-code": "a professional line has no procedure code",
    "code": "the procedure code is not five letters or digits",
    "units": "the units are absent or no number",
    "units-range": "the units are not above 0 and at most 99,999.999",
    "charge": "the charge is no amount in dollars",
    "charge-range": "the charge is negative or above 9,999,999,999.99",
    "pointer": "a diagnosis pointer is no number from 1 to 25",
}
_NUMBERS = {name: -1 - number for number, name in enumerate(LINE_REASONS)}
_NAMES = {number: name for name, number in _NUMBERS.items()}


def fault(name: str) -> int:
    """Return the negative number that stands for a reason where a value is a number; the first in order is the greatest."""
    return _NUMBERS[name]


def reason_of(*values: int) -> str:
    """Return the name of the first reason, in their order, among values of which at least one is negative."""
    return _NAMES[max(value for value in values if value < 0)]


class Rejected(NamedTuple):
    """What was refused instead of read.

    `file` is the index of the file, `place` and `place_kind` say where in it, `segment` the 837 segment or the path in a
    FHIR claim, `lines` how many service lines it stands for: 0 where only something was found wrong and nothing was lost.
    """

    file: int
    place: int
    place_kind: str
    segment: str | None
    claim_id: str | None
    lines: int
    reason: str


REJECTED_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("file", pa.int32(), False),
        pa.field("place", pa.int64(), False),
        pa.field("place_kind", pa.string(), False),
        pa.field("segment", pa.string()),
        pa.field("claim_id", pa.string()),
        pa.field("lines", pa.int64(), False),
        pa.field("reason", pa.string(), False),
    ]
)


@dataclass(slots=True)
class Quarantine:
    """Collects what was rejected; `take` hands it over and empties it, so that a reader of any size stays small."""

    records: list[Rejected] = field(default_factory=list)
    count: int = 0
    lines: int = 0

    def add(self, record: Rejected) -> None:
        """Keep one more."""
        self.records.append(record)
        self.count += 1
        self.lines += record.lines

    def take(self) -> pa.RecordBatch:
        """Return what has come together since the last time, as Arrow with `REJECTED_SCHEMA`."""
        records, self.records = self.records, []
        return as_batch(records)


def as_batch(records: Sequence[Rejected]) -> pa.RecordBatch:
    """Return rejected records as Arrow with `REJECTED_SCHEMA`."""
    columns: Iterable[Sequence[Any]] = zip(*records, strict=True) if records else [()] * len(REJECTED_SCHEMA)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, REJECTED_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTED_SCHEMA)


@dataclass(slots=True)
class Counts:
    """What was read so far: claims, service lines, lines rejected and rejected records. Lines in = lines + rejected_lines.

    `claims` counts the claims of which at least one line was read; None for CSV and Parquet, whose claims need not lie together.
    """

    claims: int | None = 0
    lines: int = 0
    rejected_lines: int = 0
    rejected: int = 0


def late_reason(last_day: date) -> str:
    """Return the reason of a date after the last day that can be checked, which it names."""
    return f"the date of service is after {last_day.isoformat()}, the last day that can be checked"
