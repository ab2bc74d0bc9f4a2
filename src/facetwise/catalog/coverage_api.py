"""The CMS Coverage API: pages of reports, documents under its licence, and fields read whatever their spelling.

Field names are known from client code in public repositories only [coverage-api-clients, precertly-coverage-client], so
each is looked for under several names, and what is not found is noted, not guessed.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from facetwise.catalog.transport import PassingError, Patience, ask, check_address, gave_up, refusal
from facetwise.problems import FacetwiseError, Problem

LICENSE = "/metadata/license-agreement/"
TERMS = (
    "The texts of local coverage documents hold codes and descriptions of the American Medical Association (CPT), the "
    "American Dental Association (CDT) and the American Hospital Association (UB-04). CMS gives them out to whoever "
    "accepts the licence terms of the three; asking the API for a token accepts them."
)
_TOKEN_SECONDS = 55 * 60  # a token is good for one hour; a little less, so that none ends on its way
PER_SECOND = 4.0  # far below what the API allows [coverage-api-notes-2026]; a watch asks some dozens of questions
_MOST_PAGES = 1000
_MOST_BYTES = 200_000_000
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")

FIELDS: dict[str, tuple[str, ...]] = {
    "identifier": ("document_display_id", "display_id"),
    "number": ("document_id", "lcd_id", "article_id", "id"),
    "version": ("document_version", "version", "lcd_version", "article_version", "ver"),
    "effective": ("effective_date", "rev_eff_date", "revision_effective_date", "eff_date"),
    "retirement": ("retirement_date", "retired_date", "end_date"),
    "updated": ("updated_on", "last_updated", "updated"),
    "note": ("note", "notes"),
    "title": ("title", "name", "document_title"),
    "contractor": ("contractor_name_type", "contractor_name", "contractor"),
    "url": ("url",),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A document as a report lists it. None or "": the report does not say."""

    identifier: str
    version: int | None
    effective: date | None
    retirement: date | None
    updated: date | None
    note: str
    title: str
    contractor: str
    url: str

    def retired_on(self, day: date) -> bool:
        """Whether it is no longer in force on `day`; its last day still counts."""
        return (self.retirement is not None and self.retirement < day) or "retired" in self.note.lower()


