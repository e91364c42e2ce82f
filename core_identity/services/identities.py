"""Writing one identity and what of it reaches the user. Used by the services of both channels; callers hold the locks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.utils import timezone

from core_identity.errors import InvalidValue
from core_identity.keys import MAX_NAME, clean_name, exact_text, key, mixed_scripts
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.models.connection import UidRule
from core_identity.policy.matching import Known
from core_identity.policy.names import username_candidates
from core_identity.policy.projection import FOLLOWS, permitted_changes
from core_identity.services import events
from core_identity.values import Actor, Person

NAMES: Final = ("uid", "external_id", "user_name", "name_id")
TEXTS: Final = ("given_name", "family_name", "title", "organization", "department")


def cleaned(person: Person) -> Person:
    """Return ``person`` fit to be stored; raise `InvalidValue` naming, as the sender does, the first text that is not.

    Keys are stripped. Other texts stay as sent, because the identity mirrors the IdP (R19). An empty UID or externalId is one that was not said (R6).
    """

    def clean(field: str, cleaner: Callable[..., str], **limits: int) -> str | None:
        value = getattr(person, field)
        return None if value is None else cleaner(value, field=person.called.get(field, field), **limits)

    names = {field: clean(field, clean_name) for field in NAMES}
    texts = {field: clean(field, exact_text) for field in TEXTS}
    said: dict[str, Any] = names | texts | {"email": clean("email", clean_name)}
    return replace(person, **said | {field: said[field] or None for field in ("uid", "external_id")})


def known(identity: Identity | None) -> Known | None:
    """Return what policy looks at."""
    if identity is None:
        return None
    uid = current_uid(identity)
    return Known(
        external_id=identity.external_id,
        user_name_key=identity.user_name_key,
        name_id_key=identity.name_id_key,
        email_key=identity.email_key,
        active=identity.active,
        deleted=identity.deleted_at is not None,
        pushed=identity.pushed_at is not None,
        offered=identity.offered_at is not None,
        derived=uid is not None and uid.derived,
        expired=identity.user.expired_at is not None,
        uid_key=uid.uid_key if uid else "",
        drift_uid_key=key(identity.said_uid),
        held=identity.new_uid_held,
    )


def free_username(wished: str) -> str:
    """Return ``wished``, or the same with the first number appended that nobody in CORE has (R8)."""
    base = wished[:MAX_NAME] or "user"
    if not User.objects.filter(username_key=key(base)).exists():
        return base
    taken = set(User.objects.filter(username_key__startswith=key(base)).values_list("username_key", flat=True))
    return next(name for name in username_candidates(base) if key(name) not in taken)


def make_user(
    *, actor: Actor, connection: Connection, person: Person, username: str, email_shared: bool = False
) -> User:
    """Make the user of a person met for the first time. The password is unusable: channels never set one."""
    name = free_username(username)
    user = User(
        customer_id=connection.customer_id,
        username=name,
        username_key=key(name),
        email=person.email or "",
        email_key=key(person.email or ""),
        email_shared=email_shared,
        **{field: (getattr(person, source) or "").strip() for source, field in FOLLOWS.items()},
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    made = {"username": ("", user.username), "email": ("", user.email)}
    events.record(actor=actor, kind="user.created", subject=user, connection=connection, changes=made)
    return user


def write_identity(identity: Identity, said: Person) -> dict[str, tuple[object, object]]:
    """Let ``identity`` follow what was said (R19) and save it; return what changed. UIDs and ``active`` have writers of their own."""
    changes: dict[str, tuple[object, object]] = {}

    def follow(field: str, value: object) -> None:
        before = getattr(identity, field)
        if value is not None and value != before:
            changes[field] = (before, value)
            setattr(identity, field, value)

    former = key(identity.user_name)
    if said.user_name and key(said.user_name) != former == identity.name_id_key:
        follow("name_id", "")  # R8, R8b: it was the userName; whoever gets that next must not find this person by it
    follow("user_name", said.user_name or None)
    follow("external_id", said.external_id)
    follow("email", said.email)
    follow("name_id", said.name_id or None)
    for field in TEXTS:
        follow(field, getattr(said, field))
    merged = {name: value for name, value in {**identity.attributes, **said.attributes}.items() if value is not None}
    follow("attributes", merged)
    if said.user_name:
        identity.user_name_key = key(said.user_name)
    identity.email_key = key(identity.email)
    identity.name_id_key = key(identity.name_id)
    return changes


def save_identity(identity: Identity) -> None:
    """Save a changed identity under a new version. `changed_at` is what SCIM answers as lastModified."""
    identity.version += 1
    identity.changed_at = timezone.now()
    identity.save()


def project(
    *, actor: Actor, connection: Connection, identity: Identity, said: Person, uid_moves: bool
) -> dict[str, str]:
    """Let the user follow, as far as policy permits (R4, R17); return the fields that changed, with their new values."""
    user = identity.user
    changes = permitted_changes(
        said,
        {field: getattr(user, field) for field in FOLLOWS.values()},
        names_are_the_uid=connection.uid_rule == UidRule.NAME,
        uid_moves=uid_moves,
    )
    if not changes:
        return changes
    before = {field: getattr(user, field) for field in changes}
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=list(changes))
    events.record(
        actor=actor,
        kind="user.changed",
        subject=user,
        connection=connection,
        changes={field: (before[field], value) for field, value in changes.items()},
    )
    return changes


def claim(*, actor: Actor, identity: Identity) -> None:
    """R10: the first message of the IdP makes an offered user its own; from now on they come by it and by no password."""
    identity.offered_at = None
    user = identity.user
    user.set_unusable_password()
    user.save(update_fields=["password"])
    events.record(actor=actor, kind="identity.claimed", subject=identity)


def accept_drift(identity: Identity, *, uid: str) -> None:
    """Note that an administrator gives ``uid`` to ``identity``: so it stops being drift, and the table judges the next one again (R8a)."""
    if key(identity.said_uid) in {"", key(uid)}:
        identity.said_uid, identity.new_uid_held = "", False


def current_uid(identity: Identity) -> IdentityUid | None:
    return IdentityUid.objects.filter(identity=identity, current=True).first()


def set_uid(*, actor: Actor, identity: Identity, uid: str, derived: bool = False) -> bool:
    """Make ``uid`` the current UID of ``identity``; return whether it moved. The caller knows that no other identity has it.

    A former UID that was sent keeps finding the identity; one that was derived is released at once (R6). A derived UID never replaces a sent one.
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
    IdentityUid.objects.create(
        connection=identity.connection, identity=identity, uid=uid, uid_key=key(uid), current=True, derived=derived
    )
    changes: dict[str, tuple[object, object]] = {"uid": (before.uid if before else "", uid)}
    was_derived = before is not None and before.derived
    if derived != was_derived:
        changes["derived"] = (was_derived, derived)
    events.record(
        actor=actor, kind="identity.uid_set", subject=identity, changes=changes, reason=_warning_of_looks(uid)
    )
    return before is None or before.uid_key != key(uid)


def _warning_of_looks(uid: str) -> str:
    mixed = " and ".join(mixed_scripts(uid))
    return f"One word of this UID mixes {mixed} letters. It may only look like another person's." if mixed else ""


def release_user_name(*, actor: Actor, identity: Identity) -> None:
    """R8: an inactive identity gives up its userName, and with it a UID that was only derived from it (R6)."""
    derived = IdentityUid.objects.filter(identity=identity, current=True, derived=True).first()
    if derived is not None:
        derived.delete()
    identity.user_name_key = None
    save_identity(identity)
    events.record(
        actor=actor,
        kind="identity.user_name_released",
        subject=identity,
        changes={"user_name": (identity.user_name, "")},
    )


def require_user_name(person: Person) -> str:
    if not person.user_name:
        raise InvalidValue("userName", "userName is required and must not be empty.")
    return person.user_name
