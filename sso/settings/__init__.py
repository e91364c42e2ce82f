"""The SAML settings of a connection: read, compare and apply them. Here are also its keys, the IdP's metadata and email domains."""
