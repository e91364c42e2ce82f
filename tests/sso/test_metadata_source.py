"""Fetching metadata by its address, from a real server with real TLS: the permitted addresses, and the time limit."""

import gzip
import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sso.saml.idp_metadata import MetadataFaults, read_idp_metadata
from sso.settings.metadata_source import INTERNET, MAX_BYTES, Reach, fetch, fetch_within, is_public

HOST = "idp.test"
ENDLESS = {
    "/drip": (b"", b"H", 0.05),
    "/drip-body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"x", 0.05),
    "/drip-chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.05),
    "/continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "/body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0),
    "/chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n", 0),
    "/headers": (b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 60000 + b"\r\n", 0),
    "/header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536, 0),
    "/status": (b"HTTP/1.1 200 ", b"x" * 65536, 0),
}
"""The answer of a hostile server: the first bytes, the bytes that it repeats, and the pause in seconds."""


@dataclass
class Server:
    """``answers``: what each path is answered with: status, headers, body. ``paths``: the paths, as they came."""

    port: int
    tls: ssl.SSLContext
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def url(self, path: str = "/metadata", host: str = HOST) -> str:
        return f"https://{host}:{self.port}{path}"

    @property
    def reach(self) -> Reach:
        """Loopback instead of the Internet, for one name; everything else is as in production."""
        return Reach(
            resolve=lambda host, _: {HOST: ["127.0.0.1"], "inside.test": ["10.0.0.1"]}[host],
            permits=lambda address: address == "127.0.0.1",
            allows_url=lambda url: url.startswith("https://"),
            tls=lambda: self.tls,
            seconds=2,
        )


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(9))
    builder = builder.add_extension(names, critical=False)
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
        key, hashes.SHA256()
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    certificate, private = _certificate(tmp_path_factory.mktemp("tls"))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            local_server.paths.append(self.path)
            if self.path in ENDLESS:
                first, again, pause = ENDLESS[self.path]
                try:
                    self.wfile.write(first)
                    while True:
                        self.wfile.write(again)
                        self.wfile.flush()
                        time.sleep(pause)
                except OSError:
                    return
            status, headers, body = local_server.answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return  # they have heard enough

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A peer that does not trust us hangs up."""

    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, private)
    web = Quiet(("127.0.0.1", 0), Handler)
    web.socket = ours.wrap_socket(web.socket, server_side=True)
    local_server = Server(web.server_port, ssl.create_default_context(cafile=str(certificate)))
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield local_server
    web.shutdown()
    web.server_close()


@pytest.fixture
def server(running: Server) -> Server:
    running.answers = {"/metadata": (200, {}, b"<x/>")}
    running.paths.clear()
    return running


def code(reach: Reach, url: str) -> str:
    with pytest.raises(MetadataFaults) as refusal:
        fetch_within(reach, url)
    ((name, sentence),) = refusal.value.faults
    assert sentence.endswith(".")
    return name


def test_a_document_is_fetched_and_never_kept(server: Server) -> None:
    assert fetch_within(server.reach, server.url()) == b"<x/>"
    server.answers["/metadata"] = (200, {"Cache-Control": "max-age=9999"}, b"<y/>")
    assert [fetch_within(server.reach, server.url()) for _ in range(2)] == [b"<y/>", b"<y/>"]
    assert server.paths == ["/metadata"] * 3


def test_no_proxy_of_the_environment_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch_within(server.reach, server.url()) == b"<x/>"


def test_three_redirects_are_followed_and_a_fourth_is_not(server: Server) -> None:
    server.answers |= {f"/{n}": (302, {"Location": f"/{n - 1}"}, b"") for n in range(1, 5)}
    server.answers["/0"] = server.answers["/metadata"]
    assert fetch_within(server.reach, server.url("/3")) == b"<x/>"
    assert code(server.reach, server.url("/4")) == "redirects"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://inside.test/", "forbidden_address"),
        ("http://idp.test/", "unsafe_url"),
        ("file:///etc/passwd", "unsafe_url"),
        ("//inside.test/", "forbidden_address"),
        ("https://idp.test@inside.test/", "forbidden_address"),
        ("gopher://idp.test/", "unsafe_url"),
        ("https://", "redirects"),
        ("/away", "redirects"),
        ("", "redirects"),
    ],
)
def test_each_redirect_is_checked_again(server: Server, target: str, expected: str) -> None:
    server.answers["/away"] = (302, {"Location": target}, b"")
    assert code(server.reach, server.url("/away")) == expected


def test_a_name_is_looked_up_once_and_the_connection_goes_to_the_checked_address(server: Server) -> None:
    """DNS rebinding: the second answer would be another host."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    reach = replace(server.reach, resolve=lambda *_: next(answers))
    assert fetch_within(reach, server.url()) == b"<x/>"
    assert next(answers) == ["10.0.0.1"]


