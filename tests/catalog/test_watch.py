"""`facetwise data watch` against a server on loopback that has the shape of the CMS Coverage API, with invented texts."""

from __future__ import annotations

import argparse
import html
import json
import stat
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from facetwise.catalog import pull_commands
from facetwise.catalog.coverage_api import CoverageApi, Listed, day_of, whole_number
from facetwise.catalog.policy_text import PolicyText, TextStore, difference, plain_text
from facetwise.catalog.transport import Patience
from facetwise.catalog.watch import Compared, Watched, compare, fetch_texts, judge, routes, watched
from facetwise.catalog.watch_releases import Entry, Release, compare_releases
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Policy
from facetwise.problems import FacetwiseError

DAY = date(2026, 11, 23)
QUICK = Patience(timeout=5, tries=3, sleep=lambda _: None)


def american(day: date | None) -> str:
    return day.strftime("%m/%d/%Y") if day else "N/A"


def listed(one: Watched, version: int | None = None, effective: date | None = None, **more: Any) -> dict[str, Any]:
    """A row of a report, spelled as CMS spells it; the version and date are ours unless given."""
    mine = whole_number(one.version)
    page = "article.aspx?articleid" if one.route.parameter == "articleid" else "lcd.aspx?lcdid"
    return {
        "document_id": int(one.number),
        "document_version": version if version is not None else mine,
        "document_display_id": one.identifier,
        "document_type": one.route.policy_type,
        "note": "",
        "title": "Facet joint interventions",
        "contractor_name_type": f"{one.payer}\\r\\n(MAC - Part A)",
        "updated_on": american(date(2026, 11, 5)),
        "updated_on_sort": "20261105",
        "effective_date": american(effective or one.since),
        "retirement_date": "N/A",
        "url": f"https://www.cms.gov/medicare-coverage-database/view/{page}={one.number}",
        **more,
    }


class Cms:
    """The API: two reports paged by next_token, documents by id and version behind a token, which it hands out."""

    def __init__(self) -> None:
        self.reports: dict[str, list[dict[str, Any]]] = {}
        self.documents: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.codes: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self.page = 5
        self.good_for = 10_000  # questions a token serves before it expires
        self.tokens = 0
        self.used = 0
        self.seen: list[str] = []
        self.broken = 0
        self.override: tuple[int, bytes] | None = None
        self.onward = ""
        self.authorized: list[str] = []
        cms = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                secret = self.headers.get("Authorization") or ""
                cms.authorized.append(secret)
                if cms.onward and self.path.startswith("/v1/data/") and "from=1" not in self.path:
                    self.send_response(302)
                    self.send_header("Location", f"{cms.onward}{self.path.removeprefix('/v1')}&from=1")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                code, answer = cms.answer(self.path, secret)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def asked(self, what: str) -> list[str]:
        return [one for one in self.seen if what in one]

    def answer(self, target: str, authorization: str) -> tuple[int, Any]:
        self.seen.append(target)
        if self.override:
            return self.override
        if self.broken:
            self.broken -= 1
            return 503, {"message": "try again"}
        parts = urlsplit(target)
        path = parts.path.removeprefix("/v1")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if path == "/metadata/license-agreement/":
            self.tokens += 1
            self.used = 0
            return 200, {"meta": {}, "data": [{"Token": f"token-{self.tokens}", "License": "terms"}]}
        if path in self.reports:
            begin = int(query.get("next_token", "page-0").removeprefix("page-"))
            rows = self.reports[path]
            after = begin + self.page
            more = f"page-{after}" if after < len(rows) else ""
            return 200, {"meta": {"status": {"id": 200}, "next_token": more}, "data": rows[begin:after]}
        self.used += 1
        if authorization != f"Bearer token-{self.tokens}" or self.used > self.good_for:
            return 401, {"message": "Unauthorized"}
        if path in ("/data/lcd/", "/data/article/"):
            number = query.get("lcdid") or query.get("articleid") or ""
            document = self.documents.get((path, number, query["ver"]))
            return (200, {"meta": {}, "data": [document]}) if document else (200, {"meta": {}, "data": []})
        if path.startswith("/data/article/"):
            return 200, {"meta": {}, "data": self.codes.get((path, query["articleid"], query["ver"]), [])}
        return 404, {"message": "Not Found"}


