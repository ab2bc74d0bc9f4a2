"""`facetwise data pull`: resuming, checking, refusing; against a server on loopback that misbehaves on purpose."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from facetwise.catalog import pull_commands
from facetwise.catalog.download import download
from facetwise.catalog.progress import Progress
from facetwise.catalog.pull import NotOfferedError, choose, kinds, offers, pull
from facetwise.catalog.transport import Patience, check_address
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

BYTES = b"PK\x03\x04" + bytes(range(256)) * 4096
SHA = hashlib.sha256(BYTES).hexdigest()
QUICK = Patience(timeout=5, tries=3, sleep=lambda _: None)

Behave = Callable[["Server", BaseHTTPRequestHandler], None]


class Server:
    """Serves one file. `break_after` bytes the connection ends, as often as `breaks` says; `seen` holds the requests."""

    def __init__(self) -> None:
        self.content = BYTES
        self.etag = '"one"'
        self.modified = ""
        self.content_type = "application/zip"
        self.breaks = 0
        self.break_after = 300_000
        self.ranges = True
        self.declared = 0
        self.behave: Behave | None = None
        self.seen: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.seen.append({key.lower(): value for key, value in self.headers.items()})
                (server.behave or serve)(server, self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/files/rvu.zip"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def serve(server: Server, request: BaseHTTPRequestHandler) -> None:
    """Answer as a good server does, ranges and conditions included, but for the breaks that it is told to make."""
    if server.etag and request.headers.get("If-None-Match") == server.etag:
        request.send_response(304)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    start = 0
    asked = request.headers.get("Range")
    if asked and server.ranges and request.headers.get("If-Range") in (server.etag, server.modified):
        start = int(asked.removeprefix("bytes=").rstrip("-"))
    body = server.content[start:]
    if start and not body:
        request.send_response(416)
        request.send_header("Content-Range", f"bytes */{len(server.content)}")
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
    for name, value in (
        ("ETag", server.etag),
        ("Last-Modified", server.modified),
        ("Content-Type", server.content_type),
    ):
        if value:
            request.send_header(name, value)
    request.send_header("Content-Length", str(server.declared or len(body)))
    request.end_headers()
    if server.breaks:
        server.breaks -= 1
        request.wfile.write(body[: server.break_after])
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True
        return
    request.wfile.write(body)
    request.close_connection = bool(server.declared)


def status(code: int, body: bytes = b"no", **headers: str) -> Behave:
    """Answer with this status."""

    def answer(_: Server, request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


def left(folder: Path) -> list[str]:
    """Return the names of all files below a directory."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# -- fetching


def test_the_bytes_and_a_record_of_them(server: Server, tmp_path: Path) -> None:
    done = download(server.url, tmp_path, patience=QUICK)
    assert done.path.read_bytes() == BYTES
    assert (done.sha256, done.size, done.fresh) == (SHA, len(BYTES), True)
    assert left(tmp_path) == ["fetched.json", "rvu.zip"]
    record = json.loads((done.path.parent / "fetched.json").read_text())
    assert (record["sha256"], record["url"], record["size"]) == (SHA, server.url, len(BYTES))


def test_a_broken_connection_is_resumed_to_the_same_bytes(server: Server, tmp_path: Path) -> None:
    server.breaks = 3
    done = download(server.url, tmp_path, patience=QUICK)
    assert done.path.read_bytes() == BYTES
    ranges = [one.get("range") for one in server.seen]
    assert ranges == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert all(one["if-range"] == '"one"' for one in server.seen[1:])


def test_the_next_call_goes_on_where_the_last_one_gave_up(server: Server, tmp_path: Path) -> None:
    server.breaks = 99
    once = Patience(timeout=5, tries=1)
    server.break_after = 400_000
    with pytest.raises(
        FacetwiseError, match=r"cut short: 400,000 of 1,048,580 bytes.*400,000 of 1,048,580 bytes are kept"
    ):
        download(server.url, tmp_path, patience=once)
    assert left(tmp_path) == ["part", "part.json"]
    server.breaks = 0
    assert download(server.url, tmp_path, patience=once).path.read_bytes() == BYTES
    assert server.seen[-1]["range"] == "bytes=400000-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    server.breaks = 1
    with pytest.raises(FacetwiseError):
        download(server.url, tmp_path, patience=Patience(timeout=5, tries=1))
    server.content, server.etag = BYTES[::-1], '"two"'
    server.content = b"PK" + server.content
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == server.content


