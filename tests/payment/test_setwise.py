"""Set-wise prices against a scalar reference written apart, the scalar engine, the worked sums of the facts, CMS's prices."""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from facetwise.knowledge import Knowledge
from facetwise.payment import fees
from facetwise.payment.physician import NATIONAL, allowed
from facetwise.payment.setwise import Priced, is_setwise, price_file, run_setwise
from facetwise.problems import FacetwiseError

Line = dict[str, Any]

COLUMNS = (
    *("claim_id", "claim_line_number", "hcpcs_code"),
    *(f"hcpcs_modifier_{number}" for number in range(1, 6)),
    *("service_unit_quantity", "date_of_service", "place_of_service_code", "claim", "mac", "locality"),
    *("apm_participant", "charge_amount"),
)
SEED = 64493
RANKED = ("64490", "64493", "64633", "64635", "20552", "27096", "62321", "64450", "64625", "64640", "64483")
ADD_ONS = ("64491", "64492", "64494", "64495", "64634", "64636", "64480", "64484")
PARTS = ("77002", "77003", "77012", "95937")
OTHERS = ("99213", "99152", "99153", "64999", "0213T", "01992", "J3301", "ZZZZZ")
LOCALITIES = (("15202", "00"), ("03102", "00"), ("13202", "01"), ("02102", "01"), ("99999", "99"))
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def claims(count: int, seed: int = SEED, *, helpers: bool = True) -> list[Line]:
    """Random claims of one to eight lines until there are `count` lines; the same for the same seed.

    With `helpers` some lines are those of assistants or co-surgeons, or bear a modifier for less than the whole.
    """
    chance = random.Random(seed)
    lines: list[Line] = []
    while len(lines) < count:
        day = date(2020, 1, 1) + timedelta(chance.randrange(2557))
        place = chance.choice(("11", "11", "19", "22", "24"))
        facility = place == "24" and chance.random() < 0.5
        held = LOCALITIES if day.year == 2026 else LOCALITIES[:1] if day.year == 2020 else ()
        where = chance.choice(held) if held and chance.random() < 0.6 else ("", "")
        participant = chance.choice(("", "true", "false"))
        number = len(lines)
        for index in range(1, chance.choice((1, 2, 2, 3, 4, 5, 8)) + 1):
            code = chance.choice(chance.choice((RANKED, RANKED, RANKED, ADD_ONS, ADD_ONS, PARTS, OTHERS)))
            modifiers = list(chance.choice(((), (), ("50",), ("RT",), ("LT",), ("RT", "LT"), ("KX", "50"))))
            if code in PARTS:
                modifiers = list(chance.choice(((), ("26",), ("TC",))))
            modifiers += chance.choice(((), (), ("KX",), ("59",), ("51",)))
            if helpers:
                modifiers += chance.choice(((), (), (), (), (), (), ("80",), ("62",), ("52",), ("73",), ("AS",)))
            lines.append(
                {
                    "claim_id": f"C{number}",
                    "claim_line_number": index,
                    "hcpcs_code": code,
                    **{f"hcpcs_modifier_{n}": (modifiers + [""] * 5)[n - 1] for n in range(1, 6)},
                    "service_unit_quantity": chance.choice((1, 1, 1, 1, 2, 3)),
                    "date_of_service": day.isoformat(),
                    "place_of_service_code": place,
                    "claim": "facility" if facility else "professional",
                    "mac": where[0],
                    "locality": where[1],
                    "apm_participant": participant,
                    "charge_amount": "" if chance.random() < 0.6 else f"{chance.randrange(2000, 200000) / 100:.2f}",
                }
            )
    return lines