@pytest.fixture
def cms(knowledge: Knowledge) -> Iterator[Cms]:
    """All of our policies as the knowledge has them, but for two that moved on and one that is not there."""
    one = Cms()
    ours = watched(knowledge.store, DAY)
    changed = scene(ours)
    for policy in ours:
        one.reports.setdefault(policy.route.report, [{"document_display_id": "L00001", "document_version": 3}])
        if policy.retired or policy == changed["missing"]:
            continue
        row = listed(policy)
        if policy in (changed["lcd"], changed["article"]):
            row = listed(policy, (whole_number(policy.version) or 0) + 1, date(2026, 11, 12))
        one.reports[policy.route.report].append(row)
    yield one
    one.stop()


def scene(ours: list[Watched]) -> dict[str, Watched]:
    """Which policies play which part: an LCD and an article that are behind, one missing, one current."""
    lcds = [one for one in ours if one.route.policy_type == "lcd" and not one.retired]
    articles = [one for one in ours if one.route.policy_type == "article" and not one.retired]
    return {"lcd": lcds[0], "article": articles[0], "missing": lcds[1], "current": lcds[2]}


@pytest.fixture
def parts(knowledge: Knowledge) -> dict[str, Watched]:
    return scene(watched(knowledge.store, DAY))


def api(cms: Cms, accept: bool = True, **more: Any) -> CoverageApi:
    return CoverageApi(cms.url, lambda: accept, patience=QUICK, per_second=1e6, **more)


def by_part(found: list[Compared], parts: dict[str, Watched]) -> dict[str, Compared]:
    return {name: next(one for one in found if one.ours == ours) for name, ours in parts.items()}


# -- which versions


def test_every_medicare_lcd_and_article_of_the_knowledge_is_watched(knowledge: Knowledge) -> None:
    store = knowledge.store
    wanted = {
        thing.id
        for thing in store.things.values()
        if thing.id.startswith("payers/medicare/")
        and any(isinstance(dated.value, Policy) and dated.value.type in ("lcd", "article") for dated in thing.history)
    }
    assert {one.thing for one in watched(store, DAY)} == wanted
    assert len(wanted) >= 16
    assert all(one.number.isdigit() and len(one.number) == 5 for one in watched(store, DAY))


def test_two_behind_one_current_one_missing(knowledge: Knowledge, cms: Cms, parts: dict[str, Watched]) -> None:
    found = compare(knowledge.store, DAY, api(cms))
    states = {name: one.state for name, one in by_part(found, parts).items()}
    assert states == {"lcd": "behind", "article": "behind", "missing": "missing", "current": "current"}
    assert {one.state for one in found if one.ours.retired} == {"retired"}
    assert sum(one.state == "behind" for one in found) == 2
    lcd = by_part(found, parts)["lcd"]
    assert lcd.theirs is not None
    assert lcd.theirs.version == (whole_number(parts["lcd"].version) or 0) + 1
    assert (lcd.theirs.effective, lcd.theirs.updated) == (date(2026, 11, 12), date(2026, 11, 5))
    assert lcd.theirs.contractor == f"{parts['lcd'].payer} (MAC - Part A)"


