"""How it is used: by setting and state, over time, and what no public figure shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from facetwise.briefing.subject import Subject
from facetwise.document.model import (
    AnyBlock,
    Chart,
    Column,
    Line,
    Paragraph,
    Points,
    Series,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge.tables import Row
from facetwise.payment.money import shown

_GEOGRAPHY = "usage/geography-2023"
_STATES = "usage/state-2023"
_TREND = "usage/national-2014-2023"
_SUBSET = "usage/subset-2012"
_PLACES = {"F": "Facility rows", "O": "Office rows"}
_MOST_STATES = 12
_Rows = list[tuple[Row, dict[str, Any]]]


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the usage section."""
    statements = subject.statements("usage")
    found: list[AnyBlock] = []
    gaps = tuple(subject.statement_line(dated, one) for _, dated, one in statements if one.status == "not_established")
    if gaps:
        found.append(Points(title="What no public figure shows", lines=gaps))
    found += _settings(subject)
    found += _trend(subject)
    found += _states(subject)
    found += _share(subject)
    lines = tuple(subject.statement_line(dated, one) for _, dated, one in statements if one.status != "not_established")
    if lines:
        found.append(Points(title="Figures and how to read them", lines=lines))
    return found


def _rows(subject: Subject, table: str, codes: tuple[str, ...]) -> _Rows:
    if table not in subject.view.store.tables:
        return []
    return [found for code in codes for found in subject.view.rows(table, code=code)]


def _settings(subject: Subject) -> list[AnyBlock]:
    found = [
        (row, record) for row, record in _rows(subject, _GEOGRAPHY, (subject.code,)) if record["level"] == "national"
    ]
    if not found:
        return []
    year = found[0][1]["year"]
    return [
        TableBlock(
            id="usage-settings",
            title=f"{subject.program} Part B in {year}, by setting",
            caption=f"{subject.code} in {subject.program} Part B, {year}, national",
            columns=(
                Column("place", "Rows"),
                Column("providers", "Clinicians and centers", number=True),
                Column("beneficiaries", "Beneficiaries", number=True),
                Column("services", "Services", number=True),
                Column("per", "Services a beneficiary-day", number=True),
                Column("charge", "Mean charge", unit="$", number=True),
                Column("allowed", "Mean allowed", unit="$", number=True),
            ),
            rows=tuple(
                TableRow(
                    (
                        plain_cell(_PLACES[record["place"]]),
                        subject.row_cell(row, f"{record['providers']:,}"),
                        plain_cell(f"{record['beneficiaries']:,}"),
                        plain_cell(f"{record['services']:,}"),
                        plain_cell(f"{Decimal(record['services']) / record['beneficiary_days']:.3f}"),
                        plain_cell(shown(record["mean_charge"])),
                        plain_cell(shown(record["mean_allowed"])),
                    )
                )
                for row, record in found
            ),
            lines=subject.beside("usage-settings", "usage"),
        )
    ]


def _trend(subject: Subject) -> list[AnyBlock]:
    codes = tuple(code for code, _ in subject.family()) if subject.full else (subject.code,)
    by_code: dict[str, list[tuple[str, str]]] = {}
    sources: tuple[str, ...] = ()
    for row, record in _rows(subject, _TREND, codes):
        if record["year"] is not None and record["year"].isdigit() and record["services"] is not None:
            by_code.setdefault(record["code"], []).append((str(record["year"]), str(record["services"])))
            sources = row.sources
    series = [Series(code, tuple(sorted(points))) for code, points in sorted(by_code.items()) if len(points) > 3]
    if not series:
        return []
    own = [one for one in series if one.name == subject.code]
    shown = tuple(own or series)
    if own:
        (first, begin), (last, end) = own[0].points[0], own[0].points[-1]
        percent = (Decimal(end) - Decimal(begin)) * 100 / Decimal(begin)
        words = "rose" if percent > 0 else "fell"
        title = f"Recorded services of {subject.code} {words} {abs(percent):.0f} % from {first} to {last}"
    else:
        title = f"No yearly count of {subject.code} is public; its relatives peaked in {_peak(series)}"
    return [
        Chart(
            title=title,
            id="usage-trend",
            kind="line",
            x="year",
            y="services a year",
            series=shown,
            alt=f"{title}. "
            + " ".join(
                f"{one.name}: " + ", ".join(f"{year} {int(Decimal(value)):,}" for year, value in one.points) + "."
                for one in shown
            ),
            sources=sources,
            lines=subject.beside("usage-trend", "usage"),
        )
    ]


