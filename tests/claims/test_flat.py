"""CSV and Parquet, validated set-wise: the columns, the reasons, rows that are none, and the same answers as streamed formats."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetwise.claims import csv_rows, fields, flat, offer, read
from facetwise.claims.columns import COLUMNS, NAMES, OPTIONAL, READ_ADDS, SCHEMA
from facetwise.claims.reading import Reading
from facetwise.claims.rejected import LINE_REASONS, Quarantine, reason_of
from facetwise.claims.writing import WRITTEN, write_parquet
from facetwise.problems import FacetwiseError
from small_claims import LAST_DAY, row, table, written

HEADER = [
    name
    for name in NAMES
    if name not in READ_ADDS and (name not in OPTIONAL or name.startswith(("hcpcs_modifier", "diagnosis_code")))
]
GOOD = {
    "claim_id": "C1",
    "claim_line_number": "1",
    "claim_type": "professional",
    "person_id": "M1",
    "payer": "Medicare",
    "claim_line_start_date": "2026-03-02",
    "hcpcs_code": "64493",
    "service_unit_quantity": "1",
    "charge_amount": "100.00",
}


def cells(**values: str) -> list[str]:
    return [(GOOD | values).get(name, "") for name in HEADER]


def got(path: Path) -> tuple[list[dict[str, Any]], Reading]:
    reading = read([path], last_day=LAST_DAY, work=path.parent)
    return [one for batch in reading.batches() for one in batch.to_pylist()], reading


def test_the_types_of_the_table_are_those_that_columns_says(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", [HEADER, cells()])
    connection = duckdb.connect()
    offer(connection, [path], tmp_path, last_day=LAST_DAY)
    described = connection.execute("DESCRIBE claim_line").fetchall()
    assert [(one[0], one[1]) for one in described] == [(column.name, column.type) for column in COLUMNS]
    assert all(column.meaning.endswith(".") for column in COLUMNS)
    assert next(iter(read([path], last_day=LAST_DAY, work=tmp_path).batches())).schema == SCHEMA


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"claim_id": "  "}, "no-claim-id"),
        ({"claim_type": "dental"}, "claim-type"),
        ({"claim_type": ""}, "claim-type"),
        ({"claim_line_number": ""}, "line-number"),
        ({"claim_line_number": "0"}, "line-number"),
        ({"claim_line_number": "1.5"}, "line-number"),
        ({"claim_line_start_date": ""}, "date"),
        ({"claim_line_start_date": "2026-02-30"}, "date"),
        ({"claim_line_start_date": "03/02/2026"}, "date"),
        ({"claim_line_start_date": "2099-01-01"}, "date-late"),
        ({"hcpcs_code": ""}, "no-code"),
        ({"hcpcs_code": "6449"}, "code"),
        ({"hcpcs_code": "64493-RT"}, "code"),
        ({"service_unit_quantity": ""}, "units"),
        ({"service_unit_quantity": "one"}, "units"),
        ({"service_unit_quantity": "-1"}, "units-range"),
        ({"service_unit_quantity": "0"}, "units-range"),
        ({"service_unit_quantity": "1e9"}, "units-range"),
        ({"charge_amount": "$100"}, "charge"),
        ({"charge_amount": "-0.01"}, "charge-range"),
    ],
)
def test_a_row_at_fault_is_rejected_alone(tmp_path: Path, values: dict[str, str], reason: str) -> None:
    path = written(tmp_path / "a.csv", [HEADER, cells(), cells(**values), cells(claim_line_number="2")])
    rows, reading = got(path)
    assert [one["place"] for one in rows] == [1, 3]
    (rejected,) = reading.rejected.records
    assert (rejected.place, rejected.place_kind, rejected.lines) == (2, "row", 1)
    assert rejected.reason == LINE_REASONS[reason] or "2026-12-31" in rejected.reason
    assert (reading.counts.lines, reading.counts.rejected_lines, reading.counts.rejected) == (2, 1, 1)


def test_what_is_accepted(tmp_path: Path) -> None:
    rows = [
        cells(
            claim_line_start_date="20260302",
            claim_type="Professional",
            hcpcs_code=" j3301 ",
            diagnosis_code_1="m47.816",
        ),
        cells(claim_line_start_date="2026-03-02 00:00:00", service_unit_quantity=" 1.50", hcpcs_modifier_1="rt"),
        cells(
            claim_type="institutional",
            hcpcs_code="",
            bill_type_code="131",
            charge_amount="",
            service_unit_quantity="2e1",
        ),
    ]
    back, reading = got(written(tmp_path / "a", [HEADER, *rows]))
    assert reading.rejected.records == []
    assert [one["claim_line_start_date"] for one in back] == [date(2026, 3, 2)] * 3
    assert (back[0]["hcpcs_code"], back[0]["diagnosis_code_1"], back[1]["hcpcs_modifier_1"]) == (
        "J3301",
        "M47816",
        "RT",
    )
    assert [one["service_unit_quantity"] for one in back] == [Decimal(1), Decimal("1.5"), Decimal(20)]
    assert (back[2]["charge_amount"], back[2]["hcpcs_code"]) == (None, None)


def test_other_columns_are_left_alone_and_slips_are_not(tmp_path: Path) -> None:
    more = written(tmp_path / "a", [["note", *HEADER], ["x", *cells()]])
    assert len(got(more)[0]) == 1
    slipped = [name.replace("hcpcs_code", "hcpc_code") for name in HEADER]
    with pytest.raises(FacetwiseError, match=r"a column 'hcpc_code'; did you mean 'hcpcs_code'"):
        got(written(tmp_path / "b", [slipped, cells()]))
    with pytest.raises(FacetwiseError, match="no column service_unit_quantity"):
        got(written(tmp_path / "c", [[name if name != "service_unit_quantity" else "q" for name in HEADER], cells()]))
    with pytest.raises(FacetwiseError, match="the column claim_id stands there twice"):
        got(written(tmp_path / "d", [[*HEADER, "claim_id"], [*cells(), "C2"]]))


def test_a_parquet_without_a_needed_column(tmp_path: Path) -> None:
    whole = pa.Table.from_batches(table([row()]))
    pq.write_table(whole.drop_columns(["charge_amount", "file", "place"]), tmp_path / "a.parquet")
    with pytest.raises(FacetwiseError, match="no column charge_amount"):
        got(tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(FacetwiseError, match="no Parquet file that can be read"):
        got(tmp_path / "b.parquet")


FEW = [name for name in HEADER if not name[-1].isdigit() or name.rsplit("_", 1)[1] in ("1", "2")]


@pytest.mark.parametrize("form", ["csv", "parquet", "typed parquet"])
def test_numbered_columns_that_are_absent_are_empty(tmp_path: Path, form: str) -> None:
    path = tmp_path / "few"
    if form == "csv":
        values = {"hcpcs_modifier_2": "KX", "diagnosis_code_2": "M47.816"}
        written(path, [FEW, [(GOOD | values).get(name, "") for name in FEW]])
    else:
        whole = pa.Table.from_batches(table([row(hcpcs_modifier_2="KX", diagnosis_code_2="M47816")])).select(FEW)
        texts = pa.schema([pa.field(name, pa.string()) for name in FEW])
        pq.write_table(whole if form == "typed parquet" else whole.cast(texts), path)
    (one,), _ = got(path)
    assert list(one) == list(NAMES)
    assert (one["hcpcs_modifier_2"], one["diagnosis_code_2"]) == ("KX", "M47816")
    absent = [name for name in NAMES if name not in (*FEW, *READ_ADDS)]
    assert {"hcpcs_modifier_3", "diagnosis_code_25", "diagnosis_pointer_1", "state"} <= set(absent)
    assert [one[name] for name in absent] == [None] * len(absent)


def test_what_is_needed_and_absent_is_told_at_once(tmp_path: Path) -> None:
    kept = [name for name in FEW if name not in ("claim_id", "hcpcs_modifier_1", "diagnosis_code_1")]
    with pytest.raises(FacetwiseError) as caught:
        got(written(tmp_path / "a", [kept, [GOOD.get(name, "") for name in kept]]))
    (problem,) = caught.value.problems
    assert problem.found == "no columns claim_id, hcpcs_modifier_1, diagnosis_code_1"


DIRTY = [
    ("ragged", b"C9,1\n", "the row has 2 cells"),
    ("too wide", ",".join([*cells(), "more"]).encode() + b"\n", f"the row has {len(HEADER) + 1} cells"),
    (
        "not UTF-8",
        ",".join(cells(payer="PAYER")).encode().replace(b"PAYER", b"PAY\xff\xfe") + b"\n",
        "the row is not UTF-8",
    ),
    ("open quote", ",".join(cells(payer='"PAYER')).encode() + b"\n", "a quote is not closed"),
    ("too long", ",".join(cells(payer="X" * 1_100_000)).encode() + b"\n", "the row is longer than 1,048,576 bytes"),
]


@pytest.mark.parametrize(("name", "bad", "reason"), DIRTY, ids=[one[0] for one in DIRTY])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_what_is_no_row_is_refused_and_its_neighbours_are_not(
    tmp_path: Path, name: str, bad: bytes, reason: str, ends: bytes
) -> None:
    lines = [
        ",".join(one).encode() + b"\n" for one in ([*[HEADER, cells()], *[cells(claim_id=f"D{n}") for n in range(3)]])
    ]
    content = b"".join([*lines[:2], bad, *lines[2:]]).replace(b"\n", ends)
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    rows, reading = got(path)
    assert [(one["claim_id"], one["place"]) for one in rows] == [("C1", 1), ("D0", 3), ("D1", 4), ("D2", 5)]
    assert [(one.place, one.lines) for one in reading.rejected.records] == [(2, 1)]
    assert reason in reading.rejected.records[0].reason


def test_cells_with_line_breaks_and_blank_lines(tmp_path: Path) -> None:
    quoted = ",".join(cells(payer='"A ""B"",\nC"'))
    path = tmp_path / "a.csv"
    path.write_text(
        "\ufeff" + "\n".join([",".join(HEADER), ",".join(cells()), "", quoted, ",".join(cells()), "", ""]),
        encoding="utf-8",
    )
    rows, reading = got(path)
    assert reading.rejected.records == []
    assert [(one["place"], one["payer"]) for one in rows] == [(1, "Medicare"), (2, 'A "B",\nC'), (3, "Medicare")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(delimiter.join(one) for one in (HEADER, cells())), encoding="utf-8")
    assert got(path)[0][0]["claim_id"] == "C1"


def test_gzip(tmp_path: Path) -> None:
    content = "\n".join(",".join(one) for one in (HEADER, cells(), cells(claim_id=""))).encode()
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    rows, reading = got(tmp_path / "a.gz")
    assert (len(rows), [one.place for one in reading.rejected.records]) == (1, [2])


@settings(max_examples=60)
@given(st.data())
def test_the_careful_reader_reads_what_the_quick_one_reads(data: st.DataObject) -> None:
    text = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\x00', exclude_categories=["Cs"]), max_size=8)
    rows = data.draw(st.lists(st.lists(text, min_size=3, max_size=3), min_size=1, max_size=8))
    out = [
        "a,b,c",
        *(",".join(f'"{cell}"' if "," in cell or data.draw(st.booleans()) else cell for cell in one) for one in rows),
    ]
    content = ("\n".join(out) + "\n").encode()
    shape = csv_rows.look(io.BytesIO(content).read)
    quarantine = Quarantine()
    batches = list(csv_rows.batches(io.BytesIO(content).read, shape, 0, quarantine))
    careful = [tuple(one.values())[:3] for batch in batches for one in batch.to_pylist()]
    wanted = [tuple(cell or None for cell in one) for one in rows]
    if not any(not ",".join(one).strip() for one in rows):
        assert careful == wanted
        assert quarantine.records == []


def typed(values: dict[str, list[Any]], kinds: dict[str, pa.DataType]) -> pa.Table:
    count = len(next(iter(values.values())))
    base = pa.Table.from_batches(table([row() for _ in range(count)])).drop_columns(["file", "place"])
    for name, column in values.items():
        base = base.set_column(base.schema.get_field_index(name), name, pa.array(column, kinds[name]))
    return base


def test_parquet_may_type_its_columns_otherwise(tmp_path: Path) -> None:
    values: dict[str, list[Any]] = {
        "claim_line_number": [1, 2, 0],
        "claim_line_start_date": [datetime(2026, 3, 2, 23, tzinfo=UTC)] * 3,
        "service_unit_quantity": [1.5, float("nan"), 1e9],
        "charge_amount": [100, None, -1],
        "diagnosis_pointer_1": [1.0, None, 2.0],
        "place_of_service_code": [11, 22, None],
    }
    kinds = {
        "claim_line_number": pa.int64(),
        "claim_line_start_date": pa.timestamp("us", "UTC"),
        "service_unit_quantity": pa.float64(),
        "charge_amount": pa.int32(),
        "diagnosis_pointer_1": pa.float64(),
        "place_of_service_code": pa.int8(),
    }
    pq.write_table(typed(values, kinds), tmp_path / "a")
    rows, reading = got(tmp_path / "a")
    assert [
        (one["service_unit_quantity"], one["diagnosis_pointer_1"], one["place_of_service_code"]) for one in rows
    ] == [(Decimal("1.5"), 1, "11")]
    assert rows[0]["claim_line_start_date"] == date(2026, 3, 2)
    assert [one.reason for one in reading.rejected.records] == [LINE_REASONS["units"], LINE_REASONS["line-number"]]


NUMBERS = st.one_of(
    st.text("0123456789.-+eE ", max_size=8),
    st.decimals(-10, 200_000, places=4).map(str),
    st.sampled_from(["", "1", "0.0005", "0.0004", "99999.999", "99999.9994", "99999.9995", "9999999999.994", "9999999999.995", ".5", "5.", "1e5", "1e-9", "nan", "inf", "1_0", "１", "0x1", "--1", "12345678901234567890"]),
)  # fmt: skip
DAYS = st.one_of(
    st.dates(date(1, 1, 1), date(2100, 1, 1)).map(str),
    st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(lambda day: day.strftime("%Y%m%d")),
    st.text("0123456789-T:Z ", max_size=12),
    st.sampled_from(["2026-03-02T10:00:00Z", "2026-03-02 10:00", "2026-3-2", "0000-01-01", "2026-13-01", "20260230", "2026-03-02x", "infinity", "2026-03-02T10:00:00.123+01:00", "2026-12-31", "2027-01-01"]),
)  # fmt: skip
WORDS = st.one_of(st.text("0123456789aB.- \t", max_size=7), st.sampled_from(["64493", "j3301", "", "6449é"]))


@settings(max_examples=25)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, DAYS, WORDS, NUMBERS, NUMBERS), min_size=20, max_size=60))
def test_set_wise_and_streamed_reading_say_the_same(given_rows: list[tuple[str, ...]]) -> None:
    """The macros of SQL and the functions of fields.py, on the same texts."""
    names = [
        "service_unit_quantity",
        "charge_amount",
        "claim_line_start_date",
        "hcpcs_code",
        "diagnosis_pointer_1",
        "claim_line_number",
    ]
    constant = [name for name in HEADER if name not in names]
    columns = {name: [GOOD.get(name)] * len(given_rows) for name in constant}
    columns |= {name: list(column) for name, column in zip(names, zip(*given_rows, strict=True), strict=True)}
    connection = duckdb.connect()
    flat.prepare(connection, LAST_DAY)
    rows = connection.from_arrow(pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()}))
    one = flat.Flat(Path("x"), "x", 0)
    normal = flat.normal(rows, list(columns), list(columns), one, duckdb.ConstantExpression(1))
    picked = normal.select(
        "service_unit_quantity, charge_amount, claim_line_start_date, hcpcs_code, diagnosis_pointer_1, claim_line_number, reason"
    )
    days = fields.Days(LAST_DAY)
    for (units, charge, day, code, pointer, line), found in zip(given_rows, picked.fetchall(), strict=True):
        ordinal = days.iso(day.encode())
        read_code = fields.code(code.encode())
        values = (
            fields.line_number(line.encode()),
            ordinal,
            fields.procedures().number(read_code)
            if read_code
            else reason_number("code" if code.strip(" \t") else "no-code"),
            fields.units(units.encode()),
            fields.charge(charge.encode()),
            fields.pointer(pointer.encode()),
        )
        if min(values) < 0:
            assert found[-1] == reason_of(*values)
            continue
        assert found[-1] is None
        assert found[0] == Decimal(values[3]).scaleb(-3)
        assert found[1] == (None if values[4] == fields.NO_CHARGE else Decimal(values[4]).scaleb(-2))
        assert found[2] == date.fromordinal(ordinal)
        assert found[3] == (read_code.decode() if read_code else None)
        assert (found[4] or 0, found[5]) == (values[5], values[0])


def reason_number(name: str) -> int:
    from facetwise.claims.rejected import fault

    return fault(name)


def test_offer_joins_files_and_numbers_them(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", [HEADER, cells(), cells(claim_id="")])
    write_parquet(tmp_path / "b.parquet", table([row(claim_id="P")]))
    connection = duckdb.connect()
    handed: list[pa.RecordBatch] = []
    reading = offer(
        connection,
        [tmp_path / "a.csv", tmp_path / "b.parquet"],
        tmp_path,
        last_day=LAST_DAY,
        first_file=3,
        on_rejected=handed.append,
    )
    assert connection.execute("SELECT claim_id, file, place FROM claim_line ORDER BY file").fetchall() == [
        ("C1", 3, 1),
        ("P", 4, 1),
    ]
    assert (reading.counts.lines, reading.counts.rejected_lines, reading.rejected.records) == (2, 1, [])
    assert [one["file"] for batch in handed for one in batch.to_pylist()] == [3]
    assert set(WRITTEN) == set(NAMES) - {"file", "place"}
