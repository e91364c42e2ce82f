"""No message of `tests.sso.attacks` opens a session, makes a user, is remembered, or costs more than a small constant."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from core_identity.models import Connection, Event, User
from sso import keys
from sso.models import SignInState, UsedAssertion
from sso.saml import gate, verifier
from sso.saml.encryption import open_envelope
from sso.saml.key_pair import KeyPair, make_key_pair
from tests.sso.attacks import FAMILIES
from tests.sso.attacks.attack import Attack
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import Claims, TestIdp, now

JANE_BY_SSO = by_sso(JANE)
PAGE = Path(__file__).resolve().parent.parent.parent / "docs/explanation/trust-in-an-assertion.md"

MESSAGES = [
    pytest.param(attack, id=f"{family}: {name}") for family, attacks in FAMILIES.items() for name, attack in attacks.items()
]  # fmt: skip


def refused(browser: Browser, message: str, *, slug: str = "acme", **fields: str) -> str:
    """Post a message, demand that it opened nothing and was answered by our page, and return that page."""
    answer = browser.post(message, slug=slug, **fields)
    assert answer.status_code == 400, answer.status_code
    require_nothing_happened(browser)
    page = answer.content.decode()
    assert "You could not be signed in" in page
    return page


def require_nothing_happened(browser: Browser) -> None:
    assert not User.objects.exists()
    assert browser.me().status_code == 401
    assert not UsedAssertion.objects.exists(), "a refused message must not burn an ID"
    assert not SignInState.objects.exclude(used_at=None).exists(), "nor the request that it answers"
    assert not Event.objects.filter(kind="sso.refused").exists(), "strangers do not write the story"


class FromABrowser:
    """A `Scene` of a real request: each message answers one that a browser was sent away with."""

    def __init__(self, browser: Browser, stranger: TestIdp, certificate: str) -> None:
        self.browser, self.idp, self.stranger, self.certificate = browser, browser.idp, stranger, certificate

    def said(self, **changes: Any) -> Claims:
        return self.browser.said(JANE_BY_SSO, **changes)


@dataclass
class Reached:
    """What a message got to: how often the library parsed it, xmlsec canonicalized for a signature, and a key of ours was tried."""

    parsed: list[int] = field(default_factory=list)
    verified: list[int] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Reached:
    """Count, at the doors of python3-saml, xmlsec and our keys; what is behind them works as ever."""
    counts = Reached()

    class Library(OneLogin_Saml2_Response):  # type: ignore[misc]
        def __init__(self, settings: Any, response: str) -> None:
            counts.parsed.append(len(response))
            super().__init__(settings, response)

    verify_node = OneLogin_Saml2_Utils.validate_node_sign

    def counted(signature: etree._Element, root: etree._Element, *args: Any, **kwargs: Any) -> Any:
        counts.verified.append(sum(1 for _ in root.iter()))
        return verify_node(signature, root, *args, **kwargs)

    def tried(envelope: Any, keys: Any) -> bytes:
        counts.tried.append(len(keys))
        return open_envelope(envelope, keys)

    monkeypatch.setattr(verifier, "OneLogin_Saml2_Response", Library)
    monkeypatch.setattr(OneLogin_Saml2_Utils, "validate_node_sign", staticmethod(counted))
    monkeypatch.setattr(verifier, "open_envelope", tried)
    return counts


@pytest.fixture(scope="session")
def our_key() -> KeyPair:
    return make_key_pair("acme", now=now())


@pytest.fixture
def certificate(acme: Connection, our_key: KeyPair, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ours, at the connection acme. To make a key takes long, so all messages are for one."""
    monkeypatch.setattr(keys, "make_key_pair", lambda name, now: our_key)
    return keys.make_key(actor=ADMIN, connection=acme).certificate


@pytest.mark.parametrize("attack", MESSAGES)
def test_a_hostile_message_opens_nothing(
    browser: Browser, acme: Connection, stranger: TestIdp, certificate: str, reached: Reached, attack: Attack
) -> None:
    if attack.response_signed != acme.saml.want_response_signed:
        acme.saml.want_response_signed = attack.response_signed
        acme.saml.save()
    message = attack.make(FromABrowser(browser, stranger, certificate))
    answer = browser.post(message)
    (code,) = re.findall(r'class="code">\((\w+)\)', answer.content.decode())
    assert (answer.status_code, code) == (403 if attack.believed else 400, attack.code)
    if attack.believed:
        assert not User.objects.exists()
        assert browser.me().status_code == 401
    else:
        require_nothing_happened(browser)
    if attack.stops_at_the_gate:
        assert reached == Reached()
    assert len(reached.parsed) <= 1
    assert len(reached.verified) <= 3, "the Response, and what was encrypted twice: as it came out, and as it is read"
    assert len(reached.tried) <= 1
    assert all(size <= gate.MAX_BYTES * 3 // 2 for size in reached.parsed)
    assert all(nodes <= gate.MAX_ELEMENTS for nodes in reached.verified)


def test_the_page_tells_each_family_and_by_which_names_it_is_refused() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    told = {family: set(re.findall(r"`(\w+)`", rows[family])) for family in FAMILIES}
    assert told == {family: {attack.code for attack in attacks.values()} for family, attacks in FAMILIES.items()}
    _, _, answers = page.partition("## Answers")
    assert {code for codes in told.values() for code in codes} <= set(re.findall(r"`(\w+)`", answers))
