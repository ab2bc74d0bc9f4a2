"""Writes claim lines as X12 837P (005010X222A1) with a valid envelope. Names and addresses, which are not carried, are absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from facetwise.claims.columns import DIAGNOSES, MODIFIERS, POINTERS, PROFESSIONAL
from facetwise.claims.writing import Row, claims, plain, same, whole
from facetwise.problems import FacetwiseError, Problem

# The guide recommends no more claims in a transaction.
CLAIMS_IN_TRANSACTION = 5_000
_DELIMITERS = "*:~^\r\n"
_ICD10 = date(2015, 10, 1)
_IN_HI = 12
_VERSION = "005010X222A1"


def write_837p(path: Path, batches: Iterable[pa.RecordBatch], *, at: datetime, test: bool = False) -> int:
    """Write professional claim lines as one interchange, dated `at`; return how many lines.

    The lines of a claim must follow each other. Raises FacetwiseError for what an 837P cannot hold: an institutional claim, a
    fifth modifier, a delimiter in a value.
    """
    count = 0
    with whole(path) as file:
        writer = _Interchange(str(path), at, test)
        file.write(_text(writer.begin()))
        for rows in claims(batches):
            file.write(_text(writer.claim(rows)))
            count += len(rows)
        file.write(_text(writer.end()))
    return count


def _text(segments: Iterable[str]) -> bytes:
    return "".join(f"{segment}~\n" for segment in segments).encode("utf-8")


class _Interchange:
    """Counts what stands in the envelope."""

    def __init__(self, name: str, at: datetime, test: bool) -> None:
        self._name = name
        self._at = at
        self._test = test
        self._transactions = 0
        self._segments = 0
        self._claims = 0
        self._level = 0
        self._provider_level = 0
        self._provider: tuple[object, ...] | None = None

    def begin(self) -> Iterator[str]:
        day, hour = self._at.strftime("%Y%m%d"), self._at.strftime("%H%M")
        blank = " " * 10
        yield (
            f"ISA*00*{blank}*00*{blank}*ZZ*{'SENDER':15}*ZZ*{'RECEIVER':15}*{day[2:]}*{hour}*^*00501*000000001*0*"
            f"{'T' if self._test else 'P'}*:"
        )
        yield f"GS*HC*SENDER*RECEIVER*{day}*{hour}*1*X*{_VERSION}"

    def end(self) -> Iterator[str]:
        yield from self._end_transaction()
        yield f"GE*{self._transactions}*1"
        yield "IEA*1*000000001"

    def claim(self, rows: list[Row]) -> Iterator[str]:
        self._check(rows)
        if self._claims >= CLAIMS_IN_TRANSACTION:
            yield from self._end_transaction()
        if not self._segments:
            yield from self._counted(self._begin_transaction())
        yield from self._counted(self._claim(rows))
        self._claims += 1

    def _counted(self, segments: Iterable[str]) -> Iterator[str]:
        for segment in segments:
            self._segments += 1
            yield segment

    def _begin_transaction(self) -> Iterator[str]:
        self._transactions += 1
        self._level, self._claims, self._provider = 0, 0, None
        day = self._at.strftime("%Y%m%d*%H%M")
        yield f"ST*837*{self._transactions:04}*{_VERSION}"
        yield f"BHT*0019*00*{self._transactions}*{day}*CH"
        yield "NM1*41*2*SUBMITTER*****46*SENDER"
        yield "PER*IC*SUBMITTER*TE*0000000000"
        yield "NM1*40*2*RECEIVER*****46*RECEIVER"

    def _end_transaction(self) -> Iterator[str]:
        if self._segments:
            yield f"SE*{self._segments + 1}*{self._transactions:04}"
            self._segments = 0

    def _claim(self, rows: list[Row]) -> Iterator[str]:
        first = rows[0]
        state = same(rows, "state")
        if (first["billing_npi"], state) != self._provider:
            self._provider = first["billing_npi"], state
            self._level += 1
            self._provider_level = self._level
            yield f"HL*{self._level}**20*1"
            yield _named("85", first["billing_npi"])
            if state:
                yield f"N4**{state}"
        self._level += 1
        yield f"HL*{self._level}*{self._provider_level}*22*0"
        yield f"SBR*P*18*******{first['claim_filing_indicator_code'] or ''}".rstrip("*")
        yield f"NM1*IL*1******MI*{first['person_id']}" if first["person_id"] else "NM1*IL*1"
        yield f"NM1*PR*2*{first['payer'] or ''}".rstrip("*")
        charge = plain(sum(row["charge_amount"] or 0 for row in rows))
        place = first["place_of_service_code"] or ""
        yield f"CLM*{first['claim_id']}*{charge}***{place}:B:1*Y*A*Y*Y"
        for kind, name in (("9F", "referral_number"), ("G1", "prior_authorization_number")):
            if same(rows, name):
                yield f"REF*{kind}*{first[name]}"
        yield from _diagnoses(first)
        rendering = same(rows, "rendering_npi")
        if rendering:
            yield _named("82", rendering)
        for row in rows:
            yield from _line(row, rows, place)

    def _check(self, rows: list[Row]) -> None:
        for row in rows:
            if row["claim_type"] != PROFESSIONAL:
                raise FacetwiseError(Problem(self._name, 0, "an institutional claim", "professional claims in an 837P"))
            if row[f"hcpcs_modifier_{MODIFIERS}"]:
                raise FacetwiseError(Problem(self._name, 0, "a line with five modifiers", "at most four in an 837P"))
            for value in row.values():
                if isinstance(value, str) and any(sign in value for sign in _DELIMITERS):
                    raise FacetwiseError(
                        Problem(self._name, 0, "a value with one of the signs * : ~ ^ or a line break", "none of them")
                    )


def _named(entity: str, npi: str | None) -> str:
    return f"NM1*{entity}*2******XX*{npi}" if npi else f"NM1*{entity}*2"


def _diagnoses(row: Row) -> Iterator[str]:
    codes = [code for number in range(1, DIAGNOSES + 1) if (code := row[f"diagnosis_code_{number}"])]
    edition = "A" if row["claim_line_start_date"] >= _ICD10 else ""
    kinds = [f"{edition}BK", *[f"{edition}BF"] * (len(codes) - 1)]
    composites = [f"{kind}:{code}" for kind, code in zip(kinds, codes, strict=False)]
    for begin in range(0, len(composites), _IN_HI):
        yield "*".join(["HI", *composites[begin : begin + _IN_HI]])


def _line(row: Row, rows: list[Row], place: str) -> Iterator[str]:
    modifiers = [row[f"hcpcs_modifier_{number}"] or "" for number in range(1, MODIFIERS)]
    procedure = ":".join(["HC", row["hcpcs_code"], *modifiers]).rstrip(":")
    pointers = [
        str(row[f"diagnosis_pointer_{number}"])
        for number in range(1, POINTERS + 1)
        if row[f"diagnosis_pointer_{number}"]
    ]
    charge = "" if row["charge_amount"] is None else plain(row["charge_amount"])
    own = row["place_of_service_code"] or ""
    elements = ["SV1", procedure, charge, row["unit_basis"] or "UN", plain(row["service_unit_quantity"])]
    elements += [own if own != place else "", "", ":".join(pointers)]
    yield f"LX*{row['claim_line_number']}"
    yield "*".join(elements).rstrip("*")
    yield f"DTP*472*D8*{row['claim_line_start_date']:%Y%m%d}"
    for kind, name in (("9F", "referral_number"), ("G1", "prior_authorization_number")):
        if row[name] and not same(rows, name):
            yield f"REF*{kind}*{row[name]}"
    if row["line_control_number"]:
        yield f"REF*6R*{row['line_control_number']}"
    if row["rendering_npi"] and not same(rows, "rendering_npi"):
        yield _named("82", row["rendering_npi"])
    if row["state"] and not same(rows, "state"):
        yield "NM1*77*2"
        yield f"N4**{row['state']}"
