"""A stand-in for Okta, for development only: an IdP to sign in with, and what Okta sends by SCIM. It knows nothing of the product."""
