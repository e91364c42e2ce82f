"""The SAML schema is compiled once, before threads serve, and eight threads that share it each get the right verdict."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Final

import pytest
from lxml import etree
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from sso.saml.expectations import Expected
from sso.saml.parties import Idp, Sp
from sso.saml.refusals import SamlRefusal
from sso.saml.verifier import verify
from tests.sso.attacks.attack import add
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import JANE, by_sso
from tests.support.saml import TestIdp, now

JANE_BY_SSO = by_sso(JANE)
BASE: Final = f"{SERVICE}/sso/acme"

COMPILES_NOTHING: Final = """
import core_identity.config.wsgi
from lxml import etree
def compile(*args, **kwargs):
    raise RuntimeError("compiled after the start")
etree.XMLSchema = compile
import sso.saml.verifier
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML
OneLogin_Saml2_XML._schema_class = compile
assert OneLogin_Saml2_XML.validate_xml(etree.Element("x"), "saml-schema-protocol-2.0.xsd") == "invalid_xml"
"""


def _raise(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("compiled after the start")


def test_a_sign_in_compiles_no_schema(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etree, "XMLSchema", _raise)
    monkeypatch.setattr(OneLogin_Saml2_XML, "_schema_class", _raise)
    assert browser.sign_in(JANE_BY_SSO).status_code == 200
    assert browser.me().status_code == 200


def test_a_worker_has_the_schema_before_it_serves() -> None:
    """In a process of its own, as gunicorn starts one: the application is loaded, and from then on nothing is compiled."""
    subprocess.run([sys.executable, "-W", "error", "-c", COMPILES_NOTHING], check=True, timeout=60)


def test_eight_threads_get_the_right_verdicts_from_one_schema(idp: TestIdp) -> None:
    """Half of the messages do not follow the schema. All are signed by the IdP, and are right in every claim."""
    claims = idp.claims(JANE_BY_SSO, acs_url=f"{BASE}/acs", request_id="_request")
    outside = add(".", '<samlp:Extensions xmlns:x="urn:x"/>')  # after the Assertion, where the schema has none
    messages = {"believed": idp.response(claims), "invalid": idp.response(claims, before=outside)}
    believed_idp = Idp(idp.entity_id, idp.sso_url, (idp.pem,))
    expected = Expected(believed_idp, Sp(f"{BASE}/metadata", f"{BASE}/acs", f"{BASE}/logout"), "_request", now())
    start = Barrier(8)

    def verdict(message: str) -> str:
        try:
            verify(message, expected)
        except SamlRefusal as refusal:
            return refusal.code.value
        return "believed"

    def run(number: int) -> list[tuple[str, str]]:
        start.wait(timeout=30)
        names = ["believed", "invalid"] if number % 2 else ["invalid", "believed"]
        return [(name, verdict(messages[name])) for name in names * 15]

    with ThreadPoolExecutor(8) as pool:
        verdicts = [pair for pairs in pool.map(run, range(8)) for pair in pairs]
    assert len(verdicts) == 8 * 30
    assert [pair for pair in verdicts if pair[0] != pair[1]] == []
