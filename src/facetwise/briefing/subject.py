"""What a briefing is about: one code, one day, and the ways to say what the knowledge holds on it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from facetwise.document.model import Cell, Line, Status, without_status
from facetwise.knowledge import Answer, Dated, Thing, View
from facetwise.knowledge.kinds import Billing, Code, Family, PriorAuthorization, Statement
from facetwise.knowledge.store import BASE_LAYER
from facetwise.knowledge.tables import Row
from facetwise.problems import FacetwiseError, Problem, nearest

NOT_ESTABLISHED = "not established"
# How many sources a value cites that repeats what a record beside it cites in full.
MOST_CITED = 3
_BESIDE = "beside:"
_PRIOR_AUTHORIZATION: dict[str, Status] = {"yes": "required", "no": "not_required", "depends": "depends"}


@dataclass(frozen=True)
class Subject:
    """One code on one day, with the payers to compare (none: all)."""

    view: View
    code: str
    value: Code
    dated: Dated
    payers: tuple[str, ...] = ()
    groups: frozenset[str] = field(default_factory=frozenset)

    @property
    def day(self) -> date:
        return self.view.day

    @property
    def full(self) -> bool:
        """Whether this code has a full briefing; neighbours have a thin one."""
        return self.value.briefing == "full"

    @property
    def program(self) -> str:
        """The name of the public program whose fee schedules the knowledge carries."""
        return next((payer.title for payer in self.view.payers().values() if payer.role == "program"), "the program")

    def family(self) -> list[tuple[str, Code]]:
        """Return the codes that share a group with this one and have a full briefing, this one included."""
        return [(code, value) for code, value in codes_of(self.view) if value.briefing == "full"]

    def recent(self, dated: Dated) -> bool:
        """Whether it began to hold within the twelve months up to the day."""
        return dated.start is not None and bool(dated.change) and _months_before(self.day) <= dated.start <= self.day

    def concerns(self, statement: Statement) -> bool:
        """Whether a statement bears on this code."""
        if statement.codes or statement.families:
            return self.code in statement.codes or bool(self.groups & set(statement.families))
        return self.full

    def allows(self, payer: str) -> bool:
        """Whether a payer is among those asked for (or none was)."""
        if not self.payers or payer in self.payers:
            return True
        payers = self.view.payers()
        return any(payer in payers[asked].follows for asked in self.payers if asked in payers)

    def statements(self, section: str, *, lead: bool | None = None) -> list[tuple[Thing, Dated, Statement]]:
        """Return the statements of a section that bear on this code and the payers asked for."""
        return [
            (thing, dated, statement)
            for thing, dated, statement in self.view.statements(section)
            if self.concerns(statement)
            and not statement.topic.startswith(_BESIDE)
            and (lead is None or statement.lead == lead)
            and (not statement.payers or any(self.allows(payer) for payer in statement.payers))
        ]

    def beside(self, block: str, section: str) -> tuple[Line, ...]:
        """Return the remarks that stand beside a table or chart."""
        return tuple(
            self.statement_line(dated, statement)
            for _, dated, statement in self.view.statements(section)
            if statement.topic == f"{_BESIDE}{block}"
        )

    def line(self, dated: Dated, text: str, *, who: str = "", status: Status = "", presumed: bool = False) -> Line:
        """Return a cited line of a dated value."""
        return Line(
            text=text,
            who=who,
            status=status,
            sources=dated.sources,
            evidence=dated.evidence or "",
            since=dated.since,
            until=dated.end.isoformat() if dated.end else "",
            note=dated.note,
            presumed=presumed,
            recent=self.recent(dated),
            layer="" if dated.layer == BASE_LAYER else dated.layer,
        )

    def statement_line(self, dated: Dated, statement: Statement) -> Line:
        """Return a statement as a line; a known gap says what would settle it."""
        status: Status = "not_established" if statement.status == "not_established" else ""
        text = statement.text
        if statement.settle:
            text = f"{text.rstrip('.')}. What would settle it: {statement.settle.rstrip('.')}."
        names = [payer.name for key, payer in self.view.payers().items() if key in statement.payers]
        return self.line(dated, text, who=", ".join(names), status=status)

    def answer_lines(self, answer: Answer, *, full: bool = False, who: str = "") -> list[Line]:
        """Return the lines of a payer's answer: in short, or with `full` its statement; one a side of a conflict."""
        dated = answer.dated
        if dated is None:
            return [Line(NOT_ESTABLISHED, who=who, status="not_established")]
        if dated.sides:
            sides = tuple(self._value_line(side, who="", presumed=answer.presumed, full=full) for side in dated.sides)
            return [
                Line(
                    "sources disagree",
                    who=who,
                    status="conflict",
                    since=dated.since,
                    lines=sides,
                    recent=self.recent(dated),
                )
            ]
        if dated.value is None:
            return [self.line(dated, f"{NOT_ESTABLISHED}: {dated.not_established}", who=who, status="not_established")]
        return [self._value_line(dated, who=who, presumed=answer.presumed, full=full)]

    def _value_line(self, dated: Dated, *, who: str, presumed: bool, full: bool) -> Line:
        value = dated.value
        text = getattr(value, "statement" if full else "cell", "") or NOT_ESTABLISHED
        status = _status(value)
        return self.line(dated, without_status(text, status), who=who, status=status, presumed=presumed)

    def meaning(self, indicator: str, value: str | None) -> str:
        """Return "2: standard reduction ..." for an indicator's value; bare when no source says its meaning."""
        for _, record in self.view.rows("fees/meanings", indicator=indicator, value=value):
            return f"{value}: {record['meaning']}"
        return value or "none"

    def row_line(self, row: Row, text: str, *, note: str = "") -> Line:
        """Return a cited line of a table's row."""
        grades = [self.view.source(key).evidence for key in row.sources]
        order = ("primary", "secondary", "superseded", "inferred")
        return Line(
            text=text,
            sources=row.sources,
            evidence=row.evidence or min(grades, key=order.index, default=""),
            since=row.start.isoformat() if row.start else "undated",
            note=note,
        )

    def row_cell(self, row: Row, text: str, *, note: str = "") -> Cell:
        """Return a cell of a table's row."""
        return Cell((self.row_line(row, text, note=note),))

    @functools.cached_property
    def techniques(self) -> frozenset[str]:
        """The techniques that the code reports: its own, and those of the families that use it."""
        families = [dated.value for _, dated in self.view.of_kind("family") if isinstance(dated.value, Family)]
        used = (family for family in families if any(rank.code == self.code for rank in family.ranks))
        return frozenset(self.value.technique) | {one for family in used for one in family.technique}

    def answers(self, payer: str, question: str) -> list[Answer]:
        """Return a payer's answers to a question as far as they bear on this code."""
        fitting = [answer for answer in self.view.answers(payer, question) if self._fits(answer, question)]
        return fitting or [Answer(payer, "", None, None)]

    def _fits(self, answer: Answer, slug: str) -> bool:
        if answer.dated is None:
            return True
        value = answer.dated.value or (answer.dated.sides[0].value if answer.dated.sides else None)
        if value is None and answer.thing is not None:
            value = next((one.value for one in answer.thing.history if one.value is not None), None)
        codes = getattr(value, "codes", ())
        # A billing convention names the codes to report, not the codes that it bears on.
        if codes and self.code not in codes and not isinstance(value, Billing):
            return False
        applies = getattr(value, "applies", None)
        if applies is None:
            return True
        if applies.codes and self.code not in applies.codes:
            return False
        # What else is excluded, and how it is reported, concerns every code of the family it is mistaken for.
        question = self.view.store.questions.get(slug)
        wanted = set(applies.technique)
        if wanted and self.techniques and not (question and question.any_technique) and not wanted & self.techniques:
            return False
        regions = set(applies.region)
        return not (regions and self.value.region and not regions & regions_of(self.value.region))


