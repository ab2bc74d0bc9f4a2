"""The pages of the edits: whole, cited, listed, and as the edits really behave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edits.check_cases import ENDING, Case, read_cases
from edits.oracle import World, check
from facetwise.coding import code as coding
from facetwise.coding import read_encounters
from facetwise.edits import Checker, registry
from facetwise.knowledge import Knowledge

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "edits"
PAGES = {page.stem: page for page in sorted(FOLDER.glob("*.md")) if page.stem != "index"}
# The names of the contract. A name is never reused for another meaning, and none is dropped.
CONTRACT = {
    "add-on-without-primary", "ptp-pair", "mue-exceeded", "units-not-one", "bilateral-reporting", "laterality-missing",
    "third-level-not-covered", "level-limit", "region-limit", "session-limit", "repeat-too-soon",
    "diagnostic-modifier-missing", "imaging-included", "ultrasound-guided", "image-guidance-missing",
    "diagnosis-not-supporting", "sedation-not-covered", "prior-authorization-missing", "technique-not-covered",
    "code-not-effective", "joint-incomplete", "destruction-includes-injection", "fact-not-established",
}  # fmt: skip
SECTIONS = [
    "What it looks at", "Why", "Severity", "Adjustment code to expect", "How to mend it", "What must not be done",
    "A claim that fails", "A claim that passes", "What it cannot see", "Changes",
]  # fmt: skip
SEVERITIES = {"reject", "deny", "review", "info"}
_HEAD = re.compile(r"^## (.+)\n", re.MULTILINE)


def sections(name: str) -> dict[str, str]:
    """The text of a page by the heads of its sections; '' is what stands before the first."""
    parts = _HEAD.split(PAGES[name].read_text(encoding="utf-8"))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def severities(name: str) -> set[str]:
    """The severities that a page names in its table."""
    return set(re.findall(r"^\| `(\w+)` \|", sections(name)["Severity"], re.MULTILINE))


def test_every_edit_has_a_page_and_every_page_an_edit() -> None:
    assert set(PAGES) == CONTRACT | set(registry.edits())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(name: str) -> None:
    found = sections(name)
    wanted = [head.replace("A claim", "An encounter") if name == "joint-incomplete" else head for head in SECTIONS]
    assert list(found) == ["", *wanted]
    assert all(text.strip() for text in found.values())
    assert found[""].startswith(f"# {name}\n\n")
    assert severities(name)
    assert severities(name) <= SEVERITIES
    changes = found["Changes"].split("\n\n[")[0].strip().splitlines()
    assert all(re.match(r"- 20\d\d-\d\d-\d\d: |  ", line) for line in changes)
    dates = [line[2:12] for line in changes if line.startswith("- ")]
    assert dates == sorted(dates, reverse=True), "the newest change comes first"


@pytest.mark.parametrize("page", [*PAGES.values(), FOLDER / "index.md"], ids=lambda page: page.stem)
def test_what_a_page_cites_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    defined = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.MULTILINE))
    cited = set(re.findall(r"(?<!\])\[([a-z0-9][a-z0-9.-]*)\](?![(:])", prose))
    assert cited == set(defined), "each source that is cited is defined below, and the other way round"
    for key, path in defined.items():
        assert (page.parent / path).resolve() == ROOT / "knowledge" / "sources" / f"{key}.yaml"
        assert (page.parent / path).exists(), f"no source {key}"
    for target in re.findall(r"\]\(([^)\s#]+)", prose):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_index_lists_each_page_once() -> None:
    listed = re.findall(
        r"^- \[([\w-]+)\]\(([\w-]+)\.md\): \S", (FOLDER / "index.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert all(name == target for name, target in listed)
    assert sorted(name for name, _ in listed) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_adjustment_code_is_that_of_the_knowledge(name: str, knowledge: Knowledge) -> None:
    (record,) = [record for _, record in knowledge.store.tables["edits/expected-adjustments"].records(None, edit=name)]
    said = sections(name)["Adjustment code to expect"]
    if record["carc"] is None:
        assert said.startswith("\nNot established")
        assert not re.search(r"\bCO-\w", said)
    else:
        assert said.startswith(f"\n{record['group']}-{record['carc']}")
        assert all(remark in said for remark in record["rarc"] or ())


def blocks(name: str, head: str) -> list[dict[str, Any]]:
    """The YAML blocks of a section."""
    found = re.findall(r"^```yaml\n(.*?)^```$", sections(name)[head], re.MULTILINE | re.DOTALL)
    return [yaml.load(block, Loader=yaml.BaseLoader) for block in found]


EXAMPLES = [
    (name, head)
    for name in PAGES
    for head in ("A claim that fails", "A claim that passes")
    if name != "joint-incomplete"
]


def examples(name: str, head: str, folder: Path) -> list[Case]:
    """The examples of a page as cases of `check`, whose notation they are written in."""
    cases = [{"name": f"{name} {number}", "source": [], **block} for number, block in enumerate(blocks(name, head), 1)]
    (folder / f"page{ENDING}").write_text(yaml.safe_dump({"cases": cases}), encoding="utf-8")
    return read_cases(folder)


@pytest.fixture(scope="module")
def world(knowledge: Knowledge) -> World:
    return World(knowledge)


@pytest.mark.parametrize(("name", "head"), EXAMPLES, ids=[f"{name}-{head.split()[-1]}" for name, head in EXAMPLES])
def test_an_example_gives_what_the_page_says(name: str, head: str, world: World, tmp_path: Path) -> None:
    cases = examples(name, head, tmp_path)
    assert cases
    for case in cases:
        found = case.shown([one.key() for one in check(world, case.lines, case.history)])
        assert not case.faults(found), found
        assert case.only, "an example says all that is found"
        bearing = [finding.split()[1] for finding in found if finding.split()[0] == name]
        if head == "A claim that passes":
            assert not found, "an example that passes gives no finding at all"
        else:
            assert bearing
            assert set(bearing) <= severities(name)


@pytest.fixture(scope="module")
def checker(knowledge: Knowledge) -> Iterator[Checker]:
    with Checker(knowledge) as opened:
        yield opened


@pytest.mark.parametrize("name", [name for name in PAGES if name != "joint-incomplete"])
def test_what_a_finding_of_the_page_says(name: str, checker: Checker, knowledge: Knowledge, tmp_path: Path) -> None:
    """The engine finds what the page says, and its words name both lines, the code to expect and what to do."""
    adjustments = knowledge.store.tables["edits/expected-adjustments"]
    for case in examples(name, "A claim that fails", tmp_path):
        found = checker.check(case.lines, case.history)
        assert sorted({one.edit for one in found}) == sorted({finding.split()[0] for finding in case.findings})
        for one in found:
            ((_, record),) = adjustments.records(None, edit=one.edit)
            assert one.carc == (record["carc"] or "")
            assert one.message[0] != " "
            assert one.message.rstrip(")").endswith(".")
            assert one.fix.endswith(".")
            assert set(one.citations) <= set(knowledge.store.sources)
            if one.other_claim_line_number is not None:
                assert f"line {one.other_claim_line_number}" in one.message


def test_a_page_names_the_severities_that_its_cases_show(world: World) -> None:
    shown: dict[str, set[str]] = {name: set() for name in PAGES}
    for case in read_cases():
        for one in check(world, case.lines, case.history):
            shown[one.edit].add(one.severity)
    del shown["joint-incomplete"]  # a matter of nerves: no claim shows it
    assert shown == {name: severities(name) for name in shown}


@pytest.mark.parametrize("head", ["An encounter that fails", "An encounter that passes"])
def test_the_encounters_of_the_page_on_joints(head: str, knowledge: Knowledge) -> None:
    (block,) = blocks("joint-incomplete", head)
    (encounter,) = read_encounters(yaml.safe_dump(block), "page", knowledge)
    edits = [(finding.edit, finding.severity) for finding in coding(encounter, knowledge).result.findings]
    assert (("joint-incomplete", "review") in edits) is (head == "An encounter that fails")


def test_the_cases_of_the_page_on_knowledge_hold(world: World, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "knowledge.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(cases:\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / f"knowledge{ENDING}").write_text(block, encoding="utf-8")
    cases = read_cases(tmp_path)
    assert cases
    for case in cases:
        found = case.shown([one.key() for one in check(world, case.lines, case.history)])
        assert not case.faults(found), found


def test_each_table_of_the_edits_is_described(knowledge: Knowledge) -> None:
    page = (ROOT / "docs" / "knowledge.md").read_text(encoding="utf-8")
    tables = [name.removeprefix("edits/") for name in knowledge.store.tables if name.startswith("edits/")]
    assert [name for name in tables if f"| `{name}` |" not in page] == []
