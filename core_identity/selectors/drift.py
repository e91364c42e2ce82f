"""Read drift, the differences between an identity and its user (R18), of one person and of a whole connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from core_identity.models import Identity, User
from core_identity.policy.projection import COMPARED, differences

UID: Final = "uid"
FIELDS: Final[Sequence[str]] = (*COMPARED.values(), UID)
"""The names of all values that can drift: fields of the user, and the UID of the identity."""

HAS_IDP_VALUES: Final = Q(deleted_at__isnull=True, offered_at__isnull=True)
"""The condition for identities with values from an IdP: not deleted by SCIM, and not only offered."""


def has_idp_values(identity: Identity) -> bool:
    """Whether an identity fulfils `HAS_IDP_VALUES`."""
    return identity.deleted_at is None and identity.offered_at is None


@dataclass(frozen=True, slots=True)
class Drift:
    """One field in which the IdP of ``connection`` (a slug) and CORE differ."""

    connection: str
    identity: UUID
    field: str
    idp_value: str
    core_value: str


def drift_of(user: User) -> list[Drift]:
    """Return the drift of all identities of a user. Two queries."""
    identities = _loaded(Identity.objects.filter(HAS_IDP_VALUES, user=user))
    return [one for identity in identities for one in drift_in(identity)]


def drift_in(identity: Identity) -> list[Drift]:
    """Return the drift of one identity. `drifting` loads the rows that this needs."""
    core_values = {field: getattr(identity.user, field) for field in COMPARED.values()}
    sent = {source: getattr(identity, source) for source in COMPARED}
    if identity.pushed_at is None:
        sent["user_name"] = core_values["username"]
    slug = identity.connection.slug
    found = [
        Drift(slug, identity.pk, one.field, one.idp_value, one.core_value) for one in differences(sent, core_values)
    ]
    if identity.drift_uid:
        current = next((uid.uid for uid in identity.uids.all() if uid.current), "")
        found.append(Drift(slug, identity.pk, UID, identity.drift_uid, current))
    return found


def drifting(field: str | None = None) -> QuerySet[Identity]:
    """Return the identities that differ from their users, in ``field`` of `FIELDS` or in any; the longest drift first.

    Triggers of the database keep the rows of `DriftingIdentity`, so this reads no other person.
    """
    rows = Q(drifting__isnull=False) if field is None else Q(drifting__fields__contains=[field])
    return _loaded(Identity.objects.filter(rows)).order_by("drifting__id")


def _loaded(identities: QuerySet[Identity]) -> QuerySet[Identity]:
    return identities.select_related("user", "connection").prefetch_related("uids")
