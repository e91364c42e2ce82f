"""The SAML 2.0 service provider: a sign-in in a browser finds its user, or makes one."""
