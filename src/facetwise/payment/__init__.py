"""What Medicare allows, in exact decimals."""
