"""From files to releases, before the catalog is touched: recognise, read, date, and gather what belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from facetwise.catalog import workbook
from facetwise.catalog.content import AGAIN, Content
from facetwise.catalog.kinds import KINDS, Kind
from facetwise.catalog.layouts.known import recognise
from facetwise.catalog.layouts.reading import Layout, Reading
from facetwise.catalog.members import Member
from facetwise.catalog.spans import Dated
from facetwise.problems import FacetwiseError, Problem

_FORMS = ("csv", "txt", "xlsx")  # the form that is taken, where one archive holds several of the same table
_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.I | re.S)
_KNOWN = "an official file of a kind that 'facetwise data status' lists, in a layout that docs/catalog.md describes"
_BINARY = {b"%PDF": "a PDF", b"\x1f\x8b": "gzip", b"PAR1": "Parquet", b"{\\rt": "an RTF document"}


@dataclass(slots=True)
class Options:
    """What the user says beside the files. `effective` is the first day, and the last where it is stated."""

    effective: tuple[date, date | None] | None = None
    kind: str | None = None
    participation: str = ""


@dataclass(slots=True)
class Prepared:
    """A release ready to be loaded: one kind, one first day, one file or several parts."""

    kind: Kind
    dated: Dated
    end: date
    stated_end: bool
    readings: list[Reading]
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the release is called."""
        return self.kind.release_name(self.dated.start, self.dated.precise)


def prepare(members: Sequence[Member], scratch: Path, options: Options) -> tuple[list[Prepared], list[str]]:
    """Return the releases in the files, and what of the archives is left aside. Raises FacetwiseError."""
    found: list[tuple[Content, Layout]] = []
    aside: list[str] = []
    for member in members:
        content = _recognised(member, scratch, options)
        if content is not None:
            found.append(content)
        elif member.archive:
            aside.append(f"{member.label}: not of a kind that the catalog holds")
        else:
            raise _unknown(member, scratch)
    barren = {member.archive for member in members if member.archive} - {one.member.archive for one, _ in found}
    for archive in sorted(barren):
        # A folder of an archive may hold only archives; what counts is that something inside is known.
        if not any(one.member.archive.startswith(archive) for one, _ in found):
            inside = [member.label.rpartition("!")[2] for member in members if member.archive == archive]
            raise _refuse(archive, f"nothing in the archive is recognised ({', '.join(inside[:6])})", _KNOWN)
    chosen, other_forms = _one_form(found)
    aside += other_forms
    readings = [layout.read(content) for content, layout in chosen]
    readings = [one for one in readings if _settled(one, options)]
    return _gather(readings, options), aside


def _recognised(member: Member, scratch: Path, options: Options) -> tuple[Content, Layout] | None:
    for content in _contents(member, scratch, options):
        try:
            layout = recognise(content)
        except workbook.WorkbookError as error:
            raise _refuse(content.label, f"the workbook cannot be read: {error}", "an .xlsx workbook", AGAIN) from None
        if layout:
            return content, layout
    return None


def _contents(member: Member, scratch: Path, options: Options) -> Iterable[Content]:
    if member.is_workbook:
        try:
            return [Content(member, scratch, sheet, options.participation) for sheet in workbook.sheets(member.path)]
        except (workbook.WorkbookError, KeyError) as error:
            raise _refuse(member.label, f"the workbook cannot be read: {error}", "an .xlsx workbook", AGAIN) from None
    with member.path.open("rb") as file:
        start = file.read(8192)
    if start.startswith(workbook.OLE):
        _refuse_ole(member)
    if _PAGE.match(start) and not member.archive:
        said = _TITLE.search(start)
        title = f' ("{" ".join(said.group(1).decode(errors="replace").split())[:80]}")' if said else ""
        raise _refuse(
            member.label,
            f"this is a web page{title}, not data",
            "the file itself",
            "follow the link on the page, or " + AGAIN,
        )
    if b"\0" in start or any(start.startswith(magic) for magic in (*_BINARY, b"PK")):
        return []
    return [Content(member, scratch, None, options.participation)]


def _refuse_ole(member: Member) -> None:
    if workbook.is_encrypted(member.path):
        raise _refuse(
            member.label, "the workbook is protected by a password", "a workbook without", "save it without password"
        )
    if not member.archive:
        raise _refuse(
            member.label,
            "a document in the old binary format of Office",
            "csv, txt or xlsx",
            "save it as .xlsx or .csv",
        )


def _unknown(member: Member, scratch: Path) -> FacetwiseError:
    with member.path.open("rb") as file:
        start = file.read(8)
    for magic, name in _BINARY.items():
        if start.startswith(magic):
            return _refuse(member.label, f"this is {name}", _KNOWN)
    if member.is_workbook:
        return _refuse(member.label, "no sheet of this workbook is of a known kind", _KNOWN)
    lines = [line.strip() for line in Content(member, scratch).head_lines if line.strip()]
    shown = f"; it begins {lines[0][:60]!r}" if lines and b"\0" not in start else ""
    return _refuse(member.label, f"not of a known kind{shown}", _KNOWN)


