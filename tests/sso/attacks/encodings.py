"""Encodings of the form field: base64 of RFC 4648 with white space is allowed, and nothing else."""

import base64
import zlib
from collections.abc import Callable

from tests.sso.attacks.attack import Attack

GOOD = 40  # characters before which something is put


def _wrapped(code: str, change: Callable[[str], str]) -> Attack:
    """Return a good message in a wrapping of its own."""
    return Attack(code, lambda scene: change(scene.idp.response(scene.claims())))


def _inserted(junk: str) -> Attack:
    return _wrapped("not_base64", lambda message: message[:GOOD] + junk + message[GOOD:])


def _deflated(message: str) -> str:
    return base64.b64encode(zlib.compress(base64.b64decode(message))[2:-4]).decode()


def _escaped(message: str) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in message)


ATTACKS: dict[str, Attack] = {
    **{
        f"{name} inside": _inserted(junk)
        for name, junk in {
            "a mark": "!",
            "NUL": "\0",
            "a zero width space": "\u200b",
            "a no-break space": "\u00a0",
            "a line separator": "\u2028",
            "a form feed": "\f",
            "padding": "====",
            "an ASCII letter of Japan": "\uff21",
            "an Arabic digit": "\u0661",
            "XML": "<a/>",
            "PEM": "-----BEGIN-----",
            "a lone replacement": "\ufffd",
        }.items()
    },
    "the alphabet of URLs": _wrapped("not_base64", lambda message: "--__" + message),
    "no padding": _wrapped("not_base64", lambda message: message.rstrip("=") + ("" if message.endswith("=") else "A")),
    "padding too much": _wrapped("not_base64", lambda message: message.rstrip("=") + "====="),
    "two in one": _wrapped("not_base64", lambda message: message.rstrip("=") + "==" + message),
    "a data URL": _wrapped("not_base64", lambda message: "data:text/xml;base64," + message),
    "not at all": _wrapped("not_base64", lambda message: base64.b64decode(message).decode()),
    "escaped twice": _wrapped("not_base64", _escaped),
    "twice": _wrapped("not_xml", lambda message: base64.b64encode(message.encode()).decode()),
    "deflated, as for a Redirect": _wrapped("forbidden_xml", _deflated),
    "zlib": _wrapped(
        "forbidden_xml", lambda message: base64.b64encode(zlib.compress(base64.b64decode(message))).decode()
    ),
    "backwards": _wrapped("not_base64", lambda message: "=" + message[::-1]),
    "an empty one": _wrapped("not_xml", lambda message: ""),
    "white space only": _wrapped("not_xml", lambda message: " \r\n\t"),
    "one letter": _wrapped("not_base64", lambda message: "A"),
}
