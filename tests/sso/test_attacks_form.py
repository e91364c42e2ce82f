"""Ways to bring a message: another method, another place in the request, a form that no IdP sends."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core_identity.models import User
from sso.models import UsedAssertion
from tests.sso.conftest import Browser
from tests.sso.test_attacks import JANE_BY_SSO

URL = "/sso/acme/acs"
FORM = "application/x-www-form-urlencoded"
Bring = Callable[[Browser, str], Any]


def _multipart(head: str, charset: str = "", field: str = 'name="SAMLResponse"') -> Bring:
    def bring(browser: Browser, message: str) -> Any:
        body = f"--b\r\nContent-Disposition: form-data; {field}\r\n{head}\r\n{message}\r\n--b--\r\n"
        return browser.http.generic("POST", URL, body.encode(), f"multipart/form-data; boundary=b{charset}")

    return bring


def _form(content_type: str, change: Callable[[str], str] = lambda body: body) -> Bring:
    return lambda browser, message: browser.http.generic(
        "POST", URL, change(urlencode({"SAMLResponse": message})).encode(), content_type
    )


BROUGHT: dict[str, tuple[int, Bring]] = {
    "nothing": (400, lambda browser, message: browser.http.post(URL)),
    "twice": (400, lambda browser, message: browser.http.post(URL, {"SAMLResponse": [message, message]})),
    "after an empty one": (400, lambda browser, message: browser.http.post(URL, {"SAMLResponse": ["", message]})),
    "before another one": (400, lambda browser, message: browser.http.post(URL, {"SAMLResponse": [message, "x"]})),
    "in the query": (400, lambda browser, message: browser.http.post(f"{URL}?{urlencode({'SAMLResponse': message})}")),
    "in the query of a GET": (405, lambda browser, message: browser.http.get(URL, {"SAMLResponse": message})),
    "by PUT": (405, lambda browser, message: browser.http.put(URL, urlencode({"SAMLResponse": message}), content_type=FORM)),
    "as a SAMLRequest": (400, lambda browser, message: browser.http.post(URL, {"SAMLRequest": message})),
    "as a SAMLart": (400, lambda browser, message: browser.http.post(URL, {"SAMLart": message})),
    "in other letters": (400, lambda browser, message: browser.http.post(URL, {"samlresponse": message})),
    "as a list": (400, lambda browser, message: browser.http.post(URL, {"SAMLResponse[]": message})),
    "as a file": (400, lambda browser, message: browser.http.post(URL, {"SAMLResponse": SimpleUploadedFile("x.txt", message.encode())})),
    "as JSON": (400, lambda browser, message: browser.http.post(URL, {"SAMLResponse": message}, content_type="application/json")),
    "as XML": (400, lambda browser, message: browser.http.post(URL, message, content_type="text/xml")),
    "as no type": (400, _form("")),
    "as a type that is none": (400, _form("x")),
    "in UTF-7": (400, _form(f"{FORM}; charset=utf-7")),
    "in a charset that is no text": (400, _form(f"{FORM}; charset=base64")),
    "with a thousand fields more": (400, _form(FORM, lambda body: body + "&x=1" * 1_001)),
    "in nine megabytes": (413, _form(FORM, lambda body: body + "&x=" + "x" * 9_000_000)),
    "with broken escapes": (400, _form(FORM, lambda body: body.replace("%", "%%"))),
    "without a boundary": (400, _form("multipart/form-data")),
    "in a broken multipart": (400, _form("multipart/form-data; boundary=b")),
    "in a multipart in a charset that is no text": (400, _multipart("", "; charset=base64")),
    "in a multipart in a charset that compresses": (400, _multipart("", "; charset=zlib")),
    "in a multipart in an unknown encoding": (400, _multipart("Content-Transfer-Encoding: base64\r\n")),
    "in a multipart without a name": (400, _multipart("", field="x")),
}  # fmt: skip


@pytest.mark.parametrize(("status", "bring"), BROUGHT.values(), ids=BROUGHT)
def test_a_good_message_that_is_brought_in_another_way_opens_nothing(
    browser: Browser, status: int, bring: Bring
) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    browser.http.raise_request_exception = False
    assert bring(browser, message).status_code == status
    assert not User.objects.exists()
    assert not UsedAssertion.objects.exists()
    assert browser.me().status_code == 401
    assert browser.post(message).status_code == 303, "and it is still good"
