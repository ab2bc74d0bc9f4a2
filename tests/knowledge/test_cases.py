"""Cases that stand beside the knowledge: what it must answer, on which day, and from whom.

A case asks either a payer's answer (`payer`, `question`, `code`) or a field of a thing (`thing`, `field`). `expect` lists what
must be among the answers; `only: true` says that nothing else may be; `fails` expects an error with these words.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from facetwise.briefing.subject import subject
from facetwise.document.model import Line
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

_ROOT = Path(__file__).parents[2] / "knowledge"
_KEYS = {"name", "source", "as_of", "payer", "question", "code", "thing", "field", "equals", "expect", "only", "fails"}
_EXPECTED = {"status", "says", "says_not", "cites", "evidence", "since", "presumed", "note"}


def _cases() -> list[Any]:
    found = []
    for path in sorted(_ROOT.rglob("*.cases.yaml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for number, case in enumerate(content["cases"]):
            if "encounter" in case or "case" in case or "claim" in case:
                continue  # tests/coding, tests/coverage and tests/edits run these
            name = f"{path.relative_to(_ROOT).with_suffix('').with_suffix('')}:{case.get('name', number)}"
            found.append(pytest.param(case, id=name))
    return found


@pytest.mark.parametrize("case", _cases())
def test_case(case: dict[str, Any], knowledge: Knowledge) -> None:
    assert set(case) <= _KEYS, f"unknown keys {set(case) - _KEYS}"
    assert case.get("source"), "a case says which source its expectation rests on"
    for key in case["source"]:
        assert key in knowledge.store.sources, key
    day = date.fromisoformat(case["as_of"])
    if "fails" in case:
        with pytest.raises(FacetwiseError, match=case["fails"]):
            _answer(case, day, knowledge)
        return
    if "thing" in case:
        assert _plain(_answer(case, day, knowledge)) == case["equals"]
        return
    lines: list[Line] = _answer(case, day, knowledge)
    unmatched = list(lines)
    for wanted in case["expect"]:
        assert set(wanted) <= _EXPECTED, f"unknown keys {set(wanted) - _EXPECTED}"
        match = next((line for line in unmatched if _fits(line, wanted)), None)
        assert match is not None, f"nothing fits {wanted} among {[_shown(line) for line in unmatched]}"
        unmatched.remove(match)
    if case.get("only") == "true":
        assert not unmatched, f"beyond what is expected: {[_shown(line) for line in unmatched]}"


def _answer(case: dict[str, Any], day: date, knowledge: Knowledge) -> Any:
    view = knowledge.as_of(day)
    if "thing" in case:
        dated = view.thing(case["thing"])
        value: Any = dated.value if dated else None
        for step in case.get("field", "").split("."):
            if step:
                value = value[int(step)] if step.isdigit() else getattr(value, step)
        return value
    about = subject(view, case.get("code", "64493"))
    answers = (
        about.answers(case["payer"], case["question"])
        if "code" in case
        else view.answers(case["payer"], case["question"])
    )
    lines = []
    for answer in answers:
        short, long = about.answer_lines(answer), about.answer_lines(answer, full=True)
        for one, other in zip(short, long, strict=True):
            pairs = list(zip(one.lines, other.lines, strict=True)) if one.lines else [(one, other)]
            for cell, statement in pairs:
                lines.append(Line(**{**_fields(cell), "text": f"{cell.text} | {statement.text}"}))
    return lines


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in line.__struct_fields__}


def _fits(line: Line, wanted: dict[str, Any]) -> bool:
    return (
        wanted.get("status", line.status) == line.status
        and wanted.get("says", "").lower() in line.text.lower()
        and ("says_not" not in wanted or wanted["says_not"].lower() not in line.text.lower())
        and set(wanted.get("cites", ())) <= set(line.sources)
        and wanted.get("evidence", line.evidence) == line.evidence
        and wanted.get("since", line.since) == line.since
        and (wanted.get("presumed", "false") == "true") == line.presumed
        and wanted.get("note", "").lower() in line.note.lower()
    )


def _shown(line: Line) -> str:
    return f"[{line.status}] {line.text} {line.sources} {line.evidence} {line.since} presumed={line.presumed}"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return None if value is None else str(value)