def test_only_the_public_reports_are_asked_page_after_page(knowledge: Knowledge, cms: Cms) -> None:
    compare(knowledge.store, DAY, api(cms))
    assert {urlsplit(one).path for one in cms.seen} == {f"/v1{route.report}" for route in routes(knowledge.store)}
    assert cms.asked("next_token=page-5")
    assert len(cms.seen) == sum(-(-len(rows) // cms.page) for rows in cms.reports.values())
    assert cms.tokens == 0


def test_the_facts_that_cite_a_policy(knowledge: Knowledge, cms: Cms, parts: dict[str, Watched]) -> None:
    store = knowledge.store
    for one in compare(store, DAY, api(cms)):
        for fact in one.facts:
            dated = next(dated for dated in store.things[fact.thing].history if dated.holds_on(DAY))
            values = [dated.value, *(side.value for side in dated.sides)]
            named = any(one.ours.slug in getattr(value, "policies", ()) for value in values)
            cited = any(one.ours.identifier in store.sources[key].identifier for key in dated.all_sources())
            assert named or cited
            assert (fact.by_name, bool(fact.sources)) == (named, cited)
        assert one.ours.thing not in {fact.thing for fact in one.facts}
        by_name = [fact.by_name for fact in one.facts]
        assert by_name == sorted(by_name, reverse=True)
    lcd = by_part(compare(store, DAY, api(cms)), parts)["lcd"]
    assert lcd.facts or lcd.tables


def row(version: int | None, effective: str = "", retirement: str = "", note: str = "") -> Listed:
    return Listed("L1", version, day_of(effective), day_of(retirement), None, note, "", "", "")


@pytest.mark.parametrize(
    ("version", "retired", "rows", "state", "remark"),
    [
        ("26", False, [row(27, "2026-11-01")], "behind", ""),
        ("27", False, [row(27, "2026-01-01")], "current", ""),
        ("27 (R8)", False, [row(27, "2026-01-01")], "current", ""),
        ("27", False, [row(27, "2026-02-01")], "current", "the dates differ"),
        ("28", False, [row(27, "2026-01-01")], "ahead", ""),
        (
            "27",
            False,
            [row(27, "2026-01-01"), row(28, "2026-12-24")],
            "current",
            "version 28 takes effect on 2026-12-24",
        ),
        ("27", False, [row(28, "2026-12-24")], "coming", "version 28 takes effect on 2026-12-24"),
        ("26", False, [row(28, "2026-12-24"), row(27, "2026-11-23")], "behind", "version 28 takes effect"),
        ("27", False, [row(27, "2026-01-01", "2026-11-22")], "retired_there", "2026-11-22"),
        ("27", False, [row(27, "2026-01-01", "2026-11-23")], "current", ""),
        ("27", False, [row(27, "2026-01-01", note="Retired")], "retired_there", ""),
        ("27", True, [row(27, "2026-01-01", "2026-04-15")], "retired", ""),
        ("27", True, [], "retired", "not listed"),
        ("27", True, [row(28, "2026-05-01")], "in_force_there", ""),
        ("27", False, [], "missing", "may be retired"),
        ("", False, [row(27, "2026-11-01")], "behind", "judged by the dates"),
        ("", False, [row(27, "2026-01-01")], "current", "judged by the dates"),
        ("27", False, [row(None, "2026-11-01")], "behind", "judged by the dates"),
        ("27", False, [row(None)], "not_established", ""),
        ("", False, [row(27, "2025-01-01")], "not_established", ""),
    ],
)
def test_states(knowledge: Knowledge, version: str, retired: bool, rows: list[Listed], state: str, remark: str) -> None:
    ours = Watched("t", "l1", "L1", "p", version, date(2026, 1, 1), retired, routes(knowledge.store)[0])
    found, _, said = judge(ours, rows, DAY)
    assert found == state
    assert remark in said


# -- lenient, and saying so


def test_other_spellings_and_missing_fields(knowledge: Knowledge, cms: Cms, parts: dict[str, Watched]) -> None:
    lcd = parts["lcd"]
    path = lcd.route.report
    cms.reports[path] = [{"LcdId": int(lcd.number), "lcdVersion": "99", "EffectiveDate": "20261112"}]
    asking = api(cms)
    found = by_part(compare(knowledge.store, DAY, asking), parts)["lcd"]
    assert found.theirs is not None
    assert (found.state, found.theirs.version, found.theirs.effective) == ("behind", 99, date(2026, 11, 12))
    said = asking.missing.lines()
    assert any(
        line.startswith("the report of lcds: retirement was not found (looked for retirement_date") for line in said
    )
    assert any(line.startswith("the report of lcds: identifier was not found") for line in said)
    assert not any("lcds: version" in line for line in said)


def test_an_answer_without_rows_is_said_to_be_one(knowledge: Knowledge, cms: Cms) -> None:
    cms.override = (200, b'{"meta": {}, "documents": []}')
    asking = api(cms)
    assert {one.state for one in compare(knowledge.store, DAY, asking)} == {"missing", "retired"}
    assert any(
        "the list of rows was not found (looked for data; there is documents, meta)" in one
        for one in asking.missing.lines()
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"<html>maintenance</html>"), "a web page came"),
        ((200, b"17"), "a bare value came"),
        ((404, b"{}"), "nothing at this address"),
        ((403, b"{}"), "refuses it"),
        ((503, b"{}"), "given up after 3 tries"),
        ((200, b'{"meta": {"next_token": "same"}, "data": []}'), "a page that it has already given"),
    ],
)
def test_bad_answers(knowledge: Knowledge, cms: Cms, answer: tuple[int, bytes], words: str) -> None:
    cms.override = answer
    with pytest.raises(FacetwiseError, match=words):
        compare(knowledge.store, DAY, api(cms))


