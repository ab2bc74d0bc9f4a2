"""Professional claims: the physician fee schedule, then both sides, then several procedures, in that order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from facetwise.findings import Finding
from facetwise.payment.answer import Work, plain, told
from facetwise.payment.bilateral import both_sides
from facetwise.payment.money import in_dollars
from facetwise.payment.physician import NATIONAL, Gpci, Units, allowed
from facetwise.payment.request import Request
from facetwise.payment.rules import Rule, RuleBook
from facetwise.payment.sources import NON_FACILITY, Factor, Locality, PhysicianFee

_HELPERS = ("assistant", "co_surgeon", "team")
_HELP_INDICATOR = {"assistant": "asst", "co_surgeon": "co", "team": "team"}
_HELP_NAME = {"assistant": "an assistant at surgery", "co_surgeon": "a co-surgeon", "team": "a surgical team"}
_SITE_NAME = {NON_FACILITY: "in an office", "facility": "in a facility"}


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the lines of a claim are priced from."""

    book: RuleBook
    fees: dict[tuple[str, str], PhysicianFee]
    factor: Factor
    locality: Locality | None
    site: str
    cap: Callable[[PhysicianFee], Decimal | None]
    unit_limits: dict[str, int]

    @property
    def gpci(self) -> Gpci:
        """Return the indices of the locality, 1 each for national amounts."""
        return self.locality.gpci if self.locality else NATIONAL


def price_professional(request: Request, schedule: Schedule, findings: list[Finding]) -> list[Work]:
    """Return the priced lines, in the order of the claim. The order of the lines bears on no amount."""
    works = [Work(line) for line in request.lines]
    held: dict[int, PhysicianFee] = {}
    for work in works:
        fee = _fee(work, schedule, findings)
        if fee is None:
            continue
        _base(work, fee, schedule)
        held[work.line.line] = fee
        _help(work, fee, schedule.book, findings)
        _unsettled(work, fee, schedule.book, findings)
    _units(works, schedule, findings)
    groups = both_sides(works, held, schedule.book, findings)
    _ranked(groups, held, schedule.book, findings)
    _charges(groups, schedule.book, findings)
    for work in works:
        work.finish()
    return works


def _fee(work: Work, schedule: Schedule, findings: list[Finding]) -> PhysicianFee | None:
    """Return the row that prices a line; None after the line was settled without a price."""
    line, book = work.line, schedule.book
    rows = {modifier: fee for (code, modifier), fee in schedule.fees.items() if code == line.code}
    named = [modifier for modifier in line.modifiers if modifier in rows]
    fee = rows.get(named[0] if named else "")
    absent = [one for one in line.modifiers if book.word("modifier", one) == "component" and one not in rows]
    if fee is None or absent:
        _without(
            work, findings, f"{line.code} has no part {' '.join(absent)} in the fee schedule.", "Check the modifier."
        )
        return None
    work.provenance = fee.provenance
    work.cite(fee.provenance.citations)
    status = book.treatment("status", fee.status)
    if status is None or status.word != "priced":
        work.cite(status.sources if status else ())
        meaning = status.statement if status else "What that means for payment is not established."
        _without(work, findings, f"{line.code} has status {fee.status}. {meaning}")
        return None
    if schedule.site in fee.not_applicable:
        paid = [one for one, other in rows.items() if one and schedule.site not in other.not_applicable]
        _without(
            work,
            findings,
            f"{line.code} is not paid {_SITE_NAME[schedule.site]} (NA in the fee schedule).",
            f"Where only that part was done, report it with modifier {' or '.join(paid)}." if paid else "",
        )
        return None
    return fee


def _without(work: Work, findings: list[Finding], message: str, fix: str = "") -> None:
    work.settle(None, f"not priced: {message}")
    findings.append(
        told("not-priced", "review", f"Not priced: {message}", line=work.line, fix=fix, sources=tuple(work.citations))
    )


