# SPDX-License-Identifier: Apache-2.0
"""What came through of what somebody sends to somebody else, by the moments in which it came."""

import time
from collections.abc import Callable, Sequence

from lab import wait

QUIET_S = 1.0


class Stream:
    def __init__(self, name: str, moments: Callable[[], list[float]]):
        """`moments` are of time.monotonic(), and only grow."""
        self.name, self._moments = name, moments

    def since(self, begin: float) -> list[float]:
        return [at for at in self._moments() if at > begin]

    def gap(self, begin: float, end: float) -> float:
        """The longest time in which nothing came."""
        times = [begin, *(at for at in self.since(begin) if at < end), end]
        return max(later - sooner for sooner, later in zip(times, times[1:]))


def expect_flow(streams: Sequence[Stream], seconds: float, since: float = 0.0) -> None:
    """Something of each, within `seconds` of `since`, which is now unless it is said."""
    since = since or time.monotonic()
    left = max(since + seconds - time.monotonic(), 0.0)

    def missing() -> list[str]:
        return [stream.name for stream in streams if not stream.since(since)]
    wait.until(lambda: not missing(), left, lambda: f"something came: {missing()}")


def expect_every_second(streams: Sequence[Stream], begin: float, end: float) -> None:
    wrong = [f"{stream.name}: nothing for {stream.gap(begin, end):.2f} s"
             for stream in streams if stream.gap(begin, end) > 1.0]
    assert not wrong, "\n".join(wrong)


def expect_silence(streams: Sequence[Stream], since: float, seconds: float = 0.0) -> None:
    """For so many seconds, and until now."""
    wait.until(lambda: time.monotonic() >= since + seconds, seconds + 60, "the time is over")
    wrong = [f"{stream.name}: something came, the last after {late[-1] - since:.2f} s"
             for stream in streams if (late := stream.since(since))]
    assert not wrong, "\n".join(wrong)


def expect_end(streams: Sequence[Stream], seconds: float) -> None:
    """Within so many seconds from now the last has come: nothing follows for QUIET_S."""
    began = time.monotonic()

    def heard() -> list[str]:
        return [stream.name for stream in streams if stream.since(time.monotonic() - QUIET_S)]
    wait.until(lambda: not heard() and time.monotonic() > began + QUIET_S, seconds + QUIET_S,
               lambda: f"nothing came: {heard()}")
