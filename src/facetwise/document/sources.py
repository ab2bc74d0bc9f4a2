"""What stands at the end of every document: the sources that it cites, and whose the codes are."""

from __future__ import annotations

from facetwise.document.model import SourceEntry
from facetwise.knowledge import View
from facetwise.knowledge.store import BASE_LAYER

CPT_NOTICE = (
    "CPT codes are copyright of the American Medical Association; CPT is its registered trademark. This briefing "
    "describes procedures in its own words and carries none of the AMA's descriptors. It is no legal, medical or "
    "billing advice: confirm the live document before it decides a claim."
)


def source_entries(view: View, keys: list[str]) -> tuple[SourceEntry, ...]:
    """Return the sources of these keys, numbered in their order."""
    found = []
    for number, key in enumerate(keys, start=1):
        source = view.source(key)
        layer = view.store.source_layers[key]
        found.append(
            SourceEntry(
                key=key,
                title=source.title,
                publisher=source.publisher,
                url=source.url,
                date=source.date,
                evidence=source.evidence,
                number=number,
                version=source.version,
                identifier=source.identifier,
                canonical_url=source.canonical_url,
                extent=source.extent,
                vintage=source.vintage,
                note=source.note,
                weight=source.weight,
                layer="" if layer == BASE_LAYER else layer,
            )
        )
    return tuple(found)
