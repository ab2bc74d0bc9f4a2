"""The files to load: plain ones, and those inside archives, nested ones too, unpacked into a scratch directory."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facetwise.problems import FacetwiseError, Problem

_CHUNK = 1 << 20
_DEEPEST = 4
_MOST_FILES = 2000
_MOST_BYTES = 8 << 30
_WORKBOOK = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of content. `label` names it for people; `archive` is the archive it came from, "" for a plain file.

    `source` is the path or address it was given by, `source_sha256` the checksum of the file there; `sha256` is the
    content's own.
    """

    path: Path
    label: str
    archive: str
    source: str
    source_sha256: str
    sha256: str
    size: int
    is_workbook: bool


def members(paths: Sequence[Path], scratch: Path, sources: Mapping[Path, str] | None = None) -> list[Member]:
    """Return the content of the files, archives opened. Raises FacetwiseError for what cannot be opened."""
    found: list[Member] = []
    for path in dict.fromkeys(paths):
        source = (sources or {}).get(path, str(path))
        checksum = _checksum(path)
        if path.stat().st_size == 0:
            raise _refused(str(path), "the file is empty", "an official file, or an archive of such files")
        found.extend(_open(path, str(path), "", source, checksum, checksum, scratch, 0))
    return found


def _open(
    path: Path, label: str, archive: str, source: str, source_sha256: str, sha256: str, scratch: Path, depth: int
) -> Iterator[Member]:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic not in (b"PK\x03\x04", b"PK\x05\x06"):
        yield Member(path, label, archive, source, source_sha256, sha256, path.stat().st_size, False)
        return
    try:
        with zipfile.ZipFile(path) as opened:
            entries = opened.infolist()
            if any(entry.filename == "[Content_Types].xml" for entry in entries):
                is_workbook = any(entry.filename == _WORKBOOK for entry in entries)
                broken = opened.testzip() if is_workbook else None
                if broken:
                    raise _refused(label, f"the part {broken} of the workbook is damaged", "a whole file", _AGAIN)
                yield Member(path, label, archive, source, source_sha256, sha256, path.stat().st_size, is_workbook)
                return
            if depth >= _DEEPEST:
                raise _refused(label, f"archives nested more than {_DEEPEST} deep", "archives as CMS ships them")
            _measure(label, entries)
            for number, entry in enumerate(entries):
                if entry.is_dir() or entry.file_size == 0 or entry.filename.startswith("__MACOSX/"):
                    continue
                if entry.flag_bits & 1:
                    raise _refused(
                        label,
                        f"{entry.filename} is protected by a password",
                        "an archive without",
                        "unpack it yourself",
                    )
                # The name in the archive is never used as a path: it might lead out of the directory.
                target = scratch / f"{sha256[:16]}-{depth}-{number}"
                inner = _extract(opened, entry, target)
                yield from _open(
                    target, f"{label}!{entry.filename}", label, source, source_sha256, inner, scratch, depth + 1
                )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        reason = str(error).rstrip(".") or "it ends too early"
        if "not a zip file" in reason:
            reason = "its list of contents, which stands at the end, is missing"
        raise _refused(label, f"the archive is damaged or cut short ({reason})", "a whole zip file", _AGAIN) from None


_AGAIN = "download it again"


def _measure(label: str, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > _MOST_BYTES:
        raise _refused(
            label,
            f"{len(entries)} files of {sum(entry.file_size for entry in entries) >> 20} MB in all",
            f"an archive of at most {_MOST_FILES} files and {_MOST_BYTES >> 20} MB",
        )


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    digest = hashlib.sha256()
    left = entry.file_size
    with opened.open(entry) as inside, target.open("wb") as file:
        while chunk := inside.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile(f"{entry.filename} is longer than the archive says")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _checksum(path: Path) -> str:
    try:
        if path.is_dir():
            raise _refused(str(path), "this is a directory", "a file", f"name the files: {path}/*")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _refused(str(path), f"it cannot be read: {reason}", "a readable file") from None


def _refused(label: str, found: str, expected: str = "", mend: str = "") -> FacetwiseError:
    return FacetwiseError(Problem(label, 0, found, expected, mend))
