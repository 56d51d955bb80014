# SPDX-License-Identifier: Apache-2.0
"""The media server of the lab: answers every datagram and every byte with itself."""

import contextlib
import selectors
import socket
import threading

from lab.endpoints import PORT_A, PORT_B, PORT_C, PORT_D, PORT_OTHER, Endpoint
from lab.namespaces import Namespace
from lab.network import EDGE_SECOND_V4, EDGE_SECOND_V6, EDGE_V4, EDGE_V6

ADDRESSES = (EDGE_V4, EDGE_V6, EDGE_SECOND_V4, EDGE_SECOND_V6)
PORTS = (PORT_A, PORT_B, PORT_C, PORT_D, PORT_OTHER)
# The thread may be off the processor for a while; what arrives meanwhile must not be lost.
BUFFER_BYTES = 8 << 20


def enlarge_buffers(sock: socket.socket) -> None:
    so_sndbufforce, so_rcvbufforce = 32, 33  # not in Python's socket module
    sock.setsockopt(socket.SOL_SOCKET, so_sndbufforce, BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, so_rcvbufforce, BUFFER_BYTES)


class EchoService:
    def __init__(self, namespace: Namespace, ports: tuple[int, ...] = PORTS):
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._selector.register(self._stop_reader, selectors.EVENT_READ, None)
        for port in ports:
            for address in ADDRESSES:
                self._listen(namespace, Endpoint("udp", address, port), self._datagrams)
                self._listen(namespace, Endpoint("tcp", address, port), self._accept)
        self._thread = threading.Thread(target=self._serve, name="echo")
        self._thread.start()

    def _listen(self, namespace: Namespace, endpoint: Endpoint, handler) -> None:
        family = socket.AF_INET if endpoint.family == 4 else socket.AF_INET6
        sock = namespace.socket(family, endpoint.kind)
        sock.setblocking(False)
        sock.bind((endpoint.address, endpoint.port))
        if endpoint.transport == "tcp":
            sock.listen(128)
        else:
            enlarge_buffers(sock)
        self._selector.register(sock, selectors.EVENT_READ, handler)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    @staticmethod
    def _datagrams(sock: socket.socket) -> None:
        # The sender may be gone by now: nobody is waiting for that answer.
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                data, sender = sock.recvfrom(65536)
                sock.sendto(data, sender)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            sock, _ = listener.accept()
            self._selector.register(sock, selectors.EVENT_READ, self._bytes)

    def _bytes(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
            if data:
                # A peer that does not read must not hold up the others for long.
                sock.settimeout(1.0)
                sock.sendall(data)
                return
        except OSError:
            pass
        self._selector.unregister(sock)
        sock.close()

    def close(self) -> None:
        self._stop_writer.send(b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        self._stop_writer.close()
