"""The statement that judges a token gives the verdict of the OAuth toolkit, for each state of a token and each shape of a header."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import pytest
from django.conf import settings
from django.db.models import Model, Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from oauth2_provider.oauth2_backends import get_oauthlib_core
from pytest_django.fixtures import DjangoAssertNumQueries

from core_identity.clock import Now
from core_identity.models import Connection
from core_identity.services.connections import switch_off
from scim.models import BearerToken, OAuthClient
from scim.oauth.authentication import SCOPE, opened_by
from scim.oauth.bearer_tokens import PREFIX, make_token, revoke_token
from scim.oauth.known_clients import client_by_id, lock_if_enabled
from tests.scim.conftest import Scim
from tests.support.cast import ADMIN
from tests.support.clock import travel

SECOND: Final = timedelta(seconds=1)
AccessToken: Final = get_access_token_model()


def by_the_toolkit(header: str) -> tuple[Any, ...] | None:
    """The verdict as the libraries give it, in several statements."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer" and text.startswith(PREFIX):
        return _by_the_orm(text)
    request = (settings.PUBLIC_URL, "GET", "", {"Authorization": header})
    valid, seen = get_oauthlib_core().server.verify_request(*request, scopes=[])
    if not valid or seen.client is None:  # a token of no client is of no connection
        return None
    return OAuthClient, seen.client.pk, seen.client.label, seen.client.client_id, SCOPE in seen.scopes, vars_of(seen.client.connection)  # fmt: skip


def _by_the_orm(text: str) -> tuple[Any, ...] | None:
    live = BearerToken.objects.select_related("connection").filter(Q(expires_at=None) | Q(expires_at__gt=Now()))
    token = live.filter(
        token_hash=sha256(text.encode("utf-8", "replace")).hexdigest(), revoked_at=None, connection__enabled=True
    ).first()
    if token is None:
        return None
    label = f"token {token.name} of {token.connection.slug}"
    return BearerToken, token.pk, label, str(token.pk), True, vars_of(token.connection)


def by_the_statement(header: str) -> tuple[Any, ...] | None:
    token = opened_by(header)
    if token is None:
        return None
    return token.holder, token.key, token.label, token.id, token.has_scope, vars_of(token.connection)


