"""Which payer of the knowledge a claim means by what it writes: by id or title, a map of the user's, or the filing indicator."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from facetwise.knowledge.kinds import Payer
from facetwise.problems import FacetwiseError, Problem, did_you_mean

if TYPE_CHECKING:
    from facetwise.knowledge.store import Store

INDICATORS = "claims/filing-indicators"
_MAP_COLUMNS = ("claim_payer", "payer")


class Payers:
    """Resolves what claims write. `mapped` comes from `read_map`; `default` is for lines whose payer nothing else tells.

    Raises FacetwiseError for a default that the knowledge does not have.
    """

    def __init__(self, store: Store, mapped: Mapping[str, str] | None = None, default: str = "") -> None:
        ids = _ids(store)
        if default and default not in ids:
            raise FacetwiseError(_unknown("", 0, default, ids))
        self._default = default
        self._mapped = {_plain(written): payer for written, payer in (mapped or {}).items()}
        self._named = {_plain(title): payer for payer, titles in ids.items() for title in titles}
        self._named |= {_plain(payer): payer for payer in ids}
        self._indicated: dict[str, str] = {}
        table = store.tables.get(INDICATORS)
        for row in table.rows if table is not None else ():
            record = table.record(row) if table is not None else {}
            if record["payer"] in ids:
                self._indicated[record["indicator"]] = record["payer"]

    def resolve(self, written: str | None, indicator: str | None) -> str:
        """Return the payer's id in the knowledge, or an empty text where nothing tells it.

        The order: id or title (case and blanks aside), the user's map, the filing indicator, the default.
        """
        name = _plain(written or "")
        return (
            (name and (self._named.get(name) or self._mapped.get(name)))
            or self._indicated.get((indicator or "").strip().upper())
            or self._default
        )


def read_map(path: Path, store: Store) -> dict[str, str]:
    """Read a CSV with the columns claim_payer and payer: what claims write, and the payer's id in the knowledge.

    Raises FacetwiseError with every row that is at fault.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FacetwiseError(Problem(str(path), 0, "it is not UTF-8", "UTF-8 text", "save it as UTF-8")) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FacetwiseError(Problem(str(path), 0, f"it cannot be read: {reason}", "a readable file")) from None
    reader = csv.DictReader(io.StringIO(text))
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if tuple(sorted(names)) != tuple(sorted(_MAP_COLUMNS)):
        found = f"the columns {', '.join(names)}" if names else "no header"
        raise FacetwiseError(Problem(str(path), 1, found, "the columns claim_payer and payer"))
    reader.fieldnames = names
    ids, mapped, problems = _ids(store), dict[str, str](), list[Problem]()
    for row in reader:
        written, payer = ((row[name] or "").strip() for name in _MAP_COLUMNS)
        place = reader.line_num
        if not written or not payer or None in row:
            problems.append(Problem(str(path), place, "a row without both cells", "claim_payer,payer"))
        elif payer not in ids:
            problems.append(_unknown(str(path), place, payer, ids))
        elif mapped.setdefault(written, payer) != payer:
            problems.append(Problem(str(path), place, f"a second payer for {written!r}", "one payer for a name"))
    if problems:
        raise FacetwiseError(problems)
    return mapped


def _ids(store: Store) -> dict[str, set[str]]:
    """Return the payers of the knowledge by id, with every title that each has had."""
    ids: dict[str, set[str]] = {}
    for thing in store.things.values():
        for dated in thing.history:
            if isinstance(dated.value, Payer):
                ids.setdefault(thing.slug, set()).update({dated.value.title, dated.value.short} - {""})
    return ids


def _unknown(file: str, line: int, payer: str, ids: Mapping[str, object]) -> Problem:
    return Problem(file, line, f"payer {payer!r} is not in the knowledge", "a payer's id", did_you_mean(payer, ids))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
