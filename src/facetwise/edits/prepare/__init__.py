"""From the claim-line table to the prepared tables line, facet and line_dx (`edits.tables`).

`*.sql` say it for the set-wise engines, `one_claim` for claims in memory; both fill the same columns.
"""
