"""Who pays what of the allowed amount: the deductible, the coinsurance, Medicare's part, and sequestration last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from facetwise.payment.answer import Work
from facetwise.payment.money import in_dollars, to_cents
from facetwise.payment.rules import RuleBook


@dataclass(frozen=True, slots=True)
class Share:
    """The parts of one line's allowed amount, in dollars, each rounded half up to the cent."""

    deductible: Decimal
    patient: Decimal
    medicare: Decimal
    after_sequestration: Decimal
    steps: tuple[str, ...]
    sources: tuple[str, ...]


def shares(works: Iterable[Work], deductible: Decimal, book: RuleBook) -> dict[int, Share]:
    """Return the parts by line number, line by line as Part B does, for `deductible` dollars still open.

    The deductible is taken from the highest line first, so that the order of the lines bears on nothing. Lines without
    a price have no part.
    """
    priced = [(work, work.allowed) for work in works if work.allowed is not None]
    priced.sort(key=lambda one: (-one[1], one[0].content()))
    coinsurance, withheld = book.rule("coinsurance"), book.rule("sequestration")
    if coinsurance is None or withheld is None:
        return {}
    found = {}
    left = to_cents(deductible)
    for work, allowed in priced:
        taken = min(left, allowed)
        left -= taken
        rest = allowed - taken
        owed = to_cents(rest * coinsurance.number)
        if work.copayment is not None:
            owed = min(rest, to_cents(work.copayment * work.priced_units))
        medicare = rest - owed
        kept = to_cents(medicare * withheld.number)
        steps = []
        if taken:
            steps.append(f"deductible: {in_dollars(taken)}")
        steps.append(f"{'copayment' if work.copayment is not None else 'coinsurance'}: {in_dollars(owed)}")
        steps.append(f"sequestration: {in_dollars(kept)} of Medicare's {in_dollars(medicare)}")
        found[work.line.line] = Share(
            deductible=taken,
            patient=taken + owed,
            medicare=medicare,
            after_sequestration=medicare - kept,
            steps=tuple(steps),
            sources=tuple(dict.fromkeys((*coinsurance.sources, *withheld.sources))),
        )
    return found
