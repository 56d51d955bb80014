# SPDX-License-Identifier: Apache-2.0
"""A client of a TURN server (RFC 8656) over UDP, TCP or TLS, and whom it reaches by the relay."""

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import secrets
import socket
import ssl
import struct
import threading
import time

from lab import stun
from lab.media import Stream
from lab.namespaces import Namespace
from lab.network import EDGE_SECOND_V4, EDGE_V4, EDGE_V6, Participant

SECRET = "only the lab's"
ALLOCATE, REFRESH, CHANNEL_BIND = 0x0003, 0x0004, 0x0009
CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS = 0x000C, 0x000D, 0x0012
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
SUCCESS, UDP, CHANNEL = 0x0100, 17, 0x4000
CHANNEL_DATA = struct.pack("!H", CHANNEL)
LIFETIME_S = 600
PEER_PORT = 9999
PACKETS_PER_S = 20
ANSWER_S = 2.0


def password_of(username: str) -> str:
    """As coturn's static-auth-secret makes it."""
    return base64.b64encode(hmac.digest(SECRET.encode(), username.encode(), "sha1")).decode()


def _xored(address: str, port: int) -> bytes:
    packed = ipaddress.IPv4Address(address).packed
    mask = struct.pack("!I", stun.COOKIE)
    return struct.pack("!xBH", 1, port ^ stun.COOKIE >> 16) + bytes(
        one ^ other for one, other in zip(packed, mask))


def _unxored(value: bytes) -> tuple[str, int]:
    port, = struct.unpack_from("!H", value, 2)
    mask = struct.pack("!I", stun.COOKIE)
    packed = bytes(one ^ other for one, other in zip(value[4:8], mask))
    return str(ipaddress.IPv4Address(packed)), port ^ stun.COOKIE >> 16


class RelayPeer:
    """Reached by relays alone. It sends to all whom it ever heard, whether or not it still does."""

    def __init__(self, namespace: Namespace):
        self.heard: dict[tuple[str, int], list[float]] = {}
        self._sock = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((EDGE_SECOND_V4, PEER_PORT))
        self._sock.settimeout(1 / PACKETS_PER_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay peer")
        self._thread.start()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            # A relay that is gone answers with an error.
            with contextlib.suppress(TimeoutError, ConnectionError):
                _, sender = self._sock.recvfrom(2048)
                self.heard.setdefault(sender, []).append(time.monotonic())
            if time.monotonic() >= due:
                due = time.monotonic() + 1 / PACKETS_PER_S
                for relay in list(self.heard):
                    with contextlib.suppress(ConnectionError):
                        self._sock.sendto(b"peer", relay)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._sock.close()


class TurnClient:
    """Sends and receives from `begin` on, until it is ended or its connection is."""

    def __init__(self, participant: Participant, username: str, over: str = "udp", family: int = 4,
                 port: int = 3478):
        self.name = f"{participant.name} over {over.upper()}/IPv{family}"
        self.heard: list[float] = []
        self.relay = "", 0
        self._username, self._over = username, over
        self._server = EDGE_V4 if family == 4 else EDGE_V6, port
        self._known: list[tuple[int, bytes]] = []
        self._key = b""
        kind = socket.SOCK_DGRAM if over == "udp" else socket.SOCK_STREAM
        self._sock = participant.socket(family, kind)
        self._buffer, self._to_send = b"", list[bytes]()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name)

    def begin(self) -> "TurnClient":
        """TimeoutError where no answer comes."""
        self._sock.settimeout(ANSWER_S)
        self._sock.connect(self._server)
        if self._over == "tls":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._sock = context.wrap_socket(self._sock)
        self.relay = self._allocate()
        self._sock.settimeout(1 / PACKETS_PER_S)
        self._thread.start()
        return self

    # Setting up: one question after the other.

    def _allocate(self) -> tuple[str, int]:
        transport = (REQUESTED_TRANSPORT, struct.pack("!Bxxx", UDP))
        refusal = self._ask(ALLOCATE, transport)
        realm, nonce = refusal.value(REALM), refusal.value(NONCE)
        self._known = [(stun.USERNAME, self._username.encode()), (REALM, realm), (NONCE, nonce)]
        words = (self._username.encode(), realm, password_of(self._username).encode())
        self._key = hashlib.md5(b":".join(words)).digest()
        answer = self._ask(ALLOCATE, transport, self._lifetime(LIFETIME_S))
        self._ask(CHANNEL_BIND, (CHANNEL_NUMBER, struct.pack("!Hxx", CHANNEL)),
                  (XOR_PEER_ADDRESS, _xored(EDGE_SECOND_V4, PEER_PORT)))
        return _unxored(answer.value(XOR_RELAYED_ADDRESS))

    @staticmethod
    def _lifetime(seconds: int) -> tuple[int, bytes]:
        return LIFETIME, struct.pack("!I", seconds)

    def _request(self, kind: int, *attributes: tuple[int, bytes]) -> tuple[bytes, bytes]:
        transaction = secrets.token_bytes(12)
        return transaction, stun.build(kind, transaction, [*attributes, *self._known], self._key)

    def _ask(self, kind: int, *attributes: tuple[int, bytes]) -> stun.Message:
        """Only the first question, without credentials, may be refused."""
        transaction, request = self._request(kind, *attributes)
        self._sock.send(request)
        while True:
            for data in self._receive():
                answer = stun.parse(data)
                if answer is not None and answer.transaction == transaction:
                    assert answer.kind == kind | SUCCESS or not self._known, (
                        f"{self.name}: {answer.value(stun.ERROR_CODE)!r}")
                    return answer

    def _receive(self) -> list[bytes]:
        """Whole messages, at least a part of one was waited for."""
        data = self._sock.recv(4096)
        if self._over == "udp":
            return [data]
        if not data:
            raise ConnectionError("the server ended the connection")
        self._buffer += data
        messages = []
        while len(self._buffer) >= 4:
            kind, length = struct.unpack_from("!HH", self._buffer)
            # Over a stream, channel data is padded to a multiple of 4 (RFC 8656 section 12.5).
            whole = 4 + length + -length % 4 if kind & CHANNEL else stun.HEADER_BYTES + length
            if len(self._buffer) < whole:
                break
            messages.append(self._buffer[:whole])
            self._buffer = self._buffer[whole:]
        return messages

    # Data, in both directions.

    def refresh(self, seconds: int = LIFETIME_S) -> None:
        """Asks for it. Whether it is answered is not waited for."""
        self._to_send.append(self._request(REFRESH, self._lifetime(seconds))[1])

    def _run(self) -> None:
        due = 0.0
        while not self._stopping.is_set():
            if time.monotonic() >= due:
                due = time.monotonic() + 1 / PACKETS_PER_S
                self._to_send.append(struct.pack("!HH", CHANNEL, 4) + b"data")
            try:
                while self._to_send:
                    self._sock.send(self._to_send.pop(0))
                if any(message.startswith(CHANNEL_DATA) for message in self._receive()):
                    self.heard.append(time.monotonic())
            except TimeoutError:
                pass  # no room, or nothing came: lost, as it would be on the way
            except ConnectionError:
                if self._over != "udp":
                    return

    def streams(self, peer: RelayPeer) -> list[Stream]:
        """In both directions."""
        return [Stream(f"{self.name}, to the peer", lambda: peer.heard.get(self.relay, [])),
                Stream(f"{self.name}, from the peer", lambda: self.heard)]

    def end(self) -> None:
        """The allocation, if it can be reached; else it stays until its time is over."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(OSError):
            self._sock.send(self._request(REFRESH, self._lifetime(0))[1])
        self._sock.close()
