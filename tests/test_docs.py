"""README and docs: their examples run and say what is printed here, their files are valid, their links lead somewhere."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from facetwise.cli import main, parser
from facetwise.knowledge.kinds import DATED, DATELESS

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A statement is written as an item of a file of statements.
KINDS = {*DATED, *DATELESS, "statements"} - {"statement"}


def blocks(page: Path, language: str) -> list[str]:
    return [content for name, content in _BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def examples() -> Iterator[Any]:
    """Each command of a console block with what is to follow it."""
    for page in PAGES:
        for number, block in enumerate(blocks(page, "console"), start=1):
            for place, part in enumerate(re.split(r"^\$ ", block, flags=re.MULTILINE)[1:], start=1):
                command, _, expected = part.partition("\n")
                yield pytest.param(command, expected, id=f"{page.name}-{number}-{place}")


def matches(expected: str, found: str) -> bool:
    """Whether the text is what was expected: a line `...` stands for any lines, `...` within a line for any text."""
    pattern = ""
    for line in expected.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
    return re.fullmatch(pattern, found.strip("\n") + "\n") is not None


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\nc\n", "a\nc\n", True),
        ("a\n...\nc\n", "a\nb\nb\nc\n", True),
        ("a ... c\n", "a b c\n", True),
        ("a ... c\n", "a b\nc\n", False),
        ("...\nb ...\n...\n", "b x\n", True),
        ("a.c\n", "abc\n", False),
    ],
)
def test_how_what_is_printed_is_compared(expected: str, found: str, same: bool) -> None:
    assert matches(expected, found) is same


@pytest.mark.parametrize(("command", "expected"), list(examples()))
def test_an_example_prints_what_the_page_says(command: str, expected: str) -> None:
    fed = None
    for part in command.split(" | "):
        name, *arguments = shlex.split(part)
        assert name == "facetwise", "only our own command is run"
        made = subprocess.run(
            [sys.executable, "-m", "facetwise", *arguments],
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
            input=fed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        fed = made.stdout
    assert matches(expected, made.stdout), made.stdout[:3000]


def commands() -> dict[str, argparse.ArgumentParser]:
    choices = next(one.choices for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(choices)


def test_every_command_and_option_is_described() -> None:
    pages = [page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "docs"]
    for name, command in commands().items():
        parts = [text for text in pages if re.search(rf"`facetwise {name}\b", text)]
        assert parts, f"no page of docs/ says what `facetwise {name}` does"
        said = "\n".join(parts)
        for action in command._actions:
            for option in action.option_strings:
                if option not in ("-h", "--help"):
                    assert re.search(rf"(?<![\w-]){option}\b", said), f"facetwise {name} {option} is not described"
            for choice in action.choices or ():
                assert f"`{choice}`" in said or f" {choice}`" in said or choice in ("table", "text"), (name, choice)


def test_every_yaml_block_is_yaml() -> None:
    found = [block for page in PAGES for block in blocks(page, "yaml")]
    assert len(found) >= 10
    for block in found:
        assert isinstance(yaml.load(block, Loader=yaml.BaseLoader), dict), block


def laid_out(page: Path, root: Path) -> list[Path]:
    """Write the blocks of a page that begin with the name of a file, below `root`; return the directories."""
    tops = []
    for block in blocks(page, "yaml"):
        if named := re.match(r"# (([^/\s]+)/\S+)\n", block):
            path = root / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block, encoding="utf-8")
            tops.append(root / named[2])
    return list(dict.fromkeys(tops))


def test_the_overlay_of_the_docs_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (overlay,) = laid_out(ROOT / "docs" / "overlays.md", tmp_path)
    assert overlay.name == "our-contracts"
    assert main(["lint", "--knowledge", str(overlay)]) == 0, capsys.readouterr().out
    capsys.readouterr()
    asked = ["brief", "64495", "--as-of", "2026-03-02", "--knowledge", str(overlay)]
    assert main(asked) == 0
    made = capsys.readouterr().out
    assert "with your own knowledge: our-contracts" in made
    assert "Valley Health Plan" in made
    assert "paid as the second level" in made
    assert "(yours: our-contracts)" in made
    assert "(the AMA's wording, if you hold a licence)" in made
    assert main([*asked, "--payer", "valley-health"]) == 0
    only = capsys.readouterr().out
    assert "✓ **covered** paid as the second level" in only
    assert main(["brief", "64495", "--as-of", "2026-03-02"]) == 0
    assert "Valley Health Plan" not in capsys.readouterr().out


def test_the_facts_of_the_page_on_knowledge_are_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each whole fact that the page shows stands where it says, or in a place of its own over ours."""
    page = ROOT / "docs" / "knowledge.md"
    facts = [block for block in blocks(page, "yaml") if block.split(":")[0] in KINDS]
    assert len(facts) >= 3
    for number, block in enumerate(facts):
        kind, name = block.split("\n")[0].split(": ")
        overlay = tmp_path / f"facts-{number}"
        folder = overlay / ("payers/medicare/facet" if kind == "criterion" else "changes-of-the-docs")
        text = block
        if "extends:" in block:
            folder = overlay / "payers/medicare/novitas/facet"
        elif kind == "criterion":
            text = block.replace("\n", f"\nreplaces: payers/medicare/facet/{name}\n", 1)
        folder.mkdir(parents=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        assert main(["lint", "--knowledge", str(overlay)]) == 0, capsys.readouterr().out


def test_every_kind_is_described() -> None:
    text = (ROOT / "docs" / "knowledge.md").read_text(encoding="utf-8")
    assert {kind for kind in KINDS if f"| `{kind}` |" not in text} == set()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: str(page.name))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
