"""A peer that we did not write: pysaml2 as IdP, on another site than the service, in Chromium.

The service is on ``localhost`` and the IdP on ``127.0.0.1``: cookies are those of two sites, as between a customer's IdP and us.
"""

from datetime import timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Request, expect
from saml2 import BINDING_HTTP_POST
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NAMEID_FORMAT_TRANSIENT
from saml2.sigver import TRIPLE_DES_CBC
from saml2.xml.schema import validate

from core_identity.values import Person
from tests.peers.conftest import (
    POST_A_FORM,
    Setups,
    expect_in,
    expect_refused,
    introduce,
    metadata_of,
    sign_in,
    user_of,
)
from tests.support.okta import Okta
from tests.support.pysaml2_idp import Manner, Pysaml2Idp, running_pysaml2
from tests.support.service import Service

CONNECTIONS: Final[dict[str, dict[str, Any]]] = {
    "by-default": {},
    "by-assertion": {"saml": {"signed": "assertion"}},
    "by-response": {"saml": {"signed": "response"}},
    "by-dashboard": {"saml": {"idp_initiated": True}},
    "by-encryption": {"saml": {"want_encrypted": True, "sign_requests": True}},
    "by-oid": {
        "uid": {"attribute": "urn:oid:0.9.2342.19200300.100.1.1"},
        "saml": {
            "attributes": {
                "first_name": "urn:oid:2.5.4.42",
                "last_name": "urn:oid:2.5.4.4",
                "email": "urn:oid:0.9.2342.19200300.100.1.3",
                "title": "urn:oid:2.5.4.12",
                "groups": "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
            }
        },
    },
}
"""Connections with the same IdP, and what is special about each."""


@pytest.fixture(scope="module")
def setups(service: Service, module_idp: Pysaml2Idp) -> Setups:
    """The setups of the customers' administrators, by slug. The service has read the IdP's metadata, and the IdP the service's."""
    return introduce(service, module_idp, CONNECTIONS)


# What each says of itself


def test_pysaml2_understands_our_metadata_by_the_schema_and_by_its_store(
    service: Service, idp: Pysaml2Idp, setups: Setups
) -> None:
    ours = setups["by-default"]
    validate(metadata_of(service, ours))
    store = idp.saml.metadata
    assert [one["location"] for one in store.assertion_consumer_service(ours["entity_id"], BINDING_HTTP_POST)] == [
        ours["acs_url"]
    ]
    (role,) = store[ours["entity_id"]]["spsso_descriptor"]
    assert (role["want_assertions_signed"], role["authn_requests_signed"]) == ("true", "false")


# Encrypted to the certificate that pysaml2 has read in our metadata

AES: Final = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"


@pytest.mark.browser
def test_an_encrypted_assertion_is_read_and_one_that_is_not_is_refused_where_that_is_demanded(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page
) -> None:
    idp.manner = Manner(encryption=AES)
    sign_in(page, setups["by-encryption"])
    expect_in(page)
    page.context.clear_cookies()
    idp.manner = Manner()
    sign_in(page, setups["by-encryption"])
    expect_refused(page, "not_encrypted")


@pytest.mark.browser
def test_3DES_which_is_what_pysaml2_encrypts_with_by_default_is_refused(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page
) -> None:
    idp.manner = Manner(encryption=TRIPLE_DES_CBC)
    sign_in(page, setups["by-encryption"])
    expect_refused(page, "algorithm")


# The way in


@pytest.mark.browser
def test_a_person_signs_in_by_pysaml2_and_sees_her_page_with_her_roles(
    service: Service, setups: Setups, jane: Person, page: Page
) -> None:
    page.goto("/sign-in?connection=by-default")
    page.get_by_role("button", name="Jane Doe").click()
    expect_in(page)
    assert page.url == f"{service.url}/me"
    expect(page.get_by_text(str(jane.email)).first).to_be_visible()
    for role in ("Editors", "Viewers"):
        expect(page.get_by_role("rowheader", name=role)).to_be_visible()
    found = user_of(service, "by-default", jane)
    assert [identity["uid"] for identity in found["identities"]] == [jane.uid]


@pytest.mark.browser
def test_the_answer_comes_from_another_site_and_brings_no_session(setups: Setups, jane: Person, page: Page) -> None:
    sign_in(page, setups["by-default"])
    expect_in(page)
    posted: list[Request] = []
    page.on(
        "request", lambda request: posted.append(request) if request.url == setups["by-default"]["acs_url"] else None
    )
    sign_in(page, setups["by-default"])
    expect_in(page)
    (request,) = posted
    headers = request.all_headers()
    assert headers["sec-fetch-site"] == "cross-site"
    names = {cookie.partition("=")[0].strip() for cookie in headers["cookie"].split(";")}
    assert "__Host-sign-in" in names
    assert "session" not in names
    assert "session" in {cookie["name"] for cookie in page.context.cookies()}


@pytest.mark.browser
@pytest.mark.parametrize("first", ["sso", "scim"])
def test_a_push_before_or_after_a_sign_in_leads_to_one_user(
    service: Service, setups: Setups, jane: Person, page: Page, first: str
) -> None:
    okta = Okta(setups["by-default"])
    if first == "scim":
        okta.push(jane)
    sign_in(page, setups["by-default"])
    expect_in(page)
    pushed = okta.push(jane)
    sign_in(page, setups["by-default"])
    expect_in(page)
    found = user_of(service, "by-default", jane)
    assert [(identity["uid"], identity["scim_id"]) for identity in found["identities"]] == [(jane.uid, pushed["id"])]
    assert [event["kind"] for event in found["events"]].count("user.created") == 1


