# SPDX-License-Identifier: Apache-2.0
"""Takes part in a room of Janus, or by a relay of coturn, and then asks one question after the other: STUN checks, or
refreshes of the allocation. Says each time how many it asked, how many answers came, and how many it asked since the
latest answer.

    participant.py FILE ADDRESS SERVER janus ROOM
    participant.py FILE ADDRESS SERVER coturn USERNAME PASSWORD
"""

import hashlib
import http.client
import json
import re
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import stun

JANUS_PORT, TURN_PORT = 8088, 3478
# Janus forgets whom it has not heard of for a minute.
QUESTION_S, ALIVE_S, ANSWER_S = 0.25, 10.0, 60.0
USE_CANDIDATE, LOOPBACK = 0x0025, "127.0.0.1"
UFRAG, PASSWORD = secrets.token_hex(4), secrets.token_hex(12)
OFFER = f"""v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=ice-ufrag:{UFRAG}
a=ice-pwd:{PASSWORD}
a=ice-options:trickle
a=fingerprint:sha-256 FINGERPRINT
a=setup:active
a=mid:0
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=candidate:1 1 udp 2122194687 ADDRESS PORT typ host
""".replace("\n", "\r\n")

ALLOCATE, REFRESH, SUCCESS = 0x0003, 0x0004, 0x0100
LIFETIME, REALM, NONCE, REQUESTED_TRANSPORT = 0x000D, 0x0014, 0x0015, 0x0019
UDP, LIFETIME_S, MOST_BYTES = 17, 600, 4096
ANSWERS = stun.SUCCESS, REFRESH | SUCCESS


