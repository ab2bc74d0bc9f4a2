"""The tables of the payers' rules, beside those of `edits.tables`: their columns, types and indexes."""

from __future__ import annotations

from facetwise.edits.tables import Shape

PAYER_TABLES: dict[str, Shape] = {}
