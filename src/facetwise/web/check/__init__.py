"""The claim check on the web: small checks in this process, uploads in a process of their own."""
