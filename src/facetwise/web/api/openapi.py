"""The OpenAPI 3.1 document, made from the types that validate requests and from those of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from facetwise import __version__
from facetwise.web.api.operation import JSON, Operation
from facetwise.web.trouble import KINDS, PROBLEM_JSON, ProblemDetails

_TEMPLATE = "#/components/schemas/{name}"
_ALWAYS = ("token-missing", "wrong-method", "not-acceptable", "address-too-long", "wrong-host", "failed", "busy")
_OF_BODY = ("not-readable", "from-another-site", "too-slow", "too-large", "wrong-type", "wrong-input")


def document(operations: Sequence[Operation], base: str, examples: dict[str, Any], *, token: bool) -> dict[str, Any]:
    """Return the document of these operations below `base`; `token`: a token is wanted of every request."""
    kinds: list[Any] = [ProblemDetails]
    for one in operations:
        kinds += [kind for kind in (one.query, one.body, *one.others.values(), *one.answers) if kind is not None]
        kinds += list(one.parameters.values())
    made, components = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    schemas = dict(zip(map(_key, kinds), made, strict=True))
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(base + one.path, {})[one.method.lower()] = _operation(one, schemas, components, examples)
    tags = list(dict.fromkeys(one.tag for one in operations))
    queries = {one.query.__name__ for one in operations}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Facetwise",
            "version": __version__,
            "summary": "Cited, dated answers about facet joint procedures and the codes that report them",
            "description": "The same answers as the commands give. Every answer carries its date and its sources; what no "
            "source establishes is called not established. Cases, encounters and claims travel in bodies only, and "
            "nothing of them is kept or logged. It is no legal, medical or billing advice.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in tags],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in _plain(components).items() if name not in queries},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}] if token else [],
    }


def _key(kind: Any) -> str:
    return f"{getattr(kind, '__module__', '')}.{kind!r}"


def _operation(
    one: Operation, schemas: dict[str, Any], components: dict[str, Any], examples: dict[str, Any]
) -> dict[str, Any]:
    values = examples["values"]
    parameters = [
        _parameter(name, "path", _plain(schemas[_key(kind)]), values, required=True)
        for name, kind in one.parameters.items()
    ]
    query = components[one.query.__name__]
    for name, schema in query["properties"].items():
        required = name in query.get("required", ())
        parameters.append(_parameter(name, "query", _plain(schema), values, required=required))
    possible = [schemas[_key(kind)] for kind in one.answers]
    answer = {"anyOf": possible} if len(possible) > 1 else possible[0]
    if one.many:
        answer = {"anyOf": [*possible, {"type": "array", "items": answer}]}
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": one.description,
        "tags": [one.tag],
        "parameters": parameters,
        "responses": {"200": {"description": one.summary, "content": {JSON: {"schema": _plain(answer)}}}},
    }
    if one.body is not None:
        body = schemas[_key(one.body)]
        if one.many:
            body = {"anyOf": [body, {"type": "array", "items": body, "minItems": 1, "maxItems": 200}]}
        content: dict[str, Any] = {"schema": _plain(body)}
        if one.name in examples:
            content["examples"] = {"one": {"summary": "One", "value": examples[one.name]}}
        others = {media: {"schema": _plain(schemas[_key(kind)])} for media, kind in one.others.items()}
        found["requestBody"] = {"required": True, "content": {JSON: content, **others}}
    elif one.content:
        found["requestBody"] = {"required": True, "content": one.content}
    found["responses"]["200"]["content"] |= one.produces
    has_body = one.method == "POST"
    asks = bool(parameters) or has_body
    kinds = (*_ALWAYS, *(_OF_BODY if has_body else ()), *(("wrong-input",) if asks else ()), *one.errors)
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys(kinds):
        by_status.setdefault(KINDS[name][0], []).append(KINDS[name][2])
    for status, meanings in sorted(by_status.items()):
        found["responses"][str(status)] = {
            "description": " ".join(meanings),
            "content": {PROBLEM_JSON: {"schema": {"$ref": _TEMPLATE.format(name="ProblemDetails")}}},
        }
    return found


def _parameter(
    name: str, place: str, schema: dict[str, Any], values: dict[str, Any], *, required: bool
) -> dict[str, Any]:
    schema = dict(schema)
    description = schema.pop("description", "")
    schema.pop("default", None)
    found: dict[str, Any] = {"name": name, "in": place, "required": required, "schema": schema}
    if description:
        found["description"] = description
    if schema.get("type") == "array":
        found |= {"style": "form", "explode": True}
    elif name in values:
        schema.pop("examples", None)
        found["example"] = values[name]
    return found


def _plain(value: Any) -> Any:
    """Return a schema as plain JSON values, its names without dots."""
    if isinstance(value, dict):
        return {_name(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str) and value.startswith("#/components/schemas/"):
        head, _, name = value.rpartition("/")
        return f"{head}/{_name(name)}"
    return value


def _name(key: str) -> str:
    """Return a short name for a type that shares its name with another: facetwise.payment.answer.Answer, PaymentAnswer."""
    parts = key.split(".")
    return f"{parts[1].capitalize()}{parts[-1]}" if key.startswith("facetwise.") and len(parts) > 2 else key
