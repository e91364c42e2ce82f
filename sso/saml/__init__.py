"""The only home of python3-saml. It turns messages into plain values, and imports no model, view or service."""
