"""Reports of a check: sums that are right, text of claims that stays text, and the same report for any number of findings."""

from __future__ import annotations

import html.parser
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from facetwise.cli import main
from facetwise.edits.report import Expected, NotChecked, Refused, Report, Run, report
from facetwise.edits.report_page import to_html
from facetwise.edits.report_pages import page
from facetwise.edits.report_terminal import WIDTH, answer, first_things, plain, summary
from facetwise.knowledge import Knowledge

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m"
_COLUMNS = (
    "line_id BIGINT, edit VARCHAR, severity VARCHAR, claim_id VARCHAR, claim_line_number INTEGER, message VARCHAR, fix VARCHAR,"
    " carc VARCHAR, citations VARCHAR, evidence VARCHAR, other_claim_id VARCHAR, other_claim_line_number INTEGER, file INTEGER,"
    " place BIGINT, hcpcs_code VARCHAR, payer VARCHAR, rendering_npi VARCHAR, billing_npi VARCHAR, claim_line_start_date DATE,"
    " charge_amount DECIMAL(12, 2)"
)


def row(line: int, edit: str, severity: str, charge: str | None = "100.00", **other: Any) -> tuple[Any, ...]:
    values = {
        "claim": f"C{line}", "message": f"{edit} it is.", "fix": "Mend it.", "payer": "Medicare", "npi": "2000000002", "code": "64493",
        **other,
    }  # fmt: skip
    return (
        *(
            line,
            edit,
            severity,
            values["claim"],
            1,
            values["message"],
            values["fix"],
            "96",
            "ncci-manual-2026",
            "{}",
            None,
            None,
            0,
            line,
        ),
        *(values["code"], values["payer"], values["npi"], "2000000010", date(2026, 3, 2), charge),
    )


