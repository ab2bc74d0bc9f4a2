"""The payer that a claim means: by id or title, by a map, by the filing indicator, by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from facetwise.claims.payer import INDICATORS, Payers, read_map
from facetwise.knowledge import Knowledge
from facetwise.problems import FacetwiseError


def test_the_order_of_what_tells_a_payer(knowledge: Knowledge) -> None:
    payers = Payers(knowledge.store, {"Blue of Nowhere": "highmark", "MEDICARE": "aetna"}, default="cigna")
    assert payers.resolve("medicare", "CI") == "medicare"
    assert payers.resolve("  MEDICARE ", None) == "medicare"
    assert payers.resolve("blue  OF nowhere", "MB") == "highmark"
    assert payers.resolve("MEDICARE PART B", "MB") == "medicare"
    assert payers.resolve("AN HMO", "16") == "medicare-advantage"
    assert payers.resolve("SOMEBODY", "CI") == "cigna"
    assert payers.resolve(None, None) == "cigna"
    assert Payers(knowledge.store).resolve("SOMEBODY", "CI") == ""


def test_every_payer_is_known_by_its_title(knowledge: Knowledge) -> None:
    from datetime import date

    payers = Payers(knowledge.store)
    for payer, said in knowledge.as_of(date(2026, 3, 2)).payers().items():
        assert payers.resolve(payer.upper(), None) == payer
        assert payers.resolve(said.title, None) == payer


def test_the_indicators_are_facts_with_sources(knowledge: Knowledge) -> None:
    table = knowledge.store.tables[INDICATORS]
    named = {record["indicator"]: record["payer"] for _, record in table.records() if record["payer"]}
    assert named == {"MA": "medicare", "MB": "medicare", "16": "medicare-advantage"}
    assert all(row.sources for row in table.rows)


def test_a_map_is_read(tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / "a.csv").write_text("\ufeffclaim_payer,payer\nACME PLAN,aetna\n\n", encoding="utf-8")
    assert read_map(tmp_path / "a.csv", knowledge.store) == {"ACME PLAN": "aetna"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no header"),
        ("name,payer\nX,aetna\n", "the columns name, payer"),
        ("claim_payer,payer\nX,aetnaa\n", r":2: payer 'aetnaa' is not in the knowledge; .*did you mean 'aetna'"),
        ("claim_payer,payer\nX,\n", ":2: a row without both cells"),
        ("claim_payer,payer\nX,aetna,more\n", ":2: a row without both cells"),
        ("claim_payer,payer\nX,aetna\nX,cigna\n", ":3: a second payer for 'X'"),
    ],
)
def test_what_is_wrong_in_a_map(tmp_path: Path, knowledge: Knowledge, text: str, found: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FacetwiseError, match=found):
        read_map(tmp_path / "a.csv", knowledge.store)


def test_a_default_that_is_not_known(knowledge: Knowledge) -> None:
    with pytest.raises(FacetwiseError, match="did you mean 'medicare'"):
        Payers(knowledge.store, default="medicar")


def test_a_map_that_is_no_text(tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FacetwiseError, match="it is not UTF-8"):
        read_map(tmp_path / "a.csv", knowledge.store)
    with pytest.raises(FacetwiseError, match="it cannot be read"):
        read_map(tmp_path / "b.csv", knowledge.store)
