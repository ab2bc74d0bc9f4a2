"""Encounters that stand beside the knowledge, with the claim lines and findings that they must give.

`lines` are written as "64493 RT KX x1 L4-L5": code, modifiers, units, joints. `findings` are "edit severity" and must be among
those given; `only: true` says that there are no others; `absent` names edits that must not be given. `fails` expects an error
with these words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from facetwise.coding import code, read_encounters
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

_ROOT = Path(__file__).parents[2] / "knowledge"
_KEYS = {"name", "source", "encounter", "lines", "findings", "only", "absent", "fails"}


def _cases() -> list[Any]:
    found = []
    for path in sorted(_ROOT.rglob("*.cases.yaml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for case in content["cases"]:
            if "encounter" in case:
                found.append(pytest.param(case, id=f"{path.relative_to(_ROOT)}:{case['name']}"))
    return found


@pytest.mark.parametrize("case", _cases())
def test_encounter(case: dict[str, Any], knowledge: Knowledge) -> None:
    assert set(case) <= _KEYS, f"unknown keys {set(case) - _KEYS}"
    assert case.get("source"), "a case says which source its expectation rests on"
    for key in case["source"]:
        assert key in knowledge.store.sources, key
    text = yaml.safe_dump(case["encounter"], sort_keys=False)
    if "fails" in case:
        with pytest.raises(FacetwiseError) as caught:
            read_encounters(text, "encounter.yaml", knowledge)
        assert case["fails"].lower() in str(caught.value).lower()
        return
    (encounter,) = read_encounters(text, "encounter.yaml", knowledge)
    result = code(encounter, knowledge).result
    shown = [" ".join([line.code, *line.modifiers, f"x{line.units}", ",".join(line.joints)]) for line in result.lines]
    assert shown == case["lines"]
    findings = [f"{finding.edit} {finding.severity}" for finding in result.findings]
    unmatched = list(findings)
    for wanted in case.get("findings", []):
        assert wanted in unmatched, f"{wanted} is not among {findings}"
        unmatched.remove(wanted)
    if case.get("only") == "true":
        assert not unmatched, f"beyond what is expected: {unmatched}"
    for edit in case.get("absent", []):
        assert not any(one.split()[0] == edit for one in findings), f"{edit} is among {findings}"
    for line in result.lines:
        assert line.citations, f"{line.code} cites nothing"
        assert all(key in knowledge.store.sources for key in line.citations)
