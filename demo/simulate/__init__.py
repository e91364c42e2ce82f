"""Send what an IdP sends by SCIM, to see provisioning without a real Okta."""
