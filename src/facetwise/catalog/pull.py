"""`facetwise data pull`: which file holds a release, from where it is fetched, and its way into the catalog."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from facetwise.catalog.database import home_directory
from facetwise.catalog.download import Downloaded, Meter, download
from facetwise.catalog.transport import Patience
from facetwise.knowledge.store import Store
from facetwise.problems import FacetwiseError, Problem, did_you_mean

RELEASES = "catalog/releases"
_HEX = frozenset("0123456789abcdef")

Loader = Callable[[Sequence[Path]], Sequence[Any]]


class NotOfferedError(FacetwiseError):
    """No address of the file is established: the release has to be had by hand, from the page that the message names."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A release as the knowledge names it. `release` "": the page of every release of the kind; `url` "": not established."""

    kind: str
    release: str
    url: str
    page: str
    sha256: str
    also_named: tuple[str, ...]
    note: str
    start: date | None
    end: date | None
    sources: tuple[str, ...]

    def named(self, name: str) -> bool:
        """Whether this release bears that name."""
        return name == self.release or name in self.also_named


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought: the release where the knowledge names it, the file, and what the catalog made of it."""

    kind: str
    release: str
    file: Downloaded
    loaded: Sequence[Any]


def offers(store: Store) -> Iterator[Offer]:
    """Yield the releases that the knowledge names, in the order of its table."""
    table = store.tables.get(RELEASES)
    for row, record in table.records() if table else ():
        yield Offer(
            record["release_kind"],
            record["release"] or "",
            record["url"] or "",
            record["page"] or "",
            record["sha256"] or "",
            record["also_named"] or (),
            record["note"] or "",
            row.start,
            row.end,
            row.sources,
        )


def kinds(store: Store) -> list[str]:
    """Return the kinds of release that the knowledge names, sorted."""
    return sorted({offer.kind for offer in offers(store)})


def choose(store: Store, kind: str, day: date) -> Offer:
    """Return the release of `kind` that holds on `day` and whose address is established.

    Raises NotOfferedError, with the page to go to, when no address is.
    """
    of_kind = [offer for offer in offers(store) if offer.kind == kind]
    if not of_kind:
        known = kinds(store)
        raise FacetwiseError(
            Problem("", 0, f"{kind!r} is no kind of release", "one of " + ", ".join(known), did_you_mean(kind, known))
        )
    fitting = [one for one in of_kind if one.release and (one.start or date.min) <= day <= (one.end or date.max)]
    with_address = [one for one in fitting if one.url]
    if with_address:
        return max(with_address, key=lambda one: one.start or date.min)
    named = max(fitting, key=lambda one: one.start or date.min, default=None)
    general = next((one for one in of_kind if not one.release), None)
    page = next((one.page for one in (named, general) if one and one.page), "")
    what = f"the release of {kind} for {day.isoformat()}" + (f" ({named.release})" if named else "")
    notes = " ".join(one.note for one in (named, general) if one and one.note)
    raise NotOfferedError(
        Problem(
            "",
            0,
            f"no address of the file is established for {what}" + (f". {notes}" if notes else ""),
            f"a file downloaded by hand from {page}"
            if page
            else "a file from its publisher; no page is established either",
            "load what you save with 'facetwise data load FILE', or name its address with --url",
        )
    )


def pull(
    store: Store,
    kind: str,
    day: date,
    *,
    url: str = "",
    sha256: str = "",
    home: Path | None = None,
    load: Loader | None = None,
    meter: Callable[[str], Meter] | None = None,
    patience: Patience | None = None,
) -> Pulled:
    """Fetch the file of the release of `kind` that holds on `day` (or what `url` names) and load it into the catalog.

    `sha256` is what the file must have; left out, the knowledge's is taken, where it has one. The file stays below
    `home`/downloads with a record of address, checksum and time. Raises FacetwiseError; the catalog is then untouched.
    """
    known = kinds(store)
    if kind not in known:
        choose(store, kind, day)
    if sha256 and (len(sha256) != 64 or not set(sha256.lower()) <= _HEX):
        raise FacetwiseError(Problem("", 0, f"--sha256 {sha256!r} is no SHA-256 checksum", "64 hexadecimal digits"))
    release = ""
    if url:
        match = next((offer for offer in offers(store) if offer.kind == kind and offer.url == url), None)
    else:
        match = choose(store, kind, day)
        url = match.url
    if match:
        release, sha256 = match.release, sha256 or match.sha256
    name = urllib.parse.urlsplit(url).path.rpartition("/")[2] or kind
    file = download(
        url,
        (home or home_directory()) / "downloads",
        sha256=sha256,
        patience=patience,
        meter=meter(name) if meter else None,
    )
    return Pulled(kind, release, file, (load or _catalog_loader(kind, url, match))([file.path]))


def _catalog_loader(kind: str, url: str, offer: Offer | None) -> Loader:
    """Return the catalog's loader, told what the file is, from when it holds, and where it came from."""

    def load(paths: Sequence[Path]) -> Sequence[Any]:
        # Imported when needed: the loaders bring the database engine with them.
        load_files = import_module("facetwise.catalog").load_files
        effective = (offer.start, None) if offer is not None and offer.start is not None else None
        loaded: Sequence[Any] = load_files(paths, kind=kind, effective=effective, sources=dict.fromkeys(paths, url))
        return loaded

    return load
