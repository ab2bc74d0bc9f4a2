"""The tools: the questions of the API, asked with arguments, answered with the sources that the answer cites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from facetwise.knowledge import Knowledge, View
from facetwise.mcp import claim_check, schemas
from facetwise.mcp.bounds import Told, told
from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest
from facetwise.web.api.operation import Call, Operation, read_body, read_query
from facetwise.web.api.operations import operations
from facetwise.web.api.shapes import shapes
from facetwise.web.desk import Desk
from facetwise.web.trouble import ProblemPart, RequestError, from_problems, refused

# Entries of a list in one call.
MOST_ENTRIES = 200
_FACETS = "facet joint procedures of the spine, on a date, each statement with its sources"
_DESCRIPTIONS = {
    "brief": "What a procedure code is, how it is reported, who covers it and on what terms, what it pays and what changed: "
    f"the cited briefing on {_FACETS}. Without section: the overview, and the sections there are. Ask for one section at a "
    "time, narrowed by payer where it is long.",
    "code": "From the joints or nerves treated to the claim lines that the payer wants, each with its reason and sources. Give "
    "setting or place_of_service. No names or numbers of patients are wanted.",
    "cover": "Whether a payer covers a planned procedure: each criterion met, not met or unknown, which records are missing, "
    "limits with the next eligible date, positions of the codes, prior authorization. What is left out counts as not "
    "documented, which is not the same as false or 0. No names or numbers of patients are wanted.",
    "check": "What would be refused or denied on the lines of a claim, why, and how to mend it. No names of patients are wanted: "
    "person_id only tells claims of one person apart.",
    "price": "The expected Medicare allowed amount of claim lines with each step; with compare, in office, surgery center and "
    "hospital (then give no setting). The lines of the answer of code may be given as they are.",
    "changes": "What changed from one day to another, newest first, for a code, for payers or for everything.",
}
_SECTION = {
    "section": {
        "type": "string",
        "description": "The id of one section; without it, the overview and the list of sections.",
    },
    "from_block": {
        "type": "integer",
        "minimum": 0,
        "description": "Begin at this block of the section, counted from 0: where an answer before was cut.",
    },
}
_SHAPE_OF_API = "see /api/v1/openapi.json for the shape"
_HOW = {
    "brief": "ask again with from_block, or with fewer payers",
    "cover": "give the state, so that one contractor's rules are meant",
    "check": "check fewer lines at once",
    "changes": "ask for a shorter span of days, one code or one payer",
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what its host sees of it, and what answers. `run` may raise RequestError and FacetwiseError."""

    name: str
    title: str
    description: str
    schema: dict[str, Any]
    run: Callable[[dict[str, Any]], Told]


def tools(knowledge: Knowledge, desk: Desk) -> dict[str, Tool]:
    """Return the tools by name."""
    known = shapes(knowledge, MOST_ENTRIES)
    by_name = {one.name: one for one in operations(known)}
    by_name["check"] = _check(desk)
    made: dict[str, Tool] = {}
    for name, description in _DESCRIPTIONS.items():
        one = by_name[name]
        asked = _Asked(one, desk)
        answer = asked.brief if name == "brief" else asked.price if name == "price" else asked.answer
        schema = schemas.arguments(one, _SECTION if name == "brief" else None)
        made[name] = Tool(name, one.summary, description, schema, answer)
    return made


def _check(desk: Desk) -> Operation:
    """Return the claim check of one claim as an operation: the API takes claims as files."""
    kind = claim_check.claim_type(MOST_ENTRIES)
    judge = claim_check.Desk(desk.knowledge, MOST_ENTRIES)
    return Operation(
        name="check",
        path="/check",
        summary="Claim edits on one claim",
        description="",
        tag="Questions",
        run=lambda _, call: judge.check(msgspec.json.decode(call.text, type=kind)),
        answer=claim_check.Answer,
        query=msgspec.defstruct("NoQuery", []),
        body=kind,
        reader=lambda _, text: claim_check.name_unknown_keys(text),
    )


