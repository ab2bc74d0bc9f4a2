"""The text of a policy, version by version: cleaned, kept on this machine only, and compared.

The texts hold what the AMA owns, so they stay in the user's own directory, closed to others, and nothing of them enters
the knowledge.
"""

from __future__ import annotations

import difflib
import html
import json
import os
import re
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from facetwise.problems import FacetwiseError, Problem

_BLOCKS = (
    *("p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "hr", "blockquote", "section", "article", "caption"),
    *("table", "thead", "tbody", "tr", "h1", "h2", "h3", "h4", "h5", "h6"),
)
_INLINE = (
    *("span", "strong", "b", "em", "i", "u", "a", "sup", "sub", "font", "small", "s", "strike", "center", "img"),
    *("td", "th", "col", "colgroup", "tfoot"),
)
_SILENT = ("script", "style", "head")
_ESCAPED_TAG = re.compile(r"&(?:amp;)*(?:lt|#60|#x3c);\s*/?\s*(" + "|".join(_BLOCKS + _INLINE) + r")\b", re.I)
_ESCAPED_SIGN = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_MOST_LAYERS = 6
CODES = "codes: "  # begins the name of a section that is a list of codes
_SENTENCE = re.compile(r"(?<=[.;:?!])\s+(?=[A-Z(\"“•])")


@dataclass(frozen=True, slots=True)
class PolicyText:
    """The cleaned text of one version of a policy, by field, one sentence a line."""

    identifier: str
    version: int
    sections: dict[str, str]


def plain_text(value: str) -> str:
    """Return HTML, escaped any number of times, as plain text with one sentence or list item a line."""
    for _ in range(_MOST_LAYERS):
        if not _ESCAPED_TAG.search(value):
            break
        value = html.unescape(value)
    reader = _Reader()
    reader.feed(value)
    reader.close()
    text = "".join(reader.parts)
    for _ in range(_MOST_LAYERS):
        if not _ESCAPED_SIGN.search(text):
            break
        text, before = html.unescape(text), text
        if text == before:
            break
    lines = []
    for line in text.split("\n"):
        words = " ".join(line.split())
        lines += [part for part in _SENTENCE.split(words) if part.strip(" -|")]
    return "\n".join(lines)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag in ("td", "th"):
            self.parts.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            # A line break in the source of HTML is a blank.
            self.parts.append(re.sub(r"\s+", " ", data))


def difference(older: PolicyText, newer: PolicyText) -> str:
    """Return the changed passages as a unified diff, field by field; "" when nothing changed."""
    found: list[str] = []
    for name in dict.fromkeys([*older.sections, *newer.sections]):
        if name.startswith(CODES) and not (name in older.sections and name in newer.sections):
            continue  # a list that could not be had is no list that was emptied
        before, after = older.sections.get(name, ""), newer.sections.get(name, "")
        found += difflib.unified_diff(
            before.splitlines(),
            after.splitlines(),
            f"{older.identifier} version {older.version}: {name}",
            f"{newer.identifier} version {newer.version}: {name}",
            n=1,
            lineterm="",
        )
    return "\n".join(found)


class TextStore:
    """The texts kept below a directory that only its owner may read."""

    def __init__(self, directory: Path):
        self.directory = directory

    def get(self, identifier: str, version: int) -> PolicyText | None:
        """Return the text of a version, if it is kept and readable."""
        try:
            held = json.loads(self._path(identifier, version).read_text("utf-8"))
            sections = {str(name): str(text) for name, text in held["sections"].items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None
        return PolicyText(identifier, version, sections)

    def newest_before(self, identifier: str, version: int) -> PolicyText | None:
        """Return the newest text kept of a version lower than `version`."""
        kept = (int(path.stem) for path in self._folder(identifier).glob("*.json") if path.stem.isdecimal())
        return next(
            (text for one in sorted(kept, reverse=True) if one < version and (text := self.get(identifier, one))), None
        )

    def keep(self, text: PolicyText) -> Path:
        """Write a text whole, readable by its owner only; return its path."""
        path = self._path(text.identifier, text.version)
        try:
            for folder in (self.directory, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            # mkstemp makes a file that nobody but its owner can read.
            handle, name = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(
                    {"identifier": text.identifier, "version": text.version, "sections": text.sections}, file, indent=1
                )
            Path(name).replace(path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FacetwiseError(Problem(str(path), 0, f"it cannot be written: {reason}")) from None
        return path

    def _folder(self, identifier: str) -> Path:
        # An identifier comes from the knowledge, but an overlay's author is not to choose where we write.
        return self.directory / re.sub(r"[^a-z0-9-]", "_", identifier.lower())

    def _path(self, identifier: str, version: int) -> Path:
        return self._folder(identifier) / f"{version}.json"
