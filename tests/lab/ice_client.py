# SPDX-License-Identifier: Apache-2.0
"""Whoever takes part by ICE: checks (RFC 8445 section 7) and media from one address and port."""

import itertools
import secrets
import selectors
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab import stun
from lab.echo import enlarge_buffers
from lab.endpoints import Endpoint
from lab.framed import Framed
from lab.ice import ECHOED, PUSHED, SHARED_PORT, Credentials, media, number_of
from lab.network import EDGE_V4, EDGE_V6, FIRST_HOST, Participant
from lab.probes import BLOCKED_S, PATIENCE_S, RETRY_S

_numbers = itertools.count(1)


def shared_endpoint(family: int, transport: str = "udp") -> Endpoint:
    return Endpoint(transport, EDGE_V4 if family == 4 else EDGE_V6, SHARED_PORT)


@dataclass(frozen=True)
class Seen:
    """What came back: the answer to a check, the echo of media."""

    check: bool
    media: bool

    def __str__(self) -> str:
        return (f"checks are {'' if self.check else 'not '}answered, "
                f"media {'gets' if self.media else 'does not get'} through")


IN, OUT = Seen(True, True), Seen(False, False)


class IceClient:
    def __init__(self, participant: Participant, credentials: Credentials, family: int = 4,
                 transport: str = "udp", host: int = FIRST_HOST, port: int = 0):
        self.credentials = credentials  # the server's
        self.own = Credentials("client", secrets.token_hex(12))
        self.end = shared_endpoint(family, transport)
        sock = participant.socket(family, self.end.kind, host, port)
        enlarge_buffers(sock)  # a test does other things while media arrives
        sock.setblocking(False)
        sock.connect_ex((self.end.address, self.end.port))
        self.address: tuple[str, int] = sock.getsockname()[:2]
        self.name = f"{participant.name} over {transport.upper()}/IPv{family}"
        self.pushed: list[int] = []
        self.path = Framed(sock)
        self.begin()

    @property
    def remote(self) -> str:
        """As the product writes it."""
        host = self.address[0] if self.end.family == 4 else f"[{self.address[0]}]"
        return f"{host}:{self.address[1]}"

    def begin(self) -> None:
        """Only what is sent from now on counts."""
        self._asked: dict[bytes, str] = {}  # transaction → password
        self.first_number = next(_numbers)
        self.check_answered = self.media_echoed = False

    def check(self, credentials: Credentials | None = None) -> None:
        """`credentials`: as if somebody else behind the same address and port sent it."""
        ufrag, password = ((credentials or self.credentials).ufrag,
                           (credentials or self.credentials).password)
        transaction = secrets.token_bytes(12)
        if credentials is None:
            self._asked[transaction] = password
        self.path.send(stun.check(transaction, f"{ufrag}:{self.own.ufrag}", password))

    def send_media(self) -> None:
        self.path.send(media(ECHOED, next(_numbers)))

    def receive(self) -> None:
        for data in self.path.receive():
            message = stun.parse(data)
            if message is not None and message.kind == stun.REQUEST:
                self._answer(message)
                continue
            if message is not None:
                password = self._asked.get(message.transaction, "")
                self.check_answered |= (bool(password) and message.kind == stun.SUCCESS and
                                        message.is_by(password))
                continue
            number = number_of(data)
            if data.startswith(PUSHED):
                self.pushed.append(number)
            elif data.startswith(ECHOED):
                self.media_echoed |= number > self.first_number

    def _answer(self, message: stun.Message) -> None:
        if message.is_by(self.own.password):
            self.path.send(stun.success(message.transaction, self.end.address, self.end.port,
                                        self.own.password))

    @property
    def seen(self) -> Seen:
        return Seen(self.check_answered, self.media_echoed)

    def close(self) -> None:
        self.path.socket.close()


class _Wait:
    """One client, until all that must come is there and the time of what must not is over."""

    def __init__(self, client: IceClient, expected: Seen, checks: bool):
        self.client, self.expected, self._checks = client, expected, checks
        now = time.monotonic()
        some_must_not = (checks and not expected.check) or not expected.media
        self._patience, self._silence = now + PATIENCE_S, now + BLOCKED_S * some_must_not
        self._ask_at = now
        client.receive()  # what came before
        client.begin()

    def ask(self, now: float) -> None:
        if now >= self._ask_at:
            self._ask_at = now + RETRY_S
            if self._checks:
                self.client.check()
            self.client.send_media()

    def is_over(self, now: float) -> bool:
        seen, expected = self.client.seen, self.expected
        if (seen.check and not expected.check) or (seen.media and not expected.media):
            return True
        return now >= (self._silence if seen == expected else self._patience)


def expect(expected: Mapping[IceClient, Seen], checks: bool = True) -> None:
    """All at once; `checks` False: they send media only."""
    waits = [_Wait(client, Seen(seen.check and checks, seen.media), checks)
             for client, seen in expected.items()]
    with selectors.DefaultSelector() as selector:
        for wait in waits:
            selector.register(wait.client.path.socket, selectors.EVENT_READ, wait)
        while selector.get_map():
            now = time.monotonic()
            for key in list(selector.get_map().values()):
                key.data.ask(now)
                if key.data.is_over(now):
                    selector.unregister(key.fileobj)
            for key, _ in selector.select(0.02):
                key.data.client.receive()
    wrong = [f"{wait.client.name}: expected that {wait.expected}, seen that {wait.client.seen}"
             for wait in waits if wait.client.seen != wait.expected]
    assert not wrong, "\n".join(wrong)


def expect_in_and_out(inside: Iterable[IceClient], outside: Iterable[IceClient] = (),
                      checks: bool = True) -> None:
    expect({client: IN for client in inside} | {client: OUT for client in outside}, checks)
