"""An identity provider that we did not write: pysaml2's, behind a few pages on 127.0.0.1.

pysaml2 writes the messages, signs them and reads the requests. Its keys are made when it starts.
"""

import base64
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import time_machine
import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SamlBase
from saml2.assertion import Policy
from saml2.attribute_converter import AttributeConverter
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAME_FORMAT_UNSPECIFIED, NAME_FORMAT_URI, NameID
from saml2.samlp import STATUS_AUTHN_FAILED, NameIDPolicy, response_from_string
from saml2.server import Server
from saml2.sigver import (
    ASSERT_XPATH,
    TRIPLE_DES_CBC,
    RSACrypto,
    import_rsa_key_from_file,
    pre_encrypt_assertion,
    verify_redirect_signature,
)
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from core_identity.values import Person
from tests.support.saml import attributes_of, certificate_for

OKTAS_NAMES: Final = ("UID", "FirstName", "LastName", "Email", "Title", "Organization", "Department", "Group")


@dataclass(frozen=True)
class Manner:
    """How it answers. The defaults are those of an IdP that is well set up."""

    sign_response: bool = True
    sign_assertion: bool = True
    signature: str | None = SIG_RSA_SHA256
    """None, and None for ``digest``: the default of pysaml2."""
    digest: str | None = DIGEST_SHA256
    name_id_format: str | None = None
    """None: the format that the request asks for."""
    names_by_oid: bool = False
    """Attributes under the names of SAML's X.500 profile, instead of Okta's."""
    audience: str | None = None
    """None: the SP that asks. Otherwise the entity ID of another SP that it knows."""
    encryption: str | None = None
    """None, or how the assertion is encrypted to the certificate of the SP's metadata. pysaml2 itself would take 3DES."""
    clock: timedelta = timedelta()
    """How far its clock is ahead."""
    relay_state: str | None = None
    """None: what came with the request, as the standard wants."""
    logout_binding: str = BINDING_HTTP_POST
    """How it says that somebody has left, and answers who says so. Okta's way is POST."""


