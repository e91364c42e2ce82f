"""Our own keys of a connection: made, announced, used, retired. Private keys are encrypted at rest by a list of keys that can rotate.

A rollover never breaks a sign-in: the *next* key is announced in our metadata before it is used; the *old* one goes on opening assertions until an
administrator retires it, for an IdP may not have read our metadata yet.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core_identity.errors import InvalidValue
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.values import Actor
from sso.models import KeyState, SamlSettings, SpKey
from sso.saml.certificates import end_of, fingerprint
from sso.saml.key_pair import KeyPair, make_key_pair
from sso.saml.refusals import Code, SamlRefusal

if TYPE_CHECKING:
    from core_identity.models import Connection

log = logging.getLogger("sso.keys")

_FIELD: Final = "saml_keys"


@transaction.atomic
def make_key(*, actor: Actor, connection: "Connection", reason: str = "") -> SpKey:
    """Make a key: the active one where there is none, else the next one. Raises `InvalidValue`."""
    held = _lock(connection)
    if KeyState.NEXT in held:
        raise InvalidValue(_FIELD, "There is a next key already. Activate or retire it first.")
    state = KeyState.NEXT if KeyState.ACTIVE in held else KeyState.ACTIVE
    pair = make_key_pair(f"CORE for {connection.slug}", now=timezone.now())
    sealed = _box().encrypt(pair.private.encode()).decode()
    made = SpKey.objects.create(connection=connection, state=state, certificate=pair.certificate, sealed_key=sealed)
    _record(actor, connection, EventKind.SAML_KEY_MADE, made, before=None, reason=reason)
    return made


def make_key_where_none(*, actor: Actor, connection: "Connection") -> None:
    """Make the first key of a connection whose settings need one."""
    if not SpKey.objects.filter(connection=connection).exists():
        make_key(actor=actor, connection=connection)


@transaction.atomic
def activate_key(*, actor: Actor, connection: "Connection", reason: str = "") -> SpKey:
    """Let the next key sign from now on; the one until now becomes the old one. Raises `InvalidValue`."""
    held = _lock(connection)
    if KeyState.NEXT not in held:
        raise InvalidValue(_FIELD, "There is no next key. Make one, and let the IdP read our metadata first.")
    if KeyState.OLD in held:
        raise InvalidValue(_FIELD, "An old key is still there. Retire it first.")
    _move(held[KeyState.ACTIVE], KeyState.OLD)
    activated = _move(held[KeyState.NEXT], KeyState.ACTIVE)
    _record(actor, connection, EventKind.SAML_KEY_ACTIVATED, activated, before=KeyState.NEXT, reason=reason)
    return activated


@transaction.atomic
def retire_key(*, actor: Actor, connection: "Connection", reason: str = "") -> SpKey:
    """Forget the old key, or else the next one that was never used. The active one stays. Raises `InvalidValue`."""
    held = _lock(connection)
    retired = held.get(KeyState.OLD) or held.get(KeyState.NEXT)
    if retired is None:
        raise InvalidValue(_FIELD, "There is no old key and no next key. The active key cannot be retired.")
    _record(actor, connection, EventKind.SAML_KEY_RETIRED, retired, before=retired.state, reason=reason)
    retired.delete()
    return retired


@transaction.atomic
def seal_again(*, actor: Actor, connection: "Connection", reason: str = "") -> int:
    """Encrypt the keys of a connection with the first of ``SAML_KEY_ENCRYPTION_KEYS``, and return how many; the others may go then."""
    held = _lock(connection)
    for key in held.values():
        key.sealed_key = _rotated(key.sealed_key)
        key.save(update_fields=["sealed_key"])
    if held:
        events.record(actor=actor, kind=EventKind.SAML_KEY_SEALED, subject=connection, reason=reason)
    return len(held)


def keys_of(connection: "Connection") -> list[SpKey]:
    """Return the keys: next, active, old. One query."""
    order = list(KeyState)
    return sorted(SpKey.objects.filter(connection=connection), key=lambda key: order.index(KeyState(key.state)))


def opening_keys(saml: SamlSettings) -> tuple[KeyPair, ...]:
    """Return every key that may open an assertion: during a rollover the IdP may know any of them.

    A key that we cannot open ourselves is left out and logged: the message may be encrypted to another one. Raises `SamlRefusal` if none opens.
    """
    pairs, keys = [], keys_of(saml.connection)
    for key in keys:
        try:
            pairs.append(_pair(key))
        except InvalidValue as fault:
            log.error("A SAML key cannot be opened", extra={"connection": saml.connection.slug, "fault": fault.message})
    if keys and not pairs:
        raise SamlRefusal(Code.OUR_KEY, expected="a key that SAML_KEY_ENCRYPTION_KEYS opens")
    return tuple(pairs)


def opens(key: SpKey) -> bool:
    """Whether the sealing keys of the settings open ``key``."""
    try:
        _pair(key)
    except InvalidValue:
        return False
    return True


def signing_key(saml: SamlSettings) -> KeyPair | None:
    """Return the key that signs what we say; None where none was made."""
    active = SpKey.objects.filter(connection=saml.connection, state=KeyState.ACTIVE).first()
    return _pair(active) if active else None


def announced_certificates(saml: SamlSettings) -> list[str]:
    """Return the certificates that our metadata names, the active one first; an old one is no longer wanted."""
    return [key.certificate for key in reversed(keys_of(saml.connection)) if key.state != KeyState.OLD]


def certificate_facts(pem: str) -> tuple[str, datetime]:
    """Return what tells a certificate apart (the SHA-256 of it, 16 digits) and when it ends (aware)."""
    return fingerprint(pem), end_of(pem)


def _lock(connection: "Connection") -> dict[KeyState, SpKey]:
    """Return the keys by state. Whoever changes them holds the connection's SAML settings, for a first key has no row to lock."""
    if not SamlSettings.objects.select_for_update().filter(connection=connection).exists():
        raise InvalidValue(_FIELD, "SAML is not set up for this connection.")
    return {KeyState(key.state): key for key in SpKey.objects.filter(connection=connection)}


