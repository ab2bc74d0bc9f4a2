"""The same case under another payer, state or date, side by side, the differences first."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from datetime import date

import msgspec

from facetwise.coverage.answers import Determination
from facetwise.coverage.case import Case
from facetwise.coverage.determination import cover
from facetwise.coverage.labels import Bearing, bearing_of, bearings, word_label
from facetwise.coverage.report import OUTCOMES, authorization_block, document, found_text, state_of
from facetwise.document.model import (
    Answer,
    Cell,
    Column,
    Document,
    Facts,
    Line,
    Section,
    Status,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge import Knowledge, View
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Jurisdiction, Vocabulary
from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest

CHANGES = ("payer", "state", "date")
MOST = 3
_WIDTH = 100
_FIRST = 22
_FEW = 3  # sides that fit the width of a page as they are
_PARTS = {"criterion": "Criteria", "limit": "Limits over time", "position": "Codes", "authorization": "Authorization"}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side: the case with a `change` ("" for the case as it is), and its outcome."""

    change: str
    payer: str
    state: str
    as_of: str
    whose: str
    outcome: str
    policies: tuple[str, ...]
    missing: tuple[str, ...]


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What one side says in one row: its status, in short what is wanted, and what the case shows."""

    status: Status
    text: str
    found: str = ""
    citations: tuple[str, ...] = ()
    evidence: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One question, limit or code with the words of each side, in their order; an empty one has nothing on it."""

    part: str
    id: str
    title: str
    differs: bool
    sides: tuple[tuple[Word, ...], ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All sides, the case as it is first, and the rows, those that differ first."""

    knowledge: str
    sides: tuple[Side, ...]
    rows: tuple[Row, ...]


def changed(case: Case, change: str, knowledge: Knowledge) -> Case:
    """Return the case with `change`, such as "payer=NAME" or "state=OH,date=2026-03-02".

    Raises FacetwiseError on a change that is not known and on a date before an earlier procedure of the case.
    """
    given: dict[str, str] = {}
    for part in change.split(","):
        key, equals, value = part.strip().partition("=")
        if key not in CHANGES or not equals or not value.strip():
            raise _wrong(f"{part.strip()!r} is no change of a case", "payer=NAME, state=XX or date=2026-03-02")
        given[key] = value.strip()
    day = _day(given["date"]) if "date" in given else case.day
    if case.history and any(event.day > day for event in case.history):
        raise _wrong(
            "an earlier procedure of the case lies after this date", "a date on or after the last earlier procedure"
        )
    view = knowledge.as_of(day)
    payer = given.get("payer", case.payer)
    if payer not in view.payers():
        close = ", ".join(nearest(payer, view.payers(), 4))
        raise _wrong(
            f"payer {payer!r} is not known on {in_words(day)}",
            f"one of {close}" if close else "a payer of the knowledge",
            did_you_mean(payer, view.payers()),
        )
    state = given.get("state", case.state).upper()
    known = {one for _, dated in view.of_kind("jurisdiction") for one in _states(dated.value)}
    if state and state not in known:
        raise _wrong(f"state {state!r} is not known", "a postal abbreviation such as OH", did_you_mean(state, known))
    return replace(case, payer=payer, state=state, day=day)


def compare(case: Case, changes: list[str], knowledge: Knowledge) -> Comparison:
    """Return the case beside itself with each of `changes`; raises FacetwiseError as `changed` does."""
    if len(changes) > MOST:
        raise _wrong(f"{len(changes)} sides beside the case are too many", f"at most {MOST}")
    cases = [case, *(changed(case, change, knowledge) for change in changes)]
    answers = [cover(one, knowledge) for one in cases]
    found: dict[tuple[str, str], list[list[Word]]] = {}
    titles: dict[tuple[str, str], tuple[int, str]] = {}
    for place, (one, answer) in enumerate(zip(cases, answers, strict=True)):
        view = knowledge.as_of(one.day)
        for part, about, word in _words(view, one, answer):
            key = (part, about.question)
            titles.setdefault(key, (about.order, about.title))
            found.setdefault(key, [[] for _ in cases])[place].append(word)
    parts = list(_PARTS)
    rows = [
        Row(part=key[0], id=key[1], title=titles[key][1], differs=_differ(words), sides=tuple(map(tuple, words)))
        for key, words in sorted(found.items(), key=lambda item: (parts.index(item[0][0]), titles[item[0]], item[0]))
    ]
    return Comparison(
        knowledge=knowledge.digest,
        sides=tuple(_side(*item) for item in zip(["", *changes], cases, answers, strict=True)),
        rows=tuple(sorted(rows, key=lambda row: not row.differs)),
    )


def comparison_text(case: Case, comparison: Comparison, knowledge: Knowledge) -> str:
    """Return the comparison as plain text of 100 columns, the differences first."""
    words = knowledge.store.vocabulary
    view = knowledge.as_of(case.day)
    out = [_subject(words, case), ""]
    out += _columns("", [heading(view, side) for side in comparison.sides])
    out += _columns("outcome", [side.outcome.replace("_", " ").upper() for side in comparison.sides])
    for differs, title in ((True, "DIFFERENT"), (False, "THE SAME")):
        rows = [row for row in comparison.rows if row.differs is differs]
        if rows:
            out += ["", title]
        for row in rows:
            cells = ["\n".join(_plain(word) for word in said) or "nothing said" for said in row.sides]
            out += ["", *_columns(row.title, cells)]
    return "\n".join(line.rstrip() for line in [*out, "", f"knowledge {comparison.knowledge[:19]}"])


def comparison_document(case: Case, comparison: Comparison, knowledge: Knowledge) -> Document:
    """Return the comparison for the renderers of the briefing."""
    view = knowledge.as_of(case.day)
    outcomes = [side.outcome for side in comparison.sides]
    alike = len(set(outcomes)) == 1
    text = f"The outcome is the same. {OUTCOMES[outcomes[0]]}" if alike else "The outcome is not the same."
    lines = (Line(""), *(Line(OUTCOMES[side.outcome], who=heading(view, side)) for side in comparison.sides))
    number = sum(row.differs for row in comparison.rows)
    said = Line(f"{number} of {len(comparison.rows)} rows differ.")
    policies = tuple((heading(view, side), plain_cell(_policies(side))) for side in comparison.sides)
    sections = [
        Section(
            "overview", "The answer", (Answer(text=text, lines=(*lines, said)), Facts(title="Policies", items=policies))
        )
    ]
    for name, title, differs in (("differences", "What differs", True), ("same", "What is the same", False)):
        rows = [row for row in comparison.rows if row.differs is differs]
        if rows:
            sections.append(Section(name, title, (_table(view, comparison, rows, name, title),)))
    return document(
        knowledge, view, f"Comparison: {_subject(knowledge.store.vocabulary, case)}", "comparison", sections
    )


def heading(view: View, side: Side) -> str:
    """Return the name of a side: the payer, whose rules, the state and the day."""
    payers = view.payers()
    names = [payers[one].name if one in payers else one for one in dict.fromkeys((side.payer, side.whose))]
    place = f", {side.state}" if side.state else ""
    return f"{names[0]}{f' ({names[1]})' if names[1:] else ''}{place}, {in_words(side.as_of)}"


def _words(view: View, case: Case, answer: Determination) -> list[tuple[str, Bearing, Word]]:
    words = view.store.vocabulary
    known = bearings(view, case)
    found: list[tuple[str, Bearing, Word]] = []
    for one in answer.criteria:
        word = Word(
            status=state_of(one),
            text=one.needed,
            found=found_text(words, one.found) if one.found else "",
            citations=one.citations,
            evidence=one.evidence,
        )
        found.append(("criterion", bearing_of(known, one.id, one.statement), word))
    for limit in answer.limits:
        after = (
            f"; a further session fits from {in_words(limit.next_eligible_date)}" if limit.next_eligible_date else ""
        )
        text = f"{limit.used} of {limit.allowed} used in {limit.window_days} days{after}"
        about = bearing_of(known, limit.id, limit.statement)
        found.append(("limit", about, Word(status=limit.status, text=text, citations=limit.citations)))
    for position in answer.code_positions:
        about = Bearing(position.code, position.code, "", 0)
        text = position.statement
        found.append(("position", about, Word(status=position.position, text=text, citations=position.citations)))
    line = authorization_block(answer).line
    about = Bearing("prior-authorization", known["prior-authorization"].title, "", 0)
    found.append(("authorization", about, Word(status=line.status, text=line.text, citations=line.sources)))
    return found


def _differ(sides: list[list[Word]]) -> bool:
    return len({tuple(sorted((word.status, word.text, word.found) for word in side)) for side in sides}) > 1


def _side(change: str, case: Case, answer: Determination) -> Side:
    return Side(
        change=change,
        payer=case.payer,
        state=case.state,
        as_of=answer.as_of,
        whose=answer.whose,
        outcome=answer.outcome,
        policies=answer.policies,
        missing=answer.missing,
    )


def _table(view: View, comparison: Comparison, rows: list[Row], name: str, title: str) -> TableBlock:
    columns = (
        Column("question", "Question"),
        *(
            Column(f"side-{place}", heading(view, side), weight=2)
            for place, side in enumerate(comparison.sides, start=1)
        ),
    )
    return TableBlock(
        id=name,
        caption=f"{title}, one column a side; the first is the case as it is",
        columns=columns,
        rows=tuple(
            TableRow((plain_cell(row.title), *(_cell(said) for said in row.sides)), group=_PARTS[row.part])
            for row in rows
        ),
        kind="plain" if len(comparison.sides) <= _FEW else "comparison",
    )


def _cell(said: tuple[Word, ...]) -> Cell:
    lines = tuple(
        Line(word.text, status=word.status, sources=word.citations, evidence=word.evidence, note=_shows(word))
        for word in said
    )
    return Cell(lines or (Line("nothing said"),))


def _shows(word: Word) -> str:
    return f"The case shows {word.found}." if word.found else ""


def _plain(word: Word) -> str:
    status = word.status.replace("_", " ").replace("unknown", "missing")
    found = f" (found: {word.found})" if word.found and word.status != "not_established" else ""
    return f"{status}: {word.text}{found}" if word.text else f"{status}{found}"


def _columns(first: str, cells: list[str]) -> list[str]:
    width = (_WIDTH - _FIRST) // len(cells) - 2
    parts = [textwrap.wrap(first, _FIRST - 2) or [""], *(_wrapped(cell, width) for cell in cells)]
    height = max(map(len, parts))
    widths = [_FIRST - 2, *[width] * len(cells)]
    return [
        "  ".join((part[row] if row < len(part) else "").ljust(size) for part, size in zip(parts, widths, strict=True))
        for row in range(height)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    return [line for part in text.split("\n") for line in textwrap.wrap(part, width, subsequent_indent="  ")]


def _subject(words: Vocabulary, case: Case) -> str:
    purpose = f"{word_label(words, 'purpose', case.purpose)} " if case.purpose else ""
    return f"{purpose}{word_label(words, 'technique', case.technique)}, {word_label(words, 'region', case.region)}"


def _policies(side: Side) -> str:
    return ", ".join(side.policies).upper() or "not established"


def _states(value: object) -> tuple[str, ...]:
    return value.states if isinstance(value, Jurisdiction) else ()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(f"{text!r} is not a date", "a date such as 2026-03-02 (year, month, day)") from None


def _wrong(found: str, expected: str, mend: str = "") -> FacetwiseError:
    return FacetwiseError(Problem("", 0, f"--versus: {found}", expected, mend))
