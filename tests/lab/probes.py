# SPDX-License-Identifier: Apache-2.0
"""Who gets through: one question and its echo for each participant and endpoint, all at once."""

import itertools
import selectors
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.endpoints import PORT_A, PORT_B, PORT_OTHER, Endpoint, endpoints
from lab.network import FIRST_HOST, Network, Participant

BLOCKED_S = 0.6    # no echo for so long: blocked
PATIENCE_S = 10.0  # an echo that must come may take so long on a busy machine
RETRY_S = 0.15     # a datagram is asked again
_tokens = itertools.count(1)


@dataclass(frozen=True)
class Probe:
    participant: Participant
    endpoint: Endpoint
    host: int = FIRST_HOST
    size: int = 32  # bytes of the question; more than the MTU makes fragments

    def __str__(self) -> str:
        end = self.endpoint
        return f"{self.participant.name} to {end.transport.upper()}/IPv{end.family} port {end.port}"


class _Attempt:
    def __init__(self, probe: Probe, seconds: float):
        self.probe = probe
        self.deadline = time.monotonic() + seconds
        self.ask_at = 0.0
        self.reached = False
        self._question = f"meetfence {next(_tokens)} ".encode().ljust(probe.size, b".")
        self._answer = b""
        end = probe.endpoint
        self.socket = probe.participant.socket(end.family, end.kind, probe.host)
        self.socket.setblocking(False)
        self.socket.connect_ex((end.address, end.port))
        self.stream = end.transport == "tcp"

    def writable(self) -> None:
        """A stream is connected, or has failed to be."""
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            self.socket.sendall(self._question)

    def ask(self, now: float) -> None:
        if not self.stream and now >= self.ask_at:
            self.ask_at = now + RETRY_S
            self.socket.send(self._question)

    def readable(self) -> None:
        try:
            data = self.socket.recv(65536)
        except OSError:  # refused or unreachable: not an echo
            return
        self._answer = self._answer + data if self.stream else data
        self.reached = self._answer == self._question


def _run(attempts: list[_Attempt]) -> None:
    selector = selectors.DefaultSelector()
    for attempt in attempts:
        events = selectors.EVENT_WRITE if attempt.stream else selectors.EVENT_READ
        selector.register(attempt.socket, events, attempt)
    while selector.get_map():
        now = time.monotonic()
        for key in list(selector.get_map().values()):
            if now >= key.data.deadline:
                selector.unregister(key.fileobj)
            else:
                key.data.ask(now)
        for key, events in selector.select(0.02):
            if events & selectors.EVENT_WRITE:
                key.data.writable()
                selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
            else:
                key.data.readable()
            if key.data.reached:
                selector.unregister(key.fileobj)
    selector.close()


def reach(waiting: Mapping[Probe, float]) -> dict[Probe, bool]:
    """For each probe, whether its echo came within its time."""
    attempts: list[_Attempt] = []
    try:
        for probe, seconds in waiting.items():
            attempts.append(_Attempt(probe, seconds))
        _run(attempts)
        return {attempt.probe: attempt.reached for attempt in attempts}
    finally:
        for attempt in attempts:
            attempt.socket.close()


def reaches(participant: Participant, endpoint: Endpoint, seconds: float = BLOCKED_S,
            **options) -> bool:
    probe = Probe(participant, endpoint, **options)
    return reach({probe: seconds})[probe]


def ask(expected: Mapping[Probe, bool]) -> dict[Probe, bool]:
    """As `reach`, with patience where an echo has to come and little time where none may."""
    return reach({probe: PATIENCE_S if passes else BLOCKED_S
                  for probe, passes in expected.items()})


def differences(expected: Mapping[Probe, bool], seen: Mapping[Probe, bool]) -> list[str]:
    words = {True: "gets through", False: "is blocked"}
    return [f"{probe}: expected that it {words[expected[probe]]}, seen that it {words[passes]}"
            for probe, passes in seen.items() if passes != expected[probe]]


def check(expected: Mapping[Probe, bool]) -> None:
    wrong = differences(expected, ask(expected))
    if wrong:
        raise AssertionError("\n".join(wrong))


def product(participants: Iterable[Participant], ends: Iterable[Endpoint], passes: bool,
            **options) -> dict[Probe, bool]:
    """An expectation: every one of these participants at every one of these endpoints."""
    ends = list(ends)
    return {Probe(participant, end, **options): passes
            for participant in participants for end in ends}


def everyone(network: Network, blocked: Iterable[tuple[str, int]] = (),
             ports: Iterable[int] = (PORT_A, PORT_B, PORT_OTHER), **options) -> dict[Probe, bool]:
    """An expectation for every participant at all endpoints of these ports: all get through but
    the `blocked` pairs of participant and port."""
    cut_off = set(blocked)
    return {Probe(participant, end, **options): (participant.name, port) not in cut_off
            for participant in network.participants.values() for port in ports
            for end in endpoints(port)}
