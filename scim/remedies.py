"""What to do about each error of SCIM and OAuth, by its code. `docs/reference/errors.md` is generated from here."""

from types import MappingProxyType
from typing import Final

_AGAIN: Final = "Begin again with an empty `cursor`."
_BODY: Final = "Send the message in the form of RFC 7644. If an identity provider made it, give the reference to an administrator of CORE."

SCIM: Final = MappingProxyType(
    {
        "invalid_filter": "Use an attribute and an operator of [SCIM](scim.md). An empty list would hide the mistake and "
        "create duplicates, so it is an error.",
        "uniqueness": "If the person is provisioned already, import or link them in the identity provider. If another user is in "
        "the way, an administrator of CORE opens the conflict and decides. Then push again.",
        "mutability": "Remove the attribute from the mapping, or send a value instead of removing it.",
        "invalid_syntax": _BODY,
        "invalid_path": "Correct the attribute mapping. `/Schemas` lists the attributes.",
        "no_target": "Name an existing value in the selector, or send the whole value.",
        "invalid_value": "Correct this value in the identity provider, then push again.",
        "too_many": "Send several smaller messages.",
        "bad_request": "Compare the SCIM base URL with the setup sheet of the connection.",
        "unauthorized": "Authorise the app again in its provisioning settings, or enter a new long-lived token. Check that the "
        "connection is switched on.",
        "forbidden": "Use the address or the setting that the sentence names.",
        "insufficient_scope": "Request a token with the scope `scim`.",
        "not_found": "Search for the person by userName and link them again. If no address works, compare the SCIM base URL with "
        "the setup sheet.",
        "method_not_allowed": "Use a method of RFC 7644 for this address. The header `Allow` lists them.",
        "precondition_failed": "Read the resource, then send the change with its present version.",
        "invalid_cursor": _AGAIN,
        "expired_cursor": _AGAIN,
        "invalid_count": "Send `count` as a whole number.",
        "payload_too_large": "Send several smaller messages.",
        "unsupported_media_type": "Set the header `Content-Type` to `application/scim+json`.",
        "not_done": "Use the address that the sentence names.",
        "unavailable": "Send the same request again after the seconds in `Retry-After`. Identity providers do so themselves.",
        "too_many_requests": "Send the same request again after the seconds in `Retry-After`. An operator can "
        "[raise the limits](environment.md).",
        "unexpected": "Give the reference to an administrator of CORE. The log of the service contains the cause.",
    }
)
"""By the ``code`` of the class in `scim.wire.errors`."""

OAUTH: Final = MappingProxyType(
    {
        "invalid_client": "Enter client ID and secret from the setup sheet again. Check that the connection is switched on.",
        "invalid_grant": "Authorise the app again in its provisioning settings.",
        "invalid_request": "Correct the request as the sentence describes.",
        "invalid_scope": "Request the scope `scim`.",
        "unauthorized_client": "An administrator of CORE allows the grant type for this client.",
        "unsupported_grant_type": "Use one of the listed grant types.",
        "temporarily_unavailable": "Send the same request again after the seconds in `Retry-After`.",
        "server_error": "Give the reference to an administrator of CORE. The log of the service contains the cause.",
    }
)
"""By the ``error`` of RFC 6749."""
