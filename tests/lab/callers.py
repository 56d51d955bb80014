# SPDX-License-Identifier: Apache-2.0
"""Processes that take part by WebRTC, and what media came through between them."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from lab import wait
from lab.janus import WEBSOCKET_PORT
from lab.network import EDGE_V4, Participant
from lab.signals import held

LAB = Path(__file__).resolve().parents[1]
PATIENCE_S = 20.0
QUIET_S = 1.0


class Caller:
    """`families`: those of its media; Janus' WebSocket it reaches by IPv4."""

    def __init__(self, participant: Participant, families: tuple[int, ...], *rooms: str):
        self.name, self.rooms = participant.name, set(rooms)
        self._said: list[dict[str, Any]] = []
        addresses = [word for family in families
                     for word in ("--address", participant.site.address(family))]
        command = participant.namespace.command(
            "/usr/bin/python3", "-m", "lab.webrtc_peer", "--name", self.name, *addresses,
            "--server", EDGE_V4, "--port", WEBSOCKET_PORT, *rooms)
        with held():
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=os.environ | {"PYTHONPATH": str(LAB)}, start_new_session=True)
        self._reader = threading.Thread(target=self._read, name=f"caller {self.name}")
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._said.append(json.loads(line))

    @property
    def story(self) -> str:
        """All but the media."""
        return "\n".join(f"{self.name}: {said}" for said in list(self._said) if "media" not in said)

    def join(self, room: str) -> None:
        self.rooms.add(room)
        self._order(f"join {room}")

    def leave(self, room: str) -> None:
        self.rooms.remove(room)
        self._order(f"leave {room}")

    def _order(self, words: str) -> None:
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()

    def times(self, word: str, room: str) -> list[float]:
        """When it `joined` or `left`, by time.monotonic()."""
        return [said["at"] for said in list(self._said) if said.get(word) == room]

    def reasons(self, room: str, since: float) -> list[str]:
        """Why it gave up."""
        return [said["why"] for said in list(self._said)
                if said.get("gave_up") == room and said["at"] > since]

    def heard(self, room: str, sender: str) -> list[float]:
        """The moments in which media came, to a tenth of a second."""
        return [said["at"] for said in list(self._said)
                if sender in said.get("media", {}).get(room, {})]

    def kill9(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()


class Stream:
    """Media of one to another in a room."""

    def __init__(self, sender: str, receiver: Caller, room: str):
        self.sender, self.receiver, self.room = sender, receiver, room

    def __str__(self) -> str:
        return f"{self.sender} to {self.receiver.name} in {self.room}"

    @property
    def moments(self) -> list[float]:
        return self.receiver.heard(self.room, self.sender)

    def flows_since(self, since: float) -> bool:
        return any(at > since for at in self.moments)

    def gap(self, begin: float, end: float) -> float:
        """The longest time without media."""
        times = [begin, *(at for at in self.moments if begin < at < end), end]
        return max(later - sooner for sooner, later in zip(times, times[1:]))


class Call:
    """Several callers in rooms."""

    def __init__(self, *callers: Caller):
        self.callers = callers

    def streams(self, room: str) -> list[Stream]:
        inside = [caller for caller in self.callers if room in caller.rooms]
        return [Stream(sender.name, receiver, room) for sender in inside for receiver in inside
                if sender is not receiver]

    def of(self, caller: Caller, room: str) -> list[Stream]:
        """In both directions."""
        return [stream for stream in self.streams(room)
                if caller.name in (stream.sender, stream.receiver.name)]

    def without(self, caller: Caller, room: str) -> list[Stream]:
        return [stream for stream in self.streams(room)
                if caller.name not in (stream.sender, stream.receiver.name)]

    @property
    def story(self) -> str:
        return "\n".join(caller.story for caller in self.callers)

    def expect_flow(self, streams: list[Stream], seconds: float, since: float = 0.0) -> None:
        """Each within `seconds` of `since`, which is now unless it is said."""
        since = since or time.monotonic()

        def missing() -> list[str]:
            return [str(stream) for stream in streams if not stream.flows_since(since)]
        left = max(since + seconds - time.monotonic(), 0.0)
        wait.until(lambda: not missing(), left, lambda: f"media {missing()}\n{self.story}")

    def expect_silence(self, streams: list[Stream], since: float, seconds: float) -> None:
        """From `since` on, for so many seconds."""
        wait.until(lambda: time.monotonic() >= since + seconds, since + seconds, "the time is over")
        wrong = [f"{stream}: media after {max(stream.moments) - since:.2f} s"
                 for stream in streams if stream.flows_since(since)]
        assert not wrong, "\n".join([*wrong, self.story])

    def expect_end(self, streams: list[Stream], seconds: float) -> None:
        """Within so many seconds from now, the last media is there: none follows for QUIET_S."""
        began = time.monotonic()

        def heard() -> list[str]:
            return [str(stream) for stream in streams
                    if stream.flows_since(time.monotonic() - QUIET_S)]
        wait.until(lambda: not heard() and time.monotonic() > began + QUIET_S, seconds + QUIET_S,
                   lambda: f"no media, but {heard()}\n{self.story}")

    def expect_every_second(self, streams: list[Stream], begin: float, end: float) -> None:
        wrong = [f"{stream}: {stream.gap(begin, end):.2f} s without media"
                 for stream in streams if stream.gap(begin, end) > 1.0]
        assert not wrong, "\n".join([*wrong, self.story])

    def close(self) -> None:
        for caller in self.callers:
            caller.kill9()
