"""The front door for pages of the administration: what the pages of core_identity, sso and scim are made of."""
