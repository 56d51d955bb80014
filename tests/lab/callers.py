# SPDX-License-Identifier: Apache-2.0
"""Processes that take part by WebRTC, and the media between them."""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from lab.janus import WEBSOCKET_PORT
from lab.media import Stream
from lab.network import EDGE_V4, Participant
from lab.signals import held

LAB = Path(__file__).resolve().parents[1]


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


class Call:
    """Several callers in rooms."""

    def __init__(self, *callers: Caller):
        self.callers = callers

    def inside(self, room: str) -> list[Caller]:
        return [caller for caller in self.callers if room in caller.rooms]

    def streams(self, room: str) -> list[Stream]:
        """Of each to each other."""
        inside = self.inside(room)
        return [self.stream(sender.name, receiver, room) for sender in inside
                for receiver in inside if sender is not receiver]

    def of(self, caller: Caller, room: str) -> list[Stream]:
        """In both directions."""
        others = [other for other in self.inside(room) if other is not caller]
        return [*(self.stream(other.name, caller, room) for other in others),
                *(self.stream(caller.name, other, room) for other in others)]

    def without(self, caller: Caller, room: str) -> list[Stream]:
        others = [other for other in self.inside(room) if other is not caller]
        return Call(*others).streams(room)

    @staticmethod
    def stream(sender: str, receiver: Caller, room: str) -> Stream:
        return Stream(f"{sender} to {receiver.name} in {room}",
                      lambda: receiver.heard(room, sender))

    @property
    def story(self) -> str:
        return "\n".join(caller.story for caller in self.callers)

    def close(self) -> None:
        for caller in self.callers:
            caller.kill9()
