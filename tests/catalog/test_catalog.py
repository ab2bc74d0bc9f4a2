"""The catalog itself: manifest, no-ops, replacement, which release holds on a day, and what is missing."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import small_releases as published
from facetwise.catalog import MissingReleaseError, load_files, open_catalog
from facetwise.problems import FacetwiseError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.duckdb"


def test_the_manifest_says_where_from_what_and_when(tmp_path: Path, path: Path) -> None:
    file = published.put(tmp_path, published.gpci())
    load_files([file], path=path, sources={file: "https://example.org/gpci.csv"})
    with open_catalog(path=path) as catalog:
        row = catalog.connection.execute("SELECT * EXCLUDE loaded_at FROM manifest").fetchall()
        assert row == [
            (1, "gpci", "GPCI2026", "https://example.org/gpci.csv", hashlib.sha256(file.read_bytes()).hexdigest(), 3, 0,
             date(2026, 1, 1), date(2026, 12, 31)),
        ]  # fmt: skip
        assert catalog.connection.execute("SELECT loaded_at IS NOT NULL FROM manifest").fetchall() == [(True,)]


def test_the_same_file_twice_changes_not_a_byte_whatever_its_name(tmp_path: Path, path: Path) -> None:
    load_files([published.put(tmp_path, published.zip5(), "one")], path=path)
    before = path.read_bytes()
    (again,) = load_files([published.put(tmp_path, published.zip5(), "two")], path=path)
    assert (again.state, again.rows) == ("already loaded", 3)
    (zipped,) = load_files(
        [published.put(tmp_path, published.archive({"z.txt": published.zip5()}), "three")], path=path
    )
    assert zipped.state == "already loaded"
    assert path.read_bytes() == before


def test_the_same_file_twice_in_one_call_is_loaded_once(tmp_path: Path, path: Path) -> None:
    files = [published.put(tmp_path, published.gpci(), name) for name in ("one", "two")]
    (loaded,) = load_files([*files, files[0]], path=path)
    assert loaded.rows == 3
    assert f"{files[1]}: the same file as {files[0]}" in loaded.notes


def test_two_releases_of_one_kind_at_one_date_are_an_error_unless_one_replaces(tmp_path: Path, path: Path) -> None:
    load_files([published.put(tmp_path, published.gpci(), "first")], path=path)
    other = published.put(tmp_path, published.gpci().replace(b"0.875", b"0.876"), "second")
    with pytest.raises(FacetwiseError, match=r"another gpci from 2026-01-01 is loaded .* the contents differ"):
        load_files([other], path=path)
    with pytest.raises(FacetwiseError, match="is also gpci from 2026-01-01"):
        load_files([tmp_path / "first", other], path=path)
    (loaded,) = load_files([other], path=path, replace=True)
    assert loaded.state == "replaced"
    with open_catalog(path=path) as catalog:
        assert [(one.id, one.rows) for one in catalog.releases()] == [(1, 3)]
        assert catalog.connection.execute("SELECT pe FROM gpci WHERE mac = '10112'").fetchall() == [(Decimal("0.876"),)]


def test_the_date_of_service_picks_the_release(tmp_path: Path, path: Path) -> None:
    july = published.put(tmp_path, published.pprrvu(2024, "July"), "july")
    january = published.put(tmp_path, published.pprrvu(2024, "January", "32.7442"), "january")
    march = published.put(tmp_path, published.pprrvu(2024, "January", "33.2875"), "march")
    load_files([july], path=path)
    load_files([january], path=path)
    (revised,) = load_files([march], path=path, effective=(date(2024, 3, 9), None))
    assert (str(revised.effective_from), str(revised.effective_to)) == ("2024-03-09", "2024-06-30")
    with open_catalog(path=path) as catalog:
        found = {
            day: getattr(catalog.release("physician_fee", date.fromisoformat(day)), "release", None)
            for day in (
                "2023-12-31",
                "2024-01-01",
                "2024-03-08",
                "2024-03-09",
                "2024-07-01",
                "2024-12-31",
                "2025-01-01",
            )
        }
    assert list(found.values()) == [None, "RVU24A", "RVU24A", "RVU24A from 2024-03-09", "RVU24C", "RVU24C", None]


def test_a_stated_end_is_kept_and_must_not_overlap(tmp_path: Path, path: Path) -> None:
    first = published.put(tmp_path, published.mue(), "first")
    second = published.put(tmp_path, published.mue().replace(b",12,", b",13,"), "second")
    (loaded,) = load_files([first], path=path, effective=(date(2026, 4, 1), date(2026, 6, 30)))
    assert str(loaded.effective_to) == "2026-06-30"
    with pytest.raises(FacetwiseError, match="claim the same days"):
        load_files([second], path=path, effective=(date(2026, 6, 1), None))
    load_files([second], path=path, effective=(date(2026, 7, 1), None))
    with open_catalog(path=path) as catalog:
        assert [(str(one.start), str(one.end)) for one in catalog.releases("mue_practitioner")] == [
            ("2026-04-01", "2026-06-30"),
            ("2026-07-01", "2026-12-31"),
        ]


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path, path: Path) -> None:
    load_files([published.put(tmp_path, published.pprrvu(2025, "October"))], path=path)
    with open_catalog(path=path) as catalog:
        assert catalog.require("physician_fee", date(2025, 11, 1)).release == "RVU25D"
        with pytest.raises(MissingReleaseError) as caught:
            catalog.require("physician_fee", date(2026, 8, 15))
    assert caught.value.exit_code == 3
    message = str(caught.value)
    for part in (
        "2026-08-15",
        "RVU25D (2025-10-01 to 2025-12-31)",
        "RVU26C",
        "https://www.cms.gov/",
        "facetwise data load FILE",
    ):
        assert part in message


def test_an_empty_catalog_stands_in_where_there_is_none(path: Path) -> None:
    with open_catalog(path=path) as catalog:
        assert catalog.releases() == []
        assert catalog.release("gpci", date(2026, 1, 1)) is None
        assert catalog.connection.execute("SELECT count(*) FROM physician_fee").fetchall() == [(0,)]
        with pytest.raises(FacetwiseError, match=r"'gcpi' is no kind of release.*did you mean 'gpci'"):
            catalog.release("gcpi", date(2026, 1, 1))
    assert not path.exists()


def test_files_that_are_no_catalog_or_of_another_version(tmp_path: Path, path: Path) -> None:
    import duckdb

    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(FacetwiseError, match="cannot be opened"):
        open_catalog(path=path)
    path.unlink()
    duckdb.connect(str(path)).close()
    with pytest.raises(FacetwiseError, match="no catalog of facetwise"):
        open_catalog(path=path)
    load_files([published.put(tmp_path, published.gpci())], path=tmp_path / "other.duckdb")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("UPDATE catalog_version SET version = 99")
    with pytest.raises(FacetwiseError, match="the catalog has version 99"):
        open_catalog(path=tmp_path / "other.duckdb")


def test_a_catalog_that_another_process_writes_is_not_waited_for(tmp_path: Path, path: Path) -> None:
    load_files([published.put(tmp_path, published.gpci())], path=path)
    script = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(FacetwiseError, match="in use by another process"):
            load_files([published.put(tmp_path, published.zip5(), "zip")], path=path)
        other.communicate("\n")