class _Asked:
    """One operation, asked with arguments in place of a request."""

    def __init__(self, operation: Operation, desk: Desk):
        self._operation = operation
        self._desk = desk
        self._decoder = operation.decoder() if operation.body is not None else None

    def answer(self, arguments: dict[str, Any]) -> Told:
        return self._told(self._run(arguments))

    def price(self, arguments: dict[str, Any]) -> Told:
        compare = arguments.pop("compare", False)
        if not isinstance(compare, bool):
            raise refused("wrong-input", "compare is neither true nor false", "true or false")
        return self._told(self._run(arguments, query={"compare": "true" if compare else "false"}))

    def brief(self, arguments: dict[str, Any]) -> Told:
        section, begin = arguments.pop("section", ""), arguments.pop("from_block", 0)
        if not isinstance(section, str) or not isinstance(begin, int) or isinstance(begin, bool) or begin < 0:
            raise refused("wrong-input", "section is no text, or from_block no number of 0 or more", "section: payers")
        document = self._run(arguments)
        listed = [
            {"id": one["id"], "title": one["title"], "blocks": len(one["blocks"])} for one in document["sections"]
        ]
        ids = [one["id"] for one in document["sections"]]
        if section and section not in ids:
            raise FacetwiseError(
                Problem(
                    "", 0, f"section {section!r} is not known", "one of " + ", ".join(ids), did_you_mean(section, ids)
                )
            )
        if section == "sources":
            raise FacetwiseError(
                Problem(
                    "", 0, "section 'sources' holds the sources of all sections", "any other", "each answer has its own"
                )
            )
        chosen = next(one for one in document["sections"] if one["id"] == (section or "overview"))
        chosen["blocks"] = chosen["blocks"][begin:]
        kept = (
            "code",
            "as_of",
            "title",
            "summary",
            "knowledge",
            "reviewed",
            "digest",
            "audience",
            "payers",
            "layers",
            "notice",
        )
        answer = {name: document[name] for name in kept if document.get(name)}
        answer |= {"section": chosen, "first_block": begin, "sections": listed}
        return self._told(answer)

    def _run(self, arguments: dict[str, Any], query: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the answer of the operation as JSON values."""
        one = self._operation
        try:
            call = self._call(arguments, query or {})
            found = one.run(self._desk, call)
        except RequestError as error:
            raise RequestError(error.kind, tuple(_of_tool(part) for part in error.problems)) from None
        except FacetwiseError as error:
            raise from_problems(error, of_body=one.body is not None) from None
        return dict(msgspec.json.decode(found if isinstance(found, bytes) else msgspec.json.encode(found)))

    def _call(self, arguments: dict[str, Any], query: dict[str, str]) -> Call:
        one = self._operation
        if one.body is not None:
            assert self._decoder is not None
            text, _ = read_body(one, self._desk, self._decoder, msgspec.json.encode(arguments), MOST_ENTRIES)
            return Call({}, _query(one, query), text)
        path = {name: _text(arguments, name) for name in one.parameters}
        rest = {name: value for name, value in arguments.items() if name not in path}
        return Call({name: text.upper() for name, text in path.items()}, _query(one, _texts(rest)))

    def _told(self, answer: dict[str, Any]) -> Told:
        return told(answer, self._view(), _HOW.get(self._operation.name, ""))

    def _view(self) -> View:
        # Sources are the same on all days.
        return self._desk.knowledge.as_of(self._desk.knowledge.store.horizon.until)


def _of_tool(part: ProblemPart) -> ProblemPart:
    """Return a problem with the tool's schema to look at, where the API names its own, or nothing is named."""
    named = part.mend if part.mend != _SHAPE_OF_API else ""
    mend = named or ("" if part.expected else "see the input schema of the tool")
    return msgspec.structs.replace(part, mend=mend)


def _query(operation: Operation, given: dict[str, Any]) -> Any:
    scope = {"type": "http", "query_string": urlencode(given, doseq=True).encode(), "headers": []}
    return read_query(operation, Request(scope))


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise refused("wrong-input", f"{name} is missing" if value is None else f"{name} is no text", f"{name}: ...")
    return value


def _texts(arguments: dict[str, Any]) -> dict[str, Any]:
    for name, value in arguments.items():
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in listed):
            raise refused(
                "wrong-input", f"{name[:60]} is no text", "a text, or a list of texts where several may be given"
            )
    return arguments


def unknown_tool(name: str, known: dict[str, Tool]) -> RequestError:
    """Return the error of a call for a tool that there is not."""
    close = nearest(name, known)
    return refused(
        "not-found", "there is no such tool", "one of " + ", ".join(known), f"did you mean {close[0]}" if close else ""
    )
