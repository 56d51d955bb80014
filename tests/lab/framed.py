# SPDX-License-Identifier: Apache-2.0
"""Datagrams, over UDP or in a TCP connection with a length before each (RFC 4571, ICE-TCP)."""

import socket
import struct

MOST_BYTES = 65536


class Framed:
    """What a connected, non-blocking socket brings and takes, as datagrams."""

    def __init__(self, sock: socket.socket):
        self.socket = sock
        self._is_stream = sock.type == socket.SOCK_STREAM
        self._buffer = b""
        self.closed = False

    def send(self, data: bytes) -> None:
        try:
            self.socket.send(struct.pack("!H", len(data)) + data if self._is_stream else data)
        except (BlockingIOError, ConnectionError):
            pass  # no room, or nobody there: lost, as datagrams are

    def receive(self) -> list[bytes]:
        """All that has come."""
        datagrams: list[bytes] = []
        try:
            while not self.closed:
                data = self.socket.recv(MOST_BYTES)
                if not self._is_stream:
                    datagrams.append(data)
                    continue
                self.closed = not data
                self._buffer += data
        except BlockingIOError:
            pass
        except OSError:  # refused, reset
            self.closed = self._is_stream
        while len(self._buffer) >= 2:
            end = 2 + struct.unpack_from("!H", self._buffer)[0]
            if len(self._buffer) < end:
                break
            datagrams.append(self._buffer[2:end])
            self._buffer = self._buffer[end:]
        return datagrams
