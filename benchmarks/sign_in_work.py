"""A whole sign-in by SAML: login, the IdP's answer, the finish, and the page at its end."""

from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from benchmarks.keep_alive import KeepAlive
from benchmarks.scene import SLUG, Scene
from benchmarks.work import Work
from core_identity.values import Person
from tests.support.saml import TestIdp, request_in


def sign_in_work(scene: Scene, idp: TestIdp) -> Iterator[Work]:
    """Yield the sign-in of people whom SCIM has pushed. The IdP signs its messages in this process, which is not measured."""
    acs = f"{scene.server.url}/sso/{SLUG}/acs"

    def sign_in(http: KeepAlive, n: int) -> None:
        number = scene.known(n)
        name = f"p{number}@{SLUG}.test"
        person = Person(
            uid=f"u{number}",
            name_id=name,
            email=name,
            given_name=f"Given{number}",
            family_name=f"Family{number}",
        )
        away = http.send("GET", f"/sso/{SLUG}/login")
        request_id = str(request_in(away.headers["Location"]).get("ID"))
        message = idp.response(idp.claims(person, acs_url=acs, request_id=request_id))
        back = http.send(
            "POST",
            f"/sso/{SLUG}/acs",
            urlencode({"SAMLResponse": message}).encode(),
            **{
                "Cookie": f"__Host-sign-in={away.cookie('__Host-sign-in')}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        finished = http.send(
            "GET", _path(back.headers["Location"]), Cookie=f"__Host-sign-in={back.cookie('__Host-sign-in')}"
        )
        page = http.send("GET", _path(finished.headers["Location"]), Cookie=f"session={finished.cookie('session')}")
        if name.encode() not in page.body:
            raise RuntimeError(f"{name} is not signed in: {page.body[:300]!r}")

    yield Work("sign-in", "L", scene.server.client, sign_in)


def trust(scene: Scene) -> TestIdp:
    """Make an IdP that the connection believes."""
    import sso.settings.changes

    idp = TestIdp()
    sso.settings.changes.apply(scene.connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    return idp


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
