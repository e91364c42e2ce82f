"""Failures of the verifier: a hostile message is refused, our own fault is a 503, and nothing is a 500."""

import base64
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pytest
from django.conf import LazySettings
from onelogin.saml2.response import OneLogin_Saml2_Response

from core_identity.models import User
from sso.models import SignInRecord
from sso.saml import gate
from tests.sso.attacks.attack import encoded
from tests.sso.conftest import Browser
from tests.sso.logout_messages import by_query, post, request_xml
from tests.sso.test_sign_in_tests import AdminBrowser, tester  # noqa: F401 - a fixture
from tests.support.cast import JANE, by_sso
from tests.support.saml import TestIdp

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

JANE_BY_SSO: Final = by_sso(JANE)

DECLARATIONS: Final = {
    "a number": 'xmlns:v="1"',
    "a path": 'xmlns:v="a/b"',
    "a path from the root": 'xmlns:v="/a"',
    "a host without a scheme": 'xmlns:v="//idp.test/a"',
    "a fragment": 'xmlns:v="#a"',
    "a query": 'xmlns:v="?a"',
    "dots": 'xmlns:v=".."',
    "a default": 'xmlns="a"',
    "a scheme that begins with a digit": 'xmlns:v="1a:b"',
    "a scheme with a percent sign": 'xmlns:v="a%41:b"',
    "no URI at all": 'xmlns:v=":"',
    "a space": 'xmlns:v="urn: x"',
    "a bad escape": 'xmlns:v="urn:%zz"',
}
"""Namespaces that libxml2 does not canonicalize, or does not parse."""


def with_declaration(xml: str, declaration: str, place: str) -> str:
    """Return ``xml`` with a namespace declared in an element of its own, within the element that ends by ``place``."""
    changed = xml.replace(place, f"<x:x xmlns:x='urn:x' {declaration}/>{place}", 1)
    assert changed != xml
    return changed


def require_refusal(answer: "Answer", codes: set[str]) -> None:
    assert answer.status_code == 400
    reference = answer["X-Request-Id"]
    assert reference in answer.content.decode()
    assert SignInRecord.objects.get(reference=reference).code in codes


def test_a_namespace_that_cannot_be_canonicalized_is_refused_at_the_acs(browser: Browser) -> None:
    message_xml = base64.b64decode(browser.idp.response(browser.claims(JANE_BY_SSO))).decode()
    for name, declaration in DECLARATIONS.items():
        for place in ("</samlp:Response>", "</saml:Assertion>", "</ds:SignedInfo>", "</saml:AttributeValue>"):
            answer = browser.post(encoded(with_declaration(message_xml, declaration, place)))
            assert answer.status_code == 400, (name, place)
            require_refusal(answer, {"forbidden_xml", "not_xml"})
    assert not User.objects.exists()


def test_a_namespace_that_cannot_be_canonicalized_is_refused_at_logout(jane: Browser) -> None:
    posted = base64.b64decode(jane.idp.logout(request_xml(jane.idp))).decode()
    for declaration in DECLARATIONS.values():
        changed = with_declaration(posted, declaration, "</samlp:LogoutRequest>")
        require_refusal(post(jane, encoded(changed)), {"logout_refused"})
        changed = with_declaration(request_xml(jane.idp, place=False), declaration, "</samlp:LogoutRequest>")
        require_refusal(by_query(jane, jane.idp.logout_query(changed)), {"logout_refused"})
    assert jane.me().status_code == 200


def test_a_test_sign_in_with_such_a_namespace_is_refused(tester: AdminBrowser) -> None:  # noqa: F811
    message_xml = base64.b64decode(tester.idp.response(tester.claims(JANE_BY_SSO))).decode()
    answer = tester.post(encoded(message_xml.replace("<samlp:Response ", '<samlp:Response xmlns:v="1" ', 1)))
    require_refusal(answer, {"forbidden_xml"})


def test_an_undeclared_default_namespace_is_accepted(browser: Browser) -> None:
    """``xmlns=""`` is not a relative URI: it removes a default, and canonicalization supports it."""
    claims = browser.claims(
        JANE_BY_SSO, attributes={**browser.claims(JANE_BY_SSO).attributes, "Note": ('<x xmlns=""/>',)}, raw=True
    )
    assert browser.post(browser.idp.response(claims)).status_code == 303


@pytest.fixture
def failing_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that raises an unexpected error, in place of a message that makes a library fail."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise AttributeError("nobody foresaw this")

    monkeypatch.setattr(gate, "parse", fail)


def test_an_unexpected_error_is_a_refusal_with_a_row_and_is_counted(
    jane: Browser, failing_gate: None, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SIGN_IN_FAILURES_PER_MINUTE = 3
    message, logout = encoded("<x/>"), request_xml(jane.idp, place=False)
    visits: dict[Callable[[], Answer], str] = {
        lambda: jane.post(message): "structure",
        lambda: post(jane, message): "logout_refused",
        lambda: by_query(jane, jane.idp.logout_query(logout)): "logout_refused",
    }
    for visit, code in visits.items():
        caplog.clear()
        answer = visit()
        require_refusal(answer, {code})
        failures = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert [vars(one)["reference"] for one in failures] == [answer["X-Request-Id"]]
        assert failures[0].exc_info
    for visit in visits:
        answer = visit()
        assert answer.status_code == 429
        assert 1 <= int(answer["Retry-After"]) <= 60


@pytest.mark.parametrize("fault", [MemoryError(), AttributeError("NoneType"), RuntimeError("schema")], ids=repr)
def test_a_failure_of_the_library_at_a_good_message_is_our_fault(
    browser: Browser,
    stranger: TestIdp,
    fault: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """503 with a reference, an ERROR with its traceback, and no word of a message that was wrong. The same message is good once we are."""
    message = browser.idp.response(browser.claims(JANE_BY_SSO))

    def fail(*args: Any, **kwargs: Any) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(OneLogin_Saml2_Response, "is_valid", fail)
        answer = browser.post(message)
        assert answer.status_code == 503
        assert answer["X-Request-Id"] in answer.content.decode()
        (error,) = [one for one in caplog.records if one.levelno == logging.ERROR and one.name == "sso.sign_ins"]
        assert vars(error)["reference"] == answer["X-Request-Id"]
        assert error.exc_info
        assert not SignInRecord.objects.filter(code="invalid").exists()
        # A stranger's message is a refusal also now.
        require_refusal(browser.post(stranger.response(browser.claims(JANE_BY_SSO))), {"signature"})
    assert browser.follow(browser.post(message)).status_code == 200


def test_memory_that_runs_out_is_our_fault_on_every_way(jane: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(gate, "parse", fail)
    message = encoded("<x/>")
    query = jane.idp.logout_query(request_xml(jane.idp, place=False))
    for answer in (jane.post(message), post(jane, message), by_query(jane, query)):
        assert answer.status_code == 503
        assert answer["X-Request-Id"] in answer.content.decode()
