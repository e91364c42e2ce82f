"""SCIM errors (RFC 7644 section 3.12): one class for each scimType, and one form for all.

The administrator of the IdP reads ``detail`` in its task list, so it is a sentence that helps them.
"""

from typing import ClassVar

from core_identity.errors import IdentityError
from scim.wire import urns


class ScimError(IdentityError):
    """The base of all errors that SCIM answers."""

    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    @property
    def detail(self) -> str:
        return self.message

    def to_dict(self, reference: str = "") -> dict[str, object]:
        """Return the error document. ``reference`` finds the log line and the events of the request."""
        detail = f"{self.detail} (Reference: {reference})" if reference else self.detail
        document: dict[str, object] = {"schemas": [urns.ERROR], "status": str(self.status), "detail": detail}
        if self.scim_type is not None:
            document["scimType"] = self.scim_type
        return document


class InvalidFilter(ScimError):
    code = "invalid_filter"
    scim_type = "invalidFilter"


class Uniqueness(ScimError):
    code = "uniqueness"
    status = 409
    scim_type = "uniqueness"


class Mutability(ScimError):
    code = "mutability"
    scim_type = "mutability"


class InvalidSyntax(ScimError):
    code = "invalid_syntax"
    scim_type = "invalidSyntax"


class UnclearBody(InvalidSyntax):
    """Valid JSON that is ambiguous. ``body`` is its content, only to find out whether it deactivates (R23)."""

    def __init__(self, message: str, body: object) -> None:
        super().__init__(message)
        self.body = body


class InvalidPath(ScimError):
    code = "invalid_path"
    scim_type = "invalidPath"


class NoTarget(ScimError):
    code = "no_target"
    scim_type = "noTarget"


class InvalidValue(ScimError):
    code = "invalid_value"
    scim_type = "invalidValue"


class TooMany(ScimError):
    code = "too_many"
    scim_type = "tooMany"


class BadRequest(ScimError):
    """A request with a fault outside SCIM."""

    code = "bad_request"


class Unauthorized(ScimError):
    code = "unauthorized"
    status = 401


class Forbidden(ScimError):
    code = "forbidden"
    status = 403


class InsufficientScope(Forbidden):
    """The token is live and does not have the scope (RFC 6750 section 3.1)."""

    code = "insufficient_scope"


class NotFound(ScimError):
    code = "not_found"
    status = 404


class MethodNotAllowed(ScimError):
    code = "method_not_allowed"
    status = 405


class PreconditionFailed(ScimError):
    """If-Match or If-None-Match is not fulfilled (RFC 7644 section 3.14)."""

    code = "precondition_failed"
    status = 412


class InvalidCursor(ScimError):
    """The cursor is not ours, or belongs to another query (RFC 9865 section 2.3)."""

    code = "invalid_cursor"
    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """The cursor is too old (RFC 9865 section 2.3)."""

    code = "expired_cursor"
    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """The count of a page by cursor is not a number (RFC 9865 section 2.3)."""

    code = "invalid_count"
    scim_type = "invalidCount"


class PayloadTooLarge(ScimError):
    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(ScimError):
    code = "unsupported_media_type"
    status = 415


class NotDone(ScimError):
    """The service does not support this (RFC 7644 section 3.12)."""

    code = "not_done"
    status = 501


class Unavailable(ScimError):
    """CORE cannot answer now; the request itself is valid. ``retry_after`` is in whole seconds, the only form that Okta reads."""

    code = "unavailable"
    status = 503
    retry_after: ClassVar[int] = 10


class TooManyRequests(ScimError):
    """``retry_after`` is in whole seconds, at least 1. Okta reads no other form (RFC 9110 section 10.2.3)."""

    code = "too_many_requests"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests of this connection within a minute. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class Unexpected(ScimError):
    code = "unexpected"
    status = 500


def shown(text: object, limit: int = 60) -> str:
    """Return a text of a client for use in a sentence: quoted, escaped and short."""
    quoted = ascii(text) if isinstance(text, str) and not text.isprintable() else repr(text)
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 1]}…"
