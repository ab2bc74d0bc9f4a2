"""The reference tables that the rule texts read, compiled from the knowledge and the releases of the catalog."""
