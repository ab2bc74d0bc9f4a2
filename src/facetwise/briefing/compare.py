"""The payer comparison: one row a question, one column a payer group, members unfolded where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from facetwise.briefing.subject import NOT_ESTABLISHED, Subject
from facetwise.document.model import Cell, Line
from facetwise.knowledge.kinds import Payer, Question

# Header and first column take one of the seven columns that a page can hold.
MOST_COLUMNS = 6
_WEAKEST = ("primary", "secondary", "superseded", "inferred")


@dataclass(frozen=True, slots=True)
class Group:
    """A column of the comparison: its heading, the payers in it, and whether it stands in the first table."""

    title: str
    payers: tuple[str, ...]
    members: str = "payers"
    first: bool = True


def groups(subject: Subject) -> list[Group]:
    """Return the columns: one a payer when payers were asked for, else one a payer group of the knowledge."""
    payers = subject.view.payers()
    if subject.payers:
        asked = [Group(payers[key].title, _members(payers, key)) for key in subject.payers]
        return [Group(one.title, one.payers, first=number < MOST_COLUMNS) for number, one in enumerate(asked)]
    found = []
    for _, record in sorted(subject.view.rows("payers/groups"), key=lambda item: item[1]["order"]):
        inside = tuple(
            key for key, payer in payers.items() if payer.group == record["group"] and payer.role != "program"
        )
        if inside:
            found.append(Group(record["title"], inside, record["members"], record["table"] == "first"))
    return found


def _members(payers: dict[str, Payer], key: str) -> tuple[str, ...]:
    if payers[key].role == "program":
        return tuple(other for other, payer in payers.items() if key in payer.follows and payer.role == "contractor")
    return (key,)


def questions(subject: Subject, *, section: str | None = "payers") -> list[tuple[str, Question]]:
    """Return the questions that bear on the code, in their order."""
    techniques = subject.techniques
    found = [
        (slug, question)
        for slug, question in subject.view.store.questions.items()
        if question.kind != "policy"
        and (section is None or question.section == section)
        and (not question.technique or not techniques or techniques & set(question.technique))
        and _bears(subject, slug, question)
    ]
    return sorted(found, key=lambda item: (item[1].order, item[0]))


def _bears(subject: Subject, slug: str, question: Question) -> bool:
    # A position or an authorization names its codes: a question that never names this one is not asked of it.
    if question.kind != "position":
        return True
    for thing in subject.view.store.things.values():
        for dated in thing.history:
            for one in dated.sides or (dated,):
                value = one.value
                if getattr(value, "question", "") == slug:
                    codes = getattr(value, "codes", ())
                    if not codes or subject.code in codes:
                        return True
    return False


def cell(subject: Subject, group: Group, slug: str) -> Cell:
    """Return a group's answer: payers that say the same in one line; never blank."""
    payers = subject.view.payers()
    said: dict[tuple[str, ...], tuple[list[Line], list[str]]] = {}
    for key in group.payers:
        for line in (line for answer in subject.answers(key, slug) for line in subject.answer_lines(answer)):
            lines, names = said.setdefault(_words(line), ([], []))
            lines.append(line)
            if payers[key].name not in names:
                names.append(payers[key].name)
    everyone = len(group.payers)
    known = [(together(lines), names) for lines, names in said.values() if lines[0].text != NOT_ESTABLISHED]
    silent = [names for lines, names in said.values() if lines[0].text == NOT_ESTABLISHED]
    result = []
    for line, names in sorted(known, key=lambda item: -len(item[1])):
        who = "" if len(names) == everyone else _names(names, everyone, group)
        result.append(_short(line, who))
    if silent:
        names = silent[0]
        shown = f"the other {len(names)} {group.members}" if len(names) > 3 and result else ", ".join(names)
        result.append(Line(NOT_ESTABLISHED, who="" if len(names) == everyone else shown, status="not_established"))
    return Cell(tuple(result))


def _words(line: Line) -> tuple[str, ...]:
    return (line.status, line.text, str(line.presumed), *(one.text for one in line.lines))


def together(lines: list[Line]) -> Line:
    """Return one line for several that say the same: all sources, the weakest grade, a date only if they share it."""
    first = lines[0]
    if len(lines) == 1:
        return first
    grades = [line.evidence for line in lines if line.evidence]
    sides = tuple(together([line.lines[number] for line in lines]) for number in range(len(first.lines)))
    shared = len({line.since for line in lines}) == 1
    return msgspec.structs.replace(
        first,
        sources=tuple(dict.fromkeys(key for line in lines for key in line.sources)),
        evidence=max(grades, key=_WEAKEST.index, default=""),
        since=first.since if shared else "",
        until=first.until if len({line.until for line in lines}) == 1 else "",
        recent=first.recent if shared else False,
        note=first.note if len({line.note for line in lines}) == 1 else "",
        lines=sides,
    )


def _names(names: list[str], everyone: int, group: Group) -> str:
    if everyone == 1:
        return ""
    shown = ", ".join(names)
    return f"{len(names)} of {everyone} {group.members}" if len(names) == everyone - 1 and len(shown) > 40 else shown


def _short(line: Line, who: str) -> Line:
    """Return a line for a crowded cell: without its note, which stands with the payer's full terms."""
    return msgspec.structs.replace(line, who=who, note="", lines=tuple(_short(one, one.who) for one in line.lines))
