"""Facility claims of a surgery center: the national rate, the wage index, packaging, and several procedures."""

from __future__ import annotations

from decimal import Decimal

from facetwise.findings import Finding
from facetwise.payment.answer import Work, plain, told
from facetwise.payment.money import in_dollars, to_cents
from facetwise.payment.request import Request
from facetwise.payment.rules import Rule, RuleBook
from facetwise.payment.sources import CenterRate

_RIGHT, _LEFT, _BOTH = "right_side", "left_side", "both_sides"


def price_center(
    request: Request, book: RuleBook, rates: dict[str, CenterRate], wage_index: Decimal | None, findings: list[Finding]
) -> list[Work]:
    """Return the priced lines, in the order of the claim."""
    works = [Work(line) for line in request.lines]
    ranked = []
    for work in works:
        rate = rates.get(work.line.code)
        if rate is None or rate.addendum in ("EE", "none") or not rate.indicator:
            _not_listed(work, rate, findings)
            continue
        work.provenance = rate.provenance
        work.cite(rate.provenance.citations)
        if _packaged(work, rate, book):
            continue
        if rate.rate is None:
            _without(work, findings, f"{work.line.code} has indicator {rate.indicator} and no printed rate.")
            continue
        base = _wage(work, rate.rate, wage_index, book)
        _both_on_one_line(work, book, findings)
        reduced = _reduced(work, book)
        work.start(base, 1 if rate.discounted and not reduced else work.line.units, rate.provenance, _shown(rate, base))
        if reduced:
            work.multiply(reduced, reduced.number, "and outside the ranking of procedures")
        elif rate.discounted:
            ranked.append(work)
    seconds = _second_sides(works, book)
    _rank(ranked, seconds, book)
    second = book.rule("asc-bilateral-second-line")
    for work in works:
        if work.line.line in seconds and work not in ranked and not work.settled and second:
            work.multiply(second, second.number, "second side of what stands on two lines")
        work.finish()
    return works


def _not_listed(work: Work, rate: CenterRate | None, findings: list[Finding]) -> None:
    if rate is not None:
        work.provenance = rate.provenance
        work.cite(rate.provenance.citations)
    excluded = rate is not None and rate.addendum == "EE"
    where = (
        "is excluded from surgery-center payment (addendum EE)"
        if excluded
        else "is on no surgery-center addendum held for the day"
    )
    _without(work, findings, f"{work.line.code} {where}.")


def _without(work: Work, findings: list[Finding], message: str) -> None:
    work.settle(None, f"not priced: {message}")
    findings.append(
        told("not-priced", "review", f"Not priced: {message}", line=work.line, sources=tuple(work.citations))
    )


def _packaged(work: Work, rate: CenterRate, book: RuleBook) -> bool:
    said = book.treatment("asc_indicator", rate.indicator)
    rule = book.rule(said.rule) if said else None
    if said is None or said.word != "packaged" or rule is None:
        return False
    work.cite(rule.sources)
    work.start(Decimal("0.00"), work.line.units, rate.provenance, f"indicator {rate.indicator}")
    work.multiply(rule, rule.number, said.statement)
    work.settle(Decimal("0.00"), "packaged into the payment of the other lines")
    return True


def _wage(work: Work, rate: Decimal, wage_index: Decimal | None, book: RuleBook) -> Decimal:
    rule = book.rule("asc-wage-share")
    if wage_index is None or rule is None:
        return to_cents(rate)
    share = rule.number
    base = to_cents(rate * (share * wage_index + (1 - share)))
    work.cite(rule.sources)
    work.steps.append(
        f"{rule.name}: {in_dollars(rate)} x ({plain(share)} x {plain(wage_index)} + {plain(1 - share)}) is {in_dollars(base)}"
    )
    return base


def _shown(rate: CenterRate, base: Decimal) -> str:
    return f"national rate {in_dollars(rate.rate or Decimal(0))} (indicator {rate.indicator}); fee {in_dollars(base)}"


def _reduced(work: Work, book: RuleBook) -> Rule | None:
    for modifier in work.line.modifiers:
        said = book.treatment("modifier", modifier)
        if said is not None and said.word == "reduced":
            return book.rule(said.rule)
    return None


def _both_on_one_line(work: Work, book: RuleBook, findings: list[Finding]) -> None:
    marks = {book.word("modifier", one) for one in work.line.modifiers}
    if _BOTH not in marks and not {_RIGHT, _LEFT} <= marks:
        return
    rule = book.rule("asc-bilateral-second-line")
    findings.append(
        told(
            "bilateral-reporting",
            "deny",
            f"{work.line.code}: both sides on one line are not paid as such in a surgery center; "
            "the line is priced as one side.",
            line=work.line,
            fix="Report two lines, RT and LT, one unit each.",
            carc="4",
            sources=rule.sources if rule else (),
        )
    )


def _second_sides(works: list[Work], book: RuleBook) -> set[int]:
    """Return the lines that are the second side of a code: the side with fewer units, the left one where equal."""
    found: set[int] = set()
    sides: dict[str, dict[str, list[Work]]] = {}
    for work in works:
        marks = {book.word("modifier", one) for one in work.line.modifiers} & {_RIGHT, _LEFT}
        if len(marks) == 1 and work.amount is not None and not _reduced(work, book):
            sides.setdefault(work.line.code, {_LEFT: [], _RIGHT: []})[marks.pop()].append(work)
    for both in sides.values():
        if all(both.values()):
            second = min(both, key=lambda side: sum(work.line.units for work in both[side]))
            found |= {work.line.line for work in both[second]}
    return found


def _rank(works: list[Work], seconds: set[int], book: RuleBook) -> None:
    """Pay the highest in full and half for each other; further units of one line are further procedures."""
    highest, other = book.rule("asc-multiple-procedure-highest"), book.rule("asc-multiple-procedure-other")
    second = book.rule("asc-bilateral-second-line")
    if highest is None or other is None or second is None:
        return
    works = sorted(works, key=lambda work: (-(work.amount or Decimal(0)), work.line.line in seconds, work.content()))
    for place, work in enumerate(works, start=1):
        if place == 1:
            rule, why = highest, f"the highest of {len(works)}"
        elif work.line.line in seconds:
            rule, why = second, "second side of what stands on two lines"
        else:
            rule, why = other, f"rank {place} of {len(works)}"
        units = work.line.units
        if units > 1:
            factor = rule.number + (units - 1) * other.number
            work.multiply(other, factor, f"{why}; further units are further procedures, {units} units")
        elif len(works) > 1:
            work.multiply(rule, rule.number, why)