@pytest.mark.parametrize(("etag", "modified"), [("", ""), ('W/"weak"', "")])
def test_without_a_strong_validator_nothing_is_glued_together(
    server: Server, tmp_path: Path, etag: str, modified: str
) -> None:
    server.etag, server.modified, server.breaks = etag, modified, 1
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES
    assert all("range" not in one for one in server.seen)


def test_the_date_serves_where_there_is_no_tag(server: Server, tmp_path: Path) -> None:
    server.etag, server.modified, server.breaks = "", "Tue, 30 Jun 2026 12:00:00 GMT", 1
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES
    assert server.seen[1]["if-range"] == server.modified


def test_a_server_without_ranges_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    server.ranges, server.breaks = False, 1
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES


def test_a_part_that_is_whole_already(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / hashlib.sha256(server.url.encode()).hexdigest()[:12]
    folder.mkdir()
    (folder / "part").write_bytes(BYTES)
    (folder / "part.json").write_text(json.dumps({"etag": server.etag}))
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES


def test_a_wrong_range_is_not_taken(server: Server, tmp_path: Path) -> None:
    server.breaks = 1
    with pytest.raises(FacetwiseError):
        download(server.url, tmp_path, patience=Patience(timeout=5, tries=1))

    def elsewhere(one: Server, request: BaseHTTPRequestHandler) -> None:
        if "Range" not in request.headers:
            serve(one, request)
            return
        status(206, b"abc", Content_Range=f"bytes 5-7/{len(BYTES)}")(one, request)

    server.behave = elsewhere
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES


def test_twice_is_one_download(server: Server, tmp_path: Path) -> None:
    first = download(server.url, tmp_path, patience=QUICK)
    again = download(server.url, tmp_path, patience=QUICK)
    assert (again.fresh, again.path, again.sha256) == (False, first.path, SHA)
    assert server.seen[-1]["if-none-match"] == '"one"'
    download(server.url, tmp_path, patience=QUICK, sha256=SHA)
    assert len(server.seen) == 2  # a known checksum that is here needs no question


def test_a_replaced_file_is_said_to_be_one(server: Server, tmp_path: Path) -> None:
    download(server.url, tmp_path, patience=QUICK)
    server.content, server.etag = b"PK other", '"two"'
    done = download(server.url, tmp_path, patience=QUICK)
    assert (done.fresh, done.was, done.path.read_bytes()) == (True, SHA, b"PK other")


def test_a_kept_file_that_somebody_changed_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    download(server.url, tmp_path, patience=QUICK).path.write_bytes(BYTES[::-1])
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES


# -- refusing


def test_another_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match=f"sha256 is {SHA}.*expected {'0' * 64}"):
        download(server.url, tmp_path, patience=QUICK, sha256="0" * 64)
    assert left(tmp_path) == []


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/zip", "text/csv"])
def test_a_web_page_is_refused(server: Server, tmp_path: Path, content_type: str) -> None:
    server.content = b"\xef\xbb\xbf\n<!DOCTYPE html><html><head><title>License\n agreement</title></head></html>"
    server.content_type = content_type
    with pytest.raises(FacetwiseError, match=r"web page came instead of a file \('License agreement'\)"):
        download(server.url, tmp_path, patience=QUICK)
    assert left(tmp_path) == []


def test_a_zip_that_calls_itself_a_page_is_taken(server: Server, tmp_path: Path) -> None:
    server.content_type = "text/html"
    assert download(server.url, tmp_path, patience=QUICK).path.read_bytes() == BYTES


def test_a_file_shorter_than_announced(server: Server, tmp_path: Path) -> None:
    server.declared, server.etag = len(BYTES) + 10, ""
    with pytest.raises(FacetwiseError, match=r"cut short: 1,048,580 of 1,048,590 bytes came; given up after 3 tries"):
        download(server.url, tmp_path, patience=QUICK)
    assert "rvu.zip" not in left(tmp_path)


def test_an_empty_file(server: Server, tmp_path: Path) -> None:
    server.content = b""
    with pytest.raises(FacetwiseError, match="empty file"):
        download(server.url, tmp_path, patience=QUICK)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("code", "words"), [(403, "refuses it"), (404, "nothing at this address"), (410, "nothing")])
def test_final_answers_are_not_asked_again(server: Server, tmp_path: Path, code: int, words: str) -> None:
    server.behave = status(code)
    with pytest.raises(FacetwiseError, match=words):
        download(server.url, tmp_path, patience=QUICK)
    assert len(server.seen) == 1
    assert left(tmp_path) == []


