# SPDX-License-Identifier: Apache-2.0
"""Listening to `events --follow`."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.daemon import Daemon


@contextmanager
def following(daemon: Daemon, *options: str) -> Iterator[list[str]]:
    """The lines of `events --follow` as they come."""
    lines: list[str] = []
    process = subprocess.Popen(daemon.ctl.command(*options, "events", "--follow"), text=True,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    collector = threading.Thread(target=_collect, args=(process, lines))
    collector.start()
    try:
        yield lines
    finally:
        process.terminate()
        process.wait()
        collector.join()
        process.stdout.close()


def _collect(process: subprocess.Popen, lines: list[str]) -> None:
    for line in process.stdout:
        lines.append(line)


def of_kind(lines: list[str], kind: str) -> list[dict[str, Any]]:
    return [event for event in map(json.loads, list(lines)) if event.get("event") == kind]
