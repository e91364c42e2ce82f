"""The only writers. Each takes a keyword-only ``actor``, locks in the order of `core_identity.services.locks`, and writes its events."""
