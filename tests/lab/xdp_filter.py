# SPDX-License-Identifier: Apache-2.0
"""Debian's xdp-filter, which runs in libxdp's dispatcher: somebody else's filter on the edge."""

import ctypes
from pathlib import Path

from lab.network import INTERFACE, Network
from lab.shell import run

BPF_PROG_TYPE_EXT = 28


def kernel_has_dispatchers() -> bool:
    """A dispatcher's programs extend it, and not every kernel lets a program extend another."""
    return ctypes.CDLL("libbpf.so.1").libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, None) == 1


class XdpFilter:
    """Lets everything through but datagrams to some ports. Tools of xdp-tools pin under /sys/fs/bpf,
    which is the host's own: here they see `pins` there."""

    def __init__(self, network: Network, pins: Path):
        self._edge, self._pins = network.edge, pins

    def _run(self, *words: str, check: bool = True) -> str:
        command = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /sys/fs/bpf && exec "$@"',
                   str(self._pins), *words)
        return run(*self._edge.command(*command), check=check).stdout

    def load(self, mode: str = "native") -> None:
        self._run("xdp-filter", "load", "--mode", mode, "--features", "udp", INTERFACE)

    def close_port(self, port: int) -> None:
        self._run("xdp-filter", "port", "--mode", "dst", "--proto", "udp", str(port))

    def unload(self) -> None:
        self._run("xdp-filter", "unload", INTERFACE)

    def programs(self) -> list[tuple[str, int]]:
        """What the edge's dispatcher calls, in order: names and ids."""
        shown = self._run("xdp-loader", "status", INTERFACE)
        rows = [line.split() for line in shown.splitlines() if line.startswith(" =>")]
        return [(words[2], int(words[3])) for words in rows]

    def names(self) -> list[str]:
        return [name for name, _ in self.programs()]

    def remove(self) -> None:
        """Everything from the interface, whosoever it is."""
        self._run("xdp-loader", "unload", "--all", INTERFACE, check=False)
