"""The rule texts as texts: their parts, the syntax that they may use, the edits that they may name."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from facetwise.edits import registry
from facetwise.edits.tables import PREPARED, reference_shapes
from facetwise.edits.texts import RuleTextError, parse, read_text
from facetwise.edits.translate import NotPortableError, check, translate

FAMILIES = [family.name for family in registry.FAMILIES]


def test_every_text_is_registered_and_every_family_has_a_text() -> None:
    files = {path.name.removesuffix(".sql") for path in resources.files("facetwise.edits").joinpath("sql").iterdir()}
    assert files == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_keeps_to_the_portable_syntax(family: str) -> None:
    check(family, read_text(family).statement())
    for dialect in ("sqlite", "spark"):
        assert translate(read_text(family).statement(), dialect)


@pytest.mark.parametrize("family", registry.FAMILIES, ids=FAMILIES)
def test_a_text_names_the_edits_of_its_family(family: registry.Family) -> None:
    text = read_text(family.name)
    written = " ".join([*(select for _, select in text.steps), text.findings])
    named = {edit for edit in registry.edits() if re.search(rf"'{edit}'", written)}
    # A table of rules may hold the edit's name beside the rule.
    assert named <= set(family.edits)
    assert named or "edit" in written


def test_tables_that_a_family_needs_are_there() -> None:
    known = {*PREPARED, *reference_shapes()}
    for family in registry.FAMILIES:
        assert set(family.needs) <= known
        assert family.screen in registry.SCREENS


@pytest.mark.parametrize(
    ("select", "what"),
    [
        ("SELECT list_aggregate([1, 2], 'sum') AS a FROM line", "a list"),
        ("SELECT a.code FROM line AS a ASOF JOIN line AS b ON a.day >= b.day", "ASOF"),
        ("SELECT day + INTERVAL 1 DAY AS a FROM line", "an interval"),
        ("SELECT string_agg(code, ',' ORDER BY code) AS a FROM line", "an ordered aggregate"),
        ("SELECT CAST(units AS DECIMAL(9, 3)) AS a FROM line", "a type that SQLite has not"),
        ("SELECT regexp_matches(code, '6.*') AS a FROM line", "a regular expression"),
    ],
)
def test_syntax_that_engines_take_otherwise_is_refused(select: str, what: str) -> None:
    with pytest.raises(NotPortableError):
        check(what, select)


@pytest.mark.parametrize(
    "content",
    [
        "SELECT 1",
        "-- step: one\nSELECT 1",
        "-- findings\nSELECT 1\n-- step: two\nSELECT 2",
        "-- step: one\nSELECT 1\n-- step: one\nSELECT 2\n-- findings\nSELECT 3",
        "-- step: one\n-- findings\nSELECT 3",
    ],
)
def test_a_text_without_its_parts_is_refused(content: str) -> None:
    with pytest.raises(RuleTextError):
        parse("invented", content)


def test_steps_become_one_statement() -> None:
    text = parse("invented", "-- words\n-- step: one\nSELECT 1 AS a;\n-- findings\nSELECT a FROM one")
    assert text.statement() == "WITH one AS (\nSELECT 1 AS a\n)\nSELECT a FROM one"
