"""Random claim lines, files of them, and a scalar reference of their prices, for the tests of set-wise pricing."""

from __future__ import annotations

import csv
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
from facetwise.payment.setwise import price_file
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


def scalar_claims(lines: list[Line], pricer: Any) -> dict[str, Any]:
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


def fails(knowledge: Knowledge, path: Path, out: Path, **options: Any) -> str:
    out.write_text("as before")
    with pytest.raises(FacetwiseError) as raised:
        price_file(path, out, knowledge.store, **options)
    assert out.read_text() == "as before"
    assert raised.value.exit_code == 2
    assert [one.name for one in out.parent.iterdir() if one.name.startswith(".")] == []
    return str(raised.value)
