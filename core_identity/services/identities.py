"""Write one identity, and those values that its user follows. The services of both channels use it. Callers hold the locks."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, UNUSABLE_PASSWORD_SUFFIX_LENGTH
from django.utils import timezone

from core_identity.attributes import SOURCES
from core_identity.errors import InvalidValue
from core_identity.event_kinds import EventKind
from core_identity.keys import MAX_NAME, clean_name, exact_text, key, mixed_scripts
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.models.connection import UidRule
from core_identity.policy.matching import Known
from core_identity.policy.projection import FOLLOWS, MIRRORED, mirrored_changes, permitted_changes
from core_identity.services import events, row_writes
from core_identity.values import Actor, Person

TEXT_KEYS: Final = ("uid", "external_id", "user_name", "name_id")


def clean_person(person: Person) -> Person:
    """Return ``person`` ready to be stored. Raise `InvalidValue` for the first text that is not valid, under the sender's name of the field.

    Keys are stripped. Other texts stay as sent, because the identity mirrors the IdP (R19). An empty UID or externalId counts as not sent (R6).
    """

    def clean(field: str, cleaner: Callable[..., str], **limits: int) -> str | None:
        value = getattr(person, field)
        return None if value is None else cleaner(value, field=person.field_names.get(field, field), **limits)

    names = {field: clean(field, clean_name) for field in TEXT_KEYS}
    texts = {field: clean(field, exact_text) for field in SOURCES}
    values: dict[str, Any] = names | texts | {"email": clean("email", clean_name)}
    values |= {field: values[field] or None for field in ("uid", "external_id")}
    changes = {field: value for field, value in values.items() if value != getattr(person, field)}
    return replace(person, **changes) if changes else person


def known_values(identity: Identity | None) -> Known | None:
    """Return the values that the policy compares."""
    if identity is None:
        return None
    uid_row = current_uid(identity)
    return Known(
        external_id=identity.external_id,
        user_name_key=identity.user_name_key,
        name_id_key=identity.name_id_key,
        email_key=identity.email_key,
        active=identity.active,
        deleted=identity.deleted_at is not None,
        pushed=identity.pushed_at is not None,
        offered=identity.offered_at is not None,
        derived=uid_row is not None and uid_row.derived,
        expired=identity.user.expired_at is not None,
        uid_key=uid_row.uid_key if uid_row else "",
        drift_uid_key=key(identity.drift_uid),
        uid_needs_decision=identity.uid_needs_decision,
    )


_AT_ONCE: Final = 10_000
"""Names of one statement. PostgreSQL takes at most 65,535 parameters."""


def free_username(name: str) -> str:
    """Return ``name``, or ``name`` with the first number that makes it unique in CORE (R8)."""
    base = name[:MAX_NAME] or "user"
    if not User.objects.filter(username_key=key(base)).exists():
        return base
    # Ask for some names at a time, each time for more. A short name is the beginning of many others, also of other customers.
    first = 2
    while True:
        following = first + min(first + 20, _AT_ONCE)
        numbered = {key(name): name for name in (f"{base}{number}" for number in range(first, following))}
        taken_keys = set(User.objects.filter(username_key__in=numbered).values_list("username_key", flat=True))
        for name_key, name in numbered.items():
            if name_key not in taken_keys:
                return name
        first = following


def make_user(
    *, actor: Actor, connection: Connection, person: Person, username: str, email_shared: bool = False
) -> User:
    """Create the user of a new person. The password is unusable, because channels never set one."""
    user = new_user(connection=connection, person=person, username=free_username(username), email_shared=email_shared)
    row_writes.insert(user)
    record_new_user(actor=actor, connection=connection, user=user)
    return user


def new_user(*, connection: Connection, person: Person, username: str, email_shared: bool) -> User:
    """Return the row of such a user, not saved. The caller knows that the username is free."""
    user = User(
        customer_id=connection.customer_id,
        username=username,
        username_key=key(username),
        email=person.email or "",
        email_key=key(person.email or ""),
        email_shared=email_shared,
        **{field: (getattr(person, source) or "").strip() for source, field in FOLLOWS.items()},
    )
    user.password = unusable_password()
    return user


def unusable_password() -> str:
    """Return what Django's ``make_password(None)`` returns, by one call for random bytes in place of forty."""
    return f"{UNUSABLE_PASSWORD_PREFIX}{secrets.token_hex(UNUSABLE_PASSWORD_SUFFIX_LENGTH // 2)}"


def record_new_user(*, actor: Actor, connection: Connection, user: User) -> None:
    """Record the event of a new user."""
    changes: dict[str, tuple[object, object]] = {"username": ("", user.username), "email": ("", user.email)}
    events.record(actor=actor, kind=EventKind.USER_CREATED, subject=user, connection=connection, changes=changes)


def write_identity(identity: Identity, person: Person) -> dict[str, tuple[object, object]]:
    """Copy the values of a message to ``identity`` in memory (R19). Return the changes. UIDs and ``active`` have functions of their own."""
    stored = mirrored_fields(identity)
    changes = {field: (stored[field], value) for field, value in mirrored_changes(person, stored).items()}
    for field, (_, value) in changes.items():
        setattr(identity, field, value)
    if person.user_name:
        identity.user_name_key = key(person.user_name)
    identity.email_key = key(identity.email)
    identity.name_id_key = key(identity.name_id)
    return changes


def mirrored_fields(identity: Identity) -> dict[str, Any]:
    """Return what `policy.projection.mirrored_changes` compares with a message."""
    return {name: getattr(identity, name) for name in MIRRORED}


def followed_fields(user: User) -> dict[str, str]:
    """Return what `policy.projection.permitted_changes` compares with a message."""
    return {field: getattr(user, field) for field in FOLLOWS.values()}


