"""Several nodes of the service on one database, behind one address; a test chooses the node for each request."""

import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from devtools.ports import wait_for_answer
from devtools.services import services
from devtools.web_server import WebServer
from tests.support.service import Service, free_port, running_commands

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class LoadBalancer:
    """``plan`` maps the end of a path to a node; the first node serves all other paths. ``served`` lists the node of each request."""

    service: Service
    ports: list[int]
    plan: dict[str, int] = field(default_factory=dict)
    served: set[int] = field(default_factory=set)

    def node_for(self, path: str) -> int:
        return next((node for end, node in self.plan.items() if path.endswith(end)), 0)


@contextmanager
def running_nodes(service: Service, number: int) -> Iterator[LoadBalancer]:
    """Start nodes on the database of ``service``, each a server of its own, and a load balancer before them."""
    front = ThreadingHTTPServer(("localhost", 0), _Front)
    url = f"http://localhost:{front.server_port}"
    environment = service.environment | {"PUBLIC_URL": url}
    nodes = [WebServer(free_port(), workers=1, threads=4) for _ in range(number)]
    with services() as running, front, running_commands(environment, service.checkout.root) as commands:
        seen = replace(service, url=url, environment=environment, commands=commands)
        balancer = LoadBalancer(seen, [node.port for node in nodes])
        front.balancer = balancer  # type: ignore[attr-defined]
        for node in nodes:
            running.start("node", node.command(service.checkout), os.environ | environment, service.checkout.root)
        for node in nodes:
            wait_for_answer(f"http://127.0.0.1:{node.port}/healthz", running.check, urlsplit(url).netloc)
        thread = threading.Thread(target=front.serve_forever, daemon=True)
        thread.start()
        yield balancer
        front.shutdown()
        thread.join()


class _Front(BaseHTTPRequestHandler):
    """Passes on one request a connection, with all of its headers: also Host, which says what the browser asked for."""

    def do_GET(self) -> None:
        balancer: LoadBalancer = self.server.balancer  # type: ignore[attr-defined]
        node = balancer.node_for(urlsplit(self.path).path)
        balancer.served.add(node)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        behind = http.client.HTTPConnection("127.0.0.1", balancer.ports[node])
        behind.request(self.command, self.path, body, dict(self.headers))
        answer = behind.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        behind.close()

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