def test_passing_answers_are_asked_again_within_bounds(server: Server, tmp_path: Path) -> None:
    pauses: list[float] = []
    patience = Patience(timeout=5, tries=4, sleep=pauses.append)
    server.behave = status(503)
    with pytest.raises(FacetwiseError, match=r"answers 503 .*given up after 4 tries"):
        download(server.url, tmp_path, patience=patience)
    assert pauses == [0.5, 1.0, 2.0]
    server.behave = status(429, Retry_After="7")
    with pytest.raises(FacetwiseError):
        download(server.url, tmp_path, patience=patience)
    assert pauses[3:] == [7, 7, 7]
    server.behave = status(429, Retry_After="86400")
    with pytest.raises(FacetwiseError):
        download(server.url, tmp_path, patience=patience)
    assert pauses[6:] == [30, 30, 30]


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FacetwiseError, match=r"127\.0\.0\.1 refuses the connection; given up after 3 tries"):
        download(f"http://127.0.0.1:{port}/x.zip", tmp_path, patience=QUICK)
    assert left(tmp_path) == []


def test_an_unknown_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FacetwiseError, match=r"host nowhere\.invalid is not known or the network is down"):
        download("https://nowhere.invalid/x.zip", tmp_path, patience=QUICK)


def test_a_silent_server(server: Server, tmp_path: Path) -> None:
    wait = threading.Event()

    def silent(_: Server, request: BaseHTTPRequestHandler) -> None:
        wait.wait(2)
        request.close_connection = True

    server.behave = silent
    with pytest.raises(FacetwiseError, match=r"did not answer within 0\.1 seconds"):
        download(server.url, tmp_path, patience=Patience(timeout=0.1, tries=2, sleep=lambda _: None))
    wait.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://www.example.org/x.zip",
        "ftp://example.org/x.zip",
        "file:///etc/passwd",
        "https://user:secret@example.org/x.zip",
        "https:///x.zip",
        "https://exa mple.org/x.zip",
        "x.zip",
        "https://[broken/x.zip",
    ],
)
def test_addresses_that_are_not_asked(url: str) -> None:
    with pytest.raises(FacetwiseError, match="https://") as caught:
        check_address(url)
    assert "secret" not in str(caught.value)


def test_a_redirect_away_from_https_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.behave = status(302, Location="http://www.example.org/x.zip")
    with pytest.raises(FacetwiseError, match=r"sends on to http://www\.example\.org"):
        download(server.url, tmp_path, patience=QUICK)


