"""Facetwise: cited, dated answers about facet joint procedures and the codes that report them."""

__version__ = "0.1.0"
