import uuid
from types import MappingProxyType
from typing import Final

from django.db import models

from core_identity.event_kinds import EventKind
from core_identity.values import ActorKind, Channel
from core_identity.write_guard import GuardedModel

REFUSED_KINDS = (EventKind.SCIM_REFUSED.value, EventKind.SSO_REFUSED.value)
"""The kinds of `core_identity.services.transactions.recording_refusals`."""

QUOTING_KINDS = (*REFUSED_KINDS, EventKind.PUSH_REST_DROPPED.value, EventKind.CONNECTION_SUCCEEDED.value)
"""Kinds whose texts may name people of their connection. An erasure reads them (`core_identity.services.erasure`)."""

DELETED_KINDS = (EventKind.ROLE_DELETED.value, EventKind.GROUP_DELETED.value)
"""Roles and push groups can be deleted. After that, only these events contain their names."""

PEOPLE_BY_ID = (ActorKind.ADMIN.value, ActorKind.SIGN_IN.value)
"""The kinds of actor whose id, if the event has one, is that of a user."""

LAST_IS_NEEDED = (EventKind.USER_SIGNED_IN.value, EventKind.CONNECTION_TEST_PASSED.value)
"""The kinds whose last event of each connection never leaves the database. The trigger has the same list (`migrations/_append_only_events.py`)."""

PROMOTIONS = models.Q(changes__is_staff__1=True) | models.Q(changes__is_superuser__1=True)
"""The events that made a user an administrator."""

PASSWORD_ALARM = EventKind.PASSWORD_ALARM.value
"""The kind of `core_identity.services.password_events` for passwords of one name from many networks."""


ABOUT: Final = MappingProxyType(
    {
        "expiry": models.Q(
            kind__in=(
                "user.expired",
                "user.expiry_taken_over",
                "user.unexpired",
                "user.reactivation_requested",
                "identity.split_off",
            )
        ),
        "sign-ins": models.Q(kind=EventKind.USER_SIGNED_IN.value),
        "roles": models.Q(kind__startswith="role.") | models.Q(kind__startswith="grant."),
        "push groups": models.Q(kind__startswith="group."),
        "connections": models.Q(subject_type__in=("connection", "customer")) & ~models.Q(kind__in=REFUSED_KINDS),
        "refused": models.Q(kind__in=REFUSED_KINDS),
    }
)
"""Subjects by which a list of events is filtered. Each has an index of its own, so that a rare one is found without reading all others."""


NEWEST_FIRST: Final = models.Func(models.F("id"), template="(-%(expressions)s)", output_field=models.BigIntegerField())
"""The order of `event_by_sign_in`. No other index has it.

In the order of ``id``, PostgreSQL would often read the sign-ins of all connections, the newest first, until it finds one of a silent connection.
"""


class Event(GuardedModel):
    """One append-only audit row, written in the transaction of its change (R34).

    Triggers of the database refuse update, delete and truncate. They prevent mistakes, but not a person with the rights of the owner of the table.
    An erasure may blank texts (`core_identity.services.erasure`), and old events may move to a file (`core_identity.services.event_archive`).
    There are no foreign keys, because an event stays when its subject is gone. ``changes`` is ``{field: [before, after]}``, without secrets.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=60)
    channel = models.CharField(max_length=10)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=300)
    connection_id = models.UUIDField(null=True, blank=True)
    connection_slug = models.CharField("connection", max_length=40, blank=True)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField(null=True, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    user_id = models.UUIDField(null=True, blank=True, help_text="The user whose history contains it.")
    changes = models.JSONField(default=dict)
    reason = models.CharField(max_length=1024, blank=True)
    request_id = models.CharField("reference", max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                name="event_has_an_actor",
                condition=models.Q(actor__regex=r"\S", actor_kind__in=[one.value for one in ActorKind]),
            ),
            models.CheckConstraint(
                name="event_has_a_channel", condition=models.Q(channel__in=[one.value for one in Channel])
            ),
        )
        indexes = (
            models.Index(name="event_by_request", fields=("request_id",)),
            models.Index(name="event_by_user", fields=("user_id", "-id")),
            models.Index(name="event_by_subject", fields=("subject_id", "-id")),
            models.Index(name="event_by_connection", fields=("connection_id", "-id")),
            models.Index(name="event_by_channel", fields=("channel", "-id")),
            *(
                models.Index(
                    name=f"event_about_{name.replace('-', '_').replace(' ', '_')}", fields=("-id",), condition=condition
                )
                for name, condition in ABOUT.items()
            ),
            models.Index(
                "connection_id",
                "kind",
                NEWEST_FIRST,
                name="event_by_sign_in",
                condition=models.Q(kind__in=(EventKind.USER_SIGNED_IN.value, EventKind.CONNECTION_TEST_PASSED.value)),
            ),
            models.Index(name="event_deleted", fields=("subject_id",), condition=models.Q(kind__in=DELETED_KINDS)),
            models.Index(name="event_password_alarm", fields=("at",), condition=models.Q(kind=PASSWORD_ALARM)),
            models.Index(
                name="event_quoting", fields=("connection_id", "at"), condition=models.Q(kind__in=QUOTING_KINDS)
            ),
            models.Index(
                name="event_by_administrator",
                fields=("actor_id",),
                condition=models.Q(actor_kind__in=PEOPLE_BY_ID) & ~models.Q(actor_id=""),
            ),
            models.Index(
                name="event_naming_administrator",
                fields=("-id",),
                condition=models.Q(actor_kind=ActorKind.SETUP_LINK.value)
                | models.Q(kind=EventKind.CONSENTER_EXPIRED.value),
            ),
            models.Index(name="event_refused_lately", fields=("at",), condition=models.Q(kind__in=REFUSED_KINDS)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()
