"""A file fetched whole: resumed where it broke off, its length and checksum checked, never half-written."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from facetwise.catalog.transport import Answer, PassingError, Patience, ask, check_address, gave_up, refusal
from facetwise.problems import FacetwiseError, Problem

_CHUNK = 1 << 18
_SNIFFED = 1024
_MOST_TRIES = 50  # in all, however much each of them brings
_RECORD = "fetched.json"
_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.I | re.S)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Meter(Protocol):
    """What is told how far a download is, in bytes."""

    def at(self, done: int, total: int | None) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A fetched file. `fresh` False: what lay here was still the server's; `was` is the checksum of what it replaces."""

    path: Path
    url: str
    sha256: str
    size: int
    fetched_at: str
    fresh: bool = True
    was: str = ""


def download(
    url: str, folder: Path, *, sha256: str = "", patience: Patience | None = None, meter: Meter | None = None
) -> Downloaded:
    """Fetch `url` into its own folder below `folder`, or take what lies there when it is still what the server has.

    Raises FacetwiseError when the file cannot be had, is a web page, is cut short, or has another `sha256` than given;
    what is then left is nothing, or a part that the next call resumes.
    """
    place = _Place(check_address(url), folder)
    with place.locked():
        kept = place.kept()
        if kept and sha256 and kept.sha256 == sha256.lower():
            return kept
        try:
            return _Download(place, patience or Patience(), meter, kept).run(sha256.lower())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FacetwiseError(
                Problem(str(error.filename or place.folder), 0, f"it cannot be written: {reason}")
            ) from None
        finally:
            if meter:
                meter.end()
            place.tidy()


