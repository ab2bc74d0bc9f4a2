"""Archives as CMS ships them: nested, with the same table in several forms, with files that say no date."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_releases as published
from facetwise.catalog import Loaded, load_files, open_catalog
from facetwise.problems import FacetwiseError


def _rvu(factors: tuple[str, ...] = ("33.4009", "33.5675")) -> dict[str, bytes]:
    files = {f"PPRRVU2026_Jul_{number}.csv": published.pprrvu(factor=factor) for number, factor in enumerate(factors)}
    return {
        **files,
        "GPCI2026.csv": published.gpci(),
        "GPCI2026.txt": published.gpci_text(),
        "ANES2026.csv": published.anesthesia("20.4976"),
        "OPPSCAP_Jul.csv": published.opps_cap(),
        "OPPSCAP_Jul.txt": published.opps_cap_text(),
        "26LOCCO.csv": published.counties(),
        "RVU26C.pdf": b"%PDF-1.7 a description",
    }


def _load(folder: Path, content: bytes, **said: object) -> dict[str, Loaded]:
    loaded = load_files([published.put(folder, content)], path=folder / "catalog.duckdb", **said)  # type: ignore[arg-type]
    return {one.kind: one for one in loaded}


def test_an_archive_loads_whole_and_lends_its_quarter_to_files_that_say_none(tmp_path: Path) -> None:
    loaded = _load(tmp_path, published.archive(_rvu()))
    assert {kind: (one.rows, str(one.effective_from)) for kind, one in loaded.items()} == {
        "physician_fee": (8, "2026-07-01"),
        "gpci": (3, "2026-07-01"),
        "anesthesia_factor": (3, "2026-07-01"),
        "opps_cap": (2, "2026-07-01"),
        "locality_county": (3, "2026-07-01"),
    }
    aside = [note for one in loaded.values() for note in one.notes if "download.bin!" in note]
    assert [note.split("!")[1] for note in aside] == [
        "RVU26C.pdf: not of a kind that the catalog holds",
        "GPCI2026.txt: the same table in another form (txt); csv is loaded",
        "OPPSCAP_Jul.txt: the same table in another form (txt); csv is loaded",
    ]


def test_archives_in_archives_are_opened_and_come_to_the_same(tmp_path: Path) -> None:
    inner = published.archive({"folder/gpci.csv": published.gpci()})
    outer = published.archive(
        {"a.zip": inner, "b/c.zip": published.archive({"x.zip": published.archive({"z": published.zip5()})})}
    )
    loaded = _load(tmp_path, outer)
    assert set(loaded) == {"gpci", "zip_locality"}
    assert loaded["gpci"].files == (f"{tmp_path / 'download.bin'}!a.zip!folder/gpci.csv",)
    plain = tmp_path / "plain"
    plain.mkdir()
    _load(plain, published.gpci())
    with open_catalog(path=tmp_path / "catalog.duckdb") as one, open_catalog(path=plain / "catalog.duckdb") as other:
        query = "SELECT * EXCLUDE release_id FROM gpci ORDER BY ALL"
        assert one.connection.execute(query).fetchall() == other.connection.execute(query).fetchall()


def test_archives_nested_without_end_are_refused(tmp_path: Path) -> None:
    content = published.archive({"gpci.csv": published.gpci()})
    for _ in range(6):
        content = published.archive({"again.zip": content})
    with pytest.raises(FacetwiseError, match="nested more than"):
        _load(tmp_path, content)


def test_only_the_kind_that_is_asked_for(tmp_path: Path) -> None:
    assert set(_load(tmp_path, published.archive(_rvu()), kind="gpci")) == {"gpci"}
    with pytest.raises(FacetwiseError, match="hold no release of kind mue_dme"):
        _load(tmp_path, published.archive(_rvu()), kind="mue_dme")


def test_both_participations_make_one_release_in_one_call_or_two(tmp_path: Path) -> None:
    together = tmp_path / "together"
    together.mkdir()
    whole = _load(together, published.archive(_rvu()))["physician_fee"]
    assert not [note for note in whole.notes if "without the file" in note]
    path = tmp_path / "catalog.duckdb"
    first = published.put(tmp_path, published.pprrvu(), "one")
    second = published.put(tmp_path, published.pprrvu(factor="33.5675"), "two")
    (one,) = load_files([first], path=path)
    assert "without the file for qualifying_apm" in one.notes
    (two,) = load_files([second], path=path)
    assert (two.state, two.rows, two.source) == ("completed", 8, f"{first}\n{second}")
    with open_catalog(path=path) as catalog:
        assert len(catalog.releases()) == 1
        found = catalog.connection.execute("SELECT DISTINCT release_id, participation FROM physician_fee ORDER BY 2")
        assert found.fetchall() == [(1, "non_qualifying_apm"), (1, "qualifying_apm")]


_PARTS = [
    published.ptp([(f"{part}000{row}", "99999", "", "20260701", "*", "1", "why") for row in range(3)])
    for part in "0246"
]


def test_the_four_parts_of_the_pairs_are_one_release(tmp_path: Path) -> None:
    parts = [published.archive({f"f{number}.txt": content}) for number, content in enumerate(_PARTS)]
    files = [published.put(tmp_path, content, f"part{number}.zip") for number, content in enumerate(parts)]
    path = tmp_path / "catalog.duckdb"
    (loaded,) = load_files(files, kind="ptp_practitioner", path=path)
    assert (loaded.rows, loaded.release, len(loaded.files)) == (12, "2026Q3", 4)
    assert not [note for note in loaded.notes if "CMS publishes" in note]


def test_parts_that_come_one_by_one_join_their_release(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    for number, content in enumerate(_PARTS):
        (loaded,) = load_files([published.put(tmp_path, content, str(number))], kind="ptp_practitioner", path=path)
        assert (loaded.state, loaded.rows) == ("completed" if number else "loaded", 3 * number + 3)
        missing = [note for note in loaded.notes if "CMS publishes the table in 4" in note]
        assert len(missing) == (number < 3)
    with open_catalog(path=path) as catalog:
        assert [one.rows for one in catalog.releases()] == [12]


def test_parts_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    one = published.put(tmp_path, _PARTS[0], "one")
    two = published.put(tmp_path, _PARTS[0].replace(b"why", b"because"), "two")
    with pytest.raises(FacetwiseError, match="parts that do not overlap"):
        load_files([one, two], kind="ptp_practitioner", path=path)
    load_files([one], kind="ptp_practitioner", path=path)
    with pytest.raises(FacetwiseError, match="the contents differ"):
        load_files([two], kind="ptp_practitioner", path=path)
    (again,) = load_files([two], kind="ptp_practitioner", path=path, replace=True)
    assert (again.state, again.rows) == ("replaced", 3)


def test_the_form_with_all_the_parts_is_taken(tmp_path: Path) -> None:
    header = tuple(row.split("\t") for row in published.PTP_HEADER)
    rows = [row.split("\t") for row in _PARTS[0].decode().splitlines()[6:]]
    files = {"f1.xlsx": published.workbook([*header, *rows]), "f1.TXT": _PARTS[0]}
    loaded = _load(tmp_path, published.archive(files), kind="ptp_hospital")["ptp_hospital"]
    assert (loaded.rows, loaded.files[0].rpartition("!")[2]) == (3, "f1.TXT")


def test_a_page_in_an_archive_is_left_aside(tmp_path: Path) -> None:
    loaded = _load(tmp_path, published.archive({"gpci.csv": published.gpci(), "license.html": b"<html><body>terms"}))
    assert loaded["gpci"].notes[-1].endswith("license.html: not of a kind that the catalog holds")
