"""CDS Hooks: what a payer wants for a facet procedure, told while it is ordered or booked. docs/cds-hooks.md says what is read."""
