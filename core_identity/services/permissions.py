"""Refuse acts of administrators that only a superuser may do (R11, R26, R33).

Each service asks here, and not only the page that calls it. Otherwise another page, a command or an interface could give an administrator the
account of a superuser: by a new password, another UID, a role, or a connection that signs staff in. Only administrators are refused: channels and
the system follow the rules of R10, R20 and R26.
"""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from core_identity.errors import NotAllowed
from core_identity.models import Connection, User
from core_identity.selectors.roles import protected_roles
from core_identity.selectors.users import guarded_users
from core_identity.values import Actor, ActorKind


def may_touch_guarded(actor: Actor) -> bool:
    """Whether ``actor`` is a superuser, or not an administrator. A person who can run commands can do more anyway (R11)."""
    if actor.kind is not ActorKind.ADMIN:
        return True
    return bool(actor.id) and User.objects.filter(pk=actor.id, is_superuser=True, expired_at__isnull=True).exists()


def require_superuser(actor: Actor, users: Collection[User] | QuerySet[User]) -> None:
    """Raise `NotAllowed` if ``actor`` is an administrator but not a superuser, and a user is staff or holds a protected role (R11)."""
    if actor.kind is not ActorKind.ADMIN:
        return
    if isinstance(users, QuerySet):
        guarded = guarded_users().filter(pk__in=users.order_by().values_list("pk", flat=True))
    else:
        guarded = guarded_users().filter(pk__in=[user.pk for user in users])
    if guarded.exists() and not may_touch_guarded(actor):
        raise NotAllowed("Only a superuser may do this if a user is staff or holds a protected role.")


def require_superuser_to_make_staff(actor: Actor) -> None:
    """Raise `NotAllowed` if ``actor`` is an administrator but not a superuser."""
    if not may_touch_guarded(actor):
        raise NotAllowed("Only a superuser may decide who is staff or a superuser.")


def require_superuser_for_role(actor: Actor, role_id: UUID) -> None:
    """Raise `NotAllowed` if ``actor`` is an administrator but not a superuser, and the role is protected (R33).

    Call this also after a role changed: a change that protects a role gives its new permissions to all holders.
    """
    if actor.kind is not ActorKind.ADMIN:
        return
    if protected_roles().filter(pk=role_id).exists() and not may_touch_guarded(actor):
        raise NotAllowed("Only a superuser may create, change, delete, grant or revoke a protected role.")


def require_superuser_for_redirects(actor: Actor) -> None:
    """Raise `NotAllowed` if ``actor`` is an administrator but not a superuser: authorization codes go to redirect URIs (R14)."""
    if not may_touch_guarded(actor):
        raise NotAllowed("Only a superuser may change redirect URIs.")


def require_superuser_for_own_idp(actor: Actor, *connections: Connection) -> None:
    """Raise `NotAllowed` if ``actor`` is an administrator but not a superuser, and staff may sign in through one of ``connections`` (R26)."""
    if any(connection.own_idp for connection in connections) and not may_touch_guarded(actor):
        raise NotAllowed("Only a superuser may change a connection that is marked as our own identity provider.")