def findings(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE f ({_COLUMNS})")
        if rows:
            connection.executemany(f"INSERT INTO f VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.execute("COPY f TO $path (FORMAT parquet)", {"path": str(path)})
    return path


def a_run(**other: Any) -> Run:
    values: dict[str, Any] = {
        "files": ("january.837",), "claims": 9, "lines": 40, "rejected": 0, "knowledge": "sha256:" + "0" * 64, "releases": {},
        **other,
    }  # fmt: skip
    return Run(**values)


@pytest.fixture
def some(tmp_path: Path) -> Report:
    rows = [
        row(1, "mue-exceeded", "deny", "300.00"),
        row(1, "units-not-one", "deny", "300.00"),
        row(2, "mue-exceeded", "review", "50.00", payer="Cigna"),
        row(3, "code-not-effective", "reject", "20.00", npi=None),
        row(4, "prior-authorization-missing", "info", "70.00"),
        row(5, "ptp-pair", "deny", None),
        row(5, "ptp-pair", "deny", None),
    ]
    return report(findings(tmp_path / "f.parquet", rows), a_run())


def test_a_line_and_its_charge_count_once(some: Report) -> None:
    assert some.findings == {"reject": 1, "deny": 4, "review": 1, "info": 1}
    assert some.lines == {"reject": 1, "deny": 2, "review": 1, "info": 1}
    assert (some.denied_lines, some.charges, some.review_charges) == (3, Decimal("320.00"), Decimal("50.00"))


def test_each_edit_counts_its_own_lines(some: Report) -> None:
    by_edit = {one.edit: one for one in some.edits}
    assert [one.edit for one in some.edits][:2] == ["mue-exceeded", "units-not-one"]
    assert (by_edit["mue-exceeded"].deny, by_edit["mue-exceeded"].review) == (1, 1)
    assert by_edit["mue-exceeded"].charges == by_edit["units-not-one"].charges == Decimal("300.00")
    assert (by_edit["ptp-pair"].findings, by_edit["ptp-pair"].lines) == (2, 1)
    assert by_edit["prior-authorization-missing"].severity == "info"


def test_what_is_said_of_an_edit_is_what_is_said_of_its_denials(tmp_path: Path) -> None:
    rows = [row(n, "mue-exceeded", "review", message="Look.", fix="Look.") for n in range(5)]
    rows += [row(9, "mue-exceeded", "deny", message="Denied.", fix="Take it off.")]
    (edit,) = report(findings(tmp_path / "f.parquet", rows), a_run()).edits
    assert (edit.message, edit.fix) == ("Denied.", "Take it off.")


def test_by_provider_and_payer(some: Report) -> None:
    assert [(one.name, one.denied, one.charges) for one in some.providers.rows] == [
        ("2000000002", 2, Decimal("300.00")),
        ("2000000010", 1, Decimal("20.00")),
    ]
    assert [(one.name, one.denied, one.review) for one in some.payers.rows] == [("Medicare", 3, 0), ("Cigna", 0, 1)]


def test_the_most_expensive_lines_come_first(some: Report) -> None:
    assert [one.claim_id for one in some.denied][:2] == ["C1", "C1"]
    assert {one.severity for one in some.denied} == {"deny", "reject"}


def test_the_terminal_says_the_answer_first_and_keeps_to_its_width(some: Report) -> None:
    text = summary(some)
    assert text.startswith(
        "40 lines of 9 claims checked: 3 would be refused or denied ($320.00 charged), 1 more must be"
    )
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert "\x1b" not in text
    assert "\x1b[31m" in summary(some, colour=True)
    assert first_things(some)[0][0] == "mue-exceeded: 1 line, $300.00"


def test_services_of_one_day_have_one_day(tmp_path: Path, knowledge: Knowledge) -> None:
    one = to_html(report(findings(tmp_path / "f.parquet", [row(1, "ptp-pair", "deny")]), a_run()), knowledge)
    (said,) = re.findall(r"Findings on services (.*?)\n", one)
    assert re.sub("<[^>]*>", "", said).startswith("of 2 March 2026 ")
    assert " to " not in said


def test_nothing_found(tmp_path: Path, knowledge: Knowledge) -> None:
    empty = report(findings(tmp_path / "f.parquet", []), a_run())
    assert answer(empty).endswith("nothing found that would be refused, denied or must be reviewed.")
    assert "What to do first" not in summary(empty)
    assert "nothing is cited" in to_html(empty, knowledge)


def test_what_was_not_read_and_not_checked_is_told(tmp_path: Path, knowledge: Knowledge) -> None:
    run = a_run(
        rejected=3,
        refused=(Refused(reason="the charge is negative", records=3, lines=3, places=("x.csv, row 7",)),),
        not_checked=(NotChecked(what="Sessions before", why="No history was given.", do="Give one."),),
        releases={"mue_practitioner": "2026Q2 from 2026-04-01 (catalog)"},
    )
    one = report(
        findings(tmp_path / "f.parquet", [row(1, "ptp-pair", "deny")]),
        run,
        Expected(denied=1, priced=1, allowed=Decimal("98.87")),
    )
    for text in (summary(one), to_html(one, knowledge)):
        for said in ("the charge is negative", "x.csv, row 7", "No history was given.", "2026Q2", "98.87"):
            assert said in text


class Tags(html.parser.HTMLParser):
    """The tags of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.ids += [named["id"] or ""] if "id" in named else []
        self.links += [named["href"] or ""] if "href" in named else []
        assert not [name for name in named if name.startswith("on") or name in ("style", "src", "srcset")]


def read(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


@pytest.fixture
def hostile(tmp_path: Path) -> Report:
    rows = [
        row(
            number,
            "mue-exceeded",
            "deny",
            claim=HOSTILE,
            message=HOSTILE,
            fix=HOSTILE,
            payer=HOSTILE,
            npi=HOSTILE,
            code=HOSTILE,
        )
        for number in range(3)
    ]
    run = a_run(
        files=(HOSTILE,),
        rejected=1,
        refused=(Refused(reason=HOSTILE, records=1, lines=1, places=(HOSTILE,)),),
        not_checked=(NotChecked(what=HOSTILE, why=HOSTILE, do=HOSTILE),),
        releases={"mue_practitioner": HOSTILE},
    )
    return report(
        findings(tmp_path / "f.parquet", rows),
        run,
        Expected(denied=3, priced=2, allowed=Decimal(1), why_not={HOSTILE: 1}),
    )


def test_text_of_claims_stays_text_on_the_page(hostile: Report, knowledge: Knowledge) -> None:
    made = to_html(hostile, knowledge)
    tags = read(made)
    assert "script" not in tags.tags
    assert "<script" not in made
    assert made.count("&lt;script&gt;") > 10


def test_text_of_claims_does_nothing_to_a_terminal(hostile: Report) -> None:
    assert "\x1b" not in summary(hostile)
    assert plain("a\x1b[31mb\x07\u202ec") == "a?[31mb??c"


def test_the_page_carries_all_it_needs(some: Report, knowledge: Knowledge) -> None:
    made = to_html(some, knowledge)
    tags = read(made)
    assert not {"script", "iframe", "object", "embed", "form", "link", "img"} & set(tags.tags)
    assert "default-src 'none'" in made
    inner = [link[1:] for link in tags.links if link.startswith("#")]
    assert set(inner) <= set(tags.ids), "a link that leads nowhere"
    assert {"edit-mue-exceeded", "source-1"} <= set(tags.ids)
    assert all(link.startswith(("#", "https://", "http://")) for link in tags.links)
    assert len(set(tags.ids)) == len(tags.ids)
    assert made == to_html(some, knowledge)
    assert not re.search(r"url\((?!data:|#|&#34;#)", made)


def test_each_edit_has_its_page_with_sources(knowledge: Knowledge) -> None:
    found = page("ptp-pair", knowledge.store.sources.__contains__)
    assert found is not None
    titles = [block.title for block in found.blocks if block.title]
    assert titles[:3] == ["What it looks at", "Why", "Severity"]
    assert "Changes" not in titles
    assert page("../check", lambda _key: True) is None


def test_many_findings_make_the_same_small_report(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    one = findings(tmp_path / "one.parquet", [row(1, "mue-exceeded", "deny", "2.50")])
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT f.* REPLACE (i AS line_id, 'C' || i AS claim_id, 'P' || (i % 5000) AS rendering_npi) FROM range(400000) AS r(i),"
            " read_parquet($one) AS f) TO $path (FORMAT parquet)",
            {"one": str(one), "path": str(path)},
        )
    made = report(path, a_run())
    assert (made.denied_lines, made.charges) == (400_000, Decimal("1000000.00"))
    assert (len(made.providers.rows), made.providers.total, len(made.denied)) == (20, 5000, 100)


def test_check_writes_the_report_and_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = tmp_path / "claims.csv"
    head = "claim_id,claim_line_number,claim_type,person_id,payer,place_of_service_code,bill_type_code,claim_line_start_date,hcpcs_code,"
    head += (
        ",".join(f"hcpcs_modifier_{n}" for n in range(1, 6))
        + ",service_unit_quantity,charge_amount,rendering_npi,billing_npi,"
    )
    head += ",".join(f"diagnosis_code_{n}" for n in range(1, 26)) + ",state\n"
    lines = [
        f"C{n},1,professional,P{n},<b>Medicare</b>,11,,2026-03-02,64493,RT,LT,50,,,2,700,,2000000010,M47816{',' * 25}OH\n"
        for n in range(30)
    ]
    lines += [
        f"D{n},1,professional,P{n},Medicare,11,,2026-03-02,64493,RT,KX,,,,2,700,,2000000010,M47816{',' * 25}OH\n"
        for n in range(30)
    ]
    claims.write_text(head + "".join(lines))
    out = tmp_path / "report.html"
    assert main(["check", str(claims), "--report", str(out)]) == 1
    made = out.read_text(encoding="utf-8")
    assert "units-not-one" in made
    assert "<b>Medicare</b>" not in made
    assert "Medicare would allow" in made
    told = capsys.readouterr().out
    assert "What is wrong most" in told
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_report_is_not_written_over_the_claims(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = tmp_path / "claims.csv"
    claims.write_text("claim_id\n")
    assert main(["check", str(claims), "--report", str(claims)]) == 2
    assert "over the input" in capsys.readouterr().err
