"""Convert every exception in a view to a SCIM error (RFC 7644 section 3.12)."""

import logging
from typing import Final

from django.core.exceptions import SuspiciousOperation
from django.http import Http404
from django.http.request import UnreadablePostError
from gunicorn.http.errors import ParseException
from rest_framework import exceptions, status

from core_identity import errors as core
from core_identity import outages
from core_identity.brand import BRAND
from scim.wire import errors as wire

log = logging.getLogger("scim.failures")

_CORE: Final[tuple[tuple[type[core.IdentityError], type[wire.ScimError]], ...]] = (
    (core.NotFound, wire.NotFound),
    (core.InvalidValue, wire.InvalidValue),
    (core.UidRequired, wire.InvalidValue),
    (core.UnknownGroup, wire.InvalidValue),
    (core.Duplicate, wire.Uniqueness),
    (core.TryAgain, wire.Uniqueness),
    (core.Conflict, wire.Uniqueness),
    (core.NameTaken, wire.Uniqueness),
    (core.Locked, wire.Mutability),
    (core.NotAllowed, wire.Forbidden),
)


def scim_error(failure: Exception) -> wire.ScimError:
    """Return the SCIM error for ``failure``. An unexpected exception is logged, and answered without details."""
    if isinstance(failure, wire.ScimError):
        return failure
    if isinstance(failure, core.Busy):
        return wire.Unavailable(failure.message)
    if isinstance(failure, core.IdentityError):
        kind = next((wire_kind for core_kind, wire_kind in _CORE if isinstance(failure, core_kind)), wire.BadRequest)
        return kind(failure.message)
    if isinstance(failure, Http404):
        return wire.NotFound("There is nothing at this address. Check the SCIM base URL of the connection.")
    if isinstance(failure, exceptions.APIException):
        return _of_framework(failure)
    # The server decodes a chunked body while the view reads it, so a malformed one fails only here.
    if isinstance(failure, SuspiciousOperation | UnreadablePostError | ParseException):
        return wire.BadRequest("The request cannot be understood.")
    if outages.is_outage(failure):
        outages.log_traceback(failure)
        state = outages.NOT_KNOWN if outages.may_be_saved(failure) else outages.NOTHING_CHANGED
        return wire.Unavailable(f"{outages.AWAY} {state}")
    log.error("A SCIM request failed", exc_info=failure)
    return wire.Unexpected(
        f"Something went wrong in {BRAND}. Try again later, or give the reference to its administrator."
    )


def _of_framework(failure: exceptions.APIException) -> wire.ScimError:
    match failure.status_code:
        case status.HTTP_401_UNAUTHORIZED:
            return wire.Unauthorized("An access token is needed. Authorise the app again in its provisioning settings.")
        case status.HTTP_403_FORBIDDEN:
            return wire.Forbidden("This is not permitted.")
        case status.HTTP_404_NOT_FOUND:
            return wire.NotFound("There is nothing at this address.")
        case status.HTTP_405_METHOD_NOT_ALLOWED:
            return wire.MethodNotAllowed("This address does not accept this method.")
        case status.HTTP_415_UNSUPPORTED_MEDIA_TYPE:
            return wire.UnsupportedMediaType("Send the body as application/scim+json or application/json.")
    return wire.BadRequest("The request cannot be understood.")
