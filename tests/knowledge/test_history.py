"""Histories: entries over dates, conflicts, and one history laid over another."""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetwise.knowledge.history import Span, overlay_spans, read_spans
from facetwise.knowledge.reading import Document, parse_document
from facetwise.problems import FacetwiseError

_FIRST = date(2020, 1, 1)
_Entry = dict[str, Any]


def _document(entries: list[_Entry], **static: Any) -> Document:
    return parse_document(json.dumps({**static, "history": entries}), "x.yaml")


def _read(entries: list[_Entry], **static: Any) -> list[Span]:
    return read_spans(_document(entries), "base", static)


def _over(base: list[Span], entries: list[_Entry], **static: Any) -> list[Span]:
    return overlay_spans(base, _document(entries), "mine", static)


def _entry(since: str, until: str | None = None, **fields: Any) -> _Entry:
    return {"from": since, **({"until": until} if until else {}), "sources": ["letter"], **fields}


def _on(spans: list[Span], day: date) -> Span | None:
    found = [span for span in spans if span.low <= day <= span.high]
    assert len(found) < 2, "two entries hold on one day"
    return found[0] if found else None


def _says(spans: list[Span], day: date) -> Any:
    span = _on(spans, day)
    return None if span is None else (span.fields, span.sources, span.not_established)


def _errors(entries: list[_Entry]) -> list[str]:
    with pytest.raises(FacetwiseError) as caught:
        _read(entries)
    return [problem.found for problem in caught.value.problems]


# -- entries of one history


def test_an_entry_lasts_until_the_next_begins() -> None:
    spans = _read([_entry("2020", cell="a"), _entry("2021-03-01", cell="b")])
    assert [(span.start, span.end) for span in spans] == [
        (date(2020, 1, 1), date(2021, 2, 28)),
        (date(2021, 3, 1), None),
    ]
    assert [span.since for span in spans] == ["2020", "2021-03-01"]


def test_fields_outside_the_history_hold_in_every_entry_that_says_nothing_else() -> None:
    spans = _read([_entry("2020", cell="b"), _entry("2021")], cell="a", statement="s")
    assert [span.fields for span in spans] == [{"cell": "b", "statement": "s"}, {"cell": "a", "statement": "s"}]


def test_an_undated_entry_answers_until_the_next_begins() -> None:
    spans = _read([_entry("undated", cell="a"), _entry("2021", cell="b")])
    assert spans[0].since == "undated"
    assert spans[0].start is None
    assert _says(spans, date.min) == _says(spans, date(2020, 12, 31)) == ({"cell": "a"}, ["letter"], "")
    assert _says(spans, date(2021, 1, 1)) == ({"cell": "b"}, ["letter"], "")


def test_an_until_is_included_to_the_end_of_its_month() -> None:
    spans = _read([_entry("2020", "2021-02")])
    assert _on(spans, date(2021, 2, 28)) is not None
    assert _on(spans, date(2021, 3, 1)) is None


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([_entry("2021"), _entry("2020")], "does not begin after the one before it (2021)"),
        ([_entry("2021"), _entry("2021-01-01")], "does not begin after the one before it (2021)"),
        ([_entry("2021"), _entry("undated")], "does not begin after the one before it (2021)"),
        ([_entry("undated"), _entry("undated")], "does not begin after the one before it (undated)"),
        ([_entry("2020", "2021"), _entry("2021-06")], "this entry begins 2021-06-01, inside the one before it"),
        (
            [_entry("2020", "2021-06-01"), _entry("2021-06-01")],
            "inside the one before it, which lasts until 2021-06-01",
        ),
        ([_entry("2020", "2020"), _entry("2021-01-02")], "nothing is said from 2021-01-01 until 2021-01-01"),
        ([_entry("undated", "2020"), _entry("2022")], "nothing is said from 2021-01-01 until 2021-12-31"),
        ([_entry("2020", "2019")], "this entry ends 2019-12-31, before it begins 2020-01-01"),
    ],
)
def test_order_overlap_and_gap(entries: list[_Entry], words: str) -> None:
    assert any(words in found for found in _errors(entries))


