# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition. There is no fixed pause anywhere: a busy machine is only slower."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE_S = 0.02


class TimedOut(AssertionError):
    pass


def until(condition: Callable[[], T], seconds: float, what: str | Callable[[], str]) -> T:
    """The first true value of `condition`; TimedOut says `what` was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise TimedOut(f"not within {seconds:g} s: {text}")
        time.sleep(PAUSE_S)
