"""One encounter in an office, a surgery center and a hospital: the professional and the facility side together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from facetwise.knowledge import Knowledge
from facetwise.payment.answer import Answer
from facetwise.payment.money import in_dollars
from facetwise.payment.price import Pricer
from facetwise.payment.request import CENTER, FACILITY_CLAIM, HOSPITAL, OFFICE, PROFESSIONAL, Line, Request
from facetwise.payment.rules import RuleBook

_RIGHT, _LEFT, _BOTH = "right_side", "left_side", "both_sides"


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one encounter comes to in one setting; `facility` is None in an office, which has no such claim."""

    setting: str
    professional: Answer
    facility: Answer | None
    allowed: str
    medicare_pays: str
    patient_pays: str
    after_sequestration: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The same lines in each setting."""

    knowledge: str
    date_of_service: str
    settings: tuple[Side, ...]


def compare(request: Request, pricer: Pricer, knowledge: Knowledge) -> Comparison:
    """Price the lines in every setting. Raises what `Pricer.price` raises.

    The open deductible is met by the professional claim first. On the surgery center's claim both sides stand on two
    lines, since that is how they are paid there.
    """
    book = RuleBook(knowledge.store, request.day)
    sides = []
    for setting in (OFFICE, CENTER, HOSPITAL):
        professional = pricer.price(replace(request, setting=setting, claim=PROFESSIONAL))
        facility = None
        if setting != OFFICE:
            left = request.deductible - Decimal(professional.deductible)
            lines = _on_two_lines(request.lines, book) if setting == CENTER else request.lines
            facility = pricer.price(
                replace(request, setting=setting, claim=FACILITY_CLAIM, lines=lines, deductible=left)
            )
        sides.append(_side(setting, professional, facility))
    return Comparison(knowledge=knowledge.digest, date_of_service=request.day.isoformat(), settings=tuple(sides))


def _side(setting: str, professional: Answer, facility: Answer | None) -> Side:
    both = [one for one in (professional, facility) if one is not None]

    def total(name: str) -> str:
        return in_dollars(sum((Decimal(getattr(one, name)) for one in both), Decimal(0)))

    return Side(
        setting=setting,
        professional=professional,
        facility=facility,
        allowed=total("allowed"),
        medicare_pays=total("medicare_pays"),
        patient_pays=total("patient_pays"),
        after_sequestration=total("after_sequestration"),
    )


def _on_two_lines(lines: tuple[Line, ...], book: RuleBook) -> tuple[Line, ...]:
    """Split each line for both sides into a right and a left one; charges are left out, since they are the clinician's."""
    sided = {word: one for one, word in book.modifiers().items() if word in (_RIGHT, _LEFT)}
    found: list[Line] = []
    for line in lines:
        words = {book.word("modifier", one) for one in line.modifiers}
        rest = tuple(one for one in line.modifiers if book.word("modifier", one) not in (_BOTH, _RIGHT, _LEFT))
        if _BOTH in words or {_RIGHT, _LEFT} <= words:
            found += [replace(line, modifiers=(sided[side], *rest), charge=None) for side in (_RIGHT, _LEFT)]
        else:
            found.append(replace(line, charge=None))
    return tuple(replace(line, line=number) for number, line in enumerate(found, start=1))
