"""No message of `tests.sso.attacks` opens a session, makes a user, is remembered, or costs more than a small constant."""

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from core_identity.models import Connection, Event, User
from sso.models import SamlSettings, SignInState, UsedAssertion
from sso.saml import gate, verifier
from sso.saml.encryption import open_envelope
from sso.saml.expectations import Expected
from sso.saml.key_pair import KeyPair, make_key_pair
from sso.saml.parties import Signed
from sso.saml.refusals import SamlRefusal
from sso.settings import keys
from tests.sso.attacks import FAMILIES
from tests.sso.attacks.attack import AT_THE_GATE, Attack
from tests.sso.conftest import Browser
from tests.sso.second_verifier import opinion
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import Claims, TestIdp, now

JANE_BY_SSO = by_sso(JANE)
PAGE = Path(__file__).resolve().parent.parent.parent / "docs/explanation/trust-in-an-assertion.md"

AT_ONCE = 40
"""Messages that share one database: each is undone before the next."""


def batches(attacks: dict[str, Attack]) -> Iterator[list[tuple[str, Attack]]]:
    rest = iter(attacks.items())
    while some := list(islice(rest, AT_ONCE)):
        yield some


BATCHES = [
    pytest.param(some, id=f"{family}, {number}")
    for family, attacks in FAMILIES.items()
    for number, some in enumerate(batches(attacks), start=1)
]


def refused(browser: Browser, message: str, *, slug: str = "acme", **fields: str) -> str:
    """Post a message, check that it opened nothing and that our page answered, and return that page."""
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
    """A `Scene` of a real request: each message answers the request of a browser."""

    def __init__(self, browser: Browser, stranger: TestIdp, certificate: str, request_id: str | None = None) -> None:
        """Without ``request_id`` the browser is sent away when the message is made."""
        self.browser, self.idp, self.stranger, self.certificate = browser, browser.idp, stranger, certificate
        self.request_id = request_id

    def claims(self, **changes: Any) -> Claims:
        self.request_id = changes.get("request_id") or self.request_id or self.browser.leave()
        return self.browser.claims(JANE_BY_SSO, **{"request_id": self.request_id} | changes)


@dataclass
class Reached:
    """The work for a message: how often the library parsed it, xmlsec canonicalized for a signature, and a key of ours was tried."""

    parsed: list[int] = field(default_factory=list)
    verified: list[int] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)

    def clear(self) -> None:
        for counts in (self.parsed, self.verified, self.tried):
            counts.clear()


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Reached:
    """Count the calls of python3-saml, xmlsec and our keys. The calls themselves are not changed."""
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
    """Our key of the connection acme. Making a key takes long, so all messages use one."""
    monkeypatch.setattr(keys, "make_key_pair", lambda name, now: our_key)
    return keys.make_key(actor=ADMIN, connection=acme).certificate


@pytest.mark.parametrize("attacks", BATCHES)
def test_a_hostile_message_opens_nothing_whatever_must_be_signed(
    acme: Connection,
    idp: TestIdp,
    stranger: TestIdp,
    certificate: str,
    our_key: KeyPair,
    reached: Reached,
    attacks: list[tuple[str, Attack]],
) -> None:
    """Each message meets all four settings, and signxml agrees about its signatures whenever we checked them.

    If the gate refuses a message, there is nothing to compare: we checked no signature, and signxml has no gate.
    """
    away = Browser(idp)
    request_id = away.leave()
    saml = SamlSettings.objects.select_related("connection").get(connection=acme)
    for name, attack in attacks:
        with undone():
            browser = Browser(idp)
            browser.http.cookies = copy.deepcopy(away.http.cookies)
            scene = FromABrowser(browser, stranger, certificate, request_id)
            message = attack.make(scene)
            second = cache(partial(opinion, message, [idp.pem], [our_key]))
            for signed in Signed:
                reached.clear()
                through = signed is attack.narrowest or attack.code in {"unsolicited", "no_request"}
                expected = attack.code_at(signed)
                if through:
                    SamlSettings.objects.update(signed=signed)
                    found = brought(browser, message)
                else:
                    saml.signed = signed
                    found = judged(saml, message, scene.request_id, our_key)
                # A message that only policy refuses is believed. So is a message that is not an attack at this setting.
                assert found == (None if attack.believed and not through else expected), (name, signed)
                require_small(attack, expected, reached, (name, signed))
                if (expected_opinion := signatures_hold(expected, attack)) is not None:
                    assert second() is expected_opinion, (name, signed, "signxml")
            if attack.believed:
                assert not User.objects.exists()
                assert browser.me().status_code == 401
            else:
                require_nothing_happened(browser)


def brought(browser: Browser, message: str) -> str | None:
    """Return the code of the page of the ACS; None if it signs a person in, which is then undone."""
    cookies = copy.deepcopy(browser.http.cookies)
    with undone():
        answer = browser.post(message)
    browser.http.cookies = cookies
    if answer.status_code == 303:
        return None
    assert answer.status_code in {400, 403}
    (code,) = re.findall(r'class="code">\((\w+)\)', answer.content.decode())
    return str(code)


def judged(saml: SamlSettings, message: str, request_id: str | None, key: KeyPair) -> str | None:
    """Return the verifier's refusal at these settings, without a browser; None if it accepts."""
    try:
        verifier.unverified_in_response_to(message)
        verifier.verify(message, Expected(saml.idp, saml.sp, request_id, now(), lambda: [key], saml.skew, saml.wishes))
    except SamlRefusal as refusal:
        return refusal.code.value
    return None


@contextmanager
def undone() -> Iterator[None]:
    """Roll back everything written inside: much quicker than another database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def require_small(attack: Attack, code: str | None, reached: Reached, where: object) -> None:
    if attack.stops_at_the_gate(code):
        assert reached == Reached(), where
    assert len(reached.parsed) <= 1, where
    most = 4 if attack.encrypted and code == "not_signed" else 3
    assert len(reached.verified) <= most, (
        "the Response, and what was encrypted twice: as it came out, and as it is read"
    )
    assert len(reached.tried) <= most - 2, where
    assert all(size <= gate.MAX_BYTES * 3 // 2 for size in reached.parsed)
    assert all(nodes <= gate.MAX_ELEMENTS for nodes in reached.verified)


def signatures_hold(code: str | None, attack: Attack) -> bool | None:
    """Return our own verdict about the signatures that a message carries; None if we checked none, or if the answer hides it on purpose."""
    if code is not None and (code in AT_THE_GATE | {"decryption"}) and not attack.believed and not attack.late:
        return None
    return None if code in {"decryption", "not_signed"} else code != "signature"


def test_the_page_lists_each_family_with_the_codes_of_its_refusals() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    codes_by_family = {family: set(re.findall(r"`(\w+)`", rows[family])) for family in FAMILIES}
    assert codes_by_family == {
        family: {attack.code for attack in attacks.values()} for family, attacks in FAMILIES.items()
    }
    _, _, answers = page.partition("## Answers")
    assert {code for codes in codes_by_family.values() for code in codes} <= set(re.findall(r"`(\w+)`", answers))
