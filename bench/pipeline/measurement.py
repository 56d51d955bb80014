# SPDX-License-Identifier: Apache-2.0
"""One core sends, receives and filters in turns: 64 packets go into the veth pair, then the kernel
takes them out at the other end, and so on.

On two cores the figures were those of the link between them: the ring of the pair overflowed or ran
dry, the receiver went to sleep and was woken up, six packets of seven were lost, and no filter at
all cost 380 ns a packet in one round and 590 in another. On one core no packet is lost and every
packet is paid for. What sending costs is in all the figures, and in no difference.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab import wait
from lab.namespaces import Namespace
from pipeline.filters import Filter
from pipeline.receiver import Receiver
from pipeline.sender import Sender

ARRIVAL_S = 2.0
ATTEMPTS = 5
WARM_UP = 16_384


@dataclass(frozen=True)
class Mix:
    """Who sends: "bystander" or "target", "hot" or "cold"."""

    who: str
    sources: str
    sender: Sender

    def passes(self, filter_: Filter) -> bool:
        return filter_.bystanders_pass if self.who == "bystander" else filter_.targets_pass


@dataclass
class Figures:
    """Nanoseconds of CPU time for a packet; one figure a round."""

    rounds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def over(self, other: "Figures") -> list[float]:
        """Round by round: what slows the machine for a while is in both."""
        return [mine - theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True)]


class WrongVerdict(AssertionError):
    """A figure of a filter that does not filter would be worth nothing."""


class Core:
    def __init__(self, number: int):
        self._number = number
        self._softirqd = next(
            path.parent for path in Path("/proc").glob("[0-9]*/comm")
            if _first_line(path) == f"ksoftirqd/{number}")

    @contextmanager
    def taken(self) -> Iterator[None]:
        """For a fraction of a second nobody else is let in between: an interrupted sender leaves
        its packets to ksoftirqd, and finds other people's data in the caches."""
        cores, policy, parameter = (os.sched_getaffinity(0), os.sched_getscheduler(0),
                                    os.sched_getparam(0))
        os.sched_setaffinity(0, {self._number})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        try:
            yield
        finally:
            os.sched_setscheduler(0, policy, parameter)
            os.sched_setaffinity(0, cores)

    def helper_ns(self) -> int:
        """What the kernel does in ksoftirqd when it thinks that the sender was interrupted for too
        long: seldom, and then it is the same work."""
        return int(_first_line(self._softirqd / "schedstat").split()[0])


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # a process that has just ended
        return ""


class Bench:
    def __init__(self, core: Core, sending: Namespace, packets: int):
        self._core, self._sending, self._packets = core, sending, packets

    def measure(self, filter_: Filter, receiver: Receiver, mix: Mix) -> float:
        """Nanoseconds a packet. The verdict is checked on every packet."""
        for _ in range(ATTEMPTS):
            received, got_through = receiver.received(), receiver.got_through()
            cost = self._send(receiver, mix.sender, received)
            if receiver.received() - received != self._packets + WARM_UP:
                continue  # the ring overflowed: too cheap
            passed = receiver.got_through() - got_through
            if passed != (self._packets + WARM_UP if mix.passes(filter_) else 0):
                raise WrongVerdict(f"{filter_.name}: {passed} of {self._packets + WARM_UP} packets "
                                   f"of a {mix.who} got through")
            return cost / self._packets
        raise AssertionError(f"{filter_.name}: packets are lost on the way in every attempt")

    def _send(self, receiver: Receiver, sender: Sender, received: int) -> int:
        ifindex = receiver.sending_ifindex
        with self._sending.entered(), self._core.taken():
            sender.send(ifindex, WARM_UP)
            helper, start = self._core.helper_ns(), time.thread_time_ns()
            sender.send(ifindex, self._packets)
            cost = time.thread_time_ns() - start
        with _patience():
            wait.until(lambda: receiver.received() - received >= self._packets + WARM_UP,
                       ARRIVAL_S, "the last packets are received")
        return cost + self._core.helper_ns() - helper


@contextmanager
def _patience() -> Iterator[None]:
    """Packets that were lost do not arrive; whoever counts them finds out."""
    try:
        yield
    except wait.TimedOut:
        pass


def run_rounds(bench: Bench, pairs: dict[Filter, Receiver], mixes: list[Mix], rounds: int,
               on_round: Callable[[int], None]) -> dict[tuple[Filter, Mix], Figures]:
    """Interleaved, and each round begins with another filter."""
    figures = {(filter_, mix): Figures() for filter_ in pairs for mix in mixes}
    order = list(pairs)
    for number in range(rounds):
        on_round(number + 1)
        for mix in mixes:
            for filter_ in order:
                figures[filter_, mix].rounds.append(
                    bench.measure(filter_, pairs[filter_], mix))
        order = order[1:] + order[:1]
    return figures
