"""The answer of `price`: lines with base, adjustments, allowed amount and steps, and the totals. Money is text."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from facetwise.findings import Finding, Severity
from facetwise.payment.money import in_dollars, to_cents
from facetwise.payment.request import Line
from facetwise.payment.rules import Rule
from facetwise.payment.sources import Provenance


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One adjustment: a factor, or (factor None) an upper limit in dollars."""

    rule: str
    factor: str | None
    limit: str | msgspec.UnsetType = msgspec.UNSET


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the answer: allowed = base x priced_units x every factor, rounded once, half up.

    `base` and what follows from it are None where no source sets a price; a finding says why.
    """

    line: int
    code: str
    modifiers: tuple[str, ...]
    units: int
    priced_units: int
    base: str | None
    adjustments: tuple[Adjustment, ...]
    allowed: str | None
    medicare_pays: str | None
    patient_pays: str | None
    after_sequestration: str | None
    limiting_charge: str | None
    release: str
    evidence: str
    steps: tuple[str, ...]
    citations: tuple[str, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The locality whose indices were used; mac and locality empty for national amounts."""

    mac: str
    locality: str
    name: str
    work: str
    practice_expense: str
    malpractice: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release that figures of the answer stand in, and whether it is in the knowledge or the user's catalog."""

    kind: str
    release: str
    origin: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One priced claim. Totals are sums over the lines that have a price."""

    knowledge: str
    payer: str
    date_of_service: str
    setting: str
    claim: str
    locality: Place | None
    conversion_factor: str | None
    wage_index: str | None
    lines: tuple[PricedLine, ...]
    allowed: str
    deductible: str
    medicare_pays: str
    patient_pays: str
    after_sequestration: str
    non_participating: str | None
    limiting_charge: str | None
    releases: tuple[Release, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Work:
    """A line while it is being priced. `amount` in dollars, unrounded; None until, or unless, a price is found.

    `settled` lines are out of every further step: refused, packaged, or without a price.
    """

    line: Line
    base: Decimal | None = None
    priced_units: int = 1
    amount: Decimal | None = None
    allowed: Decimal | None = None
    settled: bool = False
    adjustments: list[Adjustment] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    citations: list[str] = field(default_factory=list)
    provenance: Provenance | None = None
    copayment: Decimal | None = None

    def start(self, base: Decimal, units: int, provenance: Provenance, step: str) -> None:
        """Take the fee of one unit."""
        self.base, self.priced_units, self.provenance = base, units, provenance
        self.amount = base * units
        self.cite(provenance.citations)
        self.steps.append(step)
        if units > 1:
            self.steps.append(f"{units} units: {plain(self.amount)}")

    def multiply(self, rule: Rule, factor: Decimal, why: str) -> None:
        """Apply a factor; a factor of 1 is told in the steps alone."""
        self.cite(rule.sources)
        if self.amount is None:
            return
        self.amount *= factor
        if factor != 1:
            self.adjustments.append(Adjustment(rule=rule.name, factor=plain(factor)))
            self.steps.append(f"{rule.name}: {why}; times {plain(factor)} is {plain(self.amount)}")
        else:
            self.steps.append(f"{rule.name}: {why}")

    def hold_to(self, rule: Rule, limit: Decimal, why: str) -> None:
        """Take a lower limit in dollars in the place of the amount."""
        self.cite(rule.sources)
        self.amount = limit
        self.adjustments.append(Adjustment(rule=rule.name, factor=None, limit=in_dollars(limit)))
        self.steps.append(f"{rule.name}: {why}; {in_dollars(limit)}")

    def settle(self, allowed: Decimal | None, step: str) -> None:
        """End the pricing of the line: with an amount, or without one."""
        self.settled, self.allowed = True, allowed
        if allowed is None:
            self.amount = None
        self.steps.append(step)

    def finish(self) -> None:
        """Round once, half up."""
        if not self.settled and self.amount is not None:
            self.allowed = to_cents(self.amount)
            self.settled = True
            if self.allowed != self.amount:
                self.steps.append(f"rounded half up to the cent: {in_dollars(self.allowed)}")

    def content(self) -> tuple[str, tuple[str, ...], int, Decimal, int]:
        """Return a sort key of what the line says; its number comes last, to tell equal lines apart."""
        line = self.line
        charge = Decimal(-1) if line.charge is None else line.charge
        return line.code, tuple(sorted(line.modifiers)), -line.units, charge, line.line

    def cite(self, sources: tuple[str, ...]) -> None:
        """Add sources, each once."""
        self.citations += [source for source in sources if source not in self.citations]


def plain(number: Decimal) -> str:
    """Return a number without needless zeros: 1.5, 285.585, 100."""
    return format(number.normalize() + Decimal(0), "f") if number else "0"


def told(
    edit: str,
    severity: Severity,
    message: str,
    *,
    line: Line | None = None,
    fix: str = "",
    carc: str = "",
    evidence: dict[str, str] | None = None,
    sources: tuple[str, ...] = (),
) -> Finding:
    """Return a finding about a line, or about the claim."""
    return Finding(
        edit=edit,
        severity=severity,
        message=message,
        fix=fix,
        claim_line_number=line.line if line else None,
        carc=carc,
        evidence=dict(evidence or {}),
        citations=sources,
    )
