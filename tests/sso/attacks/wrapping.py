"""An evil assertion beside, around or inside the signed one: the eight classic shapes (Somorovsky et al., "On Breaking SAML"), and hidden places."""

import copy
from itertools import product

from lxml import etree

from tests.sso.attacks.attack import Attack, altered, at, says
from tests.support.saml import NS, Change

PLACES = {
    "Extensions": (".", "samlp:Extensions"),
    "StatusDetail": ("samlp:Status", "samlp:StatusDetail"),
    "Advice": ("saml:Assertion", "saml:Advice"),
    "AttributeValue": (".//saml:AttributeStatement", "saml:Attribute"),
    "Object": (".//ds:Signature", "ds:Object"),
    "KeyInfo": (".//ds:KeyInfo", "ds:KeyValue"),
    "SubjectConfirmationData": (".//saml:SubjectConfirmationData", "saml:x"),
    "AuthnContextDecl": (".//saml:AuthnContext", "saml:AuthnContextDecl"),
}


def change_uid(root: etree._Element) -> None:
    at(root, ".//saml:AttributeValue").text = "admin"


def _evil(root: etree._Element, *, new_id: bool) -> etree._Element:
    """Return a copy of the Assertion that names another person and has no signature."""
    evil = copy.deepcopy(at(root, "saml:Assertion"))
    for signature in evil.findall("ds:Signature", NS):
        evil.remove(signature)
    change_uid(evil)
    if new_id:
        evil.set("ID", "_evil")
    return evil


def _shape(number: int, *, new_id: bool) -> Change:
    def wrap(root: etree._Element) -> None:
        signed = at(root, "saml:Assertion")
        if number <= 2:  # the whole Response, in its own signature or beside it
            original = copy.deepcopy(root)
            (at(root, "ds:Signature") if number == 1 else root).append(original)
            change_uid(signed)
            if new_id:
                root.set("ID", "_evil_response")
            return
        evil = _evil(root, new_id=new_id)
        signature = at(signed, "ds:Signature")
        match number:
            case 3:
                signed.addprevious(evil)
            case 4:
                signed.addprevious(evil)
                evil.append(signed)
            case 5:
                evil.insert(1, signature)
                root.append(evil)
            case 6:
                evil.insert(1, signature)
                signed.addprevious(evil)
                signature.append(signed)
            case 7:
                extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
                extensions.append(evil)
                root.insert(1, extensions)
            case 8:
                evil.insert(1, signature)
                etree.SubElement(signature, f"{{{NS['ds']}}}Object").append(signed)
                root.append(evil)

    return wrap


def _hide(place: str, *, original: bool, moved: bool, new_id: bool) -> Change:
    """Hide an evil copy in a place; or hide the ``original`` there and put the evil one where it was. ``moved``: the signature changes hands."""

    def hide(root: etree._Element) -> None:
        signed = at(root, "saml:Assertion")
        evil = _evil(root, new_id=new_id)
        if original:
            root.replace(signed, evil)
        if moved:
            evil.insert(1, at(signed, "ds:Signature"))
        parent, name = PLACES[place]
        prefix, _, local = name.partition(":")
        holder = root.find(parent, NS)
        if holder is None:  # the signature that would hold it is in what is hidden
            holder = root
        etree.SubElement(holder, f"{{{NS[prefix]}}}{local}").append(signed if original else evil)

    return hide


def _other_namespace(space: str) -> Change:
    """An evil one that only a reader of local names would take for an assertion."""

    def hide(root: etree._Element) -> None:
        evil = _evil(root, new_id=True)
        for element in evil.iter():
            element.tag = f"{{{space}}}{etree.QName(element).localname}"
        etree.SubElement(root, f"{{{NS['samlp']}}}Extensions").append(evil)

    return hide


def _ids(new_id: bool) -> str:
    return "other IDs" if new_id else "equal IDs"


ATTACKS: dict[str, Attack] = {
    **{
        f"shape {number}, {sign} signed, {_ids(new_id)}": altered(
            "structure", _shape(number, new_id=new_id), sign=sign
        )
        for sign, number, new_id in product(("both", "assertion"), range(1, 9), (False, True))
        if sign == "both" or number > 2
    },
    **{
        f"{'original' if original else 'evil'} in {place}, signature {'moved' if moved else 'left'}, {sign} signed, {_ids(new_id)}": altered(
            "structure",
            _hide(place, original=original, moved=moved, new_id=new_id),
            sign=sign,
        )
        for place, original, moved, sign, new_id in product(PLACES, (False, True), (False, True), ("both", "assertion"), (False, True))
    },
    **{
        f"in Extensions, of the namespace {space}": altered("structure", _other_namespace(space), sign="assertion")
        for space in ("urn:oasis:names:tc:SAML:1.0:assertion", "urn:x", NS["samlp"])
    },
    "signed by the IdP with another one inside": says(
        "structure", _hide("Advice", original=False, moved=False, new_id=True), sign="assertion"
    ),
}  # fmt: skip
