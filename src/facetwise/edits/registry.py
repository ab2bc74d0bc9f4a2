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
    Family("units", ("units-not-one",), needs=("facet",)),
    Family("bilateral", ("bilateral-reporting",), needs=("facet",)),
    Family("laterality", ("laterality-missing",), needs=("facet",)),
    Family(
        "positions",
        ("third-level-not-covered", "ultrasound-guided", "technique-not-covered", "fact-not-established"),
    ),
    Family("levels", ("level-limit", "region-limit", "fact-not-established"), needs=("facet",)),
    Family("sessions", ("session-limit", "repeat-too-soon"), needs=("facet",)),
    Family("diagnostic_modifier", ("diagnostic-modifier-missing",), needs=("facet",), with_history=True),
    Family("imaging", ("imaging-included",), needs=("facet",)),
    Family("guidance", ("image-guidance-missing",), needs=("line_dx",)),
    Family("diagnosis", ("diagnosis-not-supporting",), needs=("facet",)),
    Family("sedation", ("sedation-not-covered",), needs=("facet",)),
    Family("authorization", ("prior-authorization-missing",)),
    Family("destruction", ("destruction-includes-injection",), needs=("facet",)),
    Family("payer_unknown", ("fact-not-established",), needs=("facet",)),
)


def edits() -> tuple[str, ...]:
    """Return the names of all edits, in the order of their families."""
    return tuple(dict.fromkeys(edit for family in FAMILIES for edit in family.edits))
