"""Verify an untrusted ``SAMLResponse``: gate, signature, claims. The only caller of `sso.saml.library`."""

from collections.abc import Iterable
from dataclasses import replace

import xmlsec
from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response

from sso.saml import gate
from sso.saml.certificates import fingerprint, is_strong
from sso.saml.claims import (
    STATUS,
    WORDS,
    VerifiedAssertion,
    check_claims,
    check_failure,
    is_failure_alone,
    require_success,
    words_of_failure,
)
from sso.saml.encryption import covered_scope, open_envelope, read_envelope, unsealed
from sso.saml.expectations import Expected
from sso.saml.library import (
    NO_MESSAGE,
    OF_ASSERTION,
    OF_ROOT,
    SIGNATURE_FAULTS,
    LibraryFault,
    is_ours_to_judge,
    library_settings,
    request_data,
    signatures_at,
    validate_signature,
)
from sso.saml.parties import Idp, Signed
from sso.saml.refusals import Code, SamlRefusal, VerifierFault
from sso.saml.signatures import signers, unverified_fingerprints
from sso.saml.trace import PROPOSAL, Trace


def unverified_in_response_to(unverified_message: str) -> str | None:
    """Return the ID of the request that a message claims to answer. Use it to find the request, and for nothing else.

    Raises `SamlRefusal` if the message does not pass the gate.
    """
    return gate.parse(gate.decode(unverified_message)).get("InResponseTo")


def verify(unverified_message: str, expected: Expected, trace: Trace | None = None) -> VerifiedAssertion:
    """Return the assertion of a ``SAMLResponse`` (base64) if all of it is verified. Raises `SamlRefusal` otherwise.

    Raises `VerifierFault` if signature and claims are good and the library fails by anything except its own validation error: that fault is ours.
    Each check is added to ``trace``.
    """
    trace = trace or Trace()
    try:
        return _verified(unverified_message, expected, trace)
    except SamlRefusal as refusal:
        if refusal.code is Code.NOT_SIGNED and (setting := _setting_for(unverified_message, expected)):
            trace.note(
                PROPOSAL, None, expected=f"signed: {setting}", received="all its other checks hold", believed=True
            )
        raise


def _setting_for(unverified_message: str, expected: Expected) -> Signed | None:
    """Return the narrowest setting *signed* with which this message would be believed; None if there is none.

    The whole message is judged with that setting, so a stranger's message proposes nothing. The setting *either* is never narrower.
    """
    encrypted = gate.is_encrypted(gate.parse(gate.decode(unverified_message)))
    # An encrypted Assertion would have to be opened to see its signature. Without a verified Response it must not be opened.
    for setting in (Signed.RESPONSE,) if encrypted else (Signed.ASSERTION, Signed.RESPONSE):
        try:
            _verified(unverified_message, replace(expected, idp=replace(expected.idp, signed=setting)), Trace())
        except SamlRefusal:
            continue
        return setting
    return None


def _verified(unverified_message: str, expected: Expected, trace: Trace) -> VerifiedAssertion:
    signed: Signed | None = expected.idp.signed
    root = gate.parse(gate.decode(unverified_message))
    if is_failure_alone(root):
        _refuse_failure(root, expected, trace)
    response_proved = False
    if gate.is_encrypted(root) or expected.idp.want_encrypted:
        with trace.step("Encrypted to a key of ours"):
            # The Response's own signature covers the encrypted form, so it is checked first. The other requirements are checked after opening.
            root, response_proved = _decrypt(root, expected)
            signed = None
    with trace.step("One Assertion in one Response, signed as required"):
        assertion = gate.require_response_layout(root, signed)
    with trace.step("Signature by a certificate of the connection"):
        fault = _check_signatures(root, assertion, expected, response_proved=response_proved)
    _note_words(root, trace, believed=response_proved or gate.is_signed(root))
    trace.believe()
    # Our checks name the cause more exactly than the library. If they find no fault, the library's verdict counts.
    verified = check_claims(root, assertion, expected, trace)
    if isinstance(fault, LibraryFault):
        with trace.step("Verdict of the library"):
            raise SamlRefusal(Code.INVALID, received=f"code {fault.code}") from fault
    if fault is not None:
        raise VerifierFault("The library failed at a message whose signature and claims are good.") from fault
    return verified


def _refuse_failure(root: etree._Element, expected: Expected, trace: Trace) -> None:
    """Refuse a Response without an Assertion by its Status. Many IdPs do not sign it.

    Its content is marked as believed if it is signed, for us and recent.
    """
    try:
        gate.require_message_layout(root, "Response", want_signed=True)
        verify_signature(root, expected.idp)
        check_failure(root, expected)
    except SamlRefusal:
        pass  # the message is refused in any case; the trace shows it as unverified
    else:
        trace.believe()
    _note_words(root, trace, believed=False)
    with trace.step(STATUS):
        require_success(root)


def _note_words(root: etree._Element, trace: Trace, *, believed: bool) -> None:
    words = words_of_failure(root)
    if words:
        trace.note(WORDS, None, received=words, believed=believed)


