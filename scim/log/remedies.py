"""The cause of each refused SCIM request in words, with a remedy for administrators (R35). The keys are the causes in the provisioning log."""

from types import MappingProxyType
from typing import Final, NamedTuple

from core_identity.brand import BRAND


class Remedy(NamedTuple):
    """``words`` complete the sentence *POST /Users refused: …*."""

    words: str
    fix: str


_DECIDE: Final = "Otherwise decide the conflict here. The next push with the same keys then succeeds."
_PAGE: Final = "Ask for the first page again."
_MAPPING: Final = (
    "Correct the value or the attribute mapping at the identity provider. The sentence names the attribute."
)

REMEDIES: Final = MappingProxyType(
    {
        "uid": Remedy(
            "the UID belongs to somebody else",
            f"Check that the identity provider sends a UID that is stable and unique, the same by SAML and by SCIM. {_DECIDE}",
        ),
        "external_id": Remedy(
            "the externalId belongs to somebody else, or has changed",
            f"Check that the externalId is mapped to a value that never changes, such as the object id. {_DECIDE}",
        ),
        "user_name": Remedy(
            "the userName belongs to somebody else",
            f"If the newcomer has the name by mistake, give them another userName at the identity provider. {_DECIDE}",
        ),
        "email": Remedy(
            "the email belongs to somebody else",
            f"If both are the same person, send the same UID by SAML and by SCIM. If they are two people, correct the address. {_DECIDE}",
        ),
        "conflict": Remedy("a conflict has to be decided", "Open the conflict and decide who this person is."),
        "duplicate": Remedy(
            "the person already exists",
            "Nothing is wrong. The identity provider finds the person by a search for the userName, and then updates them. If it keeps creating "
            f"them, let it import the users of {BRAND} once.",
        ),
        "try_again": Remedy(
            "the userName has just become free", "Send the request again. In Okta, that is Retry in the task list."
        ),
        "uid_required": Remedy(
            "no UID was sent",
            "Map the UID attribute in the provisioning settings of the app, or stop requiring a UID on the connection's page.",
        ),
        "unknown_group": Remedy(
            "the group gives no role",
            "Create a role of this name, or let groups without a role wait (settings of the connection).",
        ),
        "name_taken": Remedy(
            "the name is in use",
            "Give the group another name, or delete the other group of this name at the identity provider.",
        ),
        "invalid_value": Remedy("a value is not acceptable", _MAPPING),
        "invalid_syntax": Remedy(
            "the message has a wrong form",
            "The client sent something that SCIM does not define. The sentence names the fault, and the payload shows the message.",
        ),
        "invalid_path": Remedy(
            "a PATCH names an unknown attribute",
            "Remove the attribute from the mapping of the app, or correct its name.",
        ),
        "invalid_filter": Remedy(
            "the filter is not understood",
            "Compare the filter with the SCIM page of the documentation. Okta and Entra send filters that work.",
        ),
        "no_target": Remedy(
            "a PATCH changes a value that does not exist",
            "Let the identity provider push the whole person or group again.",
        ),
        "mutability": Remedy(
            "the message changes a read-only attribute", "Remove the attribute from the mapping of the app."
        ),
        "locked": Remedy("the message changes a locked value", "Remove the attribute from the mapping of the app."),
        "not_found": Remedy(
            "there is no such resource",
            "The identity provider knows an id that this connection does not have. Let it import the users again, or remove the "
            "assignment of the person and assign them again. If the address itself is wrong, compare the SCIM base URL with the set-up sheet.",
        ),
        "unauthorized": Remedy(
            "no valid token", "Authorise the app again in its provisioning settings, or enter a new token there."
        ),
        "insufficient_scope": Remedy(
            "the token lacks the scope scim", "Add the scope scim to the app, then authorise it again."
        ),
        "forbidden": Remedy("this is not permitted", "The sentence names the reason."),
        "not_allowed": Remedy(
            "this is not permitted",
            "The sentence names the reason. If the connection is switched off, switch it on.",
        ),
        "method_not_allowed": Remedy(
            "the address does not accept this method", "Compare the SCIM base URL with the set-up sheet."
        ),
        "bad_request": Remedy("the request cannot be read", "Compare the SCIM base URL with the set-up sheet."),
        "precondition_failed": Remedy(
            "the resource has changed meanwhile",
            "Nothing was changed. The client reads the resource again and repeats its change.",
        ),
        "payload_too_large": Remedy(
            "the message is too large",
            "Let the identity provider send smaller messages. The SCIM page of the documentation lists the limits.",
        ),
        "unsupported_media_type": Remedy("the media type is unknown", "Let the client send application/scim+json."),
        "too_many": Remedy(
            "a PATCH compares too many values",
            "Let the identity provider send the changes in several smaller messages.",
        ),
        "invalid_count": Remedy("the page size is not acceptable", _PAGE),
        "invalid_cursor": Remedy("the cursor is not valid", _PAGE),
        "expired_cursor": Remedy("the cursor is too old", _PAGE),
        "not_done": Remedy(
            f"{BRAND} does not support this",
            f"Switch this function off in the app. The SCIM page of the documentation lists what {BRAND} supports.",
        ),
        "too_many_requests": Remedy(
            "too many requests within a minute",
            "The client waits and tries again, as Okta and Entra do. If it happens often, raise SCIM_READS_PER_MINUTE or SCIM_WRITES_PER_MINUTE.",
        ),
        "busy": Remedy(
            f"{BRAND} was busy with the same customer",
            "Nothing was changed, and the client sends the request again. If it happens often, look for a long import of this customer.",
        ),
        "unavailable": Remedy(
            f"{BRAND} could not answer", "The database did not answer. The client sends the request again."
        ),
        "unexpected": Remedy(
            f"{BRAND} failed",
            f"This is a fault of {BRAND}. Look for the reference in the log of the process, and report it.",
        ),
    }
)


def remedy_for(cause: str) -> Remedy | None:
    """Return what to do about a refused request; None for a cause of an older version, or no refusal."""
    return REMEDIES.get(cause)
