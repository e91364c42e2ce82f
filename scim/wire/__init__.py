"""RFC 7643 and RFC 7644 as data and pure functions. Nothing here knows a model, a view or a service."""
