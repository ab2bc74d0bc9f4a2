"""Bad input: each its own clear error, and the catalog as it was, to the byte."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import small_releases as published
from facetwise.catalog import load_files, open_catalog
from facetwise.problems import FacetwiseError

_FIRST = (date(2026, 7, 1), None)
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Page Not\n Found | CMS</title></head><body>404</body></html>"


def _protected() -> bytes:
    # The container of a workbook under a password: OLE, with a stream of this name.
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 400


def _locked_archive() -> bytes:
    content = bytearray(published.archive({"PPRRVU.csv": published.pprrvu()}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def _damaged_archive() -> bytes:
    content = bytearray(published.archive({"PPRRVU.csv": published.pprrvu()}))
    content[120:160] = bytes(40)
    return bytes(content)


def _cut(content: bytes, count: int) -> bytes:
    return content[:-count]


def _wrong_sum() -> bytes:
    return published.pprrvu().replace(b"1.48,4.08", b"1.47,4.08")


# Content, what the user says, what the message must hold.
CASES: dict[str, tuple[bytes, dict[str, Any], tuple[str, ...]]] = {
    "empty": (b"", {}, ("the file is empty",)),
    "blank": (b"\r\n\r\n", {}, ("not of a known kind",)),
    "unknown": (b"name,price\r\nbread,3\r\n", {}, ("not of a known kind", "'name,price'", "docs/catalog.md")),
    "web page": (_PAGE, {}, ('this is a web page ("Page Not Found | CMS"), not data',)),
    "pdf": (b"%PDF-1.7 ...", {}, ("this is a PDF",)),
    "gzip": (b"\x1f\x8b\x08\x00rest", {}, ("this is gzip",)),
    "cut zip": (_cut(published.archive({"a.csv": published.pprrvu()}), 40), {}, ("damaged or cut short", "download it again")),
    "damaged zip": (_damaged_archive(), {}, ("damaged or cut short",)),
    "zip under a password": (_locked_archive(), {}, ("PPRRVU.csv is protected by a password",)),
    "zip of nothing known": (published.archive({"readme.txt": b"hello"}), {}, ("nothing in the archive is recognised (readme.txt)",)),
    "workbook under a password": (_protected(), {}, ("the workbook is protected by a password",)),
    "old binary workbook": (_protected().replace("EncryptedPackage".encode("utf-16-le"), b""), {}, ("old binary format",)),
    "workbook of another kind": (published.workbook([["bread", 3]]), {}, ("no sheet of this workbook is of a known kind",)),
    "workbook with a document type": (
        published.rewritten(published.workbook([["a"]]), b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'),
        {}, ("no sheet of this workbook is of a known kind",),
    ),
    "fixed width cut mid-line, zip5": (_cut(published.zip5(), 30), {}, (":0", "the last line has 52 characters", "the file is cut")),
    "fixed width cut mid-line, pprrvu": (
        _cut(published.pprrvu_text(), 30), {"effective": (date(2025, 10, 1), None)}, ("the last line has 143 characters",),
    ),
    "fixed width cut mid-line, opps cap": (_cut(published.opps_cap_text(), 9), {"effective": _FIRST}, ("the file is cut",)),
    "fixed width cut mid-line, add-ons": (_cut(published.add_ons_text(), 40), {}, ("the file is cut",)),
    "fixed width cut mid-line, icd10": (_cut(published.icd10(), 90), {"effective": _FIRST}, ("the file is cut",)),
    "commas cut mid-line": (_cut(published.gpci().partition(b'"MAC')[0], 12), {}, (":6", "cut short")),
    "tabs cut mid-line": (_cut(published.ptp(), 30), {"kind": "ptp_practitioner"}, (":10", "the file is cut")),
    "a quote never closed": (published.gpci().replace(b'GUAM"', b"GUAM"), {}, ("this is no CSV",)),
    "Latin-1 for UTF-8": (
        published.taxonomy().replace("\u2013".encode(), b"\xe9"), {}, (":2", "byte 0xE9 is not UTF-8", "Latin-1"),
    ),
    "Latin-1 for UTF-8, pairs": (
        published.ptp().replace(b"Misuse", b"M\xefsuse"), {"kind": "ptp_hospital"}, (":7", "byte 0xEF is not UTF-8"),
    ),
    "header of 2025 on rows of 2026": (
        published.pprrvu(header=31), {}, (":11", "the header has 31 columns, the rows have 32", "PRIC IND"),
    ),
    "header of 2026 on rows of 2025": (
        published.pprrvu(2025, header=32), {}, ("the header has 32 columns, the rows have 31",),
    ),
    "title of 2025 on rows of 2026": (
        published.pprrvu(2025, factor="33.4009"), {}, ("the title says 2025", "33.4009 is that of 2026"),
    ),
    "a header without a column": (published.pprrvu().replace(b"BILAT", b"OTHER"), {}, (":10", "the header lacks BILAT SURG")),
    "cost indices of two years": (published.gpci(2026, 2025), {}, ("the title says 2026, the header 2025",)),
    "addendum of two quarters": (
        published.asc("AA").replace(b"April 2026 Payment Rate", b"January 2026 Payment Rate"), {},
        ("the header names April 2026, January 2026",),
    ),
    "addendum under another's title": (
        published.asc("AA").replace(b"Addendum AA", b"Addendum BB"), {}, ("the title says addendum BB", "those of AA"),
    ),
    "sums that do not hold": (_wrong_sum(), {}, (":11", "00001 adds up to 5.69, not 5.70", "sums that hold")),
    "rows out of order": (
        published.pprrvu(units=published.UNITS[::-1]), {}, ("00002 stands after 0003T", "sorted by code"),
    ),
    "two factors": (
        published.pprrvu().replace(b"33.4009", b"33.5675", 1), {}, ("the conversion factor is 33.4009 here and 33.5675 above",),
    ),
    "two rows of one key": (
        published.pprrvu(units=(*published.UNITS, ("0003T", "", "C", "1.00", *published.UNITS[3][4:]))), {},
        ("two rows for 0003T that differ",),
    ),
    "numbers with a gap": (published.icd10((1, 2, 4)), {"effective": _FIRST}, (":3", "order number 00004 follows 00002")),
    "no rows": (b"".join(published.mue().partition(b"00001")[:1]), {"effective": _FIRST}, ("no row can be read",)),
    "rows that cannot be read": (
        published.mue().replace(b",12,", b",twelve,"), {"effective": _FIRST},
        ("1 of 3 rows cannot be read", "'twelve' is not a whole number"),
    ),
    "pairs that cannot be read": (
        published.ptp().replace(b"20200401", b"20209999"), {"kind": "ptp_hospital"},
        ("1 of 4 rows cannot be read", "line 10: '20209999' is no effective date"),
    ),
    "no date": (published.mue(), {}, ("the content does not say from which day it holds", "--effective FROM")),
    "no date, with a hint": (published.pprrvu_text(), {}, ("32.3465 is that of 2025",)),
    "pairs of nobody": (published.ptp(), {}, ("ptp_practitioner or ptp_hospital", "--kind ptp_practitioner")),
    "pairs older than their copyright": (
        published.ptp(published.PTP_ROWS[1:]), {"kind": "ptp_hospital"}, ("does not say from which day",),
    ),
    "another kind than said": (published.gpci(), {"kind": "mue_dme"}, ("recognised as gpci", "mue_dme, as --kind says")),
    "no such kind": (published.gpci(), {"kind": "gcpi"}, ("--kind 'gcpi' is no kind of release",)),
    "another year than said": (
        published.pprrvu(), {"effective": (date(2025, 7, 1), None)}, ("--effective says 2025-07-01", "says 2026"),
    ),
    "a factor of nobody": (
        published.pprrvu(2027, "January", "31.9999"), {}, ("31.9999 is not in the knowledge", "--participation"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog that holds something."""
    folder = tmp_path_factory.mktemp("catalog")
    path = folder / "catalog.duckdb"
    load_files([published.put(folder, published.pprrvu(2025, "October"))], path=path)
    return path


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_and_nothing_changes(case: str, loaded: Path, tmp_path: Path) -> None:
    content, said, wanted = CASES[case]
    before = hashlib.sha256(loaded.read_bytes()).hexdigest()
    file = published.put(tmp_path, content)
    with pytest.raises(FacetwiseError) as caught:
        load_files([file], path=loaded, **said)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    for part in wanted:
        if part[0] == ":" and part[1:].isdigit():
            part = f"{file}{part}" if part != ":0" else str(file)
        assert part in message
    assert "Traceback" not in message
    # A refusal that the database has to find out may leave free pages in the file; what it holds is the same.
    if case != "pairs that cannot be read":
        assert hashlib.sha256(loaded.read_bytes()).hexdigest() == before
    with open_catalog(path=loaded) as catalog:
        assert [one.release for one in catalog.releases()] == ["RVU25D"]
        assert catalog.connection.execute("SELECT count(*) FROM ptp").fetchall() == [(0,)]