def test_adjacent_days_leave_no_gap() -> None:
    assert len(_read([_entry("2020", "2020"), _entry("2021")])) == 2


def test_every_mistake_of_an_entry_is_told() -> None:
    found = _errors([{"from": "2020"}, {"sources": ["a"]}, {"from": "soon", "sources": "a"}])
    assert found == ["no source", "no date", "'soon' is not a date such as 2026-03-02, 2026-03 or 2026"]


def test_a_declared_gap_says_why() -> None:
    spans = _read([_entry("2020", "2020"), _entry("2021", not_established="not read"), _entry("2022")])
    assert [span.not_established for span in spans] == ["", "not read", ""]


# -- conflicts


def test_sides_have_their_own_words_and_sources_and_the_dates_of_the_entry() -> None:
    sides = [{"cell": "a", "sources": ["letter"]}, {"cell": "b", "sources": ["digest"], "note": "n"}]
    spans = _read([{"from": "2020", "conflict": sides}, _entry("2021")], cell="x", statement="s")
    assert [side.fields for side in spans[0].sides] == [
        {"cell": "a", "statement": "s"},
        {"cell": "b", "statement": "s"},
    ]
    assert [side.sources for side in spans[0].sides] == [["letter"], ["digest"]]
    assert {(side.start, side.end) for side in spans[0].sides} == {(date(2020, 1, 1), date(2020, 12, 31))}


def test_a_side_reaches_inside_and_leaves_the_other_alone() -> None:
    sides = [{"sources": ["letter"]}, {"test.any.0": "c", "sources": ["digest"]}]
    [span] = _read([{"from": "2020", "conflict": sides}], test={"any": ["a", "b"]})
    assert [side.fields["test"]["any"] for side in span.sides] == [["a", "b"], ["c", "b"]]


@pytest.mark.parametrize("sides", [[], [{"cell": "a", "sources": ["letter"]}]])
def test_a_conflict_has_two_sides(sides: list[_Entry]) -> None:
    assert "a conflict of fewer than two sides" in _errors([{"from": "2020", "sources": ["letter"], "conflict": sides}])


def test_each_side_has_a_source() -> None:
    assert _errors([{"from": "2020", "conflict": [{"cell": "a", "sources": ["letter"]}, {"cell": "b"}]}]) == [
        "no source"
    ]


# -- one history over another


def test_outside_the_extension_the_base_shows_through() -> None:
    base = _read([_entry("2020", cell="a"), _entry("2022", cell="b")], statement="s")
    laid = _over(base, [_entry("2021", "2022", cell="c")])
    assert [(span.start, span.end, span.fields["cell"], span.layer) for span in laid] == [
        (date(2020, 1, 1), date(2020, 12, 31), "a", "base"),
        (date(2021, 1, 1), date(2021, 12, 31), "c", "mine"),
        (date(2022, 1, 1), date(2022, 12, 31), "c", "mine"),
        (date(2023, 1, 1), None, "b", "base"),
    ]
    assert {span.fields["statement"] for span in laid} == {"s"}


def test_an_extension_cites_its_own_source_first_and_then_the_base() -> None:
    laid = _over(_read([_entry("2020", cell="a")]), [{"from": "2021", "sources": ["digest", "letter"], "cell": "b"}])
    assert [span.sources for span in laid] == [["letter"], ["digest", "letter"]]


def test_an_extension_that_reaches_inside_follows_each_entry_of_the_base() -> None:
    base = _read([_entry("2020"), _entry("2022", **{"test.any.0": "z"})], test={"any": ["a", "b"]})
    laid = _over(base, [_entry("2021", **{"test.any.1": "c"})])
    assert [span.fields["test"]["any"] for span in laid] == [["a", "b"], ["a", "c"], ["z", "c"]]
    assert [span.fields["test"]["any"] for span in base] == [["a", "b"], ["z", "b"]]


def test_a_field_outside_the_history_of_an_extension_reaches_inside_too() -> None:
    base = _read([_entry("2020")], test={"any": ["a", "b"]})
    laid = _over(base, [_entry("2021")], **{"test.any.1": "c"})
    assert [span.fields["test"]["any"] for span in laid] == [["a", "b"], ["a", "c"]]


