# SPDX-License-Identifier: Apache-2.0
"""What systemd is to a service of Type=notify: a datagram socket that hears how it is."""

import select
import socket
import time
from pathlib import Path


class ServiceManager:
    def __init__(self, folder: Path, watchdog_s: float | None = None):
        path = folder / "notify.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self.environment = {"NOTIFY_SOCKET": str(path)}
        if watchdog_s is not None:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def next(self, seconds: float = 20) -> dict[str, str] | None:
        """The next message, or nothing within so many seconds."""
        readable, _, _ = select.select([self._socket], [], [], seconds)
        if not readable:
            return None
        lines = self._socket.recv(65536).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def wait_for(self, key: str, seconds: float = 20) -> dict[str, str]:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            message = self.next(left)
            if message and key in message:
                return message
        raise AssertionError(f"no {key} within {seconds:g} s")

    def drain(self) -> None:
        while self.next(0) is not None:
            pass

    def close(self) -> None:
        self._socket.close()
