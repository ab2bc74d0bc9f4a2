"""The last day of service that is read as one: a later day is a slip of the pen."""

from __future__ import annotations

from datetime import date


def last_day() -> date:
    """Return the later of today and the end of what the knowledge covers."""
    from facetwise.knowledge import load

    return max(load().store.horizon.until, date.today())
