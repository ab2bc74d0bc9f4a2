"""The payment rules of a day, read from the knowledge: factors, their sources, and what indicators and modifiers do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from facetwise.knowledge.store import Store
from facetwise.payment.sources import FACILITY

_RULES = "fees/rules"
_TREATMENTS = "fees/treatments"
_PLACES = "fees/places"
_SITES = "fees/sites"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that changes an amount. `factor` is None where the rule has no number."""

    name: str
    factor: Decimal | None
    statement: str
    sources: tuple[str, ...]
    evidence: str = ""

    @property
    def number(self) -> Decimal:
        """Return the factor of a rule that must have one. Raises ValueError."""
        if self.factor is None:
            raise ValueError(f"rule {self.name} has no factor")
        return self.factor


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a modifier, status or indicator does: a word, the rule it calls, and who says so."""

    word: str
    rule: str
    statement: str
    sources: tuple[str, ...]


class RuleBook:
    """The rules of one day: those whose dates take it in, and no others."""

    def __init__(self, store: Store, day: date):
        self.day = day
        self._rules = {
            record["rule"]: Rule(record["rule"], record["factor"], record["statement"], row.sources, row.evidence or "")
            for row, record in store.tables[_RULES].records(day)
        }
        self._treatments = {
            (record["kind"], record["value"]): Treatment(
                record["treatment"], record["rule"] or "", record["statement"], row.sources
            )
            for row, record in store.tables[_TREATMENTS].records(day)
        }
        places = {record["setting"]: record["place_of_service"] for _, record in store.tables[_PLACES].records(day)}
        sites = {record["place_of_service"]: record["site"] for _, record in store.tables[_SITES].records(day)}
        self._sites: dict[str, str] = {setting: sites.get(place, FACILITY) for setting, place in places.items()}

    def rule(self, name: str) -> Rule | None:
        """Return a rule by its name; None when no text establishes it for the day."""
        return self._rules.get(name)

    def treatment(self, kind: str, value: str) -> Treatment | None:
        """Return what this value does; None when no source says."""
        return self._treatments.get((kind, value))

    def word(self, kind: str, value: str) -> str:
        """Return the word for what this value does, or an empty text."""
        found = self.treatment(kind, value)
        return found.word if found else ""

    def modifiers(self) -> dict[str, str]:
        """Return the modifiers that bear on a price, each with the word for what it does."""
        return {value: said.word for (kind, value), said in self._treatments.items() if kind == "modifier"}

    def site(self, setting: str) -> str:
        """Return non_facility or facility: whose practice expense a setting is paid."""
        return self._sites[setting]
