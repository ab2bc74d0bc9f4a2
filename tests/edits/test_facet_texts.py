"""The facet rule texts on DuckDB and SQLite: held against the scalar reference, against the cases, and in their words."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edits.check_cases import read_cases
from edits.facet_runner import Finding, Runner, runner_of
from edits.oracle import World, check
from edits.random_claims import generate
from facetwise.coverage.windows import next_day
from facetwise.edits.registry import FAMILIES
from facetwise.knowledge import Knowledge, load
from facetwise.knowledge.kinds import Limit

_NCCI = {"code-not-effective", "add-on-without-primary", "ptp-pair", "mue-exceeded"}
_FACET = {edit for family in FAMILIES for edit in family.edits} - _NCCI
Row = dict[str, Any]


@pytest.fixture(scope="module")
def runner(knowledge: Knowledge) -> Runner:
    return runner_of(knowledge.digest)


@dataclass
class Claim:
    """Lines of a claim in short: `lines` are (code, modifiers, units); what is not said is a physician's claim in an Ohio office."""

    day: str
    lines: Sequence[str]
    payer: str = "medicare"
    state: str = "OH"
    claim_id: str = "A"
    kind: str = "professional"
    place: str = "11"
    dx: Sequence[str] = ("M47816",)
    facts: Row = field(default_factory=dict)

    def rows(self) -> list[Row]:
        made = []
        for number, text in enumerate(self.lines, 1):
            code, *words = text.split()
            units = next((word[1:] for word in words if word.startswith("x")), "1")
            modifiers = [word for word in words if not word.startswith("x")]
            row: Row = {
                "claim_id": self.claim_id,
                "claim_line_number": number,
                "claim_type": "institutional" if self.kind == "facility" else "professional",
                "person_id": "P1",
                "payer": self.payer,
                "state": self.state,
                "place_of_service_code": None if self.kind == "facility" else self.place,
                "bill_type_code": "131" if self.kind == "facility" else None,
                "claim_line_start_date": date.fromisoformat(self.day),
                "hcpcs_code": code,
                "service_unit_quantity": Decimal(units),
                "rendering_npi": None if self.kind == "facility" else "1000000001",
                "billing_npi": "1000000009",
                **{f"hcpcs_modifier_{n}": modifier for n, modifier in enumerate(modifiers, 1)},
                **{f"diagnosis_code_{n}": dx for n, dx in enumerate(self.dx, 1)},
                **self.facts,
            }
            made.append(row)
        return made


def _of(found: list[Finding], edit: str) -> list[Finding]:
    return [one for one in found if one["edit"] == edit]


def test_the_scalar_reference_finds_the_same_on_random_claims(runner: Runner, knowledge: Knowledge) -> None:
    """Edit, severity, line and other line; on SQLite all columns as on DuckDB; every facet edit is found."""
    payers = sorted({thing.slug for thing in knowledge.store.things.values() if thing.kind == "payer"})
    batch = generate(11, 2500, [*payers, "Medicare", "Nobody", *["medicare"] * 40], ("20552", "62323", "64625"))
    rows = [*batch.lines, *batch.history]
    places = {number: (row["claim_id"], row["claim_line_number"]) for number, row in enumerate(rows, 1)}
    runner.prepare(batch.lines, batch.history)
    found = runner.judge(with_history=True)
    other = runner.judge("sqlite", with_history=True)
    assert Counter(tuple(map(str, one.values())) for one in found) == Counter(
        tuple(map(str, one.values())) for one in other
    )
    got = Counter((one["edit"], one["severity"], one["line_id"], places.get(one["other_line_id"])) for one in found)
    wanted = Counter(
        (one.edit, one.severity, one.line_id, one.other)
        for one in check(World(knowledge), batch.lines, batch.history)
        if one.edit not in _NCCI
    )
    assert got == wanted
    assert {edit for edit, *_ in got} == _FACET
    _well_formed(found, knowledge)


def _well_formed(found: list[Finding], knowledge: Knowledge) -> None:
    for one in found:
        assert isinstance(json.loads(one["evidence"]), dict)
        assert one["message"].rstrip()[-1] in ".)", one["message"]
        assert one["fix"].endswith("."), one["fix"]
        for text in (one["message"], one["fix"]):
            assert "  " not in text, text
            assert "None" not in text, text
        unknown = [key for key in one["citations"].split() if key not in knowledge.store.sources]
        assert not unknown, unknown


