"""The briefing as its readers need it: what it says on which day, that nothing is blank, that it is the same everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from facetwise.briefing.build import build
from facetwise.briefing.compare import groups, questions
from facetwise.briefing.sections.overview import hospital_authorization
from facetwise.briefing.subject import codes_of, subject
from facetwise.document.model import Cell, Document, Facts, Line, TableBlock, to_json
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

_CONTRACT = [
    "overview", "billing-code", "clinical-context", "coding", "payers", "documentation", "payment", "usage", "changes",
    "limits-of-the-data", "sources",
]  # fmt: skip
_TODAY = date(2026, 11, 23)


def _authorization(knowledge: Knowledge, code: str, day: str) -> list[Line]:
    lines = hospital_authorization(subject(knowledge.as_of(date.fromisoformat(day)), code))
    return [side for line in lines for side in (line.lines or (line,))]


@pytest.mark.parametrize(
    ("code", "day", "status", "cites"),
    [
        ("64495", "2023-10-01", ["required"], {"noridian-jeb-pa-2023"}),
        ("64495", "2024-07-31", ["required"], {"noridian-jeb-pa-2023"}),
        ("64495", "2024-08-10", ["not_required", "required"], {"cgs-2024-08-15-pa-facet", "opd-pa-list-2026-09-30"}),
        ("64495", "2024-09-01", ["not_required"], {"cgs-2024-08-15-pa-facet", "opd-pa-list-2026-09-30"}),
        ("64493", "2023-10-01", ["required"], {"noridian-jeb-pa-2023"}),
        ("64493", "2024-07-31", ["required"], {"noridian-jeb-pa-2023"}),
        ("64493", "2024-09-01", ["required"], {"opd-pa-list-2026-09-30"}),
    ],
)
def test_hospital_prior_authorization_by_day(
    knowledge: Knowledge, code: str, day: str, status: list[str], cites: set[str]
) -> None:
    lines = _authorization(knowledge, code, day)
    assert sorted(line.status for line in lines) == status
    assert cites <= {key for line in lines for key in line.sources}
    if status == ["not_required"]:
        assert "affirmed" in lines[0].text


@pytest.mark.parametrize(
    "code", ["64490", "64491", "64492", "64493", "64494", "64495", "64633", "64634", "64635", "64636"]
)
def test_a_full_briefing_has_the_sections_of_the_contract(knowledge: Knowledge, code: str) -> None:
    document = build(knowledge, code, _TODAY)
    assert [section.id for section in document.sections] == _CONTRACT
    assert document.sections[0].blocks[0].text.startswith(code)  # type: ignore[union-attr]
    assert document.sources


def test_every_code_of_the_knowledge_can_be_briefed(knowledge: Knowledge) -> None:
    for code, value in codes_of(knowledge.as_of(_TODAY)):
        document = build(knowledge, code, _TODAY)
        assert document.code == code
        assert (len(document.sections) == len(_CONTRACT)) or value.briefing != "full"


def _cells(document: Document) -> list[tuple[str, Cell]]:
    found = []
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, TableBlock):
                found += [(block.id, cell) for row in block.rows for cell in row.cells]
            elif isinstance(block, Facts):
                found += [(block.title, cell) for _, cell in block.items]
    return found


@pytest.mark.parametrize("day", ["2020-01-01", "2023-10-01", "2024-08-10", "2026-11-23"])
@pytest.mark.parametrize("code", ["64495", "64635", "0216T", "20552"])
def test_no_cell_is_blank(knowledge: Knowledge, code: str, day: str) -> None:
    for where, cell in _cells(build(knowledge, code, date.fromisoformat(day))):
        assert cell.lines, where
        for line in cell.lines:
            assert line.text.strip() or line.lines, where


def test_every_comparison_cell_that_is_known_cites_a_source(knowledge: Knowledge) -> None:
    for where, cell in _cells(build(knowledge, "64495", _TODAY)):
        if where.startswith("comparison"):
            for line in cell.lines:
                inner = line.lines or (line,)
                for one in inner:
                    known = one.status != "not_established" and len(one.text) > 1
                    heading = not one.status and not one.sources
                    assert not known or heading or one.sources, (where, one.text)


def test_an_unknown_third_level_position_is_not_guessed(knowledge: Knowledge) -> None:
    about = subject(knowledge.as_of(_TODAY), "64495")
    for payer, value in about.view.payers().items():
        if value.role in ("commercial", "blue", "vendor"):
            lines = [line for one in about.answers(payer, "third-level-position") for line in about.answer_lines(one)]
            assert {line.status for line in lines} == {"not_established"}, payer


def test_the_comparison_has_the_groups_of_the_issue(knowledge: Knowledge) -> None:
    about = subject(knowledge.as_of(_TODAY), "64495")
    titles = [group.title for group in groups(about)]
    for wanted in ("Medicare", "Aetna", "Blue Cross Blue Shield plans", "Cigna", "UnitedHealthcare", "Humana"):
        assert wanted in titles
    assert len(questions(about)) > 20


def test_an_audience_reorders_and_folds_and_loses_nothing(knowledge: Knowledge) -> None:
    def texts(document: Document) -> set[str]:
        sections = json.loads(to_json(document))["sections"]
        return {json.dumps(section) for section in sections if section["blocks"]}

    plain = build(knowledge, "64495", _TODAY)
    for audience in ("billing", "clinical", "policy"):
        view = build(knowledge, "64495", _TODAY, audience=audience)
        assert sorted(section.id for section in view.sections) == sorted(_CONTRACT)
        assert [section.id for section in view.sections] != _CONTRACT
        strip = {'"folded": true, ': "", ', "folded": true': "", '"folded": true': ""}

        def bare(text: str, strip: dict[str, str] = strip) -> str:
            for old, new in strip.items():
                text = text.replace(old, new)
            return text

        assert {bare(text) for text in texts(plain)} == {bare(text) for text in texts(view)}


def _digest(home: Path, seed: str, *extra: str) -> str:
    environment = {
        **os.environ,
        "FACETWISE_HOME": str(home),
        "PYTHONHASHSEED": seed,
        "TZ": "Asia/Tokyo" if seed == "1" else "UTC",
    }
    command = [sys.executable, "-m", "facetwise", "brief", "64495", "--as-of", "2026-03-02", "--format", "json", *extra]
    out = subprocess.run(command, env=environment, capture_output=True, check=True, cwd=home)
    digest: str = json.loads(out.stdout)["digest"]
    return digest


def test_the_digest_is_the_same_elsewhere_and_another_for_another_fact(knowledge: Knowledge, tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    same = {_digest(first, "1"), _digest(second, "2"), build(knowledge, "64495", date(2026, 3, 2)).digest}
    assert len(same) == 1
    overlay = tmp_path / "mine"
    (overlay / "sources").mkdir(parents=True)
    (overlay / "codes").mkdir()
    (overlay / "sources" / "mine.yaml").write_text(
        "source: mine\ntitle: Mine\npublisher: me\nurl: none\ndate: 2026-01-01\nevidence: primary\n"
    )
    (overlay / "codes" / "64495.yaml").write_text(
        "code: 64495\nextends: codes/64495\nhistory:\n  - {from: 2026-01-01, unit: one more word, sources: [mine]}\n"
    )
    assert _digest(first, "1", "--knowledge", str(overlay)) not in same


@pytest.mark.parametrize("day", ["2019-12-31", "2027-01-01", "1999-06-01"])
def test_a_day_outside_the_knowledge_is_an_error_that_says_so(knowledge: Knowledge, day: str) -> None:
    with pytest.raises(FacetwiseError, match=r"outside the knowledge.*2020-01-01 to 2026-12-31"):
        build(knowledge, "64495", date.fromisoformat(day))


def test_only_the_payers_asked_for_are_compared(knowledge: Knowledge) -> None:
    document = build(knowledge, "64495", _TODAY, payers=("aetna", "cgs"))
    (table,) = (
        block for section in document.sections for block in section.blocks
        if isinstance(block, TableBlock) and block.id == "comparison"
    )  # fmt: skip
    assert [column.title for column in table.columns] == ["Question", "Aetna", "CGS"]


def test_the_json_has_the_keys_of_the_contract(knowledge: Knowledge) -> None:
    content: dict[str, Any] = json.loads(to_json(build(knowledge, "64495", _TODAY)))
    assert {"code", "as_of", "title", "digest", "sections", "sources"} <= set(content)
    for section in content["sections"]:
        assert {"id", "title", "blocks"} <= set(section)
    for source in content["sources"]:
        assert {"key", "title", "publisher", "url", "date", "evidence"} <= set(source)
    assert content["digest"].startswith("sha256:")


def test_the_knowledge_travels_whole_into_an_installed_package(tmp_path: Path) -> None:
    """The wheel carries the knowledge; what is installed answers as the checkout does."""
    root = Path(__file__).parents[2]
    build_in = tmp_path / "source"
    shutil.copytree(
        root, build_in, ignore=shutil.ignore_patterns(".venv", ".git", "out", "tests", "__pycache__", ".*_cache")
    )
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(tmp_path),
            str(build_in),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    shutil.unpack_archive(wheel, target, "zip")
    environment = {**os.environ, "PYTHONPATH": str(target), "FACETWISE_HOME": str(tmp_path / "home")}
    code = "import facetwise.knowledge as k; print(k.__file__); print(k.load().digest)"
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    where, digest = out.stdout.split()
    assert str(target) in where
    assert digest.startswith("sha256:")
