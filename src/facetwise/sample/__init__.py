"""Realistic claims, made up: clean ones by each payer's own rules, and planted errors with the list of what was planted.

What the patients have and what is billed comes from `knowledge/samples`, the facet procedures from the payers' rules on the day of the
service (`facetwise.payers`, `facetwise.coding`). The rows are made set-wise in DuckDB; Python makes only the patterns that they repeat.
"""
