"""Facts that only a real server shows: how a request is cut from the wire."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from core_identity.values import Person
from tests.journeys.conftest import Customer
from tests.support.okta import body_of
from tests.support.service import Service


def in_pieces(body: object) -> Iterator[bytes]:
    """Return a body of unknown length: httpx sends it chunked."""
    text = json.dumps(body).encode()
    yield text[:10]
    yield text[10:]


def test_a_chunked_body_is_read_like_any_other_R23(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    response = okta.http.post("/Users", content=in_pieces(body_of(jane)))
    assert response.status_code == 201, response.text
    address = f"/Users/{response.json()['id']}"
    gone = okta.http.put(address, content=in_pieces(response.json() | {"active": False}))
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    assert customer.user(str(jane.uid))["expired"]


def test_a_body_that_is_chunked_wrongly_is_a_bad_request(customer: Customer) -> None:
    http = customer.okta().http
    head = (
        f"POST {http.base_url.path.rstrip('/')}/Users HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    )
    sent = {**http.headers, "Host": http.base_url.netloc.decode(), "Content-Type": "application/scim+json"}
    names = ("Authorization", "Host", "Content-Type")
    head += "".join(f"{name}: {httpx.Headers(sent)[name]}\r\n" for name in names)
    with socket.create_connection((str(http.base_url.host), http.base_url.port or 80), timeout=20) as wire:
        wire.sendall(f"{head}\r\nno number\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(4096), b"")).decode()
    assert answer.startswith("HTTP/1.1 400 ")
    assert "application/scim+json" in answer


@pytest.mark.parametrize("prefix", ["/x", "//evil.test"])
def test_no_header_gives_the_service_another_path(service: Service, prefix: str) -> None:
    """A rule of the proxy about /admin/ must not be avoided by a header that gunicorn believes."""
    place = urlsplit(service.url)
    with socket.create_connection((str(place.hostname), place.port or 80), timeout=20) as wire:
        head = f"GET {prefix}/admin/ HTTP/1.1\r\nHost: {place.netloc}\r\nSCRIPT_NAME: {prefix}\r\nConnection: close\r\n\r\n"
        wire.sendall(head.encode())
        answer = b"".join(iter(lambda: wire.recv(4096), b"")).decode()
    assert answer.startswith("HTTP/1.1 404 "), answer.partition("\r\n\r\n")[0]


@pytest.mark.parametrize("megabytes", [2, 20])
def test_a_chunked_body_has_the_same_limit(customer: Customer, megabytes: int) -> None:
    endless = (b" " * 1024 * 1024 for _ in range(megabytes))
    answer = customer.okta().http.post("/Users", content=endless)
    assert answer.status_code == 413
