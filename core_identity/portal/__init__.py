"""The customer's own page: what the customer's IT administrator sees and does by a set-up link (R38)."""