def test_one_bad_file_keeps_the_good_ones_out(tmp_path: Path) -> None:
    good = published.put(tmp_path, published.gpci(), "good")
    bad = published.put(tmp_path, _PAGE, "bad.csv")
    with pytest.raises(FacetwiseError, match="web page"):
        load_files([good, bad], path=tmp_path / "catalog.duckdb")
    assert not (tmp_path / "catalog.duckdb").exists()


def test_a_refusal_leaves_no_catalog_where_there_was_none(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    pairs = published.put(tmp_path, published.ptp().replace(b"20200401", b"20209999"))
    with pytest.raises(FacetwiseError, match="cannot be read"):
        load_files([pairs], kind="ptp_hospital", path=path)
    assert list(tmp_path.iterdir()) == [pairs]


@pytest.mark.parametrize(("name", "wanted"), [("nowhere.csv", "it cannot be read"), ("", "this is a directory")])
def test_a_file_that_is_not_there(name: str, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(FacetwiseError, match=wanted):
        load_files([tmp_path / name], path=tmp_path / "catalog.duckdb")


def test_the_name_only_helps_the_message(tmp_path: Path) -> None:
    file = published.put(tmp_path, published.mue(), "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv")
    with pytest.raises(FacetwiseError, match="--effective 2026-07-01, if its name is right"):
        load_files([file], path=tmp_path / "catalog.duckdb")


def test_few_rows_that_cannot_be_read_are_kept_with_their_lines(tmp_path: Path) -> None:
    rows = [(f"{number:05}", "99999", "", "20260701", "*", "1", "a reason") for number in range(1, 300)]
    rows[100] = ("00101", "99999", "", "20260701", "*", "7", "a reason")
    rows[200] = ("00201", "9999", "", "20260701", "20261399", "1", "a reason")
    pairs = published.put(tmp_path, published.ptp(rows), "pairs")
    limits = [f"{number:05},1,3 Clinical,Data" for number in range(1, 300)]
    limits[50] = "00051,1,4 Nothing,Data"
    limits[60] = "00061,1"
    header = published.mue().partition(b"00001")[0]
    file = published.put(tmp_path, header + published.lines(*limits), "limits")
    path = tmp_path / "catalog.duckdb"
    (first,) = load_files([pairs], kind="ptp_practitioner", path=path)
    (second,) = load_files([file], effective=_FIRST, path=path)
    assert (first.rows, first.rejected, second.rows, second.rejected) == (297, 2, 297, 2)
    with open_catalog(path=path) as catalog:
        kept = catalog.connection.execute(
            "SELECT file, line, reason FROM rejected ORDER BY release_id, line"
        ).fetchall()
        assert catalog.connection.execute("SELECT count(*) FROM ptp").fetchall() == [(297,)]
    assert kept == [
        (str(pairs), 107, "'7' is no modifier indicator (0, 1, 9)"),
        (str(pairs), 207, "'9999' is no procedure code"),
        (str(file), 57, "adjudication indicator '4 Nothing' does not begin with 1, 2 or 3"),
        (str(file), 67, "2 cells where the header has 4"),
    ]


def test_an_archive_cannot_write_outside(tmp_path: Path) -> None:
    content = published.archive({"../../escaped.csv": published.gpci(), "/etc/gpci.csv": b"x"})
    load_files([published.put(tmp_path, content)], path=tmp_path / "home" / "catalog.duckdb")
    assert not list(tmp_path.parent.rglob("escaped.csv"))


def test_an_archive_that_lies_about_a_length_is_damaged(tmp_path: Path) -> None:
    path = published.put(tmp_path, published.archive({"gpci.csv": published.gpci()}))
    with zipfile.ZipFile(path) as opened:
        size = opened.infolist()[0].file_size
    content = path.read_bytes().replace(size.to_bytes(4, "little"), (size - 5).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(FacetwiseError, match="damaged or cut short"):
        load_files([path], path=tmp_path / "catalog.duckdb")
