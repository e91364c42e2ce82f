"""What an IdP sends by SCIM, so that provisioning can be seen without an Okta of one's own."""