def _base(work: Work, fee: PhysicianFee, schedule: Schedule) -> None:
    gpci, units, factor = schedule.gpci, fee.units[schedule.site], schedule.factor
    base = allowed(units, factor.value, gpci)
    work.start(base, work.line.units, fee.provenance, f"price-line: {_shown(units, gpci, factor.value, base)}")
    work.cite(factor.provenance.citations)
    if schedule.locality and schedule.locality.provenance:
        work.cite(schedule.locality.provenance.citations)
    rule = schedule.book.rule("price-line")
    work.cite(rule.sources if rule else ())
    cap = schedule.cap(fee)
    if cap is None and schedule.site in fee.capped:
        cap = allowed(fee.capped[schedule.site], factor.value, gpci)
    capping = schedule.book.rule("opps-cap")
    if cap is not None and cap < base and capping is not None:
        work.hold_to(capping, cap * work.line.units, f"the fee is capped at what a hospital is paid, {in_dollars(cap)}")


def _shown(units: Units, gpci: Gpci, factor: Decimal, base: Decimal) -> str:
    parts = (
        ("work", units.work, gpci.work),
        ("practice expense", units.practice_expense, gpci.practice_expense),
        ("malpractice", units.malpractice, gpci.malpractice),
    )
    total = sum((value * index for _, value, index in parts), Decimal(0))
    told_parts = " + ".join(f"{name} {plain(value)} x {plain(index)}" for name, value, index in parts)
    exact = total * factor
    return f"({told_parts}) = {plain(total)}, times {plain(factor)} is {plain(exact)}, rounded to {in_dollars(base)}"


def _help(work: Work, fee: PhysicianFee, book: RuleBook, findings: list[Finding]) -> None:
    """Refuse or reduce the line of an assistant, co-surgeon or team."""
    for modifier in work.line.modifiers:
        helper = book.treatment("modifier", modifier)
        if helper is None or helper.word not in _HELPERS or work.settled:
            continue
        name, value = _HELP_NAME[helper.word], fee.indicators[_HELP_INDICATOR[helper.word]]
        said = book.treatment(helper.word, value)
        rule = book.rule(helper.rule)
        work.cite(helper.sources)
        work.cite(said.sources if said else ())
        if said is not None and said.word == "refused":
            message = f"{work.line.code} is not paid for {name} (modifier {modifier}): {said.statement}"
            work.settle(Decimal(0), f"refused: {message}")
            findings.append(
                told(f"{helper.word.replace('_', '-')}-not-paid", "deny", message, line=work.line, sources=said.sources)
            )
        elif said is None or rule is None or rule.factor is None:
            why = rule.statement if said and rule else f"what indicator {value or 'none'} means is not established."
            _without(work, findings, f"{work.line.code} for {name} (modifier {modifier}): {why}")
        else:
            work.multiply(rule, rule.factor, f"{name}, modifier {modifier}")
            if said.word == "documented":
                findings.append(
                    told("fact-not-established", "review", said.statement, line=work.line, sources=said.sources)
                )


def _unsettled(work: Work, fee: PhysicianFee, book: RuleBook, findings: list[Finding]) -> None:
    """Say of modifiers that change a fee by a share which no source establishes."""
    for modifier in work.line.modifiers:
        said = book.treatment("modifier", modifier)
        if said is None or work.settled or modifier == fee.modifier:
            continue
        if said.word in ("reduced", "component_or_unsettled"):
            work.cite(said.sources)
            _without(work, findings, f"the share that modifier {modifier} leaves of a fee is not established.")
        elif said.word == "unsettled":
            message = f"What modifier {modifier} adds to a fee is not established; the line is priced without it."
            findings.append(told("fact-not-established", "review", message, line=work.line, sources=said.sources))


