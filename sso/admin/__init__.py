"""Pages of the administration about SAML."""

from sso.admin.sign_in_log import SignInRecordAdmin

__all__ = ["SignInRecordAdmin"]
