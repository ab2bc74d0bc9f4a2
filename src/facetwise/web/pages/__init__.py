"""The pages: each a module with its routes, drawn on the server, that works without a script."""
