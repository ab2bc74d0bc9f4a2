"""What a payer's criteria ask of a case: the facts that their tests name, each once, where it is first asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from facetwise.coverage.case import Case
from facetwise.coverage.evaluate import concerns, context, said_of
from facetwise.coverage.labels import wanted_lines
from facetwise.knowledge import View
from facetwise.knowledge.kinds import Criterion, Limit, Position
from facetwise.knowledge.parts import Asked, Test
from facetwise.payers import Rules, Said, rules
from facetwise.web.desk import Desk

_EARLIER = "history."
_PROCEDURE = "procedure."
# What a case states outside its facts: the start of the form asks for it.
_STATED = ("technique", "purpose", "region", "setting", "sequence", "codes", "joints", "sides", "regions")
# What an earlier procedure brought is told by the event; these are counted from the dates.
_COUNTED = "since"


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of a case: its whole name, its type (number, boolean, word, date), its unit and its words."""

    name: str
    label: str
    type: str
    unit: str = ""
    words: dict[str, str] = {}


class FormCriterion(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion, what it wants of the record, on whose word, and the facts that no criterion before it asks for.

    A criterion whose facts are asked already, or which a person judges, has no fields; `counted`: it is judged from the
    dates of earlier procedures.
    """

    id: str
    title: str
    group: str
    statement: str
    wanted: tuple[str, ...]
    citations: tuple[str, ...]
    presumed: bool
    counted: bool
    fields: tuple[FormField, ...]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a case: criteria in their order with the facts they ask for, and what an earlier procedure may tell."""

    as_of: str
    knowledge: str
    payer: str
    whose: str
    criteria: tuple[FormCriterion, ...]
    history: tuple[FormField, ...]
    wants_history: bool


def asked_case(desk: Desk, query: Any) -> Case:
    """Return the case without a patient that a query asks about. Raises FacetwiseError."""
    procedure = {name: getattr(query, name) for name in ("technique", "purpose", "region", "sequence")}
    given = {
        "payer": query.payer,
        "state": query.state,
        "date_of_service": desk.day(query.as_of, "as_of").isoformat(),
        "setting": query.setting,
        "procedure": {name: text for name, text in procedure.items() if text},
    }
    return desk.cases(json.dumps({name: value for name, value in given.items() if value}))[0]


def blank_form(desk: Desk, case: Case) -> Form:
    """Return the form for the payer, day and procedure of a case."""
    view = desk.knowledge.as_of(case.day)
    asked = rules(view, case.payer, case.state)
    words = view.store.vocabulary
    seen: set[str] = set()
    earlier: dict[str, None] = {}
    criteria = []
    wants_history = False
    for slug, title, group, one in _bearing(desk, view, case, asked):
        test = _test(one.value)
        names = list(_facts(test)) if test else []
        wants_history = wants_history or isinstance(one.value, Limit) or bool(test and _counts(test))
        own = []
        for name in names:
            if name.startswith(_EARLIER) and _COUNTED not in name:
                earlier.setdefault(name)
                wants_history = True
            elif name not in seen and name.removeprefix(_PROCEDURE) not in _STATED:
                seen.add(name)
                own.append(_field(view, name))
        criteria.append(
            FormCriterion(
                id=one.answer.thing.slug if one.answer.thing else slug,
                title=title,
                group=group,
                statement=one.value.statement,
                wanted=tuple(wanted_lines(words, test)) if test else (),
                citations=one.citations,
                presumed=not one.established,
                counted=isinstance(one.value, Limit),
                fields=tuple(own),
            )
        )
    return Form(
        as_of=case.day.isoformat(),
        knowledge=desk.knowledge.digest,
        payer=case.payer,
        whose=asked.whose,
        criteria=tuple(criteria),
        history=tuple(_field(view, name) for name in earlier),
        wants_history=wants_history,
    )


def _bearing(desk: Desk, view: View, case: Case, asked: Rules) -> Iterator[tuple[str, str, str, Said]]:
    """Yield the criteria, limits over time and conditional positions that bear on the case, by their questions."""
    about = context(desk.knowledge, view, asked, case)
    for slug, question in sorted(view.store.questions.items(), key=lambda item: (item[1].order, item[0])):
        if question.technique and case.technique not in question.technique:
            continue
        if question.kind == "criterion" and not concerns(about, slug):
            continue
        for one in said_of(about, asked, slug):
            value = one.value
            if not isinstance(value, Criterion | Limit | Position):
                continue
            if case.sequence and value.applies.sequence and case.sequence not in value.applies.sequence:
                continue
            if isinstance(value, Position) and value.when is None:
                continue
            if isinstance(value, Limit) and value.window.kind == "session":
                continue
            yield slug, question.title, question.group, one


def _test(value: Criterion | Limit | Position) -> Test | None:
    return value.test if isinstance(value, Criterion) else value.when if isinstance(value, Position) else None


def _facts(test: Test) -> Iterator[str]:
    if test.asks is not None:
        yield test.asks
    for one in (*test.all, *test.any, *test.none):
        yield from _facts(one)
    if test.prior is not None:
        for one in test.prior.where:
            yield from _facts(one)


def _counts(test: Test) -> bool:
    return test.prior is not None or any(_counts(one) for one in (*test.all, *test.any, *test.none))


def _field(view: View, name: str) -> FormField:
    words = view.store.vocabulary
    asked: Asked = words.asks[name]
    return FormField(
        name=name,
        label=asked.label[:1].upper() + asked.label[1:],
        type=asked.type,
        unit=words.units.get(asked.unit or "", asked.unit or ""),
        words=words.words[asked.words] if asked.words else {},
    )
