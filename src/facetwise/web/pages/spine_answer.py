"""What one encounter comes to, on one page: lines, findings, where the codes stand, and the price in each setting."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from facetwise.coding import Coded, Encounter
from facetwise.coding.code import Result
from facetwise.coverage.case import Case
from facetwise.coverage.determination import Determination
from facetwise.coverage.labels import payer_name
from facetwise.coverage.report import authorization_block, policies_block, positions_block
from facetwise.document.model import Cell, Column, Line, Paragraph, SourceEntry, TableBlock, TableRow, plain_cell
from facetwise.document.sources import source_entries
from facetwise.findings import SEVERITIES, Finding
from facetwise.knowledge import View
from facetwise.payment.compare import Comparison, Side
from facetwise.problems import FacetwiseError
from facetwise.web.desk import Desk

SEVERITY_WORDS = {
    "reject": "refused at the door",
    "deny": "would be denied",
    "review": "needs a look",
    "info": "to know",
}
SEVERITY_GLYPHS = {"reject": "✕", "deny": "✕", "review": "△", "info": "i"}
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


class SpineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the spine page as JSON: the contracts of `code`, `cover` (a region each) and `price`."""

    code: Result
    coverage: tuple[Determination, ...]
    prices: Comparison | None
    unpriced: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The answer as blocks of a page, with the sources that they cite."""

    sentence: str
    half: tuple[str, ...]
    lines: TableBlock | None
    findings: tuple[tuple[str, tuple[Finding, ...]], ...]
    regions: tuple[tuple[str, TableBlock, Paragraph, Any], ...]
    prices: TableBlock | None
    steps: TableBlock | None
    unpriced: str
    about_prices: tuple[Finding, ...]
    sources: tuple[SourceEntry, ...]


def answer(desk: Desk, encounter: Encounter) -> tuple[Coded, SpineAnswer]:
    """Return what an encounter comes to. Raises FacetwiseError; a price that cannot be had is no error."""
    coded = desk.code(encounter)
    result = coded.result
    prices, unpriced = None, ""
    if result.lines:
        try:
            claim = msgspec.to_builtins(result)
            prices = desk.compare(desk.claims(msgspec.json.encode(claim).decode(), everywhere=True)[0])
        except FacetwiseError as error:
            unpriced = str(error)
    return coded, SpineAnswer(
        code=result, coverage=tuple(_coverage(desk, encounter, coded)), prices=prices, unpriced=unpriced
    )


def _coverage(desk: Desk, encounter: Encounter, coded: Coded) -> list[Determination]:
    """Return where the codes stand, region by region, of nothing but the procedure: no record is looked at."""
    found = []
    for procedure in encounter.procedures:
        regions: dict[str, list[str]] = {}
        for treated in coded.treated:
            for name in treated.levels.joints if treated.technique == procedure.technique else ():
                regions.setdefault(coded.spine.joints[name].region, []).append(name)
        for region, joints in regions.items():
            held = set(joints)
            codes = tuple(dict.fromkeys(line.code for line in coded.result.lines if held & set(line.joints)))
            case = Case(
                payer=encounter.payer,
                day=encounter.day,
                technique=procedure.technique,
                region=region,
                state=encounter.state,
                setting=encounter.setting,
                purpose=procedure.purpose,
                joints=tuple(joints),
                codes=codes,
            )
            found.append(desk.cover(case))
    return found


def shown(view: View, coded: Coded, found: SpineAnswer) -> Shown:
    """Return the answer as it stands on the page."""
    result = found.code
    words = view.store.vocabulary.words
    cited = [key for line in result.lines for key in line.citations]
    cited += [key for one in result.findings for key in one.citations]
    regions = []
    for one in found.coverage:
        blocks = (positions_block(one), authorization_block(one), policies_block(view, one))
        cited += [key for position in one.code_positions for key in position.citations]
        cited += [*one.prior_authorization.citations, *(key for line in blocks[2].lines for key in line.sources)]
        title = ", ".join(position.code for position in one.code_positions)
        regions.append((title, *blocks))
    prices = steps = None
    about_prices: tuple[Finding, ...] = ()
    if found.prices is not None:
        prices = _prices(found.prices, words["setting"], result.setting)
        steps = _steps(found.prices, words, result.setting)
        told = {
            one.message: one
            for side in found.prices.settings
            for part in (side.professional, side.facility)
            if part is not None
            for one in part.findings
        }
        about_prices = tuple(told.values())
        cited += [key for row in steps.rows for cell in row.cells for line in cell.lines for key in line.sources]
        cited += [key for one in about_prices for key in one.citations]
    return Shown(
        sentence=_sentence(result, payer_name(view, result.payer)),
        half=tuple(
            f"{half.joint} {half.side} is half treated: {', '.join(half.treated)} without {', '.join(half.missing)}"
            for treated in coded.treated
            for half in treated.levels.half
        ),
        lines=_lines(result) if result.lines else None,
        findings=tuple(
            (severity, tuple(one for one in result.findings if one.severity == severity)) for severity in SEVERITIES
        ),
        regions=tuple(regions),
        prices=prices,
        steps=steps,
        unpriced=found.unpriced,
        about_prices=about_prices,
        sources=source_entries(view, list(dict.fromkeys(cited))),
    )


def _sentence(result: Result, payer: str) -> str:
    lines = [
        " ".join((line.code, *line.modifiers)) + (f" ×{line.units}" if line.units > 1 else "") for line in result.lines
    ]
    count = len(lines)
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    place = f" in {result.state}" if result.state else ""
    if not lines:
        return f"No claim line can be written for {payer}{place}."
    worst = next((name for name in SEVERITIES if any(one.severity == name for one in result.findings)), "")
    many = sum(one.severity == worst for one in result.findings)
    warned = {
        "reject": f" {many} would be refused.",
        "deny": f" {many} finding{'s' * (many > 1)} would deny a line or the session.",
        "review": f" {many} thing{'s' * (many > 1)} to look at first.",
    }.get(worst, " Nothing stands against it that the knowledge holds.")
    return f"{number} line{'s' * (count > 1)} for {payer}{place}: {'; '.join(lines)}.{warned}"


def _lines(result: Result) -> TableBlock:
    return TableBlock(
        id="lines",
        caption="Claim lines, in the payer's layout",
        columns=(
            Column("code", "Code"),
            Column("modifiers", "Modifiers"),
            Column("units", "Units", number=True),
            Column("joints", "Joints"),
        ),
        rows=tuple(
            TableRow(
                (
                    plain_cell(line.code),
                    plain_cell(" ".join(line.modifiers) or "none"),
                    plain_cell(str(line.units)),
                    Cell((Line(", ".join(line.joints), note=line.why, sources=line.citations),)),
                )
            )
            for line in result.lines
        ),
    )


def _dollars(text: str) -> str:
    return f"{Decimal(text):,.2f}"


def _prices(found: Comparison, titles: dict[str, str], setting: str) -> TableBlock:
    def amount(side: Side, name: str) -> Cell:
        return plain_cell(_dollars(getattr(side, name)))

    rows = []
    for side in found.settings:
        facility = plain_cell("none") if side.facility is None else plain_cell(_dollars(side.facility.allowed))
        chosen = " (chosen)" if side.setting == setting else ""
        rows.append(
            TableRow(
                (
                    plain_cell(titles[side.setting][:1].upper() + titles[side.setting][1:] + chosen),
                    plain_cell(_dollars(side.professional.allowed)),
                    facility,
                    amount(side, "allowed"),
                    amount(side, "medicare_pays"),
                    amount(side, "patient_pays"),
                )
            )
        )
    return TableBlock(
        id="prices",
        caption="What Medicare allows, before sequestration",
        columns=(
            Column("setting", "Setting"),
            Column("professional", "Professional", unit="$", number=True),
            Column("facility", "Facility", unit="$", number=True),
            Column("allowed", "Together", unit="$", number=True),
            Column("medicare", "Medicare pays", unit="$", number=True),
            Column("patient", "Patient pays", unit="$", number=True),
        ),
        rows=tuple(rows),
    )


def _steps(found: Comparison, words: dict[str, dict[str, str]], setting: str) -> TableBlock:
    rows = []
    for side in sorted(found.settings, key=lambda side: side.setting != setting):
        for claim, part in (("professional", side.professional), ("facility", side.facility)):
            for line in part.lines if part is not None else ():
                rows.append(
                    TableRow(
                        (
                            plain_cell(" ".join((line.code, *line.modifiers))),
                            plain_cell(_dollars(line.allowed) if line.allowed else "no price"),
                            Cell((Line("; ".join(line.steps), sources=line.citations, evidence=line.evidence),)),
                        ),
                        group=f"{words['setting'][side.setting][:1].upper()}{words['setting'][side.setting][1:]}, {words['claim'][claim]}",
                    )
                )
    return TableBlock(
        id="steps",
        caption="How each amount comes about",
        columns=(
            Column("line", "Line"),
            Column("allowed", "Allowed", unit="$", number=True),
            Column("steps", "Steps", weight=3),
        ),
        rows=tuple(rows),
    )
