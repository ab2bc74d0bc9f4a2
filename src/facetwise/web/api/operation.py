"""One operation of the API: its shapes, what it runs, and how a request becomes a call of it."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

import msgspec
from starlette.requests import Request

from facetwise.problems import FacetwiseError, Problem, did_you_mean, nearest
from facetwise.web.desk import Desk
from facetwise.web.trouble import ProblemPart, RequestError, from_problems, part_of, path_shown, refused

JSON = "application/json"
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Call:
    """One request, validated: the values of the path and the query, and the body as text with whether it was a list."""

    path: dict[str, str]
    query: Any
    text: str = ""
    is_list: bool = False
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation. `answer` is the type of what `run` returns (as a struct, or as its JSON), or a tuple of several.

    `body` makes it a POST, whose request and answer are never kept anywhere; a GET is kept by what it asks, unless
    `fresh`. `many`: the body may be a list, and the answer then is one. `reader` reads the body once it fits its shape,
    and has better words for what does not. `slow`: it is answered beside the loop however small it is; `ready`: whether it
    can be answered on the loop now. `others`: further types of the body, which are handed over as they came, each with its
    shape. `content` is what the document says of a body that is streamed; a route of its own serves that.
    """

    name: str
    path: str
    summary: str
    description: str
    tag: str
    run: Callable[[Desk, Call], Any]
    answer: Any
    query: type[msgspec.Struct]
    body: Any = None
    reader: Callable[[Desk, str], Any] | None = None
    many: bool = False
    fresh: bool = False
    slow: bool = False
    ready: Callable[[Desk], bool] | None = None
    others: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    produces: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return "POST" if self.body is not None or self.content else "GET"

    @property
    def answers(self) -> tuple[Any, ...]:
        """The types of what it may answer."""
        return self.answer if isinstance(self.answer, tuple) else (self.answer,)

    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Return what validates the body."""
        return msgspec.json.Decoder(self.body)


def read_other(shape: Any, body: bytes) -> str:
    """Return a body of another type as text, once it fits its shape. Raises RequestError without values."""
    try:
        msgspec.json.decode(body, type=shape)
        return body.decode("utf-8")
    except msgspec.ValidationError as error:
        told, _, place = str(error).partition(" - at `$")
        found = "a word that is not known" if "enum value" in told else told[:1].lower() + told[1:]
        part = ProblemPart(found=found, place=path_shown(place.rstrip("`").lstrip(".")), expected=_shape_said(shape))
        raise RequestError("wrong-input", (part,)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise refused("not-readable", "the body is not JSON", "one JSON document as UTF-8") from None


def _shape_said(shape: Any) -> str:
    return ", ".join(f"{one.encode_name}: {' or '.join(_options(one.type))}" for one in msgspec.structs.fields(shape))


def read_query(operation: Operation, request: Request) -> Any:
    """Return the validated query. Raises RequestError that names each wrong parameter."""
    lists = _lists(operation.query)
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if lists.get(name):
            given.setdefault(name, []).append(value)
        elif name in given:
            raise refused("wrong-input", f"parameter {name} is given twice", "each once")
        else:
            given[name] = value
    unknown = [name for name in given if name not in lists]
    if unknown:
        expected = "one of " + ", ".join(lists) if lists else "no parameter"
        raise RequestError(
            "wrong-input",
            tuple(
                ProblemPart(
                    place=name[:60], found="unknown parameter", expected=expected, mend=did_you_mean(name, lists)
                )
                for name in unknown
            ),
        )
    try:
        return msgspec.convert(given, operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise RequestError("wrong-input", (_of_query(str(error), given, operation.query),)) from None


@functools.cache
def _lists(query: type[msgspec.Struct]) -> dict[str, bool]:
    """Return the parameters of a query, and whether each may be given several times."""
    kinds = typing.get_type_hints(query, include_extras=True)
    return {one.encode_name: _is_list(kinds[one.name]) for one in msgspec.structs.fields(query)}


def _is_list(kind: Any) -> bool:
    while get_origin(kind) is typing.Annotated:
        kind = get_args(kind)[0]
    return get_origin(kind) in (list, tuple)


def _of_query(message: str, given: dict[str, Any], query: type[msgspec.Struct]) -> ProblemPart:
    told, _, path = message.rpartition(" - at `$.")
    name = path.rstrip("`").partition("[")[0]
    if not told:
        return ProblemPart(found=message)
    value = given.get(name, "")
    shown = next((one for one in value if f"'{one}'" in told), value) if isinstance(value, list) else value
    one = next((one for one in msgspec.structs.fields(query) if one.encode_name == name), None)
    options = _options(one.type) if one else ()
    if options:
        close = ", ".join(options if len(options) <= _MOST_SHOWN else nearest(str(shown), options, 5))
        expected = f"one of {close}" if close else f"a {name} of the knowledge"
        return ProblemPart(
            place=name,
            found=f"{name} {shown!r} is not known",
            expected=expected,
            mend=did_you_mean(str(shown), options),
        )
    if "regex" in told:
        return ProblemPart(
            place=name, found=f"{name} {shown!r} is no day of the knowledge", expected="a date such as 2026-03-02"
        )
    return ProblemPart(place=name, found=f"{name} {shown!r}: {told[:1].lower()}{told[1:]}")


def _options(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(str(one) for one in get_args(kind))
    for inner in get_args(kind):
        found = _options(inner)
        if found:
            return found
    return ()


def read_body(
    operation: Operation, desk: Desk, decoder: msgspec.json.Decoder[Any], body: bytes, most: int
) -> tuple[str, bool]:
    """Return the body as text, and whether it is a list, once it fits its shape. Raises RequestError without values."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused("not-readable", f"byte {error.start} of the body is not UTF-8", "JSON as UTF-8") from None
    is_list = operation.many and text.lstrip()[:1] == "["
    try:
        found = msgspec.json.decode(body, type=list[msgspec.Raw]) if is_list else [msgspec.Raw(body)]
        if len(found) > most or not found:
            raise refused("wrong-input", f"a list of {len(found)}", f"1 to {most} entries")
        for number, one in enumerate(found):
            _fits(decoder, one, number if is_list else None)
    except msgspec.ValidationError as error:
        raise _better(operation, desk, _plain(text), error) from None
    except (msgspec.DecodeError, RecursionError):
        raise refused("not-readable", "the body is not JSON", f"one JSON document as {JSON}") from None
    return _plain(text), is_list


