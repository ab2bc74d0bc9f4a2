"""Tells the format of a claims file by what is in it, whatever its name ends in, and opens it, unpacked where it is gzipped."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from facetwise.claims.delimiters import read_header
from facetwise.claims.flat import is_flat_header
from facetwise.problems import FacetwiseError, Problem

Format = Literal["837", "fhir", "csv", "parquet"]
_HEAD = 1 << 16
_EXPECTED = (
    "an X12 837, FHIR claims (JSON or NDJSON), or CSV or Parquet with claim_id, hcpcs_code and the other columns"
)


class Found(NamedTuple):
    """A claims file: its path, its name for messages, its format, whether it is gzipped."""

    path: Path
    name: str
    format: Format
    packed: bool


def recognize(path: Path) -> Found:
    """Return what a file is. Raises FacetwiseError where it cannot be read or holds no claims."""
    name = str(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(Problem(name, 0, f"it cannot be read: {reason}", "a readable file")) from None
    packed = head.startswith(b"\x1f\x8b")
    if packed:
        try:
            with gzip.open(path) as unpacked:
                head = unpacked.read(_HEAD)
        except (OSError, EOFError) as error:
            raise FacetwiseError(Problem(name, 0, f"it cannot be unpacked: {error}", "a whole gzip file")) from None
    return Found(path, name, _format(name, head, packed), packed)


def _format(name: str, head: bytes, packed: bool) -> Format:
    if head.startswith(b"PAR1"):
        if packed:
            raise FacetwiseError(Problem(name, 0, "a gzipped Parquet file", "a Parquet file as it is", "unpack it"))
        return "parquet"
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b"ISA") or any(read_header(head[at:]) for at in _places(head, b"ISA")):
        return "837"
    if begin[:1] in (b"{", b"["):
        return "fhir"
    if is_flat_header(head):
        return "csv"
    raise FacetwiseError(Problem(name, 0, _what(head, begin), _EXPECTED))


def _places(head: bytes, sign: bytes) -> list[int]:
    places: list[int] = []
    at = head.find(sign)
    while at >= 0 and len(places) < 100:
        places.append(at)
        at = head.find(sign, at + 1)
    return places


def _what(head: bytes, begin: bytes) -> str:
    """Say what a file is instead, without repeating any of it."""
    if not begin:
        return "the file is empty"
    if head.startswith(b"PK"):
        return "a zip archive or a workbook"
    if head.startswith(b"%PDF"):
        return "a PDF"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text in UTF-16; save it as UTF-8"
    if begin[:1] == b"<":
        return "XML or HTML"
    return "no claims: neither an ISA segment, nor JSON, nor a header line with the columns of claim lines"


def opened(found: Found) -> BinaryIO:
    """Open a file from its beginning, unpacked."""
    if found.packed:
        return Unpacked(found.path)  # type: ignore[return-value]
    return found.path.open("rb")


class Unpacked(io.RawIOBase):
    """A gzipped file as it reads unpacked; where it ends early, so does what is read, and `cut` says so."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = gzip.open(path)  # noqa: SIM115
        self.cut = False

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except (EOFError, OSError):
            self.cut = True
            return b""

    def close(self) -> None:
        self._file.close()
        super().close()
