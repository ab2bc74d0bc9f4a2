"""Plain text for a terminal of 100 columns."""

from __future__ import annotations

import json
import textwrap
from datetime import date

from facetwise.briefing.changes import Change, names_itself
from facetwise.knowledge.dating import in_words
from facetwise.knowledge.lint import Report
from facetwise.knowledge.store import Store

_WIDTH = 100
_DATE = 18


def timeline_table(found: list[Change], start: date, end: date, store: Store) -> str:
    """Return the changes as text, newest first: date, who and what; what it means; sources."""
    span = f"from {in_words(start)} to {in_words(end)}"
    if not found:
        return f"Nothing in the knowledge changed {span}.\n(knowledge reviewed {in_words(store.horizon.reviewed)})"
    lines = [f"{len(found)} changes {span}, newest first", ""]
    for change in found:
        head = f"{change.payer}: {change.text}" if change.payer and not names_itself(change) else change.text
        if change.conflict:
            head += " [sources disagree]"
        if change.layer:
            head += f" [{change.layer}]"
        lines += _wrapped(head, in_words(change.date).ljust(_DATE))
        if change.means:
            lines += _wrapped(f"It means: {change.means}", " " * _DATE)
        lines += _wrapped(f"[{', '.join(change.sources)}] {change.evidence}", " " * _DATE)
        lines.append("")
    lines.append(f"knowledge {store.digest[:19]}, reviewed {in_words(store.horizon.reviewed)}")
    return "\n".join(lines)


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * _DATE,
        break_long_words=False,
        break_on_hyphens=False,
    )


def lint_report(report: Report, *, as_json: bool) -> str:
    """Return what lint found: one line each, then a summary."""
    if as_json:
        return json.dumps(
            {
                "errors": [_as_dict(problem) for problem in report.errors],
                "contradictions": [_as_dict(problem) for problem in report.contradictions],
                "knowledge": report.store.digest if report.store else None,
            },
            indent=2,
        )
    lines = [f"error: {problem}" for problem in report.errors]
    lines += [f"contradiction: {problem}" for problem in report.contradictions]
    if report.store is not None:
        store = report.store
        rows = sum(len(table.rows) for table in store.tables.values())
        lines.append(
            f"{store.files} files: {len(store.things)} things, {len(store.tables)} tables ({rows} rows), "
            f"{len(store.sources)} sources"
        )
    lines.append(f"{len(report.errors)} errors, {len(report.contradictions)} contradictions between sources")
    return "\n".join(lines)


def _as_dict(problem: object) -> dict[str, object]:
    return {name: getattr(problem, name) for name in ("file", "line", "found", "expected", "mend")}
