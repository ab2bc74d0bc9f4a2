"""The pages as HTML: what they hold, their JSON, their addresses, and that nothing anybody writes becomes markup."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from facetwise.coding.anatomy import spine
from facetwise.knowledge import Knowledge, load
from facetwise.web.app import application
from facetwise.web.pages.spine_drawing import segments
from facetwise.web.settings import Settings
from facetwise.web.warm import Shelf
from small_tree import write

HTML = {"accept": "text/html"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
COVER = "/cover?payer=medicare&state=OH&technique=radiofrequency_ablation&region=lumbar&as_of=2026-03-02"
# A page and the address of the same as JSON.
BESIDE = [
    ("/codes/64495?as_of=2026-03-02&payer=aetna&payer=cgs&audience=billing", "/api/v1/brief/64495?as_of=2026-03-02&payer=aetna&payer=cgs&audience=billing"),
    ("/compare?code=64635&as_of=2026-03-02", "/api/v1/compare/64635?as_of=2026-03-02"),
    ("/changes?from=2024-01-01&to=2024-12-31&code=64495", "/api/v1/changes?from=2024-01-01&to=2024-12-31&code=64495"),
    ("/payers/cgs?as_of=2026-03-02", "/api/v1/payers/cgs?as_of=2026-03-02"),
    (COVER, "/api/v1/cover/form?payer=medicare&state=OH&technique=radiofrequency_ablation&region=lumbar&as_of=2026-03-02"),
    ("/data", "/api/v1/data"),
    ("/edits", "/api/v1/edits"),
    ("/edits/mue-exceeded", "/api/v1/edits/mue-exceeded"),
]  # fmt: skip
ENCOUNTER = {
    "technique": "medial_branch_block", "purpose": "diagnostic", "guidance": "fluoroscopy", "payer": "medicare", "state": "OH",
    "setting": "office", "claim": "professional", "date": "2026-03-02",
}  # fmt: skip


class Marks(html.parser.HTMLParser):
    """The elements of a page, each with its attributes; ids; and whether every element that opens is closed."""

    void = ("meta", "link", "input", "br", "img", "hr", "col", "wbr")

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def spine_post(client: TestClient, *targets: str, **changed: str) -> Any:
    fields = [*({**ENCOUNTER, **changed}).items(), *(("j" if "-" in one else "n", one) for one in targets)]
    return client.post(
        "/spine", content=urlencode(fields), headers={**HTML, "content-type": "application/x-www-form-urlencoded"}
    )


@pytest.mark.parametrize(("page", "beside"), BESIDE)
def test_json_stands_beside_every_page(client: TestClient, page: str, beside: str) -> None:
    shown = client.get(page, headers=HTML)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    link = next(one for one in Marks(shown.text).all("link") if one.get("rel") == "alternate")
    wanted = client.get(beside)
    assert wanted.status_code == 200
    assert client.get(str(link["href"])).content == wanted.content
    accepted = client.get(page, headers={"accept": "application/json"})
    assert json.loads(accepted.content) == wanted.json()
    assert "Accept" in shown.headers.get("vary", "Accept")
    assert client.get(page, headers={"accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    "page",
    [*(page for page, _ in BESIDE), "/", "/spine", "/check", "/api", "/login", "/find?q=facet+third", "/nothing"],
)
def test_a_page_is_whole(client: TestClient, page: str) -> None:
    marks = Marks(client.get(page, headers=HTML).text)
    ids = [one["id"] for _, one in marks.found if "id" in one]
    assert len(ids) == len(set(ids))
    for name in ("for", "aria-labelledby", "aria-describedby"):
        for _, one in marks.found:
            assert set(str(one.get(name) or "").split()) <= set(ids), (name, one)
    assert [tag for tag, _ in marks.found].count("h1") == 1
    assert {"header", "main", "footer", "nav"} <= {tag for tag, _ in marks.found}
    for one in marks.all("a"):
        target = str(one["href"])
        if target.startswith("#"):
            assert target[1:] in ids, target


def test_links_of_the_pages_lead_to_pages(client: TestClient) -> None:
    seen: set[str] = set()
    for page in (
        "/",
        "/payers/cgs",
        "/compare?code=64493&as_of=2026-03-02",
        COVER,
        "/data",
        "/api",
        "/changes",
        "/spine",
        "/check",
        "/edits",
    ):
        for one in Marks(client.get(page, headers=HTML).text).all("a"):
            target = str(one["href"]).partition("#")[0]
            if target.startswith("/") and not target.startswith(("/codes/", "/payers/")):
                seen.add(target)
    assert len(seen) > 10
    for target in sorted(seen):
        assert client.get(target, headers={"accept": "text/html, */*;q=0.5"}).status_code == 200, target


def test_what_is_meant_is_found(client: TestClient) -> None:
    for typed, target in (
        ("64495", "/codes/64495"),
        ("0213t", "/codes/0213T"),
        ("Aetna", "/payers/aetna"),
        ("cgs", "/payers/cgs"),
    ):
        response = client.get("/find", params={"q": typed})
        assert (response.status_code, response.headers["location"]) == (303, target)
    assert 'href="/codes/64635"' in client.get("/find?q=ablation+lower+first").text
    assert "No code and no payer" in client.get("/find?q=zebra").text
    assert client.get("/codes/0213t", headers=HTML).headers["location"] == "/codes/0213T"


@pytest.mark.parametrize(
    ("page", "status", "said"),
    [
        ("/codes/99999", 404, "the nearest are"),
        ("/codes/64495?as_of=yesterday", 422, "is not a date"),
        ("/codes/64495?as_of=2031-01-01", 422, "lies outside the knowledge"),
        ("/codes/64495?payer=aetnna", 422, "aetna"),
        ("/codes/64495?audience=x", 422, "billing"),
        ("/codes/64495?asof=2026-01-01", 422, "as_of"),
        ("/compare?code=99999", 422, "the nearest are"),
        ("/payers/aetnna", 404, "aetna"),
        ("/changes?from=2026-02-01&to=2026-01-01", 422, "lies before"),
        ("/cover?payer=aetnna", 422, "aetna"),
        ("/cover?region=elbow", 422, "region"),
        ("/nothing", 404, "nothing stands"),
        ("/static/none.css", 404, "no such file"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_a_page_that_says_so(client: TestClient, page: str, status: int, said: str) -> None:
    response = client.get(page, headers=HTML)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert said.lower() in response.text.lower().replace("&#39;", "'")


@pytest.mark.parametrize(
    "path",
    [
        "/find?" + urlencode({"q": HOSTILE}),
        "/codes/64495?" + urlencode({"as_of": HOSTILE}),
        "/codes/64495?" + urlencode({"payer": HOSTILE}),
        "/codes/64495?" + urlencode({"audience": HOSTILE}),
        "/codes/64495?" + urlencode({HOSTILE: "x"}),
        "/codes/" + "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/edits/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/check?" + urlencode({HOSTILE: "x"}),
        "/payers/%3Cimg%20src%3Dx%20onerror%3Dalert(2)%3E",
        "/compare?" + urlencode({"code": HOSTILE}),
        "/changes?" + urlencode({"from": HOSTILE}),
        "/cover?" + urlencode({"payer": HOSTILE}),
        "/spine?" + urlencode({"payer": HOSTILE, "technique": HOSTILE}),
        "/login?" + urlencode({"next": HOSTILE}),
        "/%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)
def test_nothing_in_an_address_becomes_markup(client: TestClient, path: str) -> None:
    text = client.get(path, headers=HTML).text
    assert "<script>" not in text
    assert "<img" not in text
    assert "{{7*7}}" in text or "7*7" not in text
    assert all(one.get("src", "").startswith("/static/") for one in Marks(text).all("script"))  # type: ignore[union-attr]


def test_nothing_in_a_form_becomes_markup(client: TestClient) -> None:
    fields = dict.fromkeys(("technique", "payer", "state", "date", "j", "n"), HOSTILE)
    for path, more in (
        ("/spine", {}),
        ("/cover", {"patient.pain_score": HOSTILE, "event.0.date": HOSTILE, f"patient.{HOSTILE}": "1"}),
    ):
        given = more if path == "/cover" else fields
        response = client.post(path, data=given, headers=HTML)
        assert response.status_code == 422
        assert "<script>" not in response.text
        assert "<img" not in response.text
        Marks(response.text)


def test_nothing_in_the_users_own_knowledge_becomes_markup(tmp_path: Path) -> None:
    said = json.dumps(HOSTILE)
    overlay = write(
        tmp_path / "ours",
        {
            "payers/hostile/payer.yaml": f"payer: hostile\ntitle: {said}\nrole: commercial\ngroup: other\nnote: {said}\n"
            "history:\n  - {from: 2020-01-01, sources: [ours]}\n",
            "sources/ours.yaml": f"source: ours\ntitle: {said}\npublisher: us\nurl: 'javascript:alert(1)'\nevidence: primary\n",
        },
    )
    client = TestClient(application(load([overlay]), Settings()), base_url="http://127.0.0.1")
    for path in (
        "/",
        "/payers/hostile",
        "/compare?payer=hostile",
        "/codes/64495?payer=hostile",
        "/cover?payer=hostile",
        "/spine?payer=hostile",
        "/find?q=script",
    ):
        text = client.get(path, headers=HTML).text
        assert "&lt;script&gt;alert(1)" in text, path
        assert "<script>" not in text, path
        assert "<img" not in text, path
        assert 'href="javascript:' not in text, path


def test_the_spine_has_every_joint_and_nerve_on_both_sides(client: TestClient, knowledge: Knowledge) -> None:
    marks = Marks(client.get("/spine", headers=HTML).text)
    back = spine(knowledge.as_of(knowledge.store.horizon.reviewed))
    for field, names in (("j", list(back.joints)), ("n", list(back.nerves))):
        values = [one["value"] for one in marks.all("input") if one.get("name") == field]
        assert sorted(str(one) for one in values) == sorted(
            f"{name}:{side}" for name in names for side in ("left", "right")
        )


def test_a_nerve_is_drawn_beside_the_joints_that_it_goes_to(knowledge: Knowledge) -> None:
    back = spine(knowledge.as_of(knowledge.store.horizon.reviewed))
    drawn = segments(knowledge.as_of(knowledge.store.horizon.reviewed))
    order = [item for segment in drawn for item in segment.items]
    joints = [item.name for item in order if item.kind == "joint"]
    assert joints == list(back.joints)
    for place, item in enumerate(order):
        for nerve in item.nerves:
            near = {one.name for one in order[max(0, place - 1) : place + 2] if one.kind == "joint"}
            assert {joint.name for joint in back.served_by(nerve)} <= near, nerve
    assert [segment.folded for segment in drawn] == [False, True, False]


def test_the_spine_answers_with_lines_warnings_coverage_and_price(client: TestClient) -> None:
    text = spine_post(client, "L3:right", "L4:right", "L5:right").text
    assert "Two lines for Medicare in OH: 64493 RT KX; 64494 RT KX." in text
    for part in ("Claim lines", "Warnings", "Prior authorization", "Price in each setting", "L38773"):
        assert part in text
    prices = client.post("/api/v1/price?compare=true", json={
        "date_of_service": "2026-03-02", "state": "OH",
        "lines": [{"code": "64493", "modifiers": ["RT", "KX"]}, {"code": "64494", "modifiers": ["RT", "KX"]}],
    }).json()  # fmt: skip
    for side in prices["settings"]:
        assert f"{float(side['allowed']):,.2f}" in text


def test_half_treated_joints_say_which_nerve_is_missing(client: TestClient) -> None:
    text = spine_post(client, "L4:left").text
    marks = Marks(text)
    by_key = {one["data-key"]: str(one["class"]) for one in marks.all("label") if "data-key" in one}
    assert " half" in by_key["L4-L5:left"]
    assert " half" in by_key["L5-S1:left"]
    assert "full" not in by_key["L4-L5:right"]
    assert "L4-L5 left is half treated: L4 without L3." in text
    assert "L5-S1 left is half treated: L4 without L5." in text
    assert "No claim line can be written" in text


def test_the_spine_as_json_is_the_contracts(client: TestClient) -> None:
    fields = urlencode([*ENCOUNTER.items(), ("j", "L4-L5:left"), ("j", "L4-L5:right")])
    found = client.post(
        "/spine",
        content=fields,
        headers={"accept": "application/json", "content-type": "application/x-www-form-urlencoded"},
    )
    assert found.headers["cache-control"] == "no-store"
    answer = found.json()
    encounter = {**ENCOUNTER, "date_of_service": "2026-03-02"}
    del encounter["date"]
    procedure = {name: encounter.pop(name) for name in ("technique", "purpose", "guidance")}
    targets = [{"joint": "L4-L5", "side": side} for side in ("left", "right")]
    told = client.post("/api/v1/code", json={**encounter, "procedures": [{**procedure, "targets": targets}]}).json()
    assert answer["code"] == told
    assert answer["prices"]["settings"]


def test_a_wrong_choice_on_the_spine_is_told(client: TestClient) -> None:
    response = spine_post(client, "L4-L5:left", date="2031-01-01")
    assert response.status_code == 422
    assert "date_of_service" in response.text
    assert "2031" not in response.text.partition('id="result"')[2]


def test_the_choices_of_the_spine_stand_in_its_address_and_the_patient_does_not(client: TestClient) -> None:
    marks = Marks(client.get("/spine?payer=aetna&technique=radiofrequency_ablation&state=TX&setting=asc").text)
    chosen = {one["value"] for one in marks.all("option") if "selected" in one}
    assert {"aetna", "radiofrequency_ablation", "TX", "asc"} <= chosen
    assert client.get("/spine?j=L4-L5:left").status_code == 422
    assert client.get("/cover?patient.pain_score=7").status_code == 422


def test_a_case_is_judged_as_the_command_judges_it(client: TestClient) -> None:
    fields = {
        "payer": "medicare", "state": "OH", "technique": "radiofrequency_ablation", "region": "lumbar", "setting": "hopd",
        "date_of_service": "2026-03-02", "sides": "bilateral", "joints": ["L4-L5", "L5-S1"], "procedure.guidance": "fluoroscopy",
        "patient.pain_duration_months": "7", "patient.predominantly_axial": "true", "patient.untreated_radiculopathy": "false",
        "event.0.date": "2025-11-03", "event.0.technique": "medial_branch_block", "event.0.purpose": "diagnostic",
        "event.0.region": "lumbar", "event.0.joints": ["L4-L5", "L5-S1"], "event.0.sides": "bilateral",
        "event.0.relief_percent": "85", "event.1.region": "lumbar",
    }  # fmt: skip
    found = client.post("/cover", data=fields, headers={"accept": "application/json"}).json()
    case = {
        "payer": "medicare", "state": "OH", "date_of_service": "2026-03-02", "setting": "hopd",
        "procedure": {"technique": "radiofrequency_ablation", "region": "lumbar", "joints": ["L4-L5", "L5-S1"], "sides": "bilateral", "guidance": "fluoroscopy"},
        "patient": {"pain_duration_months": 7, "predominantly_axial": True, "untreated_radiculopathy": False},
        "history": [{"date": "2025-11-03", "technique": "medial_branch_block", "purpose": "diagnostic", "region": "lumbar", "joints": ["L4-L5", "L5-S1"], "sides": "bilateral", "relief_percent": 85}],
    }  # fmt: skip
    assert found == client.post("/api/v1/cover", json=case).json()
    page = client.post("/cover", data=fields, headers=HTML)
    assert page.headers["cache-control"] == "no-store"
    text = page.text
    assert text.index("What is missing from the record") < text.index('id="criteria"')
    assert 'name="patient.pain_duration_months" value="7"' in text
    assert "Print this page" in text


def test_that_there_was_nothing_earlier_is_not_that_nothing_is_said(client: TestClient) -> None:
    asked = {
        "payer": "medicare",
        "state": "OH",
        "technique": "radiofrequency_ablation",
        "region": "lumbar",
        "date_of_service": "2026-03-02",
    }
    silent = client.post("/cover", data=asked, headers={"accept": "application/json"}).json()
    none = client.post("/cover", data={**asked, "earlier": "none"}, headers={"accept": "application/json"}).json()
    assert "history" in silent["missing"]
    assert "history" not in none["missing"]
    assert none["sequence"] == "initial"


def test_a_wrong_answer_is_shown_at_its_field_without_being_lost(client: TestClient) -> None:
    fields = {
        "payer": "medicare",
        "technique": "radiofrequency_ablation",
        "region": "lumbar",
        "patient.pain_duration_months": "long",
        "event.0.date": "2027-01-01",
        "event.0.technique": "medial_branch_block",
        "event.0.region": "lumbar",
    }
    response = client.post("/cover", data=fields, headers=HTML)
    assert response.status_code == 422
    assert 'href="#x-patient.pain_duration_months"' in response.text
    assert 'aria-invalid="true"' in response.text
    assert 'value="long"' in response.text
    assert 'id="e-event.0.date"' in response.text


def test_room_for_further_earlier_procedures(client: TestClient) -> None:
    fields = {
        "payer": "medicare",
        "technique": "radiofrequency_ablation",
        "region": "lumbar",
        "event.1.date": "2025-01-01",
    }
    assert "Earlier procedure 3" not in client.get(COVER).text
    more = client.post("/cover", data={**fields, "add": "1"}, headers=HTML).text
    assert "Earlier procedure 3" in more
    assert 'value="2025-01-01"' in more


def test_the_blank_checklist_holds_what_the_command_prints(client: TestClient) -> None:
    text = client.get(COVER.replace("/cover", "/cover/checklist"), headers=HTML).text
    assert "Checklist for" in text
    assert "The record must show each of the following." in text
    document = client.get(COVER.replace("/cover", "/cover/checklist"), headers={"accept": "application/json"}).json()
    assert document["kind"] == "checklist"


def test_changes_are_filtered_by_code_and_payer(client: TestClient) -> None:
    every = client.get("/changes?from=2024-01-01&to=2024-12-31", headers=HTML).text
    some = client.get("/changes?from=2024-01-01&to=2024-12-31&payer=cgs&code=64495", headers=HTML).text
    count = re.compile(r'<p class="as-of">(\d+) change')
    assert int(count.findall(some)[0]) < int(count.findall(every)[0])
    assert "16 August 2024" in some


def test_static_files_are_kept_while_they_are_the_same(client: TestClient) -> None:
    marks = Marks(client.get("/").text)
    for target in (str(one["href"]) for one in marks.all("link") if one.get("rel") in ("stylesheet", "icon")):
        response = client.get(target)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert "immutable" not in client.get(target.partition("?")[0]).headers["cache-control"]


def test_the_shelf_makes_once_and_puts_the_oldest_away() -> None:
    import asyncio

    made: list[str] = []

    async def run() -> None:
        shelf = Shelf(3_000)

        def make(name: str) -> bytes:
            made.append(name)
            return name.encode() * 500

        await asyncio.gather(*(shelf.get("a", lambda: make("a")) for _ in range(20)))
        assert made == ["a"]
        for name in "bcdefgh":
            await shelf.get(name, lambda name=name: make(name))  # type: ignore[misc]
        assert shelf.bytes <= 3_000
        assert len(shelf) < 8
        await shelf.get("a", lambda: make("a"))
        assert made.count("a") == 2
        large = await shelf.get("large", lambda: b"x" * 10_000)
        assert large.body == b"x" * 10_000
        with pytest.raises(ValueError, match="no answer"):
            await shelf.get("wrong", lambda: (_ for _ in ()).throw(ValueError("no answer")))

    asyncio.run(run())
