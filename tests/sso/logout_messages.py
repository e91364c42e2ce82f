"""Logout messages as an IdP writes them, the ways in which they come, and whether ours are signed."""

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sso.models import SpKey
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import JANE, ZOE, by_sso
from tests.support.saml import NS, PLACE, SUCCESS, TestIdp, instant, now

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

JANE_BY_SSO, ZOE_BY_SSO = by_sso(JANE), by_sso(ZOE)
LOGOUT = f"{SERVICE}/sso/acme/logout"


def request_xml(idp: TestIdp, *, place: bool = True, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "root": "LogoutRequest",
        "id": "_logout1",
        "version": "2.0",
        "issuer": idp.entity_id,
        "destination": LOGOUT,
        "issued": timedelta(),
        "end": timedelta(minutes=5),
        "subject": "<saml:NameID>jane.doe@acme.test</saml:NameID>",
        "indexes": ("_s1",),
        "more": "",
        "head": "",
    } | changes
    end = "" if fields["end"] is None else f' NotOnOrAfter="{instant(now() + fields["end"])}"'
    destination = "" if fields["destination"] is None else f' Destination="{fields["destination"]}"'
    issuer = "" if fields["issuer"] is None else f"<saml:Issuer>{fields['issuer']}</saml:Issuer>"
    indexes = "".join(f"<samlp:SessionIndex>{one}</samlp:SessionIndex>" for one in fields["indexes"])
    return (
        f'<samlp:{fields["root"]} xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" ID="{fields["id"]}" '
        f'Version="{fields["version"]}" IssueInstant="{instant(now() + fields["issued"])}"{destination}{end} {fields["head"]}>'
        f"{issuer}{PLACE if place else ''}{fields['more']}{fields['subject']}{indexes}</samlp:{fields['root']}>"
    )


def response_xml(
    idp: TestIdp, in_response_to: str, *, place: bool = True, status: str = SUCCESS, **changes: str
) -> str:
    fields = {"issuer": idp.entity_id, "destination": LOGOUT} | changes
    return (
        f'<samlp:LogoutResponse xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" ID="_answer1" Version="2.0" '
        f'IssueInstant="{instant(now())}" Destination="{fields["destination"]}" InResponseTo="{in_response_to}">'
        f"<saml:Issuer>{fields['issuer']}</saml:Issuer>{PLACE if place else ''}"
        f'<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status></samlp:LogoutResponse>'
    )


def post(browser: Browser, message: str, *, field: str = "SAMLRequest", **more: str) -> "Answer":
    """From the IdP's page: a POST of another site, so without the session cookie."""
    kept = browser.http.cookies.pop("session", None)
    answer = browser.http.post("/sso/acme/logout", {field: message, **more})
    if kept is not None:
        browser.http.cookies["session"] = kept.value
    return answer


def by_query(browser: Browser, query: str) -> "Answer":
    return browser.http.get("/sso/acme/logout", QUERY_STRING=query)


def signed_by_us(url: str) -> bool:
    """Verify a signature of the Redirect binding with the certificate that our metadata names."""
    signed, _, signature = urlsplit(url).query.partition("&Signature=")
    key = x509.load_pem_x509_certificate(SpKey.objects.get(state="active").certificate.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    octets = base64.b64decode(parse_qs(f"s={signature}")["s"][0])
    key.verify(octets, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return True
