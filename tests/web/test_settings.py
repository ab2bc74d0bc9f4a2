"""Where the server may listen, whom it answers, and what it says when it would be open to others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from facetwise.cli import main
from facetwise.problems import FacetwiseError
from facetwise.web import access
from facetwise.web.settings import is_loopback, settings

TOKEN = "a-token-of-the-tests-with-enough-characters"


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n", encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def test_by_itself_it_listens_on_loopback_and_asks_for_no_token() -> None:
    chosen = settings("127.0.0.1", 8000, environment={})
    assert (chosen.host, chosen.token) == ("127.0.0.1", "")
    assert chosen.hosts == {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "facetwise.example"])
def test_elsewhere_it_wants_a_token_and_says_how_and_what_of_tls(host: str) -> None:
    with pytest.raises(FacetwiseError, match="without a token") as caught:
        settings(host, 8000, names=("facetwise.example",), environment={})
    said = str(caught.value)
    for part in ("--token-file", "FACETWISE_TOKEN", "token_urlsafe", "TLS"):
        assert part in said


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.0.0.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_is_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_the_token_comes_from_a_file_or_the_environment(token_file: str) -> None:
    assert settings("192.0.2.7", 1, token_file, environment={}).token == TOKEN
    assert settings("192.0.2.7", 1, environment={"FACETWISE_TOKEN": TOKEN}).token == TOKEN
    assert settings("192.0.2.7", 1, token_file, environment={}).hosts >= {"192.0.2.7"}


def test_every_address_wants_the_name_by_which_it_is_called(token_file: str) -> None:
    with pytest.raises(FacetwiseError, match="--allow-host NAME"):
        settings("0.0.0.0", 1, token_file, environment={})
    chosen = settings("0.0.0.0", 1, token_file, ("Facets.Example",), environment={})
    assert "facets.example" in chosen.hosts
    assert "0.0.0.0" not in chosen.hosts


@pytest.mark.parametrize("text", ["short", "x" * 20, "with a blank but long enough to be one", "é" * 40, ""])
def test_a_weak_token_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(FacetwiseError, match="this is no token") as caught:
        settings("127.0.0.1", 1, str(path), environment={})
    assert not text or text not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_a_token_that_others_may_read_is_refused(token_file: str) -> None:
    Path(token_file).chmod(0o644)
    with pytest.raises(FacetwiseError, match=r"others may read the token.*chmod 600"):
        settings("127.0.0.1", 1, token_file, environment={})


def test_a_token_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match="cannot be read"):
        settings("127.0.0.1", 1, str(tmp_path / "none"), environment={})


def test_a_session_ends_and_cannot_be_made_without_the_token() -> None:
    cookie = access.session(TOKEN, now=1000)
    assert access.may_ask(TOKEN, "", cookie, now=1001)
    assert not access.may_ask(TOKEN, "", cookie, now=1000 + access.SESSION_SECONDS)
    assert not access.may_ask(TOKEN, "", access.session("another token", now=1000), now=1001)
    ends, _, signature = cookie.partition(".")
    assert not access.may_ask(TOKEN, "", f"{int(ends) + 1}.{signature}", now=1001)
    for wrong in ("", ".", "x.y", signature, "9" * 30 + ".é"):
        assert not access.may_ask(TOKEN, "", wrong, now=1001)


def test_a_bearer_is_compared_whole() -> None:
    assert access.may_ask(TOKEN, f"Bearer {TOKEN}", "")
    assert access.may_ask(TOKEN, f"bearer {TOKEN}", "")
    for wrong in (f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ", "Bearer é"):
        assert not access.may_ask(TOKEN, wrong, "")


def test_without_the_extra_it_names_it() -> None:
    code = "import sys; sys.modules['starlette'] = None; from facetwise.cli import main; sys.exit(main(['serve']))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 2
    assert "pip install 'facetwise[web]'" in made.stderr
    assert "Traceback" not in made.stderr


def test_a_port_in_use_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot be used" in capsys.readouterr().err
    assert main(["serve", "--port", "70000"]) == 2
    assert main(["serve", "--host", "0.0.0.0"]) == 2
    assert "without a token" in capsys.readouterr().err


def test_the_command_line_imports_nothing_of_the_server() -> None:
    code = "import sys; from facetwise.cli import main; main(['lint', '--format', 'json']); print('starlette' in sys.modules, 'uvicorn' in sys.modules, file=sys.stderr)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert made.stderr.strip().endswith("False False")
