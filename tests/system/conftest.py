# SPDX-License-Identifier: Apache-2.0
"""One network for all tests, and a daemon of its own for each."""

from collections.abc import Callable, Iterator

import pytest

from lab import paths, wait
from lab.daemon import Daemon
from lab.ice import IceServer
from lab.lab import Lab
from lab.network import INTERFACE, Network
from lab.paths import DATA
from lab.people import People
from lab.probes import check, everyone
from lab.shell import run
from lab.signals import end_on_signals
from lab.steps import register, register_shared
from lab.xdp_filter import kernel_has_dispatchers

MakeDaemon = Callable[..., Daemon]

# Where a kernel has no dispatcher, there is nothing to run beside: './run test-vm' has kernels that do.
collect_ignore = [] if kernel_has_dispatchers() else ["test_dispatcher.py"]


def pytest_sessionstart() -> None:
    missing = paths.missing()
    if missing:
        pytest.exit("\n".join(missing), 1)
    end_on_signals(lambda status: pytest.exit("ended by a signal", status))


def pytest_terminal_summary(terminalreporter) -> None:
    for name in collect_ignore:
        terminalreporter.write_line(f"{name}: not run, since this kernel lets no program extend another")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def network(lab: Lab) -> Network:
    """It works before anything is filtered, so that a failure later is the filter's."""
    made = lab.network()
    check(everyone(made))
    return made


def check_promises(daemon: Daemon) -> None:
    """What holds at every moment of every test."""
    packets = daemon.api("GET", "/v1/status").expect(200).json["packets"]
    assert packets["dropped_outside_scope"] == 0, packets
    assert packets["seen"] == packets["passed"] + packets["dropped"], packets


@pytest.fixture
def make_daemon(lab: Lab, network: Network) -> Iterator[MakeDaemon]:
    """A daemon that is not yet started; its keywords are put over the configuration."""
    made: list[Daemon] = []

    def make(on: Network = network, **changes) -> Daemon:
        made.append(lab.daemon(on, **changes))
        return made[-1]

    yield make
    try:
        for daemon in made:
            if daemon.alive:
                check_promises(daemon)
    finally:
        for daemon in made:
            print(f"--- log of {daemon.directory.name}\n{daemon.log}")
            daemon.remove()
        # The kernel lets go of a link a moment after its last reference is gone.
        for daemon in made:
            wait.until(lambda daemon=daemon: not daemon.xdp_attached(), 5, "no XDP is left")


@pytest.fixture
def daemon(make_daemon: MakeDaemon) -> Daemon:
    """Running, with nothing registered."""
    return make_daemon().start()


@pytest.fixture
def meetings(daemon: Daemon) -> Daemon:
    """Running, with the meetings A and B on an endpoint each in both families and transports."""
    return register(daemon)


@pytest.fixture
def ice(network: Network) -> Iterator[IceServer]:
    """A media server with one port for everybody."""
    server = IceServer(network.edge)
    yield server
    server.close()


@pytest.fixture
def people(network: Network, ice: IceServer) -> Iterator[People]:
    """Who takes part on that port."""
    made = People(network, ice)
    yield made
    made.close()


@pytest.fixture
def shared(daemon: Daemon) -> Daemon:
    """Running, with the meetings A and B on one port."""
    return register_shared(daemon)


@pytest.fixture
def foreign_program(lab: Lab, network: Network) -> Iterator[None]:
    """Somebody else's, on the interface that is to be filtered."""
    program = lab.new_folder("foreign") / "foreign.o"
    run("clang-14", "-O2", "-target", "bpf", "-c", str(DATA / "foreign.bpf.c"), "-o", str(program))
    command = network.edge.command
    run(*command("ip", "link", "set", "dev", INTERFACE, "xdpdrv", "obj", program, "sec", "xdp"))
    yield
    run(*command("ip", "link", "set", "dev", INTERFACE, "xdpdrv", "off"))
