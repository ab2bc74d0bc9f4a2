"""Claims in any of their formats, as one table of claim lines; what cannot be read is kept and named.

reading = facetwise.claims.read(["january.837", "february.parquet"])
for batch in reading.batches():  # pyarrow.RecordBatch with facetwise.claims.columns.SCHEMA
    ...
reading.counts.lines, reading.rejected.records
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facetwise.claims.reading import Reading, offer, read

__all__ = ["Reading", "offer", "read"]


def __getattr__(name: str) -> Any:
    """Import Arrow and DuckDB only when claims are read."""
    if name in __all__:
        from facetwise.claims import reading as module

        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
