"""The five questions as tools of the Model Context Protocol, over the same functions as the API; `facetwise mcp` runs them."""
