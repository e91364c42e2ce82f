"""R9: a userName or email that another user of the customer holds now. The caller holds the customer's lock."""

from uuid import UUID

from django.db.models import Q, QuerySet

from core_identity.errors import Conflict, TryAgain
from core_identity.keys import key
from core_identity.models import Connection, Identity, User
from core_identity.services.identities import release_user_name
from core_identity.values import Actor


class NameGivenUp(Exception):
    """Told to the caller so that the release is committed before `TryAgain` is raised (R8)."""

    def __init__(self, refusal: TryAgain) -> None:
        self.refusal = refusal


def require_free_name(
    *, actor: Actor, connection: Connection, user_name: str, external_id: str | None, user_id: UUID | None
) -> None:
    """Raise `Conflict` where another user of the customer is called ``user_name`` now; for SSO the NameID counts as one (R9).

    An inactive identity of this connection gives its name up to another externalId and raises `NameGivenUp` (R8); a deleted one at once.
    """
    name_key, mine = key(user_name), [user_id] if user_id else []
    holder = Identity.objects.filter(connection=connection, user_name_key=name_key).exclude(user_id__in=mine).first()
    if holder is not None and holder.deleted_at is not None:
        release_user_name(actor=actor, identity=holder)
    elif holder is not None and not holder.active and external_id and external_id != holder.external_id:
        release_user_name(actor=actor, identity=holder)
        raise NameGivenUp(
            TryAgain(
                f"The userName {user_name!r} belonged to a deactivated person, who has now given it up. Try again: "
                "the same request will be taken as a new person."
            )
        )
    if _called(connection, name_key).exclude(pk__in=mine).exists():
        raise Conflict(
            f"The userName {user_name!r} is already in use by another user of this customer in CORE. "
            "Nothing was created or changed. If both are the same person, a CORE administrator has to join them."
        )


def require_free_email(*, connection: Connection, email: str, user_id: UUID | None = None) -> None:
    """Raise `Conflict` where another user of the customer holds ``email`` now, as CORE or as an IdP has it. Asked on create and adoption only."""
    email_key = key(email)
    if not email_key:
        return
    holders = User.objects.filter(
        Q(email_key=email_key) | Q(identities__email_key=email_key, identities__deleted_at__isnull=True),
        customer_id=connection.customer_id,
        email_shared=False,
    )
    if holders.exclude(pk__in=[user_id] if user_id else []).exists():
        raise Conflict(
            f"The email address {email!r} is already held by another user of this customer in CORE. "
            "Nothing was created or changed. If both are the same person, check that SAML and SCIM send the same UID for "
            "them; otherwise a CORE administrator has to say that they are different people."
        )


def _called(connection: Connection, name_key: str) -> QuerySet[User]:
    """Users of the customer who are called so now: by an identity, or, made by an administrator and never tied, by their username."""
    return User.objects.filter(
        Q(identities__user_name_key=name_key, identities__deleted_at__isnull=True)
        | Q(identities__name_id_key=name_key, identities__pushed_at__isnull=True)
        | Q(identities__isnull=True, username_key=name_key),
        customer_id=connection.customer_id,
    )
