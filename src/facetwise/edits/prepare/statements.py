"""The statements that fill the prepared tables, in the dialect of an engine."""

from __future__ import annotations

import functools
from importlib import resources

import sqlglot
from sqlglot import exp

from facetwise.edits.texts import parse
from facetwise.edits.translate import WRITTEN_IN

# GROUP_HASH numbers the groups of lines: any whole number that is equal for equal values and fits a BIGINT.
_GROUP_HASH = {"duckdb": "hash({values}) >> 1", "spark": "xxhash64({values})"}


@functools.cache
def fill(table: str, dialect: str) -> str:
    """Return the SELECT that fills `line`, `facet` or `line_dx`, in the dialect of DuckDB or Spark."""
    content = resources.files("facetwise.edits.prepare").joinpath(f"{table}.sql").read_text(encoding="utf-8")
    tree = sqlglot.parse_one(parse(table, content).statement(), dialect=WRITTEN_IN)

    def grouped(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous) and node.name.upper() == "GROUP_HASH":
            values = ", ".join(one.sql(dialect=dialect) for one in node.expressions)
            return exp.paren(sqlglot.parse_one(_GROUP_HASH[dialect].format(values=values), dialect=dialect))
        return node

    return tree.transform(grouped).sql(dialect=dialect)