def _units(works: list[Work], schedule: Schedule, findings: list[Finding]) -> None:
    """Say where a claim has more units of a code than are paid a day: the price takes them as paid."""
    for code, limit in sorted(schedule.unit_limits.items()):
        lines = [work for work in works if work.line.code == code and not work.settled]
        total = sum(work.line.units for work in lines)
        if total > limit:
            findings.append(
                told(
                    "mue-exceeded",
                    "review",
                    f"{code}: {total} units, {limit} a day are paid (MUE); the price takes all of them as paid.",
                    fix="Both sides go on one line with one unit and the modifier for both sides, where the code has one.",
                    line=lines[0].line if len(lines) == 1 else None,
                    evidence={"units": str(total), "limit": str(limit)},
                )
            )


def _ranked(groups: list[list[Work]], held: dict[int, PhysicianFee], book: RuleBook, findings: list[Finding]) -> None:
    """Rank procedures by their amount so far and reduce all but the highest; both sides of one rank as one."""
    ranked = []
    unknown: dict[str, list[Work]] = {}
    for group in groups:
        fee = held[group[0].line.line]
        said = book.treatment("mult", fee.indicators["mult"])
        outside = book.rule("add-on-outside-ranking")
        if said is None:
            unknown.setdefault(fee.indicators["mult"], []).extend(group)
        elif said.word == "ranked":
            ranked.append((sum((_amount(work) for work in group), Decimal(0)), group, said.sources))
        elif outside is not None and book.word("global", fee.indicators["global"]) == "add_on":
            for work in group:
                work.multiply(outside, outside.number, "an add-on stands outside the ranking of procedures")
    for indicator, works in sorted(unknown.items()):
        if len(works) > 1:
            numbers = ", ".join(str(work.line.line) for work in works)
            findings.append(
                told(
                    "fact-not-established",
                    "review",
                    f"How several procedures with multiple-procedure indicator {indicator or 'none'} are reduced is not "
                    f"established; lines {numbers} are priced in full.",
                )
            )
    # What a line says breaks a tie, never where it stands on the claim.
    ranked.sort(key=lambda one: (-one[0], [work.content() for work in one[1]]))
    for place, (_, group, sources) in enumerate(ranked, start=1):
        said = book.treatment("rank", str(place)) or book.treatment("rank", "later")
        rule = book.rule(said.rule) if said else None
        for work in group:
            _place(work, place, len(ranked), rule, sources, findings)


def _place(
    work: Work, place: int, count: int, rule: Rule | None, sources: tuple[str, ...], findings: list[Finding]
) -> None:
    if rule is None or rule.factor is None:
        work.cite(sources)
        by_report = rule.statement if rule else "How it is paid is not established."
        _without(work, findings, f"{work.line.code} ranks {place} of {count} procedures. {by_report}")
    elif count > 1:
        work.cite(sources)
        work.multiply(rule, rule.factor, f"rank {place} of {count} procedures")
    if work.line.units > 1 and not work.settled and work.priced_units > 1:
        message = (
            f"Whether the further units of {work.line.code} are reduced as further procedures is not established; "
            "the whole line is priced at its rank."
        )
        findings.append(told("fact-not-established", "review", message, line=work.line, sources=sources))


def _charges(groups: list[list[Work]], book: RuleBook, findings: list[Finding]) -> None:
    """Allow no more than the charge. Both sides on two lines were held to their charges together before."""
    rule = book.rule("lower-of-charge")
    for group in groups:
        for work in group if len(group) == 1 else ():
            charge = work.line.charge
            if charge is None or work.amount is None or charge >= work.amount:
                continue
            if rule is None:
                message = (
                    f"Whether the lower of charge and reduced fee is allowed is not established for {book.day}; "
                    "the fee is shown, which is more than the charge."
                )
                findings.append(told("fact-not-established", "info", message, line=work.line))
                continue
            work.hold_to(rule, charge, "the charge is lower")


def _amount(work: Work) -> Decimal:
    return work.amount if work.amount is not None else Decimal(0)
