"""The user and role model, and all rules about it. Both channels write by its services."""
