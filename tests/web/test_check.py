"""Small checks: the same findings as the command, rows tidied as the readers of files do, several threads, no value repeated."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from facetwise.cli import main
from facetwise.edits import Checker
from facetwise.knowledge import Knowledge
from facetwise.web.check import small
from facetwise.web.check.small import Checks

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FHIR = {"content-type": "application/fhir+json"}
LINE = {
    "claim_id": "C1", "claim_line_number": 1, "claim_type": "professional", "person_id": "P1", "payer": "medicare", "state": "OH",
    "place_of_service_code": "11", "claim_line_start_date": "2026-10-02", "hcpcs_code": "64494", "hcpcs_modifier_1": "RT",
    "hcpcs_modifier_2": "KX", "service_unit_quantity": "1", "charge_amount": "500.00", "diagnosis_code_1": "M47816",
}  # fmt: skip


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of an example, with numbers as JSON has them; what is empty is left out."""
    with (EXAMPLES / name).open(newline="") as file:
        found = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]
    return [{**row, "claim_line_number": int(row["claim_line_number"])} for row in found]


def fhir_claim(*codes: str, day: str = "2026-10-02") -> dict[str, Any]:
    return {
        "resourceType": "Claim", "id": "F1", "status": "active", "use": "claim",
        "type": {"coding": [{"code": "professional"}]}, "patient": {"reference": "Patient/1"},
        "insurer": {"display": "Medicare"}, "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "Medicare"}}],
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": {"coding": [{"code": "M47.816"}]}}],
        "item": [
            {
                "sequence": number, "servicedDate": day, "diagnosisSequence": [1],
                "productOrService": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": code}]},
                "locationCodeableConcept": {"coding": [{"code": "11"}]}, "quantity": {"value": 1}, "net": {"value": 500},
            }
            for number, code in enumerate(codes, 1)
        ],
    }  # fmt: skip


def check(client: TestClient, **asked: Any) -> Any:
    response = client.post("/api/v1/check", json=asked)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json()


def found(answer: Any) -> set[tuple[Any, ...]]:
    return {
        (one["claim_id"], one["claim_line_number"], one["edit"], one["severity"], one["message"])
        for one in answer["findings"]
    }


def test_the_findings_are_those_of_the_command(client: TestClient, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    good = [row for row in rows("claims.csv") if row["claim_line_start_date"] != "2026-13-02"]
    answer = check(client, lines=good, history=rows("history.csv"))
    main(["check", str(EXAMPLES / "claims.csv"), "--history", str(EXAMPLES / "history.csv"), "--format", "json"])
    told = json.loads(capsysbinary.readouterr().out)
    assert found(answer) == found(told)
    assert len(answer["findings"]) == len(told["findings"]) > 3
    for name in (
        "claims",
        "lines",
        "releases",
        "knowledge",
        "history_lines",
        "history_left_out",
        "counts",
        "payers_unknown",
    ):
        assert answer[name] == told[name], name


def test_a_history_that_is_not_given_is_not_an_empty_one(client: TestClient) -> None:
    block = {**LINE, "hcpcs_code": "64493", "hcpcs_modifier_2": None}
    assert check(client, lines=[block])["findings"] == []
    told = check(client, lines=[block], history=[])["findings"]
    assert [one["edit"] for one in told] == ["diagnostic-modifier-missing"]


def test_rows_of_checked_claims_are_no_history(client: TestClient) -> None:
    block = {**LINE, "hcpcs_code": "64493"}
    told = check(
        client, lines=[block], history=[{**block, "claim_id": f" {block['claim_id']}"}, {**block, "claim_id": "Z"}]
    )
    assert (told["history_lines"], told["history_left_out"]) == (2, 1)


def test_rows_are_tidied_as_the_readers_of_files_do(client: TestClient) -> None:
    loose = {
        **LINE, "hcpcs_modifier_1": "rt", "hcpcs_modifier_2": " kx ", "diagnosis_code_1": "m47.816", "state": "oh", "payer": " Medicare ",
        "service_unit_quantity": 1, "charge_amount": 500.0, "billing_npi": " ",
    }  # fmt: skip
    assert check(client, lines=[loose]) == check(client, lines=[{**LINE, "payer": "Medicare"}])


def test_payer_and_state_stand_in_where_a_line_tells_none(client: TestClient) -> None:
    bare = {name: value for name, value in LINE.items() if name not in ("payer", "state")}
    told = check(client, lines=[LINE])
    unknown = check(client, lines=[bare])
    assert unknown["payers_unknown"] == [{"payer": "", "lines": 1}]
    assert found(unknown) != found(told)
    assert check(client, lines=[bare], payer="medicare", state="OH") == told
    by_query = client.post("/api/v1/check?payer=medicare&state=OH", json={"lines": [bare]})
    assert by_query.json() == told
    own = check(client, lines=[LINE], payer="aetna", state="TX")
    assert own == told


def test_fhir_is_checked_and_what_cannot_be_read_is_counted(client: TestClient) -> None:
    answer = client.post("/api/v1/check?state=OH", json=fhir_claim("64494", "64495"), headers=FHIR)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["claims"], told["lines"], told["rejected"]) == (1, 2, 0)
    assert "add-on-without-primary" in {one["edit"] for one in told["findings"]}
    broken = fhir_claim("64494", "64493")
    broken["item"][1]["quantity"] = {"value": 0}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": broken}]}
    told = client.post("/api/v1/check", json=bundle, headers=FHIR).json()
    assert (told["lines"], told["rejected"]) == (1, 1)
    assert told["rejected_records"][0]["segment"].startswith("item[1]")
    many = client.post("/api/v1/check", json=fhir_claim(*["64493"] * 201), headers=FHIR)
    assert many.status_code == 422
    assert "/api/v1/check/stream" in many.text
    other = client.post("/api/v1/check", json={"resourceType": "Patient", "name": "Mary"}, headers=FHIR)
    assert other.status_code == 422
    assert "Mary" not in other.text


