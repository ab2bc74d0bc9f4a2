"""What it pays: by setting, year and place, and what is known beyond Medicare."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from facetwise.briefing.subject import Subject
from facetwise.document.model import (
    AnyBlock,
    Cell,
    Chart,
    Column,
    Line,
    Points,
    Series,
    TableBlock,
    TableRow,
    plain_cell,
)
from facetwise.knowledge.dating import in_words
from facetwise.payment import fees
from facetwise.payment.money import in_dollars, shown
from facetwise.payment.physician import allowed

_SETTINGS = ("Office", "Professional in a facility", "Surgery center itself", "Hospital outpatient itself")
_SHORT = ("Office", "In a facility", "Surgery center", "Hospital")
# A year of which only single localities are held has no range.
_FEWEST_LOCALITIES = 50
_NONE = "not established"
_PACKAGED = "packaged"


def blocks(subject: Subject) -> list[AnyBlock]:
    """Return the payment section."""
    found: list[AnyBlock] = []
    years = list(range(subject.view.store.horizon.from_.year, subject.day.year + 1))
    found += _by_year(subject, years)
    found += _side_by_side(subject)
    found += _places(subject)
    found += _negotiated(subject)
    found += _posted(subject)
    for thing_topic in ("", "background"):
        lines = tuple(
            subject.statement_line(dated, statement)
            for _, dated, statement in subject.statements("payment")
            if (statement.topic == "background") == (thing_topic == "background")
        )
        if lines:
            title = "How the amounts come about" if thing_topic == "" else "Background"
            found.append(Points(title=title, lines=lines, folded=True))
    return found


def day_of(subject: Subject, year: int) -> date:
    """Return the day on which a year's rates are read: its last, or the as-of day in its own year."""
    return min(date(year, 12, 31), subject.day)


def setting_cells(subject: Subject, code: str, day: date) -> list[tuple[Decimal | None, Cell]]:
    """Return amount and cell for office, facility (professional), surgery center and hospital on a day."""
    store = subject.view.store
    cells: list[tuple[Decimal | None, Cell]] = []
    for setting in ("office", "facility"):
        priced = fees.national(store, code, day, setting)
        if priced is None:
            held = fees.fee(store, code, day)
            text = _NONE if held is None else f"not priced (status {held.record['status']})"
            cells.append(
                (None, subject.row_cell(held.row, text) if held else plain_cell(text, status="not_established"))
            )
            continue
        amount, held, conversion = priced
        sources = tuple(dict.fromkeys((*held.row.sources, *conversion.row.sources)))
        cells.append((amount, plain_cell(shown(amount), sources=sources, evidence="inferred")))
    center = fees.surgery_center(store, code, day)
    if center is None:
        cells.append((None, plain_cell(_NONE, status="not_established")))
    elif center.rate is None:
        text = _PACKAGED if center.indicator == "N1" else f"no rate (indicator {center.indicator or 'none'})"
        cells.append((None, subject.row_cell(center.row, text)))
    else:
        cells.append((center.rate, subject.row_cell(center.row, shown(center.rate))))
    outpatient = fees.hospital(store, code, day)
    if outpatient is not None and outpatient.rate is not None:
        cells.append((outpatient.rate, subject.row_cell(outpatient.row, shown(outpatient.rate))))
    elif center is not None and center.indicator == "N1":
        cells.append((None, subject.row_cell(center.row, "no APC rate printed")))
    else:
        cells.append((None, plain_cell(_NONE, status="not_established")))
    return cells