def test_a_passing_failure_is_asked_again(knowledge: Knowledge, cms: Cms, parts: dict[str, Watched]) -> None:
    cms.broken = 2
    assert by_part(compare(knowledge.store, DAY, api(cms)), parts)["lcd"].state == "behind"


def test_the_rate_is_kept(cms: Cms) -> None:
    now, pauses = [100.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    slow = CoverageApi(
        cms.url, lambda: True, patience=Patience(timeout=5, sleep=sleep), per_second=4, clock=lambda: now[0]
    )
    path, rows = next(iter(cms.reports.items()))
    assert len(list(slow.report(path, "report"))) == len(rows)
    assert pauses == [0.25] * (-(-len(rows) // cms.page) - 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("09/17/2026", date(2026, 9, 17)),
        ("9/7/2026 12:00:00 AM", date(2026, 9, 7)),
        ("2026-09-17T00:00:00", date(2026, 9, 17)),
        ("20260917", date(2026, 9, 17)),
        ("N/A", None),
        ("", None),
        (None, None),
        ("13/45/2026", None),
    ],
)
def test_dates(text: str | None, day: date | None) -> None:
    assert day_of(text) == day


# -- texts


OLD = "<p>Relief of at least 50&nbsp;% for six months.</p><ul><li>Pain &lt; 5</li><li>Two sessions a year.</li></ul>"
NEW = OLD.replace("50", "60").replace("Two sessions", "One session")


@pytest.fixture
def documents(cms: Cms, parts: dict[str, Watched]) -> None:
    """Texts of the policies that moved on: their version before and after, escaped once and twice."""
    for name, field in (("lcd", "indication"), ("article", "description")):
        one = parts[name]
        before = whole_number(one.version) or 0
        for version, text, times in ((before, OLD, 1), (before + 1, NEW, 2)):
            for _ in range(times):
                text = html.escape(text)
            cms.documents[one.route.document, one.number, str(version)] = {
                f"{one.route.policy_type}_version": version,
                field: text,
                "associated_info": "The same in both.",
            }
            if name == "article":
                rows = [
                    {"hcpc_code_id": code, "hcpc_code_group": 1} for code in ("00001", "00002")[: 1 + version - before]
                ]
                cms.codes[one.route.document + "hcpc-code", one.number, str(version)] = rows


def test_what_changed(
    knowledge: Knowledge, cms: Cms, parts: dict[str, Watched], documents: None, tmp_path: Path
) -> None:
    asking = api(cms)
    found = compare(knowledge.store, DAY, asking)
    texts = fetch_texts(found, asking, TextStore(tmp_path / "watch"))
    assert texts.license == "accepted"
    differences = {one.ours.identifier: changed for one, _, _, changed in texts.differences}
    assert set(differences) == {parts["lcd"].identifier, parts["article"].identifier}
    lcd, version = parts["lcd"].identifier, whole_number(parts["lcd"].version) or 0
    assert differences[lcd].splitlines() == [
        f"--- {lcd} version {version}: indication",
        f"+++ {lcd} version {version + 1}: indication",
        "@@ -1,3 +1,3 @@",
        "-Relief of at least 50 % for six months.",
        "+Relief of at least 60 % for six months.",
        " - Pain < 5",
        "-- Two sessions a year.",
        "+- One session a year.",
    ]
    assert (
        "codes: hcpc-code\n@@ -1 +1,2 @@\n 00001 (group 1)\n+00002 (group 1)"
        in differences[parts["article"].identifier]
    )


def test_texts_are_kept_for_the_user_alone_and_not_asked_twice(
    knowledge: Knowledge, cms: Cms, parts: dict[str, Watched], documents: None, tmp_path: Path
) -> None:
    kept = TextStore(tmp_path / "watch")
    for first in (True, False):
        asking = api(cms)
        texts = fetch_texts(compare(knowledge.store, DAY, asking), asking, kept)
        assert len(texts.kept) == (4 if first else 0)
        assert len(texts.differences) == 2
    for path in (tmp_path / "watch").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "watch").stat().st_mode) == 0o700
    lcd = parts["lcd"]
    assert len(cms.asked(f"/data/lcd/?lcdid={lcd.number}&ver={lcd.version}")) == 1
    assert "token" not in "".join(path.read_text() for path in (tmp_path / "watch").rglob("*.json"))


