"""The one gate: who may have a session, by password or by SSO, and what their roles permit (R21, R22, R26, R32, R33)."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest

from core_identity.clock import Now, database_now
from core_identity.models import Identity, User
from core_identity.policy.expiry import Bar, Standing, bar_to_sign_in
from core_identity.selectors.roles import effective_grants
from core_identity.selectors.users import standing_of

LONGEST_SESSION: Final = timedelta(hours=12)
IDENTITY: Final = "identity"
EPOCH: Final = "identity_epoch"
UNTIL: Final = "until"
BACKEND: Final = "core_identity.backends.RoleBackend"


class RoleBackend(ModelBackend):
    """The only authentication backend: passwords of local administrators, and permissions by role for everybody."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Refuse the expired, and whom every IdP that knows them calls inactive (R21: by any means)."""
        return isinstance(user, User) and _bar_by_password(user) is None

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:
        # Found by user through effective grants only: a protected role that a channel gave counts for nothing (R33).
        roles = effective_grants().filter(user=user_obj).values("role_id")
        return Permission.objects.filter(role__in=roles).distinct()

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        return Permission.objects.none()


def _bar_by_password(user: User) -> Bar | None:
    words = list(user.identities.values_list("active", "deleted_at"))
    if words and not any(active and deleted_at is None for active, deleted_at in words):
        return Bar.INACTIVE
    return bar_to_sign_in(Standing(expired=user.expired_at is not None, staff=user.is_staff, identity_active=None))


def begin_session(request: HttpRequest, identity: Identity, *, until: datetime | None) -> None:
    """Sign the browser in as the user of ``identity``, under a new session key.

    The session belongs to this identity and ends at ``until`` (aware; the IdP's SessionNotOnOrAfter) or after 12 hours, whichever is first (R21).
    """
    now = database_now()
    end = now + LONGEST_SESSION
    if until is not None and until < end:
        end = until
    request.session.flush()
    login(request, identity.user, backend=BACKEND)
    request.session[IDENTITY] = str(identity.pk)
    request.session[EPOCH] = identity.session_epoch
    request.session[UNTIL] = end.timestamp()
    request.session.set_expiry(max(1, int((end - now).total_seconds())))


def identity_of(request: HttpRequest) -> Identity | None:
    """Return the identity to which the session of a request belongs, with its connection; None where it came by password."""
    belongs_to = request.session.get(IDENTITY)
    if belongs_to is None:
        return None
    return Identity.objects.select_related("connection").filter(pk=belongs_to).first()


def session_holds(session: Any) -> bool:
    """Whether a session that belongs to an identity may go on: same epoch, not past its end, and its person may still sign in. One query."""
    identity = (
        Identity.objects.select_related("user", "connection")
        .annotate(now=Now())
        .filter(pk=session[IDENTITY], session_epoch=session.get(EPOCH))
        .first()
    )
    if identity is None or identity.now.timestamp() >= session.get(UNTIL, 0):
        return False
    return bar_to_sign_in(standing_of(identity)) is None
