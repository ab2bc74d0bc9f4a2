"""What can be read by address: the briefing of a code, a section of it, the page of an edit, which knowledge answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from facetwise.document.model import Document, cited
from facetwise.document.render.markdown import to_markdown
from facetwise.edits.report_pages import directory
from facetwise.knowledge.kinds import Code
from facetwise.problems import FacetwiseError, Problem, did_you_mean
from facetwise.web.api import answers
from facetwise.web.desk import Desk

SCHEME = "facetwise"
MARKDOWN, JSON = "text/markdown", "application/json"
_NAME = re.compile(r"[a-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be read; `uri` may be a template of RFC 6570."""

    uri: str
    name: str
    title: str
    description: str
    media: str = MARKDOWN


TEMPLATES = (
    Entry(
        f"{SCHEME}://brief/{{code}}",
        "brief",
        "Briefing",
        "The whole briefing on a code, as of today; it is long, a section of it is not.",
    ),
    Entry(
        f"{SCHEME}://brief/{{code}}/{{section}}", "brief-section", "A section", "One section of the briefing on a code."
    ),
    Entry(f"{SCHEME}://edits/{{name}}", "edit", "Edit", "What an edit looks at, why, and how to mend what it finds."),
)


def entries(desk: Desk) -> list[Entry]:
    """Return what can be read without filling in a template."""
    found = [Entry(f"{SCHEME}://knowledge", "knowledge", "Which knowledge answers", "Its digest and its days.", JSON)]
    for thing, dated in desk.knowledge.as_of(desk.today()).of_kind("code"):
        value = dated.value
        if isinstance(value, Code) and value.briefing == "full":
            uri = f"{SCHEME}://brief/{thing.slug}"
            found.append(
                Entry(
                    uri,
                    f"brief-{thing.slug}",
                    f"{thing.slug}: {value.title}",
                    "The whole briefing on the code; it is long.",
                )
            )
    for path in sorted(directory().glob("*.md")):
        if path.stem != "index":
            found.append(Entry(f"{SCHEME}://edits/{path.stem}", path.stem, path.stem, "The page of the edit."))
    return found


def read(desk: Desk, uri: str) -> tuple[str, str]:
    """Return the media type and the text of what an address names. Raises FacetwiseError."""
    scheme, _, path = uri.partition("://")
    parts = path.strip("/").split("/")
    if scheme == SCHEME and parts == ["knowledge"]:
        return JSON, msgspec.json.encode(answers.about(desk)).decode()
    if scheme == SCHEME and parts[0] == "brief" and len(parts) in (2, 3):
        document = desk.brief(parts[1].upper(), desk.today())
        return MARKDOWN, to_markdown(document if len(parts) == 2 else _section(document, parts[2]))
    if scheme == SCHEME and parts[0] == "edits" and len(parts) == 2:
        return MARKDOWN, _edit(parts[1])
    raise FacetwiseError(
        Problem("", 0, "nothing stands at this address", "one of " + ", ".join(one.uri for one in TEMPLATES))
    )


def _section(document: Document, name: str) -> Document:
    ids = [one.id for one in document.sections if one.id != "sources"]
    if name not in ids:
        raise FacetwiseError(
            Problem("", 0, f"section {name!r} is not known", "one of " + ", ".join(ids), did_you_mean(name, ids))
        )
    sections = [one for one in document.sections if one.id in (name, "sources")]
    keys = set(cited([one for one in sections if one.id == name]))
    sources = tuple(one for one in document.sources if one.key in keys)
    return msgspec.structs.replace(document, sections=tuple(sections), sources=sources)


def _edit(name: str) -> str:
    pages = {path.stem: path for path in directory().glob("*.md")}
    # The name is looked up, never made a path of.
    if not _NAME.fullmatch(name) or name not in pages:
        raise FacetwiseError(
            Problem("", 0, f"edit {name[:60]!r} is not known", "the name of an edit", did_you_mean(name, pages))
        )
    return pages[name].read_text(encoding="utf-8")
