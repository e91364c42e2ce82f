import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Collate, Left, Lower

from core_identity.keys import key
from core_identity.values import Channel
from core_identity.write_guard import GuardedModel, GuardedQuerySet, service_writes


class UserManager(BaseUserManager["User"]):
    """Finds users by the compared form of their names. Django's ``createsuperuser`` creates a user by this manager, which calls the service."""

    create_local_user: ClassVar[Callable[..., "User"]]
    """The service. `core_identity.apps` sets it, because models do not import services."""

    def get_queryset(self) -> GuardedQuerySet["User"]:
        return GuardedQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username_key=key(username or ""))

    def create_superuser(self, username: str, email: str = "", password: str | None = None, **extra: Any) -> "User":
        return UserManager.create_local_user(username=username, email=email, password=password, superuser=True, **extra)


def _beginning(*texts: Any) -> Collate:
    """Return what the search by a beginning compares. A longer text would not fit into an index, and its INSERT would fail."""
    joined = models.Func(*texts, arg_joiner=" || ", template="(%(expressions)s)")
    return Collate(Lower(Left(joined, 100)), "C")


class User(GuardedModel, AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # the toolkit has no types
    """A person with the values that CORE considers true. The values of an IdP are stored in their `Identity` rows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        "core_identity.Customer",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="users",
        help_text="Empty for people who belong to no customer.",
    )
    username = models.CharField(max_length=300, help_text="Set once; no channel changes it.")
    username_key = models.CharField(max_length=300, unique=True, editable=False)
    email = models.CharField(max_length=255, blank=True, help_text="Only an administrator changes it.")
    email_key = models.CharField(max_length=255, blank=True, editable=False)
    email_shared = models.BooleanField(
        default=False,
        help_text="Another user of the customer may have the same address; an administrator permitted it.",
    )
    first_name = models.CharField(max_length=1024, blank=True)
    last_name = models.CharField(max_length=1024, blank=True)
    title = models.CharField("position", max_length=1024, blank=True)
    company = models.CharField(max_length=1024, blank=True)
    department = models.CharField(max_length=1024, blank=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May open this administration site.")
    created_at = models.DateTimeField(auto_now_add=True)
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="tombstones",
        db_index=False,
        help_text="This user was merged into that one; only the history remains here.",
    )

    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the values were blanked permanently."
    )

    session_epoch = models.PositiveIntegerField(
        db_default=0,
        default=0,
        editable=False,
        help_text="A session ends when this number grows, whether it began with a password or by SSO.",
    )

    # Expiry is one fact with one writer: core_identity.services.expiry (R24).
    expired_at = models.DateTimeField(null=True, blank=True, editable=False)
    expired_by = models.CharField(max_length=300, blank=True, editable=False)
    expired_channel = models.CharField(
        max_length=10, blank=True, editable=False, choices=[(channel.value, channel.value) for channel in Channel]
    )
    expired_reason = models.CharField(max_length=1024, blank=True, editable=False)
    expired_connection = models.ForeignKey(
        "core_identity.Connection",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    expired_snapshot = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="The values from each identity provider on the day of expiry, for comparison before unexpiring.",
    )
    is_active = models.GeneratedField(
        expression=models.ExpressionWrapper(models.Q(expired_at__isnull=True), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    # Roles take their place: a grant knows its source, a row of auth.Group does not (R32).
    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        ordering = ("username_key",)
        constraints = (
            models.UniqueConstraint(
                name="user_email_once_per_customer",
                fields=("customer", "email_key"),
                condition=~models.Q(email_key="")
                & models.Q(email_shared=False, customer__isnull=False, merged_into__isnull=True),
            ),
        )
        indexes = (
            models.Index(name="user_by_email", fields=("email_key",)),
            # For the beginnings of names: `core_identity.selectors.search`.
            models.Index(_beginning("last_name"), name="user_by_last_name"),
            models.Index(_beginning("first_name", models.Value(" "), "last_name"), name="user_by_full_name"),
            models.Index(name="user_merged", fields=("merged_into",), condition=models.Q(merged_into__isnull=False)),
            # For the filters of the list of users: the few, in the order of the list.
            models.Index(name="user_expired", fields=("username_key",), condition=models.Q(expired_at__isnull=False)),
            models.Index(name="user_staff", fields=("username_key",), condition=models.Q(is_staff=True)),
            models.Index(
                name="user_by_expiry",
                fields=("expired_connection", "expired_at"),
                condition=models.Q(expired_connection__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def introduction(self) -> str:
        """The name and the email, by which people know each other. If both are empty, the username, which may end in a number (R8)."""
        name = self.get_full_name()
        if name and self.email:
            return f"{name} ({self.email})"
        return name or self.email or self.username

    def check_password(self, raw_password: str | None) -> bool:
        """Compare as Django does, which stores the password again if the hashers became stronger. Its value does not change, so no event is due."""
        with service_writes():
            return super().check_password(raw_password)

    def get_session_auth_hash(self) -> str:
        """Bind each session to the password, as Django does, and to the epoch, which the session began with."""
        return self._with_epoch(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return (self._with_epoch(one) for one in super().get_session_auth_fallback_hash())

    def _with_epoch(self, session_hash: str) -> str:
        # Without a first epoch the hash is Django's, so sessions of the former release continue.
        return f"{session_hash} {self.session_epoch}" if self.session_epoch else session_hash

    def get_short_name(self) -> str:
        return self.first_name or self.username
