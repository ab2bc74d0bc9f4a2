"""What the server and the process of an upload say to each other: a job in, lines of JSON out, each with a letter before it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from facetwise.edits.report import Report
from facetwise.web.trouble import ProblemPart

# What a line of the process is: how far it is, a line to pass on, a piece of the answer, a problem, what a page needs, the end.
PROGRESS, LINE, PIECE, PROBLEM, VALUES, END = b"P", b"L", b"T", b"X", b"V", b"E"
SEVERITIES = {"": "all", "deny": "would be refused or denied", "review": "these, and what needs a look"}
ORDERS = {"": "as in the file", "severity": "gravest first", "edit": "by edit", "charge": "highest charge first"}
ANSWERS = {"page": "On this page", "csv": "Findings as CSV", "json": "All as JSON", "report": "Report as one HTML file"}


class Upload(msgspec.Struct, frozen=True):
    """A file of an upload: where it lies, what it is called in an answer, and what in an error (claims, history)."""

    path: str
    name: str
    label: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be checked, by which rules, and what is wanted of it. `page`: with what the page needs, and the report.

    `severity` and `order` are of the rows of a page (keys of SEVERITIES and ORDERS), at most `rows` of them.
    """

    directory: str
    claims: tuple[Upload, ...]
    history: tuple[Upload, ...] = ()
    payer: str = ""
    state: str = ""
    answer: Literal["stream", "json", "csv", "page", "report"] = "stream"
    page: bool = False
    severity: str = ""
    order: str = ""
    rows: int = 1_000
    knowledge: str = ""
    memory: str = "1GB"
    unpacked_bytes: int = 4_000_000_000
    lines: int = 40_000_000


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no answer: the kind of a request error, and its parts, which repeat nothing of the upload."""

    kind: str
    problems: tuple[ProblemPart, ...]


class PageValues(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows: the answer, the report in numbers, the first rows, what was rejected, and what is cited."""

    answer: str
    first: tuple[tuple[str, str], ...]
    report: Report
    rows: tuple[dict[str, Any], ...]
    total: int
    rejected: tuple[dict[str, Any], ...]
    rejected_records: int
    citations: tuple[str, ...]
