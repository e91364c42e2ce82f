"""Check the claims of verified logout messages one by one (SAML core 2.0, 3.7)."""

from dataclasses import dataclass

from lxml import etree

from sso.saml.expectations import Expected, check_age, check_id, only, plain, same, shown, time_of
from sso.saml.gate import SAMLP, text_of
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.status import SUCCESS


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """The sessions that an IdP asks to end. Without ``session_indexes``: all sessions of the NameID."""

    request_id: str
    name_id: str
    session_indexes: tuple[str, ...]


def check_logout_request(root: etree._Element, expected: Expected) -> LogoutRequest:
    """Return the content of a verified LogoutRequest (SAML core 3.7.1). Raises `SamlRefusal` for the first claim that fails."""
    _check_head(root, expected)
    end = time_of(root, "NotOnOrAfter")
    if end is not None and end <= expected.now - expected.skew:
        raise SamlRefusal(Code.TOO_LATE, expected=f"after {shown(expected.now)}", received=shown(end))
    name_id = plain(only(root, "NameID", Code.STRUCTURE), "NameID")
    if not name_id:
        raise SamlRefusal(Code.VALUE, expected="a NameID")
    indexes = tuple(plain(one, "SessionIndex") for one in root.findall(f"{SAMLP}SessionIndex"))
    if "" in indexes:
        raise SamlRefusal(Code.VALUE, expected="a SessionIndex")  # the request does not name sessions without an index
    return LogoutRequest(root.get("ID", ""), name_id, indexes)


def check_logout_response(root: etree._Element, expected: Expected) -> tuple[str, bool]:
    """Return the request that a verified LogoutResponse answers, and whether all sessions ended; raise `SamlRefusal`."""
    _check_head(root, expected)
    codes = [code.get("Value") for code in root.findall(f"{SAMLP}Status/{SAMLP}StatusCode")]
    inner = root.find(f"{SAMLP}Status/{SAMLP}StatusCode/{SAMLP}StatusCode")
    return root.get("InResponseTo", ""), codes == [SUCCESS] and inner is None


def _check_head(root: etree._Element, expected: Expected) -> None:
    same(Code.DESTINATION, root.get("Destination"), expected.sp.slo_url)
    same(Code.ISSUER, text_of(only(root, "Issuer", Code.ISSUER)), expected.idp.entity_id)
    check_id(root)
    check_age(root, expected)
