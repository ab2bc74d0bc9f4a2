"""Priced claims as plain text of 100 columns, for people."""

from __future__ import annotations

import textwrap
from decimal import Decimal

import msgspec

from facetwise.findings import Finding
from facetwise.knowledge.dating import in_words
from facetwise.payment.answer import Answer, PricedLine
from facetwise.payment.compare import Comparison
from facetwise.payment.money import shown

_WIDTH = 100
_INDENT = " " * 8
_NONE = "-"


def price_table(answer: Answer) -> str:
    """Return the lines with their steps, the totals, the findings and the releases."""
    whom = answer.payer or "Medicare"
    head = [whom, in_words(answer.date_of_service), answer.setting, f"{answer.claim} claim"]
    if answer.locality and answer.locality.mac:
        head.append(f"{answer.locality.mac}/{answer.locality.locality} {answer.locality.name}")
    elif answer.locality:
        head.append("national amounts")
    if answer.conversion_factor:
        head.append(f"conversion factor {answer.conversion_factor}")
    out = _wrapped(", ".join(head), "")
    if answer.lines:
        out += ["", "  line  code   modifiers    units        base     allowed    Medicare     patient"]
    for line in answer.lines:
        out += _line(line)
    if answer.lines:
        out += ["", _amounts("total", None, answer.allowed, answer.medicare_pays, answer.patient_pays)]
        out.append(f"  after sequestration Medicare pays {_money(answer.after_sequestration)}")
        if answer.deductible != "0.00":
            out.append(f"  of the patient's part {_money(answer.deductible)} is deductible")
        if answer.limiting_charge is not None:
            out.append(
                f"  a clinician who does not participate: fee {_money(answer.non_participating)}, "
                f"limiting charge {_money(answer.limiting_charge)}"
            )
    out += _findings(answer.findings)
    out.append("")
    for release in answer.releases:
        name = release.release or "undated"
        out.append(f"{release.kind.replace('_', ' ')} {name} ({release.origin})")
    out.append(f"knowledge {answer.knowledge[:19]}")
    return "\n".join(out)


def comparison_table(comparison: Comparison) -> str:
    """Return one row a setting and side, then the lines of each, then the findings, each once."""
    out = [f"One encounter, {in_words(comparison.date_of_service)}, by setting", ""]
    out.append("  setting  claim            allowed    Medicare     patient    after sequestration")
    for side in comparison.settings:
        for answer in (side.professional, side.facility):
            if answer is None:
                continue
            out.append(_row(side.setting, answer.claim, answer))
        out.append(_row(side.setting, "together", side))
    seen: dict[tuple[str, str], Finding] = {}
    places: dict[tuple[str, str], list[str]] = {}
    for side in comparison.settings:
        for answer in (side.professional, side.facility):
            if answer is None or not answer.lines:
                continue
            out += ["", f"{side.setting}, {answer.claim} claim"]
            out.append("  line  code   modifiers    units        base     allowed    Medicare     patient")
            for line in answer.lines:
                out += _line(line, steps=False)
            for finding in answer.findings:
                seen.setdefault((finding.edit, finding.message), finding)
                places.setdefault((finding.edit, finding.message), []).append(f"{side.setting} {answer.claim}")
    for key, finding in seen.items():
        where = ", ".join(dict.fromkeys(places[key]))
        out += _findings((msgspec.structs.replace(finding, message=f"{finding.message} [{where}]"),))
    out += ["", f"knowledge {comparison.knowledge[:19]}"]
    return "\n".join(out)


def _row(setting: str, claim: str, amounts: object) -> str:
    allowed, medicare, patient, after = (
        _money(getattr(amounts, name)) for name in ("allowed", "medicare_pays", "patient_pays", "after_sequestration")
    )
    return f"  {setting:<7}  {claim:<12}  {allowed:>10}  {medicare:>10}  {patient:>10}  {after:>21}"


def _line(line: PricedLine, *, steps: bool = True) -> list[str]:
    modifiers = " ".join(line.modifiers) or "none"
    out = [
        f"  {line.line:>4}  {line.code:<5}  {modifiers:<11}  {line.units:>5}  "
        f"{_money(line.base):>10}  {_money(line.allowed):>10}  {_money(line.medicare_pays):>10}  "
        f"{_money(line.patient_pays):>10}"
    ]
    for step in line.steps if steps else ():
        out += _wrapped(step)
    if steps and line.citations:
        out += _wrapped(f"[{', '.join(line.citations)}]")
    return out


def _amounts(name: str, base: str | None, allowed: str, medicare: str, patient: str) -> str:
    return f"  {name:<31}{_money(base) if base else '':>10}  {_money(allowed):>10}  {_money(medicare):>10}  {_money(patient):>10}"


def _money(amount: str | None) -> str:
    return _NONE if amount is None else shown(Decimal(amount))


def _findings(findings: tuple[Finding, ...]) -> list[str]:
    out = [""] if findings else []
    for finding in findings:
        where = f" (line {finding.claim_line_number})" if finding.claim_line_number else ""
        out += _wrapped(f"{finding.severity.upper()} {finding.edit}{where}: {finding.message}", "  ")
        if finding.fix:
            out += _wrapped(f"Do: {finding.fix}")
        if finding.citations:
            out += _wrapped(f"[{', '.join(finding.citations)}]")
    return out


def _wrapped(text: str, first: str = _INDENT) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
