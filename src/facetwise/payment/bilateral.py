"""Both sides of the body on a professional claim: one line with both, two lines, or two units without a side."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from facetwise.findings import Finding
from facetwise.payment.answer import Work, told
from facetwise.payment.rules import Rule, RuleBook, Treatment
from facetwise.payment.sources import PhysicianFee

_RIGHT, _LEFT, _BOTH = "right_side", "left_side", "both_sides"
_TWO = 2


def both_sides(
    works: Iterable[Work], held: dict[int, PhysicianFee], book: RuleBook, findings: list[Finding]
) -> list[list[Work]]:
    """Adjust what was done on both sides; return the procedures: lines alone, and lines that are sides of one.

    The bilateral step is the lesser of the charge and the adjusted fee, the charges of two lines taken together.
    """
    sided: dict[tuple[object, ...], list[Work]] = {}
    groups: list[list[Work]] = []
    for work in works:
        if work.settled:
            continue
        fee = held[work.line.line]
        marks = {book.word("modifier", one) for one in work.line.modifiers}
        said = book.treatment("bilat", fee.indicators["bilat"])
        named = marks & {_RIGHT, _LEFT}
        if _BOTH in marks or len(named) == _TWO:
            _one_line(work, said, book, findings, spread=_BOTH not in marks)
        elif len(named) == 1 and said is not None:
            # Lines of an assistant and of the surgeon are never two sides of one procedure, so the amount counts.
            per_unit = work.amount / work.priced_units if work.amount is not None else None
            sided.setdefault((work.line.code, fee.modifier, per_unit), []).append(work)
            continue
        elif work.line.units == _TWO and said is not None and said.word == "more":
            _two_units(work, said, book, findings)
        groups.append([work])
    for lines in sided.values():
        groups += _two_lines(lines, held, book)
    return groups


def _one_line(work: Work, said: Treatment | None, book: RuleBook, findings: list[Finding], *, spread: bool) -> None:
    rule = book.rule(said.rule) if said else None
    if said is None or rule is None:
        message = (
            f"What both sides of {work.line.code} are paid is not established for its bilateral indicator; "
            "the line is priced as one side."
        )
        findings.append(told("fact-not-established", "review", message, line=work.line))
        return
    work.cite(said.sources)
    if said.word == "once":
        message = f"{work.line.code}: {said.statement} The modifier for both sides adds nothing."
        findings.append(told("bilateral-reporting", "review", message, line=work.line, sources=said.sources))
    factor = rule.number
    if spread and work.priced_units > 1:
        # Units of a line that names both sides are spread over the two.
        factor = max(factor, factor * work.priced_units / _TWO)
        _fold(work)
    work.multiply(rule, factor, "both sides on one line")
    _hold_to_charge(work, rule)


def _two_units(work: Work, said: Treatment, book: RuleBook, findings: list[Finding]) -> None:
    rule = book.rule(said.rule)
    if rule is None:
        return
    _fold(work)
    work.cite(said.sources)
    work.multiply(rule, rule.number, "two units without a side are both sides")
    _hold_to_charge(work, rule)
    findings.append(
        told(
            "bilateral-reporting",
            "review",
            f"{work.line.code} with two units and no side is priced as both sides.",
            line=work.line,
            fix="Where two joints of one side are meant, put the side on the line.",
            sources=rule.sources,
        )
    )


def _fold(work: Work) -> None:
    """Let the amount be that of one unit; the factor that follows stands for all of them."""
    if work.amount is not None:
        work.amount /= work.priced_units
    work.priced_units = 1


def _hold_to_charge(work: Work, rule: Rule) -> None:
    charge = work.line.charge
    if charge is not None and work.amount is not None and charge < work.amount:
        work.hold_to(rule, charge, "the lesser of the charge and the fee for both sides")


def _two_lines(lines: list[Work], held: dict[int, PhysicianFee], book: RuleBook) -> list[list[Work]]:
    """Pay the second side of what stands on both: the side with fewer units, the left one where they are equal."""
    lines = sorted(lines, key=Work.content)
    sides = [_side(work, book) for work in lines]
    if len(set(sides)) < _TWO:
        return [[work] for work in lines]
    said = book.treatment("bilat", held[lines[0].line.line].indicators["bilat"])
    rule = book.rule(said.rule) if said else None
    if said is None or rule is None:
        return [[work] for work in lines]
    units = {
        one: sum(work.line.units for work, side in zip(lines, sides, strict=True) if side == one)
        for one in (_LEFT, _RIGHT)
    }
    second = min(units, key=lambda side: units[side])
    to_meet = units[second]
    for work, side in zip(lines, sides, strict=True):
        work.cite(said.sources)
        work.cite(rule.sources)
        if side != second:
            work.steps.append(f"{rule.name}: first side, in full")
            continue
        met = min(to_meet, work.line.units)
        to_meet -= met
        factor = work.line.units - met * (2 - rule.number)
        _fold(work)
        work.multiply(rule, factor, "second side of what stands on two lines")
    _hold_together(lines, rule)
    return [lines]


def _hold_together(lines: list[Work], rule: Rule) -> None:
    charges = [work.line.charge for work in lines if work.line.charge is not None]
    total = sum((work.amount for work in lines if work.amount is not None), Decimal(0))
    if len(charges) < len(lines) or sum(charges, Decimal(0)) >= total:
        return
    for work, charge in zip(lines, charges, strict=True):
        work.hold_to(rule, charge, "the lesser of the charges for both sides and the fee for them, together")


def _side(work: Work, book: RuleBook) -> str:
    return next(mark for mark in (book.word("modifier", one) for one in work.line.modifiers) if mark in (_RIGHT, _LEFT))
