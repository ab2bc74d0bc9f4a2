"""The list of the published layouts that are read, and which of them a content is in."""

from __future__ import annotations

from facetwise.catalog.content import Content
from facetwise.catalog.layouts import codesets, hospital, localities, ncci, physician, ptp, surgery_center
from facetwise.catalog.layouts.reading import Layout, Reading

LAYOUTS: tuple[Layout, ...] = (
    *physician.LAYOUTS,
    *localities.LAYOUTS,
    *ptp.LAYOUTS,
    *ncci.LAYOUTS,
    *surgery_center.LAYOUTS,
    *hospital.LAYOUTS,
    *codesets.LAYOUTS,
)

__all__ = ["LAYOUTS", "Layout", "Reading", "recognise"]


def recognise(content: Content) -> Layout | None:
    """Return the layout of a content, or None when it is none of those known. The name of the file plays no part."""
    return next((layout for layout in LAYOUTS if layout.recognise(content)), None)
