"""The provisioning log: what is stored of a request, and what is left out (R35)."""
