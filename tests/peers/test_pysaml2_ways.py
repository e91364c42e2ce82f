"""The ways between two sites in Chromium: both bindings, logout by either side, two IdPs at once, two nodes, a rollover."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.samlp import STATUS_SUCCESS

from core_identity.values import Person
from tests.peers.conftest import POST_A_FORM, Setups, expect_in, expect_refused, introduce, sign_in
from tests.support.load_balancer import LoadBalancer, running_nodes
from tests.support.pysaml2_idp import Heard, Manner, Pysaml2Idp, running_pysaml2
from tests.support.service import Service

AES: Final = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
CONNECTIONS: Final[dict[str, dict[str, Any]]] = {
    "ways-post": {"saml": {"sign_requests": True, "sso_binding": "post"}},
    "ways-redirect": {"saml": {"sign_requests": True, "slo_binding": "redirect"}},
}
BINDINGS: Final = {"ways-post": BINDING_HTTP_POST, "ways-redirect": BINDING_HTTP_REDIRECT}


@pytest.fixture(scope="module")
def setups(service: Service, module_idp: Pysaml2Idp) -> Setups:
    module_idp.want_signed = True
    return introduce(service, module_idp, CONNECTIONS)


@pytest.fixture(scope="module")
def other_idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with running_pysaml2(tmp_path_factory.mktemp("other")) as idp:
        yield idp


def expect_out(page: Page) -> None:
    page.goto("/me")
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()


def connection_of(page: Page) -> str:
    """Return by which connection the browser is signed in now."""
    answer = page.context.request.get("/me", headers={"Accept": "application/json"})
    return str(json.loads(answer.text())["connection"])


# The way in


@pytest.mark.browser
@pytest.mark.parametrize(
    ("slug", "encryption"), [("ways-post", None), ("ways-redirect", AES)], ids=["readable", "encrypted"]
)
def test_a_signed_request_of_either_binding_is_understood_and_answered(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, slug: str, encryption: str | None
) -> None:
    """pysaml2 verifies our signature by our metadata, and refuses a request without one here."""
    idp.manner = Manner(encryption=encryption)
    with page.expect_request(lambda request: request.url.startswith(f"{idp.url}/sso")) as sign_in_request:
        sign_in(page, setups[slug], going_on="?next=/me%3Fwanted%3Dthis")
    expect_in(page)
    assert sign_in_request.value.method == ("POST" if slug == "ways-post" else "GET")
    assert page.url.endswith("/me?wanted=this")


@pytest.mark.browser
def test_without_scripts_the_buttons_continue_the_sign_in(
    chromium: Browser, service: Service, setups: Setups, jane: Person
) -> None:
    context = chromium.new_context(base_url=service.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(setups["ways-post"]["login_url"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Jane Doe").click()
    page.get_by_role("button").click()  # pysaml2's
    expect_in(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign out at Acme Studios").click()
    page.get_by_role("button").click()
    expect(page.get_by_text("has ended too.")).to_be_visible()
    context.close()


# The way out


@pytest.mark.browser
@pytest.mark.parametrize(
    ("slug", "answers_by"),
    [("ways-post", BINDING_HTTP_POST), ("ways-redirect", BINDING_HTTP_REDIRECT)],
    ids=["POST", "Redirect"],
)
def test_signing_out_here_signs_out_there_and_the_answer_comes_back(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, slug: str, answers_by: str
) -> None:
    idp.manner = Manner(logout_binding=answers_by)
    sign_in(page, setups[slug])
    expect_in(page)
    name_id, index = idp.known_as[setups[slug]["entity_id"]]
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("Your session at Acme Studios has ended too.")).to_be_visible()
    assert idp.heard == [Heard("LogoutRequest", BINDINGS[slug], name_id.text, index)]
    expect_out(page)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("slug", "asks_by"),
    [("ways-redirect", BINDING_HTTP_POST), ("ways-post", BINDING_HTTP_REDIRECT)],
    ids=["POST", "Redirect"],
)
def test_signing_out_there_ends_that_session_here_and_is_confirmed(
    chromium: Browser,
    service: Service,
    idp: Pysaml2Idp,
    setups: Setups,
    jane: Person,
    page: Page,
    slug: str,
    asks_by: str,
) -> None:
    idp.manner = Manner(logout_binding=asks_by)
    elsewhere = chromium.new_context(base_url=service.url)
    at_home = elsewhere.new_page()
    sign_in(at_home, setups[slug])
    expect_in(at_home)
    sign_in(page, setups[slug])
    expect_in(page)
    page.goto(f"{idp.url}/leave?sp={setups[slug]['entity_id']}")
    expect(page.get_by_role("heading", name="You are signed out everywhere")).to_be_visible()
    assert idp.heard == [Heard("LogoutResponse", BINDINGS[slug], STATUS_SUCCESS)]
    expect_out(page)
    at_home.goto("/me")
    expect_in(at_home)
    elsewhere.close()


# Two IdPs in one browser


@pytest.fixture(scope="module")
def others(service: Service, setups: Setups, other_idp: Pysaml2Idp) -> Setups:
    """``ways-other`` trusts another IdP than all other connections."""
    return setups | introduce(service, other_idp, {"ways-other": {}})


@pytest.mark.browser
def test_in_two_tabs_at_two_IdPs_each_ends_where_it_began(
    idp: Pysaml2Idp, other_idp: Pysaml2Idp, others: Setups, jane: Person, page: Page
) -> None:
    other_idp.people = idp.people
    tab = page.context.new_page()
    page.goto(others["ways-redirect"]["login_url"] + "?next=/me%3Ftab%3D1")
    tab.goto(others["ways-other"]["login_url"] + "?next=/me%3Ftab%3D2")
    tab.get_by_role("button", name="Jane Doe").click()
    expect_in(tab)
    assert (connection_of(tab), tab.url[-6:]) == ("ways-other", "?tab=2")
    page.get_by_role("button", name="Jane Doe").click()
    expect_in(page)
    assert (connection_of(page), page.url[-6:]) == ("ways-redirect", "?tab=1")


@pytest.mark.browser
def test_an_answer_that_is_brought_to_the_other_connection_opens_nothing(
    idp: Pysaml2Idp, other_idp: Pysaml2Idp, others: Setups, jane: Person, page: Page
) -> None:
    """Mix-up: both begun in this browser, so its cookie is good for both; the answers are crossed."""
    other_idp.people = idp.people
    ours, theirs = others["ways-redirect"], others["ways-other"]
    tab = page.context.new_page()
    mine, wrong = held_back(page, ours), held_back(tab, theirs)
    for one, there, answer in ((page, theirs, mine), (tab, ours, wrong)):
        one.evaluate(POST_A_FORM, [there["acs_url"], answer])
        expect_refused(one, "no_request")


@pytest.mark.browser
def test_an_IdP_that_answers_the_request_to_another_opens_nothing(
    idp: Pysaml2Idp, other_idp: Pysaml2Idp, others: Setups, jane: Person, page: Page
) -> None:
    """A customer's IdP that has learnt of a request to another one signs an answer to it, for either address."""
    ours, theirs = others["ways-redirect"], others["ways-other"]
    answer = held_back(page, ours)
    (request_id,) = re.findall(rb'InResponseTo="([^"]+)"', base64.b64decode(answer["SAMLResponse"]))[:1]
    other_idp.meet(page.context.request.get(ours["metadata_url"]).text())
    for there, code in ((ours, "signature"), (theirs, "no_request")):
        forged = other_idp.speak(
            jane, in_response_to=request_id.decode(), destination=there["acs_url"], sp_entity_id=there["entity_id"]
        )
        page.goto(f"{other_idp.url}/dashboard")
        page.evaluate(POST_A_FORM, [there["acs_url"], {"SAMLResponse": forged}])
        expect_refused(page, code)