def _by_year(subject: Subject, years: list[int]) -> list[AnyBlock]:
    by_year = {year: setting_cells(subject, subject.code, day_of(subject, year)) for year in years}
    if not any(amount is not None for cells in by_year.values() for amount, _ in cells):
        return []
    table = TableBlock(
        id="payment-by-year",
        title=f"National {subject.program} amounts by year",
        caption=f"National {subject.program} amounts for {subject.code}, one unit, one side (US dollars)",
        columns=(
            Column("year", "Year"),
            *(Column(f"s{n}", name, unit="$", number=True) for n, name in enumerate(_SETTINGS)),
        ),
        rows=tuple(TableRow((plain_cell(str(year)), *(cell for _, cell in by_year[year]))) for year in reversed(years)),
        note=(
            "Each year as of its last day, the current one as of the day of this briefing. Before deductible, "
            "coinsurance and sequestration."
        ),
        lines=subject.beside("payment-by-year", "payment"),
    )
    series = []
    for number, name in enumerate(_SHORT):
        points = tuple(
            (str(year), in_dollars(amount)) for year in years if (amount := by_year[year][number][0]) is not None
        )
        if len(points) > 1:
            series.append(Series(name, points))
    found: list[AnyBlock] = []
    # A facility rate ten times the professional's would flatten it, so this chart keeps to the professional.
    professional = tuple(one for one in series if one.name in _SHORT[:2])
    if professional:
        title = _trend(subject, by_year, years)
        found.append(
            Chart(
                title=title,
                id="payment-trend",
                kind="line",
                x="year",
                y="US dollars",
                series=professional,
                alt=f"{title}. "
                + " ".join(
                    f"{one.name}: " + ", ".join(f"{year} ${value}" for year, value in one.points) + "."
                    for one in professional
                ),
                sources=_sources(by_year[years[-1]][0][1]),
                note="National amounts, professional services, one unit.",
                money=True,
            )
        )
    facility = tuple(one for one in series if one.name in _SHORT[2:])
    if facility:
        title = _facility_trend(facility)
        found.append(
            Chart(
                title=title,
                id="payment-facility-trend",
                kind="line",
                x="year",
                y="US dollars",
                series=facility,
                alt=f"{title}. "
                + " ".join(
                    f"{one.name}: " + ", ".join(f"{year} ${value}" for year, value in one.points) + "."
                    for one in facility
                ),
                sources=tuple(
                    dict.fromkeys((*_sources(by_year[years[-1]][2][1]), *_sources(by_year[years[-1]][3][1])))
                ),
                note="National rates, before the wage index.",
                money=True,
            )
        )
    return [*found, table]


def _sources(cell: Cell) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for line in cell.lines for key in line.sources))


def _change(before: Decimal, after: Decimal) -> str:
    percent = (after - before) * 100 / before
    rounded = int(abs(percent) + Decimal("0.5"))
    if rounded == 0:
        return "stayed level"
    return f"{'rose' if percent > 0 else 'fell'} {rounded} %"


def _trend(subject: Subject, by_year: dict[int, list[tuple[Decimal | None, Cell]]], years: list[int]) -> str:
    last, before = years[-1], years[-2] if len(years) > 1 else years[-1]
    parts = []
    for number, words in ((0, "Office payment"), (1, "payment in a facility")):
        new, old = by_year[last][number][0], by_year[before][number][0]
        if new is not None and old is not None:
            parts.append(f"{words} {_change(old, new)}")
    if not parts or last == before:
        return f"What {subject.program} allows for {subject.code}"
    text = " while ".join(parts)
    return f"{text[0].upper()}{text[1:]} in {last}"


