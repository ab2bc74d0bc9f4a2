"""The edit families in the order in which they run, with the edits that each may return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One rule text, `sql/<name>.sql`.

    `edits`: the names, as in the contract, that its findings may bear. `needs`: tables each of which must have a row, or
    else nothing can be found and the text is not run. `with_history`: only run when a history was given.
    """

    name: str
    edits: tuple[str, ...]
    needs: tuple[str, ...] = ()
    with_history: bool = False


FAMILIES: tuple[Family, ...] = (
    Family("code_effective", ("code-not-effective",)),
    Family("add_on", ("add-on-without-primary",)),
    Family("ptp", ("ptp-pair",)),
    Family("mue", ("mue-exceeded",)),
)


def edits() -> tuple[str, ...]:
    """Return the names of all edits, in the order of their families."""
    return tuple(dict.fromkeys(edit for family in FAMILIES for edit in family.edits))
