"""The payers' rules as reference tables: every payer and state has a book, and a book's rules hold over spans of days.

Between two turns of the knowledge that bear on a payer all days are alike, so the rules are asked once a span and joined
where neighbouring spans say the same. The days asked are those of the knowledge's horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from facetwise.edits.reference.codes import day_number
from facetwise.edits.reference.payer_tables import PAYER_TABLES
from facetwise.edits.reference.payers_billing import billing
from facetwise.edits.reference.payers_codes import code_rows, positions
from facetwise.edits.reference.payers_limits import limits
from facetwise.edits.reference.payers_records import diagnosis_codes, list_numbers, records, sedation_levels
from facetwise.edits.reference.scope import DiagnosisKey, FacetCode, Scope, facet_codes
from facetwise.edits.reference.spans import Row, Rows, Spans
from facetwise.edits.tables import BOOKS, CODES, FAR, LONG_AGO, Shape
from facetwise.knowledge import Store, Thing, View
from facetwise.knowledge.dating import day_before
from facetwise.knowledge.kinds import Jurisdiction, Payer
from facetwise.knowledge.turns import turns
from facetwise.payers import rules

PARTS: tuple[Callable[[Scope], Iterator[tuple[str, Row]]], ...] = (billing, positions, limits, records)
_SHARED_KINDS = ("payer", "jurisdiction", "family")
_PASSIVE = ("drug", "sedation", "anesthesia", "evaluation")
_VISIT = "visit"  # how the table of other codes words them
_BOOK_TABLES = ("edits/sedation-codes", "edits/applies-to")
_CODE_TABLES = ("diagnoses/facet-diagnoses", "edits/imaging-codes")
_USE = "edits/applies-to"
_MAIN_USE = "ptp-pair"
# The questions whose answers the parts read; those of kind limit are all read.
_ASKED = (
    "bilateral-professional",
    "bilateral-facility",
    "bundled-services",
    "code-position",
    "diagnosis-list",
    "diagnostic-modifier",
    "excluded-techniques",
    "imaging-guidance",
    "junction-pair",
    "prior-authorization",
    "second-diagnostic",
    "sedation",
    "therapeutic-first",
    "third-level-position",
    "ultrasound-position",
)
_ROLES_BY_STATE = ("program", "medicare_advantage")
_CALENDAR = date(1990, 1, 1)
_YEARS_ON = 3  # a next day that is told may lie beyond the horizon

Tables = dict[str, tuple[tuple[str, ...], Rows]]


@dataclass(slots=True)
class _Maker:
    """What is made once for all books: the views of the days that were asked, and the facet codes of each."""

    store: Store
    lists: dict[DiagnosisKey, int]
    views: dict[date, tuple[View, dict[str, FacetCode]]] = field(default_factory=dict)

    def on(self, day: date) -> tuple[View, dict[str, FacetCode]]:
        if day not in self.views:
            view = View(self.store, day)
            self.views[day] = (view, facet_codes(view))
        return self.views[day]


def compile_payers(store: Store, only: Collection[str] = ()) -> Tables:
    """Return the tables of PAYER_TABLES, `book_of`, `book`, `junction`, `facet_code` and `watched`: columns and rows.

    `only`: the ids of the payers that are wanted; none for all. The books are numbered from 1 in the order of the ids.
    """
    maker = _Maker(store, list_numbers(store))
    spans = Spans()
    shapes: dict[str, Shape] = {**PAYER_TABLES, **BOOKS, "facet_code": CODES["facet_code"]}
    books = [one for one in _books(maker) if not only or one[0] in only]
    for number, (payer, states) in enumerate(books, 1):
        _compile_book(maker, spans, number, payer, states[0])
    for first, last, day in _segments(maker, _shared, _CODE_TABLES):
        view, codes = maker.on(day)
        spans.add(code_rows(view, codes), first, last)
    spans.add([("book", {"book": 0, "title": "", "ncci": "not_established", "citations": ""})], LONG_AGO, FAR)
    made: Tables = {name: (tuple(shape.columns), spans.rows(name, shape)) for name, shape in shapes.items()}
    made["book"] = (made["book"][0], _without_ends(made["book"][1], shapes["book"]))
    rows = [(payer, state, number) for number, (payer, states) in enumerate(books, 1) for state in states]
    for name, found in {
        "book_of": sorted(rows),
        "calendar": _calendar(store),
        "diagnosis_code": diagnosis_codes(maker.lists),
        "passive_code": _passive(store, made["facet_code"][1]),
    }.items():
        made[name] = (tuple(shapes[name].columns), found)
    made["watched"] = (tuple(CODES["watched"].columns), _watched(made))
    return made


def _books(maker: _Maker) -> list[tuple[str, tuple[str, ...]]]:
    """Return (payer, states) of every book: states are kept together where the same contractor decides at all times."""
    store = maker.store
    payers = sorted({thing.slug for thing in store.things.values() if thing.kind == "payer"})
    found: list[tuple[str, tuple[str, ...]]] = []
    for payer in payers:
        if not any(_role(thing) in _ROLES_BY_STATE for thing in store.things.values() if thing.slug == payer):
            found.append((payer, ("",)))
            continue
        days = [day for _, _, day in _segments(maker, lambda thing: thing.kind in ("payer", "jurisdiction"))]
        groups: dict[tuple[Any, ...], list[str]] = {}
        for state in ["", *_states(store)]:
            whose = tuple(_whose(maker.on(day)[0], payer, state) for day in days)
            groups.setdefault(whose, []).append(state)
        found += [(payer, tuple(states)) for states in groups.values()]
    return found


def _role(thing: Thing) -> str:
    held = thing.history[-1].value if thing.kind == "payer" else None
    return held.role if isinstance(held, Payer) else ""


def _states(store: Store) -> list[str]:
    return sorted(
        {
            state
            for thing in store.things.values()
            for dated in thing.history
            if isinstance(dated.value, Jurisdiction)
            for state in dated.value.states
        }
    )


def _whose(view: View, payer: str, state: str) -> tuple[str, str, bool] | None:
    if payer not in view.payers():
        return None
    asked = rules(view, payer, state)
    return asked.whose, asked.local, asked.unknown_contractor


def _shared(thing: Thing) -> bool:
    """Whether a thing bears on every book: who decides where, and which code reports what."""
    if thing.kind == "code":
        return not any(set(getattr(dated.value, "technique", ())) & set(_PASSIVE) for dated in thing.history)
    return thing.kind in _SHARED_KINDS


def _compile_book(maker: _Maker, spans: Spans, book: int, payer: str, state: str) -> None:
    chain = _chain(maker, payer, state)
    asked_for = (*_ASKED, *(slug for slug, one in maker.store.questions.items() if one.kind == "limit"))
    spans_of = _segments(
        maker, lambda thing: _shared(thing) or (thing.payer in chain and thing.question in asked_for), _BOOK_TABLES
    )
    before: tuple[Any, ...] = ()
    rows: list[tuple[str, Row]] = []
    for first, last, day in spans_of:
        view, codes = maker.on(day)
        if payer not in view.payers():
            continue
        scope = Scope(view, rules(view, payer, state), codes, maker.lists)
        # A turn of one thing leaves most books as they were.
        said = _signature(scope, asked_for)
        if said != before:
            before = said
            rows = [(table, {"book": book, **row}) for part in PARTS for table, row in part(scope)]
        spans.add([*rows, *_about(scope, book, payer)], first, last)


def _signature(scope: Scope, asked_for: tuple[str, ...]) -> tuple[Any, ...]:
    """Return what tells whether two days are alike for a book: all that is said, and what the codes are."""
    view = scope.view
    said = tuple(
        (question, id(one.dated), one.answer.presumed)
        for whose in (scope.asked, *scope.backs)
        for question in asked_for
        for one in scope.said_by(whose, question)
    )
    families = tuple(id(dated) for _, dated in view.of_kind("family"))
    return (scope.name, said, families, tuple(scope.codes.items()), tuple(sedation_levels(view).items()))


def _chain(maker: _Maker, payer: str, state: str) -> set[str]:
    """Return every payer whose texts may answer for this one on some day."""
    found: set[str] = set()
    for _, _, day in _segments(maker, lambda thing: thing.kind in ("payer", "jurisdiction")):
        view = maker.on(day)[0]
        if payer not in view.payers():
            continue
        asked = rules(view, payer, state)
        waiting = [asked.whose, asked.local, *(key for key, one in view.payers().items() if one.role == "program")]
        found.update(key for start in waiting for key in _followed(view, start))
    return found


def _followed(view: View, payer: str) -> list[str]:
    """Return a payer and, in order, those whose texts it follows."""
    payers = view.payers()
    found: list[str] = []
    waiting = [payer]
    while waiting:
        who = waiting.pop(0)
        if who in payers and who not in found:
            found.append(who)
            waiting += payers[who].follows
    return found


def _segments(
    maker: _Maker, concerns: Callable[[Thing], bool], tables: tuple[str, ...] = ()
) -> list[tuple[int, int, date]]:
    """Return (first day, last day, a day within) of each stretch of the horizon on which all days are alike."""
    horizon = maker.store.horizon
    days = turns(maker.store, concerns, tables)
    inner = [day for day in days if horizon.from_ < day <= horizon.until]
    starts = [horizon.from_, *inner]
    ends = [*(day_before(day) for day in inner), horizon.until]
    return [(day_number(start), day_number(end), start) for start, end in zip(starts, ends, strict=True)]


def _about(scope: Scope, book: int, payer: str) -> Iterator[tuple[str, Row]]:
    """Yield the row of the book itself, what is known of its use of the NCCI edits, and whether a contractor decides."""
    use: dict[str, Row] = {}
    if _USE in scope.view.store.tables:
        for who in dict.fromkeys((*_followed(scope.view, scope.asked.whose), payer)):
            for row, record in scope.view.rows(_USE, payer=who):
                use.setdefault(record["edit"], {"applies": record["applies"], "citations": " ".join(row.sources)})
    for edit, said in use.items():
        yield "ncci_use", {"book": book, "edit": edit, **said}
    main = use.get(_MAIN_USE, {"applies": "not_established", "citations": ""})
    yield "book", {"book": book, "title": scope.name, "ncci": main["applies"], "citations": main["citations"]}
    if scope.asked.unknown_contractor:
        yield "no_contractor", {"book": book, "payer": scope.name, "citations": ""}


def _without_ends(rows: Rows, shape: Shape) -> Rows:
    """Let the first and last row of each book hold before and after the horizon: its name does not end there."""
    names = list(shape.columns)
    first, last, book = names.index("from_day"), names.index("to_day"), names.index("book")
    found = sorted(rows, key=lambda row: (row[book], row[first]))
    ended = []
    for place, row in enumerate(found):
        cells = list(row)
        if place == 0 or found[place - 1][book] != row[book]:
            cells[first] = LONG_AGO
        if place + 1 == len(found) or found[place + 1][book] != row[book]:
            cells[last] = FAR
        ended.append(tuple(cells))
    return ended


def _calendar(store: Store) -> Rows:
    last = date(store.horizon.until.year + _YEARS_ON, 12, 31)
    rows: Rows = []
    day = _CALENDAR
    while day <= last:
        turn, following = date(day.year, 1, 1), date(day.year + 1, 1, 1)
        rows.append((day_number(day), day.isoformat(), day_number(turn), day_number(following)))
        day += timedelta(days=1)
    return rows


def _passive(store: Store, facet: Iterable[tuple[Any, ...]]) -> Rows:
    """Codes that are no procedure of their own: by their techniques, and the codes of sedation."""
    found = {
        thing.slug
        for thing in store.things.values()
        if thing.kind == "code"
        for dated in thing.history
        if set(getattr(dated.value, "technique", ())) & set(_PASSIVE)
    }
    others = store.tables["codes/others"].records() if "codes/others" in store.tables else ()
    found |= {str(record["code"]) for _, record in others if _VISIT in (record["what"] or "")}
    if "edits/sedation-codes" in store.tables:
        table = store.tables["edits/sedation-codes"]
        found |= {str(record["code"]) for _, record in table.records()}
    return sorted((code,) for code in found - {row[0] for row in facet})


def _watched(made: Tables) -> Rows:
    names = ("facet_code", "imaging_code", "guidance_rule", "code_position", "sedation_rule", "authorization_rule")
    found: set[str] = set()
    for name in names:
        columns, rows = made[name]
        place = columns.index("code")
        found.update(row[place] for row in rows)
    return sorted((code,) for code in found)