def _one_form(found: list[tuple[Content, Layout]]) -> tuple[list[tuple[Content, Layout]], list[str]]:
    """Keep one form of each kind in an archive: CMS ships the same table as csv, txt and xlsx side by side."""
    groups: dict[tuple[str, str], list[tuple[Content, Layout]]] = {}
    for one in found:
        # A plain file stands for itself.
        groups.setdefault((one[0].member.archive or one[0].label, one[1].kind), []).append(one)
    chosen, aside = [], []
    for group in groups.values():
        forms = {content.form for content, _ in group}
        best = max(forms, key=lambda form: (sum(one.form == form for one, _ in group), -_FORMS.index(form)))
        for content, layout in group:
            if content.form == best:
                chosen.append((content, layout))
            else:
                aside.append(f"{content.label}: the same table in another form ({content.form}); {best} is loaded")
    return chosen, aside


def _settled(reading: Reading, options: Options) -> bool:
    """Settle what the content leaves open, and say whether the reading is asked for. Raises FacetwiseError."""
    wanted = options.kind
    if reading.alternatives:
        if wanted in reading.alternatives:
            reading.kind = wanted
        elif wanted is None:
            raise reading.content.refuse(
                f"the content does not say whether this is {' or '.join(reading.alternatives)} ({reading.hint})",
                "to be told",
                "say it with " + " or ".join(f"--kind {one}" for one in reading.alternatives),
            )
    if wanted in (None, reading.kind):
        return True
    if reading.content.member.archive:
        return False
    raise reading.content.refuse(f"recognised as {reading.kind}", f"{wanted}, as --kind says")


def _gather(readings: list[Reading], options: Options) -> list[Prepared]:
    quarters = _archive_dates(readings)
    grouped: dict[tuple[str, date], Prepared] = {}
    undated: dict[str, list[Reading]] = {}
    for reading in readings:
        undated.setdefault(reading.kind, []).append(reading)
    for kind_name, of_kind in undated.items():
        kind = KINDS[kind_name]
        # Parts of one table in one call share the newest date of any of them.
        pooled = _pooled(of_kind) if kind.parts == "range" and options.effective is None else None
        for reading in of_kind:
            dated = pooled or _date(reading, quarters.get(reading.content.member.archive), options)
            stated = options.effective[1] if options.effective else None
            end = stated or kind.period_end(dated.start)
            prepared = grouped.setdefault((kind_name, dated.start), Prepared(kind, dated, end, stated is not None, []))
            _add_part(prepared, reading)
    return list(grouped.values())


def _pooled(readings: list[Reading]) -> Dated:
    found = [dated for one in readings if one.date_of and (dated := one.date_of())]
    if not found:
        raise _undated(readings[0])
    return max(found, key=lambda dated: dated.start)


def _archive_dates(readings: list[Reading]) -> dict[str, Dated]:
    """Return the quarter of each archive whose dated files agree on one; files without a date take it over."""
    said: dict[str, set[date]] = {}
    for one in readings:
        if one.content.member.archive and one.dated and one.dated.precise:
            said.setdefault(one.content.member.archive, set()).add(one.dated.start)
    return {
        archive: Dated(next(iter(days)), True, "the other files of its archive")
        for archive, days in said.items()
        if len(days) == 1
    }


def _date(reading: Reading, archive: Dated | None, options: Options) -> Dated:
    own = reading.dated
    if own and not own.precise and archive and archive.start.year == own.start.year:
        own = archive
    if options.effective:
        start = options.effective[0]
        if reading.dated and reading.dated.start.year != start.year and not KINDS[reading.kind].reaches_back:
            raise reading.content.refuse(
                f"--effective says {start.isoformat()}, but {reading.dated.says} says {reading.dated.start.year}",
                "a first day in the year that the content names",
            )
        return Dated(start, True, "--effective")
    dated = own or archive
    if dated is None:
        raise _undated(reading)
    return dated


def _undated(reading: Reading) -> FacetwiseError:
    name = Path(reading.content.label).name
    suggested = _from_name(name)
    hint = f" ({reading.hint})" if reading.hint and not reading.alternatives else ""
    return reading.content.refuse(
        f"recognised as {reading.kind}, but the content does not say from which day it holds{hint}",
        "to be told",
        f"say it with --effective {suggested.isoformat()}, if its name is right"
        if suggested
        else "say it with --effective FROM, such as --effective 2026-07-01",
    )


def _from_name(name: str) -> date | None:
    """Return the day that a file's name suggests: for messages only, never to load by."""
    found = re.search(r"(\d\d)-(\d\d)-(20\d\d)", name)
    try:
        return date(int(found.group(3)), int(found.group(1)), int(found.group(2))) if found else None
    except ValueError:
        return None


def _add_part(prepared: Prepared, reading: Reading) -> None:
    for other in prepared.readings:
        same = other.content.member.sha256 == reading.content.member.sha256
        if same:
            prepared.notes.append(f"{reading.content.label}: the same file as {other.content.label}")
            return
        if not _apart(prepared.kind, other, reading):
            raise reading.content.refuse(
                f"{other.content.label} is also {prepared.kind.name} from {prepared.dated.start.isoformat()}",
                "one file for a release" + (" or parts that do not overlap" if prepared.kind.parts else ""),
                "load one of them, or say with --effective from when each holds",
            )
    prepared.readings.append(reading)


def _apart(kind: Kind, one: Reading, other: Reading) -> bool:
    if kind.parts == "participation":
        return "all" not in (one.part, other.part) and one.part != other.part
    if kind.parts == "range":
        return one.last < other.first or other.last < one.first
    return False


def _refuse(label: str, found: str, expected: str = "", mend: str = "") -> FacetwiseError:
    return FacetwiseError(Problem(label, 0, found, expected, mend))
