"""An upload on its way in: a body as it is, or a form with files, written to private files piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request

from facetwise.web.check.messages import ANSWERS, ORDERS, SEVERITIES, Upload
from facetwise.web.check.private import private_file
from facetwise.web.trouble import RequestError, refused

FORM = "multipart/form-data"
_FILES = ("claims", "history")
_CHOICES = {"answer": ANSWERS, "severity": SEVERITIES, "order": ORDERS}
FIELDS = ("payer", "state", *_CHOICES)
_MOST_FILES = 8
_MOST_FIELD = 200
_MOST_HEADER = 2_000
_MOST_NAME = 80


class Received:
    """What came in: files of claims and of history, and the fields of a form. `begin` is called before the first file."""

    def __init__(self, place: Path, begin: Callable[[], None]):
        self._place = place
        self._begin = begin
        self.files: dict[str, list[Upload]] = {name: [] for name in _FILES}
        self.fields: dict[str, str] = {}

    def open(self, kind: str, name: str) -> tuple[Upload, Any]:
        """Return a new file of a kind, and that open for writing. Raises RequestError for too many."""
        held = self.files[kind]
        if len(held) >= _MOST_FILES:
            raise refused("wrong-input", f"more than {_MOST_FILES} files of {kind}", "fewer, larger files")
        if not any(self.files.values()):
            self._begin()
        label = kind if not held else f"{kind} {len(held) + 1}"
        path = self._place / f"{kind}-{len(held) + 1}"
        upload = Upload(str(path), _name(name) or label, label)
        held.append(upload)
        return upload, private_file(path)


async def receive(request: Request, place: Path, begin: Callable[[], None]) -> Received:
    """Write the body of a request to files in `place`; `begin` is called before the first.

    Raises RequestError, and ClientDisconnect where it breaks off.
    """
    media, _, _ = request.headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("identity", "gzip", ""):
        raise refused("wrong-type", "a body in another encoding than gzip", "Content-Encoding: gzip, or none")
    if media == "application/x-www-form-urlencoded":
        raise refused("wrong-type", f"a body of type {media}", f"the file as it is, or {FORM}")
    received = Received(place, begin)
    if media == FORM:
        await _form(request, received)
    else:
        _, file = received.open("claims", "")
        with file:
            async for piece in request.stream():
                file.write(piece)
    return received


async def _form(request: Request, received: Received) -> None:
    from python_multipart.multipart import MultipartParser, parse_options_header

    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise refused("not-readable", "the form has no boundary", FORM)
    parts = _Parts(received, parse_options_header)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        async for piece in request.stream():
            parser.write(piece)
        parser.finalize()
    except (RequestError, ClientDisconnect):
        raise
    except Exception:
        # What the parser says of a body could repeat it.
        raise refused("not-readable", "the form cannot be read", "the fields of the page's own form") from None
    finally:
        parts.close()
    if not parts.ended:
        raise refused("not-readable", "the form ends early", "the fields of the page's own form")


class _Parts:
    """Takes the parts of a form as the parser finds them."""

    def __init__(self, received: Received, options: Callable[[bytes], tuple[bytes, dict[bytes, bytes]]]):
        self._received = received
        self._options = options
        self._header = self._value = b""
        self._name = ""
        self._file: Any = None
        self._text: bytearray | None = None
        self._kind = self._filename = ""
        self.ended = False

    def callbacks(self) -> Any:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._field,
            "on_header_value": self._more,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._whole,
        }

    def close(self) -> None:
        """Close the file at hand."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._name = self._kind = self._filename = ""
        self._text = None

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._bound()

    def _more(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._bound()

    def _bound(self) -> None:
        if len(self._header) + len(self._value) > _MOST_HEADER:
            raise refused("not-readable", "a header of the form is too long", "the fields of the page's own form")

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = self._options(self._value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            if b"filename" in options:
                self._kind = self._name
                self._filename = options[b"filename"].decode("utf-8", "replace")
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        if self._kind:
            if self._kind not in _FILES:
                raise refused("wrong-input", "a file under another name", " or ".join(_FILES))
            return
        if self._name not in FIELDS:
            raise refused("wrong-input", "a field that is not known", ", ".join((*_FILES, *FIELDS)))
        if self._name in self._received.fields:
            raise refused("wrong-input", f"{self._name} stands there twice", "each once")
        self._text = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._text is not None:
            self._text += data[start:end]
            if len(self._text) > _MOST_FIELD:
                raise refused("wrong-input", f"{self._name} is too long", f"at most {_MOST_FIELD} bytes")
        elif end > start:
            if self._file is None:
                _, self._file = self._received.open(self._kind, self._filename)
            self._file.write(data[start:end])

    def _end(self) -> None:
        if self._text is not None:
            self._received.fields[self._name] = self._text.decode("utf-8", "replace").strip()
        elif self._filename and self._file is None:
            # A file was chosen and is empty: the reader says so.
            _, self._file = self._received.open(self._kind, self._filename)
        self.close()

    def _whole(self) -> None:
        self.ended = True


def _name(text: str) -> str:
    """Return the name that somebody gave to a file, without its path and what cannot be printed."""
    last = text.replace("\\", "/").rpartition("/")[2]
    plain = "".join(sign for sign in last if sign.isprintable()).strip()
    return plain if len(plain) <= _MOST_NAME else plain[: _MOST_NAME - 3] + "..."
