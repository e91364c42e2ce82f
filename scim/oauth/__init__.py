"""OAuth 2 of provisioning: clients and their secrets, tokens, consent, and the judgement of a token (R14)."""
