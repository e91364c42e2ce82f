"""Sign-out: by a button of ours, and by a signed message of the IdP (SAML profiles 4.4)."""
