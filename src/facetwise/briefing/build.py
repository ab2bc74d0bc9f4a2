"""Building a briefing: the sections of the contract, in order, from the knowledge as of a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from facetwise.briefing import changes
from facetwise.briefing.sections import (
    billing_code,
    clinical,
    coding,
    documentation,
    limits,
    overview,
    payers,
    payment,
    usage,
)
from facetwise.briefing.subject import Subject, subject
from facetwise.document.model import AnyBlock, Document, Points, Section, Timeline, cited, sealed
from facetwise.document.sources import CPT_NOTICE, source_entries
from facetwise.knowledge import Knowledge
from facetwise.knowledge.store import BASE_LAYER

_FAR_DAYS = 3 * 365

_SECTIONS: dict[str, tuple[str, Callable[[Subject], list[AnyBlock]]]] = {
    "overview": ("Overview", overview.blocks),
    "billing-code": ("The code", billing_code.blocks),
    "clinical-context": ("Clinical context", clinical.blocks),
    "coding": ("Coding", coding.blocks),
    "payers": ("Payers", payers.blocks),
    "documentation": ("Documentation", documentation.blocks),
    "payment": ("Payment", payment.blocks),
    "usage": ("Usage", usage.blocks),
    "changes": ("Changes", lambda one: _changes(one)),
    "limits-of-the-data": ("Limits of the data", limits.blocks),
}

# What each reader needs first; the other sections follow, folded. A view: nothing is left out.
_FIRST: dict[str, tuple[str, ...]] = {
    "billing": ("overview", "coding", "payers", "documentation", "payment", "billing-code", "changes"),
    "clinical": ("overview", "clinical-context", "documentation", "payers", "coding"),
    "policy": ("overview", "payers", "changes", "usage", "payment", "limits-of-the-data"),
}


def build(knowledge: Knowledge, code: str, day: date, *, audience: str = "", payers: tuple[str, ...] = ()) -> Document:
    """Return the briefing on `code` as of `day`.

    `audience` (billing, clinical, policy) orders and folds, `payers` (ids) narrows the comparison. Raises
    FacetwiseError on a code or payer that is not known and on a day outside the knowledge.
    """
    about = subject(knowledge.as_of(day), code, payers)
    sections = []
    for name, (title, blocks) in _SECTIONS.items():
        found = blocks(about)
        if found:
            sections.append(Section(name, title, tuple(found)))
    sections = _for_audience(sections, audience)
    sources = source_entries(about.view, cited(sections))
    sections.append(Section("sources", "Sources", ()))
    horizon = knowledge.store.horizon
    layers = tuple(layer for layer in knowledge.store.layers if layer != BASE_LAYER)
    return sealed(
        Document(
            code=about.code,
            as_of=day.isoformat(),
            title=f"{about.code}: {about.value.title}",
            summary="National coding and coverage briefing",
            knowledge=knowledge.digest,
            reviewed=horizon.reviewed.isoformat(),
            sections=tuple(sections),
            sources=sources,
            audience=audience,
            payers=payers,
            layers=layers,
            notice=CPT_NOTICE,
        )
    )


def _changes(about: Subject) -> list[AnyBlock]:
    year_before = date.fromordinal(about.day.toordinal() - 365)
    found = changes.events(about.view.store, about.day, about.code, about.payers, year_before)
    far = date.fromordinal(about.day.toordinal() - _FAR_DAYS).isoformat()
    near = tuple(event for event in found if event.date >= far)
    result: list[AnyBlock] = []
    if near:
        result.append(Timeline(title="What changed in the last three years, newest first", events=near))
    if len(near) < len(found):
        earlier = tuple(event for event in found if event.date < far)
        result.append(Timeline(title="Earlier changes", events=earlier, folded=bool(near)))
    lines = tuple(about.statement_line(dated, one) for _, dated, one in about.statements("changes") if not dated.change)
    if lines:
        result.append(Points(title="Background", lines=lines, folded=True))
    return result


def _for_audience(sections: list[Section], audience: str) -> list[Section]:
    if not audience:
        return sections
    first = _FIRST[audience]
    place = {name: number for number, name in enumerate(first)}
    result = []
    for section in sorted(sections, key=lambda one: place.get(one.id, len(first))):
        blocks = tuple(
            _folded(block) if block.audience and audience not in block.audience else block for block in section.blocks
        )
        result.append(Section(section.id, section.title, blocks, folded=section.id not in place))
    return result


def _folded(block: AnyBlock) -> AnyBlock:
    return msgspec.structs.replace(block, folded=True)
