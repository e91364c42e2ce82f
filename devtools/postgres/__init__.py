"""An embedded PostgreSQL: the first command that needs it starts it, the last one stops it."""
