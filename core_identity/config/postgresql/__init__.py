"""The database engine: Django's for PostgreSQL, with a cheaper look at a connection that is kept."""
