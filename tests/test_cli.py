"""The command line: what it returns, what it prints where, and what it says of a wrong call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from facetwise import __version__
from facetwise.cli import main
from facetwise.knowledge import Knowledge
from facetwise.knowledge.kinds import Code
from small_tree import base_files, read_case, write, write_tree

Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command line in this process; return its exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, bytes, str]:
        try:
            code = main([str(one) for one in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return call


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The smallest tree in place of the knowledge as shipped."""
    root = write_tree(tmp_path / "knowledge")
    monkeypatch.setattr(import_module("facetwise.knowledge.load"), "base_directory", lambda: root)
    monkeypatch.setenv("FACETWISE_HOME", str(tmp_path / "home"))
    return root


@pytest.fixture(scope="module")
def code(knowledge: Knowledge) -> str:
    """A code that has a full briefing."""
    day = knowledge.as_of(knowledge.store.horizon.until)
    return next(
        thing.slug
        for thing, dated in day.of_kind("code")
        if isinstance(dated.value, Code) and dated.value.briefing == "full"
    )


@pytest.fixture(scope="module")
def day(knowledge: Knowledge) -> str:
    return knowledge.store.horizon.until.isoformat()


def _overlay(tmp_path: Path, text: str, name: str = "payers/program/relief.yaml") -> Path:
    return write(tmp_path / "mine", {name: text})


# -- help and wrong calls


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], *([name, "--help"] for name in ("brief", "changes", "lint"))]
)
def test_help(arguments: list[str], run: Run) -> None:
    returned, out, err = run(*arguments)
    assert returned == 0
    assert out.startswith(b"usage: facetwise")
    assert err == ""


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"facetwise {__version__}\n".encode(), "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["brief"], "the following arguments are required: CODE"),
        (["brief", "10001", "--colour"], "unrecognized arguments: --colour"),
        (["brief", "10001", "--format", "docx"], "invalid choice: 'docx'"),
        (["brief", "10001", "--audience", "everyone"], "invalid choice: 'everyone'"),
        (["changes", "--from", "2024-01-01"], "the following arguments are required: --to"),
        (["changes", "--to", "2024-01-01"], "the following arguments are required: --from"),
        (["changes", "--from", "2024", "--to", "2024-12-31"], "--from '2024' is not a date; expected a date such as"),
        (["changes", "--from", "2024-01-01", "--to", "soon"], "--to 'soon' is not a date; expected a date such as"),
        (
            ["changes", "--from", "2024-01-02", "--to", "2024-01-01"],
            "--to 2024-01-01 lies before --from 2024-01-02; expected a span of dates",
        ),
        (
            ["changes", "10003", "--from", "2024-01-01", "--to", "2024-12-31"],
            "code '10003' is not in the knowledge; expected a code of the knowledge; the nearest are 10002, 10001",
        ),
        (
            ["changes", "--payer", "programm", "--from", "2024-01-01", "--to", "2024-12-31"],
            "payer 'programm' is not known; expected the id of a payer; nearest: program",
        ),
        (["brief", "10001", "--as-of", "2026-02-30"], "--as-of '2026-02-30' is not a date; expected a date such as"),
        (
            ["brief", "10001", "--as-of", "2019-12-31"],
            "2019-12-31 lies outside the knowledge; expected a date from 2020",
        ),
        (["lint", "--format", "yaml"], "invalid choice: 'yaml'"),
        (["lint", "--knowledge", "nowhere-at-all"], "nowhere-at-all: there is no such directory; expected a directory"),
        (["changes", "--knowledge"], "expected one argument"),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_wrong_call_is_told_in_one_line(arguments: list[str], words: str, run: Run) -> None:
    returned, out, err = run(*arguments)
    assert (returned, out) == (2, b"")
    assert err.startswith("facetwise: ")
    assert words in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_call_that_argparse_refuses_points_at_the_help(run: Run) -> None:
    assert "see 'facetwise brief --help'" in run("brief")[2]