class _Place:
    """Where one address is kept: the file, its record, and while it is fetched the part and what the server said of it."""

    def __init__(self, url: str, folder: Path):
        self.url = url
        self.root = folder
        self.folder = folder / hashlib.sha256(url.encode()).hexdigest()[:12]
        name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
        self.name = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[:100] or "file"
        self.file = self.folder / f"whole-{self.name}" if self.name == _RECORD else self.folder / self.name
        self.part = self.folder / "part"
        self.said = self.folder / "part.json"
        self.record = self.folder / _RECORD

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this place alone; a second process is told so, and does not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "lock"
        with path.open("wb") as lock:
            if not _lock(lock):
                raise FacetwiseError(
                    Problem(self.url, 0, "another process is fetching this file", mend="wait until it is done")
                )
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    path.unlink()
                with contextlib.suppress(OSError):
                    self.folder.rmdir()

    def tidy(self) -> None:
        """Remove what the server said of a part that is not there."""
        if not self.part.exists():
            self.said.unlink(missing_ok=True)

    def kept(self) -> Downloaded | None:
        """Return the file that lies here whole, if it does."""
        try:
            held = json.loads(self.record.read_text("utf-8"))
            with self.file.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != held["sha256"] or held["url"] != self.url:
                return None
            return Downloaded(self.file, self.url, held["sha256"], held["size"], held["fetched_at"], fresh=False)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def validators(self, path: Path) -> dict[str, str]:
        """Return ETag and date as the server gave them with the whole file or with the part; empty when unknown."""
        try:
            held = json.loads(path.read_text("utf-8"))
            return {key: str(held[key]) for key in ("etag", "modified") if held.get(key)}
        except (OSError, ValueError, AttributeError):
            return {}

    def drop(self) -> None:
        """Forget the part."""
        self.part.unlink(missing_ok=True)
        self.said.unlink(missing_ok=True)

    def begun(self) -> int:
        """Return how many bytes of the part are here."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0


def _lock(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: two pulls of one file at once are then the user's to avoid
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Download:
    def __init__(self, place: _Place, patience: Patience, meter: Meter | None, kept: Downloaded | None):
        self.place = place
        self.patience = patience
        self.meter = meter
        self.kept = kept
        self.total: int | None = None

    def run(self, sha256: str) -> Downloaded:
        failures = tries = 0
        while True:
            before = self.place.begun()
            tries += 1
            try:
                changed = self._try()
                break
            except PassingError as failure:
                failures = 1 if self.place.begun() > before else failures + 1
                if failures >= self.patience.tries or tries >= _MOST_TRIES:
                    raise gave_up(self.place.url, failure, tries, self._how_far()) from None
                self.patience.rest(failures, failure.after)
        if not changed:
            assert self.kept is not None
            self.place.drop()
            if sha256 and self.kept.sha256 != sha256:
                raise _other_checksum(self.place.url, self.kept.sha256, sha256)
            return self.kept
        return self._finish(sha256)

    def _how_far(self) -> str:
        done = self.place.begun()
        if not done:
            return ""
        return f"{done:,}{f' of {self.total:,}' if self.total else ''} bytes are kept; run it again and it goes on from there"

    def _try(self) -> bool:
        """Fetch, or go on; return False when the server says that what lies here is still its file."""
        headers, start = self._headers()
        answer = ask(self.place.url, headers, self.patience)
        with answer:
            status = answer.status or 0
            if status == 304 and self.kept:
                return False
            if status == 416:
                return self._beyond(answer, start)
            if status == 206:
                start = self._resumed(answer, start)
            elif status == 200:
                start = 0
            else:
                raise refusal(self.place.url, status, answer.reason, None)
            self._receive(answer, start)
        return True

    def _headers(self) -> tuple[dict[str, str], int]:
        start = self.place.begun()
        said = self.place.validators(self.place.said)
        # A weak tag says that two files mean the same, not that their bytes are: no ground to glue them together.
        strong = said.get("etag", "") if not said.get("etag", "").startswith("W/") else ""
        condition = strong or said.get("modified", "")
        if start and condition:
            return {"Range": f"bytes={start}-", "If-Range": condition}, start
        self.place.drop()
        if self.kept:
            held = self.place.validators(self.place.record)
            named = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
            return {named[key]: value for key, value in held.items()}, 0
        return {}, 0

    def _beyond(self, answer: Answer, start: int) -> bool:
        total = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
        if start and total == str(start):
            return True  # the part was whole already
        self.place.drop()
        raise PassingError("the part kept from before does not fit the server's file")

    def _resumed(self, answer: Answer, start: int) -> int:
        match = _RANGE.fullmatch((answer.headers.get("Content-Range") or "").strip())
        if not match or int(match[1]) != start or start == 0:
            self.place.drop()
            raise PassingError("the server sends another part than was asked for")
        self.total = int(match[3]) if match[3].isdecimal() else None
        return start

    def _receive(self, answer: Answer, start: int) -> None:
        coding = (answer.headers.get("Content-Encoding") or "identity").lower()
        if coding != "identity":
            raise FacetwiseError(
                Problem(self.place.url, 0, f"the server sends it encoded as {coding}", "the file itself")
            )
        length = answer.headers.get("Content-Length") or ""
        expected = start + int(length) if length.isdecimal() else None
        if start == 0:
            self.total = expected
            etag, modified = answer.headers.get("ETag") or "", answer.headers.get("Last-Modified") or ""
            self.place.said.write_text(json.dumps({"etag": etag, "modified": modified}), "utf-8")
        done = start
        with self.place.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while chunk := self._head(answer) if done == 0 else self._read(answer):
                file.write(chunk)
                done += len(chunk)
                if self.meter:
                    self.meter.at(done, self.total)
        if any(wanted is not None and done != wanted for wanted in (expected, self.total)):
            whole = self.total if self.total is not None else expected
            raise PassingError(f"the file is cut short: {done:,} of {whole:,} bytes came")

    def _read(self, answer: Answer) -> bytes:
        try:
            # read1 hands over what has come, so that a connection that breaks loses nothing.
            return answer.read1(_CHUNK)
        except OSError as error:
            raise PassingError(f"the connection broke ({error.strerror or error})") from None
        except http.client.HTTPException as error:
            raise PassingError(f"the connection broke ({type(error).__name__})") from None

    def _head(self, answer: Answer) -> bytes:
        """Return the first bytes, enough to tell a web page from a file. Raises FacetwiseError on a page."""
        chunk = b""
        while len(chunk) < _SNIFFED and (more := self._read(answer)):
            chunk += more
        is_page = bool(_PAGE.match(chunk.removeprefix(b"\xef\xbb\xbf")))
        content_type = (answer.headers.get("Content-Type") or "").lower()
        if not is_page and (not content_type.startswith("text/html") or chunk.startswith(b"PK")):
            return chunk
        self.place.drop()
        title = _TITLE.search(chunk)
        words = " ".join(title[1].decode("utf-8", "replace").split())[:80] if title else ""
        raise FacetwiseError(
            Problem(
                self.place.url,
                0,
                f"a web page came instead of a file{f' ({words!r})' if words else ''}",
                "a zip, csv, txt or xlsx file",
                "open the address in a browser: it may ask to accept terms; load what you save with 'facetwise data load FILE'",
            )
        )

    def _finish(self, sha256: str) -> Downloaded:
        place = self.place
        with place.part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            os.fsync(file.fileno())
        if size == 0:
            place.drop()
            raise FacetwiseError(Problem(place.url, 0, "the server sends an empty file", "a file"))
        if sha256 and found != sha256:
            place.drop()
            raise _other_checksum(place.url, found, sha256)
        was = self.kept.sha256 if self.kept and self.kept.sha256 != found else ""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        done = Downloaded(place.file, place.url, found, size, now, was=was)
        record = {**asdict(done), **place.validators(place.said), "path": place.file.name}
        # The record goes first and comes back last: a record beside a file always speaks of that file.
        place.record.unlink(missing_ok=True)
        place.part.replace(place.file)
        fresh = place.folder / "record"
        fresh.write_text(json.dumps(record, indent=1), "utf-8")
        fresh.replace(place.record)
        place.drop()
        return done


def _other_checksum(url: str, found: str, wanted: str) -> FacetwiseError:
    return FacetwiseError(
        Problem(
            url,
            0,
            f"its sha256 is {found}",
            wanted,
            "nothing is kept; the publisher may have replaced the file: check on its page before you trust the new one",
        )
    )
