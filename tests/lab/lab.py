# SPDX-License-Identifier: Apache-2.0
"""Everything of one run, and its end: what the lab makes, it removes, by name or process number."""

import itertools
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lab.daemon import Daemon
from lab.echo import EchoService
from lab.ice import IceServer
from lab.network import SITES, Network
from lab.people import People
from lab.shell import run
from lab.signals import held


class Lab:
    """A work folder, a bpffs of its own, networks, echo services, daemons.

        with Lab() as lab:
            network = lab.network()
            daemon = lab.daemon(network).start()
    """

    def __init__(self):
        self._stack = ExitStack()
        self._serial = itertools.count(1)

    def __enter__(self) -> "Lab":
        with self._stack as stack:
            with held():
                folder = tempfile.TemporaryDirectory(prefix=f"meetfence-{os.getpid()}-")
                self.folder = Path(stack.enter_context(folder))
            # In memory: hundreds of daemons write their state, and none outlives the run.
            self._mount_on(self.folder, "tmpfs", "-o", "mode=0755")
            self.bpffs = self.mount("bpf")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def mount(self, kind: str, *options: str) -> Path:
        """A file system on a new folder. /sys/fs/bpf is the host's own and is left alone."""
        point = self.new_folder(kind)
        self._mount_on(point, kind, *options)
        return point

    def _mount_on(self, point: Path, kind: str, *options: str) -> None:
        with held():
            run("mount", "-t", kind, *options, kind, str(point))
            self._stack.callback(run, "umount", str(point))

    def new_folder(self, name: str) -> Path:
        path = self.folder / f"{name}-{next(self._serial)}"
        path.mkdir()
        return path

    def network(self, names: tuple[str, ...] = tuple(SITES)) -> Network:
        with held():
            network = Network(names)
            self._stack.callback(network.remove)
            self._stack.callback(EchoService(network.edge).close)
        return network

    def people(self, network: Network) -> People:
        """Of a media server with one port for everybody."""
        with held():
            server = IceServer(network.edge)
            self._stack.callback(server.close)
        made = People(network, server)
        self._stack.callback(made.close)
        return made

    def daemon(self, network: Network, **changes: Any) -> Daemon:
        """Not yet started. `changes` are put over the configuration."""
        directory = self.new_folder("daemon")
        daemon = Daemon(directory, self.bpffs / directory.name, network, changes)
        self._stack.callback(daemon.remove)
        return daemon
