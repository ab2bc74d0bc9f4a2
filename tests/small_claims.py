"""Small claims for the tests: an 837 put together from its parts, and rows of the claim-line table."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from facetwise.claims.columns import NAMES, SCHEMA
from facetwise.claims.fhir import read_fhir
from facetwise.claims.rejected import Counts, Quarantine, Rejected
from facetwise.claims.x12 import read_837

LAST_DAY = date(2026, 12, 31)
ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260302*1147*^*00501*000000907*0*P*:"
GS = "GS*HC*S*R*20260302*1147*1*X*{version}"
HEAD = ("BHT*0019*00*1*20260302*1147*CH", "NM1*41*2*SUBMITTER*****46*123", "NM1*40*2*RECEIVER*****46*456")
BILLING = ("HL*1**20*1", "NM1*85*2*PAIN CLINIC*****XX*1234567893", "N3*1 MAIN ST", "N4*COLUMBUS*OH*43215")
SUBSCRIBER = ("HL*2*1*22*0", "SBR*P*18*******MB", "NM1*IL*1*DOE*JANE****MI*M1", "NM1*PR*2*MEDICARE*****PI*15202")
CLAIM = ("CLM*{id}*200***11:B:1*Y*A*Y*Y", "HI*ABK:M47816*ABF:M4726")
LINE = ("LX*{number}", "SV1*HC:64493:RT*100*UN*1***1", "DTP*472*D8*20260302")


class Got:
    """What was read: rows of the table, what was rejected, the counts."""

    def __init__(self, batches: Sequence[pa.RecordBatch], quarantine: Quarantine, counts: Counts) -> None:
        table = pa.Table.from_batches(batches, schema=SCHEMA)
        self.rows: list[dict[str, Any]] = table.to_pylist()
        self.rejected: list[Rejected] = quarantine.records
        self.counts = counts

    @property
    def reasons(self) -> list[str]:
        return [one.reason for one in self.rejected]

    def seen(self, *names: str) -> list[Any]:
        """The rows' values in these columns; bare where there is one column."""
        found: list[Any] = [tuple(row[name] for name in names) for row in self.rows]
        single: list[Any] = [one[0] for one in found]
        return single if len(names) == 1 else found


def got_837(content: bytes | str, read: Callable[[int], bytes] | None = None) -> Got:
    """Read an 837."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    quarantine, counts = Quarantine(), Counts()
    batches = list(read_837(read or io.BytesIO(data).read, 0, LAST_DAY, quarantine, counts))
    return Got(batches, quarantine, counts)


def got_fhir(content: bytes | str, read: Callable[[int], bytes] | None = None) -> Got:
    """Read FHIR claims."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    quarantine, counts = Quarantine(), Counts()
    batches = list(read_fhir(read or io.BytesIO(data).read, 0, LAST_DAY, quarantine, counts))
    return Got(batches, quarantine, counts)


def pieces(data: bytes, cuts: Sequence[int]) -> Callable[[int], bytes]:
    """Return a `read` that gives the data in pieces cut at these places, whatever size is asked for."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    parts: Iterator[bytes] = iter([data[a:b] for a, b in itertools.pairwise(places)])
    return lambda size: next(parts, b"")


def claim(claim_id: str = "C1", lines: int = 2, extra: Sequence[str] = ()) -> list[str]:
    """The segments of a claim with so many lines; `extra` stands before the lines."""
    head = [segment.format(id=claim_id) for segment in CLAIM]
    return [*head, *extra, *(part.format(number=number) for number in range(1, lines + 1) for part in LINE)]


def transaction(
    *body: str | Sequence[str], version: str = "005010X222A1", control: str = "0001", count: int | None = None
) -> list[str]:
    """ST to SE around the segments; the header stands before them."""
    segments = [f"ST*837*{control}*{version}", *HEAD]
    for part in body:
        segments += [part] if isinstance(part, str) else part
    return [*segments, f"SE*{count or len(segments) + 1}*{control}"]


def interchange(*transactions: Sequence[str], version: str = "005010X222A1", ends: str = "~\n") -> str:
    """ISA to IEA around transactions."""
    segments = [ISA, GS.format(version=version)]
    for one in transactions:
        segments += one
    segments += [f"GE*{len(transactions)}*1", "IEA*1*000000907"]
    return "".join(segment + ends for segment in segments)


def simple(*claims: Sequence[str], ends: str = "~\n") -> str:
    """One interchange with one transaction, one subscriber and these claims."""
    body = [segment for one in claims for segment in one]
    return interchange(transaction(BILLING, SUBSCRIBER, body), ends=ends)


def row(**values: Any) -> dict[str, Any]:
    """A row of the claim-line table."""
    full: dict[str, Any] = dict.fromkeys(NAMES)
    full |= {
        "claim_id": "C1",
        "claim_line_number": 1,
        "claim_type": "professional",
        "person_id": "M1",
        "payer": "MEDICARE",
        "place_of_service_code": "11",
        "claim_line_start_date": date(2026, 3, 2),
        "hcpcs_code": "64493",
        "service_unit_quantity": Decimal("1.000"),
        "charge_amount": Decimal("100.00"),
        "billing_npi": "1234567893",
        "diagnosis_code_1": "M47816",
        "file": 0,
        "place": 1,
    }
    return full | values


def table(rows: Sequence[dict[str, Any]]) -> list[pa.RecordBatch]:
    """Rows as record batches."""
    batches: list[pa.RecordBatch] = pa.Table.from_pylist(list(rows), schema=SCHEMA).to_batches()
    return batches


def written(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write rows of cells as a plain CSV, quoting nothing."""
    path.write_text("".join(",".join(one) + "\n" for one in rows), encoding="utf-8")
    return path