SECRET = 'Mary O\'Connor "Smith", born 1950-01-01'


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": [{**LINE, SECRET: 1}]},
        {"lines": [{**LINE, "claim_line_start_date": SECRET}]},
        {"lines": [{**LINE, "claim_type": SECRET}]},
        {"lines": [{**LINE, "service_unit_quantity": SECRET}]},
        {"lines": [{**LINE, "hcpcs_code": SECRET}]},
        {"lines": [{**LINE, "claim_line_number": SECRET}]},
        {"lines": [{**LINE, "person_id": SECRET * 10}]},
        {"lines": [{**LINE, "claim_line_start_date": "2031-01-01"}]},
        {"lines": [{**LINE, "claim_id": " "}]},
        {"lines": [{**LINE, "hcpcs_code": None}]},
        {"lines": [{**LINE, "service_unit_quantity": 0}]},
        {"lines": [{**LINE, "service_unit_quantity": "100000"}]},
        {"lines": [LINE], "history": [{**LINE, SECRET: 1}]},
        {"lines": [LINE], "payer": SECRET},
        {"lines": []},
        {"lines": [LINE] * 201},
        {"claims": [LINE]},
    ],
)
def test_what_is_no_claim_line_is_told_without_its_values(client: TestClient, wrong: dict[str, Any]) -> None:
    response = client.post("/api/v1/check", json=wrong)
    assert response.status_code == 422
    for part in ("Mary", "Connor", "Smith", "1950"):
        assert part not in response.text
    assert response.json()["problems"][0]["found"]


def test_a_misspelt_column_is_told_with_the_nearest(client: TestClient) -> None:
    response = client.post("/api/v1/check", json={"lines": [{**LINE, "hcpc_code": "64493"}]})
    assert response.json()["problems"][0] == {
        "found": "unknown key", "place": "lines[0].hcpc_code", "expected": "a column of the claim-line table",
        "mend": "did you mean 'hcpcs_code'",
    }  # fmt: skip


def test_counts_add_up(client: TestClient) -> None:
    answer = check(client, lines=rows("claims.csv")[:6])
    assert sum(one["findings"] for one in answer["counts"]) == len(answer["findings"])
    by_edit = {one["edit"]: one for one in answer["counts"]}
    assert by_edit["ptp-pair"]["findings"] == 2
    assert by_edit["ptp-pair"]["lines"] == 1
    assert by_edit["ptp-pair"]["charges"] == "200.00"


def test_threads_get_the_answers_to_their_own_claims(knowledge: Knowledge) -> None:
    checks = Checks(knowledge)
    bodies = [
        json.dumps({"lines": [{**LINE, "claim_id": f"C{number}", "hcpcs_code": ("64493", "64494")[number % 2]}]})
        for number in range(40)
    ]
    alone = [checks.of_rows(body) for body in bodies]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(checks.of_rows, bodies)) == alone
    assert alone[0] != alone[1]


def test_a_catalog_that_changes_is_noticed(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = Checks(knowledge)
    assert not checks.ready()
    body = json.dumps({"lines": [LINE]})
    first = checks.of_rows(body)
    assert checks.ready()
    made: list[Any] = []

    def another(known: Knowledge) -> Checker:
        made.append(known)
        return Checker(known)

    monkeypatch.setattr(small, "_stamp", lambda: (1, 1))
    monkeypatch.setattr(small, "Checker", another)
    assert not checks.ready()
    assert checks.of_rows(body) == first
    assert made == [knowledge]
    assert checks.ready()


@pytest.fixture
def edits(client: TestClient) -> list[str]:
    answer = client.get("/api/v1/edits").json()
    return [one["edit"] for group in answer["groups"] for one in group["edits"]]


def test_every_edit_has_a_page_with_examples_and_sources(client: TestClient, edits: list[str]) -> None:
    pages = {path.stem for path in (EXAMPLES.parent / "edits").glob("*.md")} - {"index"}
    assert set(edits) == pages
    for name in edits:
        page = client.get(f"/api/v1/edits/{name}").json()
        shown = client.get(f"/edits/{name}", headers={"accept": "text/html"})
        assert shown.status_code == 200
        assert page["lead"].partition("'")[0] in shown.text
        assert page["changes"]
        if name != "joint-incomplete":
            assert {one["title"] for one in page["examples"]} >= {"A claim that fails", "A claim that passes"}
        for source in page["sources"]:
            assert f'id="source-{source["number"]}"' in shown.text
    missing = client.get("/edits/ptp-pairs", headers={"accept": "text/html"})
    assert missing.status_code == 404
    assert "ptp-pair" in missing.text
    assert client.get("/api/v1/edits/nothing").status_code == 404
