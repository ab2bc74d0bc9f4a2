"""The format is told by the content, files are joined, and everything is counted."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from facetwise.claims import offer, read
from facetwise.claims.rejected import REJECTED_SCHEMA
from facetwise.claims.write_fhir import write_fhir
from facetwise.claims.writing import write_csv, write_parquet
from facetwise.problems import FacetwiseError
from small_claims import LAST_DAY, claim, row, simple, table


def every(place: Path) -> dict[str, Path]:
    """The same two lines in each format, under names that say nothing."""
    rows = [row(), row(claim_line_number=2, service_unit_quantity=None)]
    rows[1]["service_unit_quantity"] = rows[0]["service_unit_quantity"]
    files = {name: place / f"file-{number}" for number, name in enumerate(("837", "fhir", "csv", "parquet"))}
    files["837"].write_text(simple(claim()), encoding="utf-8")
    write_fhir(files["fhir"], table(rows))
    write_csv(files["csv"], table(rows))
    write_parquet(files["parquet"], table(rows))
    return files


def test_formats_are_recognised_by_content(tmp_path: Path) -> None:
    files = every(tmp_path)
    reading = read(list(files.values()), last_day=LAST_DAY, work=tmp_path)
    rows = [one for batch in reading.batches() for one in batch.to_pylist()]
    assert [one["file"] for one in rows] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert {one["hcpcs_code"] for one in rows} == {"64493"}
    assert reading.files == tuple(str(path) for path in files.values())
    assert reading.rejected.records == []
    assert [path.name for path in tmp_path.iterdir() if path not in files.values()] == []


def test_gzipped_files(tmp_path: Path) -> None:
    for name, path in every(tmp_path).items():
        path.write_bytes(gzip.compress(path.read_bytes()))
        if name == "parquet":
            with pytest.raises(FacetwiseError, match="a gzipped Parquet file"):
                read([path], last_day=LAST_DAY)
            continue
        reading = read([path], last_day=LAST_DAY, work=tmp_path)
        assert sum(batch.num_rows for batch in reading.batches()) == 2
        assert reading.rejected.records == []


def test_a_gzip_file_that_ends_early(tmp_path: Path) -> None:
    content = gzip.compress(simple(*(claim(f"C{number}") for number in range(20_000))).encode(), 1)
    (tmp_path / "a").write_bytes(content[: len(content) // 2])
    reading = read([tmp_path / "a"], last_day=LAST_DAY)
    rows = sum(batch.num_rows for batch in reading.batches())
    assert 0 < rows < 40_000
    assert "the gzip file is damaged or ends early" in [one.reason for one in reading.rejected.records]


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        def __init__(self, content: bytes) -> None:
            self.buffer = io.BytesIO(content)

    for path in every(tmp_path).values():
        monkeypatch.setattr(sys, "stdin", Input(path.read_bytes()))
        reading = read(["-"], last_day=LAST_DAY, work=tmp_path)
        assert reading.files == ("standard input",)
        assert sum(batch.num_rows for batch in reading.batches()) == 2
        del reading
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "the file is empty"),
        (b"  \n ", "the file is empty"),
        (b"PK\x03\x04rest", "a zip archive or a workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"<?xml version='1.0'?>", "XML or HTML"),
        ("claim_id,hcpcs_code\n".encode("utf-16"), "UTF-16"),
        (b"Dear Sir, my name is Jane Doe\n", "no claims"),
        (b"name,birth_date\nJane,1963-01-02\n", "no claims"),
        (b"GS*HC*no interchange~ST*837*1~", "no claims"),
    ],
)
def test_what_is_no_claims_file(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FacetwiseError, match=found) as error:
        read([tmp_path / "a"], last_day=LAST_DAY)
    assert "Jane" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match="it cannot be read"):
        read([tmp_path / "nowhere"], last_day=LAST_DAY)


def test_rejected_records_are_handed_over(tmp_path: Path) -> None:
    bad = simple(*(claim(f"C{number}") for number in range(5_000))).replace("*UN*1*", "*UN*0*")
    (tmp_path / "a").write_text(bad, encoding="utf-8")
    handed: list[pa.RecordBatch] = []
    reading = read([tmp_path / "a"], last_day=LAST_DAY, on_rejected=handed.append)
    assert list(reading.batches()) == []
    assert reading.rejected.records == []
    assert sum(batch.num_rows for batch in handed) == reading.counts.rejected == 10_000
    assert reading.counts.rejected_lines == 10_000
    assert handed[0].schema == REJECTED_SCHEMA
    found: dict[str, Any] = handed[0].to_pylist()[0]
    assert (found["file"], found["segment"], found["claim_id"], found["lines"]) == (0, "SV1", "C0", 1)


def test_offer_gives_what_read_gives(tmp_path: Path) -> None:
    import duckdb

    files = list(every(tmp_path).values())
    reading = read(files, last_day=LAST_DAY, work=tmp_path)
    rows = [tuple(one.values()) for batch in reading.batches() for one in batch.to_pylist()]
    connection = duckdb.connect()
    offered = offer(connection, files, tmp_path, last_day=LAST_DAY, name="lines")
    assert connection.execute("SELECT * FROM lines ORDER BY file, claim_line_number").fetchall() == rows
    assert offered.counts.lines == len(rows)


def test_the_last_day_is_that_of_the_knowledge_or_today(tmp_path: Path, knowledge: Any) -> None:
    from datetime import date

    files = every(tmp_path)
    assert read([files["837"]]).last_day == max(knowledge.store.horizon.until, date.today())
