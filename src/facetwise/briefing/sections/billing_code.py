"""The code itself: its place in the family, its indicators, its neighbours."""

from __future__ import annotations

from typing import Any

import msgspec

from facetwise.briefing.subject import MOST_CITED, Subject, codes_of
from facetwise.document.model import (
    AnyBlock,
    Cell,
    Column,
    Facts,
    Paragraph,
    Points,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.kinds import Code, Family
from facetwise.knowledge.tables import Row
from facetwise.payment import fees

_RANKS = {
    "first": "first level",
    "second": "second level",
    "third_and_further": "third and any further level",
    "each_further": "each further level",
}
_INDICATORS = {
    "status": "Status in the fee schedule",
    "global": "Global period",
    "bilat": "Both sides (bilateral indicator)",
    "mult": "Several procedures (indicator)",
    "asst": "Assistant at surgery (indicator)",
    "co": "Co-surgeon (indicator)",
}


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the section on the code."""
    found: list[AnyBlock] = [
        Paragraph(line=subject.line(subject.dated, subject.value.descriptor or subject.value.description))
    ]
    if subject.value.descriptor:
        found.append(Paragraph(line=subject.line(subject.dated, f"In our words: {subject.value.description}")))
    found.append(Facts(title="Facts of the code", items=tuple(_facts(subject))))
    family = _family_map(subject)
    if family:
        found.append(family)
    neighbours = _neighbours(subject)
    if neighbours:
        found.append(neighbours)
    lines = tuple(subject.statement_line(dated, one) for _, dated, one in subject.statements("billing-code"))
    if lines:
        found.append(Points(title="Further facts", lines=lines, folded=len(lines) > 8))
    return found


def _facts(subject: Subject) -> list[tuple[str, Cell]]:
    value, dated = subject.value, subject.dated
    words = subject.view.store.vocabulary.words

    def cell(text: str) -> Cell:
        # The code's own record is cited in full once, above; here its first sources are enough to lead there.
        return Cell((msgspec.structs.replace(subject.line(dated, text), note="", sources=dated.sources[:MOST_CITED]),))

    items = [("Code set", cell(value.system))]
    if value.technique:
        items.append(("Technique", cell(", ".join(words["technique"][one] for one in value.technique))))
    if value.region:
        items.append(("Region", cell(words["region"][value.region])))
    if value.rank:
        items.append(("Level", cell(_RANKS[value.rank])))
    if value.guidance_included:
        items.append(
            ("Guidance inside the code", cell(", ".join(words["guidance"][one] for one in value.guidance_included)))
        )
    held = fees.fee(subject.view.store, subject.code, subject.day)
    if held is not None:
        record = held.record
        items += [
            (label, subject.row_cell(held.row, subject.meaning(indicator, record[indicator])))
            for indicator, label in _INDICATORS.items()
        ]
        if record["nf_total"] is not None and record["status"] == "A":
            text = f"office {record['nf_total']}, facility {record['f_total']} (work {record['work']})"
            items.append(
                ("Relative value units", subject.row_cell(held.row, text, note=f"release {record['release']}"))
            )
    for row, record in _mue(subject):
        table = record["table"].replace("_", " ")
        items.append(
            (
                f"Medically unlikely edit, {table}",
                subject.row_cell(
                    row,
                    f"{record['value']}; adjudication indicator {subject.meaning('mai', record['mai'])}",
                    note=f"Edition from {in_words(row.start)}. {record['rationale'] or ''}".strip()
                    if row.start
                    else "",
                ),
            )
        )
    return items


def _mue(subject: Subject) -> list[tuple[Row, dict[str, Any]]]:
    if "edits/mue" not in subject.view.store.tables:
        return []
    return list(subject.view.rows("edits/mue", code=subject.code))


def _family_map(subject: Subject) -> TableBlock | None:
    rows = []
    family = [one for _, one in subject.view.of_kind("family")]
    for dated in family:
        value = dated.value
        assert value is None or isinstance(value, Family)
        if value is None or (
            not set(value.technique) & set(subject.value.technique or ("",)) and not _kin(subject, value)
        ):
            continue
        if subject.full and not _kin(subject, value):
            continue
        by_level = {rank.level: rank.code for rank in value.ranks}
        cells = []
        for level in ("first", "second", "third_and_further"):
            code = (
                by_level.get(level)
                or (by_level.get("each_further") if level != "first" else None)
                or by_level.get("any")
            )
            mark = " (this code)" if code == subject.code else ""
            cells.append(plain_cell(f"{code}{mark}" if code else "no code of its own"))
        rows.append(TableRow((Cell((subject.line(dated, value.title),)), *cells)))
    if not rows:
        return None
    return TableBlock(
        id="family",
        title="The family, base to add-ons",
        caption="Which code reports which level, by technique and region",
        columns=(
            Column("what", "Technique and region"),
            Column("first", "First level"),
            Column("second", "Second level"),
            Column("third", "Third and any further"),
        ),
        rows=tuple(rows),
        lines=subject.beside("family", "billing-code"),
    )


def _kin(subject: Subject, family: Family) -> bool:
    full = {code for code, value in codes_of(subject.view) if value.briefing == "full"}
    codes = {rank.code for rank in family.ranks}
    return bool(codes & full) if subject.full else subject.code in codes


def _neighbours(subject: Subject) -> TableBlock | None:
    known: dict[str, Code] = dict(codes_of(subject.view))
    rows = [
        TableRow(
            (
                plain_cell(one.code),
                plain_cell(known[one.code].title if one.code in known else "not described in the knowledge"),
                Cell((subject.line(subject.dated, one.why),)),
            )
        )
        for one in subject.value.neighbours
    ]
    if not rows:
        return None
    return TableBlock(
        id="neighbours",
        title="Neighbours that are mistaken for it",
        caption="Codes that stand beside this one",
        columns=(Column("code", "Code"), Column("what", "What it is"), Column("why", "Why it matters here")),
        rows=tuple(rows),
    )
