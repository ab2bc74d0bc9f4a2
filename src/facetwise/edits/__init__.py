"""Claim edits: what would be refused or denied of each claim line, why, what to do, and from which source.

Every edit is SQL over one claim-line table and the reference tables (docs/check.md); engines run the same text.
"""
