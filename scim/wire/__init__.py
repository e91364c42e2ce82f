"""RFC 7643 and RFC 7644 as data and pure functions. This package imports no model, view or service."""
