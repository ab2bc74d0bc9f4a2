"""The repaired 837: the input byte for byte, but for the service lines that are repaired, their numbers, and the counts of segments.

A line is the loop that begins at its LX and holds the place of the line. What changes is the modifiers and the charge of its SV1 or SV2; a line that goes takes its loop with
it, one that comes is a copy of its sister at the end of the claim, without the sender's own number of the line (REF*6R), which must be unique.
The lines of such a claim are numbered anew (LX01), and SE01 of the transaction is put right.
"""

from __future__ import annotations

import mmap
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from facetwise.claims.delimiters import Delimiters, read_header
from facetwise.claims.recognize import Found, opened
from facetwise.problems import FacetwiseError, Problem

if TYPE_CHECKING:
    import duckdb

_SERVICES = (b"SV1", b"SV2")
_END_OF_CLAIM = (b"CLM", b"HL", b"SE", b"SBR", b"IEA", b"GE", b"ST")
_CODE_PARTS = 2  # qualifier and code come before the modifiers in the composite
_MOST = 4  # modifiers that it has room for


class New(NamedTuple):
    """A line's new modifiers and charge."""

    modifiers: tuple[str, ...]
    charge: Decimal | None


@dataclass(slots=True)
class _Claim:
    """What is repaired in one claim, by the places of its lines."""

    changed: dict[int, New] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[tuple[int, New]] = field(default_factory=list)


class _Segment(NamedTuple):
    start: int
    end: int  # with the terminator and the line break after it
    parts: list[bytes]


