"""The edit families in the order in which they run, with the edits that each may return."""

from __future__ import annotations

from dataclasses import dataclass

# What a person-day was kept for by the batch engine's screen: a bit for each.
SPAN, ADD_ON, PAIR, UNITS, WATCHED = "span", "add_on", "pair", "units", "watched"
SCREENS = {SPAN: 1, ADD_ON: 2, PAIR: 4, UNITS: 8, WATCHED: 16}


@dataclass(frozen=True, slots=True)
class Family:
    """One rule text, `sql/<name>.sql`.

    `edits`: the names, as in the contract, that its findings may bear. `needs`: tables each of which must have a row, or
    else nothing can be found and the text is not run. `with_history`: only run when a history was given. `screen`: which
    lines the batch engine gives it (reference/screen.py): those of the person-days in which a finding is possible.
    """

    name: str
    edits: tuple[str, ...]
    needs: tuple[str, ...] = ()
    with_history: bool = False
    screen: str = WATCHED


FAMILIES: tuple[Family, ...] = (
    Family("code_effective", ("code-not-effective",), screen=SPAN),
    Family("add_on", ("add-on-without-primary",), screen=ADD_ON),
    Family("ptp", ("ptp-pair",), screen=PAIR),
    Family("mue", ("mue-exceeded",), screen=UNITS),
)


def edits() -> tuple[str, ...]:
    """Return the names of all edits, in the order of their families."""
    return tuple(dict.fromkeys(edit for family in FAMILIES for edit in family.edits))
