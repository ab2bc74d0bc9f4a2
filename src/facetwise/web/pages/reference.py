"""The page of the API: every operation with its parameters, an example and its errors, from the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facetwise.web.pages.site import Site, only
from facetwise.web.trouble import KINDS

_MOST_WORDS = 8


def routes(site: Site) -> list[Route]:
    """Return the route of the page."""

    async def api(request: Request) -> Response:
        only(request)
        return await site.page(request, "api", "api.html", lambda: _values(site), None, "/api/v1/openapi.json")

    return [Route("/api", api)]


def _values(site: Site) -> dict[str, Any]:
    document = site.api.document
    schemas = document["components"]["schemas"]
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, by_method in document["paths"].items():
        for method, one in by_method.items():
            tags.setdefault(one["tags"][0], []).append(_shown(path, method, one, schemas))
    return {"tags": tags, "kinds": KINDS, "info": document["info"]}


def _shown(path: str, method: str, one: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    sample = next((entry["value"] for entry in body.get("examples", {}).values()), None)
    values = {entry["name"]: entry["example"] for entry in one["parameters"] if entry.get("required")}
    filled = path
    for name, value in values.items():
        filled = filled.replace("{" + name + "}", str(value))
    query = "&".join(f"{entry['name']}={entry['example']}" for entry in one["parameters"]
                     if entry["in"] == "query" and entry.get("required"))  # fmt: skip
    answer = one["responses"]["200"]["content"]["application/json"]["schema"]
    return {
        "name": one["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": one["summary"],
        "description": one["description"],
        "parameters": [
            {**entry, "kind": _kind(entry["schema"]), "description": entry.get("description", "")}
            for entry in one["parameters"]
        ],
        "address": filled + (f"?{query}" if query else ""),
        "sample": json.dumps(sample, indent=2) if sample is not None else "",
        "fields": _fields(body.get("schema", {}), schemas),
        "answer": _fields(answer, schemas),
    }


def _kind(schema: dict[str, Any]) -> str:
    """Return in few words what a value may be."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        words = [str(word) for word in schema["enum"] if word]
        rest = len(words) - _MOST_WORDS
        return "one of " + ", ".join(words[:_MOST_WORDS]) + (f" and {rest} more" if rest > 0 else "")
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if schema.get("items") else "list"
    if "-02-29" in schema.get("pattern", "") or schema.get("format") == "date":
        return "date"
    return str(schema.get("type", "any"))


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the object that a schema means with its fields, and those of the objects in it, each once."""
    found: dict[str, list[dict[str, Any]]] = {}
    waiting = _names(schema)
    while waiting and len(found) < 12:
        name = waiting.pop(0)
        held = schemas.get(name, {})
        if name in found or "properties" not in held:
            continue
        wanted = held.get("required", ())
        found[name] = [
            {"name": key, "kind": _kind(one), "required": key in wanted, "description": one.get("description", "")}
            for key, one in held["properties"].items()
        ]
        waiting += [inner for one in held["properties"].values() for inner in _names(one)]
    return list(found.items())


def _names(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"].rpartition("/")[2]] if "$ref" in schema else []
        return own + [name for one in schema.values() for name in _names(one)]
    if isinstance(schema, list):
        return [name for one in schema for name in _names(one)]
    return []
