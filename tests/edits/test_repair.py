"""Repairs of form: the findings of form go, nothing else changes, and what is left alone is listed with its reason."""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from facetwise.claims import read
from facetwise.claims.columns import NAMES, SCHEMA
from facetwise.claims.writing import write_csv, write_parquet
from facetwise.cli import main
from facetwise.edits.check import Asked, checked
from facetwise.edits.repair import Repaired, repair
from facetwise.edits.result import ClaimFinding
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError
from small_claims import BILLING, GS, HEAD, ISA, SUBSCRIBER

DAY = date(2026, 3, 2)


def line(claim: str, number: int, code: str, *modifiers: str, **other: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(NAMES)
    row |= {
        "claim_id": claim, "claim_line_number": number, "claim_type": "professional", "person_id": f"P{claim}", "payer": "Medicare",
        "place_of_service_code": "11", "claim_line_start_date": DAY, "hcpcs_code": code, "service_unit_quantity": Decimal(1),
        "charge_amount": Decimal("700.00"), "rendering_npi": "2000000002", "billing_npi": "2000000010", "diagnosis_code_1": "M47816",
        "diagnosis_pointer_1": 1, "state": "OH", "file": 0, "place": 0,
    }  # fmt: skip
    row |= {f"hcpcs_modifier_{place}": modifier for place, modifier in enumerate(modifiers, start=1)}
    return row | other


def center(claim: str, number: int, code: str, *modifiers: str, **other: Any) -> dict[str, Any]:
    return line(claim, number, code, *modifiers, place_of_service_code="24", rendering_npi=None, **other)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    batch = pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
    (write_csv if path.suffix == ".csv" else write_parquet)(path, [batch])
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    reading = read([path])
    rows = [row for batch in reading.batches() for row in batch.to_pylist()]
    assert reading.rejected.records == []
    return rows


def judged(path: Path, knowledge: Knowledge) -> list[ClaimFinding]:
    with checked(Asked((path,)), knowledge) as result:
        assert result.rejected == 0
        return list(result.findings())


def repaired(path: Path, out: Path, knowledge: Knowledge) -> Repaired:
    with checked(Asked((path,)), knowledge) as result:
        assert result.findings_file is not None
        return repair([path], result.findings_file, knowledge, out)


def listed(made: Repaired) -> list[dict[str, str]]:
    with made.changes.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mods(row: dict[str, Any]) -> list[str]:
    return [row[f"hcpcs_modifier_{n}"] for n in range(1, 6) if row[f"hcpcs_modifier_{n}"]]


def keys(findings: Iterable[ClaimFinding]) -> Counter[tuple[str, str, str | None]]:
    return Counter((one.edit, one.severity, one.claim_id) for one in findings)


def test_right_and_left_lines_become_one(knowledge: Knowledge, tmp_path: Path) -> None:
    rows = [line("A", 1, "64493", "RT", "KX"), line("A", 2, "64493", "LT", "KX", charge_amount=Decimal("650.50"))]
    made = repaired(written(tmp_path / "in.parquet", rows), tmp_path / "out.parquet", knowledge)
    (one,) = lines_of(made.claims)
    assert (one["claim_line_number"], mods(one), one["charge_amount"], one["service_unit_quantity"]) == (
        1,
        ["50", "KX"],
        Decimal("1350.50"),
        1,
    )
    assert (made.changed, made.removed, made.added, made.left) == (1, 1, 0, 0)
    assert {(one["what"], one["column"], one["before"], one["after"]) for one in listed(made)} == {
        ("changed", "modifiers", "RT KX", "50 KX"),
        ("changed", "charge_amount", "700.00", "1350.50"),
        ("removed", "modifiers", "LT KX", ""),
    }
    assert all("ncci-manual-2026" in one["citations"] and one["why"] for one in listed(made))
    assert not [one for one in judged(made.claims, knowledge) if one.edit in ("bilateral-reporting", "mue-exceeded")]


def test_a_line_for_both_sides_becomes_two_at_a_surgery_center(knowledge: Knowledge, tmp_path: Path) -> None:
    rows = [center("A", 1, "64493", "50", "KX", charge_amount=Decimal("700.01")), center("A", 4, "J1100")]
    made = repaired(written(tmp_path / "in.csv", rows), tmp_path / "out.csv", knowledge)
    found = {row["claim_line_number"]: row for row in lines_of(made.claims)}
    assert [(number, mods(row), row["charge_amount"]) for number, row in sorted(found.items())] == [
        (1, ["RT", "KX"], Decimal("350.01")),
        (4, [], Decimal("700.00")),
        (5, ["LT", "KX"], Decimal("350.00")),
    ]
    assert not [one for one in judged(made.claims, knowledge) if one.edit == "bilateral-reporting"]


def test_sides_that_fifty_says_already_are_taken_off(knowledge: Knowledge, tmp_path: Path) -> None:
    made = repaired(
        written(tmp_path / "in.parquet", [line("A", 1, "64493", "50", "RT", "LT", "KX")]),
        tmp_path / "out.parquet",
        knowledge,
    )
    assert [mods(one) for one in lines_of(made.claims)] == [["50", "KX"]]


LEFT_ALONE: list[tuple[list[dict[str, Any]], str]] = [
    ([line("A", 1, "64493", "RT", "KX"), line("A", 2, "64493", "LT")], "other modifiers"),
    (
        [line("A", 1, "64493", "RT"), line("A", 2, "64493", "LT", service_unit_quantity=Decimal(2))],
        "units would change",
    ),
    (
        [line("A", 1, "64493", "RT"), line("A", 2, "64493", "LT", diagnosis_pointer_1=None)],
        "differ in more than the side",
    ),
    (
        [line("A", 1, "64493", "RT"), line("A", 2, "64493", "LT", prior_authorization_number="X")],
        "differ in more than the side",
    ),
    (
        [line("A", 1, "64493", "RT"), line("A", 2, "64493", "LT", charge_amount=None)],
        "only one of the two lines has a charge",
    ),
    ([line("A", 1, "64493", "RT"), line("B", 1, "64493", "LT", person_id="PA")], "another claim"),
    (
        [line("A", 1, "64493", "RT"), line("A", 2, "64493", "LT"), line("A", 3, "64493", "RT")],
        "more than these two lines",
    ),
    ([line("A", 1, "64493", "RT"), line("A", 1, "64493", "LT")], "several lines of the file"),
    ([line("A", 1, "64493", "50", "RT")], "only the record can say"),
    (
        [center("A", 1, "64493", "50", service_unit_quantity=Decimal(2))],
        "only the record can say|units would change",
    ),
    ([center("A", 1, "64493", "50", "RT")], "only the record can say"),
    ([center("A", 1, "64493", "50", payer="Aetna")], "not established"),
]


def test_what_is_no_matter_of_form_is_left_alone_and_says_why(knowledge: Knowledge, tmp_path: Path) -> None:
    """All cases in one file; each has claims of its own."""
    rows = [
        row | {"claim_id": f"{row['claim_id']}{number}", "person_id": f"{row['person_id']}{number}"}
        for number, (case, _) in enumerate(LEFT_ALONE)
        for row in case
    ]
    made = repaired(written(tmp_path / "in.parquet", rows), tmp_path / "out.parquet", knowledge)
    assert (made.changed, made.removed, made.added) == (0, 0, 0)
    for number, (_, why) in enumerate(LEFT_ALONE):
        reasons = [
            one["why"]
            for one in listed(made)
            if one["repair"] == "bilateral-reporting" and one["claim_id"][1:] == str(number)
        ]
        assert reasons
        assert any(re.search(why, reason) for reason in reasons), (why, reasons)
    drop = ("place", "file")
    assert [{k: v for k, v in row.items() if k not in drop} for row in lines_of(made.claims)] == [
        {k: v for k, v in row.items() if k not in drop} for row in rows
    ]


def test_what_reading_put_in_form_is_listed(knowledge: Knowledge, tmp_path: Path) -> None:
    path = written(tmp_path / "in.csv", [line("A", 1, "64493", "RT", "KX")])
    path.write_text(path.read_text().replace("M47816", "m47.816").replace('"KX"', '" kx"'))
    made = repaired(path, tmp_path / "out.csv", knowledge)
    assert {
        (one["repair"], one["column"], one["before"], one["after"]) for one in listed(made) if one["what"] == "changed"
    } == {
        ("code-form", "diagnosis_code_1", "m47.816", "M47816"),
        ("code-form", "hcpcs_modifier_2", " kx", "KX"),
    }


def random_rows(seed: int, claims: int) -> list[dict[str, Any]]:
    """Claims of facet and other lines whose sides, units, payers and places are drawn at random."""
    draw = random.Random(seed)
    rows = []
    for number in range(claims):
        claim = f"R{number}"
        own = draw.choice([line, line, center])
        shared = {
            "payer": draw.choice(["Medicare", "Aetna", "independence", "Humana", "nobody knows"]),
            "state": draw.choice(["OH", "FL", "NY"]),
        }
        codes = draw.sample(["64490", "64493", "64494", "64635", "64636", "99213"], draw.randint(1, 3))
        lines = []
        for code in codes:
            kind = draw.choice(["two", "two", "fifty", "one", "none", "mixed"])
            layouts: dict[str, list[list[str]]] = {
                "two": [["RT"], ["LT"]],
                "fifty": [["50"]],
                "one": [[draw.choice(["RT", "LT"])]],
                "none": [[]],
                "mixed": [["50", "RT", "LT"]],
            }
            extra = draw.choice([[], ["KX"], ["KX"], ["59"]])
            for side in layouts[kind]:
                units = Decimal(draw.choice([1, 1, 1, 1, 2]))
                charge = draw.choice([Decimal("700.00"), Decimal("333.33"), None])
                lines.append((code, [*side, *extra], units, charge))
        if draw.random() < 0.3:
            draw.shuffle(lines)
        for place, (code, modifiers, units, charge) in enumerate(lines, start=1):
            rows.append(
                own(claim, place, code, *modifiers, service_unit_quantity=units, charge_amount=charge, **shared)
            )
    return rows


@pytest.mark.parametrize("seed", [1])
def test_a_repaired_file_has_no_such_finding_and_the_rest_unchanged(
    seed: int, knowledge: Knowledge, tmp_path: Path
) -> None:
    path = written(tmp_path / "in.parquet", random_rows(seed, 2_000))
    with checked(Asked((path,)), knowledge) as result:
        assert result.findings_file is not None
        before = list(result.findings())
        made = repair([path], result.findings_file, knowledge, tmp_path / "out.parquet")
    after = judged(made.claims, knowledge)
    assert made.changed > 60
    done = {
        (one["claim_id"], int(one["claim_line_number"]))
        for one in listed(made)
        if one["what"] in ("changed", "removed")
    }
    left = Counter(
        one["claim_id"]
        for one in listed(made)
        if one["what"] == "left alone" and one["repair"] == "bilateral-reporting"
    )
    # Of the findings of form those remain, and only those, that the list says were left alone.
    assert Counter(one.claim_id for one in after if one.edit == "bilateral-reporting") == left
    untouched = {one.claim_id for one in before} - {claim for claim, _ in done}
    assert keys(one for one in after if one.claim_id in untouched) == keys(
        one for one in before if one.claim_id in untouched
    )
    # Nothing new is found anywhere.
    # One line that became two bears what it bore twice.
    assert set(keys(after)) <= set(keys(before))
    old, new = lines_of(path), lines_of(made.claims)
    assert worth(old) == worth(new)
    assert sides(old) == sides(new)
    for row in new:
        assert row["service_unit_quantity"] in {1, 2}


def worth(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    """What each claim charges for each code, in all."""
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row["claim_id"], row["hcpcs_code"])
        found[key] = found.get(key, Decimal(0)) + (row["charge_amount"] or 0)
    return found


def sides(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], Counter[str]]:
    """Which sides each claim reports for each code, how often, with what else beside the side."""
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for row in rows:
        marks: set[str] = set(mods(row))
        rest = tuple(modifier for modifier in mods(row) if modifier not in ("RT", "LT", "50"))
        key = (row["claim_id"], row["hcpcs_code"], row["claim_line_start_date"], row["diagnosis_code_1"], rest)
        single = [mark for mark in mods(row) if mark in ("RT", "LT")] or [""]
        named = ["RT", "LT"] if "50" in marks or {"RT", "LT"} <= marks else single
        for side in named:
            found.setdefault(key, Counter())[side] += int(row["service_unit_quantity"])
    return found


