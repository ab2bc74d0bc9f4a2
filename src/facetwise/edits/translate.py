"""From the dialect in which the rule texts are written to that of an engine, and the list of the syntax that they may use.

sqlglot is pinned; it lets some things through silently that another engine takes otherwise, so a text keeps to what is listed
here and every edit is run on all engines in the tests.
"""

from __future__ import annotations

import functools

import sqlglot
from sqlglot import exp

WRITTEN_IN = "duckdb"
# The kinds of expression that a rule text may be made of.
ALLOWED: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.With, exp.CTE, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Union, exp.Subquery,
        exp.Distinct, exp.Star, exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Paren, exp.Tuple,
        exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Not, exp.And, exp.Or, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE,
        exp.Between, exp.In, exp.Is, exp.Exists, exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.DPipe, exp.Case, exp.If, exp.Coalesce,
        exp.Cast, exp.DataType, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Round, exp.Length, exp.Replace, exp.Substring, exp.Abs,
        exp.DateDiff, exp.Var,
        # Window functions over whole numbers: row_number, and counts and sums by ROWS or RANGE of integer days.
        exp.Window, exp.WindowSpec, exp.Order, exp.Ordered, exp.RowNumber, exp.Lag, exp.Lead,
    }
)  # fmt: skip


class NotPortableError(ValueError):
    """A text uses syntax that is not listed as meaning the same everywhere; a fault of ours, not of a user."""


def check(name: str, text: str) -> None:
    """Raise NotPortableError when a text uses anything that is not listed, or a type other than those of the tables."""
    for node in sqlglot.parse_one(text, dialect=WRITTEN_IN).walk():
        if type(node) not in ALLOWED:
            raise NotPortableError(f"{name}: {type(node).__name__} ({node.sql(dialect=WRITTEN_IN)[:60]})")
        # A join's kind is a word in it, not a node of its own.
        if isinstance(node, exp.Join) and (node.method or node.side not in ("", "LEFT") or node.kind not in _JOINS):
            raise NotPortableError(f"{name}: a join {node.method} {node.side} {node.kind}")
        if isinstance(node, exp.DataType) and node.sql(dialect=WRITTEN_IN) not in _TYPES:
            raise NotPortableError(f"{name}: a cast to {node.sql(dialect=WRITTEN_IN)}")


_JOINS = ("", "INNER", "CROSS")
_TYPES = ("BIGINT", "INT", "INTEGER", "TEXT", "VARCHAR", "DOUBLE", "DATE")


@functools.cache
def translate(text: str, dialect: str) -> str:
    """Return a text in the dialect of another engine ("sqlite" or "spark")."""
    if dialect == WRITTEN_IN:
        return text
    return sqlglot.transpile(
        text, read=WRITTEN_IN, write=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE, identify=False
    )[0]
