"""The pages of the edits (`docs/edits`), read for a report: what an edit looks at, why, and how to mend it, with the sources of each sentence."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from facetwise.document.model import AnyBlock, Column, Line, Paragraph, Points, TableBlock, TableRow, plain_cell

_HERE = Path(__file__).parent
_LEFT_OUT = ("A claim that fails", "A claim that passes", "Changes")
_CITED = re.compile(r"\s*\((?:\[[a-z0-9-]+\](?:,\s*)?)+\)|\[[a-z0-9-]+\](?!\()")
_KEY = re.compile(r"\[([a-z0-9-]+)\](?!\()")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_DEFINITION = re.compile(r"\[[a-z0-9-]+\]:")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: what the edit says in a sentence, and its blocks section by section."""

    edit: str
    lead: str
    blocks: tuple[AnyBlock, ...]


def directory() -> Path:
    """Return where the pages lie: inside the package when installed, in the checkout otherwise."""
    installed = _HERE.parent / "_docs" / "edits"
    return installed if installed.is_dir() else _HERE.parents[2] / "docs" / "edits"


@functools.lru_cache(maxsize=128)
def _text(edit: str) -> str:
    path = directory() / f"{edit}.md"
    return path.read_text(encoding="utf-8") if re.fullmatch(r"[a-z0-9-]+", edit) and path.is_file() else ""


def page(edit: str, known: Callable[[str], bool]) -> Page | None:
    """Return the page of an edit, None where there is none; `known` says which keys are sources of this knowledge."""
    text = _text(edit)
    if not text:
        return None
    lead = ""
    blocks: list[AnyBlock] = []
    for number, part in enumerate(re.split(r"^## ", text, flags=re.MULTILINE)):
        heading, _, body = part.partition("\n")
        if number == 0:
            lead = " ".join(_lines(body)).strip()
            lead = _said(lead, known).text
        elif heading.strip() not in _LEFT_OUT:
            blocks += _blocks(edit, heading.strip(), body, known)
    return Page(edit, lead, tuple(blocks))


def _lines(body: str) -> list[str]:
    return [line for line in body.splitlines() if not _DEFINITION.match(line)]


def _blocks(edit: str, heading: str, body: str, known: Callable[[str], bool]) -> Iterator[AnyBlock]:
    title = heading
    fenced = re.sub(r"^```.*?^```", "", "\n".join(_lines(body)), flags=re.MULTILINE | re.DOTALL)
    for number, part in enumerate(block for block in re.split(r"\n\s*\n", fenced) if block.strip()):
        rows = part.strip().splitlines()
        if rows[0].startswith("|"):
            yield _table(f"{edit}-{number}", title, rows, known)
        elif rows[0].startswith(("- ", "* ")):
            items = re.split(r"^[-*] ", "\n".join(rows), flags=re.MULTILINE)[1:]
            yield Points(title=title, lines=tuple(_said(" ".join(item.split()), known) for item in items))
        else:
            yield Paragraph(title=title, line=_said(" ".join(part.split()), known))
        title = ""


def _table(name: str, title: str, rows: list[str], known: Callable[[str], bool]) -> TableBlock:
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    columns = tuple(Column(f"c{place}", text) for place, text in enumerate(cells[0]))
    body = tuple(
        TableRow(tuple(plain_cell(line.text, sources=line.sources) for line in (_said(cell, known) for cell in row)))
        for row in cells[2:]
    )
    return TableBlock(title=title, id=name, caption="", columns=columns, rows=body)


def _said(text: str, known: Callable[[str], bool]) -> Line:
    """Return a sentence without its marks, and the sources that it cites."""
    keys = tuple(dict.fromkeys(key for key in _KEY.findall(text) if known(key)))
    bare = _LINK.sub(r"\1", _CITED.sub("", text)).replace("`", "").replace("**", "")
    return Line(re.sub(r"\s+([.,;:])", r"\1", bare).strip(), sources=keys)