def _facility_trend(facility: tuple[Series, ...]) -> str:
    parts = []
    for one in facility:
        (first, begin), (last, end) = one.points[0], one.points[-1]
        parts.append(f"{one.name.lower()} rate {_change(Decimal(begin), Decimal(end))} from {first} to {last}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}"


def _side_by_side(subject: Subject) -> list[AnyBlock]:
    family = subject.family() if subject.full else [(subject.code, subject.value)]
    rows = []
    for code, value in family:
        cells = setting_cells(subject, code, subject.day)
        if all(amount is None for amount, _ in cells):
            continue
        rows.append(TableRow((plain_cell(f"{code} {value.title}"), *(cell for _, cell in cells))))
    if len(rows) < 2:
        return []
    return [
        TableBlock(
            id="payment-by-setting",
            title="Office, surgery center and hospital side by side",
            caption=f"National {subject.program} amounts on {in_words(subject.day)}, one unit, one side (US dollars)",
            columns=(
                Column("code", "Code"),
                *(Column(f"s{n}", name, unit="$", number=True) for n, name in enumerate(_SETTINGS)),
            ),
            rows=tuple(rows),
            lines=subject.beside("payment-by-setting", "payment"),
        )
    ]


def _places(subject: Subject) -> list[AnyBlock]:
    store = subject.view.store
    held, conversion = fees.fee(store, subject.code, subject.day), fees.factor(store, subject.day)
    if held is None or conversion is None:
        return []
    rows: list[tuple[Decimal, str, tuple[str, ...]]] = []
    series: dict[str, list[tuple[str, str]]] = {"lowest": [], "median": [], "highest": []}
    table_rows = []
    for words, units in (("Office", held.office), ("In a facility", held.facility)):
        if units is None:
            continue
        rows = sorted(
            (
                allowed(units, conversion.value, gpci),
                f"{record['name'].title()} ({record['state']}, {record['mac']}/{record['locality']})",
                row.sources,
            )
            for row, record, gpci in fees.localities(store, subject.day)
        )
        if len(rows) < _FEWEST_LOCALITIES:
            return []
        low, middle, high = rows[0], rows[len(rows) // 2], rows[-1]
        for name, one in (("lowest", low), ("median", middle), ("highest", high)):
            series[name].append((words, in_dollars(one[0])))
            sources = tuple(dict.fromkeys((*held.row.sources, *conversion.row.sources, *one[2])))
            table_rows.append(
                TableRow(
                    (
                        plain_cell(f"{words}, {name}"),
                        plain_cell(shown(one[0]), sources=sources, evidence="inferred"),
                        plain_cell(one[1]),
                    )
                )
            )
    if not table_rows:
        return []
    first = series["lowest"][0], series["highest"][0]
    title = (
        f"Among {len(rows)} localities the office amount runs from ${first[0][1]} to ${first[1][1]}"
        if first[0][0] == "Office"
        else f"Amounts over {len(rows)} localities"
    )
    return [
        Chart(
            title=title,
            id="payment-places",
            kind="ranges",
            x="setting",
            y="US dollars",
            series=tuple(Series(name, tuple(points)) for name, points in series.items()),
            alt=f"{title}. "
            + " ".join(
                f"{label}: lowest ${a}, median ${b}, highest ${c}."
                for (label, a), (_, b), (_, c) in zip(*series.values(), strict=True)
            ),
            sources=tuple(dict.fromkeys((*held.row.sources, *rows[0][2]))),
            note="The mark in the bar is the median locality, each locality counted once.",
            money=True,
        ),
        TableBlock(
            id="payment-range",
            caption=f"{subject.program} amounts over the payment localities on {in_words(subject.day)} (US dollars)",
            columns=(
                Column("what", "Setting"),
                Column("amount", "Allowed", unit="$", number=True),
                Column("where", "Locality (state, contractor/locality)"),
            ),
            rows=tuple(table_rows),
        ),
    ]


def _negotiated(subject: Subject) -> list[AnyBlock]:
    if "prices/negotiated" not in subject.view.store.tables:
        return []
    rows = [
        TableRow(
            (
                plain_cell(f"{_payer(subject, record['payer'])} with {record['system']}"),
                plain_cell(record["schedule"].replace("_", " ")),
                plain_cell(str(record["setting"]).replace("_", " ")),
                subject.row_cell(row, shown(record["rate"])),
            )
        )
        for row, record in subject.view.rows("prices/negotiated", code=subject.code)
        if not record["modifier"]
    ]
    if not rows:
        return []
    return [
        TableBlock(
            id="negotiated",
            title="Negotiated rates that are public",
            caption=f"A payer's own published rates for {subject.code} (US dollars)",
            columns=(
                Column("payer", "Payer and system"),
                Column("schedule", "Schedule"),
                Column("setting", "Setting"),
                Column("rate", "Rate", unit="$", number=True),
            ),
            rows=tuple(rows),
            lines=subject.beside("negotiated", "payment"),
            audience=("billing", "policy"),
        )
    ]


def _payer(subject: Subject, key: str) -> str:
    payer = subject.view.payers().get(key)
    return payer.title if payer else key


def _posted(subject: Subject) -> list[AnyBlock]:
    if "prices/hospital-posted" not in subject.view.store.tables:
        return []
    words = {"cash": "cash price", "gross": "list (gross) price"}
    rows = []
    for row, record in subject.view.rows("prices/hospital-posted", code=subject.code):
        numbers = [record[name] for name in ("p10", "p25", "p50", "p75", "p90")]
        rows.append(
            TableRow(
                (
                    plain_cell(words.get(record["price"], record["price"])),
                    subject.row_cell(row, f"{record['hospitals']:,}"),
                    *(plain_cell(shown(number) if number is not None else "not given") for number in numbers),
                )
            )
        )
    if not rows:
        return []
    return [
        TableBlock(
            id="posted",
            title="What hospitals post",
            caption=f"Hospitals' posted prices for {subject.code} (US dollars)",
            columns=(
                Column("kind", "Price"),
                Column("hospitals", "Hospitals", number=True),
                *(
                    Column(name, label, unit="$", number=True)
                    for name, label in (
                        ("p10", "10th percentile"),
                        ("p25", "25th"),
                        ("p50", "Median"),
                        ("p75", "75th"),
                        ("p90", "90th"),
                    )
                ),
            ),
            rows=tuple(rows),
            lines=subject.beside("posted", "payment"),
            audience=("billing", "policy"),
        )
    ]


def glance(subject: Subject) -> tuple[str, Cell] | None:
    """Return the payment line of the overview."""
    cells = setting_cells(subject, subject.code, subject.day)
    lines = []
    for words, (amount, cell) in zip(
        ("office", "professional in a facility", "surgery center", "hospital outpatient"), cells, strict=True
    ):
        line = cell.lines[0]
        if amount is not None:
            lines.append(Line(f"{words} ${shown(amount)}", sources=line.sources, evidence=line.evidence))
        elif line.text == _PACKAGED:
            lines.append(Line(f"{words}: {_PACKAGED}", sources=line.sources, evidence=line.evidence))
    return (f"{subject.program}, national, one unit", Cell(tuple(lines))) if lines else None
