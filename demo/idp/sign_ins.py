"""The acts of this Okta at its SAML addresses: ask who signs in, send a person to CORE, end a session. Each returns a page."""

import base64
from datetime import UTC, datetime
from functools import partial

from demo.idp import pages
from demo.idp.apps import App
from demo.idp.authn_request import Refused, request_id_of
from demo.idp.encryption import certificate_at
from demo.idp.form import going_along
from demo.idp.habits import habits_of
from demo.idp.logout import Session, answer_to, read, request_to_end
from demo.idp.names import SAMLP, SUCCESS
from demo.idp.response import name_id_of, new_id, signed_response
from demo.idp.signing_key import SigningKeys


def ask_who(app: App, fields: dict[str, str]) -> str:
    """Answer an AuthnRequest by the list of people. Raises `Refused`."""
    message = fields.get("SAMLRequest", "")
    request_id_of(message, app.parties)
    going = {"SAMLRequest": message, **going_along(fields)}
    return pages.sign_in_page(app.people(), going, app.parties)


def hand_over(app: App, keys: SigningKeys, fields: dict[str, str], *, is_answer: bool = True) -> str:
    """Sign the chosen person in at CORE. Without ``is_answer`` it is a click on the tile. Raises `Refused`."""
    parties = app.parties
    request_id = request_id_of(fields.get("SAMLRequest", ""), parties) if is_answer else None
    chosen = fields.get("person", "")
    person = next((one for one in app.people() if one.login == chosen), None)
    if person is None:
        raise Refused("There is no person with that name. Go back and choose one of the people.")
    habits, index = habits_of(fields), new_id()
    xml = signed_response(
        person,
        parties=parties,
        keys=keys,
        in_response_to=request_id,
        now=datetime.now(UTC),
        habits=habits,
        recipient=certificate_at(parties.sp_entity_id, "encryption") if habits.encrypts else None,
        session_index=index,
    )
    known_as = name_id_of(person, habits.name_id_format)
    app.sessions[index] = Session(person.full_name, known_as, habits.name_id_format)
    return _carry("Signing you in …", parties.acs_url, SAMLResponse=xml, **going_along(fields))


def log_out(app: App, keys: SigningKeys, fields: dict[str, str]) -> str:
    """Read one of two messages: CORE asks to end a session here, or answers our own request. Raises `Refused`."""
    parties = app.parties
    signer = partial(certificate_at, parties.sp_entity_id, "signing")
    if "SAMLResponse" in fields:
        answer = read("LogoutResponse", fields["SAMLResponse"], parties, signer)
        status = answer.find(f"{SAMLP}Status/{SAMLP}StatusCode")
        return pages.signed_out_page(parties, done=status is not None and status.get("Value") == SUCCESS)
    logout_request = read("LogoutRequest", fields.get("SAMLRequest", ""), parties, signer)
    app.sessions.pop(logout_request.findtext(f"{SAMLP}SessionIndex", ""), None)
    message = answer_to(logout_request, parties=parties, key=keys["current"], now=datetime.now(UTC))
    return _carry("Signing you out …", parties.logout_url, SAMLResponse=message, **going_along(fields))


def leave(app: App, keys: SigningKeys, index: str) -> str:
    """End a session here, and ask CORE to end it there. Raises `Refused`."""
    session = app.sessions.pop(index, None)
    if session is None:
        raise Refused("This session does not exist. Go back and try again.")
    message = request_to_end(session, index, parties=app.parties, key=keys["current"], now=datetime.now(UTC))
    return _carry("Signing you out …", app.parties.logout_url, SAMLRequest=message)


def _carry(title: str, url: str, **fields: bytes | str) -> str:
    """Return the page that takes a message (bytes, the XML) to CORE."""
    sent = {
        name: base64.b64encode(one).decode("ascii") if isinstance(one, bytes) else one for name, one in fields.items()
    }
    return pages.hand_over_page(title, url, sent)
