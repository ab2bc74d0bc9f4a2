"""The REST API: operations with their shapes, and the OpenAPI document made from the same shapes that validate."""