def _whole(number: Decimal) -> str:
    """Round half up, as the chart's own labels do."""
    return str(int(number + Decimal("0.5")))


def _peak(series: list[Series]) -> str:
    totals: dict[str, Decimal] = {}
    for one in series:
        for year, value in one.points:
            totals[year] = totals.get(year, Decimal(0)) + Decimal(value)
    return max(totals, key=lambda year: totals[year])


def _states(subject: Subject) -> list[AnyBlock]:
    office = [
        (row, record) for row, record in _rows(subject, _GEOGRAPHY, (subject.code,)) if record["level"] == "state"
    ]
    if office:
        totals: dict[str, Decimal] = {}
        for _, record in office:
            totals[record["name"]] = totals.get(record["name"], Decimal(0)) + record["services"]
        return [_state_chart(subject, subject.code, totals, office[0], complete=True)]
    for code in (subject.code, *subject.value.bases):
        rows = _rows(subject, _STATES, (code,))
        if rows:
            totals = {record["state"]: Decimal(record["services"]) for _, record in rows}
            return [_state_chart(subject, code, totals, rows[0], complete=False)]
    return []


def _state_chart(
    subject: Subject, code: str, totals: dict[str, Decimal], example: tuple[Row, dict[str, Any]], *, complete: bool
) -> Chart:
    row, record = example
    largest = sorted(totals.items(), key=lambda item: -item[1])[:_MOST_STATES]
    share = sum(value for _, value in largest[:5]) * 100 / sum(totals.values())
    lead = "" if code == subject.code else f"{subject.code} itself has no state figure; its base "
    title = f"{lead}{code}: five states hold {share:.0f} % of the services recorded in {record['year']}"
    return Chart(
        title=title,
        id="usage-states",
        kind="bars",
        x="state",
        y="services",
        series=(Series("services", tuple((state, str(value)) for state, value in largest)),),
        alt=f"{title}. " + ", ".join(f"{state} {int(value):,}" for state, value in largest) + ".",
        sources=row.sources,
        lines=subject.beside("usage-states" if complete else "usage-states-sums", "usage"),
    )


def _share(subject: Subject) -> list[AnyBlock]:
    """Add-on codes for each 100 primaries in the small states of 2012: the only public figure that names every code."""
    if not subject.full:
        return []
    family = subject.family()
    totals: dict[str, Decimal] = {}
    sources: tuple[str, ...] = ()
    for row, record in _rows(subject, _SUBSET, tuple(code for code, _ in family)):
        totals[record["code"]] = totals.get(record["code"], Decimal(0)) + record["services"]
        sources = row.sources
    pairs = []
    for code, value in family:
        if (
            value.role != "add_on"
            or code not in totals
            or value.region != subject.value.region
            or value.technique != subject.value.technique
        ):
            continue
        primary = next(
            (
                base
                for base, one in family
                if one.role == "primary" and one.region == value.region and one.technique == value.technique
            ),
            "",
        )
        if totals.get(primary):
            pairs.append((code, primary, totals[code] * 100 / totals[primary]))
    if not pairs:
        return []
    own = next((share for code, _, share in pairs if code == subject.code), None)
    title = f"In 19 small jurisdictions in 2012, {pairs[0][1]} was followed by " + " and ".join(
        f"{code} {_whole(share)} times in 100" for code, _, share in pairs
    )
    points = tuple((f"{code} for 100 of {primary}", f"{share:.1f}") for code, primary, share in pairs)
    found: list[AnyBlock] = [
        Chart(
            title=title,
            id="usage-share",
            kind="bars",
            x="pair",
            y="services of the add-on for 100 of the primary",
            series=(Series("add-ons", points),),
            alt=f"{title}.",
            sources=sources,
            lines=subject.beside("usage-share", "usage"),
        )
    ]
    if own is None and subject.value.role == "add_on":
        found.append(Paragraph(line=Line(f"No figure of {subject.code} stands in that set.", status="not_established")))
    return found