@pytest.mark.browser
@pytest.mark.parametrize(
    "name_id_format",
    [NAMEID_FORMAT_EMAILADDRESS, NAMEID_FORMAT_TRANSIENT],
    ids=["emailAddress", "transient"],
)
def test_every_form_of_her_NameID_leads_to_one_user(
    service: Service, idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, name_id_format: str
) -> None:
    idp.manner = Manner(name_id_format=name_id_format)
    for _ in range(2):
        sign_in(page, setups["by-default"])
        expect_in(page)
    found = user_of(service, "by-default", jane)
    assert len(found["identities"]) == 1
    assert [event["kind"] for event in found["events"]].count("user.created") == 1


@pytest.mark.browser
def test_attributes_may_be_named_by_the_OIDs_of_the_X500_profile(
    service: Service, idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page
) -> None:
    idp.manner = Manner(names_by_oid=True)
    sign_in(page, setups["by-oid"])
    expect_in(page)
    expect(page.get_by_role("rowheader", name="Editors")).to_be_visible()
    found = user_of(service, "by-oid", jane)
    assert [identity["uid"] for identity in found["identities"]] == [jane.uid]


@pytest.mark.browser
@pytest.mark.parametrize("relay_state", [None, "https://evil.test/"])
def test_she_lands_where_she_wanted_to_go_whatever_the_IdP_makes_of_the_RelayState(
    service: Service, idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, relay_state: str | None
) -> None:
    idp.manner = Manner(relay_state=relay_state)
    sign_in(page, setups["by-default"], going_on="?next=/me%3Fwanted%3Dthis")
    expect_in(page)
    assert page.url == f"{service.url}/me?wanted=this"


# What is signed


@pytest.mark.browser
@pytest.mark.parametrize(
    ("slug", "response", "assertion", "refused"),
    [
        ("by-default", True, True, None),
        ("by-default", False, True, "not_signed"),
        ("by-assertion", False, True, None),
        ("by-response", True, False, None),
        ("by-response", False, True, "not_signed"),
    ],
)
def test_both_must_be_signed_unless_the_connection_demands_one_of_them(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, slug: str, response: bool, assertion: bool, refused: str | None
) -> None:  # fmt: skip
    idp.manner = Manner(sign_response=response, sign_assertion=assertion)
    sign_in(page, setups[slug])
    if refused:
        expect_refused(page, refused)
    else:
        expect_in(page)


@pytest.mark.browser
def test_SHA_1_which_is_what_pysaml2_signs_with_by_default_is_refused(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page
) -> None:
    idp.manner = Manner(signature=None, digest=None)
    sign_in(page, setups["by-default"])
    expect_refused(page, "algorithm")


@pytest.mark.browser
def test_a_new_key_of_the_IdP_is_foreign_until_its_metadata_is_applied(
    service: Service, tmp_path_factory: pytest.TempPathFactory, jane: Person, page: Page
) -> None:
    with running_pysaml2(tmp_path_factory.mktemp("rollover")) as idp:
        idp.people = (jane,)
        rollover = introduce(service, idp, {"rollover": {}})["rollover"]
        idp.change_key()
        sign_in(page, rollover)
        expect_refused(page, "signature")
        introduce(service, idp, {"rollover": {}})
        sign_in(page, rollover)
        expect_in(page)


# What is claimed


@pytest.mark.browser
@pytest.mark.parametrize(
    ("ahead", "refused"),
    [
        (timedelta(minutes=-20), "too_late"),
        (timedelta(minutes=1), None),
    ],
    ids=["far behind", "ahead"],
)
def test_clocks_may_disagree_a_little(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, ahead: timedelta, refused: str | None
) -> None:
    idp.manner = Manner(clock=ahead)
    sign_in(page, setups["by-default"])
    if refused:
        expect_refused(page, refused)
    else:
        expect_in(page)


@pytest.mark.browser
def test_an_assertion_for_another_service_is_refused(idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page) -> None:
    idp.manner = Manner(audience=setups["by-assertion"]["entity_id"])
    sign_in(page, setups["by-default"])
    expect_refused(page, "audience")


@pytest.mark.browser
def test_a_person_who_is_refused_by_the_IdP_gets_an_explanation(setups: Setups, jane: Person, page: Page) -> None:
    sign_in(page, setups["by-default"], "Nobody")
    expect(page.get_by_text("Your identity provider did not sign you in.")).to_be_visible()
    expect_refused(page, "status")


@pytest.mark.browser
def test_the_same_answer_posted_again_opens_nothing(idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page) -> None:
    with page.expect_request(setups["by-default"]["acs_url"]) as posted:
        sign_in(page, setups["by-default"])
    expect_in(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out of CORE.")).to_be_visible()
    page.goto(f"{idp.url}/dashboard")
    page.evaluate(POST_A_FORM, [setups["by-default"]["acs_url"], posted.value.post_data_json])
    expect_refused(page, "replay")


# Begun at the IdP


@pytest.mark.browser
def test_a_sign_in_that_begins_at_the_IdP_is_refused_by_default(
    idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page
) -> None:
    page.goto(f"{idp.url}/dashboard?sp={setups['by-default']['entity_id']}")
    page.get_by_role("button", name="Jane Doe").click()
    expect_refused(page, "unsolicited")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("relay_state", "lands"), [("", "/me"), ("/me?from=tile", "/me?from=tile"), ("https://evil.test/", "/me")]
)
def test_an_allowed_tile_sign_in_lands_on_a_page_of_ours(
    service: Service, idp: Pysaml2Idp, setups: Setups, jane: Person, page: Page, relay_state: str, lands: str
) -> None:
    idp.manner = Manner(relay_state=relay_state)
    page.goto(f"{idp.url}/dashboard?sp={setups['by-dashboard']['entity_id']}")
    page.get_by_role("button", name="Jane Doe").click()
    expect_in(page)
    assert page.url == f"{service.url}{lands}"