_CASES = read_cases()


@pytest.mark.parametrize("with_history", [False, True], ids=["claims alone", "with a history"])
def test_the_cases_beside_the_knowledge(runner: Runner, *, with_history: bool) -> None:
    """Run together, each case a person and claims of its own; what the NCCI texts find is not looked at."""
    cases = [case for case in _CASES if (case.history is not None) == with_history]
    lines: list[Row] = []
    history: list[Row] = []
    for number, case in enumerate(cases):
        lines += [_apart(row, number) for row in case.lines]
        history += [_apart(row, number) for row in case.history or ()]
    runner.prepare(lines, history if with_history else None)
    rows = [*lines, *history]
    by_case: dict[int, list[Finding]] = {}
    for one in runner.judge(with_history=with_history):
        by_case.setdefault(int(rows[one["line_id"] - 1]["claim_id"].split("|")[0]), []).append(one)
    faults = [
        f"{case.name}: {fault}"
        for number, case in enumerate(cases)
        for fault in case.faults(case.shown([_key(one, rows) for one in by_case.get(number, [])]))
        if not any(edit in fault for edit in _NCCI)
    ]
    assert cases
    assert not faults, "\n".join(faults)


def _apart(row: Row, number: int) -> Row:
    person = row["person_id"]
    return {**row, "claim_id": f"{number}|{row['claim_id']}", "person_id": person and f"{number}|{person}"}


def _key(one: Finding, rows: list[Row]) -> tuple[str, str, str, int, tuple[str, int] | None]:
    def place(line: int) -> tuple[str, int]:
        row = rows[line - 1]
        return row["claim_id"].split("|", 1)[1], row["claim_line_number"]

    other = one["other_line_id"]
    return one["edit"], one["severity"], *place(one["line_id"]), place(other) if other else None


def test_order_and_company_do_not_matter(runner: Runner, knowledge: Knowledge) -> None:
    """Claims of other persons around a claim leave its findings as they are, and so does a second run."""
    alone = Claim("2026-10-02", ["64493 RT KX", "64494 RT KX", "64495 RT KX", "77003", "99152"]).rows()
    company = generate(3, 60, ["medicare", "cigna"], ("20552",))
    found = runner.check(alone)
    together = runner.check([*alone, *company.lines])
    shown = [_shown(one) for one in found]
    assert sorted(shown) == sorted(_shown(one) for one in together if one["line_id"] <= len(alone))
    assert shown == [_shown(one) for one in runner.check(alone)]
    assert {one["edit"] for one in found} == {
        "third-level-not-covered",
        "level-limit",
        "imaging-included",
        "sedation-not-covered",
    }


def _shown(one: Finding) -> str:
    return json.dumps(one, sort_keys=True, default=str)


def test_both_lines_are_named(runner: Runner) -> None:
    own = Claim("2026-10-02", ["64493 RT KX", "64493 LT KX", "77003"]).rows()
    other = Claim("2026-10-02", ["64635 50"], claim_id="B").rows()
    found = runner.check([*own, *other])
    (sides,) = _of(found, "bilateral-reporting")
    assert "line 1 and line 2" in sides["message"]
    assert (sides["line_id"], sides["other_line_id"]) == (2, 1)
    assert "record is not to be changed" in sides["fix"]
    (imaging,) = _of(found, "imaging-included")
    assert "which 64493 (line 1) includes" in imaging["message"]
    (first, second) = _of(found, "destruction-includes-injection")
    assert "64635 (line 1 of claim B)" in first["message"]
    assert {first["line_id"], second["line_id"]} == {1, 2}
    assert {first["other_line_id"], second["other_line_id"]} == {4}


def test_whose_words_they_are(runner: Runner) -> None:
    (own,) = _of(runner.check(Claim("2026-10-02", ["64495 RT KX"], state="CA").rows()), "third-level-not-covered")
    assert own["severity"] == "deny"
    assert "at Noridian: " in own["message"]
    assert own["message"].endswith("Sources disagree on this.")
    assert own["evidence"]["position"] == "appeal_only not_covered"
    (layout,) = _of(
        runner.check(Claim("2026-10-02", ["64493 RT", "64493 LT"], payer="cigna").rows()), "bilateral-reporting"
    )
    assert layout["severity"] == "review"
    assert "How Cigna wants both sides reported is not established. Medicare: " in layout["message"]
    (silent,) = _of(runner.check(Claim("2026-10-02", ["64495 RT"], payer="oscar").rows()), "fact-not-established")
    assert silent["severity"] == "review"
    assert "Oscar's position on a third level is not established." in silent["message"]