def vars_of(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def headers_with(token: str) -> Iterator[str]:
    for scheme in ("Bearer", "bearer", "BEARER", "BeArEr", "Basic", "Token", "Bearer:", "", "Bearer\0"):
        yield f"{scheme} {token}"
    yield from ("", " ", "Bearer", "Bearer ", token, "Bearer \0", "Bearer ü", f"Bearer {PREFIX}", f"Bearer {PREFIX}\0")
    for blank in ("  ", "\t", "\u00a0", "\n", " \t ", "\x1c", "+", "%20", "="):
        yield f"Bearer{blank}{token}"
        yield f"Bearer {blank}{token}"
        yield f"Bearer {token}{blank}"
        yield f"{blank}Bearer {token}"
    for wrong in (
        token[:-1],
        token + "x",
        token.upper(),
        token.lower(),
        token.swapcase(),
        f'"{token}"',
        f"{token}\0",
        "a" * 8000,
    ):
        yield f"Bearer {wrong}"
    for more in (f"{token} {token}", f"{token},{token}", f"{token}, Bearer {token}", f"{token} x", f"x {token}"):
        yield f"Bearer {more}"


def assert_same(header: str) -> bool:
    """Compare both verdicts, and return whether it opens."""
    theirs, ours = by_the_toolkit(header), by_the_statement(header)
    assert ours == theirs, header
    return ours is not None


def test_each_shape_of_a_header_opens_what_the_toolkit_opens(okta: Scim) -> None:
    lasting = make_token(actor=ADMIN, connection=okta.connection, name="Entra")[1]
    opened = {header for token in (okta.token, lasting) for header in headers_with(token) if assert_same(header)}
    assert {f"Bearer {okta.token}", f"bearer {lasting}", f"Bearer\t{okta.token}"} <= opened
    assert not any(header.startswith(("Basic", "Token")) for header in opened)
    assert f"Bearer {okta.token} x" not in opened
    assert opened_by("Bearer \udc80") is None, "the toolkit fails on it; no server makes such a header"


def test_each_state_of_an_access_token_is_judged_as_the_toolkit_judges_it(okta: Scim, other: Scim) -> None:
    header = f"Bearer {okta.token}"
    stored = AccessToken.objects.filter(application__connection=okta.connection)
    row = stored.get()
    verdicts = {}
    assert opened_by(f"Bearer {other.token}").connection == other.connection  # type: ignore[union-attr]
    with travel(row.expires, tick=False):
        for name, by in (("live", SECOND), ("ends now", timedelta(0)), ("ended", -SECOND)):
            stored.update(expires=row.expires + by)
            verdicts[name] = assert_same(header)
    stored.update(expires=row.expires)
    for scope in (
        "",
        "scim",
        "offline_access",
        "scim offline_access",
        "offline_access  scim",
        "scimx",
        "SCIM",
        "a\tscim",
        "read",
    ):
        stored.update(scope=scope)
        verdicts[scope] = assert_same(header)
        assert opened_by(header).has_scope is ("scim" in scope.split())  # type: ignore[union-attr]
    here, there = settings.PUBLIC_URL, "https://other.test"
    for resource in ([], [here], [there], [f"{here}/scim"], ["urn:x"], [there, here]):
        stored.update(scope="scim", resource=resource)
        verdicts[str(resource)] = assert_same(header)
    stored.update(resource=[])
    for enabled in (False, True):
        Connection.objects.filter(pk=okta.connection.pk).update(enabled=enabled)
        verdicts[f"enabled {enabled}"] = assert_same(header)
    stored.update(application=None)
    verdicts["no client"] = assert_same(header)
    AccessToken.objects.filter(pk=row.pk).update(application=row.application)
    OAuthClient.objects.filter(connection=okta.connection).update(
        allows_client_credentials=False, allows_authorization_code=False
    )
    verdicts["no grant type left"] = assert_same(header)
    stored.get().revoke()
    verdicts["revoked"] = assert_same(header)
    shut = {name for name, opens in verdicts.items() if not opens}
    assert shut == {
        "ends now", "ended", "['https://other.test']", str([f"{settings.PUBLIC_URL}/scim"]), "['urn:x']", "enabled False", "no client", "revoked",
    }  # fmt: skip


def test_tokens_of_a_switched_off_connection_or_deleted_client_open_nothing(okta: Scim, other: Scim) -> None:
    switch_off(actor=ADMIN, connection_id=okta.connection.pk, reason="test")
    OAuthClient.objects.filter(connection=other.connection).delete()
    for token in (okta.token, other.token):
        assert not assert_same(f"Bearer {token}")


def test_each_state_of_a_long_lived_token_is_judged_as_the_orm_judges_it(connection: Connection) -> None:
    ends = timezone.now() + timedelta(days=1)
    token, text = make_token(actor=ADMIN, connection=connection, name="Entra")
    header, stored, verdicts = f"Bearer {text}", BearerToken.objects.filter(pk=token.pk), []
    verdicts.append(assert_same(header))
    stored.update(expires_at=ends)
    for by in (-SECOND, timedelta(0), SECOND):
        with travel(ends + by, tick=False):
            verdicts.append(assert_same(header))
    stored.update(expires_at=None)
    for enabled in (False, True):
        Connection.objects.filter(pk=connection.pk).update(enabled=enabled)
        verdicts.append(assert_same(header))
    revoke_token(actor=ADMIN, connection=connection, token_id=token.pk)
    verdicts.append(assert_same(header))
    assert verdicts == [True, True, False, False, False, True, False]


@pytest.mark.parametrize("header", ["", "Basic eDp5", "Bearer", "Bearer a b"])
def test_a_header_without_a_bearer_token_costs_no_statement(
    db: None, header: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert opened_by(header) is None


def test_all_that_a_request_needs_to_know_of_its_sender_is_one_statement(
    okta: Scim, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    okta.get("/Schemas")
    with django_assert_num_queries(1):
        token = opened_by(f"Bearer {okta.token}")
        assert token is not None
        token.note_use()
        assert token.connection.uid_attribute
        assert token.connection.customer_id == okta.connection.customer_id


def test_the_client_of_a_token_request_is_what_the_orm_finds(
    okta: Scim, other: Scim, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    theirs = OAuthClient.objects.select_related("connection").get(connection=okta.connection)
    with django_assert_num_queries(1):
        ours = client_by_id(theirs.client_id)
        assert ours is not None
        assert (vars_of(ours), vars_of(ours.connection)) == (vars_of(theirs), vars_of(theirs.connection))
    assert [client_by_id(wrong) for wrong in ("", "\0", theirs.client_id.upper() + "x", f"{theirs.client_id}\0")] == [
        None
    ] * 4
    assert lock_if_enabled(theirs.connection_id)
    Connection.objects.filter(pk=theirs.connection_id).update(enabled=False)
    assert not lock_if_enabled(theirs.connection_id)