def test_two_at_once(server: Server, tmp_path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(one: Server, request: BaseHTTPRequestHandler) -> None:
        inside.set()
        go_on.wait(5)
        serve(one, request)

    server.behave = slow
    done: list[Any] = []
    first = threading.Thread(target=lambda: done.append(download(server.url, tmp_path, patience=QUICK)))
    first.start()
    assert inside.wait(5)
    with pytest.raises(FacetwiseError, match="another process is fetching this file"):
        download(server.url, tmp_path, patience=QUICK)
    go_on.set()
    first.join(5)
    assert done[0].path.read_bytes() == BYTES


# -- the bar


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_after_two_seconds_on_a_terminal_only() -> None:
    now = [0.0]
    terminal, file = _Terminal(), io.StringIO()
    for stream in (terminal, file):
        now[0] = 0.0
        bar = Progress("rvu.zip", stream, lambda: now[0])
        for second in range(5):
            now[0] = float(second)
            bar.at(second * 10_000_000, 100_000_000)
            assert (stream.getvalue() != "") == (stream is terminal and second >= 2)
        shown = stream.getvalue()
        bar.end()
    assert file.getvalue() == ""
    assert terminal.getvalue().endswith("\r")
    assert shown == ""
    assert "40%  40.0 MB of 100.0 MB  10.0 MB/s  0:06 left" in terminal.getvalue()


# -- which file


class _Loader:
    def __init__(self) -> None:
        self.paths: list[Path] = []

    def __call__(self, paths: Sequence[Path]) -> list[Any]:
        self.paths += paths
        return [SimpleNamespace(kind="physician_fee", release="RVU26C", rows=19356)]


def test_every_address_and_page_of_the_knowledge_is_one_that_a_source_names(knowledge: Knowledge) -> None:
    store = knowledge.store
    named = {one for source in store.sources.values() for one in (source.url, source.canonical_url)}
    found = list(offers(store))
    assert found
    for offer in found:
        assert {offer.url, offer.page} - {""} <= named
        if offer.url:
            assert offer.url in {store.sources[key].canonical_url for key in offer.sources}
            check_address(offer.url)


def test_the_date_picks_the_release(knowledge: Knowledge) -> None:
    offer = choose(knowledge.store, "physician_fee", date(2026, 8, 1))
    assert (offer.release, offer.url) == ("RVU26C", "https://www.cms.gov/files/zip/rvu26c.zip")
    assert choose(knowledge.store, "opps_addendum_b", date(2026, 12, 31)).url.endswith("Addendum-B.zip")


@pytest.mark.parametrize(
    ("kind", "day", "words"),
    [
        (
            "physician_fee",
            date(2025, 11, 1),
            r"2025-11-01 \(RVU25D\).*by hand from https://www\.cms\.gov/.*pfs-relative",
        ),
        ("physician_fee", date(2024, 11, 1), r"2024-11-01; .*by hand from https://www\.cms\.gov"),
        ("ptp_practitioner", date(2026, 11, 1), r"\(v32\.3\).*national-correct-coding-initiative-ncci-edits"),
        ("zip_locality", date(2025, 11, 1), r"ZIP5_OCT2025.*no page is established either"),
    ],
)
def test_where_only_a_page_is_known(knowledge: Knowledge, kind: str, day: date, words: str) -> None:
    with pytest.raises(NotOfferedError, match=words) as caught:
        choose(knowledge.store, kind, day)
    assert caught.value.exit_code == 3
    assert "facetwise data load" in str(caught.value)


def test_an_unknown_kind(knowledge: Knowledge, tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match="did you mean 'physician_fee'") as caught:
        pull(knowledge.store, "physician_fees", date(2026, 8, 1), home=tmp_path, load=_Loader())
    assert caught.value.exit_code == 2
    assert "mue_dme" in kinds(knowledge.store)


def test_the_file_goes_to_the_catalog(knowledge: Knowledge, server: Server, tmp_path: Path) -> None:
    loader = _Loader()
    pulled = pull(
        knowledge.store,
        "physician_fee",
        date(2026, 8, 1),
        url=server.url,
        sha256=SHA,
        home=tmp_path,
        load=loader,
        patience=QUICK,
    )
    assert [path.read_bytes() for path in loader.paths] == [BYTES]
    assert pulled.file.path.is_relative_to(tmp_path / "downloads")
    assert pulled.loaded[0].rows == 19356


def test_a_file_that_is_refused_never_reaches_the_catalog(knowledge: Knowledge, server: Server, tmp_path: Path) -> None:
    loader = _Loader()
    for sha256, words in (("0" * 64, "nothing is kept"), ("abc", "64 hexadecimal digits")):
        with pytest.raises(FacetwiseError, match=words):
            pull(
                knowledge.store,
                "physician_fee",
                date(2026, 8, 1),
                url=server.url,
                sha256=sha256,
                home=tmp_path,
                load=loader,
            )
    assert loader.paths == []
    assert left(tmp_path) == []


# -- the command


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    pull_commands.add_arguments(parser.add_subparsers())
    return parser.parse_args(arguments)


def test_the_command(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("facetwise.catalog.pull._catalog_loader", lambda *told: _Loader())
    monkeypatch.setattr("facetwise.catalog.pull.home_directory", lambda: tmp_path)
    options = parse("pull", "physician_fee", "--url", server.url, "--format", "json")
    assert options.run(options) == 0
    out, err = capsysbinary.readouterr()
    answer = json.loads(out)
    assert (answer["sha256"], answer["bytes"], answer["fetched"]) == (SHA, len(BYTES), True)
    assert answer["loaded"] == [{"kind": "physician_fee", "release": "RVU26C", "rows": 19356}]
    assert err == b""
    options = parse("pull", "gpci", "--url", server.url)
    assert options.run(options) == 0
    out, _ = capsysbinary.readouterr()
    assert b"was here already" in out
    assert b"physician_fee RVU26C, 19,356 rows" in out
    assert b"Nothing in this file is gpci." in out


def test_a_date_that_is_none(knowledge: Knowledge) -> None:
    options = parse("pull", "physician_fee", "--date", "2026-13-01")
    with pytest.raises(FacetwiseError, match="is not a date"):
        options.run(options)
