"""The statements of a sign-in write what the models would, and take each step once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import CharField, Exists, OuterRef, UUIDField
from django.utils import timezone

from core_identity.compiled import Compiled, Given
from core_identity.models import Connection, Grant, Identity
from core_identity.services.roles import create_role
from sso.models import SIGN_IN_LASTS, SignInState, SsoSession, UsedAssertion
from sso.sign_in import progress
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, by_sso

JANE_BY_SSO = by_sso(JANE)
KEPT = timedelta(days=1)


def row(one: Any, *but: str) -> dict[str, Any]:
    return {
        field.attname: getattr(one, field.attname)
        for field in one._meta.concrete_fields
        if field.attname not in {"id", *but}
    }


def state(acme: Connection, **fields: Any) -> SignInState:
    return SignInState.objects.create(
        connection=acme, **{"browser_hash": "b", "expires_at": timezone.now() + SIGN_IN_LASTS, **fields}
    )


def used(acme: Connection, message_id: str, one: SignInState) -> Any:
    return progress.run(progress.USE_UP, connection=acme.pk, message_id=message_id, kept=KEPT, state=one.pk)


def test_a_departure_and_both_arrivals_are_rows_as_the_model_makes_them(browser: Browser, acme: Connection) -> None:
    browser.sign_in(JANE_BY_SSO)
    [identity] = Identity.objects.all()
    browser.leave(next="/me?x=1")
    departed = SignInState.objects.latest("id")
    same = SignInState(connection=acme, next_path="/me?x=1")
    mine = ("request_id", "browser_hash", "expires_at")
    assert row(departed, *mine) == row(same, *mine)
    arrival = {
        "ticket_hash": "t", "identity": identity.pk, "session_until": None, "name_id": "n", "name_id_format": "f", "session_index": "s"
    }  # fmt: skip
    progress.run(progress.ARRIVE, state=departed.pk, **arrival)
    departed.refresh_from_db()
    same = SignInState(
        connection=acme, next_path="/me?x=1", ticket_hash="t", identity=identity, name_id="n", name_id_format="f", session_index="s"
    )  # fmt: skip
    assert row(departed, *mine) == row(same, *mine)
    progress.run(
        progress.ARRIVE_UNASKED, connection=acme.pk, browser_hash="b", next_path="/me?x=1", lasts=SIGN_IN_LASTS,
        **{**arrival, "ticket_hash": "u"},
    )  # fmt: skip
    unasked = SignInState.objects.get(ticket_hash="u")
    same.ticket_hash, same.browser_hash = "u", "b"
    assert row(unasked, "expires_at", "used_at") == row(same, "expires_at", "used_at")
    assert unasked.used_at is not None
    assert unasked.expires_at - unasked.used_at == SIGN_IN_LASTS


def test_a_message_and_its_request_are_used_up_together_or_neither(acme: Connection) -> None:
    first, second = state(acme, request_id="_1"), state(acme, request_id="_2")
    closed, late = (
        state(acme, request_id="_3", used_at=timezone.now()),
        state(acme, request_id="_4", expires_at=timezone.now() - timedelta(seconds=1)),
    )
    assert used(acme, "_a", first) == (True, True)
    assert used(acme, "_a", first) == (False, False)
    assert used(acme, "_a", second) == (False, True), "another request stays open for its own answer"
    for one in (closed, late):
        assert used(acme, "_b", one) == (False, False)
    assert [one.assertion_id for one in UsedAssertion.objects.all()] == ["_a"]
    assert set(SignInState.objects.filter(used_at=None).values_list("request_id", flat=True)) == {"_2", "_4"}
    assert used(acme, "_b", second) == (True, True)


def test_the_last_step_is_taken_once(acme: Connection) -> None:
    one = state(acme)
    assert [progress.run(progress.FINISH, state=one.pk) for _ in range(2)] == [(True,), None]


@pytest.mark.parametrize("model", [SignInState, UsedAssertion, SsoSession])
def test_each_step_deletes_some_rows_that_have_had_their_time(browser: Browser, acme: Connection, model: Any) -> None:
    browser.sign_in(JANE_BY_SSO)
    [identity] = Identity.objects.all()
    before, after = timezone.now() - timedelta(minutes=1), timezone.now() + timedelta(minutes=1)
    for end, number in ((before, progress.PURGED_AT_ONCE + 5), (after, 5)):
        makers: dict[Any, Any] = {
            SignInState: lambda n, end=end: SignInState(connection=acme, browser_hash="b", expires_at=end),
            UsedAssertion: lambda n, end=end: UsedAssertion(connection=acme, assertion_id=f"_{n} {end}", until=end),
            SsoSession: lambda n, end=end: SsoSession(
                connection=acme, identity=identity, session_key=f"{n} {end}"[:40], name_id="n", until=end
            ),
        }
        model.objects.bulk_create([makers[model](number) for number in range(number)])
    old = model.objects.filter(**{f"{'expires_at' if model is SignInState else 'until'}__lt": timezone.now()})
    assert old.count() == progress.PURGED_AT_ONCE + 5
    browser.sign_in(JANE_BY_SSO)
    assert old.count() == 5
    assert model.objects.count() > 5 + old.count(), "what still counts stays"


def test_a_compiled_query_returns_what_its_queryset_does(browser: Browser, acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    browser.sign_in(by_sso(JANE, groups=("Editors",)))

    def people(connection: Any, email: Any) -> Any:
        return (
            Identity.objects.select_related("user__expired_connection", "connection")
            .filter(connection=connection, email=email)
            .annotate(has_role=Exists(Grant.objects.filter(user=OuterRef("user"))))
        )

    compiled: Compiled[Identity] = Compiled(
        lambda: people(Given("connection", UUIDField()), Given("email", CharField()))
    )
    [expected] = people(acme, JANE.email)
    for _ in range(2):
        [found] = compiled.rows(connection=acme.pk, email=JANE.email)
        assert row(found) == row(expected)
        assert (row(found.user), row(found.connection)) == (row(expected.user), row(expected.connection))
        assert found.user.expired_connection is None
        assert found.has_role is True  # type: ignore[attr-defined]
        assert not found._state.adding
    assert compiled.first(connection=acme.pk, email="nobody@acme.test") is None
