"""Each tool, called well and badly: the answer of the command, its sources, its size; errors with five parts and no values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from mcp_types import CallToolResult

from facetwise.cli import main
from facetwise.knowledge import Knowledge
from facetwise.mcp.bounds import MOST_BYTES, cited
from facetwise.web.api.shapes import shapes

from .conftest import Ask, told

ROOT = Path(__file__).parents[2]
NAMES = ("brief", "code", "cover", "check", "price", "changes")
Call = Callable[..., CallToolResult]
LINE = {
    "claim_id": "c1",
    "claim_line_number": 1,
    "claim_type": "professional",
    "person_id": "p1",
    "payer": "medicare",
    "state": "OH",
    "place_of_service_code": "11",
    "claim_line_start_date": "2026-03-02",
    "hcpcs_code": "64495",
    "service_unit_quantity": 1,
    "diagnosis_code_1": "M47816",
}


def example(name: str) -> Any:
    text = (ROOT / "docs" / "examples" / name).read_text("utf-8")
    return json.loads(json.dumps(yaml.safe_load(text), default=date.isoformat))


GOOD: dict[str, dict[str, Any]] = {
    "brief": {"code": "64495", "as_of": "2026-03-02"},
    "code": example("encounter.yaml"),
    "cover": example("case.yaml"),
    "check": {"lines": [LINE]},
    "price": {"lines": [{"code": "64493", "modifiers": ["50"]}], "date_of_service": "2026-03-02", "setting": "office"},
    "changes": {"from": "2026-01-01", "to": "2026-06-30", "payer": ["medicare", "cgs"]},
}


def test_the_tools_are_listed_with_schemas_that_are_valid(ask: Ask) -> None:
    found = ask(lambda client: client.list_tools()).tools
    assert tuple(one.name for one in found) == NAMES
    for one in found:
        assert one.description
        assert one.annotations.read_only_hint
        assert not one.annotations.open_world_hint
        assert one.input_schema["type"] == "object"
        assert not {"anyOf", "oneOf", "allOf", "$ref"} & set(one.input_schema)
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **one.input_schema})
        jsonschema_rs.validate(one.input_schema, GOOD[one.name])
        # A model reads all of them before its first question.
        assert len(json.dumps(one.input_schema)) < 20_000


def test_the_arguments_are_those_of_the_api(ask: Ask, knowledge: Knowledge) -> None:
    known = shapes(knowledge, 200)
    schemas = {one.name: one.input_schema for one in ask(lambda client: client.list_tools()).tools}
    for name, kind in (("code", known.encounter), ("cover", known.case), ("price", known.claim)):
        fields = {one.removesuffix("_") for one in getattr(kind, "__args__", (kind,))[0].__struct_fields__}
        assert fields <= set(schemas[name]["properties"]), name
    assert set(schemas["brief"]["properties"]) == {"code", "as_of", "audience", "payer", "section", "from_block"}
    assert "compare" in schemas["price"]["properties"]
    # Facts that have a place of their own are listed there alone.
    facts = schemas["cover"]["$defs"]["Facts"]["properties"]
    assert facts
    assert not [one for one in facts if one.startswith(("patient.", "procedure.", "history."))]


@pytest.mark.parametrize("name", NAMES)
def test_every_citation_leads_to_a_source_and_the_answer_is_bounded(call: Call, name: str) -> None:
    result = call(name, **GOOD[name])
    assert not result.is_error
    found = told(result)
    keys = {one["key"] for one in found["sources"]}
    used = set(cited(found["answer"]))
    assert used
    assert used == keys
    assert all(one["title"] and one["publisher"] and one["evidence"] for one in found["sources"])
    assert len(json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()) <= MOST_BYTES


@pytest.mark.parametrize("name", ["code", "cover"])
def test_the_answer_is_that_of_the_command(call: Call, name: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    path = ROOT / "docs" / "examples" / {"code": "encounter.yaml", "cover": "case.yaml"}[name]
    main([name, str(path)])
    assert told(call(name, **GOOD[name]))["answer"] == json.loads(capsysbinary.readouterr().out)


def test_a_briefing_is_read_section_by_section(call: Call) -> None:
    first = told(call("brief", **GOOD["brief"]))["answer"]
    assert first["section"]["id"] == "overview"
    assert first["digest"].startswith("sha256:")
    for listed in first["sections"]:
        if listed["id"] == "sources":
            continue
        seen, begin = [], 0
        while begin < listed["blocks"]:
            found = told(
                call("brief", **GOOD["brief"], section=listed["id"], from_block=begin, payer=["medicare", "aetna"])
            )
            assert len(json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST_BYTES
            blocks = found["answer"]["section"]["blocks"]
            gone = [one for one in found["left_out"] if one["path"] == "section.blocks"]
            listed = next(one for one in found["answer"]["sections"] if one["id"] == listed["id"])
            assert len(blocks) + sum(one["entries"] for one in gone) == listed["blocks"] - begin
            assert bool(gone) == (begin + len(blocks) < listed["blocks"])
            seen += blocks
            begin += len(blocks)
        assert len(seen) == listed["blocks"]


def test_what_is_left_out_is_counted(call: Call) -> None:
    span = {"from": "2020-01-01", "to": "2026-11-30"}
    found = told(call("changes", **span))
    (gone,) = found["left_out"]
    assert gone["path"] == "changes"
    assert "shorter span" in gone["how"]
    half = told(call("changes", **{**span, "from": "2025-06-01"}))
    assert not half["left_out"]
    assert half["answer"]["changes"] == found["answer"]["changes"][: len(half["answer"]["changes"])]


def test_check_judges_lines_history_and_fhir(call: Call) -> None:
    edits = {one["edit"] for one in told(call("check", lines=[LINE]))["answer"]["findings"]}
    assert {"third-level-not-covered", "add-on-without-primary"} <= edits
    primary = LINE | {"hcpcs_code": "64493", "hcpcs_modifier_1": "RT"}
    earlier = [
        primary | {"claim_id": f"h{month}", "claim_line_start_date": f"2025-{month:02}-10"} for month in (5, 7, 9, 11)
    ]
    with_history = told(call("check", lines=[primary], history=earlier))["answer"]
    assert "session-limit" in {one["edit"] for one in with_history["findings"]}
    assert with_history["claims"] == with_history["lines"] == 1
    assert with_history["releases"]
    without = told(call("check", lines=[primary]))["answer"]
    assert "session-limit" not in {one["edit"] for one in without["findings"]}
    claim = {
        "resourceType": "Claim", "identifier": [{"value": "f1"}], "type": {"coding": [{"code": "professional"}]},
        "use": "claim", "status": "active", "patient": {"reference": "Patient/1"}, "insurer": {"display": "Medicare"},
        "item": [{"sequence": 1, "servicedDate": "2026-03-02", "quantity": {"value": 1}, "productOrService": {
            "coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "64495"}]}}],
    }  # fmt: skip
    assert told(call("check", fhir_claim=claim))["answer"]["findings"]


def test_price_compares_settings(call: Call) -> None:
    asked = {"lines": [{"code": "64493"}], "date_of_service": "2026-03-02", "compare": True}
    assert [one["setting"] for one in told(call("price", **asked))["answer"]["settings"]] == ["office", "asc", "hopd"]


NAME = "Mary Jones 1961-07-04"
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("brief", {}, "code is missing"),
    ("brief", {"code": 64495}, "code is no text"),
    ("brief", {"code": "64459"}, "not in the knowledge"),
    ("brief", {"code": "64495", "as_of": "1999-01-01"}, "no day of the knowledge"),
    ("brief", {"code": "64495", "section": "payer"}, "section 'payer' is not known"),
    ("brief", {"code": "64495", "section": "sources"}, "holds the sources of all"),
    ("brief", {"code": "64495", "from_block": -1}, "from_block"),
    ("brief", {"code": "64495", "payers": ["cgs"]}, "unknown parameter"),
    ("brief", {"code": "64495", "payer": 3}, "payer is no text"),
    ("code", {}, "missing"),
    ("code", {**GOOD["code"], "payer": NAME}, "not known"),
    ("code", {**GOOD["code"], NAME: 1}, "unknown key"),
    ("cover", {**GOOD["cover"], "patient": {"pain_score": NAME}}, ""),
    ("cover", {**GOOD["cover"], "date_of_service": NAME}, ""),
    ("cover", {**GOOD["cover"], "history": [{"date": "2027-01-01", "technique": NAME, "region": "lumbar"}]}, ""),
    ("check", {}, "neither lines nor fhir_claim"),
    ("check", {"lines": []}, ""),
    ("check", {"lines": [LINE] * 201}, ""),
    ("check", {"lines": [LINE | {"hcpcs_cod": NAME}]}, "unknown key"),
    ("check", {"lines": [LINE | {"claim_type": NAME}]}, ""),
    ("check", {"lines": [LINE | {"service_unit_quantity": -1}]}, ""),
    ("check", {"lines": [LINE | {"claim_line_start_date": NAME}]}, ""),
    ("check", {"fhir_claim": {"resourceType": "Patient", "name": [{"text": NAME}]}}, "no Claim"),
    ("check", {"fhir_claim": {"resourceType": "Claim", "patient": NAME}}, "not as FHIR R4 says"),
    ("price", {"lines": [{"code": NAME}], "date_of_service": "2026-03-02"}, ""),
    ("price", {**GOOD["price"], "compare": "yes"}, "neither true nor false"),
    ("changes", {"from": "2026-06-30", "to": "2026-01-01"}, "lies before"),
    ("changes", {"from": "2026-01-01"}, ""),
    ("briefing", {}, "no such tool"),
]


@pytest.mark.parametrize(("name", "arguments", "said"), BAD, ids=lambda value: str(value)[:40])
def test_an_error_has_five_parts_and_repeats_no_value(
    call: Call, name: str, arguments: dict[str, Any], said: str
) -> None:
    result = call(name, **arguments)
    assert result.is_error
    found = told(result)
    assert found["error"]["problems"]
    for one in found["error"]["problems"]:
        assert set(one) == {"file", "line", "place", "found", "expected", "mend"}
        assert one["found"]
        assert one["expected"] or one["mend"] or one["place"]
    assert said in json.dumps(found)
    assert "Mary" not in json.dumps(found)
    assert "/api/" not in json.dumps(found)


def test_an_unknown_key_of_a_line_is_answered_by_the_nearest(call: Call) -> None:
    (problem,) = told(call("check", lines=[LINE, LINE | {"hcpcs_cod": "64493"}]))["error"]["problems"]
    assert problem["place"] == "lines[1].hcpcs_cod"
    assert problem["mend"] == "did you mean 'hcpcs_code'"


def test_resources_are_listed_and_read(ask: Ask, knowledge: Knowledge) -> None:
    listed = ask(lambda client: client.list_resources()).resources
    uris = [one.uri for one in listed]
    assert {"facetwise://knowledge", "facetwise://brief/64495", "facetwise://edits/mue-exceeded"} <= set(uris)
    edits = {path.stem for path in (ROOT / "docs" / "edits").glob("*.md")} - {"index"}
    assert {one.removeprefix("facetwise://edits/") for one in uris if "/edits/" in one} == edits
    templates = ask(lambda client: client.list_resource_templates()).resource_templates
    assert all(re.match(r"facetwise://[a-z]+/\{", one.uri_template) for one in templates)

    def read(uri: str) -> str:
        (content,) = ask(lambda client: client.read_resource(uri)).contents
        return str(content.text)

    assert json.loads(read("facetwise://knowledge"))["knowledge"] == knowledge.digest
    whole, section = read("facetwise://brief/64495"), read("facetwise://brief/64495/documentation")
    assert whole.startswith("# 64495")
    assert len(section) < len(whole) / 5
    assert "## Sources" in section
    page = ROOT / "docs" / "edits" / "mue-exceeded.md"
    assert read("facetwise://edits/mue-exceeded") == page.read_text("utf-8")


@pytest.mark.parametrize(
    "uri",
    [
        "facetwise://edits/../index",
        "facetwise://edits/..%2Findex",
        "facetwise://edits/nothing",
        "facetwise://brief/1",
        "facetwise://brief/64495/nothing",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_resource_is_refused(ask: Ask, uri: str) -> None:
    from mcp.shared.exceptions import MCPError

    async def read(client: Any) -> str:
        try:
            await client.read_resource(uri)
        except MCPError as error:
            return str(error.error.data["problems"][0]["found"])
        return ""

    assert ask(read)
