"""Uploads: every format, bombs and broken files, what is deleted and when, what is told and what never is."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

import small_claims
from facetwise.edits import Asked, checked
from facetwise.knowledge import Knowledge, load
from facetwise.web.app import application
from facetwise.web.check import private, uploads, worker
from facetwise.web.check.messages import END, LINE, PIECE, PROBLEM, PROGRESS, VALUES, Job, Upload
from facetwise.web.check.records import harmless
from facetwise.web.settings import TOKEN_VARIABLE, Limits, Settings
from small_tree import write

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CLAIMS, HISTORY = (EXAMPLES / "claims.csv").read_bytes(), (EXAMPLES / "history.csv").read_bytes()
STREAM = "/api/v1/check/stream"
ORIGIN = "http://127.0.0.1"
SECRET = b"MARY-SMITH-1950"
Said = list[tuple[bytes, Any]]


def parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_batches(small_claims.table(rows)), out, **options)
    return out.getvalue()


X12 = small_claims.simple(small_claims.claim("A1", 2), small_claims.claim("A2", 1)).encode()
ROWS = [small_claims.row(claim_id=f"R{number}", hcpcs_code="64494") for number in range(5)]
FILES: dict[str, tuple[bytes, int]] = {
    "csv": (CLAIMS, 7),
    "csv-gz": (gzip.compress(CLAIMS), 7),
    "837": (X12, 3),
    "837-gz": (gzip.compress(X12), 3),
    "parquet": (parquet(ROWS), 5),
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place for temporary files, in which at the end of each test no upload may be left."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    until = time.monotonic() + 5
    while list(place.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(place.iterdir()) == []


def work(knowledge: Knowledge, content: bytes, tmp_path: Path, history: bytes | None = None, **asked: Any) -> Said:
    """What the process of an upload says, without the process."""
    directory = Path(tempfile.mkdtemp(dir=tmp_path))
    sent: dict[str, Any] = {}
    for name, given in (("claims", content), ("history", history)):
        if given is not None:
            (directory / name).write_bytes(given)
            sent[name] = (Upload(str(directory / name), f"my {name}", name),)
    said: Said = []
    job = Job(directory=str(directory), knowledge=knowledge.digest, **sent, **asked)
    worker.work(job, knowledge, lambda tag, one: said.append((tag, json.loads(msgspec.json.encode(one)))))
    assert str(tmp_path) not in json.dumps([one for tag, one in said if tag == PROBLEM])
    return said


def lines_of(said: Said, kind: str) -> list[dict[str, Any]]:
    return [one for tag, one in said if tag == LINE and one["type"] == kind]


@pytest.mark.parametrize("name", FILES)
def test_lines_in_are_lines_checked_and_rejected(knowledge: Knowledge, tmp_path: Path, name: str) -> None:
    content, count = FILES[name]
    said = work(knowledge, content, tmp_path)
    assert said[-1][0] == END
    summary = lines_of(said, "summary")[0]
    rejected = lines_of(said, "rejected")
    assert summary["lines"] + summary["rejected"] == count
    assert summary["rejected"] == sum(one["lines"] for one in rejected)
    findings = lines_of(said, "finding")
    assert sum(one["findings"] for one in summary["counts"]) == len(findings)
    assert {one["file"] for one in (*findings, *rejected)} <= {"my claims"}
    kinds = [one["type"] for tag, one in said if tag in (LINE, PROGRESS)]
    assert kinds == sorted(kinds, key=("progress", "finding", "rejected", "summary").index)


def test_findings_are_those_of_the_command(knowledge: Knowledge, tmp_path: Path) -> None:
    said = work(knowledge, CLAIMS, tmp_path, HISTORY)
    asked = Asked(claims=(EXAMPLES / "claims.csv",), history=(EXAMPLES / "history.csv",))
    with checked(asked, knowledge) as result:
        told = [one.as_record() for one in result.findings()]
    found = lines_of(said, "finding")
    assert [{name: one[name] for name in ("edit", "claim_id", "message", "evidence", "citations", "place")} for one in found] == [
        {name: one[name] for name in ("edit", "claim_id", "message", "evidence", "citations", "place")} for one in told
    ]  # fmt: skip
    assert found[-1]["edit"] == "session-limit"
    assert found[-1]["hcpcs_code"] == "64635"
    assert found[-1]["charge_amount"] == "1900.00"
    document = json.loads("".join(one for tag, one in work(knowledge, CLAIMS, tmp_path, HISTORY, answer="json") if tag == PIECE))  # fmt: skip
    assert [{"type": "finding", **one} for one in document["findings"]] == found
    assert {"claims", "lines", "rejected", "releases", "knowledge"} <= document.keys()


def test_payer_and_state_stand_in(knowledge: Knowledge, tmp_path: Path) -> None:
    bare = CLAIMS.replace(b",Medicare,", b",,").replace(b",OH\n", b",\n")
    unknown = lines_of(work(knowledge, bare, tmp_path), "summary")[0]
    assert unknown["payers_unknown"] == [{"payer": "", "lines": 6}]
    told = work(knowledge, bare, tmp_path, HISTORY, payer="medicare", state="OH")
    whole = work(knowledge, CLAIMS, tmp_path, HISTORY)
    assert [one["message"] for one in lines_of(told, "finding")] == [
        one["message"] for one in lines_of(whole, "finding")
    ]


def problem(said: Said) -> dict[str, Any]:
    assert said[-1][0] == PROBLEM, said[-1]
    found: dict[str, Any] = said[-1][1]
    return found


def test_a_file_that_unpacks_to_too_much_is_refused(knowledge: Knowledge, tmp_path: Path) -> None:
    bomb = gzip.compress(CLAIMS + b"C9,1,professional\n" * 400_000)
    assert len(bomb) < 50_000
    found = problem(work(knowledge, bomb, tmp_path, unpacked_bytes=1_000_000))
    assert found["problems"][0]["found"] == "it unpacks to more than 1,000,000 bytes"
    assert found["problems"][0]["file"] == "claims"
    twice = gzip.compress(bomb)
    assert "no claims" in problem(work(knowledge, twice, tmp_path))["problems"][0]["found"]
    same = [ROWS[0]] * 20_000
    packed = parquet(same, compression="zstd")
    assert len(packed) < 60_000
    assert "20,000" not in json.dumps(problem(work(knowledge, packed, tmp_path, lines=5_000)))
    assert "5,000 lines" in problem(work(knowledge, packed, tmp_path, lines=5_000))["problems"][0]["found"]
    assert "bytes" in problem(work(knowledge, packed, tmp_path, unpacked_bytes=1_000))["problems"][0]["found"]
    history = problem(work(knowledge, CLAIMS, tmp_path, bomb, unpacked_bytes=1_000_000))
    assert history["problems"][0]["file"] == "history"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"hello " + SECRET, "no claims"),
        (b"PAR1" + SECRET, "no Parquet file that can be read"),
        (b"\x1f\x8b" + SECRET, "it cannot be unpacked"),
        (b"PK\x03\x04" + SECRET, "a zip archive or a workbook"),
        (b"<html>" + SECRET, "XML or HTML"),
        (b"claim_id,hcpcs_code," + SECRET + b"\n1,2,3\n", "no column"),
        (CLAIMS.replace(b"hcpcs_code", b"hcpc_code"), "column"),
    ],
    ids=["empty", "text", "parquet", "gzip", "zip", "html", "columns", "slip"],
)
def test_a_file_that_is_none_is_told_with_what_was_found(
    knowledge: Knowledge, tmp_path: Path, content: bytes, said: str
) -> None:
    found = problem(work(knowledge, content, tmp_path))
    assert found["kind"] == "wrong-input"
    assert said in " ".join(one["found"] for one in found["problems"])
    assert len(found["problems"]) == 1
    assert SECRET.decode() not in json.dumps(found)


def test_a_damaged_parquet_is_told_or_read_and_never_repeated(knowledge: Knowledge, tmp_path: Path) -> None:
    rows = [small_claims.row(claim_id=SECRET.decode(), person_id=SECRET.decode(), hcpcs_code="64494")] * 50
    whole = parquet(rows, compression="none")
    for number in range(6):
        at = 4 + number * (len(whole) - 8) // 6
        broken = whole[:at] + bytes(255 - one for one in whole[at : at + 20]) + whole[at + 20 :]
        said = work(knowledge, broken, tmp_path)
        assert said[-1][0] in (END, PROBLEM)
        if said[-1][0] == PROBLEM:
            assert SECRET.decode() not in json.dumps(said[-1][1])
    assert problem(work(knowledge, whole[: len(whole) // 2], tmp_path))["problems"][0]["found"]


def test_a_file_that_ends_early_is_read_as_far_as_it_goes(knowledge: Knowledge, tmp_path: Path) -> None:
    many = small_claims.simple(*(small_claims.claim(f"A{number}", 3) for number in range(800))).encode()
    said = work(knowledge, gzip.compress(many)[:-9], tmp_path)
    assert lines_of(said, "summary")[0]["rejected_records"] >= 1
    assert any("gzip" in one["reason"] for one in lines_of(said, "rejected"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"),
        ("a=1", "a=1"), (7, "7"), (None, ""), (["a", "b"], "a b"), ("12.50", "12.50"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: Any, shown: str) -> None:
    assert harmless(value) == shown


def test_what_a_page_needs(knowledge: Knowledge, tmp_path: Path) -> None:
    said = work(knowledge, CLAIMS, tmp_path, HISTORY, answer="page", severity="deny", order="charge", rows=2)
    values = next(one for tag, one in said if tag == VALUES)
    assert values["total"] == 5
    assert [one["charge_amount"] for one in values["rows"]] == ["1900.00", "500.00"]
    assert values["rejected_records"] == 1
    assert values["answer"].startswith("6 lines of 4 claims checked")


@pytest.fixture(scope="module")
def log() -> Iterator[list[str]]:
    """Everything that is logged while these tests run."""
    held: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            held.append(record.getMessage())

    handler = Keep()
    own = logging.getLogger("facetwise.web")
    level = own.level
    own.setLevel(logging.DEBUG)
    own.addHandler(handler)
    yield held
    own.removeHandler(handler)
    own.setLevel(level)


def test_the_stream_of_the_api(client: TestClient, log: list[str]) -> None:
    hostile = CLAIMS.replace(b"C2,", SECRET + b",")
    response = client.post(STREAM, content=gzip.compress(hostile))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["cache-control"] == "no-store"
    said = [json.loads(line) for line in response.text.splitlines()]
    kinds = [one["type"] for one in said]
    assert kinds == sorted(kinds, key=("progress", "finding", "rejected", "summary").index)
    assert kinds.count("summary") == 1
    assert any(one.get("claim_id") == SECRET.decode() for one in said)
    assert SECRET.decode() not in "".join(log)
    assert any(line.startswith(f"POST {STREAM} 200") for line in log)


def test_a_form_with_a_history_and_an_answer_as_one_document(client: TestClient, log: list[str]) -> None:
    files = {"claims": (f"{SECRET.decode()}.csv", CLAIMS), "history": ("old.csv", HISTORY)}
    response = client.post(STREAM, files=files, data={"state": "oh"}, headers={"accept": "application/json"})
    told = response.json()
    assert response.status_code == 200
    assert told["history_lines"] == 2
    assert "session-limit" in {one["edit"] for one in told["findings"]}
    assert {one["file"] for one in told["findings"]} == {f"{SECRET.decode()}.csv"}
    assert SECRET.decode() not in "".join(log)


def test_a_broken_upload_is_a_problem_with_what_was_found(client: TestClient) -> None:
    response = client.post(STREAM, content=b"hello " + SECRET)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["problems"][0]["file"] == "claims"
    assert SECRET.decode() not in response.text


def test_what_goes_wrong_once_the_stream_has_begun_is_its_last_line(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_PATIENCE", -1.0)
    response = client.post(STREAM, content=b"hello " + SECRET)
    assert response.status_code == 200
    said = [json.loads(line) for line in response.text.splitlines()]
    assert [one["type"] for one in said] == ["progress", "problem"]
    assert said[-1]["problem"]["status"] == 422
    assert said[-1]["problem"]["problems"][0]["file"] == "claims"


@pytest.mark.parametrize(
    ("query", "options", "status"),
    [
        ("?payer=nobody", {}, 422),
        ("?stat=OH", {}, 422),
        ("", {"content-type": "application/x-www-form-urlencoded"}, 415),
        ("", {"content-encoding": "br"}, 415),
        ("", {"accept": "image/png"}, 406),
        ("", {"content-type": "multipart/form-data"}, 400),
        ("", {"content-type": "multipart/form-data; boundary=x"}, 400),
        ("", {"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_what_is_refused_before_anything_is_checked(
    client: TestClient, query: str, options: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "Process", None)  # none is begun
    response = client.post(STREAM + query, content=CLAIMS, headers=options)
    assert response.status_code == status, response.text
    assert "C1" not in response.text


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"other": ("a", b"x")}},
        {"files": {"claims": ("a", CLAIMS)}, "data": {"name": "Mary"}},
        {"files": {"claims": ("a", CLAIMS)}, "data": {"payer": "nobody"}},
        {"files": {"claims": ("a", CLAIMS)}, "data": {"state": "Ohio"}},
        {"files": {"claims": ("a", CLAIMS)}, "data": {"payer": "x" * 300}},
        {"files": {"history": ("a", HISTORY)}},
        {"files": [("claims", ("a", CLAIMS))] * 9},
    ],
)
def test_a_form_of_another_shape_is_refused(client: TestClient, form: dict[str, Any]) -> None:
    response = client.post(STREAM, **form)
    assert response.status_code == 422
    for word in ("Mary", "nobody", "Ohio"):
        assert word not in response.text


def limited(knowledge: Knowledge, **limits: Any) -> TestClient:
    return TestClient(application(knowledge, Settings(limits=Limits(**limits))), base_url=ORIGIN)


def test_too_large_too_long_too_many(knowledge: Knowledge) -> None:
    small = limited(knowledge, upload_bytes=1_000)
    assert small.post(STREAM, content=CLAIMS).status_code == 413

    def parts() -> Iterator[bytes]:
        for start in range(0, len(CLAIMS), 100):
            yield CLAIMS[start : start + 100]

    assert small.post(STREAM, content=parts()).status_code == 413
    late = limited(knowledge, check_seconds=0.01).post(STREAM, content=CLAIMS)
    assert late.status_code == 413
    assert "longer than is allowed" in late.text
    full = limited(knowledge, checks_at_once=0).post(STREAM, content=CLAIMS)
    assert full.status_code == 503
    assert full.headers["retry-after"] == "10"


def test_an_upload_that_breaks_off_is_gone(knowledge: Knowledge, temporary: Path) -> None:
    app = application(knowledge, Settings())
    seen: list[tuple[int, int]] = []

    async def run() -> None:
        async def receive() -> Any:
            if not seen:
                await asyncio.sleep(0.05)
                place = next(temporary.glob(f"{private.PREFIX}*"))
                files = [one for one in place.iterdir() if one.name.startswith("claims")]
                if files:
                    seen.append((stat.S_IMODE(place.stat().st_mode), stat.S_IMODE(files[0].stat().st_mode)))
                return {"type": "http.request", "body": CLAIMS, "more_body": True}
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            raise AssertionError("nobody is there to be answered")

        scope = {
            "type": "http", "method": "POST", "path": STREAM, "raw_path": STREAM.encode(), "query_string": b"", "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"content-type", b"text/csv")],
        }  # fmt: skip
        await app(scope, receive, send)

    asyncio.run(run())
    if os.name == "posix":
        assert seen == [(0o700, 0o600)]


def test_the_process_of_an_upload_goes_with_the_server_and_takes_it_along(home: Path, temporary: Path) -> None:
    place = temporary / f"{private.PREFIX}left"
    place.mkdir()
    (place / "claims-1").write_bytes(CLAIMS)
    process = subprocess.Popen(
        [sys.executable, "-m", "facetwise.web.check.worker", str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()
    assert not place.exists()


def test_the_token_stays_with_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from facetwise.web.check.process import Process

    given: list[dict[str, str]] = []
    real = subprocess.Popen

    def started(command: list[str], **options: Any) -> Any:
        given.append(options["env"])
        assert options["stderr"] == subprocess.DEVNULL
        return real([sys.executable, "-c", ""], **options)

    monkeypatch.setenv(TOKEN_VARIABLE, "a-token-of-the-tests-with-enough-characters")
    monkeypatch.setattr(subprocess, "Popen", started)
    Process(tmp_path, ()).close()
    assert TOKEN_VARIABLE not in given[0]
    assert "PATH" in given[0]


@pytest.mark.skipif(os.name != "posix", reason="locks of files are those of POSIX")
def test_what_a_server_left_is_swept_and_what_one_holds_is_not(temporary: Path) -> None:
    left = temporary / f"{private.PREFIX}left"
    left.mkdir()
    (left / "in-use").touch()
    (left / "claims-1").write_bytes(CLAIMS)
    begun = temporary / f"{private.PREFIX}begun"
    begun.mkdir()
    with private.private_directory() as held:
        assert private.sweep() == 1
        assert held.is_dir()
        assert begun.is_dir()
    assert not left.exists()
    os.utime(begun, (0, 0))
    assert private.sweep() == 1
    broken = private.private_directory()
    place = broken.__enter__()
    (place / "claims-1").write_bytes(b"x")
    error = ValueError("broken")
    assert not broken.__exit__(ValueError, error, None)
    assert not place.exists()


def test_an_upload_is_checked_by_the_knowledge_of_the_server(tmp_path: Path, knowledge: Knowledge) -> None:
    overlay = write(
        tmp_path / "ours",
        {
            "payers/ours/payer.yaml": "payer: ours\ntitle: Ours\nrole: commercial\ngroup: other\nhistory:\n  - {from: 2020-01-01, sources: [ours]}\n",
            "sources/ours.yaml": "source: ours\ntitle: Ours\npublisher: us\nurl: ''\nevidence: primary\n",
        },
    )
    # Too large when unpacked: that is told once the knowledge is known to be the same, before any table is compiled of it.
    settings = Settings(overlays=(str(overlay),), limits=Limits(unpacked_bytes=10))
    client = TestClient(application(load([overlay]), settings), base_url=ORIGIN)
    told = client.post(f"{STREAM}?payer=ours", content=gzip.compress(CLAIMS))
    assert told.status_code == 422
    assert "unpacks to more than 10 bytes" in told.text
    # What lies on the disk is another knowledge than the server's own.
    client = TestClient(application(knowledge, settings), base_url=ORIGIN)
    other = client.post(STREAM, content=CLAIMS)
    assert other.status_code == 500
    assert "start the server anew" in other.text
