"""Ways to bring a message: another method, another place in the request, a form that no IdP sends."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
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
    "with a file of nine megabytes": (413, _multipart("\r\n" + "x" * 9_000_000, field='name="x"; filename="x"')),
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


@pytest.mark.parametrize("path", [URL, "/sign-in", "/admin/login/", "/oauth/token/", "/set-up/open/x", "/nothing"])
def test_a_file_of_any_size_is_refused_at_any_address_before_it_is_read(browser: Browser, path: str) -> None:
    """A stranger could otherwise fill the disk: Django writes a large file there while it reads the form, whatever the form is."""
    read: list[bytes] = []

    class Endless(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(b"x")
            return b"x" * min(size or 0, 1_000)

    head = b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n'
    endless: Any = {"wsgi.input": Endless(), "CONTENT_LENGTH": str(10**11)}
    answer = browser.http.generic("POST", path, head, "multipart/form-data; boundary=b", **endless)
    assert (answer.status_code, read) == (413, [])


def test_a_file_within_the_limit_is_kept_in_memory(browser: Browser, settings: LazySettings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    answer = browser.http.post(URL, {"x": SimpleUploadedFile("x.xml", bytes(7_000_000))})
    assert answer.status_code == 400
