"""The published layouts: how each is recognised by its content and read."""