def _check_signatures(
    root: etree._Element, assertion: etree._Element, expected: Expected, *, response_proved: bool
) -> Exception | None:
    """Check all signatures of a tree that passed the gate. Return an exception of the library that is not about a signature.

    ``response_proved``: the signature of the Response was checked before the Assertion was opened, and may be the only one. Raises `SamlRefusal`.
    """
    places = [place for place, element in ((OF_ASSERTION, assertion), (OF_ROOT, root)) if gate.is_signed(element)]
    if not places and not response_proved:
        raise SamlRefusal(Code.NOT_SIGNED)
    made_by = [pem for place in places for pem in _signers(root, expected.idp, place)]
    certificates = made_by or believed_certificates(expected.idp)
    library_fault: Exception | None
    try:
        settings = library_settings(expected.idp, expected.sp, tuple(certificates), tuple(places))
        response = OneLogin_Saml2_Response(settings, NO_MESSAGE)
        # Use one tree: the tree that passed the gate is verified and read. The library must not parse the message again.
        response.document = root
        response.is_valid(request_data(expected.sp.acs_url), request_id=expected.request_id, raise_exceptions=True)
    except LibraryFault as fault:
        if not places and fault.code == LibraryFault.NO_SIGNATURE_FOUND:
            return None  # the library's last check; the signature of this Response covers the encrypted form
        if fault.code in SIGNATURE_FAULTS:
            raise _refused_signature(root, expected.idp, places) from fault
        library_fault = fault
    except Exception as fault:  # noqa: BLE001 - the cause is known only after signature and claims are checked
        library_fault = fault
    else:
        return None
    # The library complained before it checked a signature, so check each here in the same way.
    for place in places:
        verify_signature(root, expected.idp, place)
    return None if is_ours_to_judge(library_fault, root) else library_fault


def verify_signature(root: etree._Element, idp: Idp, place: str = OF_ROOT) -> None:
    """Check the one signature at ``place`` (an XPath) with the certificates of the connection. Its layout passed the gate. Raises `SamlRefusal`."""
    certificates = _signers(root, idp, place)
    try:
        validate_signature(root, place, certificates)
    except (LibraryFault, etree.LxmlError, xmlsec.Error, ValueError) as fault:
        raise _refused_signature(root, idp, [place]) from fault


def _signers(root: etree._Element, idp: Idp, place: str) -> list[str]:
    """Return the certificates of the connection whose key made the signature at ``place``. Raises `SamlRefusal` if there is none."""
    signatures = signatures_at(root, place)
    certificates = signers(signatures[0], believed_certificates(idp)) if len(signatures) == 1 else []
    if not certificates:
        raise _refused_signature(root, idp, [place])
    return certificates


def _refused_signature(root: etree._Element, idp: Idp, places: Iterable[str]) -> SamlRefusal:
    """Return the refusal with the fingerprints of the connection's certificates, and of those in the message."""
    trusted = [fingerprint(pem) for pem in believed_certificates(idp)]
    signatures = [signatures_at(root, place) for place in places]
    carried = dict.fromkeys(digits for group in signatures for one in group for digits in unverified_fingerprints(one))
    received = (
        f"unverified: the message carries {', '.join(carried)}" if carried else "the message carries no certificate"
    )
    return SamlRefusal(Code.SIGNATURE, expected=f"SHA-256 {', '.join(trusted)}", received=received)


def believed_certificates(idp: Idp) -> list[str]:
    """Return the certificates (PEM) whose keys are long enough. Raises `SamlRefusal` if there is none.

    A certificate that has ended is still believed: an administrator pinned it, and no authority vouches for it. A refusal would lock everybody out at
    midnight and stop no attacker. `sso.settings.idp_changes` warns of the end.
    """
    strong = [pem for pem in idp.certificates if is_strong(pem)]
    if not strong:
        raise SamlRefusal(Code.ALGORITHM, expected="a certificate with RSA of 2048 bits, or EC of 256, at the least")
    return strong


def _decrypt(root: etree._Element, expected: Expected) -> tuple[etree._Element, bool]:
    """Return the message with its decrypted assertion, and whether its Response is verified. Raises `SamlRefusal`.

    A signed Response is checked before anything is opened. Anybody could have changed an unsigned one. So until the inner signature is
    checked too, every failure gets the same refusal, because a stranger must not learn about the clear text.
    """
    if not gate.is_encrypted(root):
        raise SamlRefusal(Code.NOT_ENCRYPTED, expected="EncryptedAssertion")
    demand = expected.idp.signed
    place = gate.require_encrypted_layout(root, demand)
    proved = gate.is_signed(root)
    if proved:
        verify_signature(root, expected.idp)
    envelope, keys = read_envelope(place), expected.keys()
    if not keys:
        raise SamlRefusal(Code.ENCRYPTED, expected="a key: connection saml-keys SLUG create")
    try:
        text = open_envelope(envelope, keys)
        clear = gate.parse(unsealed(root, place, text, place.nsmap))
        signed_inside = gate.is_signed(gate.require_response_layout(clear, None))
        if signed_inside:
            verify_signature(clear, expected.idp, OF_ASSERTION)
        elif proved and demand.allows(response=True, assertion=False):
            clear = gate.parse(unsealed(root, place, text, covered_scope(root, place)))
    except SamlRefusal as refusal:
        raise SamlRefusal(Code.DECRYPTION, received=refusal.code.value if proved else "") from refusal
    if not proved and not signed_inside:
        raise SamlRefusal(Code.DECRYPTION)
    demand.require(response=proved, assertion=signed_inside)  # the fault may be named: one signature is verified by now
    return clear, proved  # only this tree is read from here on
