"""End all access to SCIM of a connection, with an event for each token, code and link (R1a, RFC 6749 section 4.1.2)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
from oauth2_provider.settings import oauth2_settings

from core_identity.clock import database_now
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.locks import lock_connection
from core_identity.values import Actor, ActorKind, Channel
from scim.models import BearerToken, OAuthClient, UsedCode

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from core_identity.models import Connection

SWITCHED_OFF: Final = "The connection was switched off."
CODE_USED_TWICE: Final = "The authorization code that gave this token was used a second time."


def end_access(sender: object, *, connection: "Connection", actor: Actor, **_: Any) -> None:
    """Receive `connection_switched_off`: delete tokens and codes, revoke long-lived tokens.

    The caller holds the lock on the connection. Rows are deleted, because the toolkit accepts a revoked refresh token during its grace period.
    """
    now = database_now()
    ended = list(_end_tokens(connection, now))
    bearer_tokens = BearerToken.objects.filter(connection=connection, revoked_at=None)
    ended += [(EventKind.TOKEN_REVOKED, {"name": (token.name, None)}) for token in bearer_tokens]
    bearer_tokens.update(revoked_at=now)
    _record(ended, actor=actor, connection=connection, reason=SWITCHED_OFF)


@transaction.atomic
def end_tokens_of_used_code(*, client: OAuthClient, code_hash: str, request_id: str) -> None:
    """Revoke the tokens of a code when the authenticated ``client`` uses the code again after the grace period.

    During the grace period nothing is revoked, because a client repeats its request when the answer got lost. A code of another client is not
    found, so no customer can end the tokens of another one (R1).
    """
    used = UsedCode.objects.filter(client=client, code_hash=code_hash).first()
    grace = timedelta(seconds=oauth2_settings.REFRESH_TOKEN_GRACE_PERIOD_SECONDS)
    if used is None or database_now() - used.used_at <= grace:
        return
    # Lock this first, as a switch-off does. Of two requests with this code, the second one finds no row.
    lock_connection(client.connection_id)
    refresh = get_refresh_token_model().objects.filter(application=client, token_family=used.token_family)
    access = get_access_token_model().objects.filter(application=client, refresh_token__in=refresh)
    ended = list(_delete_tokens(access, refresh, database_now()))
    used.delete()
    actor = Actor(Channel.SCIM, ActorKind.SCIM_CLIENT, client.label, id=client.client_id, request_id=request_id)
    _record(ended, actor=actor, connection=client.connection, reason=CODE_USED_TWICE)


def _end_tokens(connection: "Connection", now: datetime) -> "Iterator[tuple[EventKind, events.Changes]]":
    of_client = {"application__connection": connection}
    yield from _delete_tokens(
        get_access_token_model().objects.filter(**of_client), get_refresh_token_model().objects.filter(**of_client), now
    )
    codes = get_grant_model().objects.filter(**of_client)
    for code in codes.filter(expires__gt=now):
        yield EventKind.AUTHORIZATION_CODE_REVOKED, {"created_at": (code.created, None)}
    codes.delete()
    UsedCode.objects.filter(client__connection=connection).delete()


def _delete_tokens(
    access: "QuerySet[Any]", refresh: "QuerySet[Any]", now: datetime
) -> "Iterator[tuple[EventKind, events.Changes]]":
    """Delete tokens. Yield an event for each live one."""
    access_ids = list(access.values_list("pk", flat=True))
    for token in get_access_token_model().objects.filter(pk__in=access_ids, expires__gt=now):
        yield EventKind.ACCESS_TOKEN_REVOKED, {"created_at": (token.created, None), "scope": (token.scope, None)}
    for token in refresh.filter(revoked=None):
        yield EventKind.REFRESH_TOKEN_REVOKED, {"created_at": (token.created, None)}
    refresh.delete()
    get_access_token_model().objects.filter(pk__in=access_ids).delete()


def _record(
    ended: "list[tuple[EventKind, events.Changes]]", *, actor: Actor, connection: "Connection", reason: str
) -> None:
    events.record_many(
        events.new_event(actor=actor, kind=kind, subject=connection, changes=changes, reason=reason)
        for kind, changes in ended
    )


def has_ended(grant: Any) -> bool:
    """Whether an authorization code has ended by the database's clock. It replaces the toolkit's ``Grant.is_expired``."""
    return not grant.expires or bool(database_now() >= grant.expires)