def test_an_extension_may_say_that_nothing_is_established() -> None:
    laid = _over(_read([_entry("2020", cell="a")]), [_entry("2021", "2021", not_established="not read")])
    assert [span.not_established for span in laid] == ["", "not read", ""]


def test_an_extension_establishes_what_the_base_does_not() -> None:
    base = _read([_entry("2020", not_established="not read")], cell="a")
    assert [span.not_established for span in _over(base, [_entry("2021", cell="b")])] == ["not read", ""]


def test_a_change_of_the_base_is_told_once() -> None:
    base = _read([_entry("2020", change="begins"), _entry("2022", change="turns")])
    assert [span.change for span in _over(base, [_entry("2021", "2021")])] == ["begins", "", "turns"]
    assert [span.change for span in _over(base, [_entry("2021", "2023", change="differs")])] == [
        "begins",
        "differs",
        "turns",
        "",
    ]


def test_a_conflict_of_the_base_is_cut_with_its_sides() -> None:
    sides = [{"cell": "a", "sources": ["letter"]}, {"cell": "b", "sources": ["digest"]}]
    laid = _over(_read([{"from": "2020", "until": "2023", "conflict": sides}]), [_entry("2021", "2021", cell="c")])
    assert [(span.start, span.end, len(span.sides)) for span in laid] == [
        (date(2020, 1, 1), date(2020, 12, 31), 2),
        (date(2021, 1, 1), date(2021, 12, 31), 0),
        (date(2022, 1, 1), date(2023, 12, 31), 2),
    ]
    for span in laid:
        assert all((side.start, side.end) == (span.start, span.end) for side in span.sides)


def test_a_conflict_in_an_extension_is_laid_over_the_base() -> None:
    sides = [{"sources": ["letter"]}, {"test.any.0": "c", "sources": ["digest"]}]
    base = _read([_entry("2020", test={"any": ["a"]}), _entry("2022", test={"any": ["b"]})])
    laid = _over(base, [{"from": "2021", "conflict": sides}])
    assert [[side.fields["test"]["any"] for side in span.sides] for span in laid] == [
        [],
        [["a"], ["c"]],
        [["b"], ["c"]],
    ]
    assert [side.end for side in laid[1].sides] == [date(2021, 12, 31)] * 2


def test_an_undated_extension_lies_over_an_undated_base() -> None:
    laid = _over(_read([_entry("undated", cell="a"), _entry("2022", cell="b")]), [_entry("undated", "2020", cell="c")])
    assert [(span.since, span.start, span.end, span.fields["cell"]) for span in laid] == [
        ("undated", None, date(2020, 12, 31), "c"),
        ("2021-01-01", date(2021, 1, 1), date(2021, 12, 31), "a"),
        ("2022", date(2022, 1, 1), None, "b"),
    ]


def test_what_reaches_nothing_is_told_with_its_line() -> None:
    text = "history:\n  - from: 2021\n    sources: [letter]\n    test.any.7: c\n"
    with pytest.raises(FacetwiseError, match=r"x\.yaml:4: 'test\.any\.7' reaches nothing in what it extends"):
        overlay_spans(_read([_entry("2020", test={"any": ["a"]})]), parse_document(text, "x.yaml"), "mine", {})


# -- properties


@st.composite
def _histories(draw: st.DrawFn, names: str = "abcdef") -> list[_Entry]:
    """Entries that follow each other; each says its own dates and a value."""
    entries: list[_Entry] = []
    day = _FIRST + timedelta(days=draw(st.integers(0, 60)))
    for name in names[: draw(st.integers(1, len(names)))]:
        undated = not entries and draw(st.booleans())
        length = draw(st.integers(1, 40))
        entry = _entry("undated" if undated else day.isoformat(), cell=name)
        day += timedelta(days=length)
        if draw(st.booleans()):
            entry["until"] = (day - timedelta(days=1)).isoformat()
        if draw(st.integers(0, 4)) == 0:
            entry["conflict"] = [{"cell": f"{name}{n}", "sources": [f"s{n}"]} for n in range(2)]
        entries.append(entry)
    return entries


