"""Tokens, codes, secrets and links on a node whose own clock is ten minutes wrong: the clock of the database decides."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from oauth2_provider.models import get_access_token_model, get_grant_model

from core_identity.clock import database_now
from core_identity.models import Connection, SetupLink
from core_identity.portal.links import link_of, make_link
from scim.models import BearerToken, ClientSecret, OAuthClient
from scim.oauth.bearer_tokens import make_token
from scim.oauth.client_secrets import live_secrets, rotate_secret
from scim.oauth.revocation import has_ended
from tests.scim.conftest import Scim, secrets_of, token_of
from tests.support.cast import ADMIN
from tests.support.clock import node_clock_off

FAST, SLOW = timedelta(minutes=10), timedelta(minutes=-10)


@pytest.mark.parametrize(("node", "ends_in", "good"), [(FAST, 5, True), (SLOW, -5, False)], ids=["fast", "slow"])
def test_the_clock_of_a_node_neither_ends_nor_prolongs_anything(
    okta: Scim, connection: Connection, admin_user: Any, node: timedelta, ends_in: int, good: bool
) -> None:
    client = OAuthClient.objects.get(connection=connection)
    lasting = Scim(connection, make_token(actor=ADMIN, connection=connection, name="lasting")[1])
    rotate_secret(actor=ADMIN, connection=connection, former_lasts=timedelta(days=1))
    link = make_link(actor=ADMIN, connection=connection, created_by=admin_user)
    end = database_now() + timedelta(minutes=ends_in)
    get_access_token_model().objects.update(expires=end)
    BearerToken.objects.update(expires_at=end)
    ClientSecret.objects.filter(ends_at__isnull=False).update(ends_at=end)
    SetupLink.objects.update(expires_at=end)
    code = get_grant_model()(expires=end)
    with node_clock_off(node):
        if good:
            call_command("housekeeping")
        assert (okta.get("/Users").status_code == 200) is good
        assert (lasting.get("/Users").status_code == 200) is good
        assert len(live_secrets(client, now=database_now())) == (2 if good else 1)
        assert (link_of(link) is not None) is good
        assert code.is_expired() is not good
        assert code.is_expired.__func__ is has_ended


def test_a_node_with_a_wrong_clock_gives_tokens_of_the_right_length(connection: Connection) -> None:
    secrets = secrets_of(connection)
    with node_clock_off(FAST):
        token_of(secrets)
    expires = get_access_token_model().objects.get().expires
    assert abs(expires - database_now() - timedelta(hours=1)) < timedelta(minutes=1)
