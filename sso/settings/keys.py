"""Our keys of a connection: create, announce, activate, delete. Private keys are encrypted at rest by a list of keys that can rotate.

A rollover never breaks a sign-in. The *next* key is announced in our metadata before it is used. The *old* key opens assertions until an
administrator deletes it, because the IdP may not have read our metadata yet.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core_identity.brand import BRAND
from core_identity.errors import InvalidValue
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.values import Actor
from sso.models import KeyState, SamlSettings, SpKey
from sso.saml.certificates import end_of, fingerprint
from sso.saml.key_pair import KeyPair, make_key_pair
from sso.saml.refusals import Code, SamlRefusal

if TYPE_CHECKING:
    from core_identity.models import Connection

log = logging.getLogger("sso.settings.keys")

_FIELD: Final = "saml_keys"


@transaction.atomic
def make_key(*, actor: Actor, connection: "Connection", reason: str = "") -> SpKey:
    """Create a key: the active one if there is none, otherwise the next one. Raises `InvalidValue`."""
    require_superuser_for_own_idp(actor, connection)
    keys = _lock(connection)
    if KeyState.NEXT in keys:
        raise InvalidValue(_FIELD, "There is a next key already. Activate or delete it first.")
    state = KeyState.NEXT if KeyState.ACTIVE in keys else KeyState.ACTIVE
    pair = make_key_pair(f"{BRAND} for {connection.slug}", now=timezone.now())
    sealed = _box().encrypt(pair.private.encode()).decode()
    key = SpKey.objects.create(connection=connection, state=state, certificate=pair.certificate, sealed_key=sealed)
    _record(actor, connection, EventKind.SAML_KEY_CREATED, key, before=None, reason=reason)
    return key


def make_key_where_none(*, actor: Actor, connection: "Connection") -> None:
    """Create the first key of a connection whose settings need one."""
    if not SpKey.objects.filter(connection=connection).exists():
        make_key(actor=actor, connection=connection)


@transaction.atomic
def activate_key(*, actor: Actor, connection: "Connection", reason: str = "") -> SpKey:
    """Sign with the next key from now on; the active key becomes the old one. Raises `InvalidValue`."""
    require_superuser_for_own_idp(actor, connection)
    keys = _lock(connection)
    if KeyState.NEXT not in keys:
        raise InvalidValue(
            _FIELD, "There is no next key. Create one, and let the identity provider read our metadata first."
        )
    if KeyState.OLD in keys:
        raise InvalidValue(_FIELD, "An old key is still there. Delete it first.")
    _move(keys[KeyState.ACTIVE], KeyState.OLD)
    activated = _move(keys[KeyState.NEXT], KeyState.ACTIVE)
    _record(actor, connection, EventKind.SAML_KEY_ACTIVATED, activated, before=KeyState.NEXT, reason=reason)
    return activated


@transaction.atomic
def delete_key(*, actor: Actor, connection: "Connection", reason: str = "") -> SpKey:
    """Delete the old key, or else the next one that was never used. The active key stays. Raises `InvalidValue`."""
    require_superuser_for_own_idp(actor, connection)
    keys = _lock(connection)
    key = keys.get(KeyState.OLD) or keys.get(KeyState.NEXT)
    if key is None:
        raise InvalidValue(_FIELD, "There is no old key and no next key. The active key cannot be deleted.")
    _record(actor, connection, EventKind.SAML_KEY_DELETED, key, before=key.state, reason=reason)
    key.delete()
    return key


@transaction.atomic
def seal_again(*, actor: Actor, connection: "Connection", reason: str = "") -> int:
    """Encrypt the keys of a connection with the first of ``SAML_KEY_ENCRYPTION_KEYS``, and return their number.

    The other keys of that list may then be removed.
    """
    require_superuser_for_own_idp(actor, connection)
    keys = _lock(connection)
    for key in keys.values():
        key.sealed_key = _rotated(key.sealed_key)
        key.save(update_fields=["sealed_key"])
    if keys:
        events.record(actor=actor, kind=EventKind.SAML_KEY_SEALED, subject=connection, reason=reason)
    return len(keys)


def keys_of(connection: "Connection") -> list[SpKey]:
    """Return the keys: next, active, old. One query."""
    order = list(KeyState)
    return sorted(SpKey.objects.filter(connection=connection), key=lambda key: order.index(KeyState(key.state)))


def opening_keys(saml: SamlSettings) -> tuple[KeyPair, ...]:
    """Return every key that may open an assertion: during a rollover the IdP may use any of them.

    A key that we cannot open is left out and logged: the message may be encrypted to another one. Raises `SamlRefusal` if none opens.
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
    """Whether a key in ``SAML_KEY_ENCRYPTION_KEYS`` opens ``key``."""
    try:
        _pair(key)
    except InvalidValue:
        return False
    return True


def signing_key(saml: SamlSettings) -> KeyPair | None:
    """Return the key that signs our messages; None if there is none."""
    active = SpKey.objects.filter(connection=saml.connection, state=KeyState.ACTIVE).first()
    return _pair(active) if active else None


def announced_certificates(saml: SamlSettings) -> list[str]:
    """Return the certificates for our metadata, the active one first. The old one is left out."""
    return [key.certificate for key in reversed(keys_of(saml.connection)) if key.state != KeyState.OLD]


def certificate_facts(pem: str) -> tuple[str, datetime]:
    """Return the fingerprint of a certificate (16 digits of its SHA-256) and its end (aware)."""
    return fingerprint(pem), end_of(pem)


def _lock(connection: "Connection") -> dict[KeyState, SpKey]:
    """Return the keys by state, and lock the SAML settings of the connection: a first key has no row to lock."""
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
    after = None if kind is EventKind.SAML_KEY_DELETED else str(key.state)
    changes: dict[str, tuple[object, object]] = {
        "state": (before, after),
        "certificate": (None, f"{sha256}, ends on {ends.date()}"),
    }
    events.record(actor=actor, kind=kind, subject=connection, changes=changes, reason=reason)