def test_without_the_licence_no_document_is_asked_for(
    knowledge: Knowledge, cms: Cms, documents: None, tmp_path: Path
) -> None:
    asking = api(cms, accept=False)
    texts = fetch_texts(compare(knowledge.store, DAY, asking), asking, TextStore(tmp_path / "watch"))
    assert (texts.license, texts.kept, texts.differences) == ("not_accepted", [], [])
    assert cms.tokens == 0
    assert not cms.asked("/data/")
    assert list(tmp_path.iterdir()) == []


def test_an_expired_token_is_asked_for_anew(knowledge: Knowledge, cms: Cms, documents: None, tmp_path: Path) -> None:
    cms.good_for = 2
    asking = api(cms)
    texts = fetch_texts(compare(knowledge.store, DAY, asking), asking, TextStore(tmp_path / "watch"))
    assert len(texts.differences) == 2
    assert cms.tokens > 2


def test_a_token_is_asked_for_anew_before_its_hour_is_over(
    knowledge: Knowledge, cms: Cms, parts: dict[str, Watched], documents: None
) -> None:
    now = [0.0]
    asking = api(cms, clock=lambda: now[0])
    path, query = parts["lcd"].route.document, {"lcdid": parts["lcd"].number, "ver": parts["lcd"].version}
    for minutes, tokens in ((0, 1), (50, 1), (56, 2), (100, 2), (120, 3)):
        now[0] = minutes * 60.0
        assert len(list(asking.rows(path, query, "document", licensed=True))) == 1
        assert cms.tokens == tokens


def test_a_refused_token_ends_it(knowledge: Knowledge, cms: Cms, parts: dict[str, Watched]) -> None:
    cms.good_for = 0
    with pytest.raises(FacetwiseError, match="401"):
        list(api(cms).rows(parts["lcd"].route.document, {"lcdid": "1", "ver": "1"}, "document", licensed=True))
    assert cms.tokens == 2


def test_a_token_goes_along_within_its_own_host_only(cms: Cms, parts: dict[str, Watched], documents: None) -> None:
    path, query = parts["lcd"].route.document, {"lcdid": parts["lcd"].number, "ver": parts["lcd"].version}
    cms.onward = cms.url
    assert len(list(api(cms).rows(path, query, "document", licensed=True))) == 1
    assert cms.authorized[-2:] == ["Bearer token-1", "Bearer token-1"]
    other = Cms()
    try:
        cms.onward = other.url
        with pytest.raises(FacetwiseError, match="401"):
            list(api(cms).rows(path, query, "document", licensed=True))
        assert other.authorized
        assert set(other.authorized) == {""}
    finally:
        other.stop()


