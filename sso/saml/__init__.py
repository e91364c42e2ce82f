"""The one home of python3-saml: messages in, plain values out. Knows no model, no view and no service."""
