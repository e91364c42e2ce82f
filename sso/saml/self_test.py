"""Show that this process can judge SAML messages: it must believe a good message and refuse the same message after a change.

Both messages are made for the purpose and signed with a key that exists only during the test.
"""

import base64
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from sso.saml.expectations import Expected
from sso.saml.gate import SAML, SAMLP
from sso.saml.key_pair import make_key_pair
from sso.saml.messages import sign_element
from sso.saml.parties import UNSPECIFIED, Idp, Sp
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.verifier import verify

_SITE: Final = "https://self-test.invalid"
_SP: Final = Sp(f"{_SITE}/metadata", f"{_SITE}/acs", f"{_SITE}/logout")
_NAME: Final = "a person of the self-test"


def verifier_works(now: datetime) -> bool:
    """Return whether the verifier gives the right verdict on both messages. ``now`` is aware. Takes about half a second of CPU."""
    key = make_key_pair("self-test", now=now)
    idp = Idp(f"{_SITE}/idp", f"{_SITE}/sso", (key.certificate,))
    response = _response(idp, now)
    sign_element(response[-1], key, position=1)
    sign_element(response, key, position=1)
    expected = Expected(idp, _SP, None, now)
    good = etree.tostring(response)
    if verify(base64.b64encode(good).decode(), expected).name_id != _NAME:
        return False
    try:
        verify(base64.b64encode(good.replace(_NAME.encode(), b"somebody else")).decode(), expected)
    except SamlRefusal as refusal:
        return refusal.code is Code.SIGNATURE
    return False


def _response(idp: Idp, now: datetime) -> etree._Element:
    """Return a Response with one Assertion, both without signatures (SAML core 2.3.3, 3.3.3)."""
    instant, end = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (now, now + timedelta(minutes=5)))
    issuer = f"<saml:Issuer>{idp.entity_id}</saml:Issuer>"
    return etree.fromstring(
        f"""<samlp:Response xmlns:samlp="{SAMLP[1:-1]}" xmlns:saml="{SAML[1:-1]}" ID="_response" Version="2.0"
        IssueInstant="{instant}" Destination="{_SP.acs_url}">{issuer}<samlp:Status>
        <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
        <saml:Assertion ID="_assertion" Version="2.0" IssueInstant="{instant}">{issuer}<saml:Subject>
        <saml:NameID Format="{UNSPECIFIED}">{_NAME}</saml:NameID>
        <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData Recipient="{_SP.acs_url}" NotOnOrAfter="{end}"/></saml:SubjectConfirmation></saml:Subject>
        <saml:Conditions NotOnOrAfter="{end}"><saml:AudienceRestriction><saml:Audience>{_SP.entity_id}</saml:Audience>
        </saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{instant}"><saml:AuthnContext>
        <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef>
        </saml:AuthnContext></saml:AuthnStatement></saml:Assertion></samlp:Response>"""
    )
