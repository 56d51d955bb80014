# SPDX-License-Identifier: Apache-2.0
"""A full disk: no change is accepted, and everything else goes on."""

import errno
from pathlib import Path

import pytest

from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B
from lab.lab import Lab
from lab.network import Network
from lab.probes import check, everyone
from lab.steps import register

BLOCKED = {("CN", PORT_A)}


def fill(folder: Path) -> Path:
    """Takes every free byte."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
    return path


@pytest.fixture
def on_small_disk(lab: Lab, make_daemon) -> Daemon:
    disk = lab.mount("tmpfs", "-o", "size=2m,mode=0700")
    return register(make_daemon(state_dir=str(disk)).start())


def test_full_disk(on_small_disk: Daemon, network: Network):
    daemon = on_small_disk
    rule = daemon.block("A", "--country", "CN")
    ballast = fill(Path(daemon.config["state_dir"]))
    # Some changes may still find room in pages that are there; not all can.
    for number in range(200):
        outcome = daemon.ctl("meeting", "add", f"M{number}" + "x" * 100, "--endpoint",
                             f"udp:198.18.0.1:{41000 + number}")
        if outcome.code != 0:
            break
    outcome.refused("full")
    refused = f"udp:198.18.0.1:{41000 + number}"
    assert daemon.explain("203.0.113.10:1000", refused)["meeting"] is None
    assert len(daemon.ctl.json("meeting", "list")) == 2 + number
    assert daemon.rule(rule)["state"] == "active"
    daemon.ctl("status").ok()
    check(everyone(network, BLOCKED))
    ballast.unlink()
    daemon.add_meeting("M", refused)
    daemon.ctl("unblock", rule).ok()
    check(everyone(network, ports=(PORT_A, PORT_B)))


def test_full_disk_and_kill9(on_small_disk: Daemon, network: Network):
    """It comes back with what it had, even without a byte of room."""
    daemon = on_small_disk
    daemon.block("A", "--country", "CN")
    ballast = fill(Path(daemon.config["state_dir"]))
    daemon.kill9()
    check(everyone(network, BLOCKED))
    daemon.start()
    check(everyone(network, BLOCKED))
    ballast.unlink()
    assert len(daemon.ctl.json("meeting", "list")) == 2


def test_state_that_is_no_database(make_daemon, network: Network):
    """It is not overwritten, and what the kernel does goes on."""
    daemon = register(make_daemon().start())
    daemon.block("A", "--country", "CN")
    daemon.kill9()
    files = [path for path in daemon.state_dir.iterdir() if path.is_file()]
    kept = {path: path.read_bytes() for path in files}
    for path in files:
        path.write_bytes(b"this is no database " * 500)
    daemon.run_once().refused(str(daemon.state_dir))
    check(everyone(network, BLOCKED))
    for path, contents in kept.items():
        path.write_bytes(contents)
    daemon.start()
    check(everyone(network, BLOCKED))
