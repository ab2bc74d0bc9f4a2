"""The OpenAPI document: what it says is what the server does, tried by schemathesis; its page names every operation."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from starlette.testclient import TestClient

from facetwise.knowledge import Knowledge, load
from facetwise.web.api.examples import examples
from facetwise.web.app import application
from facetwise.web.settings import LOOPBACK_NAMES, Settings

# 422 is the answer to what has the right shape and cannot be: a joint of another region, an event after its case.
# 413 and 414 are the answers to what is too long before anybody looks whether it is right.
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 422]},
            "negative_data_rejection": {"expected-statuses": [400, 404, 405, 406, 413, 414, 415, 422]},
        }
    }
)
NAMES = (
    "brief", "code", "cover", "coverForm", "price", "changes", "compare", "codes", "payers", "payer", "knowledge",
    "registry", "data", "check", "checkStream", "edits", "edit",
)  # fmt: skip


@pytest.fixture(scope="module")
def api_schema() -> Any:
    app = application(load(), Settings(hosts=LOOPBACK_NAMES | {"testserver"}))
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, config=CONFIG)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("name", NAMES)
def test_what_the_document_allows_is_answered_and_what_it_forbids_is_refused(
    api_schema: Any, name: str, mode: GenerationMode
) -> None:
    operation = api_schema.find_operation_by_id(name)
    if mode is GenerationMode.NEGATIVE and name in ("knowledge", "data", "edits", "checkStream"):
        pytest.skip("it takes nothing that could be wrong")

    # Each upload is checked by a process of its own.
    most = 2 if name == "checkStream" else 8

    @settings(max_examples=most, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.call_and_validate()

    check()


def test_every_operation_is_tried(document: dict[str, Any]) -> None:
    held = {one["operationId"] for by_method in document["paths"].values() for one in by_method.values()}
    assert held == set(NAMES)


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return found


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])
    assert document["openapi"].startswith("3.1")


def test_the_examples_fit_their_schemas_and_are_answered(
    document: dict[str, Any], client: TestClient, knowledge: Knowledge
) -> None:
    made = examples(knowledge)
    for path, by_method in document["paths"].items():
        for operation in by_method.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is None:
                continue
            value = body["examples"]["one"]["value"]
            assert value == made[operation["operationId"]]
            jsonschema_rs.validate({**body["schema"], "components": document["components"]}, value)
            response = client.post(path, json=value)
            assert response.status_code == 200, response.text
            answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema_rs.validate({**answer, "components": document["components"]}, response.json())


def test_the_page_of_the_api_names_every_operation_and_parameter(document: dict[str, Any], client: TestClient) -> None:
    text = client.get("/api").text
    for path, by_method in document["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in by_method.values():
            assert f'id="{operation["operationId"]}"' in text
            for parameter in operation["parameters"]:
                assert f"<code>{parameter['name']}</code>" in text


def test_with_a_token_the_document_says_so(knowledge: Knowledge) -> None:
    token = "a-token-of-the-tests-with-enough-characters"
    client = TestClient(application(knowledge, Settings(token=token)), base_url="http://127.0.0.1")
    found = client.get("/api/v1/openapi.json", headers={"authorization": f"Bearer {token}"}).json()
    assert found["security"] == [{"token": []}]
    assert found["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