def test_another_version_than_asked_for_is_not_kept(
    knowledge: Knowledge, cms: Cms, parts: dict[str, Watched], documents: None, tmp_path: Path
) -> None:
    lcd = parts["lcd"]
    cms.documents[lcd.route.document, lcd.number, lcd.version]["lcd_version"] = 1
    asking = api(cms)
    texts = fetch_texts(compare(knowledge.store, DAY, asking), asking, TextStore(tmp_path))
    assert any("the API gives version 1 instead" in note for note in texts.notes)
    assert not (tmp_path / lcd.slug / f"{lcd.version}.json").exists()
    assert any(f"{lcd.identifier}: no text of our version" in note for note in texts.notes)


def test_a_text_kept_earlier_stands_in_for_ours(
    knowledge: Knowledge, cms: Cms, parts: dict[str, Watched], documents: None, tmp_path: Path
) -> None:
    lcd = parts["lcd"]
    del cms.documents[lcd.route.document, lcd.number, lcd.version]
    TextStore(tmp_path).keep(PolicyText(lcd.identifier, 2, {"indication": "Old words."}))
    asking = api(cms)
    texts = fetch_texts(compare(knowledge.store, DAY, asking), asking, TextStore(tmp_path))
    assert [older.version for one, older, _, _ in texts.differences if one.ours == lcd] == [2]


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_escaped_any_number_of_times(times: int) -> None:
    text = "<div><p>At least&nbsp;80 % relief; <b>pain</b> &lt; 5 &amp; no<br/>fever. Then:</p><p></p><table><tr><td>a</td><td>b</td></tr></table></div>"
    for _ in range(times):
        text = html.escape(text)
    assert plain_text(text).splitlines() == ["At least 80 % relief; pain < 5 & no", "fever.", "Then:", "| a | b"]


def test_text_without_any_markup() -> None:
    assert plain_text("Pain < 5 and age > 3 &amp; more") == "Pain < 5 and age > 3 & more"
    assert plain_text("") == ""


def test_a_section_that_moved_shows_on_both_sides() -> None:
    older = PolicyText("L1", 1, {"doc_reqs": "Keep the record."})
    newer = PolicyText("L1", 2, {"associated_info": "Keep the record."})
    changed = difference(older, newer)
    assert "-Keep the record." in changed
    assert "+Keep the record." in changed
    assert difference(older, older) == ""


def test_a_path_is_never_the_api_s_to_choose(tmp_path: Path) -> None:
    path = TextStore(tmp_path / "watch").keep(PolicyText("../../etc/L1", 1, {}))
    assert path.is_relative_to(tmp_path / "watch")
    assert ".." not in path.parts


# -- releases


def standing(found: list[Release], kind: str) -> Release:
    return next(one for one in found if one.kind == kind)


def test_releases_of_the_knowledge(knowledge: Knowledge) -> None:
    found = compare_releases(knowledge.store, DAY, [])
    fees = standing(found, "physician_fee")
    assert fees.newest is not None
    assert (fees.newest.release, fees.knowledge, fees.catalog) == ("RVU26D", "behind", "none")
    assert set(fees.knowledge_holds) == {"RVU26C"}
    assert standing(found, "ptp_practitioner").knowledge == "behind"
    assert standing(found, "mue_practitioner").knowledge == "in_part"
    assert standing(found, "gpci").knowledge == "current"
    assert standing(found, "asc_aa").knowledge == "behind"
    assert standing(found, "add_on").knowledge == "current"
    assert standing(found, "add_on").due
    assert standing(compare_releases(knowledge.store, date(2026, 9, 1), []), "physician_fee").knowledge == "current"
    assert not fees.due
    assert standing(compare_releases(knowledge.store, date(2027, 2, 1), []), "physician_fee").due


