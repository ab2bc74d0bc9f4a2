"""From what was treated (joints or nerves, sides, technique, purpose, guidance) to the claim lines a payer wants."""

from facetwise.coding.code import Coded, code
from facetwise.coding.encounter import Encounter, read_encounters

__all__ = ["Coded", "Encounter", "code", "read_encounters"]
