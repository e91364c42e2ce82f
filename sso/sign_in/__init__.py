"""One sign-in: the way to the IdP and back, the decision, and the row in the log. Begin with `views` and `acs`."""
