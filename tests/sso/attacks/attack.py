"""One hostile message: how it is made, and by which name it must be refused."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lxml import etree

from sso.saml.parties import Signed
from tests.support.saml import NS, Change, Claims, TestIdp

XSI = "http://www.w3.org/2001/XMLSchema-instance"

AT_THE_GATE = frozenset(
    {
        "not_base64", "too_large", "not_xml", "forbidden_xml", "double_id", "structure", "signature_layout", "algorithm",
        "not_signed", "encrypted", "not_encrypted", "unsolicited", "no_request",
    }
)  # fmt: skip
"""A message that is refused by one of these names has reached neither python3-saml nor xmlsec nor a key of ours."""

BEFORE_SIGNATURES = AT_THE_GATE - {"not_signed"} | {"status"}
"""Refusals that are the same at every setting, because the check of the signed parts comes later."""


class Scene(Protocol):
    """Where a message is made: an IdP that is believed, one that is not, and our certificate to encrypt to."""

    idp: TestIdp
    stranger: TestIdp
    certificate: str

    def claims(self, **changes: Any) -> Claims:
        """Return the claims of ``idp`` about Jane in answer to a request of ours; ``changes`` are fields of `Claims`."""
        ...


@dataclass(frozen=True)
class Attack:
    """``code`` is on the page, at each setting *signed* that looks so far; ``carries`` says what is signed (both, assertion, response, none).

    ``believed``: refused by policy, after it was verified. ``late``: refused after the gate, although a refusal of the gate has the same name.
    ``too_little``: the code if it is opened and carries less than the setting requires.
    ``welcome``: if the setting accepts the signed part, it is not an attack and signs Jane in.
    """

    code: str
    make: Callable[[Scene], str]
    carries: str = "both"
    believed: bool = False
    late: bool = False
    welcome: bool = False
    encrypted: bool = False
    too_little: str = ""

    @property
    def narrowest(self) -> Signed:
        """Return the narrowest setting that looks at all of it."""
        response, assertion = self.carries in {"both", "response"}, self.carries in {"both", "assertion"}
        return next((one for one in Signed if one.allows(response=response, assertion=assertion)), Signed.BOTH)

    def code_at(self, signed: Signed) -> str | None:
        """Return the code of the refusal at a setting, None where it signs somebody in."""
        response, assertion = self.carries in {"both", "response"}, self.carries in {"both", "assertion"}
        # The content of an encrypted Assertion is seen only after decryption, and it is decrypted only if the Response satisfies the setting.
        looks_on = (
            (response or not signed.needs_response)
            if self.encrypted
            else signed.allows(response=response, assertion=assertion)
        )
        if looks_on:
            enough = signed.allows(response=response, assertion=assertion)
            return None if self.welcome and enough else self.code if enough else self.too_little or self.code
        return self.code if self.code in BEFORE_SIGNATURES and not self.encrypted else "not_signed"

    def stops_at_the_gate(self, code: str | None) -> bool:
        """Whether a refusal has reached nothing: of an unsigned message, its one signature may be looked at to propose a setting."""
        if code == "not_signed" and self.carries != "none" and not (self.encrypted and self.carries == "assertion"):
            return False
        return code in AT_THE_GATE and not self.late and not self.believed


def says(
    code: str,
    change: Change | None = None,
    *,
    sign: str = "both",
    believed: bool = False,
    late: bool = False,
    welcome: bool = False,
    **claims: Any,
) -> Attack:
    """Return a message that the IdP itself signed: with other ``claims``, or with its tree changed before."""

    def make(scene: Scene) -> str:
        return scene.idp.response(scene.claims(**claims), sign=sign, before=change)

    return Attack(code, make, sign, believed, late, welcome)


def altered(code: str, change: Change, *, sign: str = "both", carries: str | None = None, **claims: Any) -> Attack:
    """Return a message that was changed after it was signed. ``carries``: what is signed after the change, if that is another."""

    def make(scene: Scene) -> str:
        return scene.idp.response(scene.claims(**claims), sign=sign, after=change)

    return Attack(code, make, carries or sign)


def respelled(code: str, change: Callable[[str], str | bytes]) -> Attack:
    """Return a well-signed message whose text (XML) was changed."""
    return Attack(code, lambda scene: encoded(change(base64.b64decode(scene.idp.response(scene.claims())).decode())))


def raw(code: str, xml: str | bytes) -> Attack:
    """Return an attack that is not a message of the IdP at all."""
    return Attack(code, lambda scene: encoded(xml))


def encoded(xml: str | bytes) -> str:
    return base64.b64encode(xml.encode() if isinstance(xml, str) else xml).decode()


# Changes of a tree. Paths are of ElementTree, with the prefixes of `NS`; "." is the Response.


def at(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path, NS)
    assert found is not None, path
    return found


def put(path: str, name: str, value: str | None) -> Change:
    """Set an attribute, or take it away (None)."""

    def change(root: etree._Element) -> None:
        element = at(root, path)
        if value is not None:
            element.set(name, value)
        elif name in element.attrib:
            del element.attrib[name]

    return change


def text(path: str, value: str) -> Change:
    def change(root: etree._Element) -> None:
        at(root, path).text = value

    return change


def drop(path: str) -> Change:
    def change(root: etree._Element) -> None:
        element = at(root, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def twice(path: str) -> Change:
    def change(root: etree._Element) -> None:
        element = at(root, path)
        element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))

    return change


def add(path: str, xml: str, position: int | None = None) -> Change:
    """Add an element, at the end or at a position. It may use the prefixes of `NS`, and ``xsi``."""

    def change(root: etree._Element) -> None:
        parent = at(root, path)
        parent.insert(len(parent) if position is None else position, fragment(xml))

    return change


def fragment(xml: str) -> etree._Element:
    """Return an element in the form that a message contains."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in (NS | {"xsi": XSI}).items())
    return etree.fromstring(f"<frame {declared}>{xml}</frame>")[0]


def many(*changes: Change) -> Change:
    def change(root: etree._Element) -> None:
        for one in changes:
            one(root)

    return change
