"""Claims in any of their formats, as one table of claim lines; what cannot be read is kept and named."""