def _move(key: SpKey, state: KeyState) -> SpKey:
    key.state = state
    key.save(update_fields=["state"])
    return key


def _pair(key: SpKey) -> KeyPair:
    try:
        private = _box().decrypt(key.sealed_key.encode()).decode()
    except InvalidToken as error:
        raise _unsealable(key) from error
    return KeyPair(private=private, certificate=key.certificate)


def _rotated(sealed: str) -> str:
    try:
        return _box().rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise InvalidValue(
            _FIELD, "No key of SAML_KEY_ENCRYPTION_KEYS opens it. Add the key that encrypted it."
        ) from error


def _unsealable(key: SpKey) -> InvalidValue:
    return InvalidValue(_FIELD, f"No key of SAML_KEY_ENCRYPTION_KEYS opens the {key.state} key of {key.connection}.")


def _box() -> MultiFernet:
    keys: Iterable[str] = settings.SAML_KEY_ENCRYPTION_KEYS
    if not keys:
        raise InvalidValue(_FIELD, "Set SAML_KEY_ENCRYPTION_KEYS first: our private keys are stored only encrypted.")
    return MultiFernet([Fernet(key) for key in keys])


def _record(
    actor: Actor, connection: "Connection", kind: EventKind, key: SpKey, *, before: KeyState | str | None, reason: str
) -> None:
    sha256, ends = certificate_facts(key.certificate)
    after = None if kind is EventKind.SAML_KEY_RETIRED else str(key.state)
    changes: dict[str, tuple[object, object]] = {
        "state": (before, after),
        "certificate": (None, f"{sha256}, ends on {ends.date()}"),
    }
    events.record(actor=actor, kind=kind, subject=connection, changes=changes, reason=reason)
