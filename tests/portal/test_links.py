"""The life of a set-up link: the browser that opens it, and its end (R38)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core_identity.errors import NotAllowed
from core_identity.models import Connection, Event, SetupLink, User
from core_identity.portal.links import COOKIE, LINK_LASTS, make_link, revoke_link
from core_identity.services.connections import change_connection, switch_off
from core_identity.services.expiry import expire
from core_identity.services.users import change_user
from tests.portal.conftest import HOST, Customer, link_to
from tests.support.cast import COMMAND, make_connection
from tests.support.clock import travel


def test_a_mail_scanner_that_opens_the_link_binds_nothing(globex: Connection, boss: User) -> None:
    customer, scanner = link_to(globex, boss), Client(headers={"host": HOST})
    before, events = SetupLink.objects.values().get(), Event.objects.count()
    for _ in range(3):
        assert scanner.get(f"/set-up/open/{customer.secret}").status_code == 200
        assert scanner.head(f"/set-up/open/{customer.secret}").status_code == 200
    assert (SetupLink.objects.values().get(), Event.objects.count()) == (before, events)
    assert COOKIE not in scanner.cookies
    assert scanner.get("/set-up").status_code == 404
    assert customer.open().status_code == 302


def test_only_a_browser_with_the_open_link_is_led_to_the_steps(customer: Customer) -> None:
    assert 'class="core-brand" href="/set-up"' in customer.get().content.decode()
    other = Customer(customer.secret)
    left = customer.post("/leave")
    began = customer.http.get(f"/set-up/open/{customer.secret}")
    assert customer.open().status_code == 302
    elsewhere = other.http.get(f"/set-up/open/{customer.secret}")
    for answer in (left, began, elsewhere, other.get()):
        page = answer.content.decode()
        assert '<span class="core-brand">' in page
        assert 'href="/set-up"' not in page


def test_the_link_is_open_in_one_browser_until_it_is_left_or_idle(customer: Customer) -> None:
    other = Customer(customer.secret)
    assert other.http.get(f"/set-up/open/{customer.secret}").status_code == 403
    assert other.open().status_code == 403
    assert other.get().status_code == 404
    assert customer.get().status_code == 200, "the first browser keeps it"
    assert customer.open().status_code == 302, "and may open it again"

    assert customer.post("/leave").status_code == 200
    assert customer.get().status_code == 404
    assert other.open().status_code == 302
    with travel(timezone.now() + timedelta(hours=3)):
        assert other.get().status_code == 404
        assert customer.open().status_code == 302
        assert customer.get().status_code == 200
    openings = [event.changes["openings"][1] for event in Event.objects.filter(kind="setup_link.opened").order_by("id")]
    assert openings == [1, 2, 3, 4]


def test_an_open_page_that_renews_itself_does_not_keep_the_link(customer: Customer) -> None:
    with travel(timezone.now() + timedelta(minutes=90)):
        assert customer.get("/steps").status_code == 200
    with travel(timezone.now() + timedelta(minutes=121)):
        assert customer.get("/steps").status_code == 404
    with travel(timezone.now() + timedelta(minutes=90)):
        assert customer.get().status_code == 200
    with travel(timezone.now() + timedelta(minutes=121)):
        assert customer.get("/steps").status_code == 200


def test_every_end_of_a_link_closes_all_of_its_pages_with_the_same_answer(globex: Connection, boss: User) -> None:
    def by_age() -> timedelta:
        return LINK_LASTS + timedelta(minutes=1)

    def by_revocation() -> None:
        revoke_link(actor=COMMAND, connection=globex, link_id=SetupLink.objects.latest("id").pk)

    def by_a_new_link() -> None:
        make_link(actor=COMMAND, connection=globex, created_by=boss)

    def by_our_own_idp() -> None:
        change_connection(actor=COMMAND, connection_id=globex.pk, own_idp=True)

    def by_no_own_idp() -> None:
        change_connection(actor=COMMAND, connection_id=globex.pk, own_idp=False)

    def by_demotion() -> None:
        change_user(actor=COMMAND, user_id=boss.pk, is_superuser=False)

    def by_promotion() -> None:
        change_user(actor=COMMAND, user_id=boss.pk, is_superuser=True)

    def by_the_switch() -> None:
        switch_off(actor=COMMAND, connection_id=globex.pk, reason="test")

    for end, undo in (
        (by_age, None),
        (by_revocation, None),
        (by_a_new_link, None),
        (by_our_own_idp, by_no_own_idp),
        (by_demotion, by_promotion),
        (by_the_switch, None),
    ):
        customer = link_to(globex, boss)
        assert customer.open().status_code == 302
        assert customer.get().status_code == 200
        later = end() or timedelta(0)
        with travel(timezone.now() + later):
            for page in ("", "/steps", "/metadata", "/test", "/tested", "/credentials"):
                assert customer.get(page).status_code == 404, (end.__name__, page)
            for page in ("/metadata", "/test", "/credentials", "/finish", "/leave"):
                assert customer.post(page, make_token="1", name="x").status_code == 404, (end.__name__, page)
            again = Customer(customer.secret)
            assert again.http.get(f"/set-up/open/{customer.secret}").status_code == 404, end.__name__
            assert again.open().status_code == 404, end.__name__
            assert "Ask for a new set-up link" in again.open().content.decode()
        if undo is not None:
            undo()


def test_a_link_ends_with_the_account_of_its_maker(customer: Customer, boss: User) -> None:
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    assert customer.get().status_code == 404


def test_our_own_idp_and_a_connection_that_is_off_get_no_link(boss: User) -> None:
    own = make_connection("own", customer="Core")
    change_connection(actor=COMMAND, connection_id=own.pk, own_idp=True)
    off = make_connection("off", customer="Off")
    switch_off(actor=COMMAND, connection_id=off.pk, reason="test")
    for connection in (own, off):
        with pytest.raises(NotAllowed):
            make_link(actor=COMMAND, connection=connection, created_by=boss)
    assert not SetupLink.objects.exists()


def test_no_secret_of_a_link_or_a_browser_is_stored(customer: Customer) -> None:
    stored = str([*SetupLink.objects.values(), *Event.objects.values()])
    assert customer.secret not in stored
    assert customer.http.cookies[COOKIE].value not in stored
    cookie = customer.http.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_no_page_is_indexed_kept_or_named_to_another_site(customer: Customer) -> None:
    answers = [customer.http.get(f"/set-up/open/{customer.secret}"), customer.http.get("/set-up/open/unknown")]
    answers += [customer.get(page) for page in ("", "/steps", "/metadata", "/credentials", "/tested")]
    answers += [customer.post("/finish"), customer.open(), Customer("x").get()]
    for answer in answers:
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert "no-store" in answer["Cache-Control"]


def test_a_form_of_another_site_does_nothing(customer: Customer) -> None:
    customer.http.handler.enforce_csrf_checks = True
    for page in ("/finish", "/leave", "/metadata", "/test", "/credentials"):
        assert customer.post(page, make_token="1", name="x").status_code == 403
    assert customer.open().status_code == 403
    assert Event.objects.filter(actor_kind="setup_link").values_list("kind", flat=True).get() == "setup_link.opened"


def test_a_signed_in_user_may_open_a_set_up_link_and_signing_out_does_not_end_it(
    customer: Customer, boss: User
) -> None:
    customer.http.force_login(boss)
    assert customer.get().status_code == 200
    customer.http.post("/sign-out")
    assert customer.get().status_code == 200


def test_one_link_writes_a_bounded_number_of_events(customer: Customer) -> None:
    accepted = 0
    while (answer := customer.post("/finish")).status_code == 302:
        accepted += 1
        assert accepted < 600, "a new minute begins with a whole new budget"
    assert answer.status_code == 429
    assert accepted >= 60
    assert Event.objects.filter(kind="setup_link.finished").count() == 1