@pytest.mark.parametrize(
    ("days_apart", "finding"), [(364, True), (365, False)], ids=["inside the window", "just outside"]
)
def test_the_ends_of_a_rolling_window(runner: Runner, days_apart: int, finding: bool) -> None:
    """A window of 365 days ends on the day of service: a session 364 days earlier counts, one 365 days earlier does not."""
    day = date(2026, 10, 2)
    history = [
        row
        for number, back in enumerate((days_apart, 100))
        for row in Claim((day - timedelta(back)).isoformat(), ["64635 RT"], claim_id=f"H{number}").rows()
    ]
    found = _of(runner.check(Claim(day.isoformat(), ["64635 LT"]).rows(), history), "session-limit")
    assert bool(found) == finding
    if found:
        (one,) = found
        first = day - timedelta(days_apart)
        assert one["severity"] == "deny"
        assert one["evidence"]["dates"] == [first.isoformat(), (day - timedelta(100)).isoformat(), day.isoformat()]
        assert (one["evidence"]["used"], one["evidence"]["allowed"]) == (3, 2)
        assert one["evidence"]["next_eligible_date"] == (first + timedelta(365)).isoformat()


@pytest.mark.parametrize(
    "earlier",
    [(10, 20, 30, 40), (1, 2, 3, 4, 5, 6), (0, 364, 363, 200, 100), (364, 363, 362, 361), (90, 180, 270, 360)],
)
def test_the_next_day_is_that_of_cover(runner: Runner, knowledge: Knowledge, earlier: tuple[int, ...]) -> None:
    day = date(2026, 10, 2)
    before = sorted({day - timedelta(back) for back in earlier if back})
    history = [
        row
        for number, one in enumerate(before)
        for row in Claim(one.isoformat(), ["64493 RT KX"], claim_id=f"H{number}").rows()
    ]
    (found,) = _of(runner.check(Claim(day.isoformat(), ["64493 LT KX"]).rows(), history), "session-limit")
    dated = knowledge.as_of(day).thing("payers/medicare/cgs/facet/diagnostic-sessions")
    assert dated is not None
    limit = dated.value
    assert isinstance(limit, Limit)
    assert limit.at_most is not None
    wanted = next_day(tuple(before), limit.at_most, 365, limit, day)
    assert found["evidence"]["next_eligible_date"] == (wanted.isoformat() if wanted else None)
    assert found["evidence"]["used"] == len(before) + 1


def test_a_calendar_year_ends_with_the_year(runner: Runner) -> None:
    """A limit by level cannot be told from a claim, so more sessions than it allows are for review."""
    history = Claim("2026-01-01", ["64493 RT"], "bcbs-mississippi", "MS", "H1").rows()
    history += Claim("2026-06-01", ["64493 RT"], "bcbs-mississippi", "MS", "H2").rows()
    this_year = Claim("2026-12-31", ["64493 RT"], "bcbs-mississippi", "MS").rows()
    (one,) = _of(runner.check(this_year, history), "session-limit")
    assert one["severity"] == "review"
    assert one["evidence"]["next_eligible_date"] == "2027-01-01"
    assert one["evidence"]["window_days"] == 365
    history[0]["claim_line_start_date"] = date(2025, 12, 31)
    assert not _of(runner.check(this_year, history), "session-limit")


@pytest.mark.parametrize(
    ("day", "severity"), [("2023-06-30", None), ("2023-07-01", "deny")], ids=["the day before", "the first day"]
)
def test_the_turn_of_a_rule(runner: Runner, day: str, severity: str | None) -> None:
    lines = Claim(day, ["64493 50 KX"], kind="facility").rows()
    found = _of(runner.check(lines), "prior-authorization-missing")
    assert [one["severity"] for one in found] == ([severity] if severity else [])
    lines[0]["prior_authorization_number"] = "UTN1"
    assert not _of(runner.check(lines), "prior-authorization-missing")


