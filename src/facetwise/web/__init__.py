"""Pages to work with and a REST API to build on, over the same functions as the commands; `facetwise serve` runs them."""