def held_back(page: Page, setup: dict[str, Any]) -> dict[str, str]:
    """Sign in as far as the IdP's answer, which does not arrive; return its fields. The page is still the IdP's."""
    stopped_forms: list[dict[str, str]] = []

    def hold(route: Route) -> None:
        stopped_forms.append(dict(route.request.post_data_json or {}))
        route.abort()

    page.route(setup["acs_url"], hold)
    page.goto(setup["login_url"])
    with page.expect_event("requestfailed"), suppress(Exception):
        page.get_by_role("button", name="Jane Doe").click()
    page.unroute(setup["acs_url"])
    (fields,) = stopped_forms
    return fields


# Two nodes behind one address


@pytest.fixture(scope="module")
def cluster(service: Service) -> Iterator[LoadBalancer]:
    with running_nodes(service, 2) as balancer:
        yield balancer


@pytest.mark.browser
def test_a_sign_in_continues_on_any_node_and_its_answer_is_used_up_on_all(
    chromium: Browser, cluster: LoadBalancer, module_idp: Pysaml2Idp, idp: Pysaml2Idp, jane: Person
) -> None:
    setup = introduce(cluster.service, idp, {"ways-nodes": {"saml": {"sign_requests": True}}})["ways-nodes"]
    context: BrowserContext = chromium.new_context(base_url=cluster.service.url)
    page = context.new_page()
    cluster.plan = {"/login": 0, "/acs": 1, "/finish": 0, "/me": 1, "/sign-out": 0, "/logout": 1}
    with page.expect_request(setup["acs_url"]) as posted:
        sign_in(page, setup)
    expect_in(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("has ended too.")).to_be_visible()
    for node in (0, 1):
        cluster.plan["/acs"] = node
        page.goto(f"{idp.url}/dashboard")
        page.evaluate(POST_A_FORM, [setup["acs_url"], posted.value.post_data_json])
        expect_refused(page, "replay")
    assert cluster.served == {0, 1}
    context.close()


# A new key of the IdP


@pytest.mark.browser
def test_an_IdP_changes_its_key_without_one_failed_sign_in(
    service: Service, tmp_path_factory: pytest.TempPathFactory, jane: Person, page: Page
) -> None:
    with running_pysaml2(tmp_path_factory.mktemp("rollover")) as idp:
        idp.people = (jane,)
        rollover = introduce(service, idp, {"ways-rollover": {}})["ways-rollover"]
        for step, announced in (
            (idp.announce_next_key, True),
            (idp.sign_with_next_key, False),
            (idp.forget_old_key, True),
        ):
            sign_in(page, rollover)
            expect_in(page)
            step()
            if announced:
                introduce(service, idp, {"ways-rollover": {}})
        sign_in(page, rollover)
        expect_in(page)