class Missing:
    """Fields that were looked for and not found, by where; for the report to its reader."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, list[str]]] = {}

    def add(self, where: str, field: str, names: tuple[str, ...], row: Mapping[str, Any]) -> None:
        """Note that `row` of `where` has `field` under none of `names`."""
        self._seen.setdefault(f"{where}: {field}", (", ".join(names), sorted(map(str, row))[:20]))

    def lines(self) -> list[str]:
        """Return what is missing, one sentence each."""
        return [
            f"{what} was not found (looked for {names}; there is {', '.join(there) or 'nothing'})"
            for what, (names, there) in sorted(self._seen.items())
        ]


class CoverageApi:
    """Asks the API at `base`, at most `per_second` times a second (else PER_SECOND).

    `accept` is called before the first token is asked for, and says whether the user accepts the licence terms; without
    a yes no document is asked for. The token stays in this object only.
    """

    def __init__(
        self,
        base: str,
        accept: Callable[[], bool],
        *,
        patience: Patience | None = None,
        per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.base = check_address(base.rstrip("/"))
        self.missing = Missing()
        self._accept = accept
        self._accepted: bool | None = None
        self._patience = patience or Patience()
        self._gap = 1 / (per_second or PER_SECOND)
        self._clock = clock
        self._last = float("-inf")
        self._token = ""
        self._token_until = float("-inf")

    def accepted(self) -> bool:
        """Whether the user accepts the licence terms; asked once."""
        if self._accepted is None:
            self._accepted = self._accept()
        return self._accepted

    def report(self, path: str, where: str) -> Iterator[Listed]:
        """Yield the documents that the public report at `path` lists, page after page."""
        for row in self.rows(path, {}, where):
            yield self._listed(row, where)

    def rows(
        self, path: str, query: Mapping[str, str], where: str, *, licensed: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of an answer of any number of pages. Raises FacetwiseError."""
        token, seen = "", set[str]()
        for _ in range(_MOST_PAGES):
            asked = {**query, "next_token": token} if token else query
            answer = self._json(path, asked, licensed=licensed)
            yield from self._data(answer, where)
            meta = answer.get("meta") if isinstance(answer, dict) else None
            found = field(meta, ("next_token",)) if isinstance(meta, dict) else None
            token = str(found or "")
            if not token:
                return
            if token in seen:
                raise FacetwiseError(Problem(self.base + path, 0, "the API names a page that it has already given"))
            seen.add(token)
        raise FacetwiseError(Problem(self.base + path, 0, f"the API gives more than {_MOST_PAGES} pages"))

    def _data(self, answer: Any, where: str) -> list[dict[str, Any]]:
        data = answer if isinstance(answer, list) else field(answer, ("data", "items", "results"))
        if data is None:
            self.missing.add(where, "the list of rows", ("data",), answer)
            return []
        return [row for row in (data if isinstance(data, list) else [data]) if isinstance(row, dict)]

    def _listed(self, row: dict[str, Any], where: str) -> Listed:
        found: dict[str, Any] = {}
        for name, names in FIELDS.items():
            if name not in ("identifier", "number") and not has(row, names):
                self.missing.add(where, name, names, row)
            found[name] = field(row, names)
        identifier = clean(found["identifier"]).upper()
        if not identifier:
            self.missing.add(where, "identifier", FIELDS["identifier"], row)
            # The number alone still finds a document, since a report lists one type only.
            identifier = clean(found["number"])
        return Listed(
            identifier,
            whole_number(found["version"]),
            day_of(found["effective"]),
            day_of(found["retirement"]),
            day_of(found["updated"]),
            clean(found["note"]),
            clean(found["title"]),
            clean(found["contractor"]),
            clean(found["url"]),
        )

    def _json(self, path: str, query: Mapping[str, str], *, licensed: bool) -> Any:
        url = self.base + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        tries = 0
        renewed = False
        while True:
            tries += 1
            secret = self._secret() if licensed else ""
            try:
                status, body = self._once(url, secret)
            except PassingError as failure:
                if tries >= self._patience.tries:
                    raise gave_up(url, failure, tries) from None
                self._patience.rest(tries, failure.after)
                continue
            if status == 401 and licensed and not renewed:
                self._token, renewed = "", True
                continue
            if status >= 300:
                raise refusal(url, status, "", None)
            return _parsed(url, body)

    def ready(self) -> None:
        """Have a token, so that documents can be asked for. Raises FacetwiseError when there is none to be had."""
        self._secret()

    def _secret(self) -> str:
        if not self.accepted():
            raise FacetwiseError(Problem(self.base, 0, "the licence terms are not accepted", mend="--accept-license"))
        if not self._token or self._clock() >= self._token_until:
            begun = self._clock()
            answer = self._json(LICENSE, {}, licensed=False)
            rows = self._data(answer, LICENSE) or [answer]
            self._token = clean(field(rows[0], ("token",)) or field(answer, ("token",)))
            if not self._token:
                raise FacetwiseError(Problem(self.base + LICENSE, 0, "the API gives no token", "data[0].Token"))
            self._token_until = begun + _TOKEN_SECONDS
        return self._token

    def _once(self, url: str, secret: str) -> tuple[int, bytes]:
        wait = self._last + self._gap - self._clock()
        if wait > 0:
            self._patience.sleep(wait)
        self._last = self._clock()
        try:
            with ask(url, {"Accept": "application/json"}, self._patience, secret) as answer:
                length = answer.headers.get("Content-Length") or ""
                body = answer.read(_MOST_BYTES)
                if length.isdecimal() and len(body) < int(length):
                    raise PassingError("the answer is cut short")
                return answer.status or 0, body
        except (OSError, http.client.HTTPException) as error:
            raise PassingError(f"the connection broke ({type(error).__name__})") from None


def _parsed(url: str, body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        kind = "a web page" if body.lstrip()[:1] == b"<" else "something that is not JSON"
        raise FacetwiseError(
            Problem(url, 0, f"{kind} came", "an answer of the CMS Coverage API", "check --api and any proxy on the way")
        ) from None
    if not isinstance(answer, dict | list):
        raise FacetwiseError(Problem(url, 0, "a bare value came", "an answer of the CMS Coverage API"))
    return answer


def field(row: Any, names: tuple[str, ...]) -> Any:
    """Return the value of the first of `names` that `row` has, whatever its case and underscores; None when it has none."""
    if not isinstance(row, dict):
        return None
    plain = {_plain(str(key)): value for key, value in row.items()}
    return next((plain[_plain(name)] for name in names if _plain(name) in plain), None)


def has(row: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Whether `row` has any of `names`."""
    return not {_plain(name) for name in names}.isdisjoint(_plain(str(key)) for key in row)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def clean(value: object) -> str:
    """Return a value as text on one line; "" for None."""
    return "" if value is None else " ".join(str(value).replace("\\r", " ").replace("\\n", " ").split())


def whole_number(value: object) -> int | None:
    """Return the whole number that `value` begins with: 27 for "27 (R8)"."""
    match = re.match(r"\s*[vR]?(\d+)", str(value if value is not None else ""))
    return int(match[1]) if match else None


def day_of(value: object) -> date | None:
    """Return the date that a text begins with (2026-09-17, 9/17/2026 or 20260917); None for anything else, such as N/A."""
    text = str(value or "").strip()
    try:
        if match := _ISO.match(text) or _COMPACT.match(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _AMERICAN.match(text):
            return date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        pass
    return None