def save_identity(identity: Identity) -> None:
    """Save a changed identity under a new version. `changed_at` is what SCIM answers as lastModified."""
    identity.version += 1
    identity.changed_at = timezone.now()
    identity.save()


def save_changed(identity: Identity, before: Mapping[str, object]) -> None:
    """Save the columns that differ from ``before`` (`columns_of`) under a new version."""
    row_writes.update(identity, changed_columns(identity, before))


def changed_columns(identity: Identity, before: Mapping[str, object], *, anyway: bool = False) -> list[str]:
    """Return the columns to save: those that differ from ``before`` (`columns_of`), and a new version. None if none differs, unless ``anyway``."""
    changed = [name for name, value in columns_of(identity).items() if value != before[name]]
    if not changed and not anyway:
        return []
    identity.version += 1
    identity.changed_at = timezone.now()
    return [*changed, "version", "changed_at"]


def columns_of(identity: Identity) -> dict[str, object]:
    """Return the values of all columns, by the names of their fields."""
    return {field.attname: getattr(identity, field.attname) for field in identity._meta.concrete_fields}


def project(
    *, actor: Actor, connection: Connection, identity: Identity, person: Person, uid_moves: bool
) -> dict[str, str]:
    """Copy values to the user in memory, as far as policy permits (R4, R17). Return the changed fields with their new values. Saves nothing."""
    user = identity.user
    changes = permitted_changes(
        person,
        followed_fields(user),
        names_are_the_uid=connection.uid_rule == UidRule.NAME,
        uid_moves=uid_moves,
    )
    if not changes:
        return changes
    before = {field: getattr(user, field) for field in changes}
    for field, value in changes.items():
        setattr(user, field, value)
    events.record(
        actor=actor,
        kind=EventKind.USER_CHANGED,
        subject=user,
        connection=connection,
        changes={field: (before[field], value) for field, value in changes.items()},
    )
    return changes


def claim(*, actor: Actor, identity: Identity) -> None:
    """Give an offered user to the IdP, by its first message (R10). From then on the person signs in by the IdP, and not with a password."""
    identity.offered_at = None
    user = identity.user
    user.set_unusable_password()
    user.save(update_fields=["password"])
    events.record(actor=actor, kind=EventKind.IDENTITY_CLAIMED, subject=identity)


def accept_drift(identity: Identity, *, uid: str) -> None:
    """Clear the drift of a UID, because an administrator gives this UID to the identity (R8a)."""
    if key(identity.drift_uid) in {"", key(uid)}:
        identity.drift_uid, identity.uid_needs_decision = "", False


def current_uid(identity: Identity) -> IdentityUid | None:
    """Return the current UID. No query if the identity was read together with it (`Loaded`)."""
    if identity.loaded is not None:
        return identity.loaded.uid_row
    return IdentityUid.objects.filter(identity=identity, current=True).first()


def set_uid(*, actor: Actor, identity: Identity, uid: str, derived: bool = False) -> bool:
    """Make ``uid`` the current UID of ``identity``. Return whether it changed. The caller knows that no other identity has it.

    A former UID that was sent still finds the identity. A former derived UID is released at once (R6). A derived UID never replaces a sent one.
    """
    before = current_uid(identity)
    if before is not None and derived and not before.derived:
        return False
    if before is not None and before.uid == uid and before.derived == derived:
        return False
    if before is not None and (before.derived or before.uid_key == key(uid)):
        before.delete()
    elif before is not None:
        before.current = False
        before.save(update_fields=["current"])
    IdentityUid.objects.filter(identity=identity, uid_key=key(uid)).delete()
    row = new_uid(identity, uid, derived=derived)
    row_writes.insert(row)
    if identity.loaded is not None:
        identity.loaded.uid_row = row
    record_uid(actor=actor, identity=identity, uid_row=row, before=before)
    return before is None or before.uid_key != row.uid_key


def new_uid(identity: Identity, uid: str, *, derived: bool) -> IdentityUid:
    """Return the row of a current UID, not saved."""
    return IdentityUid(
        connection_id=identity.connection_id,
        identity_id=identity.pk,
        uid=uid,
        uid_key=key(uid),
        current=True,
        derived=derived,
    )


def record_uid(*, actor: Actor, identity: Identity, uid_row: IdentityUid, before: IdentityUid | None) -> None:
    """Record the event of a new current UID. ``before`` is the former one."""
    changes: dict[str, tuple[object, object]] = {"uid": (before.uid if before else "", uid_row.uid)}
    was_derived = before is not None and before.derived
    if uid_row.derived != was_derived:
        changes["derived"] = (was_derived, uid_row.derived)
    reason = _warning_of_looks(uid_row.uid)
    events.record(actor=actor, kind=EventKind.IDENTITY_UID_SET, subject=identity, changes=changes, reason=reason)


def _warning_of_looks(uid: str) -> str:
    mixed = " and ".join(mixed_scripts(uid))
    return f"One word of this UID mixes {mixed} letters. It may only look like another person's." if mixed else ""


def release_user_name(*, actor: Actor, identity: Identity) -> None:
    """Release the userName of an inactive identity, and a UID that was derived from it (R6, R8)."""
    IdentityUid.objects.filter(identity=identity, current=True, derived=True).delete()
    identity.user_name_key = None
    save_identity(identity)
    events.record(
        actor=actor,
        kind=EventKind.IDENTITY_NAME_RELEASED,
        subject=identity,
        changes={"user_name": (identity.user_name, "")},
    )


def require_user_name(person: Person) -> str:
    if not person.user_name:
        raise InvalidValue("userName", "userName is required and must not be empty.")
    return person.user_name
