# SPDX-License-Identifier: Apache-2.0
"""An end by SIGTERM, SIGINT or SIGHUP is an end like any other: everything is cleaned up."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Ending:
    def __init__(self):
        self.leave: Callable[[int], object] = sys.exit
        self.held = 0
        self.pending = 0

    def on_signal(self, number: int, _frame: object) -> None:
        # Once is enough: a second signal must not cut off the cleaning up.
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        self.pending = number
        self.act()

    def act(self) -> None:
        if self.pending and not self.held:
            self.leave(128 + self.pending)


_ending = _Ending()


def end_on_signals(leave: Callable[[int], object] = sys.exit) -> None:
    """`leave` is given the exit status and raises, so that the stack is unwound."""
    _ending.leave = leave
    for number in ENDING:
        signal.signal(number, _ending.on_signal)


@contextmanager
def held() -> Iterator[None]:
    """For the moment in which something is made and nobody knows yet that it has to be removed."""
    _ending.held += 1
    try:
        yield
    finally:
        _ending.held -= 1
    _ending.act()
