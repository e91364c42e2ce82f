"""Failures as RFC 7644 section 3.12 puts them on the wire: one class per scimType, one way to the wire.

``detail`` is a sentence that the administrator of the IdP reads in its task list.
"""

from typing import ClassVar

from core_identity.errors import IdentityError
from scim.wire import urns


class ScimError(IdentityError):
    """Anything that SCIM answers instead of a resource."""

    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    @property
    def detail(self) -> str:
        return self.message

    def to_dict(self, reference: str = "") -> dict[str, object]:
        """Return the error document; ``reference`` finds the log line and the events of the request."""
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
    """JSON that can be read, and all the same is not taken. ``body`` is what it says: good for one look whether it deactivates (R23)."""

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
    """A request that is wrong before SCIM begins."""

    code = "bad_request"


class Unauthorized(ScimError):
    code = "unauthorized"
    status = 401


class Forbidden(ScimError):
    code = "forbidden"
    status = 403


class InsufficientScope(Forbidden):
    """RFC 6750 section 3.1: the token is live and lacks a scope."""

    code = "insufficient_scope"


class NotFound(ScimError):
    code = "not_found"
    status = 404


class MethodNotAllowed(ScimError):
    code = "method_not_allowed"
    status = 405


class PreconditionFailed(ScimError):
    """RFC 7644 section 3.14: If-Match or If-None-Match does not hold."""

    code = "precondition_failed"
    status = 412


class InvalidCursor(ScimError):
    """RFC 9865 section 2.3."""

    code = "invalid_cursor"
    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """RFC 9865 section 2.3."""

    code = "expired_cursor"
    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """RFC 9865 section 2.3."""

    code = "invalid_count"
    scim_type = "invalidCount"


class PayloadTooLarge(ScimError):
    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(ScimError):
    code = "unsupported_media_type"
    status = 415


class NotDone(ScimError):
    """RFC 7644 section 3.12: the service does not do this."""

    code = "not_done"
    status = 501


class Unavailable(ScimError):
    """Nothing is wrong with the request: CORE cannot answer now. ``retry_after`` in whole seconds, the only form that Okta heeds."""

    code = "unavailable"
    status = 503
    retry_after: ClassVar[int] = 10


class TooManyRequests(ScimError):
    """``retry_after`` is in whole seconds, at least 1: Okta honours nothing else (RFC 9110 section 10.2.3)."""

    code = "too_many_requests"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests of this connection within a minute. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class Unexpected(ScimError):
    code = "unexpected"
    status = 500


def shown(text: object, limit: int = 60) -> str:
    """Return what a client sent, fit to stand in a sentence: quoted, escaped and short."""
    quoted = ascii(text) if isinstance(text, str) and not text.isprintable() else repr(text)
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 1]}…"
