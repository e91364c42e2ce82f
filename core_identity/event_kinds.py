"""Every kind of event (R34), each with the sentence that `docs/reference/events.md` shows. No Django."""

from enum import StrEnum
from typing import Final, Self


class EventKind(StrEnum):
    """The kind of an audit row. ``means`` is one sentence: what had happened when the event was written."""

    means: str

    def __new__(cls, value: str, means: str) -> Self:
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.means = means
        return kind

    USER_CREATED = "user.created", "A user was created."
    USER_CHANGED = "user.changed", "Values of a user changed."
    USER_PASSWORD_SET = "user.password_set", "A user got a new password."
    USER_SIGNED_IN = "user.signed_in", "A user signed in by SSO."
    USER_SESSIONS_ENDED = "user.sessions_ended", "All sessions of a user were ended."
    USER_EXPIRED = "user.expired", "A user expired and may no longer sign in."
    USER_UNEXPIRED = "user.unexpired", "An expired user may sign in again."
    USER_EXPIRY_TAKEN_OVER = (
        "user.expiry_taken_over",
        "An administrator confirmed an expiry that a channel had set, so no channel can undo it.",
    )
    USER_REACTIVATION_REQUESTED = (
        "user.reactivation_requested",
        "An identity provider reactivated a user who stays expired.",
    )
    USER_DRIFT_ACCEPTED = "user.drift_accepted", "An administrator accepted the values of the identity provider."
    USER_MERGED = "user.merged", "Two users were merged."
    USER_ERASED = "user.erased", "The personal data of a user was erased."
    USER_GROUPS_ABSENT = "user.sso_groups_absent", "A sign-in did not contain the Group attribute."
    USER_GROUPS_UNLISTED = "user.sso_groups_unlisted", "The identity provider did not list the groups of a user."
    IDENTITY_CREATED = "identity.created", "An identity was created."
    IDENTITY_CHANGED = "identity.changed", "Values of an identity changed."
    IDENTITY_DELETED = "identity.deleted", "An identity provider deleted an identity."
    IDENTITY_ACTIVE_SET = "identity.active_set", "An identity provider activated or deactivated an identity."
    IDENTITY_ADOPTED = "identity.adopted", "A push was applied to an identity that only SSO knew until then."
    IDENTITY_REVIVED = "identity.revived", "A push was applied to an identity that was deleted, inactive or renamed."
    IDENTITY_RELINKED = "identity.relinked", "An administrator changed the current UID of an identity."
    IDENTITY_CLAIMED = "identity.claimed", "An offered identity was claimed."
    IDENTITY_OFFERED = "identity.offered", "A user was offered to a connection."
    IDENTITY_OFFER_WITHDRAWN = "identity.offer_withdrawn", "An offer was withdrawn."
    IDENTITY_UID_SET = "identity.uid_set", "The UID of an identity was set."
    IDENTITY_UID_RELEASED = "identity.uid_released", "The UID of an identity was released."
    IDENTITY_NAME_RELEASED = "identity.user_name_released", "The userName of an identity was released."
    IDENTITY_MARK_STORED = (
        "identity.mark_stored",
        "An administrator resolved a conflict, so values of the message were stored in an identity.",
    )
    IDENTITY_SPLIT_OFF = "identity.split_off", "An identity was moved to a user of its own."
    PUSH_REST_DROPPED = "push.rest_dropped", "A deactivation was applied, and the rest of its push was refused."
    GRANT_ADDED = "grant.added", "A user got a role from a source."
    GRANT_REMOVED = "grant.removed", "A user lost a role from a source."
    ROLE_CREATED = "role.created", "A role was created."
    ROLE_CHANGED = "role.changed", "A role changed."
    ROLE_DELETED = "role.deleted", "A role was deleted."
    GROUP_CREATED = "group.created", "A push group was created."
    GROUP_CHANGED = "group.changed", "A push group changed."
    GROUP_RENAMED = "group.renamed", "A push group was renamed."
    GROUP_DELETED = "group.deleted", "A push group was deleted."
    GROUP_LINKED = "group.linked", "A push group was linked to a role."
    GROUP_UNLINKED = "group.unlinked", "A push group was unlinked from its role."
    GROUP_MEMBERS_CHANGED = "group.members_changed", "The members of a push group changed."
    CONFLICT_OPENED = "conflict.opened", "A conflict was stored for an administrator."
    CONFLICT_GONE = "conflict.gone", "A conflict no longer exists."
    CONFLICT_RESOLVED = "conflict.resolved", "An administrator resolved a conflict."
    CUSTOMER_CREATED = "customer.created", "A customer was created."
    CUSTOMER_RENAMED = "customer.renamed", "A customer was renamed."
    CUSTOMER_SUPPORT_CHANGED = "customer.support_changed", "The support contact of a customer changed."
    CONNECTION_CREATED = "connection.created", "A connection was created."
    CONNECTION_CHANGED = "connection.changed", "Settings of a connection changed."
    CONNECTION_ON = "connection.switched_on", "A connection was switched on."
    CONNECTION_OFF = "connection.switched_off", "A connection was switched off."
    CONNECTION_REKEY_BEGUN = "connection.rekey_begun", "A re-key of a connection began."
    CONNECTION_REKEY_ENDED = "connection.rekey_ended", "A re-key of a connection ended."
    CONNECTION_SUCCEEDED = "connection.succeeded", "A connection took over the people of a former connection."
    CONNECTION_TEST_PASSED = "connection.test_passed", "A test sign-in of a connection passed. It changed nothing else."
    CONNECTION_BURST = "connection.burst", "A connection deactivated unusually many people."
    CONNECTION_BURST_UNEXPIRED = "connection.burst_unexpired", "An administrator undid a burst of deactivations."
    CONNECTION_BURST_SETTLED = "connection.burst_settled", "An administrator settled a burst of deactivations."
    EVENTS_ARCHIVED = "events.archived", "Old events were written to a file, so that they could be deleted."
    PASSWORD_SIGNED_IN = "password.signed_in", "A local administrator signed in with a password."
    PASSWORD_REFUSED = "password.refused", "A password was refused."
    PASSWORD_ALARM = "password.alarm", "Many networks tried passwords for one name."
    SCIM_REFUSED = "scim.refused", "A push was refused."
    SSO_REFUSED = "sso.refused", "A sign-in was refused."
    SSO_LOGGED_OUT = "sso.logged_out", "An identity provider signed a user out."
    SAML_SETTINGS_CHANGED = "saml_settings.changed", "SAML settings of a connection changed."
    SAML_SETTINGS_REFRESHED = "saml_settings.refreshed", "The metadata of an identity provider was refreshed."
    SAML_KEY_CREATED = "saml_key.created", "A SAML key of a connection was created."
    SAML_KEY_ACTIVATED = "saml_key.activated", "The next SAML key of a connection became the active one."
    SAML_KEY_DELETED = "saml_key.deleted", "An old or next SAML key of a connection was deleted."
    SAML_KEY_SEALED = "saml_key.sealed_again", "A SAML key was encrypted again."
    DOMAIN_VERIFIED = "email_domain.verified", "An email domain was verified."
    DOMAIN_UNVERIFIED = "email_domain.unverified", "The verification of an email domain was withdrawn."
    TOKEN_CREATED = "bearer_token.created", "A bearer token was created."
    TOKEN_REVOKED = "bearer_token.revoked", "A bearer token was revoked."
    AUTHORIZATION_CODE_REVOKED = "authorization_code.revoked", "An authorization code was revoked."
    ACCESS_TOKEN_REVOKED = "access_token.revoked", "An access token was revoked."
    REFRESH_TOKEN_REVOKED = "refresh_token.revoked", "A refresh token was revoked."
    CLIENT_CREATED = "oauth_client.created", "An OAuth client was created."
    CLIENT_CHANGED = "oauth_client.changed", "An OAuth client changed."
    CLIENT_CONSENTED = "oauth_client.consented", "Somebody consented to provisioning by an OAuth client."
    CLIENT_REFUSED = "oauth_client.refused", "Somebody refused the consent to an OAuth client."
    CONSENTER_EXPIRED = "oauth_client.consenter_expired", "The user who consented to an OAuth client expired."
    SETUP_LINK_CREATED = "setup_link.created", "A set-up link was created."
    SETUP_LINK_OPENED = "setup_link.opened", "A browser opened a set-up link."
    SETUP_LINK_LEFT = "setup_link.left", "A browser closed a set-up link, so that another browser can open it."
    SETUP_LINK_TESTED = "setup_link.tested", "A test sign-in by a set-up link began."
    SETUP_LINK_FINISHED = "setup_link.finished", "The customer reported that the set-up is finished."
    SETUP_LINK_REVOKED = "setup_link.revoked", "A set-up link was revoked."
    SETUP_PROPOSED = "setup_proposal.created", "A set-up link proposed a change that a superuser must decide."
    SETUP_PROPOSAL_ACCEPTED = "setup_proposal.accepted", "A superuser accepted a proposal of a set-up link."
    SETUP_PROPOSAL_REJECTED = "setup_proposal.rejected", "A superuser rejected a proposal of a set-up link."


_MEANINGS: Final = {kind.value: kind.means for kind in EventKind}


def meaning_of(kind: str) -> str:
    """Return the sentence of a kind; the kind itself if a later release wrote it."""
    return _MEANINGS.get(kind, kind)
