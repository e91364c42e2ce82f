"""The one user and role model, and every rule about it. Both channels write through its services."""