class XmlsecWheel:
    """Fills in the signatures and ciphers that pysaml2 has laid out. It would call the program xmlsec1 for it, which few machines have."""

    def sign_statement(self, statement: str | bytes, node_name: str, key_file: str, node_id: str) -> str:
        root = etree.fromstring(statement)
        xmlsec.tree.add_ids(root, ["ID"])
        (signed,) = (element for element in root.iter() if element.get("ID") == node_id)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(key_file, xmlsec.constants.KeyDataFormatPem)
        (place,) = signed.findall("{http://www.w3.org/2000/09/xmldsig#}Signature")
        context.sign(place)
        return etree.tostring(root, encoding="unicode")

    def validate_signature(
        self, signed: bytes | str, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Of the element with that ID, and by that certificate, both of which pysaml2 has looked for."""
        root = etree.fromstring(signed.encode() if isinstance(signed, str) else signed)
        xmlsec.tree.add_ids(root, ["ID"])
        (element,) = (one for one in root.iter() if one.get("ID") == node_id)
        (place,) = element.findall("{http://www.w3.org/2000/09/xmldsig#}Signature")
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(cert_file, xmlsec.constants.KeyDataFormatCertPem)
        try:
            context.verify(place)
        except xmlsec.VerificationError:
            return False
        return True

    def encrypt_assertion(
        self, statement: Any, enc_key: str, template: Any, key_type: str, node_xpath: str | None
    ) -> str:
        laid_out = pre_encrypt_assertion(statement) if isinstance(statement, SamlBase) else statement
        root, data = etree.fromstring(str(laid_out)), etree.fromstring(str(template))
        data[0].set("Algorithm", self.encryption)
        (assertion,) = cast("list[etree._Element]", root.xpath(node_xpath or ASSERT_XPATH))
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_file(enc_key, xmlsec.constants.KeyDataFormatCertPem))
        context = xmlsec.EncryptionContext(manager)
        kind, bits = (
            (xmlsec.constants.KeyDataDes, 192)
            if self.encryption == TRIPLE_DES_CBC
            else (xmlsec.constants.KeyDataAes, 256)
        )
        context.key = xmlsec.Key.generate(kind, bits, xmlsec.constants.KeyDataTypeSession)
        context.encrypt_xml(data, assertion)
        return etree.tostring(root, encoding="unicode")

    encryption = ""


@dataclass(frozen=True)
class Heard:
    """A message that it took in: its name, how it came, and whom it names (for an answer: its status)."""

    name: str
    binding: str
    of: str
    session_index: str = ""


class Pysaml2Idp(ThreadingHTTPServer):
    """``people`` are the people on its page; ``heard`` are the messages that it received; ``faults`` are its own errors: no test may have any.

    AuthnRequests need no signature unless ``want_signed``; a logout message always does.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.manner = Manner()
        self.people: tuple[Person, ...] = ()
        self.faults: list[str] = []
        self.heard: list[Heard] = []
        self.want_signed = False
        self.known_as: dict[str, tuple[NameID, str]] = {}
        self._folder = folder
        self._known: list[str] = []
        self._keys: list[tuple[Path, Path]] = []
        self.change_key()

    def change_key(self) -> None:
        """Sign with a new key from now on, under the same entity ID; ``metadata`` has it, and no other, at once."""
        self.announce_next_key()
        self.sign_with_next_key()
        self.forget_old_key()

    def announce_next_key(self) -> None:
        """Make the next key, and name its certificate in the metadata beside that of the key that signs."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        number = len(list(self._folder.iterdir()))
        self._keys.append((self._folder / f"{number}-key.pem", self._folder / f"{number}-certificate.pem"))
        self._keys[-1][0].write_bytes(pem)
        self._keys[-1][1].write_bytes(certificate_for(key).public_bytes(Encoding.PEM))
        self._begin_anew()

    def sign_with_next_key(self) -> None:
        self._keys.reverse()
        self._begin_anew()

    def forget_old_key(self) -> None:
        del self._keys[1:]
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._config = self._describe()
        self.saml = Server(config=self._config)
        self.saml.sec.crypto = XmlsecWheel()
        self.saml.sec.sec_backend = RSACrypto(import_rsa_key_from_file(str(self._keys[0][0])))

    def meet(self, sp_metadata: str) -> None:
        """Learn of an SP, by the SP's own metadata."""
        self._known.append(sp_metadata)
        assert self.saml.reload_metadata({"inline": self._known}), "pysaml2 does not understand this metadata"

    def metadata(self) -> str:
        return str(entity_descriptor(self._config))

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.faults.append(traceback.format_exc())

    def answer(self, fields: Mapping[str, str], binding: str, person: Person | None) -> tuple[str, str]:
        """Return the Response to an AuthnRequest, and where it is to be posted. No person: she was not signed in."""
        arguments = self.saml.response_args(
            self._read(self.saml.parse_authn_request, fields, binding, self.want_signed)
        )
        del arguments["binding"]
        if person is None:
            refused = self.saml.create_error_response(
                arguments["in_response_to"],
                arguments["destination"],
                (STATUS_AUTHN_FAILED, "No."),
                sign=True,
                **self._algorithms(),
            )
            return str(refused), arguments["destination"]
        return self._say(person, **arguments), arguments["destination"]

    def begin(self, sp: str, person: Person) -> tuple[str, str]:
        """Return a Response that nobody asked for, and where it is to be posted. ``sp`` is an entity ID."""
        ((acs, *_),) = (self.saml.metadata.assertion_consumer_service(sp, BINDING_HTTP_POST),)
        policy = NameIDPolicy(format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
        response = self._say(
            person, in_response_to=None, destination=acs["location"], sp_entity_id=sp, name_id_policy=policy
        )
        return response, acs["location"]

    def leave(self, fields: Mapping[str, str], binding: str) -> str:
        """Take a LogoutRequest of an SP, and return the page that takes the answer there."""
        request = self._read(self.saml.parse_logout_request, fields, binding, True)
        (index, *_) = [one.text for one in request.session_index] or [""]
        self.heard.append(Heard("LogoutRequest", binding, request.name_id.text, index))
        response = self.saml.create_logout_response(
            request, [self.manner.logout_binding], sign=self._signs_inside, **self._algorithms()
        )
        place = self.saml.response_args(request, [self.manner.logout_binding])["destination"]
        return self._send_off(response, fields.get("RelayState", ""), place, response=True)

    def send_away(self, sp: str) -> str:
        """Return the page that takes a LogoutRequest to an SP (an entity ID), for the person who signed in there last."""
        name_id, index = self.known_as[sp]
        ((place, *_),) = (self.saml.metadata.single_logout_service(sp, self.manner.logout_binding, "spsso"),)
        _, response = self.saml.create_logout_request(
            place["location"],
            sp,
            name_id=name_id,
            session_indexes=[index],
            expire=(datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            sign=self._signs_inside,
            **self._algorithms(),
        )
        return self._send_off(response, "the IdP's own", place["location"])

    def receive(self, fields: Mapping[str, str], binding: str) -> None:
        """Take an SP's answer to our LogoutRequest, if it signed it."""
        sent = fields["SAMLResponse"]
        answer = self.saml.parse_logout_request_response(sent, binding).response
        if binding == BINDING_HTTP_POST:
            self.saml.sec.correctly_signed_message(base64.b64decode(sent), "logout_response", must=True)
        else:
            certificates = self.saml.metadata.certs(answer.issuer.text, "any", "signing")
            assert any(
                verify_redirect_signature(dict(fields), self.saml.sec.sec_backend, one) for _, one in certificates
            )
        assert fields["RelayState"] == "the IdP's own"
        self.heard.append(Heard("LogoutResponse", binding, answer.status.status_code.value))

    @property
    def _signs_inside(self) -> bool:
        return bool(self.manner.logout_binding == BINDING_HTTP_POST)

    def _send_off(self, message: Any, relay_state: str, place: str, *, response: bool = False) -> str:
        """Return a page that takes a logout message to an SP: a form, or a link that a script follows."""
        binding = self.manner.logout_binding
        sign = None if self._signs_inside else True
        sent = self.saml.apply_binding(
            binding, str(message), place, relay_state, response=response, sign=sign, sigalg=self.manner.signature
        )
        if binding == BINDING_HTTP_POST:
            return str(sent["data"])
        (location,) = (value for name, value in sent["headers"] if name == "Location")
        return f'<!DOCTYPE html><title>pysaml2</title><meta http-equiv="refresh" content="0; url={escape(location)}">'

    def _read(self, parse: Callable[..., Any], fields: Mapping[str, str], binding: str, signed: bool) -> Any:
        """Return the message of a request, as pysaml2 reads it; with ``signed`` it demands our signature."""
        self._config.setattr("idp", "want_authn_requests_signed", signed)
        over_the_query = {
            "relay_state": fields.get("RelayState"),
            "sigalg": fields.get("SigAlg"),
            "signature": fields.get("Signature"),
        }
        read = parse(fields["SAMLRequest"], binding, **(over_the_query if binding == BINDING_HTTP_REDIRECT else {}))
        return read.message

    def speak(self, person: Person, **claimed: Any) -> str:
        """Return a Response (base64) with whatever is claimed: ``in_response_to``, ``destination``, ``sp_entity_id``."""
        policy = NameIDPolicy(format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
        return base64.b64encode(self._say(person, name_id_policy=policy, **claimed).encode()).decode()

    def _say(self, person: Person, **arguments: Any) -> str:
        manner = self.manner
        self.saml.sec.crypto.encryption = manner.encryption or ""
        if manner.name_id_format:
            arguments["name_id_policy"] = NameIDPolicy(format=manner.name_id_format, allow_create="true")
        if manner.audience:
            arguments["sp_entity_id"] = manner.audience
        name_form = NAME_FORMAT_URI if manner.names_by_oid else NAME_FORMAT_UNSPECIFIED
        # tick=False: the clock of the whole process is wrong for as long as a message is built, and no longer.
        with time_machine.travel(datetime.now(UTC) + manner.clock, tick=False):
            response = self.saml.create_authn_response(
                _x500(person) if manner.names_by_oid else {n: list(v) for n, v in attributes_of(person).items()},
                userid=person.uid,
                authn={"class_ref": AUTHN_PASSWORD_PROTECTED},
                sign_response=manner.sign_response,
                sign_assertion=manner.sign_assertion,
                encrypt_assertion=manner.encryption is not None,
                release_policy=Policy({"default": {"lifetime": {"minutes": 5}, "name_form": name_form}}),
                **self._algorithms(),
                **arguments,
            )
        if manner.encryption is None:
            (assertion,) = response_from_string(str(response)).assertion
            self.known_as[arguments["sp_entity_id"]] = (
                assertion.subject.name_id,
                assertion.authn_statement[0].session_index,
            )
        return str(response)

    def _algorithms(self) -> dict[str, str | None]:
        return {"sign_alg": self.manner.signature, "digest_alg": self.manner.digest}

    def _describe(self) -> IdPConfig:
        described = IdPConfig().load(
            {
                "entityid": f"{self.url}/metadata",
                "key_file": str(self._keys[0][0]),
                "cert_file": str(self._keys[0][1]),
                "additional_cert_files": [str(certificate) for _, certificate in self._keys[1:]],
                "crypto_backend": "XMLSecurity",  # the one that looks for no program; it is replaced by `XmlsecWheel`
                "metadata": {"inline": self._known},
                "service": {
                    "idp": {
                        "domain": "acme.test",
                        "endpoints": {
                            "single_sign_on_service": [
                                (f"{self.url}/sso", BINDING_HTTP_REDIRECT),
                                (f"{self.url}/sso", BINDING_HTTP_POST),
                            ],
                            "single_logout_service": [
                                (f"{self.url}/slo", BINDING_HTTP_POST),
                                (f"{self.url}/slo", BINDING_HTTP_REDIRECT),
                            ],
                        },
                    }
                },
            }
        )
        as_okta = AttributeConverter()
        as_okta.from_dict({"identifier": NAME_FORMAT_UNSPECIFIED, "to": {name: name for name in OKTAS_NAMES}})
        # First, for pysaml2's own would rename Group as ADFS does.
        described.attribute_converters = [as_okta, *described.attribute_converters]
        return described


def _x500(person: Person) -> dict[str, list[str]]:
    values = {
        "uid": person.uid,
        "givenName": person.given_name,
        "sn": person.family_name,
        "mail": person.email,
        "title": person.title,
        "isMemberOf": None,
    }
    attributes = {name: [value] for name, value in values.items() if value is not None}
    return attributes | ({"isMemberOf": list(person.groups)} if person.groups else {})


class _Pages(BaseHTTPRequestHandler):
    """/metadata; /sso, where one says who one is; /dashboard, where sign-ins start at the IdP; /slo, and /leave, where logouts do."""

    server: Pysaml2Idp

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        fields = dict(parse_qsl(address.query, keep_blank_values=True))
        match address.path:
            case "/metadata":
                self._send(self.server.metadata(), "application/samlmetadata+xml")
            case "/sso" | "/dashboard":
                self._send(_who_page(self.server.people, fields | {"binding": BINDING_HTTP_REDIRECT}))
            case "/slo":
                self._log_out(fields, BINDING_HTTP_REDIRECT)
            case "/leave":
                self._send(self.server.send_away(fields["sp"]))
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        idp = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(parse_qsl(body, keep_blank_values=True))
        if self.path == "/slo":
            self._log_out(fields, BINDING_HTTP_POST)
            return
        if "person" not in fields:
            self._send(_who_page(idp.people, fields | {"binding": BINDING_HTTP_POST}))
            return
        person = next((one for one in idp.people if one.uid == fields["person"]), None)
        if "SAMLRequest" in fields:
            message, acs_url = idp.answer(fields, fields["binding"], person)
        else:
            assert person is not None
            message, acs_url = idp.begin(fields["sp"], person)
        relay_state = fields.get("RelayState", "") if idp.manner.relay_state is None else idp.manner.relay_state
        self._send(idp.saml.apply_binding(BINDING_HTTP_POST, message, acs_url, relay_state, response=True)["data"])

    def _log_out(self, fields: dict[str, str], binding: str) -> None:
        if "SAMLResponse" in fields:
            self.server.receive(fields, binding)
            self._send("<!DOCTYPE html><title>pysaml2</title><h1>You are signed out everywhere</h1>")
        else:
            self._send(self.server.leave(fields, binding))

    def _send(self, text: str, content_type: str = "text/html; charset=utf-8") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _who_page(people: Iterable[Person], fields: Mapping[str, str]) -> str:
    hidden = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    buttons = "".join(
        f'<button name="person" value="{escape(person.uid or "")}">{escape(f"{person.given_name} {person.family_name}")}</button>'
        for person in people
    )
    return (
        '<!DOCTYPE html><html lang="en"><title>pysaml2</title><h1>Who are you?</h1>'
        f'<form method="post" action="/sso">{hidden}{buttons}<button name="person" value="">Nobody</button></form>'
    )


@contextmanager
def running_pysaml2(folder: Path) -> Iterator[Pysaml2Idp]:
    """Start one with a key in ``folder``; stop it at the end, and fail if anything went wrong inside it."""
    with Pysaml2Idp(folder) as idp:
        thread = threading.Thread(target=idp.serve_forever, daemon=True)
        thread.start()
        yield idp
        idp.shutdown()
        thread.join()
    assert not idp.faults, idp.faults[0]
