"""Cases of coverage that stand beside the knowledge, with the determination that they must give.

An entry holds the contract's input as `case`, whole or as what differs from a `base` of its file: mappings are merged, a list
is merged by position when the difference is a mapping of positions, and `absent` takes a key away. `expect` names what must be
in the answer: `missing` is a subset, `without` are criteria that must not be judged, `fails` expects an error with these words.
`alternatives` are outcomes by contractor ({} for none), `differs` ids in which one differs, `note` words of a note.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from coverage_cases import Remembered, merged, read_plain
from facetwise.coverage import cover, read_cases
from facetwise.coverage.answers import Determination
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError

_ROOT = Path(__file__).parents[2] / "knowledge"
_KEYS = {"name", "source", "base", "case", "expect"}
_EXPECTED = {
    "outcome", "criteria", "missing", "limits", "positions", "prior_authorization", "policies", "without", "fails",
    "sequence", "note", "alternatives", "differs", "authorization",
}  # fmt: skip
_SAID = {"true": True, "false": False, "null": None}


def _cases() -> list[Any]:
    found = []
    for path in sorted(_ROOT.rglob("*.cases.yaml")):
        content = read_plain(path)
        for entry in content["cases"]:
            if "case" in entry:
                whole = merged(content.get("bases", {}).get(entry.get("base"), {}), entry["case"])
                found.append(pytest.param(entry, whole, id=f"{path.relative_to(_ROOT)}:{entry['name']}"))
    return found


@pytest.fixture(scope="module")
def remembered(knowledge: Knowledge) -> Remembered:
    return Remembered(knowledge)


@pytest.mark.parametrize(("entry", "case"), _cases())
def test_case(entry: dict[str, Any], case: dict[str, Any], remembered: Remembered) -> None:
    knowledge = remembered
    assert set(entry) <= _KEYS, f"unknown keys {set(entry) - _KEYS}"
    assert entry.get("source"), "a case says which source its expectation rests on"
    for key in entry["source"]:
        assert key in knowledge.store.sources, key
    expect = entry["expect"]
    assert expect, "a case expects something"
    assert set(expect) <= _EXPECTED, f"unknown keys {set(expect) - _EXPECTED}"
    text = yaml.safe_dump(case, sort_keys=False)
    if "fails" in expect:
        with pytest.raises(FacetwiseError) as caught:
            read_cases(text, "case.yaml", knowledge)
        assert expect["fails"].lower() in str(caught.value).lower()
        return
    (read,) = read_cases(text, "case.yaml", knowledge)
    _compare(cover(read, knowledge), expect, knowledge)


def _compare(answer: Determination, expect: dict[str, Any], knowledge: Knowledge) -> None:
    criteria = {one.id: one.status for one in answer.criteria}
    limits = {one.id: one for one in answer.limits}
    if "outcome" in expect:
        assert answer.outcome == expect["outcome"], (criteria, answer.missing)
    for name, status in expect.get("criteria", {}).items():
        assert criteria.get(name) == status, f"{name} is {criteria.get(name)}, among {criteria}"
    for name in expect.get("without", []):
        assert name not in criteria, f"{name} is judged: {criteria[name]}"
    assert set(expect.get("missing", ())) <= set(answer.missing), answer.missing
    assert set(expect.get("policies", ())) <= set(answer.policies), answer.policies
    for name, wanted in expect.get("limits", {}).items():
        assert name in limits, f"{name} is not among {sorted(limits)}"
        if "used" in wanted:
            assert str(limits[name].used) == wanted["used"], limits[name]
        if "next_eligible_date" in wanted:
            assert (limits[name].next_eligible_date or "null") == wanted["next_eligible_date"], limits[name]
    for code, position in expect.get("positions", {}).items():
        stands = sorted(one.position for one in answer.code_positions if one.code == code)
        assert stands == sorted([position] if isinstance(position, str) else position), stands
    if "prior_authorization" in expect:
        assert answer.prior_authorization.required is _SAID[expect["prior_authorization"]], answer.prior_authorization
    if "sequence" in expect:
        assert answer.sequence == expect["sequence"]
    assert expect.get("note", "") in " ".join(answer.notes), answer.notes
    for name, wanted in expect.get("authorization", {}).items():
        found = getattr(answer.prior_authorization, name)
        if isinstance(wanted, list):
            assert set(wanted) <= set(found), answer.prior_authorization
        else:
            assert found == _SAID.get(wanted, wanted), answer.prior_authorization
    by_each = {one.whose: one for one in answer.alternatives}
    if "alternatives" in expect:
        assert bool(by_each) == bool(expect["alternatives"])
        for who, outcome in expect["alternatives"].items():
            assert by_each[who].outcome == outcome, by_each[who]
    for who, names in expect.get("differs", {}).items():
        assert set(names) <= {one.id for one in by_each[who].differs}, by_each[who]
    for one in answer.criteria:
        assert all(key in knowledge.store.sources for key in one.citations)
        assert one.citations or one.status == "unknown", f"{one.id} cites nothing"