@pytest.mark.usefixtures("small")
def test_a_code_that_is_near_to_none(run: Run) -> None:
    assert "the nearest are ." not in run("changes", "ZZZZZ", "--from", "2024-01-01", "--to", "2024-12-31")[2]


# -- brief


def test_an_unknown_code_says_what_is_near_and_how_to_add_it(run: Run, code: str, day: str) -> None:
    unknown = code[:-1] + "X"
    returned, out, err = run("brief", unknown, "--as-of", day)
    assert (returned, out) == (2, b"")
    assert f"code '{unknown}' is not in the knowledge; expected a code of the knowledge; the nearest are " in err
    assert f"the nearest are {code[:3]}" in err
    assert (
        f"to add it, write codes/{unknown}.yaml in a directory of your own and lay it over ours with --knowledge" in err
    )


def test_an_unknown_payer_says_which_are_near(run: Run, code: str, day: str) -> None:
    returned, out, err = run("brief", code, "--as-of", day, "--payer", "medicare-advantag")
    assert (returned, out) == (2, b"")
    assert (
        "payer 'medicare-advantag' is not known; expected the id of a payer of the knowledge; nearest: medicare-adv"
        in err
    )


def test_json_alone_stands_on_standard_output(run: Run, code: str, day: str) -> None:
    returned, out, err = run("brief", code, "--as-of", day, "--format", "json")
    assert (returned, err) == (0, "")
    content = json.loads(out)
    assert (content["code"], content["as_of"]) == (code, day)


def test_the_code_may_be_written_small(run: Run, knowledge: Knowledge, day: str) -> None:
    lettered = next(
        thing.slug
        for thing, _ in knowledge.as_of(knowledge.store.horizon.until).of_kind("code")
        if thing.slug.lower() != thing.slug
    )
    returned, out, _ = run("brief", lettered.lower(), "--as-of", day, "--format", "json")
    assert returned == 0
    assert json.loads(out)["code"] == lettered


