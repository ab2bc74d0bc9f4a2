"""The facts, apart from the logic: who says what, from when until when, according to which source.

knowledge = facetwise.knowledge.load()
view = knowledge.as_of(date(2026, 3, 2))
"""

from facetwise.knowledge.load import Knowledge, load
from facetwise.knowledge.store import Dated, Store, Thing
from facetwise.knowledge.view import Answer, View

__all__ = ["Answer", "Dated", "Knowledge", "Store", "Thing", "View", "load"]