def _fits(decoder: msgspec.json.Decoder[Any], one: msgspec.Raw, number: int | None) -> None:
    try:
        decoder.decode(one)
    except msgspec.ValidationError as error:
        if number is None:
            raise
        raise msgspec.ValidationError(str(error).replace("`$", f"`$[{number}]", 1)) from None


def _plain(text: str) -> str:
    """Return JSON that the reader of YAML takes for the same: without escapes and tabs."""
    if "\\" in text or "\t" in text:
        return msgspec.json.encode(msgspec.json.decode(text)).decode()
    return text


def _better(operation: Operation, desk: Desk, text: str, error: msgspec.ValidationError) -> RequestError:
    """Return the reader's own words for what is wrong, which name the nearest word; else those of the shape."""
    if operation.reader is not None:
        try:
            operation.reader(desk, text)
        except FacetwiseError as problem:
            return from_problems(problem, of_body=True)
    told, _, path = str(error).rpartition(" - at `$")
    told, place = (told, path.rstrip("`").lstrip(".")) if told else (str(error), "")
    expected = ""
    if told.startswith("Expected `"):
        expected, _, told = told.partition(", got ")
        expected, told = expected.removeprefix("Expected ").strip("`"), f"this is {told.strip('`')}"
    elif told.startswith("Object contains unknown field"):
        told = "unknown key"
    elif told.startswith("Object missing required field"):
        told = told.replace("Object missing required field", "a key is missing:")
    elif "enum value" in told:
        told, expected = "this word is not known", "a word of the schema, as it is written there"
    elif "regex" in told:
        told, expected = "this is not of the form that is wanted", "the pattern of the schema"
    part = part_of(Problem("", 0, told, expected, "see /api/v1/openapi.json for the shape"), of_body=True)
    return RequestError("wrong-input", (msgspec.structs.replace(part, place=path_shown(place)),))
