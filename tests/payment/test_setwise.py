"""Set-wise prices against a scalar reference written apart, the scalar engine, the worked sums of the facts, CMS's prices."""

from __future__ import annotations

import argparse
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from facetwise.knowledge import Knowledge
from facetwise.payment.setwise import Priced, is_setwise, price_file, run_setwise
from facetwise.problems import FacetwiseError
from setwise_lines import (
    CENT,
    COLUMNS,
    SEED,
    Line,
    Reference,
    by_claim,
    cents,
    claims,
    fails,
    line,
    money,
    read,
    run,
    scalar_claims,
    sums,
    write,
)


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


def test_equal_to_the_scalar_engine_to_the_cent(
    knowledge: Knowledge, many: list[Line], answered: dict[tuple[str, str], Line]
) -> None:
    price = pytest.importorskip("facetwise.payment.price")
    pricer, checked = price.Pricer(knowledge), 0
    for claim_id, lines in by_claim(many).items():
        expected = scalar_claims(lines, pricer)
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
    places: tuple[dict[str, str], ...] = ({}, {"place_of_service_code": "24", "claim": "facility"})
    lines = [
        line(
            code,
            *modifiers,
            claim_id=f"{code} {' '.join(modifiers)} {where.get('claim')}/{units}",
            units=units,
            **where,
        )
        for code in ("64493", "64494", "64636", "20552", "64450")
        for modifiers in ((), ("50",), ("RT",), ("RT", "LT"))
        for where in places
        for units in (1, 2, 3, 4)
    ]
    total = sums(run(knowledge, tmp_path, lines))
    for claim_id, amount in total.items():
        name, _, units = claim_id.partition("/")
        assert total.get(f"{name}/{int(units) + 1}", amount) >= amount


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


def test_errors_are_plain_and_leave_what_was_there(knowledge: Knowledge, tmp_path: Path) -> None:
    out, good = tmp_path / "out.csv", write(tmp_path / "good.csv", [line("64493")])
    assert "no column service_unit_quantity" in fails(knowledge, write(tmp_path / "a.csv", [], ("claim_id",)), out)
    slip = [name.replace("modifier_1", "modifer_1") for name in COLUMNS]
    assert "did you mean 'hcpcs_modifier_1'" in fails(knowledge, write(tmp_path / "b.csv", [], slip), out)
    broken = tmp_path / "c.parquet"
    broken.write_bytes(b"PAR1 cut short")
    assert "a whole PARQUET file" in fails(knowledge, broken, out)
    page = tmp_path / "d.csv"
    page.write_text("<html>\n<body>503</body>\n</html>\n")
    assert "no column claim_id" in fails(knowledge, page, out)
    latin = tmp_path / "e.csv"
    latin.write_bytes(good.read_bytes() + b"caf\xe9" + b"," * (len(COLUMNS) - 1) + b"\n")
    assert "it cannot be read" in fails(knowledge, latin, out)
    ragged = tmp_path / "f.csv"
    ragged.write_text(good.read_text() + "a,b\n")
    assert "it cannot be read" in fails(knowledge, ragged, out)
    assert "there is no such file" in fails(knowledge, tmp_path / "none.csv", out)
    assert "written over the lines" in str(_raised(knowledge, good, good))
    assert "the ending .txt" in str(_raised(knowledge, good, tmp_path / "out.txt"))
    assert "no directory" in str(_raised(knowledge, good, tmp_path / "none" / "out.csv"))
    assert "memory limit 'much'" in fails(knowledge, good, out, memory_limit="much")
    assert "threads -1" in fails(knowledge, good, out, threads=-1)
    assert "the option --setting" in fails(knowledge, good, out, defaults={"setting": "asc"})
    assert "too little" in fails(knowledge, good, out, memory_limit="1MB")


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


def test_priced_as_a_record() -> None:
    record = Priced(3, 2, Decimal("10"), 0.1, {"code-not-held": 1}).as_record()
    assert record == {
        "lines": 3,
        "priced": 2,
        "not_priced": 1,
        "allowed": "10.00",
        "findings": {"code-not-held": 1},
    }
