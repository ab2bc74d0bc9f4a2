"""The statements that fill the prepared tables, in the dialect of an engine."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from facetwise.edits.texts import parse

if TYPE_CHECKING:
    from sqlglot import exp

# GROUP_HASH numbers the groups of lines: any whole number that is equal for equal values and fits a BIGINT. DuckDB has it as
# this macro, which is to be made before a statement runs; for Spark it is written out.
MACRO = "CREATE OR REPLACE MACRO group_hash(a, b) AS hash(a, b) >> 1, (a, b, c) AS hash(a, b, c) >> 1"
_SPARK = "xxhash64({values})"


@functools.cache
def fill(table: str, dialect: str) -> str:
    """Return the SELECT that fills `line`, `facet` or `line_dx`, in the dialect of DuckDB or Spark."""
    content = resources.files("facetwise.edits.prepare").joinpath(f"{table}.sql").read_text(encoding="utf-8")
    text = parse(table, content).statement()
    return text if dialect == "duckdb" else _translated(text, dialect)


def _translated(text: str, dialect: str) -> str:
    import sqlglot
    from sqlglot import exp

    from facetwise.edits.translate import WRITTEN_IN

    def grouped(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous) and node.name.upper() == "GROUP_HASH":
            values = ", ".join(one.sql(dialect=dialect) for one in node.expressions)
            return exp.paren(sqlglot.parse_one(_SPARK.format(values=values), dialect=dialect))
        return node

    return sqlglot.parse_one(text, dialect=WRITTEN_IN).transform(grouped).sql(dialect=dialect)
