"""JSON schemas of the tools' arguments, made from the types that validate the API's requests."""

from __future__ import annotations

from typing import Any

import msgspec

from facetwise.web.api.operation import Operation

_DEFS = "$defs"
# A case may name any fact by its whole name; those that have a place of their own are listed there.
_PLACED = ("patient.", "procedure.", "history.")
# Hosts pass schemas on to models, some of which take no alternatives at the root.
_NOT_AT_ROOT = ("anyOf", "oneOf", "allOf", "title")

Schema = dict[str, Any]


def arguments(operation: Operation, more: Schema | None = None) -> Schema:
    """Return the schema of an operation's arguments in one object: path, query and body, and the properties of `more`."""
    found: Schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for name, kind in operation.parameters.items():
        found["properties"][name] = _schema(kind)
        found["required"].append(name)
    for kind in (operation.query, operation.body):
        if kind is not None:
            _take(found, _schema(kind))
    found["properties"] |= more or {}
    return found


def _take(found: Schema, schema: Schema) -> None:
    found["properties"] |= schema.get("properties", {})
    found["required"] += schema.get("required", [])
    if _DEFS in schema:
        found.setdefault(_DEFS, {}).update(schema[_DEFS])


def _schema(kind: Any) -> Schema:
    schema: Schema = msgspec.json.schema(kind)
    held = schema.get(_DEFS, {})
    if "$ref" in schema:
        own = held.pop(schema.pop("$ref").rpartition("/")[2])
        schema = {**own, **schema}
    for name in _NOT_AT_ROOT:
        if name in schema and "properties" in schema:
            del schema[name]
    facts = held.get("Facts")
    if facts:
        facts["properties"] = {name: one for name, one in facts["properties"].items() if not name.startswith(_PLACED)}
    if not held:
        schema.pop(_DEFS, None)
    plain: Schema = _plain(schema)
    return plain


def _plain(value: Any) -> Any:
    """Return a schema as plain JSON values, without what only repeats that a key may be left out."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key != "default" or one not in (None, "", [], ())}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
