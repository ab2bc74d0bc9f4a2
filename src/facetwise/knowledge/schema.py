"""Checking the raw fields of a file against the class of its kind, with a message for the person who wrote them."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import msgspec.inspect as inspect

from facetwise.knowledge.parts import Part
from facetwise.knowledge.reading import Document, Path_
from facetwise.problems import Problem, did_you_mean

_T = TypeVar("_T", bound=Part)
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<way>.*)`)?$", re.DOTALL)
_WORDS = {
    "Expected `array`": "expected a list, such as [a, b]",
    "Expected `str`": "expected text",
    "Expected `object`": "expected a mapping of keys",
    "Expected `int`": "expected a whole number",
    "Expected `decimal`": "expected a number",
    "Expected `bool`": "expected true or false",
}


@functools.cache
def _info(kind: type[Part]) -> inspect.StructType:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return info


def field_names(kind: type[Part]) -> list[str]:
    """Return the keys that a file of this kind may use, as they are written."""
    return [field.encode_name for field in _info(kind).fields]


def unknown_keys(
    document: Document, place: Path_, data: Any, kind: type[Part], extra: tuple[str, ...] = ()
) -> list[Problem]:
    """Return a problem for every key in `data`, however deep, that the kind does not know."""
    problems: list[Problem] = []
    _walk(document, place, data, _info(kind), problems, extra)
    return problems


def _walk(
    document: Document,
    place: Path_,
    data: Any,
    info: inspect.Type,
    problems: list[Problem],
    extra: tuple[str, ...] = (),
) -> None:
    if isinstance(info, inspect.UnionType):
        for option in info.types:
            if isinstance(option, inspect.StructType | inspect.VarTupleType | inspect.DictType):
                _walk(document, place, data, option, problems)
        return
    if isinstance(info, inspect.StructType) and isinstance(data, dict):
        fields = {field.encode_name: field.type for field in info.fields}
        for key, value in data.items():
            if key in fields:
                _walk(document, (*place, key), value, fields[key], problems)
            elif key not in extra and "." not in key:
                known = [*fields, *extra]
                problems.append(
                    Problem(
                        document.file,
                        document.line((*place, key)),
                        f"unknown key {key!r}",
                        "one of " + ", ".join(sorted(known)),
                        did_you_mean(key, known),
                    )
                )
    elif isinstance(info, inspect.VarTupleType) and isinstance(data, list):
        for index, item in enumerate(data):
            _walk(document, (*place, index), item, info.item_type, problems)
    elif isinstance(info, inspect.DictType) and isinstance(data, dict):
        for key, value in data.items():
            _walk(document, (*place, key), value, info.value_type, problems)


def convert(
    document: Document, places: list[Path_], data: dict[str, Any], kind: type[_T], problems: list[Problem]
) -> _T | None:
    """Convert `data` to `kind`; what is wrong is appended to `problems` at the first of `places` that has it."""
    tag = getattr(kind, "__struct_config__").tag  # noqa: B009 - typed stubs do not know the attribute
    raw = {"_kind": tag, **data} if tag else data
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        assert match
        what, way = match["what"], _place(match["way"] or "")
        for begin, words in _WORDS.items():
            if what.startswith(begin):
                what = what.replace(begin, words, 1)
        what = what.replace("Object missing required field", "a required key is missing:").replace("`", "'")
        if way[:1] == ("_kind",):
            way = way[1:]
        file_line = next(
            (document.lines[(*place, *way)] for place in places if way and (*place, *way) in document.lines), None
        )
        line = file_line if file_line is not None else document.line((*places[0], *way))
        where = ".".join(str(step) for step in way)
        problems.append(Problem(document.file, line, f"{where}: {what}" if where else what))
        return None


def _place(way: str) -> Path_:
    steps: list[str | int] = []
    for name, index in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", way):
        if name:
            steps.append(name)
        elif index != "...":
            steps.append(int(index))
        else:
            break
    return tuple(steps)


def decimal_text(value: Decimal) -> str:
    """Return a number as people write it: 80, 0.5, 1.0925."""
    return format(value.normalize(), "f")
