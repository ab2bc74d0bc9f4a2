"""Is it covered, and what is missing: a case against the criteria, limits and positions of its payer on its day."""

from facetwise.coverage.case import Case, read_cases
from facetwise.coverage.determination import Determination, cover

__all__ = ["Case", "Determination", "cover", "read_cases"]
