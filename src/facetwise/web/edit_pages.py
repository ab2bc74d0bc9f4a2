"""The pages of the edits, as the documentation has them: what each looks at, why, and how a claim is mended."""

from __future__ import annotations

import functools
import re
from datetime import date

import msgspec

from facetwise.document.model import AnyBlock, SourceEntry, cited
from facetwise.document.sources import source_entries
from facetwise.edits import report_pages
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError, Problem, did_you_mean

_ITEM = re.compile(r"^- \[(?P<edit>[a-z0-9-]+)\]\([^)]*\): (?P<lead>.+?)$", re.MULTILINE)
_SECTION = re.compile(r"^## (?P<title>[^\n]+)\n(?P<body>.*?)(?=^## |^\[[a-z0-9-]+\]: |\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGE = re.compile(r"^- (\d{4}-\d{2}-\d{2}): (.+?)(?=^- |\Z)", re.MULTILINE | re.DOTALL)


class EditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An edit in a sentence."""

    edit: str
    lead: str


class EditGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Edits that look at the same kind of thing."""

    title: str
    edits: tuple[EditEntry, ...]


class Edits(msgspec.Struct, frozen=True, kw_only=True):
    """The edits in their groups."""

    groups: tuple[EditGroup, ...]


class EditExample(msgspec.Struct, frozen=True, kw_only=True):
    """A claim and what the edit finds on it, in YAML; the tests run it."""

    title: str
    text: str
    claim: str


class EditChange(msgspec.Struct, frozen=True, kw_only=True):
    """When the edit changed, and how."""

    date: str
    text: str


class EditPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of an edit: its lead, its sections as blocks, examples, changes, and the sources that it cites."""

    edit: str
    lead: str
    blocks: tuple[AnyBlock, ...]
    examples: tuple[EditExample, ...]
    changes: tuple[EditChange, ...]
    sources: tuple[SourceEntry, ...]


@functools.cache
def edit_names() -> tuple[str, ...]:
    """Return the names of the edits that have a page."""
    return tuple(sorted(path.stem for path in report_pages.directory().glob("*.md") if path.stem != "index"))


@functools.cache
def edits() -> Edits:
    """Return the edits in the groups and the words of the index."""
    text = (report_pages.directory() / "index.md").read_text(encoding="utf-8")
    groups = []
    for section in _SECTION.finditer(text):
        found = tuple(
            EditEntry(edit=one["edit"], lead=_capital(one["lead"])) for one in _ITEM.finditer(section["body"])
        )
        if found:
            groups.append(EditGroup(title=section["title"].strip(), edits=found))
    return Edits(groups=tuple(groups))


def edit(knowledge: Knowledge, name: str, day: date) -> EditPage:
    """Return the page of an edit. Raises FacetwiseError where there is none."""
    page = report_pages.page(name, knowledge.store.sources.__contains__) if name in edit_names() else None
    if page is None:
        raise FacetwiseError(Problem("", 0, f"there is no edit {name!r}", "an edit", did_you_mean(name, edit_names())))
    text = (report_pages.directory() / f"{name}.md").read_text(encoding="utf-8")
    examples, changes = [], []
    for section in _SECTION.finditer(text):
        title, body = section["title"].strip(), section["body"]
        if title == "Changes":
            changes = [EditChange(date=day, text=" ".join(said.split())) for day, said in _CHANGE.findall(body)]
        elif title.startswith("A claim"):
            for claim in _FENCE.findall(body):
                said = " ".join(_FENCE.sub("", body).split()).replace("`", "")
                examples.append(EditExample(title=title, text=said, claim=claim.rstrip()))
    sources = source_entries(knowledge.as_of(day), list(dict.fromkeys(cited(page.blocks))))
    return EditPage(
        edit=name,
        lead=page.lead,
        blocks=page.blocks,
        examples=tuple(examples),
        changes=tuple(changes),
        sources=sources,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
