"""The answer first: what the code is, what most often goes wrong, what that means on this day."""

from __future__ import annotations

import msgspec

from facetwise.briefing.compare import together
from facetwise.briefing.sections import payment
from facetwise.briefing.subject import MOST_CITED, NOT_ESTABLISHED, Subject
from facetwise.document.model import Answer, AnyBlock, Cell, Facts, Line, Points, Status
from facetwise.knowledge.kinds import Position, PriorAuthorization


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the overview."""
    leads = [subject.statement_line(dated, one) for _, dated, one in subject.statements("overview", lead=True)]
    if leads:
        first, rest = leads[0], tuple(leads[1:])
        answer = Answer(
            text=first.text, lines=(Line("", sources=first.sources, evidence=first.evidence, since=first.since), *rest)
        )
    else:
        answer = Answer(text=subject.value.description, lines=(subject.line(subject.dated, ""),))
    found: list[AnyBlock] = [answer, Facts(title="At a glance", items=tuple(_glance(subject)))]
    more = tuple(subject.statement_line(dated, one) for _, dated, one in subject.statements("overview", lead=False))
    if more:
        found.append(Points(lines=more))
    return found


def _glance(subject: Subject) -> list[tuple[str, Cell]]:
    value = subject.value
    role = {
        "add_on": "add-on: never reported by itself",
        "primary": "primary procedure",
        "standalone": "procedure of its own",
    }
    first = subject.line(subject.dated, value.title)

    def said(text: str) -> Cell:
        # The code's own record is cited in full once, above; here its first sources are enough to lead there.
        return Cell((msgspec.structs.replace(first, text=text, note="", sources=first.sources[:MOST_CITED]),))

    items = [("What it is", Cell((first,))), ("Role", said(role[value.role]))]
    if value.bases:
        items.append(("Reported with", said(" and ".join(value.bases))))
    if value.unit:
        items.append(("One unit is", said(value.unit)))
    contractors = contractor_positions(subject)
    if contractors:
        items.append((f"{subject.program} position", Cell(tuple(contractors))))
    items.append(("Prior authorization, hospital outpatient", Cell(tuple(hospital_authorization(subject)))))
    others = _others(subject)
    if others:
        items.append(("Other payers", Cell(tuple(others))))
    money = payment.glance(subject)
    if money:
        items.append(money)
    return items


def contractor_positions(subject: Subject) -> list[Line]:
    """Return where the contractors stand on the code; those that say the same share a line."""
    payers = subject.view.payers()
    said: dict[tuple[str, ...], tuple[list[Line], list[str]]] = {}
    for contractor in payers:
        if payers[contractor].role != "contractor":
            continue
        for line in position_lines(subject, contractor):
            key = (line.status, line.text, *(one.text for one in line.lines))
            lines, names = said.setdefault(key, ([], []))
            lines.append(line)
            names.append(payers[contractor].name)
    return [msgspec.structs.replace(together(lines), who=", ".join(names)) for lines, names in said.values()]


def position_lines(subject: Subject, payer: str) -> list[Line]:
    """Return a payer's position on the code itself, by the finest question that has one; else "not established"."""
    questions = subject.view.store.questions
    for slug in sorted(questions, key=lambda slug: questions[slug].order):
        if questions[slug].kind != "position":
            continue
        found: list[Line] = []
        for answer in subject.answers(payer, slug):
            value = answer.value or (answer.dated.sides[0].value if answer.dated and answer.dated.sides else None)
            if isinstance(value, Position) and subject.code in value.codes and value.when is None:
                found += subject.answer_lines(answer)
        if found:
            return found
    return [Line(NOT_ESTABLISHED, status="not_established")]


def hospital_authorization(subject: Subject) -> list[Line]:
    """Return whether the program wants prior authorization in a hospital outpatient department, and why."""
    found: list[Line] = []
    programs = [key for key, payer in subject.view.payers().items() if payer.role == "program"]
    for answer in (one for program in programs for one in subject.answers(program, "prior-authorization")):
        value = answer.value or (answer.dated.sides[0].value if answer.dated and answer.dated.sides else None)
        if (
            value is None
            and answer.dated is not None
            and answer.dated.not_established
            and subject_code_in(answer, subject)
        ):
            found += subject.answer_lines(answer, full=True)
        if isinstance(value, PriorAuthorization) and subject.code in value.codes and "hopd" in value.applies.setting:
            found += subject.answer_lines(answer, full=True)
    return found or [Line(f"{NOT_ESTABLISHED} for this code", status="not_established")]


def subject_code_in(answer: object, subject: Subject) -> bool:
    """Whether the thing behind an answer names the code at some other date."""
    thing = getattr(answer, "thing", None)
    return thing is not None and any(
        subject.code in getattr(dated.value, "codes", ()) for dated in thing.history if dated.value is not None
    )


def _others(subject: Subject) -> list[Line]:
    payers = subject.view.payers()
    by_status: dict[Status, list[str]] = {}
    for key, payer in payers.items():
        if payer.role in ("program", "contractor", "vendor") or not subject.allows(key):
            continue
        for status in dict.fromkeys(line.status for line in position_lines(subject, key)):
            by_status.setdefault(status, []).append(payer.name)
    lines: list[Line] = []
    for status, names in sorted(by_status.items()):
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        lines.append(Line(shown, status=status))
    return lines
