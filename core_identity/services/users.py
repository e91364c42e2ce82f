"""Create and change users as an administrator. Channels create users in `provisioning` and `sign_in`."""

from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password

from core_identity.attributes import FIELDS
from core_identity.errors import InvalidValue, NameTaken, NotAllowed
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name, clean_text, key
from core_identity.models import Customer, User
from core_identity.services import events
from core_identity.services.conflicts import close_outdated_conflicts
from core_identity.services.locks import lock_user
from core_identity.services.permissions import require_superuser, require_superuser_to_make_staff
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, ActorKind, Channel

STAFF_FLAGS = frozenset({"is_staff", "is_superuser"})
FLAGS = (*sorted(STAFF_FLAGS), "email_shared")
COMMAND = Actor(Channel.ADMIN, ActorKind.SYSTEM, "command line")


@in_one_transaction
def create_user(
    *,
    actor: Actor,
    username: str,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    customer: Customer | None = None,
    is_staff: bool = False,
    is_superuser: bool = False,
    password: str | None = None,
) -> User:
    """Create a user in advance. A user without a password can sign in by a connection only.

    Raises `NameTaken`, `InvalidValue`, and `NotAllowed` if only a superuser may do it.
    """
    if is_staff or is_superuser:
        require_superuser_to_make_staff(actor)
    username = clean_name(username, field="username")
    if not username:
        raise InvalidValue("username", "A user needs a username.")
    if User.objects.filter(username_key=key(username)).exists():
        raise NameTaken(f"The username {username!r} is taken.")
    email = free_email(email, customer=customer)
    user = User(
        customer=customer,
        username=username,
        username_key=key(username),
        email=email,
        email_key=key(email),
        first_name=clean_text(first_name, field="first_name"),
        last_name=clean_text(last_name, field="last_name"),
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    user.set_password(password)
    user.save(force_insert=True)
    changes = {
        "username": (None, username),
        "email": (None, email),
        "customer": (None, customer.name if customer else None),
        "is_staff": (None, is_staff),
        "is_superuser": (None, is_superuser),
    }
    events.record(actor=actor, kind=EventKind.USER_CREATED, subject=user, changes=changes)
    return user


def create_local_user(*, username: str, email: str, password: str | None, superuser: bool, **extra: Any) -> User:
    """Create an administrator of CORE from the command line (``createsuperuser``); ``extra`` contains other fields of `create_user`."""
    extra = {name: value for name, value in extra.items() if name not in {"is_staff", "is_superuser"}}
    return create_user(
        actor=COMMAND,
        username=username,
        email=email,
        password=password,
        is_staff=True,
        is_superuser=superuser,
        **extra,
    )


@in_one_transaction
def change_user(*, actor: Actor, user_id: UUID, **fields: Any) -> User:
    """Change the email, the attributes or the flags, as an administrator (R16).

    Raises `NotFound`, `NotAllowed`, `NameTaken`, `InvalidValue`.
    """
    unknown = set(fields) - {*FIELDS, *FLAGS, "email"}
    if unknown:
        raise InvalidValue(min(unknown), f"{min(unknown)} cannot be changed here.")
    user = lock_user(user_id)
    require_superuser(actor, [user])
    if user.erased_at is not None:
        raise NotAllowed("This person was erased. Their values cannot be changed.")
    changes: dict[str, tuple[object, object]] = {}
    for field, value in fields.items():
        if field in FIELDS:
            new: object = clean_text(value, field=field)
        elif field == "email":
            new = free_email(
                value, customer=user.customer, but=user, shared=fields.get("email_shared", user.email_shared)
            )
        else:
            new = bool(value)
        if new != getattr(user, field):
            changes[field] = (getattr(user, field), new)
            setattr(user, field, new)
    if not changes:
        return user
    if changes.keys() & STAFF_FLAGS:
        require_superuser_to_make_staff(actor)
    if "email_shared" in changes:
        free_email(user.email, customer=user.customer, but=user, shared=user.email_shared)
    user.email_key = key(user.email)
    user.save(update_fields=[*changes, "email_key"])
    events.record(actor=actor, kind=EventKind.USER_CHANGED, subject=user, changes=changes)
    close_outdated_conflicts(actor=actor, user=user)
    return user


@in_one_transaction
def set_password(*, actor: Actor, user_id: UUID, password: str) -> None:
    """Give a user a password. Administrators may change their own.

    Raises `NotFound`; `NotAllowed` if only a superuser may do it; Django's ``ValidationError`` for a weak password.
    """
    user = lock_user(user_id)
    if not (actor.kind is ActorKind.ADMIN and actor.id == str(user.pk)):
        require_superuser(actor, [user])
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    events.record(actor=actor, kind=EventKind.USER_PASSWORD_SET, subject=user)


def free_email(email: str, *, customer: Customer | None, but: User | None = None, shared: bool = False) -> str:
    """Return ``email``, clean. Raise `NameTaken` if another user of the customer has it and it may not be shared (R16)."""
    email = clean_name(email or "", field="email")
    if email and customer is not None and not shared:
        others = User.objects.filter(
            customer=customer, email_key=key(email), email_shared=False, merged_into__isnull=True
        )
        if others.exclude(pk__in=[but.pk] if but else []).exists():
            raise NameTaken(f"Another user of {customer} has the email address {email!r}.")
    return email
