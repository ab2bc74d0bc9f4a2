"""From what was treated to the claim lines that a payer wants: joints and nerves, sides, technique, purpose, guidance."""

from facetwise.coding.code import Coded, code
from facetwise.coding.encounter import Encounter, read_encounters

__all__ = ["Coded", "Encounter", "code", "read_encounters"]
