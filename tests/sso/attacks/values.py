"""Values of a person that are cut, hidden, doubled, empty or too long; signed by the IdP itself, because its users can edit some of them."""

from lxml import etree

from tests.sso.attacks.attack import Attack, add, altered, at, drop, many, put, says, text
from tests.support.saml import NS, Change

UID = ".//saml:Attribute[@Name='UID']"
VALUE = f"{UID}/saml:AttributeValue"
EMAIL = ".//saml:Attribute[@Name='Email']/saml:AttributeValue"
NAME_ID = ".//saml:NameID"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

INVISIBLE = {
    "a zero width space": "\u200b",
    "a zero width joiner": "\u200d",
    "a byte order mark": "\ufeff",
    "a soft hyphen": "\u00ad",
    "a right-to-left override": "\u202e",
    "a left-to-right mark": "\u200e",
    "an isolate": "\u2066",
    "a tag letter": "\U000e0061",
    "a Hangul filler": "\u3164",
    "a line separator": "\u2028",
    "a line break": "\n",
    "a tab": "\t",
    "a carriage return": "\r",
    "a C1 control": "\u0085",
    "a delete": "\x7f",
}


def _another(name: str, xml: str = "<saml:AttributeValue>admin</saml:AttributeValue>", more: str = "") -> Change:
    return add(".//saml:AttributeStatement", f'<saml:Attribute Name="{name}"{more}>{xml}</saml:Attribute>')


def _another_statement(root: etree._Element) -> None:
    add("saml:Assertion", "<saml:AttributeStatement/>")(root)
    statement = root.findall(".//saml:AttributeStatement", NS)[-1]
    attribute = etree.SubElement(statement, f"{{{NS['saml']}}}Attribute", Name="UID")
    etree.SubElement(attribute, f"{{{NS['saml']}}}AttributeValue").text = "admin"


def _renamed(name: str) -> Change:
    return put(UID, "Name", name)


def _values(*values: str) -> Change:
    """Give the UID these values."""

    def change(root: etree._Element) -> None:
        attribute = at(root, UID)
        del attribute[:]
        for value in values:
            etree.SubElement(attribute, f"{{{NS['saml']}}}AttributeValue").text = value

    return change


INVALID: dict[str, Change] = {
    "an element in the UID": add(VALUE, "<saml:x/>"),
    "a NameID in the UID": add(VALUE, "<saml:NameID>admin</saml:NameID>"),
    "an encrypted look in the UID": add(VALUE, "<x><y>admin</y></x>"),
    "two UIDs": _values("jane.doe", "admin"),
    "the UID in two attributes": _another("UID"),
    "the UID in two attributes of different formats": _another("UID", more=' NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"'),
    "the UID in two attributes of different friendly names": _another("UID", more=' FriendlyName="x"'),
    "the UID in two statements": _another_statement,
    "a UID of 1,000 letters": text(VALUE, "a" * 1000),
    "a UID of 100,000 letters": text(VALUE, "a" * 100_000),
    "a UID that grows where it is compared": text(VALUE, "\ufdfa" * 200),
    "an email of 10,000 letters": text(EMAIL, "a" * 10_000 + "@acme.test"),
    "a NameID of 10,000 letters": text(NAME_ID, "a" * 10_000),
    "a title of 100,000 letters": text(".//saml:Attribute[@Name='Title']/saml:AttributeValue", "a" * 100_000),
    "a control in the first name": text(".//saml:Attribute[@Name='FirstName']/saml:AttributeValue", "Ja\u0085ne"),
    **{f"{name} in the UID": text(VALUE, f"jane{mark}.doe") for name, mark in INVISIBLE.items()},
    **{f"{name} in the email": text(EMAIL, f"jane{mark}@acme.test") for name, mark in list(INVISIBLE.items())[:5]},
    **{f"{name} in the NameID": text(NAME_ID, f"jane{mark}@acme.test") for name, mark in list(INVISIBLE.items())[:5]},
}  # fmt: skip

MISSING: dict[str, Change] = {
    "no UID": drop(UID),
    "a UID without a value": _values(),
    "an empty UID": text(VALUE, ""),
    "a UID of spaces": text(VALUE, " \u00a0\u3000 "),
    "a UID that is nil": many(text(VALUE, ""), put(VALUE, f"{XSI}nil", "true")),
    "the name of the UID in other letters": _renamed("uid"),
    "a space before the name": _renamed(" UID"),
    "a space after the name": _renamed("UID "),
    "a wide name": _renamed("\uff35\uff29\uff24"),
    "a Cyrillic name": _renamed("U\u0406D"),
    "an empty name": _renamed(""),
    "the UID as the friendly name only": many(put(UID, "FriendlyName", "UID"), _renamed("x")),
    "an element of HTML in the email": add(EMAIL, "<b>x</b>"),
    "no attributes": drop(".//saml:AttributeStatement"),
    "a zero width space in the name": _renamed("U\u200bID"),
}

ATTACKS: dict[str, Attack] = {
    **{name: says("invalid_value", change, believed=True) for name, change in INVALID.items()},
    **{name: says("missing_attributes", change, believed=True) for name, change in MISSING.items()},
    "a UID that is nil and says somebody": says("invalid", put(VALUE, f"{XSI}nil", "true")),
    "an attribute without a name": says("invalid", put(UID, "Name", None)),
    "an element in the NameID": says("value", add(NAME_ID, "<saml:x/>"), late=True),
    "two NameIDs": says("invalid", lambda root: at(root, NAME_ID).addnext(etree.fromstring(etree.tostring(at(root, NAME_ID), with_tail=False)))),
    "a BaseID": says("invalid", add(".//saml:Subject", "<saml:BaseID/>", 0)),
    "an EncryptedID": says("encrypted", add(".//saml:Subject", "<saml:EncryptedID/>", 0)),
    "an EncryptedAttribute": says("encrypted", add(".//saml:AttributeStatement", "<saml:EncryptedAttribute/>")),
    "an entity of XML in the UID, unsigned": altered("signature", text(VALUE, "a&b")),
}  # fmt: skip