def test_without_a_format_it_is_markdown(run: Run, code: str, day: str) -> None:
    returned, out, _ = run("brief", code, "--as-of", day)
    assert returned == 0
    assert out.startswith(b"# ")


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.json", b"{"),
        ("a.JSON", b"{"),
        ("a.html", b"<!doctype html>"),
        ("a.htm", b"<!doctype html>"),
        ("a.md", b"# "),
        ("a.markdown", b"# "),
        ("a.txt", b"# "),
        ("a", b"# "),
    ],
)
def test_the_ending_of_the_file_says_the_format(
    name: str, begins: bytes, run: Run, code: str, day: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    returned, out, err = run("brief", code, "--as-of", day, "-o", path)
    assert (returned, out) == (0, b"")
    assert err.startswith(f"{path}: {code}: ")
    assert path.read_bytes()[:15].lower().startswith(begins)
    assert list(tmp_path.iterdir()) == [path]


def test_a_format_wins_over_the_ending(run: Run, code: str, day: str, tmp_path: Path) -> None:
    assert run("brief", code, "--as-of", day, "-o", tmp_path / "a.md", "--format", "json")[0] == 0
    assert json.loads((tmp_path / "a.md").read_bytes())["code"] == code


def test_the_same_question_has_the_same_answer_byte_for_byte(run: Run, code: str, day: str, tmp_path: Path) -> None:
    arguments = ("brief", code, "--as-of", day, "--format", "json")
    out = run(*arguments)[1]
    run(*arguments, "-o", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == out


def test_a_directory_is_no_file(run: Run, code: str, day: str, tmp_path: Path) -> None:
    returned, out, err = run("brief", code, "--as-of", day, "-o", tmp_path)
    assert (returned, out) == (2, b"")
    assert f"{tmp_path}: this is a directory; expected a file name" in err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_not_there_is_not_written(run: Run, code: str, day: str, tmp_path: Path) -> None:
    returned, out, err = run("brief", code, "--as-of", day, "-o", tmp_path / "none" / "a.md")
    assert (returned, out) == (2, b"")
    assert "it cannot be written: no such file or directory; expected a place where you may write" in err
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_what_was_there(
    run: Run, code: str, day: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.md"
    path.write_text("before", encoding="utf-8")

    def refuse(*arguments: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    returned, _, err = run("brief", code, "--as-of", day, "-o", path)
    assert returned == 2
    assert "it cannot be written: permission denied" in err
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_writes_no_file(run: Run, day: str, tmp_path: Path) -> None:
    assert run("brief", "XXXXX", "--as-of", day, "-o", tmp_path / "a.md")[0] == 2
    assert list(tmp_path.iterdir()) == []


# -- changes


@pytest.mark.usefixtures("small")
def test_changes_over_a_span_include_both_days(run: Run) -> None:
    for start, end, count in (
        ("2023-01-01", "2023-01-01", 1),
        ("2022-12-31", "2023-01-01", 1),
        ("2022-01-01", "2022-12-31", 0),
        ("2023-01-02", "2026-12-31", 0),
    ):
        returned, out, err = run("changes", "--from", start, "--to", end, "--format", "json")
        content = json.loads(out)
        assert (returned, err, len(content["changes"])) == (0, "", count), (start, end)
        assert (content["from"], content["to"]) == (start, end)


@pytest.mark.usefixtures("small")
def test_a_change_says_who_what_and_by_which_source(run: Run) -> None:
    _, out, _ = run("changes", "--from", "2023-01-01", "--to", "2023-12-31", "--format", "json")
    [change] = json.loads(out)["changes"]
    assert change["date"] == "2023"
    assert change["text"] == "The program asks for 50 %."
    assert change["means"] == "Less is asked."
    assert change["sources"] == ["digest"]
    assert change["thing"] == "payers/program/relief"
    _, out, _ = run("changes", "--from", "2023-01-01", "--to", "2023-12-31")
    for words in (b"1 changes from 1 January 2023 to 31 December 2023", b"It means: Less is asked.", b"[digest]"):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["10001"], 1),
        (["--payer", "program"], 1),
        (["--payer", "contractor"], 1),
        (["--payer", "insurer"], 0),
        (["10001", "--payer", "insurer"], 0),
        (["10002"], 0),
    ],
)
@pytest.mark.usefixtures("small")
def test_changes_for_a_code_and_for_payers(arguments: list[str], count: int, run: Run) -> None:
    _, out, _ = run("changes", *arguments, "--from", "2020-01-01", "--to", "2026-12-31", "--format", "json")
    assert len(json.loads(out)["changes"]) == count


@pytest.mark.usefixtures("small")
def test_a_span_without_changes_says_so(run: Run) -> None:
    returned, out, err = run("changes", "--from", "2025-01-01", "--to", "2025-12-31")
    assert (returned, err) == (0, "")
    assert out.startswith(b"Nothing in the knowledge changed from 1 January 2025 to 31 December 2025.")


@pytest.mark.usefixtures("small")
def test_a_change_of_an_overlay_bears_its_name(run: Run, tmp_path: Path) -> None:
    mine = _overlay(
        tmp_path,
        "criterion: relief\nextends: payers/program/relief\nhistory:\n"
        "  - {from: 2025, sources: [letter], change: Our change.}\n",
    )
    _, out, _ = run("changes", "--from", "2025-01-01", "--to", "2025-12-31", "--knowledge", mine)
    assert b"Our change. [mine]" in out


def test_changes_of_the_knowledge_as_shipped(run: Run, code: str) -> None:
    returned, out, err = run("changes", code, "--from", "2020-01-01", "--to", "2026-12-31")
    assert (returned, err) == (0, "")
    assert len(out.splitlines()) > 10


# -- lint


@pytest.mark.usefixtures("small")
def test_lint_without_errors(run: Run) -> None:
    returned, out, err = run("lint")
    assert (returned, err) == (0, "")
    files = sum(name.endswith(".yaml") for name in base_files())
    first, last = out.decode().splitlines()
    assert first.startswith(f"{files} files: ")
    assert first.endswith(" things, 2 tables (4 rows), 2 sources")
    assert last == "0 errors, 0 contradictions between sources"


@pytest.mark.usefixtures("small")
def test_lint_as_json(run: Run) -> None:
    returned, out, _ = run("lint", "--format", "json")
    content = json.loads(out)
    assert returned == 0
    assert (content["errors"], content["contradictions"]) == ([], [])
    assert content["knowledge"].startswith("sha256:")


def test_lint_tells_each_error_with_its_place(run: Run, small: Path) -> None:
    write(small, {"payers/program/x.yaml": "criterion: y\n", "payers/program/z.yaml": "criterion: [\n"})
    returned, out, _ = run("lint")
    lines = out.decode().splitlines()
    assert returned == 2
    assert lines[0].startswith(
        "error: knowledge/payers/program/x.yaml:1: criterion: y; expected 'x', the name of its path"
    )
    assert lines[1].startswith("error: knowledge/payers/program/z.yaml:2: this is not YAML")
    assert lines[-1] == "2 errors, 0 contradictions between sources"


def test_lint_tells_errors_as_json(run: Run, small: Path) -> None:
    write(small, {"payers/program/x.yaml": "criterion: y\n"})
    returned, out, _ = run("lint", "--format", "json")
    [error] = json.loads(out)["errors"]
    assert returned == 2
    assert (error["file"], error["line"], error["found"]) == ("knowledge/payers/program/x.yaml", 1, "criterion: y")


def test_lint_reports_contradictions_and_returns_0(run: Run, small: Path) -> None:
    case = read_case(Path(__file__).parent / "knowledge" / "lint" / "contradictions" / "two-positions.yaml")
    write(small, case["files"])
    returned, out, _ = run("lint")
    assert returned == 0
    assert out.startswith(b"contradiction: knowledge/payers/program/b.yaml:7: program has 10001 as covered")


@pytest.mark.parametrize(
    "command",
    [["changes", "--from", "2020-01-01", "--to", "2026-12-31"], ["brief", "10001", "--as-of", "2024-01-01"], ["lint"]],
    ids=lambda command: str(command[0]),
)
@pytest.mark.usefixtures("small")
def test_a_broken_overlay_answers_nothing(command: list[str], run: Run, tmp_path: Path) -> None:
    mine = _overlay(
        tmp_path, "criterion: relief\nextends: payers/program/releif\nhistory:\n  - {from: 2024, sources: [letter]}\n"
    )
    returned, out, err = run(*command, "--knowledge", mine)
    told = out.decode() if command == ["lint"] else err
    assert returned == 2
    assert (
        "mine/payers/program/relief.yaml:2: extends 'payers/program/releif', which does not exist; expected the path "
        "of a thing, without .yaml; did you mean 'payers/program/relief'."
    ) in told
    assert command == ["lint"] or out == b""


# -- as a process


def _process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "facetwise", *arguments], capture_output=True, check=False, **options)


def test_it_runs_as_a_module() -> None:
    done = _process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"facetwise {__version__}\n".encode(), b"")


def test_a_wrong_call_returns_2_to_the_shell() -> None:
    done = _process("brief")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"facetwise: ")


def test_help_loads_nothing_heavy() -> None:
    done = _process("--help", env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"})
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.decode().splitlines()}
    assert done.returncode == 0
    assert "facetwise" in loaded
    assert not loaded & {"yaml", "jinja2", "msgspec", "vl_convert", "typst"}


def test_a_reader_that_goes_away_is_no_error(code: str, day: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "facetwise", "brief", code, "--as-of", day],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    assert b"Traceback" not in told
    assert process.returncode == 0
