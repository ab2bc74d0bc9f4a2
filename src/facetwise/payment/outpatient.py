"""Facility claims of a hospital outpatient department: the APC rate, and what status indicators settle."""

from __future__ import annotations

from decimal import Decimal

from facetwise.findings import Finding
from facetwise.payment.answer import Work, told
from facetwise.payment.money import in_dollars, to_cents
from facetwise.payment.request import Request
from facetwise.payment.rules import RuleBook
from facetwise.payment.sources import HospitalRate

_NOT_ESTABLISHED = "fact-not-established"
_BOTH = "both_sides"


def price_hospital(
    request: Request, book: RuleBook, rates: dict[str, HospitalRate], findings: list[Finding]
) -> list[Work]:
    """Return the priced lines. Without an Addendum B only the highest APC rate is given: the rest is not established."""
    works = [Work(line) for line in request.lines]
    for work in works:
        rate = rates.get(work.line.code)
        if rate is not None:
            work.provenance = rate.provenance
            work.cite(rate.provenance.citations)
    if request.wage_index is not None or request.cbsa:
        message = "The wage adjustment of hospital outpatient rates is not established; the rates are national."
        findings.append(told(_NOT_ESTABLISHED, "review", message))
    if any(rate.status for rate in rates.values()):
        _by_status(works, book, rates, findings)
    else:
        _by_rate(works, book, rates, findings)
    for work in works:
        work.finish()
    return works


def _order(
    work: Work, rates: dict[str, HospitalRate]
) -> tuple[Decimal, tuple[str, tuple[str, ...], int, Decimal, int]]:
    rate = rates.get(work.line.code)
    return -((rate.rate if rate else None) or Decimal(0)), work.content()


def _start(work: Work, rate: HospitalRate, units: int, book: RuleBook) -> None:
    base = to_cents(rate.rate or Decimal(0))
    work.start(base, units, rate.provenance, f"APC {rate.apc}, national rate {in_dollars(base)}")
    work.copayment = rate.copayment
    rule = book.rule("opps-apc")
    work.cite(rule.sources if rule else ())


def _by_rate(works: list[Work], book: RuleBook, rates: dict[str, HospitalRate], findings: list[Finding]) -> None:
    """Give the highest rate of the claim alone."""
    listed = sorted((work for work in works if work.line.code in rates), key=lambda work: _order(work, rates))
    priced = [work for work in listed if rates[work.line.code].rate is not None]
    if priced:
        _start(priced[0], rates[priced[0].line.code], 1, book)
    others = [work for work in works if not priced or work is not priced[0]]
    for work in others:
        _open(work, findings, f"whether {work.line.code} is paid beside the others, or packaged, is not established.")
    sides = {book.word("modifier", one) for work in works for one in work.line.modifiers}
    if len(works) > 1 or (priced and priced[0].line.units > 1) or _BOTH in sides:
        findings.append(
            told(
                _NOT_ESTABLISHED,
                "review",
                "How several hospital outpatient lines, units or sides are paid together is not established, for want of "
                "status indicators; the highest APC rate alone is given.",
                fix="Load OPPS Addendum B of the quarter with 'facetwise data load'.",
            )
        )


def _by_status(works: list[Work], book: RuleBook, rates: dict[str, HospitalRate], findings: list[Finding]) -> None:
    """Pay by status: packaged, comprehensive, discounted, separate."""
    words = {code: book.word("opps_status", rate.status) for code, rate in rates.items()}
    comprehensive = sorted(
        (work for work in works if words.get(work.line.code) == "comprehensive"), key=lambda work: _order(work, rates)
    )
    discounted = sorted(
        (work for work in works if words.get(work.line.code) == "discounted"), key=lambda work: _order(work, rates)
    )
    for work in works:
        rate, word = rates.get(work.line.code), words.get(work.line.code, "")
        if rate is None:
            _open(work, findings, f"{work.line.code} is not in Addendum B.")
        elif comprehensive and work is not comprehensive[0]:
            _package(work, "opps-comprehensive", rate, book)
        elif word == "packaged":
            _package(work, "opps-packaged", rate, book)
        elif rate.rate is None or not word:
            _open(work, findings, f"how {work.line.code} with status {rate.status} is paid is not established.")
        elif word == "discounted" and work is not discounted[0]:
            _open(work, findings, f"the discount of {work.line.code} beside a higher one is not established.")
        else:
            several = word != "separate" and work.line.units > 1
            _start(work, rate, 1 if several else work.line.units, book)
            if several:
                message = f"How further units of {work.line.code} are paid is not established; one is priced."
                findings.append(told(_NOT_ESTABLISHED, "review", message, line=work.line))
    if len(comprehensive) > 1:
        message = "Whether two comprehensive procedures raise the payment (complexity adjustment) is not established."
        findings.append(told(_NOT_ESTABLISHED, "review", message))


def _package(work: Work, name: str, rate: HospitalRate, book: RuleBook) -> None:
    rule = book.rule(name)
    work.start(Decimal("0.00"), work.line.units, rate.provenance, f"status {rate.status}")
    if rule is not None:
        work.multiply(rule, rule.number, rule.statement)
    work.settle(Decimal("0.00"), "packaged into the payment of the other lines")


def _open(work: Work, findings: list[Finding], message: str) -> None:
    work.settle(None, f"not priced: {message}")
    findings.append(
        told(_NOT_ESTABLISHED, "review", f"Not priced: {message}", line=work.line, sources=tuple(work.citations))
    )