def test_releases_of_the_catalog(knowledge: Knowledge) -> None:
    manifest = [
        Entry("physician_fee", "any name", date(2026, 10, 1), date(2026, 12, 31)),
        Entry("physician_fee", "older", date(2025, 10, 1), date(2025, 12, 31)),
        Entry("ptp_practitioner", "v32.2", date(2026, 7, 1), date(2026, 9, 30)),
        Entry("ptp_hospital", "2026Q4", date(1996, 1, 1), date(2026, 12, 31)),
        Entry("taxonomy", "25.1", date(2025, 7, 1), None),
    ]
    found = compare_releases(knowledge.store, DAY, manifest)
    assert standing(found, "physician_fee").catalog == "current"
    assert standing(found, "ptp_practitioner").catalog == "behind"
    assert standing(found, "ptp_hospital").catalog == "current"
    assert standing(found, "taxonomy").catalog == "not_established"


# -- the command


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    pull_commands.add_arguments(parser.add_subparsers())
    options = parser.parse_args(["watch", "--date", DAY.isoformat(), *arguments])
    returned: int = options.run(options)
    return returned


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knowledge: Knowledge) -> Path:
    """A home in which nothing but the cache of the knowledge may appear."""
    monkeypatch.setenv("FACETWISE_HOME", str(tmp_path))
    monkeypatch.setattr("facetwise.catalog.watch_releases.in_catalog", list)
    monkeypatch.setattr("facetwise.catalog.coverage_api.PER_SECOND", 1e6)
    monkeypatch.setattr("facetwise.catalog.pull_commands._store", lambda _: knowledge.store)
    return tmp_path


def test_nothing_is_written_without_texts(
    cms: Cms, documents: None, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--api", cms.url, "--accept-license") == 0
    assert list(own_home.iterdir()) == []
    assert cms.tokens == 0
    assert capsys.readouterr().err == ""


def test_the_table(
    cms: Cms, parts: dict[str, Watched], documents: None, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--api", cms.url, "--texts", "--accept-license") == 0
    out = capsys.readouterr().out
    lcd = parts["lcd"]
    line = next(line for line in out.splitlines() if line.startswith(f"{lcd.identifier} "))
    assert line.split()[:7] == [
        lcd.identifier, lcd.payer, lcd.version, str(lcd.since), str(int(lcd.version) + 1), "2026-11-12", "BEHIND",
    ]  # fmt: skip
    assert "2 behind" in out
    assert "facts that cite it:" in out
    assert "+Relief of at least 60 % for six months." in out
    assert "RVU26D 2026-10-01" in out
    assert str(own_home / "watch") in out
    assert "the documents of lcds: cms_cov_policy was not found" in out


def test_json(
    cms: Cms, parts: dict[str, Watched], documents: None, own_home: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("--api", cms.url, "--texts", "--format", "json") == 0
    out, err = capsysbinary.readouterr()
    answer = json.loads(out)
    assert answer["texts"]["license"] == "not_accepted"
    assert b"licence terms are not accepted" in err
    assert cms.tokens == 0
    assert list(own_home.iterdir()) == []
    states = {one["identifier"]: one["state"] for one in answer["policies"]}
    assert states[parts["lcd"].identifier] == "behind"
    assert states[parts["missing"].identifier] == "missing"
    one = next(one for one in answer["policies"] if one["state"] == "behind")
    assert one["theirs"]["effective"] == "2026-11-12"
    assert set(one["facts"][0]) == {"thing", "by_name", "sources"}
    assert {one["kind"] for one in answer["releases"]} >= {"physician_fee", "ptp_hospital"}


@pytest.mark.parametrize(
    ("typed", "accepted"), [("yes\n", True), ("y\n", True), ("no\n", False), ("\n", False), ("", False)]
)
def test_the_question(
    typed: str, accepted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert pull_commands.ask_license() is False  # standard error is no terminal here
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    assert pull_commands.ask_license() is accepted
    assert "American Medical Association" in shown.getvalue()