# -- 837 -----------------------------------------------------------------------------------------------------------


def an_837(path: Path, *claims: tuple[str, str, list[list[str]]], end: str = "~\n") -> Path:
    """Write an 837P: each claim has an id, a place of service and the segments of its lines, without their LX."""
    segments = [ISA, GS.format(version="005010X222A1"), "ST*837*0001*005010X222A1", *HEAD, *BILLING, *SUBSCRIBER]
    for claim, place, lines in claims:
        segments += [f"CLM*{claim}*1400***{place}:B:1*Y*A*Y*Y", "HI*ABK:M47816"]
        segments += ["NM1*82*1*ROE*RICHARD****XX*1245319599"] if place == "11" else []
        for number, line_segments in enumerate(lines, start=1):
            segments += [f"LX*{number}", *line_segments, "DTP*472*D8*20260302"]
    count = len(segments) - 2 + 1
    segments += [f"SE*{count}*0001", "GE*1*1", "IEA*1*000000907"]
    path.write_text(end.join(segments) + end, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("end", ["~", "~\r\n"])
def test_an_837_is_otherwise_the_same_to_the_byte(end: str, knowledge: Knowledge, tmp_path: Path) -> None:
    both = [["SV1*HC:64493:RT:KX*700.5*UN*1***1", "REF*6R*one"], ["SV1*HC:64493:LT:KX*699.5*UN*1***1", "REF*6R*two"]]
    other = [["SV1*HC:99213:25*90*UN*1***1"]]
    path = an_837(
        tmp_path / "in.837",
        ("A", "11", both + other),
        ("B", "24", [["SV1*HC:64635:50*1001*UN*1***1", "REF*6R*three"]]),
        end=end,
    )
    made = repaired(path, tmp_path / "out.837", knowledge)
    old, new = (one.read_bytes().decode().split(end) for one in (path, made.claims))
    assert [one for one in new if one not in old] == [
        "SV1*HC:64493:50:KX*1400*UN*1***1",
        "SV1*HC:64635:RT*500.5*UN*1***1",
        "SV1*HC:64635:LT*500.5*UN*1***1",
        f"SE*{next(int(one.split('*')[1]) for one in old if one.startswith('SE')) - 4 + 3}*0001",
    ]
    assert [one for one in old if one not in new] == [
        "SV1*HC:64493:RT:KX*700.5*UN*1***1",
        "SV1*HC:64493:LT:KX*699.5*UN*1***1",
        "REF*6R*two",
        "LX*3",
        "SV1*HC:64635:50*1001*UN*1***1",
        next(one for one in old if one.startswith("SE")),
    ]
    lines = lines_of(made.claims)
    assert [(row["claim_id"], row["claim_line_number"], row["hcpcs_code"]) for row in lines] == [
        ("A", 1, "64493"), ("A", 2, "99213"), ("B", 1, "64635"), ("B", 2, "64635"),
    ]  # fmt: skip
    assert not [one for one in judged(made.claims, knowledge) if one.edit == "bilateral-reporting"]


def test_a_line_with_a_note_of_its_own_is_not_taken_into_another(knowledge: Knowledge, tmp_path: Path) -> None:
    both = [["SV1*HC:64493:RT*700*UN*1***1"], ["SV1*HC:64493:LT*700*UN*1***1", "NTE*ADD*SEE RECORD"]]
    path = an_837(tmp_path / "in.837", ("A", "11", both))
    made = repaired(path, tmp_path / "out.837", knowledge)
    assert made.claims.read_bytes() == path.read_bytes()
    assert "differ in a segment" in next(one["why"] for one in listed(made) if one["repair"] == "bilateral-reporting")


def test_a_packed_837_is_unpacked(knowledge: Knowledge, tmp_path: Path) -> None:
    plain = an_837(
        tmp_path / "plain.837", ("A", "11", [["SV1*HC:64493:RT*700*UN*1***1"], ["SV1*HC:64493:LT*700*UN*1***1"]])
    )
    packed = tmp_path / "in.837.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert (
        repaired(packed, tmp_path / "a.837", knowledge).claims.read_bytes()
        == repaired(plain, tmp_path / "b.837", knowledge).claims.read_bytes()
    )


# -- the call -------------------------------------------------------------------------------------------------------


def test_check_offers_it_and_leaves_the_input_alone(
    knowledge: Knowledge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "in.csv", [line("A", 1, "64493", "RT"), line("A", 2, "64493", "LT")])
    content = path.read_bytes()
    out = tmp_path / "out.csv"
    assert main(["check", str(path), "--repair", str(out)]) == 1
    assert path.read_bytes() == content
    assert "1 lines changed, 1 taken into another" in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.csv", "out.csv", "out.csv.changes.csv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("out.xlsx", "the ending .xlsx"), ("out.837", "repaired from one 837"), ("in.parquet", "over the input")],
)
def test_what_cannot_be_written_is_refused(name: str, said: str, knowledge: Knowledge, tmp_path: Path) -> None:
    path = written(tmp_path / "in.parquet", [line("A", 1, "64493", "RT")])
    before = sorted(one.name for one in tmp_path.iterdir())
    with pytest.raises(FacetwiseError, match=said):
        repaired(path, tmp_path / name, knowledge)
    assert sorted(one.name for one in tmp_path.iterdir()) == before
    assert pq.read_metadata(path).num_rows == 1