def test_outside_the_horizon_only_what_needs_no_rule(runner: Runner) -> None:
    """The knowledge answers for no day before its horizon: no rule of a payer is applied there, and nothing breaks."""
    found = runner.check(Claim("2012-05-01", ["64493 RT", "64493 LT", "64495 RT", "77003"]).rows())
    assert found == []


def test_what_the_claim_does_not_say(runner: Runner) -> None:
    """A line without a diagnosis is for a person to look at; without a person, a claim stands alone."""
    bare = Claim("2026-10-02", ["64493 RT KX"], dx=()).rows()
    (one,) = _of(runner.check(bare), "diagnosis-not-supporting")
    assert one["severity"] == "review"
    nobody = {"person_id": None}
    first = Claim("2026-10-02", ["64635 RT", "64636 RT"], facts=nobody).rows()
    second = Claim("2026-10-02", ["64635 RT", "64636 RT"], claim_id="B", facts=nobody).rows()
    assert not _of(runner.check([*first, *second]), "level-limit")
    assert _of(runner.check([{**row, "person_id": "P1"} for row in [*first, *second]]), "bilateral-reporting") == []
    assert _of(runner.check([{**row, "person_id": "P1"} for row in [*first, *second]]), "level-limit")


_OVERLAY = {
    "sources/lakeside-manual.yaml": """
        source: lakeside-manual
        title: Manual of a plan that does not exist
        publisher: Lakeside
        date: '2026-01-01'
        url: https://lakeside.example/manual
        evidence: primary
        """,
    "payers/lakeside/payer.yaml": """
        payer: lakeside
        title: Lakeside Health
        role: commercial
        group: other
        history:
          - from: 2020-01-01
            sources: [lakeside-manual]
        """,
    "payers/lakeside/facet/levels-per-session.yaml": """
        limit: levels-per-session
        question: levels-per-session
        applies: {technique: [medial_branch_block, intra_articular_injection]}
        counts: level
        window: {kind: session}
        at_most: 1
        per: [region]
        statement: One level in a session.
        cell: 1 level
        history:
          - from: 2026-03-01
            until: 2026-08-31
            sources: [lakeside-manual]
        """,
    "payers/lakeside/facet/bilateral.yaml": """
        billing: bilateral
        question: bilateral-professional
        layout: one_line_two_units
        statement: Both sides are one line with two units and no modifier.
        cell: one line, two units
        history:
          - from: 2026-03-01
            sources: [lakeside-manual]
        """,
}


def test_a_new_payer_is_only_data(tmp_path: Path) -> None:
    """A payer laid over the knowledge is judged by its own words on its own dates; two units say both sides there."""
    for name, text in _OVERLAY.items():
        path = tmp_path / "lakeside" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    runner = Runner(load([tmp_path / "lakeside"]), ("lakeside",))
    two = ["64493 x2", "64494 RT"]
    (level,) = _of(runner.check(Claim("2026-08-31", two, "Lakeside Health").rows()), "level-limit")
    assert level["message"] == (
        "2 levels in the lumbar or sacral region in one session (injections), where Lakeside Health allows 1."
        " One level in a session."
    )
    assert (level["severity"], level["line_id"], level["citations"]) == ("deny", 2, "lakeside-manual")
    assert not _of(runner.check(Claim("2026-08-31", two[:1], "Lakeside Health").rows()), "level-limit")
    assert not _of(runner.check(Claim("2026-09-01", two, "Lakeside Health").rows()), "level-limit")
    own = {one["edit"] for one in runner.check(Claim("2026-09-01", two[:1], "Lakeside Health").rows())}
    assert not own & {"units-not-one", "laterality-missing", "bilateral-reporting"}
    before = {one["edit"] for one in runner.check(Claim("2026-02-28", two[:1], "Lakeside Health").rows())}
    assert before >= {"units-not-one", "laterality-missing"}
    (fifty,) = _of(runner.check(Claim("2026-09-01", ["64493 50"], "lakeside").rows()), "bilateral-reporting")
    assert fifty["severity"] == "deny"
    assert fifty["fix"].startswith("Report both sides on one line with two units")
    sides = _of(runner.check(Claim("2026-09-01", ["64493 RT", "64493 LT"], "lakeside").rows()), "bilateral-reporting")
    assert [(one["severity"], one["line_id"], one["other_line_id"]) for one in sides] == [("deny", 2, 1)]
