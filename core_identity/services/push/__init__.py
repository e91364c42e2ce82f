"""Pushes of people by SCIM (R8a): provisioning begins, and the others are its steps."""