def test_one_forbidden_answer_among_good_ones_refuses_the_name(server: Server) -> None:
    reach = replace(server.reach, resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert code(reach, server.url()) == "forbidden_address"
    assert server.paths == []


def test_a_certificate_of_another_name_or_of_nobody_we_trust_is_refused(server: Server) -> None:
    reach = replace(server.reach, resolve=lambda *_: ["127.0.0.1"])
    assert code(reach, server.url(host="other.test")) == "tls"
    assert code(replace(reach, tls=INTERNET.tls), server.url()) == "tls"


@pytest.mark.parametrize("path", ["/drip", "/drip-body", "/drip-chunks", "/continue"])
def test_a_peer_that_drips_is_cut_off(server: Server, path: str) -> None:
    began = time.monotonic()
    assert code(replace(server.reach, seconds=0.3), server.url(path)) == "too_slow"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/body", "too_large"),
        ("/chunks", "too_large"),
        ("/headers", "unreachable"),
        ("/header", "unreachable"),
        ("/status", "unreachable"),
    ],
)
def test_a_peer_that_never_ends_is_left_after_a_bounded_read(server: Server, path: str, expected: str) -> None:
    assert code(server.reach, server.url(path)) == expected


def test_a_peer_that_accepts_and_sends_nothing_is_given_up(server: Server) -> None:
    """Not even the TLS handshake."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://{HOST}:{silent.getsockname()[1]}/"
        assert code(replace(server.reach, seconds=0.3), url) == "too_slow"


def test_a_few_bytes_that_would_inflate_to_megabytes_are_not_inflated(server: Server) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    server.answers["/bomb"] = (200, {"Content-Encoding": "gzip", "Content-Length": str(len(bomb))}, bomb)
    assert code(server.reach, server.url("/bomb")) == "encoded"
    server.answers["/undeclared"] = (200, {"Content-Type": "application/gzip"}, bomb)
    assert fetch_within(server.reach, server.url("/undeclared")) == bomb, (
        "a document without the header is not inflated"
    )


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/octet-stream", "nonsense"])
def test_a_document_is_judged_by_its_content_not_its_name(server: Server, kind: str) -> None:
    server.answers["/odd"] = (200, {"Content-Type": kind}, b"<!DOCTYPE html><html><title>Sign in</title></html>")
    page = fetch_within(server.reach, server.url("/odd"))
    with pytest.raises(MetadataFaults, match="This is a web page, not metadata"):
        read_idp_metadata(page, now=datetime.now(UTC), loopback=False)


def test_a_name_look_up_that_never_ends_is_abandoned(server: Server) -> None:
    done = threading.Event()
    reach = replace(server.reach, seconds=0.1, resolve=lambda *_: ["127.0.0.1"] if done.wait(5) else [])
    assert code(reach, server.url()) == "too_slow"
    done.set()
    assert server.paths == []


def test_an_unknown_name_is_reported(server: Server) -> None:
    def nobody(*_: object) -> list[str]:
        raise OSError

    assert code(replace(server.reach, resolve=nobody), server.url()) == "unknown_host"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {}, b"x" * (MAX_BYTES + 1)), "too_large"),
        ((200, {"Content-Encoding": "gzip"}, b"x"), "encoded"),
        ((404, {}, b""), "status"),
        ((200, {"Content-Length": "9"}, b"x"), "unreachable"),
    ],
)
def test_an_answer_that_is_not_a_document_is_named(
    server: Server, answer: tuple[int, dict[str, str], bytes], expected: str
) -> None:
    server.answers["/odd"] = answer
    assert code(server.reach, server.url("/odd")) == expected


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
        "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
        "64:ff9b:1::1", "2002:7f00:1::1", "2001:0:7f00:1::1", "2001:db8::1", "nonsense", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_addresses_of_the_internet_are_taken(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.test/",
        "https://idp.test:22/",
        "https://idp.test:9200/",
        "https://idp.test:44300/",
        "https://a@idp.test/",
        "https://idp.tést/",
        "https://",
        "x",
        "https://[::1",
        "https://①②⑦.0.0.1/",
        "https://idp.test\\@127.0.0.1/",
        "https://idp.test/#x",
        "https://idp.test/ x",
        "https://idp.test/\r\nX: y",
    ],
)
def test_production_takes_https_addresses_only(url: str) -> None:
    assert code(INTERNET, url) == "unsafe_url"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://localhost:8443/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.1/",
        "https://0/",
        "https://[::]/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
    ],
)
def test_production_reaches_nothing_of_this_machine(url: str) -> None:
    with pytest.raises(MetadataFaults) as refusal:
        fetch(url)
    assert [name for name, _ in refusal.value.faults] == ["forbidden_address"]