def write(file: Path, lines: Iterable[Line], columns: Iterable[str] = COLUMNS) -> Path:
    with file.open("w", newline="") as target:
        writer = csv.DictWriter(target, list(columns), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    return file


def read(file: Path) -> dict[tuple[str, str], Line]:
    with file.open(newline="") as source:
        return {(row["claim_id"], row["claim_line_number"]): row for row in csv.DictReader(source)}


def run(knowledge: Knowledge, directory: Path, lines: list[Line], **options: Any) -> dict[tuple[str, str], Line]:
    out = directory / "out.csv"
    priced = price_file(write(directory / "lines.csv", lines), out, knowledge.store, threads=2, **options)
    assert priced.lines == len(lines)
    return read(out)


def line(code: str, *modifiers: str, claim_id: Any = "a", number: Any = 1, units: Any = 1, **others: Any) -> Line:
    return {
        "claim_id": claim_id,
        "claim_line_number": number,
        "hcpcs_code": code,
        **{f"hcpcs_modifier_{n}": (list(modifiers) + [""] * 5)[n - 1] for n in range(1, 6)},
        "service_unit_quantity": units,
        "date_of_service": "2026-07-01",
        "place_of_service_code": "11",
    } | others


def sums(found: dict[tuple[str, str], Line]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for (claim_id, _), row in found.items():
        total[claim_id] += Decimal(row["allowed"] or 0)
    return total


class Reference:
    """The rules of cms.md 2.5, 2.6 and 3.2, written apart from the SQL and from the scalar engine.

    It prices a claim's lines without helpers or reductions and without charges; None where it does not answer.
    """

    def __init__(self, knowledge: Knowledge):
        self.store = knowledge.store
        self.fees: dict[tuple[str, str, str], Any] = {}
        self.indices: dict[str, dict[tuple[str, str], Any]] = {}

    def fee(self, one: Line) -> tuple[Decimal, dict[str, Any]] | None:
        day = date.fromisoformat(one["date_of_service"])
        marks = marked(one)
        part = next((mark for mark in marks if mark in ("26", "TC")), "")
        key = (one["hcpcs_code"], part, one["date_of_service"])
        if key not in self.fees:
            held = [
                fee
                for fee in [fees.fee(self.store, one["hcpcs_code"], day, part or None)]
                if fee is not None and (fee.record["modifier"] or "") == part
            ]
            self.fees[key] = held[0] if held else None
        found = self.fees[key]
        if found is None:
            return None
        units = found.office if one["place_of_service_code"] == "11" else found.facility
        if units is None:
            return None
        factors = {
            record["participation"]: record["value"]
            for _, record in self.store.tables[fees.CONVERSION].records(day, kind="pfs")
        }
        kind = "qualifying_apm" if one.get("apm_participant") == "true" else "non_qualifying_apm"
        gpci = NATIONAL
        if one.get("mac"):
            if one["date_of_service"] not in self.indices:
                self.indices[one["date_of_service"]] = {
                    (record["mac"], record["locality"]): gpci for _, record, gpci in fees.localities(self.store, day)
                }
            here = self.indices[one["date_of_service"]].get((one["mac"], one["locality"]))
            if here is None:
                return None
            gpci = here
        return allowed(units, factors.get(kind) or factors["all"], gpci), found.record

    def professional(self, lines: list[Line]) -> dict[int, Decimal | None]:
        amounts: dict[int, Decimal] = {}
        groups: dict[Any, list[int]] = defaultdict(list)
        records = {}
        for number, one in enumerate(lines):
            held = self.fee(one)
            if held is None:
                continue
            base, records[number] = held
            units, sides = int(one["service_unit_quantity"]), {"RT", "LT"} & set(marked(one))
            group: Any = number
            amounts[number] = base * units
            if records[number]["bilat"] in "01":
                more = Decimal("1.5") if records[number]["bilat"] == "1" else Decimal(1)
                if "50" in marked(one):
                    amounts[number] = base * units * more
                elif len(sides) == 2:
                    amounts[number] = base * max(more, more * units / 2)
                elif not sides and units == 2 and more > 1:
                    amounts[number] = base * more
                elif len(sides) == 1:
                    group = (one["hcpcs_code"], records[number]["modifier"], base)
            groups[group].append(number)
        alone: dict[Any, list[int]] = {}
        for group, numbers in groups.items():
            units_of = Counter[str]()
            for number in numbers if isinstance(group, tuple) else ():
                units_of[side(lines[number])] += int(lines[number]["service_unit_quantity"])
            if len(units_of) == 2:
                second = "RT" if units_of["RT"] < units_of["LT"] else "LT"
                share = Decimal("0.5") if records[numbers[0]]["bilat"] == "1" else Decimal(0)
                for number in numbers:
                    if side(lines[number]) == second:
                        amounts[number] *= share
            elif isinstance(group, tuple):
                alone.update({("alone", number): [number] for number in numbers})
                groups[group] = []
        ranked = sorted(
            (numbers for numbers in (groups | alone).values() if numbers and records[numbers[0]]["mult"] == "2"),
            # What a line says breaks a tie, never where it stands.
            key=lambda numbers: (-sum(amounts[n] for n in numbers), min(said(lines[n]) for n in numbers)),
        )
        answer: dict[int, Decimal | None] = {number: amounts.get(number) for number in range(len(lines))}
        for place, numbers in enumerate(ranked):
            for number in numbers:
                factor = None if place > 4 else Decimal("0.5") if place else Decimal(1)
                answer[number] = None if factor is None else amounts[number] * factor
        return {number: None if amount is None else cents(amount) for number, amount in answer.items()}

    def center(self, lines: list[Line]) -> dict[int, Decimal | None]:
        answer: dict[int, Decimal | None] = {}
        ranked: list[tuple[Decimal, int]] = []
        day = date.fromisoformat(lines[0]["date_of_service"])
        for number, one in enumerate(lines):
            held = fees.surgery_center(self.store, one["hcpcs_code"], day)
            units = int(one["service_unit_quantity"])
            if held is None or not held.indicator:
                answer[number] = None
            elif held.indicator == "N1":
                answer[number] = Decimal(0)
            elif held.record["multiple_discount"] == "Y" and held.rate is not None:
                ranked.append((held.rate, number))
            else:
                answer[number] = None if held.rate is None else held.rate * units
        # The highest rate is paid in full and each other, further units among them, by half.
        ranked.sort(key=lambda one: (-one[0], second_side(lines, one[1]), said(lines[one[1]])))
        for place, (rate, number) in enumerate(ranked):
            units = int(lines[number]["service_unit_quantity"])
            answer[number] = cents(
                rate * ((Decimal(1) if place == 0 else Decimal("0.5")) + (units - 1) * Decimal("0.5"))
            )
        return answer


def marked(one: Line) -> list[str]:
    return [one[f"hcpcs_modifier_{number}"] for number in range(1, 6) if one[f"hcpcs_modifier_{number}"]]


def said(one: Line) -> tuple[str, list[str], int, int]:
    return (
        one["hcpcs_code"],
        sorted(marked(one)),
        -int(one["service_unit_quantity"]),
        int(one["claim_line_number"]),
    )


def side(one: Line) -> str:
    return "RT" if "RT" in marked(one) else "LT"


def by_claim(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for one in lines:
        found[one["claim_id"]].append(one)
    return found


def second_side(lines: list[Line], number: int) -> bool:
    """Whether a line names one side and other lines of its code more units, or as many and it the left, of the other."""
    mine = lines[number]
    named = [
        one for one in lines if one["hcpcs_code"] == mine["hcpcs_code"] and len({"RT", "LT"} & set(marked(one))) == 1
    ]
    units = {
        mark: sum(int(one["service_unit_quantity"]) for one in named if side(one) == mark) for mark in ("RT", "LT")
    }
    return mine in named and all(units.values()) and side(mine) == ("RT" if units["RT"] < units["LT"] else "LT")


def money(row: Line) -> Decimal | None:
    return Decimal(row["allowed"]) if row["allowed"] else None


@pytest.fixture(scope="module")
def many() -> list[Line]:
    return claims(20_000)


@pytest.fixture(scope="module")
def answered(
    knowledge: Knowledge, many: list[Line], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Line]:
    return run(knowledge, tmp_path_factory.mktemp("many"), many)


def test_equal_to_the_reference_to_the_cent(knowledge: Knowledge, tmp_path: Path) -> None:
    plain = [one | {"charge_amount": ""} for one in claims(20_000, helpers=False)]
    found, reference, checked = run(knowledge, tmp_path, plain), Reference(knowledge), 0
    for claim_id, lines in by_claim(plain).items():
        price = reference.center if lines[0]["claim"] == "facility" else reference.professional
        expected = price(lines)
        got = {number: money(found[claim_id, str(one["claim_line_number"])]) for number, one in enumerate(lines)}
        assert got == expected, claim_id
        checked += sum(amount is not None for amount in expected.values())
    assert checked > 12_000


def _scalar_claims(lines: list[Line], pricer: Any) -> dict[str, Any]:
    """Price a claim with the scalar engine; lines that it refuses to look at (no such code) are left out."""
    from facetwise.payment import request

    def ask(some: list[Line]) -> dict[str, Any]:
        first = some[0]
        answer = pricer.price(
            request.Request(
                day=date.fromisoformat(first["date_of_service"]),
                setting={"11": "office", "24": "asc"}.get(first["place_of_service_code"], "hopd"),
                claim=first["claim"],
                lines=tuple(
                    request.Line(
                        one["claim_line_number"],
                        one["hcpcs_code"],
                        tuple(marked(one)),
                        one["service_unit_quantity"],
                        Decimal(one["charge_amount"]) if one["charge_amount"] else None,
                    )
                    for one in some
                ),
                place=request.LocalityWish(first["mac"], first["locality"]) if first["mac"] else None,
                apm_participant={"true": True, "false": False}.get(first["apm_participant"]),
            )
        )
        return {str(one.line): one for one in answer.lines}

    def alone(one: Line) -> bool:
        try:
            ask([one])
        except FacetwiseError:
            return False
        return True

    try:
        return ask(lines)
    except FacetwiseError:
        rest = [one for one in lines if alone(one)]
        return ask(rest) if rest else {}


def test_equal_to_the_scalar_engine_to_the_cent(
    knowledge: Knowledge, many: list[Line], answered: dict[tuple[str, str], Line]
) -> None:
    price = pytest.importorskip("facetwise.payment.price")
    pricer, checked = price.Pricer(knowledge), 0
    for claim_id, lines in by_claim(many).items():
        expected = _scalar_claims(lines, pricer)
        for one in lines:
            number = str(one["claim_line_number"])
            row, want = answered[claim_id, number], expected.get(number)
            for name in ("allowed", "medicare_pays", "patient_pays", "after_sequestration"):
                amount = getattr(want, name) if want else None
                assert (row[name] or None) == amount, (claim_id, number, name, lines)
            if want and want.allowed is not None and not row["finding"]:
                assert row["base"] == want.base
                assert row["release"] == want.release
                checked += 1
            assert bool(row["finding"]) >= (row["allowed"] == "")
    assert checked > 9_000


def test_the_order_of_the_lines_does_not_matter(
    knowledge: Knowledge, many: list[Line], answered: dict[tuple[str, str], Line], tmp_path: Path
) -> None:
    shuffled = list(many)
    random.Random(SEED).shuffle(shuffled)
    assert run(knowledge, tmp_path, shuffled) == answered


def test_where_a_file_is_split_does_not_matter_while_claims_stay_whole(
    knowledge: Knowledge, many: list[Line], answered: dict[tuple[str, str], Line], tmp_path: Path
) -> None:
    parts: list[list[Line]] = [[], [], []]
    for number, lines in enumerate(by_claim(many).values()):
        parts[number % 3] += lines
    found: dict[tuple[str, str], Line] = {}
    for part in parts:
        found |= run(knowledge, tmp_path, part)
    assert found == answered


def test_every_line_comes_out_once_and_is_priced_or_says_why(
    many: list[Line], answered: dict[tuple[str, str], Line]
) -> None:
    assert sorted(answered) == sorted((one["claim_id"], str(one["claim_line_number"])) for one in many)
    for row in answered.values():
        assert (row["allowed"] == "") <= (row["finding"] != "")
        if row["allowed"] and not row["finding"] and "lower-of-charge" not in row["rules"]:
            exact = Decimal(row["base"]) * Decimal(row["quantity"]) * Decimal(row["share"]) * Decimal(row["factor"])
            assert cents(exact) == Decimal(row["allowed"])
        if row["allowed"]:
            assert Decimal(row["medicare_pays"]) + Decimal(row["patient_pays"]) == Decimal(row["allowed"])


def test_a_further_unit_never_lowers_a_price(knowledge: Knowledge, tmp_path: Path) -> None:
    lines = [
        line(code, *modifiers, claim_id=f"{code} {modifiers} {units}", units=units, **place)
        for code in ("64493", "64494", "64636", "20552", "64450")
        for modifiers in ((), ("50",), ("RT",), ("RT", "LT"))
        for place in ({}, {"place_of_service_code": "24", "claim": "facility", "date_of_service": "2026-07-02"})
        for units in (1, 2, 3, 4)
    ]
    for one in lines:
        one["claim_id"] += one["date_of_service"]
    total = sums(run(knowledge, tmp_path, lines))
    for one in lines:
        more = total.get(
            one["claim_id"].replace(f") {one['service_unit_quantity']}2", f") {one['service_unit_quantity'] + 1}2")
        )
        assert more is None or more >= total[one["claim_id"]]


# Of cms.md 2.6 and 3.2: the lines, the sum in an office and that in a facility (or in the center).
WORKED: tuple[Any, ...] = (
    ([("64493", "50"), ("64494", "50")], "429.38", "187.89"),
    ([("64635", "50"), ("64636", "50")], "1074.68", "335.69"),
    ([("64635", "50"), ("64633",)], "926.88", "345.87"),
    ([("64635", "RT"), ("64635", "LT"), ("64633",)], "926.88", "345.87"),
)


def test_worked_sums(knowledge: Knowledge, tmp_path: Path) -> None:
    lines = []
    for index, (entries, _, _) in enumerate(WORKED):
        for place in ("11", "22"):
            for number, (code, *modifiers) in enumerate(entries, start=1):
                claim_id = f"{index} {place}"
                lines.append(line(code, *modifiers, claim_id=claim_id, number=number, place_of_service_code=place))
    center = {"place_of_service_code": "24", "claim": "facility", "claim_id": "center"}
    lines += [line("64493", "RT", **center), line("64493", "LT", number=2, **center)]
    lines += [line("64494", "RT", number=3, **center), line("64494", "LT", number=4, **center)]
    total = sums(run(knowledge, tmp_path, lines))
    for index, (_, office, facility) in enumerate(WORKED):
        # Each line is rounded once, so a sum of two half cents lies up to one cent above the sum in half cents.
        assert abs(total[f"{index} 11"] - Decimal(office)) <= CENT
        assert abs(total[f"{index} 22"] - Decimal(facility)) <= CENT
    assert total["center"] == Decimal("728.27")


def test_prices_that_cms_printed_for_ohio(knowledge: Knowledge, tmp_path: Path) -> None:
    table = knowledge.store.tables["fees/ohio-2020"]
    printed = [record for _, record in table.records() if record["status"] == "A"]
    lines = [
        line(
            record["code"],
            *([record["modifier"]] if record["modifier"] else []),
            claim_id=f"{number} {place}",
            date_of_service="2020-06-30",
            place_of_service_code=place,
            mac=record["carrier"],
            locality=record["locality"],
        )
        for number, record in enumerate(printed)
        for place in ("11", "22")
    ]
    checked = 0
    for (claim_id, _), row in run(knowledge, tmp_path, lines).items():
        number, place = claim_id.split()
        if row["allowed"]:
            assert Decimal(row["allowed"]) == printed[int(number)]["nf_fee" if place == "11" else "f_fee"]
            checked += 1
    assert checked >= 40


def test_shares_as_on_the_real_remittance(knowledge: Knowledge, tmp_path: Path) -> None:
    """Coinsurance 20 % of what is allowed, 2 % of the rest withheld; the second side half (cms.md, remittance 2017)."""
    center = {"place_of_service_code": "24", "claim": "facility"}
    found = run(knowledge, tmp_path, [line("64483", "RT", **center), line("64483", "LT", number=2, **center)])
    first, second = (found["a", number] for number in ("1", "2"))
    if Decimal(first["allowed"]) < Decimal(second["allowed"]):
        first, second = second, first
    for row in (first, second):
        amount = Decimal(row["allowed"])
        assert Decimal(row["patient_pays"]) == cents(amount * Decimal("0.2"))
        withheld = Decimal(row["medicare_pays"]) - Decimal(row["after_sequestration"])
        assert withheld == cents(Decimal(row["medicare_pays"]) * Decimal("0.02"))
    assert cents(Decimal(first["allowed"]) / 2) == Decimal(second["allowed"])
    assert second["rules"] == "asc-wage-share asc-bilateral-second-line"


BAD = (
    ({"claim_id": ""}, "claim-id-missing", ""),
    ({"hcpcs_code": ""}, "code-missing", ""),
    ({"date_of_service": "02/03/2026"}, "date-unreadable", "02/03/2026"),
    ({"service_unit_quantity": "0"}, "units-unreadable", "0"),
    ({"service_unit_quantity": "1.5"}, "units-unreadable", "1.5"),
    ({"service_unit_quantity": "one"}, "units-unreadable", "one"),
    ({"service_unit_quantity": "999999999"}, "units-unreadable", "999999999"),
    ({"claim": "dental"}, "claim-unknown", "dental"),
    ({"charge_amount": "$12"}, "charge-unreadable", "$12"),
    ({"charge_amount": "-1"}, "charge-unreadable", "-1"),
    ({"apm_participant": "perhaps"}, "participation-unreadable", "perhaps"),
    ({"wage_index": "high"}, "wage-index-unreadable", "high"),
    ({"place_of_service_code": "81"}, "place-unknown", "81"),
    ({"setting": "asc"}, "place-unknown", "11 asc"),
    ({"date_of_service": "1999-01-01"}, "release-missing", "1999-01-01"),
    ({"hcpcs_code": "99999"}, "code-not-held", "99999"),
    ({"hcpcs_code": "64999"}, "status-not-priced", "C"),
    ({"hcpcs_code": "77003", "place_of_service_code": "22"}, "not-paid-in-setting", ""),
    ({"mac": "15202", "locality": "99"}, "locality-not-held", "15202-99"),
    ({"state": "CA"}, "several-localities", "CA"),
    ({"state": "VA"}, "several-localities", "VA"),
    ({"zip": "45014"}, "locality-not-held", "45014"),
    ({"hcpcs_modifier_1": "52"}, "share-not-established", "52"),
    ({"hcpcs_modifier_1": "66"}, "share-not-established", "team"),
    ({"hcpcs_code": "64635", "hcpcs_modifier_1": "80"}, "assistant-not-paid", ""),
    ({"claim": "facility"}, "no-facility-payment", "office"),
    ({"claim": "facility", "place_of_service_code": "22"}, "hospital-not-priced", ""),
    ({"claim": "facility", "place_of_service_code": "24", "hcpcs_code": "64999"}, "not-on-the-center-list", "64999"),
    ({"claim": "facility", "place_of_service_code": "24", "cbsa": "17140"}, "wage-index-not-held", "17140"),
)


def test_what_has_no_price_stays_with_its_reason(knowledge: Knowledge, tmp_path: Path) -> None:
    lines = [
        line("64493", number=number) | {"claim_id": f"C{number}"} | more for number, (more, _, _) in enumerate(BAD)
    ]
    out = tmp_path / "out.csv"
    columns = (*COLUMNS, "setting", "state", "zip", "wage_index", "cbsa")
    priced = price_file(write(tmp_path / "lines.csv", lines, columns), out, knowledge.store)
    found = {int(number): row for (_, number), row in read(out).items()}
    for number, (_, finding, what) in enumerate(BAD):
        assert (found[number]["finding"], found[number]["found"]) == (finding, what), BAD[number]
        assert found[number]["allowed"] == ("0.00" if finding.endswith("-not-paid") else "")
    assert priced.lines == len(BAD)
    assert priced.priced == 1
    assert sum(priced.findings.values()) == len(BAD)


def test_one_locality_of_a_state_and_spelling_of_the_input(knowledge: Knowledge, tmp_path: Path) -> None:
    lines = [
        line("64493", state="oh", claim_id="state"),
        line("64493", mac="15202", locality="00", claim_id="locality"),
        line(" 64493 ", "rt ", claim_id="blanks", units="1.0", claim="Professional"),
    ]
    write(tmp_path / "lines.csv", lines, (*COLUMNS, "state"))
    price_file(tmp_path / "lines.csv", tmp_path / "out.csv", knowledge.store)
    total = sums(read(tmp_path / "out.csv"))
    assert total["state"] == total["locality"] != total["blanks"] == Decimal("190.39")


def test_parquet_and_csv_say_the_same(
    knowledge: Knowledge, many: list[Line], answered: dict[tuple[str, str], Line], tmp_path: Path
) -> None:
    import duckdb

    connection = duckdb.connect()
    text = connection.read_csv(str(write(tmp_path / "lines.csv", many)), header=True, all_varchar=True)
    text.create_view("text_lines")
    connection.execute(
        "CREATE TABLE typed AS SELECT * REPLACE (CAST(claim_line_number AS INTEGER) AS claim_line_number, "
        "CAST(service_unit_quantity AS DOUBLE) AS service_unit_quantity, CAST(date_of_service AS DATE) AS date_of_service, "
        "CAST(apm_participant AS BOOLEAN) AS apm_participant, CAST(charge_amount AS DECIMAL(12, 2)) AS charge_amount) "
        "FROM text_lines"
    )
    connection.table("typed").write_parquet(str(tmp_path / "lines.parquet"))
    out = tmp_path / "out.parquet"
    priced = price_file(tmp_path / "lines.parquet", out, knowledge.store)
    relation = connection.read_parquet(str(out))
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    assert not {"DOUBLE", "FLOAT"} & set(kinds.values())
    for name in ("base", "allowed", "medicare_pays", "patient_pays", "after_sequestration"):
        assert kinds[name] == "DECIMAL(12,2)"
    relation.write_csv(str(tmp_path / "again.csv"))
    assert read(tmp_path / "again.csv") == answered
    assert priced.lines == len(many)
    assert priced.allowed == sum(Decimal(row["allowed"] or 0) for row in answered.values())
    assert sum(priced.findings.values()) == sum(bool(row["finding"]) for row in answered.values())


def _fails(knowledge: Knowledge, path: Path, out: Path, **options: Any) -> str:
    out.write_text("as before")
    with pytest.raises(FacetwiseError) as raised:
        price_file(path, out, knowledge.store, **options)
    assert out.read_text() == "as before"
    assert raised.value.exit_code == 2
    assert [one.name for one in out.parent.iterdir() if one.name.startswith(".")] == []
    return str(raised.value)


def test_errors_are_plain_and_leave_what_was_there(knowledge: Knowledge, tmp_path: Path) -> None:
    out, good = tmp_path / "out.csv", write(tmp_path / "good.csv", [line("64493")])
    assert "no column service_unit_quantity" in _fails(knowledge, write(tmp_path / "a.csv", [], ("claim_id",)), out)
    slip = [name.replace("modifier_1", "modifer_1") for name in COLUMNS]
    assert "did you mean 'hcpcs_modifier_1'" in _fails(knowledge, write(tmp_path / "b.csv", [], slip), out)
    broken = tmp_path / "c.parquet"
    broken.write_bytes(b"PAR1 cut short")
    assert "a whole PARQUET file" in _fails(knowledge, broken, out)
    page = tmp_path / "d.csv"
    page.write_text("<html>\n<body>503</body>\n</html>\n")
    assert "no column claim_id" in _fails(knowledge, page, out)
    latin = tmp_path / "e.csv"
    latin.write_bytes(good.read_bytes() + b"caf\xe9" + b"," * (len(COLUMNS) - 1) + b"\n")
    assert "it cannot be read" in _fails(knowledge, latin, out)
    ragged = tmp_path / "f.csv"
    ragged.write_text(good.read_text() + "a,b\n")
    assert "it cannot be read" in _fails(knowledge, ragged, out)
    assert "there is no such file" in _fails(knowledge, tmp_path / "none.csv", out)
    assert "written over the lines" in str(_raised(knowledge, good, good))
    assert "the ending .txt" in str(_raised(knowledge, good, tmp_path / "out.txt"))
    assert "no directory" in str(_raised(knowledge, good, tmp_path / "none" / "out.csv"))
    assert "memory limit 'much'" in _fails(knowledge, good, out, memory_limit="much")
    assert "threads -1" in _fails(knowledge, good, out, threads=-1)
    assert "the option --setting" in _fails(knowledge, good, out, defaults={"setting": "asc"})
    assert "too little" in _fails(knowledge, good, out, memory_limit="1MB")


def _raised(knowledge: Knowledge, path: Path, out: Path) -> FacetwiseError:
    with pytest.raises(FacetwiseError) as raised:
        price_file(path, out, knowledge.store)
    return raised.value


def test_an_empty_file_is_no_error(knowledge: Knowledge, tmp_path: Path) -> None:
    assert run(knowledge, tmp_path, []) == {}


def test_other_columns_and_options_for_the_whole_file(knowledge: Knowledge, tmp_path: Path) -> None:
    first = ("claim_id", "claim_line_number", "hcpcs_code", "service_unit_quantity", "claim_line_start_date", "payer")
    columns = (*first, "claim_type", "hcpcs_modifier_1", "diagnosis_code_1")
    lines = [line("64493", claim_line_start_date="2026-03-02", claim_type="institutional")]
    defaults = {"setting": "asc"}
    path, out = write(tmp_path / "lines.csv", lines, columns), tmp_path / "out.csv"
    price_file(path, out, knowledge.store, defaults=defaults)
    assert read(out)["a", "1"]["allowed"] == "485.51"


def test_the_command_prints_one_document_and_tells_on_standard_error(
    knowledge: Knowledge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line("64493", "50"), line("64999", number=2)]
    options = argparse.Namespace(
        lines=str(write(tmp_path / "lines.csv", lines)),
        output=str(tmp_path / "out.parquet"),
        knowledge=[],
        format="json",
    )
    assert is_setwise(options.lines)
    assert not is_setwise("claim.json")
    assert run_setwise(options) == 0
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert (answer["lines"], answer["priced"], answer["allowed"]) == (2, 1, "285.59")
    assert answer["findings"] == {"status-not-priced": 1}
    assert "1 of 2 lines priced" in shown.err
    options.output = None
    with pytest.raises(FacetwiseError, match="-o FILE"):
        run_setwise(options)


def test_progress_is_told_by_step(knowledge: Knowledge, tmp_path: Path, many: list[Line]) -> None:
    told: list[tuple[str, float]] = []
    run(knowledge, tmp_path, many[:50], progress=lambda step, percent: told.append((step, percent)))
    assert [step for step, percent in told if percent == 0][:3] == ["reading", "pricing", "writing"]
    assert told[-1] == ("done", 100.0)
    assert all(0 <= percent <= 100 for _, percent in told)


def _catalog(file: Path) -> None:
    """A catalog with invented numbers: two quarters of fees, one with both participations, and all that prices read."""
    import duckdb

    from facetwise.catalog import schema

    with duckdb.connect(str(file)) as connection:
        for statement in schema.statements():
            connection.execute(statement)
        kinds = (
            ("physician_fee", "RVU26A", "2026-01-01", "2026-06-30"),
            ("physician_fee", "RVU26C", "2026-07-01", "2026-12-31"),
            ("gpci", "GPCI2026", "2026-01-01", "2026-12-31"),
            ("zip_locality", "ZIP5 2026", "2026-01-01", "2026-12-31"),
            ("opps_cap", "OPPSCAP", "2026-01-01", "2026-12-31"),
            ("asc_aa", "AA 2026", "2026-01-01", "2026-12-31"),
            ("asc_bb", "BB 2026", "2026-01-01", "2026-12-31"),
            ("asc_ee", "EE 2026", "2026-01-01", "2026-12-31"),
            ("asc_wage_index", "WI 2026", "2026-01-01", "2026-12-31"),
        )
        for number, (kind, release, first, last) in enumerate(kinds, start=1):
            connection.execute(
                "INSERT INTO manifest (id, kind, release, effective_from, effective_to) VALUES (?, ?, ?, ?, ?)",
                [number, kind, release, first, last],
            )
        fee = (
            "INSERT INTO physician_fee (release_id, code, modifier, status, work, nf_pe, nf_na, f_pe, f_na, mp, "
            "global_days, mult, bilat, asst, co, team, conversion_factor, participation, cap_nf_pe, cap_f_pe, cap_mp) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        plain = ["0", "2", "0", "0"]
        for number, whose, factor in (
            (1, "non_qualifying_apm", "30"),
            (2, "non_qualifying_apm", "31"),
            (2, "qualifying_apm", "32"),
        ):
            rows = (
                ["90001", "", "A", "1.01", "2.02", False, "0.53", False, "0.17", "000", "2", "1", "2", "0", "0"],
                ["90002", "", "A", "2.05", "3.33", False, "1.11", False, "0.19", "000", "2", "1", "1", "1", "0"],
                ["90003", "TC", "A", "0", "9.99", False, "9.99", True, "0.11", "XXX", "0", *plain],
                ["90004", "", "A", "0.50", "8.00", False, "8.00", False, "0.50", "XXX", "0", *plain],
                ["90005", "", "R", "1", "1", False, "1", False, "1", "XXX", "0", *plain],
            )
            for row in rows:
                cap = ["3.07", "3.07", "0.07"] if row[0] == "90004" else ["0", "0", "0"]
                connection.execute(fee, [number, *row, factor, whose, *cap])
        for mac, locality, state, name, *indices in (
            ("10000", "01", "OH", "OHIO", "1.013", "0.977", "1.111"),
            ("10000", "02", "KY", "KENTUCKY", "0.987", "0.911", "0.853"),
            ("10000", "03", "KY", "REST OF KENTUCKY", "0.999", "0.899", "0.777"),
        ):
            connection.execute(
                "INSERT INTO gpci VALUES (3, ?, ?, ?, ?, ?, ?, ?)", [mac, locality, state, name, *indices]
            )
        for zip_code, locality, plus_four in (("45014", "01", False), ("41011", "02", True)):
            connection.execute(
                "INSERT INTO zip_locality (release_id, zip, mac, locality, plus_four) VALUES (4, ?, '10000', ?, ?)",
                [zip_code, locality, plus_four],
            )
        connection.execute("INSERT INTO opps_cap VALUES (5, '90003', 'TC', 'A', '10000', '01', 77.77, 88.88)")
        for number, addendum, code, indicator, discounted, rate in (
            (6, "AA", "90001", "G2", True, "401.37"),
            (6, "AA", "90002", "G2", True, "777.79"),
            (6, "AA", "90003", "N1", False, None),
            (7, "BB", "90005", "K2", None, "0.13"),
        ):
            connection.execute(
                "INSERT INTO asc_rate VALUES (?, ?, ?, ?, ?, NULL, ?)",
                [number, addendum, code, indicator, discounted, rate],
            )
        connection.execute("INSERT INTO asc_excluded VALUES (8, '90004')")
        connection.execute("INSERT INTO asc_wage_index VALUES (9, '17140', 'Somewhere', 0.9137)")


def test_the_catalog_comes_first_and_the_knowledge_where_it_is_silent(knowledge: Knowledge, tmp_path: Path) -> None:
    _catalog(tmp_path / "catalog.duckdb")
    center = {"place_of_service_code": "24", "claim": "facility"}
    lines = [
        line("90001", claim_id="first half", date_of_service="2026-02-02"),
        line("90001", claim_id="second half"),
        line("90001", claim_id="participant", apm_participant="true"),
        line("90001", claim_id="participant, not loaded", date_of_service="2026-02-02", apm_participant="true"),
        line("90001", claim_id="zip", zip="45014-1234"),
        line("90001", claim_id="locality", mac="10000", locality="01"),
        line("90001", claim_id="zip of nine", zip="41011"),
        line("90001", claim_id="two localities", state="KY"),
        line("90003", "TC", claim_id="cap", mac="10000", locality="01"),
        line("90004", claim_id="cap by units"),
        line("90005", claim_id="restricted"),
        line("64493", claim_id="not in the release"),
        line("64493", claim_id="the year before", date_of_service="2025-07-01"),
        line("90002", "RT", claim_id="center", **center),
        line("90001", claim_id="center", number=2, **center),
        line("90003", claim_id="center", number=3, **center),
        line("90005", claim_id="center", number=4, units=10, **center),
        line("90002", claim_id="wage", cbsa="17140", **center),
        line("90004", claim_id="excluded", **center),
    ]
    out = tmp_path / "out.csv"
    write(tmp_path / "lines.csv", lines, (*COLUMNS, "zip", "state", "cbsa"))
    price_file(tmp_path / "lines.csv", out, knowledge.store, catalog=tmp_path / "catalog.duckdb")
    found = read(out)

    def got(claim_id: str, number: int = 1) -> str:
        row = found[claim_id, str(number)]
        return str(row["allowed"] or row["finding"])

    total = Decimal("1.01") + Decimal("2.02") + Decimal("0.17")
    assert got("first half") == str(cents(total * 30))
    assert got("second half") == str(cents(total * 31))
    assert got("participant") == str(cents(total * 32))
    assert got("participant, not loaded") == str(cents(total * Decimal("33.5675")))
    ohio = Decimal("1.01") * Decimal("1.013") + Decimal("2.02") * Decimal("0.977") + Decimal("0.17") * Decimal("1.111")
    assert got("zip") == got("locality") == str(cents(ohio * 31))
    assert got("zip of nine") == got("two localities") == "several-localities"
    assert got("cap") == "88.88"
    assert found["cap", "1"]["rules"] == "price-line opps-cap"
    assert got("cap by units") == str(cents((Decimal("0.50") + Decimal("3.07") + Decimal("0.07")) * 31))
    assert got("restricted") == "93.00"
    assert got("not in the release") == "code-not-held"
    assert got("the year before") == "172.08"
    assert [got("center", number) for number in (1, 2, 3, 4)] == ["777.79", "200.69", "0.00", "1.30"]
    assert got("wage") == str(cents(Decimal("777.79") * (Decimal("0.9137") / 2 + Decimal("0.5"))))
    assert got("excluded") == "not-on-the-center-list"
    assert found["second half", "1"]["release"] == "RVU26C"
    assert found["the year before", "1"]["release"] == "RVU25D"


def test_fees_finer_than_published_are_refused(knowledge: Knowledge, tmp_path: Path) -> None:
    import duckdb

    _catalog(tmp_path / "catalog.duckdb")
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as connection:
        connection.execute("UPDATE physician_fee SET work = 1.0101 WHERE code = '90001'")
    path = write(tmp_path / "lines.csv", [line("90001")])
    assert "90001" in _fails(knowledge, path, tmp_path / "out.csv", catalog=tmp_path / "catalog.duckdb")
    (tmp_path / "broken.duckdb").write_bytes(b"no database")
    assert "catalog cannot be opened" in _fails(
        knowledge, path, tmp_path / "out.csv", catalog=tmp_path / "broken.duckdb"
    )


def test_priced_as_a_record() -> None:
    record = Priced(3, 2, Decimal("10"), 0.1, {"code-not-held": 1}).as_record()
    assert record == {
        "lines": 3,
        "priced": 2,
        "not_priced": 1,
        "allowed": "10.00",
        "findings": {"code-not-held": 1},
    }
