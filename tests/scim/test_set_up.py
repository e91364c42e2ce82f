"""Only requests whose token is valid for the connection tick a step of its set-up, and no tick needs the log (R37)."""

import pytest
from django.conf import LazySettings

from core_identity.models import Connection
from core_identity.set_up import Step, Vendor, steps_of
from scim.models import BearerToken, OAuthClient, ProvisioningRecord
from scim.oauth.bearer_tokens import make_token, revoke_token
from tests.scim.conftest import Scim
from tests.support.cast import COMMAND


def step(connection: Connection, name: str = "test_call") -> Step:
    return next(step for step in steps_of(Connection.objects.get(pk=connection.pk), Vendor.OKTA) if step.name == name)


def test_a_request_with_a_valid_token_ticks_its_steps_and_a_stranger_s_ticks_nothing_R37(
    okta: Scim, connection: Connection
) -> None:
    assert Scim(connection, "nonsense").get("/Users").status_code == 401
    assert not step(connection).done
    assert not step(connection, "consent").done
    assert okta.get("/Users").status_code == 200
    assert step(connection).done
    assert step(connection, "consent").done
    assert step(connection).facts == ("It looked for people, as Okta and Entra do to test a connection.",)


def test_a_tick_stays_when_the_provisioning_log_is_emptied_R37(okta: Scim, connection: Connection) -> None:
    okta.get("/Users")
    ProvisioningRecord.objects.all().delete()
    assert Scim(connection, "nonsense").get("/Users").status_code == 401
    shown = step(connection)
    assert shown.done
    assert shown.seen_at == OAuthClient.objects.get().last_used_at
    assert shown.facts == ("A request with a valid token arrived. The log no longer contains its answer.",)
    assert step(connection, "consent").done


@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_token_ticks_its_steps_while_the_log_is_off_and_after_its_end_R37(
    is_revoked: bool, connection: Connection, settings: LazySettings
) -> None:
    settings.PROVISIONING_LOG_DAYS = 0
    token, text = make_token(actor=COMMAND, connection=connection, name="entra")
    assert not step(connection).done
    assert Scim(connection, text).get("/Users").status_code == 200
    if is_revoked:
        revoke_token(actor=COMMAND, connection=connection, token_id=token.pk)
    assert not ProvisioningRecord.objects.exists()
    assert step(connection).seen_at == BearerToken.objects.get().last_used_at


def test_a_request_that_was_refused_ticks_nothing_while_the_log_contains_it_R37(
    okta: Scim, connection: Connection
) -> None:
    assert okta.get("/Users", filter="userName zz").status_code == 400
    assert not step(connection).done
    assert step(connection).facts == ("The last request was GET Users and was answered with 400.",)


def test_a_refused_request_after_a_year_of_work_takes_no_tick_back_R37(okta: Scim, connection: Connection) -> None:
    okta.make()
    ProvisioningRecord.objects.all().delete()
    assert okta.get("/Users", filter="userName zz").status_code == 400
    shown = step(connection)
    assert shown.done
    assert shown.facts == ("The last request was GET Users and was answered with 400.",)