def regions_of(region: str) -> set[str]:
    """Return a coding region with the parts of the spine that it holds."""
    parts = set(region.split("_")) - {"sacral"}
    return {region, *parts}


def _status(value: object) -> Status:
    if isinstance(value, PriorAuthorization):
        return _PRIOR_AUTHORIZATION[value.required]
    status: Status = getattr(value, "position", "")
    return status


def _months_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def codes_of(view: View) -> list[tuple[str, Code]]:
    """Return the codes of the day, in the order of their names."""
    return [(thing.slug, dated.value) for thing, dated in view.of_kind("code") if isinstance(dated.value, Code)]


def subject(view: View, code: str, payers: Iterable[str] = ()) -> Subject:
    """Return the subject of a briefing. Raises FacetwiseError on an unknown code or payer."""
    asked = code.strip().upper()
    things = {thing.slug: thing for thing in view.store.things.values() if thing.kind == "code"}
    if asked not in things:
        raise FacetwiseError(_unknown_code(view, asked, things))
    dated = view.thing(things[asked].id)
    if dated is None or not isinstance(dated.value, Code):
        spans = "; ".join(_span(one) for one in things[asked].history if one.value is not None)
        raise FacetwiseError(
            Problem("", 0, f"code {asked} was not in use on {view.day.isoformat()}", f"a date within {spans}")
        )
    known = view.payers()
    for payer in payers:
        if payer not in known:
            close = ", ".join(nearest(payer, known, 3))
            raise FacetwiseError(
                Problem(
                    "",
                    0,
                    f"payer {payer!r} is not known",
                    "the id of a payer of the knowledge",
                    f"nearest: {close}" if close else "",
                )
            )
    groups = frozenset(record["group"] for _, record in view.rows("codes/groups", code=asked))
    return Subject(view, asked, dated.value, dated, tuple(payers), groups)


def _unknown_code(view: View, code: str, things: dict[str, Thing]) -> Problem:
    close = nearest(code, things, 5) or sorted(things)[:5]
    named = "codes/others" in view.store.tables and any(True for _ in view.rows("codes/others", code=code))
    found = (
        f"code {code} is mentioned in the knowledge but has no briefing"
        if named
        else f"code {code!r} is not in the knowledge"
    )
    return Problem(
        "",
        0,
        found,
        f"a code of the knowledge; the nearest are {', '.join(close)}",
        f"to add it, write codes/{code}.yaml in a directory of your own and lay it over ours with --knowledge DIR "
        "(CONTRIBUTING.md shows how)",
    )


def _span(dated: Dated) -> str:
    begin = dated.since
    return f"{begin} to {dated.end.isoformat()}" if dated.end else f"{begin} and later"
