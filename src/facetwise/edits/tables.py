"""The tables that the rule texts read: their columns, types and meanings, the same on every engine.

Prepared tables come from the claim lines that are checked (and the history); reference tables from the knowledge and the
catalog. Days are whole days since 1970-01-01; from_day and to_day are both included, an open end is FAR. Texts are never
NULL in a prepared table: '' stands for what is absent. Citations are source keys separated by blanks.

Columns of `line` that no text may read, because not every engine fills them: charge and screened.
"""

from __future__ import annotations

from dataclasses import dataclass

FAR = 2_932_896  # 9999-12-31
LONG_AGO = -25_567  # 1900-01-01: a beginning that the source does not date
TYPES = {"VARCHAR": "TEXT", "INTEGER": "INTEGER", "BIGINT": "INTEGER", "DOUBLE": "REAL", "DECIMAL(12,2)": "TEXT"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its columns with their DuckDB types in order, and the columns of its indexes for the one-claim engine."""

    columns: dict[str, str]
    meaning: str
    indexes: tuple[tuple[str, ...], ...] = ()


_SPAN = {"from_day": "INTEGER", "to_day": "INTEGER"}
_CITED = {**_SPAN, "citations": "VARCHAR"}
_LINE = {
    "line_id": "BIGINT",  # unique, in the order of the input; history comes after all checked lines
    "checked": "INTEGER",  # 1 judged, 0 history
    "claim_id": "VARCHAR",
    "line_number": "INTEGER",
    "grp": "BIGINT",  # equal for lines of one person, provider and day; may collide, so compare those three as well
    "visit": "BIGINT",  # the same for person and day
    "person": "VARCHAR",  # where the claim names none: of this claim alone
    "provider": "VARCHAR",  # rendering NPI, else billing NPI, else ''
    "group_npi": "VARCHAR",  # billing NPI or ''
    "day": "INTEGER",
    "book": "INTEGER",  # whose rules hold; 0: payer unknown
    "service": "INTEGER",  # 1 practitioner tables of NCCI (professional claims), 2 outpatient hospital (institutional)
    "claim": "VARCHAR",  # professional | facility
    "setting": "VARCHAR",  # office | asc | hopd | ''
    "code": "VARCHAR",
    "m1": "VARCHAR",
    "m2": "VARCHAR",
    "m3": "VARCHAR",
    "m4": "VARCHAR",
    "m5": "VARCHAR",
    "side": "VARCHAR",  # R | L | B for 50 or both RT and LT | ''
    "bypass": "INTEGER",  # 1: has a modifier that may bypass an NCCI edit
    "bypass_sides": "INTEGER",  # 1: has such modifiers, and all of them are RT or LT
    "units": "DOUBLE",  # whole thousandths (round sums to three places); 1 on a line that counts minutes
    "charge": "DECIMAL(12,2)",
    "authorized": "INTEGER",  # 1: a prior authorization number stands
    "screened": "INTEGER",  # what the batch engine kept the person-day for (registry.SCREENS); no text reads it
}
_FACET = {
    "kind": "VARCHAR",
    "region": "VARCHAR",
    "rank": "VARCHAR",
    "units_rule": "VARCHAR",
    "family": "VARCHAR",
}

PREPARED: dict[str, Shape] = {
    "line": Shape(_LINE, "every line with a procedure code", (("grp",), ("visit",))),
    "facet": Shape({**_LINE, **_FACET}, "the lines whose code is in facet_code on their day", (("visit",),)),
    "line_dx": Shape(
        {"line_id": "BIGINT", "pos": "INTEGER", "dx": "VARCHAR"},
        "the diagnoses that a line of a watched code points to; all of its claim's where it has no pointer",
        (("line_id",),),
    ),
}

# Every (payer, state) has a book; state '' is for the states that have no row of their own. Book 0: payer unknown.
BOOKS: dict[str, Shape] = {
    "book_of": Shape({"payer": "VARCHAR", "state": "VARCHAR", "book": "INTEGER"}, "which book a payer's lines go by"),
    "book": Shape(
        {
            "book": "INTEGER",
            "title": "VARCHAR",  # the payer's name in a message; '' in book 0
            "ncci": "VARCHAR",  # yes | not_established: by any edit; ncci_use says which edits
            **_CITED,
        },
        "a payer's rules over a span of days; one row a book and span",
        (("book", "from_day"),),
    ),
    "junction": Shape(
        {"book": "INTEGER", "code": "VARCHAR", "other": "VARCHAR", "statement": "VARCHAR", **_CITED},
        "two codes of one day that the payer's own rule for the pair of joints at a region's border names together; both"
        " orders are rows",
        (("book", "code"),),
    ),
}
CODES: dict[str, Shape] = {
    "facet_code": Shape({"code": "VARCHAR", **_FACET, **_CITED}, "the facet codes", (("code",),)),
    "watched": Shape(
        {"code": "VARCHAR"},
        "codes whose lines the texts of the facet rules read: all lines of the same person and day are prepared, and the"
        " line's diagnoses",
        (("code",),),
    ),
    "code_span": Shape(
        {"code": "VARCHAR", **_CITED},
        "the days on which a code that the knowledge dates may be reported, one row a code",
        (("code",),),
    ),
    "modifier": Shape(
        {"modifier": "VARCHAR", "bypasses": "VARCHAR", **_CITED}, "yes | no: whether it may bypass an NCCI edit"
    ),
}
OWN: dict[str, Shape] = {
    "ordinal": Shape({"n": "INTEGER"}, "1 to 25: the positions of a claim's diagnoses"),
    "place_setting": Shape({"place": "VARCHAR", "setting": "VARCHAR", **_SPAN}, "the setting of a place of service"),
}
NCCI: dict[str, Shape] = {
    "ptp": Shape(
        {
            "service": "INTEGER",
            "pair": "VARCHAR",  # column1 || column2
            "column1": "VARCHAR",
            "column2": "VARCHAR",
            "indicator": "VARCHAR",
            **_CITED,
        },
        "procedure-to-procedure edits: column 1 is paid, column 2 denied",
        (("pair", "service"),),
    ),
    "mue": Shape(
        {
            "service": "INTEGER",
            "code": "VARCHAR",
            "value": "INTEGER",
            "mai": "VARCHAR",
            "inferred": "INTEGER",  # 1: carried on from another edition
            **_CITED,
        },
        "medically unlikely edits: the most units a line (mai 1) or a day (2, 3)",
        (("code", "service"),),
    ),
    "add_on": Shape(
        {"code": "VARCHAR", "primary_code": "VARCHAR", "type": "VARCHAR", **_CITED},
        "add-on codes and the primaries that each may go with; types 1 (a closed list) and 3 (an open one)",
        (("code", "primary_code"),),
    ),
    "edition": Shape(
        {"kind": "VARCHAR", "service": "INTEGER", "release": "VARCHAR", **_SPAN},
        "which release, or edition of the knowledge, the rows of ptp, mue and add_on (kind) hold over which days",
    ),
}
EDIT_FACTS: dict[str, Shape] = {
    "edit_fact": Shape(
        {"edit": "VARCHAR", "carc": "VARCHAR", **_CITED},
        "the claim adjustment reason code to expect for an edit; joined to the findings at the end",
    )
}


def reference_shapes() -> dict[str, Shape]:
    """Return every reference table by name: those above and those of the payers' rules."""
    from facetwise.edits.reference.payer_tables import PAYER_TABLES

    return {**BOOKS, **CODES, **OWN, **NCCI, **EDIT_FACTS, **PAYER_TABLES}