_DAYS = st.integers(-40, 420).map(lambda number: _FIRST + timedelta(days=number))


def _holds(entry: _Entry, after: _Entry | None, day: date) -> bool:
    begins = date.min if entry["from"] == "undated" else date.fromisoformat(entry["from"])
    ends = date.fromisoformat(entry["until"]) if "until" in entry else date.max
    if "until" not in entry and after is not None:
        ends = date.fromisoformat(after["from"]) - timedelta(days=1)
    return begins <= day <= ends


def _entry_on(entries: list[_Entry], day: date) -> _Entry | None:
    pairs = zip(entries, [*entries[1:], None], strict=True)
    return next((entry for entry, after in pairs if _holds(entry, after, day)), None)


@given(_histories(), _DAYS)
def test_a_day_never_gets_a_value_outside_the_dates_of_its_entry(entries: list[_Entry], day: date) -> None:
    span, entry = _on(_read(entries), day), _entry_on(entries, day)
    assert (span.fields["cell"] if span else None) == (entry["cell"] if entry else None)
    for side in span.sides if span else ():
        assert side.low <= day <= side.high


@given(_histories(), _histories("uvw"), _DAYS)
def test_an_extension_wins_within_its_dates_and_the_base_answers_outside_them(
    base: list[_Entry], extension: list[_Entry], day: date
) -> None:
    under = _read(base)
    laid = _over(under, extension)
    entry, span = _entry_on(extension, day), _on(laid, day)
    if entry is None:
        assert _says(laid, day) == _says(under, day)
    elif span is not None:
        assert span.fields["cell"] == entry["cell"]
        assert span.layer == "mine"
    for side in span.sides if span else ():
        assert (side.start, side.end) == (span.start, span.end) if span else False


@given(_histories(), _histories("uvw"), _DAYS)
def test_laying_over_leaves_the_base_as_it_was(base: list[_Entry], extension: list[_Entry], day: date) -> None:
    under = _read(base)
    _over(under, extension)
    assert under == _read(base)


@given(_histories(), _histories("uvw"))
def test_spans_stand_in_order_and_never_overlap(base: list[_Entry], extension: list[_Entry]) -> None:
    laid = _over(_read(base), extension)
    for earlier, later in itertools.pairwise(laid):
        assert earlier.low <= earlier.high < later.low


@given(_histories(), st.data())
def test_splitting_an_entry_in_two_equal_ones_changes_no_answer(entries: list[_Entry], data: st.DataObject) -> None:
    spans = _read(entries)
    whole = [span for span in spans if span.start and (span.end is None or span.end > span.start)]
    if not whole:
        return
    chosen = data.draw(st.sampled_from(whole))
    assert chosen.start is not None
    room = (chosen.end - chosen.start).days if chosen.end else 30
    cut = chosen.start + timedelta(days=data.draw(st.integers(1, room)))
    place = spans.index(chosen)
    first = {**entries[place], "until": (cut - timedelta(days=1)).isoformat()}
    split = [*entries[:place], first, {**entries[place], "from": cut.isoformat()}, *entries[place + 1 :]]
    day = data.draw(_DAYS)
    assert _says(_read(split), day) == _says(spans, day)


@given(_histories(), _histories("uvw"), st.data())
def test_splitting_an_entry_of_the_base_changes_no_answer_of_an_extension(
    base: list[_Entry], extension: list[_Entry], data: st.DataObject
) -> None:
    last = base[-1]
    if last["from"] == "undated":
        return
    begins = date.fromisoformat(last["from"])
    ends = date.fromisoformat(last["until"]) if "until" in last else begins + timedelta(days=30)
    if ends <= begins:
        return
    cut = begins + timedelta(days=data.draw(st.integers(1, (ends - begins).days)))
    split = [
        *base[:-1],
        {**last, "until": (cut - timedelta(days=1)).isoformat()},
        {**last, "from": cut.isoformat()},
    ]
    day = data.draw(_DAYS)
    assert _says(_over(_read(split), extension), day) == _says(_over(_read(base), extension), day)