class Dtls:
    """openssl's client, whose datagrams go to Janus and come from there by the socket of the checks: without a handshake
    Janus gives up after a while."""

    def __init__(self, sock: socket.socket, folder: Path):
        self._sock, self._folder = sock, folder
        self._process: subprocess.Popen[bytes] | None = None
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=participant", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem")
        certificate = ssl.PEM_cert_to_DER_cert((folder / "certificate.pem").read_text(encoding="ascii"))
        self.fingerprint = hashlib.sha256(certificate).digest().hex(":").upper()
        self._inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inner.bind((LOOPBACK, 0))
        self._client = LOOPBACK, 0

    def begin(self) -> None:
        """Once, however often it is called."""
        if self._process is None:
            address = f"{LOOPBACK}:{self._inner.getsockname()[1]}"
            command = ("openssl", "s_client", "-quiet", "-dtls1_2", "-use_srtp", "SRTP_AES128_CM_SHA1_80",
                       "-connect", address, "-cert", self._folder / "certificate.pem",
                       "-key", self._folder / "key.pem")
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL)
            threading.Thread(target=self._relay, name="dtls", daemon=True).start()

    def _relay(self) -> None:
        while True:
            data, self._client = self._inner.recvfrom(MOST_BYTES)
            self._sock.send(data)

    def take(self, data: bytes) -> None:
        if self._client[1]:
            self._inner.sendto(data, self._client)


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Janus:
    """Its HTTP API, and a PeerConnection."""

    def __init__(self, sock: socket.socket, server: str, room: int, folder: Path):
        self._server, (self._address, port) = server, sock.getsockname()
        self._dtls = Dtls(sock, folder)
        offer = (OFFER.replace("ADDRESS", self._address).replace("PORT", str(port))
                 .replace("FINGERPRINT", self._dtls.fingerprint))
        self._session = self._created("/janus", janus="create")
        handle = self._created(self._session, janus="attach", plugin="janus.plugin.videoroom")
        self._post(handle, janus="message", body={"request": "joinandconfigure", "room": room, "ptype": "publisher"},
                   jsep={"type": "offer", "sdp": offer, "trickle": True})
        answer = self._answer()
        self._username = f"{self._found('a=ice-ufrag:(.*)', answer)}:{UFRAG}"
        self._password = self._found("a=ice-pwd:(.*)", answer)
        self.port = int(self._found(rf"a=candidate:\S+ 1 udp \d+ {re.escape(server)} (\d+) typ host", answer))

    def _request(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(self._server, JANUS_PORT, ANSWER_S, (self._address, 0))
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["janus"] != "error" and "error" not in answer.get("plugindata", {}).get("data", {}), answer
        return answer

    def _post(self, path: str, **body: Any) -> Any:
        return self._request("POST", path, json.dumps(body | {"transaction": secrets.token_hex(4)}))

    def _created(self, path: str, **body: Any) -> str:
        return f"{path}/{self._post(path, **body)['data']['id']}"

    def _answer(self) -> str:
        while "jsep" not in (event := self._request("GET", self._session)):
            pass
        return event["jsep"]["sdp"]

    @staticmethod
    def _found(pattern: str, text: str) -> str:
        match = re.search(pattern, text)
        assert match, f"no {pattern} in {text}"
        return match[1].strip()

    def keep_alive(self) -> None:
        self._post(self._session, janus="keepalive")

    def question(self) -> tuple[bytes, bytes]:
        transaction = secrets.token_bytes(12)
        attributes = [(stun.USERNAME, self._username.encode()), (stun.ICE_CONTROLLING, bytes(8)),
                      (stun.PRIORITY, struct.pack("!I", 0x6E7F1EFF)), (USE_CANDIDATE, b"")]
        return transaction, stun.build(stun.REQUEST, transaction, attributes, self._password)

    def on_answer(self) -> None:
        self._dtls.begin()

    def on_else(self, data: bytes) -> bytes:
        """What to send back, if anything: checks of Janus' own are answered."""
        message = stun.parse(data)
        if message is not None and message.kind == stun.REQUEST:
            return stun.success(message.transaction, self._server, self.port, PASSWORD)
        if message is None and 20 <= data[0] < 64:
            self._dtls.take(data)
        return b""


class Coturn:
    port = TURN_PORT

    def __init__(self, sock: socket.socket, username: str, password: str):
        sock.settimeout(ANSWER_S)
        transport = (REQUESTED_TRANSPORT, struct.pack("!Bxxx", UDP))
        self._key, self._known = b"", list[tuple[int, bytes]]()
        refusal = self._ask(sock, transport)
        realm = refusal.value(REALM)
        self._key = hashlib.md5(b":".join((username.encode(), realm, password.encode()))).digest()
        self._known = [(stun.USERNAME, username.encode()), (REALM, realm), (NONCE, refusal.value(NONCE))]
        answer = self._ask(sock, transport, (LIFETIME, struct.pack("!I", LIFETIME_S)))
        assert answer.kind == ALLOCATE | SUCCESS, answer.value(stun.ERROR_CODE)

    def _ask(self, sock: socket.socket, *attributes: tuple[int, bytes]) -> stun.Message:
        transaction, request = self._request(ALLOCATE, *attributes)
        sock.send(request)
        while (answer := stun.parse(sock.recv(MOST_BYTES))) is None or answer.transaction != transaction:
            pass
        return answer

    def _request(self, kind: int, *attributes: tuple[int, bytes]) -> tuple[bytes, bytes]:
        transaction = secrets.token_bytes(12)
        return transaction, stun.build(kind, transaction, [*attributes, *self._known], self._key)

    def keep_alive(self) -> None:
        """Each question does."""

    def question(self) -> tuple[bytes, bytes]:
        return self._request(REFRESH, (LIFETIME, struct.pack("!I", LIFETIME_S)))

    def on_answer(self) -> None:
        """Nothing follows."""

    def on_else(self, _: bytes) -> bytes:
        return b""


def received(sock: socket.socket, until: float) -> Iterator[bytes]:
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            yield sock.recv(MOST_BYTES)
        except TimeoutError:
            return


def ask(sock: socket.socket, server: Janus | Coturn, file: Path) -> None:
    """Answers count also where they come late."""
    asked, answered, silent, awaited = 0, 0, 0, set[bytes]()
    alive = time.monotonic()
    while True:
        transaction, question = server.question()
        awaited.add(transaction)
        sock.send(question)
        asked, silent = asked + 1, silent + 1
        for data in received(sock, time.monotonic() + QUESTION_S):
            message = stun.parse(data)
            if message is not None and message.kind in ANSWERS and message.transaction in awaited:
                awaited.discard(message.transaction)
                answered, silent = answered + 1, 0
                server.on_answer()
            elif back := server.on_else(data):
                sock.send(back)
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{asked} {answered} {silent}\n", encoding="ascii")
        fresh.rename(file)
        if time.monotonic() > alive + ALIVE_S:
            alive = time.monotonic()
            server.keep_alive()


def main(file: str, address: str, server: str, kind: str, *words: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, tempfile.TemporaryDirectory() as folder:
        sock.bind((address, 0))
        if kind == "janus":
            janus = Janus(sock, server, int(words[0]), Path(folder))
            sock.connect((server, janus.port))
            ask(sock, janus, Path(file))
        sock.connect((server, TURN_PORT))
        ask(sock, Coturn(sock, *words), Path(file))


main(*sys.argv[1:])
