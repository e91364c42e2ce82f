"""The gate of all sessions, by password and by SSO, and the permissions of roles (R21, R22, R26, R32, R33)."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    DateTimeField,
    ExpressionWrapper,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    UUIDField,
)
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from core_identity.clock import Now, database_now
from core_identity.compiled import Compiled, Given
from core_identity.models import Identity, User
from core_identity.policy.expiry import Bar, Standing, bar_to_sign_in
from core_identity.selectors.roles import effective_grants
from core_identity.selectors.users import standing_of
from core_identity.sessions import IDENTITY, SessionStore

LONGEST_SESSION: Final = timedelta(hours=12)
EPOCH: Final = "identity_epoch"
UNTIL: Final = "until"
BACKEND: Final = "core_identity.backends.RoleBackend"

_USER: Final = Compiled(
    lambda: (
        User.objects.filter(pk=Given("user", UUIDField()))
        .select_related("customer")
        .annotate(
            activity=ArraySubquery(
                Identity.objects.filter(user=OuterRef("pk"))
                .order_by()
                .values_list(ExpressionWrapper(Q(active=True, deleted_at=None), output_field=BooleanField()))
            )
        )
        .order_by()
    )
)
"""A user with their customer, and for each of their identities whether the IdP lists them as active."""

_IDENTITY: Final = Compiled(
    lambda: (
        Identity.objects.select_related("user", "connection")
        .filter(pk=Given("identity", UUIDField()), session_epoch=Given("epoch", IntegerField()))
        .annotate(now=Now(output_field=DateTimeField()))
        .order_by()
    )
)


class RoleBackend(ModelBackend):
    """The only authentication backend. It checks passwords of local administrators, and permissions by role of all users."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Refuse an expired user, and a user whom no IdP lists as active (R21)."""
        return isinstance(user, User) and _bar_by_password(user) is None

    def get_user(self, user_id: Any) -> User | None:
        """Return the user of a session, or None if they may not have one. One query."""
        user = _USER.first(user=user_id)
        if user is None:
            return None
        activity: list[bool] = user.activity  # type: ignore[attr-defined]  # annotated
        inactive = bool(activity) and not any(activity)
        return None if _bar(user, inactive=inactive) else user

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:
        # Only effective grants count: a protected role that a channel gave has no effect (R33).
        roles = effective_grants().filter(user=user_obj).values("role_id")
        return Permission.objects.filter(role__in=roles).distinct()

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        return Permission.objects.none()


def _bar_by_password(user: User) -> Bar | None:
    words = list(user.identities.values_list("active", "deleted_at"))
    inactive = bool(words) and not any(active and deleted_at is None for active, deleted_at in words)
    return _bar(user, inactive=inactive)


def _bar(user: User, *, inactive: bool) -> Bar | None:
    """Return why a user may not have a session. ``inactive``: no IdP lists the user as active."""
    if inactive:
        return Bar.INACTIVE
    return bar_to_sign_in(Standing(expired=user.expired_at is not None, staff=user.is_staff, identity_active=None))


def begin_session(
    request: HttpRequest, identity: Identity, *, until: datetime | None, now: datetime | None = None
) -> None:
    """Sign the browser in as the user of ``identity``, under a new session key.

    The session belongs to this identity and ends at ``until`` (aware; the IdP's SessionNotOnOrAfter) or after 12 hours, if that is earlier (R21).
    ``now`` is the time of the database, if the caller has just read it. The row of the session is written once, at the end of the request.
    """
    now = now or database_now()
    end = now + LONGEST_SESSION
    if until is not None and until < end:
        end = until
    session, user = request.session, identity.user
    assert isinstance(session, SessionStore)  # noqa: S101 - by the settings
    session.begin()
    # The same as `django.contrib.auth.login`, without its signal, because the service has already written the user's last sign-in.
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[IDENTITY] = str(identity.pk)
    session[EPOCH] = identity.session_epoch
    session[UNTIL] = end.timestamp()
    session.set_expiry(max(1, int((end - now).total_seconds())))
    request.user = user
    rotate_token(request)


def identity_of(request: HttpRequest) -> Identity | None:
    """Return the identity to which the session of a request belongs, with its connection. None: the user signed in with a password."""
    belongs_to = request.session.get(IDENTITY)
    if belongs_to is None:
        return None
    looked_at: Identity | None = getattr(request.session, "identity", None)
    if looked_at is not None and str(looked_at.pk) == belongs_to:
        return looked_at
    return Identity.objects.select_related("connection").filter(pk=belongs_to).first()


def session_holds(session: Any) -> bool:
    """Whether a session of an identity is still valid: same epoch, not past its end, and the person may sign in. One query."""
    identity = _IDENTITY.first(identity=session[IDENTITY], epoch=session.get(EPOCH))
    if identity is None or identity.now.timestamp() >= session.get(UNTIL, 0):  # type: ignore[attr-defined]  # annotated
        return False
    if bar_to_sign_in(standing_of(identity)) is not None:
        return False
    if isinstance(session, SessionStore):
        session.identity = identity
    return True
