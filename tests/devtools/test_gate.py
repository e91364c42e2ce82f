"""A server behind a gate answers nobody before the gate opens."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from devtools.checkout import this_checkout
from devtools.gate import Gate
from devtools.services import services
from devtools.web_server import WebServer
from tests.support.clients import open_client
from tests.support.service import free_port


def wait_for_listener(port: int) -> None:
    """Return when somebody listens: without a gate, a request would be answered soon from now on."""
    ends = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < ends, "nobody listens"
            time.sleep(0.05)


def test_a_request_that_comes_early_is_answered_when_the_gate_opens() -> None:
    gate, port = Gate(), free_port()
    trivial = "wsgiref.simple_server:demo_app"
    server = WebServer(port, workers=1, threads=2, binds=[f"127.0.0.1:{port}"], application=trivial, gate=gate)
    http = open_client(base_url=f"http://127.0.0.1:{port}")
    with services([gate.end]) as running, ThreadPoolExecutor(1) as pool:
        running.start("gunicorn", server.command(this_checkout()), {}, this_checkout().root)
        wait_for_listener(port)
        answer = pool.submit(http.get, "/")
        with pytest.raises(TimeoutError):
            answer.result(timeout=1)
        gate.open()
        assert answer.result(timeout=10).text.startswith("Hello world!")
