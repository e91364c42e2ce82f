"""Kinds of XML: DTDs, instructions, spellings that parsers read differently, doubled IDs, other messages and other versions."""

from tests.sso.attacks.attack import XSI, Attack, add, altered, drop, fragment, many, put, raw, respelled, says, twice
from tests.support.saml import NS

RESPONSE = f'<samlp:Response xmlns:samlp="{NS["samlp"]}" Version="2.0"'
BOMB = "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 12))
EVIL = "<!ENTITY % p SYSTEM 'http://127.0.0.1/evil.dtd'>"


def _with_dtd(inside: str, reference: str = "") -> Attack:
    return raw("forbidden_xml", f"<!DOCTYPE r {inside}>{RESPONSE}>{reference}</samlp:Response>")


def _in_uid(inside: str) -> Attack:
    return respelled("forbidden_xml", lambda xml: xml.replace(">jane.doe<", f">jane{inside}.doe<"))


ATTACKS: dict[str, Attack] = {
    # No XML, or more than one XML document
    "no XML": raw("not_xml", "hello"),
    "nothing": raw("not_xml", ""),
    "an open element": raw("not_xml", f"{RESPONSE}>"),
    "an attribute twice": raw("not_xml", f'{RESPONSE} Version="1.1"/>'),
    "an entity that nobody declared": raw("not_xml", f"{RESPONSE}>&a;</samlp:Response>"),
    "a prefix that nobody declared": raw("not_xml", f"{RESPONSE}><a:b/></samlp:Response>"),
    "a control character": raw("not_xml", f"{RESPONSE}>\x08</samlp:Response>"),
    "a control character by number": raw("not_xml", f"{RESPONSE}>&#8;</samlp:Response>"),
    "a surrogate by number": raw("not_xml", f"{RESPONSE}>&#xD800;</samlp:Response>"),
    "NUL by number": raw("not_xml", f"{RESPONSE}>&#0;</samlp:Response>"),
    "NUL": raw("forbidden_xml", f"{RESPONSE}>\0</samlp:Response>"),
    "a second root": respelled("not_xml", lambda xml: f"{xml}<r/>"),
    "the message twice": respelled("not_xml", lambda xml: f"{xml}{xml}"),
    "text after the root": respelled("not_xml", lambda xml: f"{xml}x"),
    "text before the root": respelled("not_xml", lambda xml: f"x{xml}"),
    "NUL after the root": respelled("forbidden_xml", lambda xml: f"{xml}\0"),
    "JSON": raw("not_xml", '{"uid": "jane.doe"}'),
    # DTDs
    "a doctype": respelled("forbidden_xml", lambda xml: f"<!DOCTYPE r>{xml}"),
    "a doctype of a foreign host": _with_dtd('SYSTEM "http://127.0.0.1/evil.dtd"'),
    "a public doctype": _with_dtd('PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://127.0.0.1/evil.dtd"'),
    "an entity": _with_dtd('[<!ENTITY a "x">]', "&a;"),
    "an entity bomb": _with_dtd(f'[<!ENTITY a0 "x">{BOMB}]', "&a11;"),
    "an entity that is itself": _with_dtd('[<!ENTITY a "&a;">]', "&a;"),
    "a long entity often": _with_dtd(f'[<!ENTITY a "{"x" * 50_000}">]', "&a;" * 10_000),
    "a file as an entity": _with_dtd('[<!ENTITY a SYSTEM "file:///etc/passwd">]', "&a;"),
    "a device as an entity": _with_dtd('[<!ENTITY a SYSTEM "file:///dev/zero">]', "&a;"),
    "a foreign host as an entity": _with_dtd('[<!ENTITY a SYSTEM "http://127.0.0.1/x">]', "&a;"),
    "a parameter entity": _with_dtd(f"[{EVIL}%p;]"),
    "an attribute that is an ID by DTD": _with_dtd("[<!ATTLIST r x ID #IMPLIED>]"),
    "a default attribute": _with_dtd('[<!ATTLIST r x CDATA "y">]'),
    # Comments, instructions, CDATA
    "a comment": raw("forbidden_xml", f"{RESPONSE}><!-- x --></samlp:Response>"),
    "a comment before": respelled("forbidden_xml", lambda xml: f"<!-- -->{xml}"),
    "a comment after": respelled("forbidden_xml", lambda xml: f"{xml}<!-- -->"),
    "an instruction": raw("forbidden_xml", f"{RESPONSE}><?x y?></samlp:Response>"),
    "an instruction before": respelled("forbidden_xml", lambda xml: f"<?x y?>{xml}"),
    "an instruction after": respelled("forbidden_xml", lambda xml: f"{xml}<?x y?>"),
    "a stylesheet": respelled("forbidden_xml", lambda xml: f'<?xml-stylesheet href="http://127.0.0.1/x.xsl"?>{xml}'),
    "a comment in the UID": _in_uid("<!-- -->"),
    "an instruction in the UID": _in_uid("<?x y?>"),
    "CDATA in the UID": _in_uid("<![CDATA[x]]>"),
    "CDATA before text in the UID": respelled("forbidden_xml", lambda xml: xml.replace(">jane.doe<", "><![CDATA[jane]]>.doe<")),
    "two CDATA in the UID": respelled("forbidden_xml", lambda xml: xml.replace(">jane.doe<", "><![CDATA[jane]]><![CDATA[.doe]]><")),
    "a comment in the NameID": respelled("forbidden_xml", lambda xml: xml.replace("@acme.test</saml:NameID", "@acme.test<!-- -->.evil</saml:NameID")),
    "a comment in the digest": respelled("forbidden_xml", lambda xml: xml.replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->")),
    "a comment in SignedInfo": respelled("forbidden_xml", lambda xml: xml.replace("<ds:SignedInfo>", "<ds:SignedInfo><!-- -->")),
    "an instruction in SignatureValue": respelled("forbidden_xml", lambda xml: xml.replace("<ds:SignatureValue>", "<ds:SignatureValue><?x y?>")),
    "CDATA in the digest": respelled("forbidden_xml", lambda xml: xml.replace("<ds:DigestValue>", "<ds:DigestValue><![CDATA[]]>")),
    # Namespaces without an absolute URI: libxml2 refuses to canonicalize them
    "a relative namespace": raw("forbidden_xml", f'{RESPONSE} xmlns:v="1"/>'),
    "a relative namespace inside": respelled("forbidden_xml", lambda xml: xml.replace("<saml:Subject>", '<saml:Subject xmlns:v="a/b">')),
    # Spellings
    "XML 1.1": respelled("forbidden_xml", lambda xml: f'<?xml version="1.1"?>{xml}'),
    "UTF-16": respelled("forbidden_xml", lambda xml: xml.encode("utf-16")),
    "UTF-32": respelled("forbidden_xml", lambda xml: xml.encode("utf-32")),
    "UTF-16 declared only": respelled("not_xml", lambda xml: f'<?xml version="1.0" encoding="UTF-16"?>{xml}'),
    "UTF-7": respelled("forbidden_xml", lambda xml: b'<?xml version="1.0" encoding="UTF-7"?>' + xml.encode("utf-7")),
    "Latin-1 declared": respelled("forbidden_xml", lambda xml: f'<?xml version="1.0" encoding="ISO-8859-1"?>{xml}'),
    "a Windows page declared": respelled("forbidden_xml", lambda xml: f'<?xml version="1.0" encoding="windows-1252"?>{xml}'),
    "an unknown encoding": respelled("not_xml", lambda xml: f'<?xml version="1.0" encoding="x"?>{xml}'),
    "EBCDIC": respelled("forbidden_xml", lambda xml: f'<?xml version="1.0" encoding="cp037"?>{xml}'.encode("cp037")),
    "Latin-1": respelled("forbidden_xml", lambda xml: xml.replace("jane", "j\u00e4ne").encode("latin-1")),
    "octets that are no UTF-8": respelled("forbidden_xml", lambda xml: xml.encode().replace(b"jane", b"j\xc0\x80ne")),
    "two declarations": respelled("not_xml", lambda xml: f'<?xml version="1.0"?><?xml version="1.0"?>{xml}'),
    "a declaration that is late": respelled("not_xml", lambda xml: f' <?xml version="1.0"?>{xml}'),
    # IDs
    **{
        f"an ID twice, once as {name.rpartition('}')[2]} of {name.rpartition('}')[0] or 'no namespace'}": altered(
            "double_id", many(put("saml:Assertion", "ID", "_same"), put("samlp:Status", name, "_same"))
        )
        for name in ("ID", "Id", "id", "iD", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}ID")
    },
    "the Response and the Assertion by one ID": altered("double_id", many(put(".", "ID", "_same"), put("saml:Assertion", "ID", "_same"))),
    "an AttributeValue by the Assertion's ID": altered("double_id", put(".//saml:AttributeValue", "ID", "_same"), assertion_id="_same"),
    # Other messages, other versions. A message without a request of ours is not read further.
    "a LogoutResponse that answers our request": respelled("structure", lambda xml: xml.replace("samlp:Response", "samlp:LogoutResponse")),
    "an Assertion that answers our request": respelled("structure", lambda xml: xml.replace("samlp:Response", "saml:Assertion")),
    "another root that answers our request": respelled("structure", lambda xml: xml.replace("samlp:Response", "x")),
    "another root": raw("unsolicited", "<x/>"),
    "a Response without a namespace": raw("unsolicited", '<Response Version="2.0"/>'),
    "a Response of SAML 1.1": raw("unsolicited", '<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol" MajorVersion="1"/>'),
    "a Response of another namespace": respelled("structure", lambda xml: xml.replace(NS["samlp"], NS["samlp"] + "#")),
    "an Assertion of another namespace": respelled("structure", lambda xml: xml.replace(NS["saml"], "urn:oasis:names:tc:SAML:1.0:assertion")),
    "a namespace in other letters": respelled("structure", lambda xml: xml.replace(NS["saml"], NS["saml"].upper())),
    "an Assertion alone": raw("unsolicited", f'<saml:Assertion xmlns:saml="{NS["saml"]}" Version="2.0"/>'),
    "an AuthnRequest": raw("unsolicited", f'<samlp:AuthnRequest xmlns:samlp="{NS["samlp"]}" Version="2.0"/>'),
    "a LogoutResponse": raw("unsolicited", f'<samlp:LogoutResponse xmlns:samlp="{NS["samlp"]}" Version="2.0"/>'),
    "an ArtifactResponse": raw("unsolicited", f'<samlp:ArtifactResponse xmlns:samlp="{NS["samlp"]}" Version="2.0"/>'),
    "metadata": raw("unsolicited", f'<md:EntityDescriptor xmlns:md="{NS["md"]}" Version="2.0"/>'),
    "SOAP": raw("unsolicited", f'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>{RESPONSE}/></Body></Envelope>'),
    "no Assertion": altered("structure", drop("saml:Assertion")),
    "two Assertions": altered("structure", twice("saml:Assertion")),
    "a Response in the Response": altered("structure", lambda root: root.append(fragment("<samlp:Response/>"))),
    "no namespace on the Assertion": altered("structure", lambda root: root.append(fragment("<Assertion/>"))),
    **{
        f"Version {version} of the {of}": says("structure", put(path, "Version", version))
        for of, path in (("Response", "."), ("Assertion", "saml:Assertion")) for version in ("1.1", "2.1", "3.0", "2.0 ", "2", "", None)
    },
    # What another program would fetch
    "a schema to be fetched": says("structure", put(".", f"{{{XSI}}}schemaLocation", "urn:x http://127.0.0.1/x.xsd")),
    "a schema without a namespace": says("structure", put(".//saml:AttributeValue", f"{{{XSI}}}noNamespaceSchemaLocation", "/etc/passwd")),
    "an inclusion": says("invalid", add("saml:Assertion", '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>')),
    # What only the schema refuses
    "Subject and Conditions in the other order": says("invalid", lambda root: root[-1].append(root[-1].find("saml:Subject", NS))),  # type: ignore[arg-type]
    "an unknown element": says("invalid", add("saml:Assertion", "<saml:x/>")),
    "an unknown attribute": says("invalid", put("saml:Assertion", "x", "y")),
    "text between": says("invalid", lambda root: setattr(root[-1], "text", "x")),
    "an ID that is a number": says("signature_layout", assertion_id="1a"),
}  # fmt: skip
