"""The API: the same answers as the commands, the right status for every wrong call, problems that repeat no value."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from starlette.testclient import TestClient

from facetwise.cli import main
from facetwise.knowledge import Knowledge
from facetwise.web.api.words import day_pattern, words
from facetwise.web.desk import Desk

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
JSON = {"content-type": "application/json"}
GET = (
    "/api/v1/brief/64495",
    "/api/v1/cover/form?payer=medicare&technique=radiofrequency_ablation&region=lumbar",
    "/api/v1/changes?from=2026-01-01&to=2026-06-30",
    "/api/v1/compare/64493",
    "/api/v1/codes",
    "/api/v1/payers",
    "/api/v1/payers/cgs",
    "/api/v1/knowledge",
    "/api/v1/knowledge/registry",
    "/api/v1/data",
    "/api/v1/openapi.json",
)
POST = ("/api/v1/code", "/api/v1/cover", "/api/v1/price")


def example(name: str) -> Any:
    """An example of the documentation, with the types that JSON has for its values."""
    return json.loads(json.dumps(yaml.safe_load((EXAMPLES / name).read_text("utf-8")), default=date.isoformat))


def printed(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> Any:
    main(list(arguments))
    return json.loads(capsysbinary.readouterr().out)


def test_code_cover_and_price_answer_as_the_commands_do(
    client: TestClient, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    encounter, case = EXAMPLES / "encounter.yaml", EXAMPLES / "case.yaml"
    coded = client.post("/api/v1/code", json=example("encounter.yaml"))
    assert coded.status_code == 200
    assert coded.json() == printed(capsysbinary, "code", str(encounter))
    assert client.post("/api/v1/cover", json=example("case.yaml")).json() == printed(capsysbinary, "cover", str(case))
    lines = tmp_path / "lines.json"
    lines.write_bytes(coded.content)
    assert client.post("/api/v1/price", content=coded.content, headers=JSON).json() == printed(
        capsysbinary, "price", str(lines)
    )
    compared = client.post("/api/v1/price?compare=true", content=coded.content, headers=JSON)
    assert compared.json() == printed(capsysbinary, "price", str(lines), "--compare")


def test_brief_and_changes_answer_as_the_commands_do(
    client: TestClient, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked = "/api/v1/brief/64635?as_of=2025-03-02&audience=billing&payer=aetna&payer=cgs"
    told = printed(
        capsysbinary, "brief", "64635", "--as-of", "2025-03-02", "--audience", "billing", "--payer", "aetna", "cgs",
        "--format", "json",
    )  # fmt: skip
    assert client.get(asked).json() == told
    found = client.get("/api/v1/changes?from=2024-08-01&to=2024-08-31&payer=medicare&code=64495").json()
    told = printed(
        capsysbinary, "changes", "64495", "--from", "2024-08-01", "--to", "2024-08-31", "--payer", "medicare",
        "--format", "json",
    )  # fmt: skip
    assert found == told
    assert client.get("/api/v1/brief/0213t").json()["code"] == "0213T"


def test_a_list_is_answered_by_a_list(client: TestClient) -> None:
    encounter = example("encounter.yaml")
    many = client.post("/api/v1/code", json=[encounter, {**encounter, "state": "FL"}]).json()
    assert [one["state"] for one in many] == ["OH", "FL"]
    assert client.post("/api/v1/code", json=[]).status_code == 422
    assert client.post("/api/v1/code", json=[encounter] * 201).status_code == 422
    second = client.post("/api/v1/code", json=[encounter, {**encounter, "payer": "medicar"}]).json()
    assert second["problems"][0]["place"] == "[1].payer"


@pytest.mark.parametrize("path", GET)
def test_answers_without_patients_are_kept_by_their_tag(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/json"
    head = client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    if path == "/api/v1/data":
        assert first.headers["cache-control"] == "no-store"
        return
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Accept-Encoding" in first.headers["vary"]
    again = client.get(path, headers={"if-none-match": f'"x", W/{first.headers["etag"]}'})
    assert again.status_code == 304
    assert again.content == b""
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


@pytest.mark.parametrize("path", POST)
def test_answers_to_bodies_are_never_kept(client: TestClient, path: str) -> None:
    body = {"/api/v1/code": example("encounter.yaml"), "/api/v1/cover": example("case.yaml")}.get(path, {})
    response = client.post(path, json=body)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


@pytest.mark.parametrize("path", [*GET, *POST])
def test_other_methods_are_named_and_refused(client: TestClient, path: str) -> None:
    bare = path.partition("?")[0]
    allowed = client.options(bare)
    if bare != "/api/v1/openapi.json":
        assert allowed.status_code == 204
        assert "OPTIONS" in allowed.headers["allow"]
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "GET" if path in POST else "POST"):
        response = client.request(method, bare)
        assert response.status_code == 405, method
        assert response.headers["allow"]
        assert response.json()["status"] == 405


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.2", 200),
        ("", 200),
        ("text/html, application/json;q=0.1", 200),
        ("text/html", 406),
        ("application/json;q=0, text/html", 406),
        ("application/json;q=0, */*;q=0", 406),
        ("application/json;q=x", 406),
    ],
)
def test_what_is_accepted(client: TestClient, accept: str, status: int) -> None:
    assert client.get("/api/v1/knowledge", headers={"accept": accept}).status_code == status


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/yaml", ""])
def test_bodies_of_another_type_are_refused(client: TestClient, media: str) -> None:
    response = client.post("/api/v1/code", content=b"{}", headers={"content-type": media})
    assert response.status_code == 415


def test_a_charset_beside_the_type_is_let_be(client: TestClient) -> None:
    content = json.dumps(example("encounter.yaml")).encode()
    headers = {"content-type": "application/json; charset=utf-8"}
    assert client.post("/api/v1/code", content=content, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1", b"{'a': 1}", b"payer: medicare", b"\xff", b"NaN", b'{"a":1}{}', b"[" * 100_000]
)
def test_what_is_no_json_is_said(client: TestClient, body: bytes) -> None:
    response = client.post("/api/v1/code", content=body, headers=JSON)
    assert response.status_code in (400, 422)
    details = response.json()
    assert details["type"].startswith("/api#problem-")
    assert details["problems"][0]["found"]


@pytest.mark.parametrize("path", POST)
@pytest.mark.parametrize("body", ["null", "1", '"text"', "true", "{}", "[[]]", "[null]", '{"payer": {}}'])
def test_json_of_another_shape_is_said(client: TestClient, path: str, body: str) -> None:
    response = client.post(path, content=body, headers=JSON)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_a_problem_has_the_five_parts_and_the_nearest_word(client: TestClient) -> None:
    encounter = example("encounter.yaml")
    encounter["procedures"][0]["targets"][0] = {"joint": "L4-S1", "side": "right"}
    encounter["stat"] = "OH"
    response = client.post("/api/v1/code", content=json.dumps(encounter, indent=1), headers=JSON)
    details = response.json()
    assert (response.status_code, details["status"]) == (422, 422)
    assert details["type"] == "/api#problem-wrong-input"
    by_place = {one["place"]: one for one in details["problems"]}
    assert by_place["stat"]["found"] == "unknown key"
    assert by_place["stat"]["mend"] == "did you mean 'state'"
    joint = by_place["procedures[0].targets[0].joint"]
    assert joint["found"] == "joint (as sent) does not exist"
    assert joint["mend"] == "did you mean L4-L5 or L5-S1"
    assert joint["line"] > 1


SECRET = 'Mary O\'Connor "Smith", born 1950-01-01'
PLACES: list[tuple[str, dict[str, Any]]] = [
    ("/api/v1/code", {"payer": SECRET}),
    ("/api/v1/code", {"state": SECRET}),
    ("/api/v1/code", {"date_of_service": SECRET}),
    ("/api/v1/code", {"setting": SECRET}),
    ("/api/v1/code", {"place_of_service": SECRET}),
    ("/api/v1/code", {"claim": SECRET}),
    ("/api/v1/code", {SECRET: 1}),
    ("/api/v1/code", {"Mary.Smith": 1}),
    ("/api/v1/code", {"payer.Mary: Smith": 1}),
    ("/api/v1/code", {"a: Mary": 1}),
    ("/api/v1/code", {"procedures": SECRET}),
    ("/api/v1/code", {"procedures": [{"technique": SECRET, "targets": [{"joint": SECRET, "side": SECRET}]}]}),
    ("/api/v1/code", {"procedures": [{"technique": "medial_branch_block", "targets": [{"nerve": SECRET, SECRET: 1}]}]}),
    ("/api/v1/cover", {"payer": SECRET}),
    ("/api/v1/cover", {"date_of_service": SECRET}),
    ("/api/v1/cover", {"patient": {"pain_score": SECRET}}),
    ("/api/v1/cover", {"patient": {SECRET: 5}}),
    ("/api/v1/cover", {"patient": SECRET}),
    ("/api/v1/cover", {"history": [{"date": SECRET, "technique": SECRET, "region": SECRET}]}),
    ("/api/v1/cover", {"procedure": {"technique": "medial_branch_block", "region": "lumbar", "joints": [SECRET]}}),
    ("/api/v1/cover", {"facts": {"record.assessment": SECRET}}),
    ("/api/v1/price", {"payer": SECRET}),
    ("/api/v1/price", {"lines": [{"code": SECRET, "modifiers": [SECRET], "units": SECRET, "charge": SECRET}]}),
    ("/api/v1/price", {"locality": SECRET}),
    ("/api/v1/price", {"locality": {"mac": SECRET, "locality": SECRET}}),
    ("/api/v1/price", {"zip": SECRET}),
    ("/api/v1/price", {"deductible": SECRET}),
    ("/api/v1/price", {"apm_participant": SECRET}),
    ("/api/v1/price", {"date_of_service": SECRET}),
]


@pytest.mark.parametrize(("path", "wrong"), PLACES)
def test_no_error_repeats_what_was_sent(client: TestClient, path: str, wrong: dict[str, Any]) -> None:
    good = example("case.yaml" if path.endswith("cover") else "encounter.yaml")
    if path.endswith("price"):
        good = {"date_of_service": "2026-03-02", "setting": "office", "lines": [{"code": "64493"}]}
    response = client.post(path, json={**good, **wrong})
    assert response.status_code == 422
    for part in ("Mary", "Connor", "Smith", "1950"):
        assert part not in response.text
    assert response.json()["problems"][0]["place"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/brief/99999", 404, "the nearest are"),
        ("/api/v1/brief/64459", 404, "the nearest are"),
        ("/api/v1/brief/64495?as_of=2026-02-30", 422, "a date such as 2026-03-02"),
        ("/api/v1/brief/64495?as_of=2031-01-01", 422, "a date such as"),
        ("/api/v1/brief/64495?audience=everyone", 422, "billing, clinical, policy"),
        ("/api/v1/brief/64495?payer=aetnna", 422, "did you mean 'aetna'"),
        ("/api/v1/brief/64495?as_off=2026-01-01", 422, "did you mean 'as_of'"),
        ("/api/v1/brief/64495?as_of=2026-01-01&as_of=2026-01-02", 422, "given twice"),
        ("/api/v1/changes?from=2026-01-01", 422, "to"),
        ("/api/v1/changes?from=2026-02-01&to=2026-01-01", 422, "lies before"),
        ("/api/v1/payers/aetnna", 404, "aetna"),
        ("/api/v1/compare/64495?payer=nobody", 422, "nobody"),
        ("/api/v1/nothing", 404, "nothing stands"),
        ("/api/v1", 404, "nothing stands"),
        ("/api/v1/codes/", 404, "nothing stands"),
    ],
)
def test_wrong_addresses_are_told(client: TestClient, path: str, status: int, said: str) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.text


def test_json_with_escapes_and_tabs_is_read_as_json(client: TestClient) -> None:
    encounter = example("encounter.yaml")
    text = json.dumps(encounter, indent="\t").replace('"OH"', '"\\u004fH"')
    assert (
        client.post("/api/v1/code", content=text, headers=JSON).json()
        == client.post("/api/v1/code", json=encounter).json()
    )


def test_codes_are_found_by_words_and_begin(client: TestClient) -> None:
    found = client.get("/api/v1/codes?q=lower+back+injection+third").json()["codes"]
    assert {one["code"] for one in found} >= {"64495"}
    assert {one["code"] for one in client.get("/api/v1/codes?q=6449").json()["codes"]} == {f"6449{n}" for n in range(6)}
    assert client.get("/api/v1/codes?q=nothing-like-it").json()["codes"] == []


def test_the_form_asks_what_the_payer_asks(client: TestClient, knowledge: Knowledge) -> None:
    query = "/api/v1/cover/form?technique=radiofrequency_ablation&region=lumbar&as_of=2026-03-02&payer="
    medicare = client.get(query + "medicare&state=OH").json()
    assert medicare["whose"] == "cgs"
    names = [field["name"] for one in medicare["criteria"] for field in one["fields"]]
    assert len(names) == len(set(names))
    assert "patient.pain_duration_months" in names
    assert "patient.untreated_radiculopathy" in names
    earlier = {field["name"] for field in medicare["history"]}
    assert "history.relief_percent" in earlier
    assert medicare["wants_history"]
    aetna = client.get(query + "aetna").json()
    assert {one["statement"] for one in aetna["criteria"]}.isdisjoint(
        {one["statement"] for one in medicare["criteria"]}
    )
    asks = knowledge.store.vocabulary.asks
    for field in (field for one in aetna["criteria"] for field in one["fields"]):
        assert field["type"] == asks[field["name"]].type


def test_a_release_that_is_missing_is_a_conflict_with_what_to_load(client: TestClient) -> None:
    body = {"date_of_service": "2020-03-02", "setting": "asc", "claim": "facility", "lines": [{"code": "64493"}]}
    response = client.post("/api/v1/price", json=body)
    assert response.status_code == 409
    assert response.json()["type"] == "/api#problem-release-missing"
    assert "facetwise data load" in response.text


def test_the_state_of_the_catalog(client: TestClient) -> None:
    found = client.get("/api/v1/data").json()
    assert {one["state"] for one in found["kinds"]} <= {"current", "stale", "missing"}
    assert len(found["kinds"]) >= 5


def test_days_of_the_pattern_are_real_days(knowledge: Knowledge) -> None:
    import re

    pattern = re.compile(day_pattern(2023, 2024))
    real = {
        date.fromordinal(number).isoformat()
        for number in range(date(2023, 1, 1).toordinal(), date(2024, 12, 31).toordinal() + 1)
    }
    tried = {f"{year}-{month:02}-{day:02}" for year in range(2022, 2026) for month in range(14) for day in range(33)}
    assert {day for day in tried if pattern.search(day)} == real
    horizon = knowledge.store.horizon
    assert re.search(words(knowledge).day_pattern, horizon.from_.isoformat())
    assert re.search(words(knowledge).day_pattern, horizon.until.isoformat())


def test_the_desk_keeps_views_but_not_without_end(knowledge: Knowledge) -> None:
    desk = Desk(knowledge)
    first = desk.knowledge.as_of(date(2026, 1, 1))
    assert desk.knowledge.as_of(date(2026, 1, 1)) is first
    for number in range(100):
        desk.knowledge.as_of(date.fromordinal(date(2026, 1, 2).toordinal() + number))
    assert len(desk.knowledge._views) <= 24
    assert msgspec.json.encode(desk.brief("64495", date(2026, 1, 1)).code) == b'"64495"'
