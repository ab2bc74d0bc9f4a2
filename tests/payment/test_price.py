"""Prices of claims: the contract's example, the worked sums of the facts, each rule, every locality."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from facetwise.knowledge import Knowledge
from facetwise.payment import fees
from facetwise.payment.answer import Answer, Work
from facetwise.payment.price import Pricer
from facetwise.payment.request import Line, LocalityWish, Request
from facetwise.payment.rules import RuleBook
from facetwise.payment.share import shares

FACET = ("64490", "64491", "64492", "64493", "64494", "64495", "64633", "64634", "64635", "64636")
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def pricer(knowledge: Knowledge) -> Pricer:
    return Pricer(knowledge)


def line(text: str, number: int = 1, charge: str | None = None) -> Line:
    """ "64493-50 x2" with modifiers after hyphens and units after x."""
    words = text.split()
    code, *modifiers = words[0].split("-")
    units = int(words[1].removeprefix("x")) if len(words) > 1 else 1
    return Line(number, code, tuple(modifiers), units, Decimal(charge) if charge else None)


@pytest.fixture(scope="module")
def ask(pricer: Pricer) -> Ask:
    def price(*lines: str | Line, day: str = "2026-03-02", setting: str = "office", **more: Any) -> Answer:
        return pricer.price(
            Request(
                day=date.fromisoformat(day),
                setting=setting,
                claim=more.pop("claim", "professional"),
                lines=tuple(
                    one if isinstance(one, Line) else line(one, number) for number, one in enumerate(lines, start=1)
                ),
                **more,
            )
        )

    return price


def edits(answer: Answer) -> list[str]:
    return [one.edit for one in answer.findings if one.severity != "info"]


def amounts(answer: Answer) -> list[str | None]:
    return [one.allowed for one in answer.lines]


# -- the contract and the worked sums


def test_the_example_of_the_contract(ask: Ask) -> None:
    answer = ask("64493-50")
    [only] = answer.lines
    assert (only.base, only.allowed) == ("190.39", "285.59")
    assert [(one.rule, one.factor) for one in only.adjustments] == [("bilateral-150", "1.5")]
    assert {"mpfs-rvu26c", "precisionpractice-2015-08-11", "fcso-sequestration"} <= set(only.citations)
    assert (answer.allowed, answer.medicare_pays, answer.patient_pays) == ("285.59", "228.47", "57.12")
    assert answer.after_sequestration == "223.90"


@pytest.mark.parametrize(
    ("lines", "setting", "unrounded", "rounded", "allowed"),
    [
        (("64493-50", "64494-50"), "office", "429.37", "429.375", "429.38"),
        (("64493-50", "64494-50"), "asc", "187.88", "187.89", "187.89"),
        (("64635-50", "64636-50"), "office", "1074.67", "1074.675", "1074.68"),
        (("64635-50", "64636-50"), "hopd", "335.68", "335.685", "335.69"),
        (("64635-50", "64633"), "office", "926.87", "926.875", "926.88"),
        (("64635-50", "64633"), "hopd", "345.87", "345.87", "345.87"),
    ],
)
def test_worked_sums(
    knowledge: Knowledge, ask: Ask, lines: tuple[str, ...], setting: str, unrounded: str, rounded: str, allowed: str
) -> None:
    answer = ask(*lines, setting=setting)
    factors = [Decimal("1.5"), Decimal("0.5") if lines[1] == "64633" else Decimal("1.5")]
    place = "office" if setting == "office" else "facility"
    exact = from_rounded = Decimal(0)
    for text, factor in zip(lines, factors, strict=True):
        held = fees.national(knowledge.store, text[:5], date(2026, 3, 2), place)
        assert held is not None
        units = held[1].office if place == "office" else held[1].facility
        assert units is not None
        exact += (units.work + units.practice_expense + units.malpractice) * Decimal("33.4009") * factor
        from_rounded += held[0] * factor
    # Both ways of the facts; the answer rounds each fee, then each line.
    assert exact.quantize(Decimal("0.01")) == Decimal(unrounded)
    assert from_rounded == Decimal(rounded)
    assert answer.allowed == allowed
    assert edits(answer) == []


@pytest.mark.parametrize(("apm", "base"), [(True, "191.33"), (False, "190.39"), (None, "190.39")])
def test_both_conversion_factors(ask: Ask, apm: bool | None, base: str) -> None:
    answer = ask("64493", apm_participant=apm)
    assert answer.lines[0].base == base
    assert [one.severity for one in answer.findings] == (["info"] if apm is None else [])


@pytest.mark.parametrize(
    ("mac", "number", "office", "facility"),
    [("03102", "00", "185.49", "79.98"), ("13202", "01", "218.37", "91.84"), ("09102", "04", "203.12", "89.77")],
)
def test_three_localities_of_the_facts(ask: Ask, mac: str, number: str, office: str, facility: str) -> None:
    place = LocalityWish(mac=mac, locality=number)
    assert ask("64493", place=place).allowed == office
    assert ask("64493", place=place, setting="asc").allowed == facility


def test_every_locality_and_code_against_a_second_formula(knowledge: Knowledge, ask: Ask) -> None:
    """Whole numbers only: units in hundredths, indices in thousandths, the factor in ten-thousandths of a dollar."""
    root = knowledge.store.tables
    units = {
        record["code"]: record
        for _, record in root["fees/physician"].records(date(2026, 7, 1))
        if record["code"] in FACET
    }
    localities = [record for _, record in root["fees/gpci"].records(date(2026, 7, 1))]
    assert (len(localities), len(units)) == (109, 10)
    lines = [line(code, number) for number, code in enumerate(FACET, start=1)]
    for where in localities:
        wish = LocalityWish(mac=where["mac"], locality=where["locality"])
        for setting, column in (("office", "nf_pe"), ("asc", "f_pe")):
            # One claim a code, so that no line is ranked beside another.
            for one in lines:
                record = units[one.code]
                total = sum(
                    int(record[value] * 100) * int(where[index] * 1000)
                    for value, index in (("work", "work"), (column, "pe"), ("mp", "mp"))
                )
                scaled = total * 334009  # a cent is 10^7 of these
                cents = (scaled * 2 + 10**7) // (2 * 10**7)
                answer = ask(one, setting=setting, place=wish, day="2026-07-01")
                assert answer.lines[0].base == f"{cents // 100}.{cents % 100:02d}", (where["name"], one.code, setting)


def test_ohio_of_2020_is_priced_as_cms_printed_it(knowledge: Knowledge, ask: Ask) -> None:
    printed = {
        record["code"]: record
        for _, record in knowledge.store.tables["fees/ohio-2020"].records()
        if not record["modifier"]
    }
    for code in FACET:
        for setting, column in (("office", "nf_fee"), ("asc", "f_fee")):
            answer = ask(code, setting=setting, day="2020-07-01", place=LocalityWish(state="OH", hint=True))
            assert answer.allowed == str(printed[code][column])


# -- both sides


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        (("64493-50",), "285.59"),
        (("64493-RT", "64493-LT"), "285.59"),
        (("64493-RT-LT",), "285.59"),
        (("64493 x2",), "285.59"),
        (("64493-RT",), "190.39"),
        (("64636-50 x2",), "754.53"),
        (("64636-RT x2",), "503.02"),
        (("64636-RT x2", "64636-LT"), "628.78"),
        (("64636-RT x2", "64636-LT x2"), "754.53"),
        # Bilateral indicator 0: both sides are paid as one.
        (("20552-50",), "51.77"),
        (("20552-RT", "20552-LT"), "51.77"),
    ],
)
def test_both_sides(ask: Ask, lines: tuple[str, ...], allowed: str) -> None:
    assert ask(*lines).allowed == allowed


def test_the_side_with_fewer_units_is_the_second(ask: Ask) -> None:
    assert amounts(ask("64636-RT", "64636-LT x2")) == ["125.76", "503.02"]
    assert amounts(ask("64493-LT", "64493-RT")) == ["95.20", "190.39"]


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        ((line("64493-50", charge="200.00"),), "200.00"),
        ((line("64493-50", charge="300.00"),), "285.59"),
        ((line("64493-RT", 1, "100.00"), line("64493-LT", 2, "400.00")), "285.59"),
        ((line("64493-RT", 1, "100.00"), line("64493-LT", 2, "150.00")), "250.00"),
        ((line("64493", charge="150.00"),), "150.00"),
        # The lesser of charge and 150 percent is ranked and halved, as the bilateral step comes first.
        ((line("64635", 1), line("64493-50", 2, "200.00")), "564.94"),
    ],
)
def test_the_lesser_of_charge_and_fee(ask: Ask, lines: tuple[Line, ...], allowed: str) -> None:
    assert ask(*lines).allowed == allowed


def test_a_charge_before_the_rule_is_established_changes_nothing_and_says_so(ask: Ask) -> None:
    answer = ask(line("64493", charge="100.00"), day="2025-07-01")
    assert answer.allowed == "172.08"
    assert any("lower of charge" in one.message for one in answer.findings)


def test_both_sides_of_a_code_without_a_known_indicator_are_priced_once(ask: Ask) -> None:
    answer = ask("62321-50")
    assert answer.allowed == "276.56"
    assert edits(answer) == ["fact-not-established"]


# -- several procedures


def test_six_procedures_rank_by_fee_and_the_sixth_is_by_report(ask: Ask) -> None:
    answer = ask("20552", "64635-50", "64405", "64493", "64640", "62321", "64495")
    by_code = {one.code: one for one in answer.lines}
    assert by_code["64635"].allowed == "697.41"
    assert [by_code[code].allowed for code in ("62321", "64640", "64493", "64405")] == [
        "138.28",
        "133.77",
        "95.20",
        "39.42",
    ]
    assert by_code["20552"].allowed is None
    assert by_code["64495"].allowed == "98.87"
    assert by_code["62321"].adjustments[0].rule == "multiple-procedure-second-to-fifth"
    assert edits(answer) == ["not-priced"]


def test_both_sides_on_two_lines_rank_as_one_procedure(ask: Ask) -> None:
    one, two = ask("64635", "64493-50"), ask("64635", "64493-RT", "64493-LT")
    assert amounts(one) == ["464.94", "142.79"]
    # Two lines are rounded twice, which is a cent here.
    assert amounts(two) == ["464.94", "95.20", "47.60"]


def test_further_units_of_a_ranked_line_are_said_not_to_be_established(ask: Ask) -> None:
    answer = ask("64450-RT x3")
    assert (answer.allowed, edits(answer)) == ("242.49", ["fact-not-established"])


# -- who may not be paid, and what has no price


@pytest.mark.parametrize(
    ("text", "allowed", "finding"),
    [
        ("64635-80", "0.00", "assistant-not-paid"),
        ("64636-AS", "0.00", "assistant-not-paid"),
        ("64493-62", "0.00", "co-surgeon-not-paid"),
        ("64493-66", None, "not-priced"),
        ("64493-80", "30.46", None),
        ("64493-AS", "25.89", None),
        ("64493-52", None, "not-priced"),
        ("64493-53", None, "not-priced"),
        ("64493-22", "190.39", "fact-not-established"),
        ("64493-26", None, "not-priced"),
        ("64999", None, "not-priced"),
        ("J1010", None, "not-priced"),
        ("01992", None, "not-priced"),
        ("77003", "104.54", None),
        ("77003-26", "28.39", None),
        ("77003-TC", "76.15", None),
    ],
)
def test_what_is_refused_and_what_has_no_price(ask: Ask, text: str, allowed: str | None, finding: str | None) -> None:
    answer = ask(text)
    assert amounts(answer) == [allowed]
    assert edits(answer) == ([finding] if finding else [])
    assert answer.allowed == (allowed or "0.00")


def test_anesthesia_is_said_to_be_outside(ask: Ask) -> None:
    assert "Anesthesia" in ask("01992").findings[0].message


def test_a_code_not_paid_in_a_facility_points_at_the_part_that_is(ask: Ask) -> None:
    answer = ask("77003", setting="hopd")
    assert amounts(answer) == [None]
    assert answer.findings[0].fix.endswith("modifier 26.")
    assert ask("77003-26", setting="hopd").allowed == "28.39"


# -- who pays


@pytest.mark.parametrize(
    ("deductible", "patient", "medicare", "after"),
    [("0", "57.12", "228.47", "223.90"), ("100", "137.12", "148.47", "145.50"), ("1000", "285.59", "0.00", "0.00")],
)
def test_deductible_coinsurance_and_sequestration(
    ask: Ask, deductible: str, patient: str, medicare: str, after: str
) -> None:
    answer = ask("64493-50", deductible=Decimal(deductible))
    assert (answer.patient_pays, answer.medicare_pays, answer.after_sequestration) == (patient, medicare, after)


def test_the_contractors_example_of_sequestration(knowledge: Knowledge) -> None:
    work = Work(line("64493"), allowed=Decimal(100))
    share = shares([work], Decimal(50), RuleBook(knowledge.store, date(2026, 1, 1)))[1]
    assert (share.medicare, share.after_sequestration, share.patient) == (
        Decimal("40.00"),
        Decimal("39.20"),
        Decimal("60.00"),
    )


@pytest.mark.parametrize(
    ("day", "after"),
    [
        ("2013-04-01", "78.40"),
        ("2020-04-30", "78.40"),
        ("2020-05-01", "80.00"),
        ("2022-03-31", "80.00"),
        ("2022-04-01", "79.20"),
        ("2022-06-30", "79.20"),
        ("2022-07-01", "78.40"),
        ("2026-12-31", "78.40"),
    ],
)
def test_sequestration_was_suspended_and_came_back_in_two_steps(knowledge: Knowledge, day: str, after: str) -> None:
    work = Work(line("64493"), allowed=Decimal(100))
    share = shares([work], Decimal(0), RuleBook(knowledge.store, date.fromisoformat(day)))[1]
    assert (share.medicare, share.after_sequestration) == (Decimal("80.00"), Decimal(after))


def test_a_remittance_of_2017_adds_up_line_by_line(knowledge: Knowledge) -> None:
    book = RuleBook(knowledge.store, date(2017, 11, 15))
    paid = [
        record
        for _, record in knowledge.store.tables["prices/remittance-2017"].records()
        if record["allowed"] is not None
    ]
    assert len(paid) == 4
    for record in paid:
        work = Work(line(record["code"]), allowed=record["allowed"])
        share = shares([work], Decimal(0), book)[1]
        assert share.patient == record["pr2"]
        assert share.medicare - share.after_sequestration == record["co253"]
        assert share.after_sequestration == record["paid"]


def test_limiting_charge_and_fee_without_participation(ask: Ask) -> None:
    answer = ask("64493")
    assert (answer.non_participating, answer.limiting_charge) == ("180.87", "208.00")
    assert Decimal(answer.limiting_charge or "0") == (Decimal("190.39") * Decimal("1.0925")).quantize(Decimal("0.01"))
    assert ask("64493", day="2025-07-01").limiting_charge is None


# -- surgery center


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        (("64493",), "485.51"),
        (("64493-RT", "64493-LT"), "728.27"),
        (("64493-RT", "64494-RT", "64495-RT"), "485.51"),
        (("64635-RT", "64635-LT", "64493-RT"), "1665.75"),
        (("64493-73",), "242.76"),
        (("64635", "64493-73"), "1191.42"),
        (("64493-74",), "485.51"),
        (("64493 x2",), "728.27"),
        (("64640",), "197.04"),
    ],
)
def test_surgery_center(ask: Ask, lines: tuple[str, ...], allowed: str) -> None:
    assert ask(*lines, setting="asc", claim="facility").allowed == allowed


def test_surgery_center_rules_are_named_and_add_ons_packaged(ask: Ask) -> None:
    answer = ask("64493-RT", "64493-LT", "64494-50", setting="asc", claim="facility")
    assert amounts(answer) == ["485.51", "242.76", "0.00"]
    assert [[one.rule for one in each.adjustments] for each in answer.lines] == [
        [],
        ["asc-bilateral-second-line"],
        ["asc-packaged"],
    ]


def test_the_second_line_of_the_remittance_of_2017_is_half_of_the_first(knowledge: Knowledge) -> None:
    rows = {
        record["modifiers"]: record["allowed"]
        for _, record in knowledge.store.tables["prices/remittance-2017"].records(claim="f")
    }
    rule = RuleBook(knowledge.store, date(2017, 11, 15)).rule("asc-bilateral-second-line")
    assert rule is not None
    assert rows["LT", "51"] == rows[("RT",)] * rule.number


def test_wage_index_of_a_surgery_center(ask: Ask) -> None:
    answer = ask("64493-RT", "64493-LT", setting="asc", claim="facility", wage_index=Decimal("0.8539"))
    # 485.51 x (0.5 x 0.8539 + 0.5) = 450.0434...
    assert amounts(answer) == ["450.04", "225.02"]
    assert answer.wage_index == "0.8539"


def test_both_sides_on_one_line_are_refused_by_a_surgery_center(ask: Ask) -> None:
    answer = ask("64493-50", setting="asc", claim="facility")
    assert (answer.allowed, edits(answer), answer.findings[0].carc) == ("485.51", ["bilateral-reporting"], "4")


@pytest.mark.parametrize("code", ["64999", "27096", "99152"])
def test_codes_that_are_no_surgery_center_codes(ask: Ask, code: str) -> None:
    answer = ask(code, setting="asc", claim="facility")
    assert (amounts(answer), edits(answer)) == ([None], ["not-priced"])


# -- hospital


def test_hospital_gives_the_highest_rate_alone_without_status_indicators(ask: Ask) -> None:
    answer = ask("64493", "64635", "64636", setting="hopd", claim="facility")
    assert amounts(answer) == [None, "1765.76", None]
    assert set(edits(answer)) == {"fact-not-established"}
    assert ask("64493", setting="hopd", claim="facility", day="2026-10-05").allowed == "903.63"


def test_a_single_hospital_line(ask: Ask) -> None:
    answer = ask("64635", setting="hopd", claim="facility")
    assert (answer.allowed, edits(answer)) == ("1765.76", [])


# -- what comes with every answer


def test_every_line_names_its_release_and_its_steps(ask: Ask) -> None:
    [only] = ask("64493-50", place=LocalityWish(mac="15202", locality="00")).lines
    assert (only.release, only.evidence) == ("RVU26C", "inferred")
    assert only.steps[0].startswith("price-line: (work 1.48 x 1 + practice expense 4.08 x 0.913 + ")
    assert "gpci-2026" in only.citations
    assert len(set(only.citations)) == len(only.citations)


def test_no_line_is_an_answer_too(ask: Ask) -> None:
    answer = ask()
    assert (answer.allowed, answer.lines) == ("0.00", ())
    assert "not-priced" in {one.edit for one in answer.findings}


def test_another_payers_contract_is_not_established(ask: Ask) -> None:
    assert edits(ask("64493", payer="medicare")) == edits(ask("64493", payer="cgs")) == []
    assert edits(ask("64493", payer="aetna")) == ["fact-not-established"]


def test_more_units_than_a_day_allows_are_said(ask: Ask) -> None:
    assert edits(ask("64493-RT", "64493-LT")) == ["mue-exceeded"]
    assert edits(ask("64636-RT x4")) == []
    assert edits(ask("64636-RT x5")) == ["mue-exceeded"]


def test_the_tables_that_the_rules_name_hang_together(knowledge: Knowledge) -> None:
    tables = knowledge.store.tables
    rules = {record["rule"] for _, record in tables["fees/rules"].records()}
    called = {record["rule"] for _, record in tables["fees/treatments"].records() if record["rule"]}
    assert called <= rules
