"""The content of the page of a user: the whole story (R36)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpRequest

from core_identity.admin_kit.timeline import Source, Subject, timeline
from core_identity.attributes import FOLLOWED
from core_identity.models import Identity, PushGroupMember, User
from core_identity.selectors.drift import drift_in, has_idp_values
from core_identity.selectors.roles import roles_of
from core_identity.selectors.sessions import sessions_of
from core_identity.selectors.story import changes_since_expiry
from core_identity.selectors.users import status_of


@dataclass(frozen=True, slots=True)
class IdentityShown:
    """An identity with all that its IdP sent, as JSON for a person to read."""

    identity: Identity
    sent: str


def story_of(user: User, request: HttpRequest, sources: Sequence[Source]) -> dict[str, Any]:
    """Return what the template shows of a user whose identities are loaded with their connections. The number of queries depends on no length."""
    identities = list(user.identities.all())
    memberships = PushGroupMember.objects.select_related("group__role").order_by("group__name_key")
    prefetch_related_objects(identities, "uids", Prefetch("memberships", queryset=memberships))
    for identity in identities:
        identity.user = user
    tombstones = list(user.tombstones.all())
    connections = {one.pk: one for one in (user.customer.connections.all() if user.customer else ())}
    connections |= {one.connection_id: one.connection for one in identities}
    subject = Subject(user, [user.pk, *(one.pk for one in tombstones)], identities, list(connections.values()))
    return {
        "user": user,
        "status": status_of(user),
        "last_seen": _last_seen(user, identities),
        "identities": [IdentityShown(one, _sent(one)) for one in identities],
        "changed": changes_since_expiry(user, identities) if user.expired_at else [],
        "drift": [one for identity in identities if has_idp_values(identity) for one in drift_in(identity)],
        "roles": roles_of(user),
        "sessions": sessions_of(user, identities),
        "tombstones": tombstones,
        "timeline": timeline(sources, subject, request),
        "names": {one.slug: one.name for one in subject.connections},
    }


def _last_seen(user: User, identities: Sequence[Identity]) -> datetime | None:
    return max((at for at in (user.last_login, *(one.signed_in_at for one in identities)) if at), default=None)


def _sent(identity: Identity) -> str:
    """Return all that the IdP sent, with SCIM's names, as indented JSON."""
    values: dict[str, Any] = {
        "userName": identity.user_name,
        "externalId": identity.external_id,
        "active": identity.active,
        "name": {"givenName": identity.given_name, "familyName": identity.family_name},
        "email": identity.email,
        **{attribute.source: getattr(identity, attribute.source) for attribute in FOLLOWED if not attribute.is_name},
        "NameID": identity.name_id,
        **identity.attributes,
    }
    sent = {name: value for name, value in values.items() if value not in ("", None)}
    text = json.dumps(sent, indent=2, ensure_ascii=False)
    return text if all(one.isprintable() or one == "\n" for one in text) else json.dumps(sent, indent=2)
