"""The small signs that stand beside a value, the same in every format: status, evidence, dates."""

from __future__ import annotations

from facetwise.document.model import STATUS_WORDS, Document, Line
from facetwise.knowledge.dating import in_words

STATUS_GLYPHS = {
    "covered": "✓",
    "covered_with_criteria": "✓",
    "not_covered": "✕",
    "appeal_only": "△",
    "not_established": "?",
    "required": "■",
    "not_required": "□",
    "depends": "◇",
    "conflict": "≠",
    "met": "✓",
    "not_met": "✕",
    "unknown": "–",
}
EVIDENCE_GLYPHS = {"primary": "●", "secondary": "○", "superseded": "†", "inferred": "∴"}
EVIDENCE_WORDS = {
    "primary": "the issuer's own text or data",
    "secondary": "a third party's reading or copy of it",
    "superseded": "the issuer's text, replaced since",
    "inferred": "computed or reasoned from other sources",
}


def status_word(line: Line) -> str:
    """Return the words of a line's status; empty when the line's own text already says them."""
    word = STATUS_WORDS.get(line.status, "")
    begins = line.text.lower().startswith(word) if word else True
    return "" if begins and line.status not in ("",) and line.text.lower() == word else word


def says_status(line: Line) -> bool:
    """Whether the line's own text begins with the words of its status, so that they need no repeating."""
    word = STATUS_WORDS.get(line.status, "")
    return bool(word) and line.text.lower().startswith(word)


def remarks(line: Line) -> list[str]:
    """Return what must be said of a line's date and standing: changed lately, undated, presumed, the user's own."""
    found = []
    if line.recent:
        found.append(f"changed {in_words(line.since)}")
    elif line.since == "undated":
        found.append("undated text")
    if line.until:
        found.append(f"until {in_words(line.until)}")
    if line.presumed:
        found.append("presumed from the shared text")
    if line.layer:
        found.append(f"yours: {line.layer}")
    return found


def numbers(document: Document) -> dict[str, int]:
    """Return the number of each source by its key."""
    return {entry.key: entry.number for entry in document.sources}
