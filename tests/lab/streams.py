# SPDX-License-Identifier: Apache-2.0
"""Continuous numbered traffic, to find the one packet that was judged wrongly."""

import selectors
import socket
import struct
import threading
import time

from lab.echo import enlarge_buffers
from lab.endpoints import Endpoint
from lab.network import FIRST_HOST, Participant

DRAIN_S = 5.0


def send(participant: Participant, endpoint: Endpoint, count: int, size: int = 100,
         host: int = FIRST_HOST) -> None:
    """Exactly `count` datagrams of `size` bytes; echoes are not waited for."""
    with participant.socket(endpoint.family, socket.SOCK_DGRAM, host) as sock:
        for _ in range(count):
            sock.sendto(b"." * size, (endpoint.address, endpoint.port))


class Flow:
    """Datagrams of one participant to one endpoint."""

    def __init__(self, participant: Participant, endpoint: Endpoint, passes: bool):
        self.name = f"{participant.name} to {endpoint}"
        self.passes = passes
        self.sent = 0
        self.echoed: set[int] = set()
        self.socket = participant.socket(endpoint.family, socket.SOCK_DGRAM)
        enlarge_buffers(self.socket)
        self.socket.setblocking(False)
        self.socket.connect((endpoint.address, endpoint.port))

    def send(self) -> None:
        self.socket.send(struct.pack("!Q", self.sent).ljust(64, b"."))
        self.sent += 1

    def receive(self) -> None:
        try:
            while True:
                self.echoed.add(struct.unpack_from("!Q", self.socket.recv(2048))[0])
        except BlockingIOError:
            pass

    @property
    def complete(self) -> bool:
        return not self.passes or len(self.echoed) == self.sent

    def wrong(self) -> list[str]:
        if not self.passes and self.echoed:
            return [f"{self.name}: {len(self.echoed)} of {self.sent} packets got through, "
                    f"the first was number {min(self.echoed)}"]
        if self.passes and not self.complete:
            lost = sorted(set(range(self.sent)) - self.echoed)
            return [f"{self.name}: {len(lost)} of {self.sent} packets lost, numbers {lost[:10]}"]
        return []


class Traffic:
    """A thread that sends one packet of every flow `per_second` times a second.

        with Traffic(flows) as traffic:
            …
        traffic.check()
    """

    def __init__(self, flows: list[Flow], per_second: float = 100):
        self.flows = flows
        self._interval = 1.0 / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stopping.set()
        self._thread.join()
        for flow in self.flows:
            flow.socket.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for flow in self.flows:
                selector.register(flow.socket, selectors.EVENT_READ, flow)
            due = time.monotonic()
            while not self._stopping.is_set():
                if time.monotonic() >= due:
                    due = time.monotonic() + self._interval
                    for flow in self.flows:
                        flow.send()
                self._receive(selector, max(0.0, due - time.monotonic()))
            self._drain(selector)

    @staticmethod
    def _receive(selector: selectors.BaseSelector, seconds: float) -> None:
        for key, _ in selector.select(seconds):
            key.data.receive()

    def _drain(self, selector: selectors.BaseSelector) -> None:
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline and not all(flow.complete for flow in self.flows):
            self._receive(selector, 0.05)

    @property
    def sent(self) -> int:
        """Packets of the flow that has sent fewest."""
        return min(flow.sent for flow in self.flows)

    def check(self) -> None:
        wrong = [line for flow in self.flows for line in flow.wrong()]
        if wrong:
            raise AssertionError("\n".join(wrong))
