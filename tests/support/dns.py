"""A small DNS server on loopback, by UDP and TCP: what a resolver of ours answers about TXT records."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Texts = list[tuple[str, ...]]
"""The TXT records of a name, each with its strings."""


@dataclass
class TxtServer:
    """``records`` are the TXT records of each name; other names do not exist. ``questions`` are the names of the questions, in order."""

    records: dict[str, Texts] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    is_silent: bool = False
    is_failing: bool = False
    is_forged: bool = False
    """Answers with the identifier of another question."""
    port: int = 0
    meanwhile: Callable[[], None] | None = None
    """Done once, before the next answer."""

    @property
    def resolvers(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", self.port)]

    def answer(self, packet: bytes, *, most: int) -> bytes | None:
        question = dns.message.from_wire(packet)
        name = question.question[0].name.to_text(omit_final_dot=True)
        self.questions.append(name)
        if (act := self.meanwhile) is not None:
            self.meanwhile = None
            act()
        if self.is_silent:
            return None
        answer = dns.message.make_response(question, recursion_available=True)
        if self.is_forged:
            answer.id = question.id ^ 1
        target = self.aliases.get(name, name)
        if self.is_failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif target not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            if target != name:
                answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{target}."))
            lines = [" ".join(f'"{text}"' for text in texts) for texts in self.records[target]]
            if lines:
                answer.answer.append(dns.rrset.from_text(f"{target}.", 60, "IN", "TXT", *lines))
        wire = answer.to_wire(max_size=65535)
        if len(wire) > most:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            wire = answer.to_wire()
        return wire


@contextmanager
def running_dns(port: int = 0) -> Iterator[TxtServer]:
    """Start a server at a port, or at a free one; stop it at the end."""
    server = TxtServer()
    with socket.socket(type=socket.SOCK_STREAM) as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind(("127.0.0.1", port))
        server.port = stream.getsockname()[1]
        datagrams.bind(("127.0.0.1", server.port))
        stream.listen()
        for one in (stream, datagrams):
            one.settimeout(0.05)
        stopped = threading.Event()
        threads = [
            threading.Thread(target=_serve_datagrams, args=(server, datagrams, stopped)),
            threading.Thread(target=_serve_streams, args=(server, stream, stopped)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            stopped.set()
            for thread in threads:
                thread.join()


def _serve_datagrams(server: TxtServer, datagrams: socket.socket, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            packet, sender = datagrams.recvfrom(4096)
        except TimeoutError:
            continue
        if (wire := server.answer(packet, most=512)) is not None:
            datagrams.sendto(wire, sender)


def _serve_streams(server: TxtServer, stream: socket.socket, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            connected, _ = stream.accept()
        except TimeoutError:
            continue
        with connected, connected.makefile("rb") as sent:
            (length,) = struct.unpack("!H", sent.read(2))
            if (wire := server.answer(sent.read(length), most=65535)) is not None:
                connected.sendall(struct.pack("!H", len(wire)) + wire)
