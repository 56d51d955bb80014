# SPDX-License-Identifier: Apache-2.0
"""A network namespace. A socket stays in the namespace it was made in, so one process can hold
sockets in all of them: it only has to be inside while it makes one."""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.shell import run

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12


def _join(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


class Namespace:
    def __init__(self, name: str):
        self.name = name
        self.path = Path("/run/netns") / name
        run("ip", "netns", "add", name)
        self._set_defaults()

    def _set_defaults(self) -> None:
        self.sysctl("net/ipv6/conf/all/disable_ipv6", 0)
        self.sysctl("net/ipv6/conf/default/disable_ipv6", 0)
        # Addresses are usable at once; there is nobody who could have a duplicate.
        self.sysctl("net/ipv6/conf/default/accept_dad", 0)
        self.ip("link set lo up")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is in the namespace; other threads stay where they are."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _join(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                _join(home)
        finally:
            os.close(home)

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        with self.entered():
            return socket.socket(family, kind)

    def sysctl(self, key: str, value: int) -> None:
        with self.entered():
            Path("/proc/sys", key).write_text(f"{value}\n", encoding="ascii")

    def ip(self, *lines: str) -> None:
        """Lines for `ip -batch`."""
        run("ip", "-netns", self.name, "-batch", "-", text="\n".join(lines) + "\n")

    def command(self, *words: object) -> list[str]:
        """A command line that runs in the namespace. Not `ip netns exec`: it remounts /sys, and
        pins are not to be seen there."""
        return ["nsenter", f"--net={self.path}", *(str(word) for word in words)]

    def remove(self) -> None:
        run("ip", "netns", "delete", self.name, check=False)
