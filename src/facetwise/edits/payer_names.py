"""Which payer of the knowledge a claim means by the payer that it writes, and so which book its lines go by."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Payer
from facetwise.problems import FacetwiseError, Problem, did_you_mean

_COLUMNS = ("claim_payer", "payer")
_FILING = "formats/claim-filing-indicators"


class PayerNames:
    """Turns what a claim writes into a payer id, and with the state into a book; '' and book 0 where nothing tells.

    In this order: the id or title of a payer, whatever the case; the map of the user; the claim filing indicator, where the
    knowledge says which payer it stands for; the payer that is to be taken where nothing else tells (`default`).
    """

    def __init__(
        self,
        knowledge: Knowledge,
        books: Iterable[tuple[str, str, int]],
        mapped: Mapping[str, str] | None = None,
        default: str = "",
    ):
        self._names: dict[str, str] = {}
        ids = set()
        for thing in knowledge.store.things.values():
            for dated in thing.history:
                if thing.kind == "payer" and isinstance(dated.value, Payer):
                    ids.add(thing.slug)
                    self._names.setdefault(dated.value.title.casefold(), thing.slug)
        self._names.update({one.casefold(): one for one in ids})
        self._mapped = {written.casefold(): payer for written, payer in (mapped or {}).items()}
        self._filing: dict[str, str] = {}
        if _FILING in knowledge.store.tables:
            for _, record in knowledge.store.tables[_FILING].records():
                if record["payer"]:
                    self._filing[str(record["indicator"])] = str(record["payer"])
        for payer in {default, *self._mapped.values()} - {"", *ids}:
            raise FacetwiseError(
                Problem("", 0, f"{payer!r} is no payer of the knowledge", "a payer's id", did_you_mean(payer, ids))
            )
        self._default = default
        self._books = {(payer, state): book for payer, state, book in books}

    def payer(self, written: str, filing: str = "") -> str:
        """Return the id of the payer that a claim means, or ''."""
        name = written.strip().casefold()
        return self._names.get(name) or self._mapped.get(name) or self._filing.get(filing) or self._default

    def book(self, written: str, filing: str, state: str) -> int:
        """Return the book of a line."""
        payer = self.payer(written, filing)
        return self._books.get((payer, state)) or self._books.get((payer, ""), 0)

    def resolve(self, asked: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
        """Return each (payer, filing indicator, state) with its book."""
        return [(*one, self.book(*one)) for one in asked]


def read_map(path: Path) -> dict[str, str]:
    """Read the user's map from what claims write to payer ids: a CSV with the columns claim_payer and payer.

    Raises FacetwiseError with the row that cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise FacetwiseError(
            Problem(str(path), 0, f"it cannot be read: {error.__class__.__name__}", "a CSV in UTF-8")
        ) from None
    if not rows or tuple(cell.strip() for cell in rows[0]) != _COLUMNS:
        raise FacetwiseError(Problem(str(path), 1, "another header", ",".join(_COLUMNS)))
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        if len(row) != len(_COLUMNS) or not all(cell.strip() for cell in row):
            raise FacetwiseError(Problem(str(path), number, f"{len(row)} cells", "claim_payer and payer, both filled"))
        found[row[0].strip()] = row[1].strip()
    return found
