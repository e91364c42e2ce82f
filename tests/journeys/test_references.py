"""One reference goes through all layers: the answer's header, the event, the line of the log (R34)."""

import logging
from dataclasses import replace

import pytest

from core_identity.models import Connection, Event
from tests.scim.conftest import Scim, person, secrets_of, token_of
from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso
from tests.support.saml import TestIdp


def referred(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [vars(record)["reference"] for record in caplog.records if record.name == logger]


@pytest.mark.parametrize("status", [201, 409])
def test_an_accepted_or_refused_push_has_one_reference_R34(
    acme: Connection,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    okta = Scim(acme, token_of(secrets_of(acme)))
    if status != 201:
        okta.make()
    before = Event.objects.latest("pk").pk
    caplog.clear()
    with caplog.at_level(logging.INFO):
        answer = okta.post("/Users", person())
    assert answer.status_code == status
    events = Event.objects.filter(pk__gt=before)
    assert {event.request_id for event in events} == {answer["X-Request-Id"]}
    assert referred(caplog, "scim.requests") == [answer["X-Request-Id"]]


@pytest.mark.parametrize("status", [303, 403])
def test_a_sign_in_let_in_or_refused_has_one_reference_R34(
    acme: Connection,
    idp: TestIdp,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    before = Event.objects.latest("pk").pk
    person = by_sso(JANE) if status == 303 else replace(by_sso(JANE), email=None)
    with caplog.at_level(logging.INFO):
        answer = Browser(idp).come_back(person)
    assert answer.status_code == status
    events = Event.objects.filter(pk__gt=before)
    assert {event.request_id for event in events} == {answer["X-Request-Id"]}
    assert referred(caplog, "sso.sign_ins") == [answer["X-Request-Id"]]


def test_nobody_outside_chooses_the_reference_R34(acme: Connection) -> None:
    okta = Scim(acme, token_of(secrets_of(acme)))
    answer = okta.send("GET", "/Users", **{"X-Request-Id": "CHOSEN"})
    assert answer["X-Request-Id"] not in {"", "CHOSEN"}
