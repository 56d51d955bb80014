# SPDX-License-Identifier: Apache-2.0
"""A media server with one port for everybody: an ICE-lite agent (RFC 8445 section 2.5) that tells
its transports apart as servers do, first by the remote address, then by the ufrag. Media of those
it knows is sent back, and it sends media, and checks, by itself."""

import contextlib
import secrets
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from lab import stun
from lab.echo import enlarge_buffers
from lab.endpoints import Endpoint
from lab.framed import MOST_BYTES, Framed
from lab.namespaces import Namespace
from lab.network import EDGE_V4, EDGE_V6

SHARED_PORT = 10000
ECHOED, PUSHED = b"\x80c", b"\x80s"  # media of the client's and of the server's own


def media(kind: bytes, number: int) -> bytes:
    """Looks like RTP (RFC 7983) and carries a number."""
    return (kind + struct.pack("!Q", number)).ljust(160, b".")


def number_of(data: bytes) -> int:
    return struct.unpack_from("!Q", data.ljust(10, b"\0"), 2)[0]


@dataclass(frozen=True)
class Credentials:
    ufrag: str
    password: str


class Transport:
    """One transport of the server's. After an ICE restart it takes the old credentials, too."""

    def __init__(self):
        self.passwords: dict[str, str] = {}
        self.credentials = self.restart()

    def restart(self) -> Credentials:
        self.credentials = Credentials(secrets.token_hex(8), secrets.token_hex(12))
        self.passwords[self.credentials.ufrag] = self.credentials.password
        return self.credentials


class IceServer:
    """`takes_over`: an address that is known already goes to whoever names himself on it, which
    is as badly as a server can do; else it stays whose it was."""

    def __init__(self, namespace: Namespace, port: int = SHARED_PORT, takes_over: bool = False):
        self._takes_over = takes_over
        self._transports: list[Transport] = []
        self._known: dict[Hashable, Transport] = {}
        self._asked: dict[bytes, Transport] = {}  # by the transaction of a check of its own
        self.heard: dict[Hashable, int] = {}  # remote address → the latest number of its media
        self._udp: dict[int, socket.socket] = {}  # by family
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._selector.register(self._stop_reader, selectors.EVENT_READ, None)
        for address in (EDGE_V4, EDGE_V6):
            self._open(namespace, Endpoint("udp", address, port))
            self._open(namespace, Endpoint("tcp", address, port))
        self._thread = threading.Thread(target=self._serve, name="ice")
        self._thread.start()

    def _open(self, namespace: Namespace, end: Endpoint) -> None:
        family = socket.AF_INET if end.family == 4 else socket.AF_INET6
        sock = namespace.socket(family, end.kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((end.address, end.port))
        sock.setblocking(False)
        if end.transport == "tcp":
            sock.listen(16)
            self._selector.register(sock, selectors.EVENT_READ, self._accept)
        else:
            enlarge_buffers(sock)
            self._udp[end.family] = sock
            self._selector.register(sock, selectors.EVENT_READ, self._datagrams)

    def new_transport(self) -> Transport:
        transport = Transport()
        self._transports.append(transport)
        return transport

    def push(self, remote: tuple[str, int], number: int) -> None:
        """Media by itself, over UDP."""
        self._udp[6 if ":" in remote[0] else 4].sendto(media(PUSHED, number), remote)

    def check(self, remote: tuple[str, int], transport: Transport, client: Credentials) -> None:
        """A check of its own, over UDP, as servers with full ICE send them. Whoever answers it
        is known."""
        transaction = secrets.token_bytes(12)
        self._asked[transaction] = transport
        username = f"{client.ufrag}:{transport.credentials.ufrag}"
        self._udp[6 if ":" in remote[0] else 4].sendto(
            stun.check(transaction, username, client.password), remote)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _datagrams(self, sock: socket.socket) -> None:
        # The sender may be gone by now: nobody is waiting for that answer.
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                data, sender = sock.recvfrom(MOST_BYTES)
                remote = sender[:2]
                self._handle(data, remote, remote,
                             lambda answer, remote=remote: sock.sendto(answer, remote))

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            sock, sender = listener.accept()
            sock.setblocking(False)
            framed = Framed(sock)
            self._selector.register(sock, selectors.EVENT_READ,
                                    lambda _: self._frames(framed, sender[:2]))

    def _frames(self, framed: Framed, remote: tuple[str, int]) -> None:
        for data in framed.receive():
            self._handle(data, framed, remote, framed.send)
        if framed.closed:
            self._selector.unregister(framed.socket)
            framed.socket.close()

    def _handle(self, data: bytes, path: Hashable, remote: tuple[str, int],
                send: Callable[[bytes], object]) -> None:
        message = stun.parse(data)
        if message is None:
            if path in self._known and data[:1] and 128 <= data[0] <= 191:
                self.heard[remote] = number_of(data)
                send(data)
        elif message.kind == stun.REQUEST:
            self._answer(message, path, remote, send)
        elif message.kind == stun.SUCCESS and message.transaction in self._asked:
            self._known[path] = self._asked.pop(message.transaction)

    def _answer(self, message: stun.Message, path: Hashable, remote: tuple[str, int],
                send: Callable[[bytes], object]) -> None:
        ufrag = message.value(stun.USERNAME).decode().split(":")[0]
        named = [transport for transport in self._transports if ufrag in transport.passwords]
        transport = self._known.get(path)
        if transport is None or self._takes_over:
            if not named:
                return
            transport = named[0]
        password = transport.passwords.get(ufrag, "")
        if not password or not message.is_by(password):
            send(stun.unauthorized(message.transaction))
            return
        self._known[path] = transport
        send(stun.success(message.transaction, *remote, password))

    def close(self) -> None:
        self._stop_writer.send(b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        self._stop_writer.close()


class Pushing:
    """A thread in which the server sends media to a remote address by itself."""

    def __init__(self, server: IceServer, remote: tuple[str, int], per_second: float = 500):
        self.sent = 0  # those below it are sent; this one may be on its way
        self._server, self._remote, self._pause = server, remote, 1 / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pushing")

    def __enter__(self) -> "Pushing":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._server.push(self._remote, self.sent)
            self.sent += 1
            self._stopping.wait(self._pause)