def write_repaired(found: Found, output: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write the repaired file, by the tables `changed`, `removed` and `added`.

    Two lines that differ in a segment that the claim-line table does not carry (a note, a drug) are not made one: they go to
    `left_alone`. Raises FacetwiseError where a line is not as it was read.
    """
    claims = _claims(connection)
    plain = found.path
    if found.packed:
        plain = output.with_name(f"{output.name}.plain")
        with opened(found) as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    with (
        plain.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        output.open("wb") as target,
    ):
        done = 0
        headers = list(_headers(data))
        unlike = [claim_id for claim_id, claim in claims.items() if not _alike(data, claim, headers)]
        _leave(connection, unlike)
        left = [claim for claim_id, claim in claims.items() if claim_id not in unlike]
        for start, end, content in sorted(_edits(found.name, data, left, headers)):
            target.write(data[done:start])
            target.write(content)
            done = end
        while done < len(data):
            target.write(data[done : done + (1 << 24)])
            done += 1 << 24


def _claims(connection: duckdb.DuckDBPyConnection) -> dict[str, _Claim]:
    found: dict[str, _Claim] = {}

    def rows(query: str) -> list[tuple[str, int, list[str], Decimal | None]]:
        return connection.execute(query).fetchall()

    for claim, place, modifiers, charge in rows("SELECT claim_id, place, mods, charge FROM changed"):
        found.setdefault(claim, _Claim()).changed[place] = New(tuple(modifiers), charge)
    for claim, place, *_ in rows("SELECT claim_id, place, NULL, NULL FROM removed"):
        found.setdefault(claim, _Claim()).removed.add(place)
    for claim, place, modifiers, charge in rows("SELECT claim_id, place, mods, charge FROM added ORDER BY new_number"):
        found.setdefault(claim, _Claim()).added.append((place, New(tuple(modifiers), charge)))
    return found


def _edits(
    name: str, data: mmap.mmap, claims: list[_Claim], headers: list[tuple[int, Delimiters]]
) -> Iterator[tuple[int, int, bytes]]:
    """Yield what is to stand in place of which bytes."""
    counts: dict[int, tuple[_Segment, int, Delimiters]] = {}
    for claim in claims:
        places = sorted({*claim.changed, *claim.removed})
        marks = _marks(headers, places[0])
        begin = _first_line(data, places[0], marks)
        loops, end = _loops(data, begin, marks)
        by_place = {place: loop for place in places for loop in loops if loop[0].start <= place < loop[-1].end}
        if set(by_place) != set(places):
            raise FacetwiseError(
                Problem(name, 0, f"no service line stands at byte {places[0]}", mend="is it the file that was checked?")
            )
        gone = [by_place[place] for place in claim.removed]
        values = {id(by_place[place]): value for place, value in claim.changed.items()}
        kept = [(loop, values.get(id(loop))) for loop in loops if loop not in gone]
        new = [(_copy(by_place[place]), value) for place, value in claim.added]
        content = b"".join(
            _line(data, loop, value, number, marks) for number, (loop, value) in enumerate([*kept, *new], 1)
        )
        yield begin, end, content
        before = sum(len(loop) for loop in loops)
        after = sum(len(loop) for loop, _ in [*kept, *new])
        trailer = _trailer(data, end, marks)
        if trailer is not None:
            seen = counts.get(trailer.start, (trailer, 0, marks))
            counts[trailer.start] = (trailer, seen[1] + after - before, marks)
    for trailer, difference, marks in counts.values():
        if difference and len(trailer.parts) > 1 and trailer.parts[1].isdigit():
            parts = [trailer.parts[0], b"%d" % (int(trailer.parts[1]) + difference), *trailer.parts[2:]]
            yield trailer.start, trailer.end, marks.element.join(parts) + _tail(data, trailer, marks)


def _marks(headers: list[tuple[int, Delimiters]], place: int) -> Delimiters:
    """Return the delimiters of the interchange that a place lies in."""
    return max((one for one in headers if one[0] <= place), key=lambda one: one[0])[1]


def _alike(data: mmap.mmap, claim: _Claim, headers: list[tuple[int, Delimiters]]) -> bool:
    """Whether each line that goes says nothing that a line which stays does not, but for its side and charge."""
    if not claim.removed:
        return True
    places = sorted({*claim.changed, *claim.removed})
    marks = _marks(headers, places[0])
    loops, _ = _loops(data, _first_line(data, places[0], marks), marks)
    said = {place: _rest(loop, marks) for place in places for loop in loops if loop[0].start <= place < loop[-1].end}
    return all(any(said.get(place) == said.get(other) for other in claim.changed) for place in claim.removed)


def _rest(loop: list[_Segment], marks: Delimiters) -> list[list[bytes]]:
    """Return what a line says beside its number, its modifiers and its charge."""
    found = []
    for segment in _copy(loop):
        parts = list(segment.parts)
        if parts[0] in _SERVICES:
            at = 1 if parts[0] == b"SV1" else 2
            code = parts[at].split(marks.component)
            parts = [*parts[:at], *code[:_CODE_PARTS], *code[_CODE_PARTS + _MOST :], *parts[at + 2 :]]
        if parts[0] != b"LX":
            found.append(parts)
    return found


def _leave(connection: duckdb.DuckDBPyConnection, claims: list[str]) -> None:
    """Take back what was to be done to these claims, and say why."""
    if not claims:
        return
    why = "the two lines differ in a segment that stands beside the service"
    connection.execute(
        "INSERT INTO left_alone SELECT file, place, claim_id, claim_line_number, 'bilateral-reporting', 'deny', $why FROM removed"
        " WHERE list_contains($claims, claim_id)",
        {"why": why, "claims": claims},
    )
    for table in ("changed", "removed", "added"):
        connection.execute(f"DELETE FROM {table} WHERE list_contains($claims, claim_id)", {"claims": claims})  # noqa: S608


def _headers(data: mmap.mmap) -> Iterator[tuple[int, Delimiters]]:
    """Yield where each interchange begins, with its delimiters."""
    place = data.find(b"ISA")
    while place >= 0:
        header = read_header(data[place : place + 512])
        if header is not None:
            yield place, header.delimiters
            place += header.length
        else:
            place += 3
        place = data.find(b"ISA", place)


def _segment(data: mmap.mmap, start: int, marks: Delimiters) -> _Segment | None:
    """Return the segment that begins at or after `start`, line breaks before it passed over."""
    while start < len(data) and data[start : start + 1] in (b"\r", b"\n", b" "):
        start += 1
    stop = data.find(marks.segment, start)
    if stop < 0:
        return None
    end = stop + 1
    while end < len(data) and data[end : end + 1] in (b"\r", b"\n"):
        end += 1
    return _Segment(start, end, data[start:stop].split(marks.element))


def _first_line(data: mmap.mmap, place: int, marks: Delimiters) -> int:
    """Return where the first LX of the claim begins whose line is at `place`: looked for backward, as far as the CLM."""
    pattern = re.compile(rb"(?:^|%s)[\r\n]*(LX|CLM)%s" % (re.escape(marks.segment), re.escape(marks.element)))
    width, first = 1 << 14, place
    while True:
        start = max(0, place - width)
        found = list(pattern.finditer(data[start:place]))
        claims = [one.start(1) for one in found if one[1] == b"CLM"]
        if claims or start == 0:
            after = claims[-1] if claims else 0
            lines = [start + one.start(1) for one in found if one[1] == b"LX" and one.start(1) > after]
            return min(lines, default=first)
        width *= 4


def _loops(data: mmap.mmap, begin: int, marks: Delimiters) -> tuple[list[list[_Segment]], int]:
    """Return the line loops of a claim, and where they end."""
    loops: list[list[_Segment]] = []
    at = begin
    while (segment := _segment(data, at, marks)) is not None:
        if segment.parts[0] in _END_OF_CLAIM:
            break
        if segment.parts[0] == b"LX":
            loops.append([])
        loops[-1].append(segment)
        at = segment.end
    return loops, at


def _copy(loop: list[_Segment]) -> list[_Segment]:
    return [one for one in loop if one.parts[:2] != [b"REF", b"6R"]]


def _line(data: mmap.mmap, loop: list[_Segment], new: New | None, number: int, marks: Delimiters) -> bytes:
    content = b""
    for segment in loop:
        parts = list(segment.parts)
        if parts[0] == b"LX":
            parts[1] = b"%d" % number
        elif new is not None and parts[0] in _SERVICES:
            at = 1 if parts[0] == b"SV1" else 2
            code = parts[at].split(marks.component)
            rest = code[_CODE_PARTS + _MOST :]
            modifiers = [modifier.encode() for modifier in new.modifiers[:_MOST]]
            room = [*modifiers, *[b""] * (_MOST - len(modifiers))] if any(rest) else modifiers
            parts[at] = marks.component.join([*code[:_CODE_PARTS], *room, *rest]).rstrip(marks.component)
            if new.charge is not None and len(parts) > at + 1:
                parts[at + 1] = _amount(new.charge)
        content += marks.element.join(parts) + _tail(data, segment, marks)
    return content


def _tail(data: mmap.mmap, segment: _Segment, marks: Delimiters) -> bytes:
    """Return the terminator of a segment and what stands after it."""
    stop = data.find(marks.segment, segment.start)
    return data[stop : segment.end]


def _amount(charge: Decimal) -> bytes:
    text = f"{charge:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).encode()


def _trailer(data: mmap.mmap, at: int, marks: Delimiters) -> _Segment | None:
    """Return the SE of the transaction that `at` lies in."""
    pattern = re.compile(rb"(?:^|%s)[\r\n]*(SE)%s" % (re.escape(marks.segment), re.escape(marks.element)))
    found = pattern.search(data, max(0, at - 3))
    return _segment(data, found.start(1), marks) if found else None
