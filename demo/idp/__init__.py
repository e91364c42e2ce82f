"""An IdP that asks nobody for a password. It listens on this machine only."""
