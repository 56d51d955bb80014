# SPDX-License-Identifier: Apache-2.0
"""Beside somebody else's XDP program, by libxdp's dispatcher."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, PORT_OTHER, Endpoint
from lab.lab import Lab
from lab.network import EDGE_V4, INTERFACE, Network
from lab.probes import Probe, check, everyone
from lab.steps import refused_start, register
from lab.streams import Flow, Traffic
from lab.xdp_filter import XdpFilter

OURS, THEIRS = "meetfence_xdp", "xdpfilt_alw_udp"
BLOCKED = {("CN", PORT_A)}
FOR_US = [{"name": INTERFACE, "mode": "dispatcher"}]


@pytest.fixture
def pins(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where libxdp pins dispatchers, in the daemon too."""
    folder = lab.bpffs / "libxdp"
    folder.mkdir()
    monkeypatch.setenv("LIBXDP_BPFFS", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def xdp_filter(network: Network, pins: Path, make_daemon) -> Iterator[XdpFilter]:
    """Not loaded yet."""
    made = XdpFilter(network, pins)
    yield made
    made.remove()


def blocking(daemon: Daemon) -> Daemon:
    register(daemon)
    daemon.block("A", "--country", "CN")
    return daemon


def expected(network: Network, theirs: bool) -> dict[Probe, bool]:
    """Ours cuts off a country from a meeting; theirs, where it runs, closes a port to datagrams."""
    return {probe: passes and not (theirs and probe.endpoint.port == PORT_OTHER and
                                   probe.endpoint.transport == "udp")
            for probe, passes in everyone(network, BLOCKED).items()}


def interface(daemon: Daemon, code: int = 0) -> dict[str, Any]:
    return daemon.ctl("--json", "status").exits(code).json["interfaces"][0]


FILTERED = {"name": INTERFACE, "ingress": "native", "egress": True, "by": "dispatcher"}


def test_xdp_filter_was_there_first(make_daemon, network: Network, xdp_filter: XdpFilter):
    xdp_filter.load()
    xdp_filter.close_port(PORT_OTHER)
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    assert xdp_filter.names() == [THEIRS, OURS]
    assert interface(daemon) == FILTERED
    check(expected(network, theirs=True))
    daemon.kill9()
    assert interface(daemon) == FILTERED
    check(expected(network, theirs=True))


def test_xdp_filter_comes_and_goes(make_daemon, network: Network, xdp_filter: XdpFilter, pins: Path):
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    assert interface(daemon) == FILTERED
    xdp_filter.load()
    xdp_filter.close_port(PORT_OTHER)
    assert interface(daemon) == FILTERED
    check(expected(network, theirs=True))
    xdp_filter.unload()
    assert interface(daemon) == FILTERED
    check(expected(network, theirs=False))
    daemon.terminate()
    assert interface(daemon) == FILTERED
    daemon.detach().ok()
    assert not daemon.xdp_attached()
    assert list((pins / "xdp").iterdir()) == []


def test_detach_leaves_the_others(make_daemon, network: Network, xdp_filter: XdpFilter):
    xdp_filter.load()
    xdp_filter.close_port(PORT_OTHER)
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    daemon.terminate()
    daemon.detach().ok()
    assert xdp_filter.names() == [THEIRS]
    assert not daemon.bpf_dir.exists()
    check({probe: passes for probe, passes in expected(network, theirs=True).items()
           if probe.endpoint.port == PORT_OTHER})


def test_restarts_under_traffic(make_daemon, network: Network, xdp_filter: XdpFilter):
    """The same program is kept; over other maps, and beside a neighbour that comes, it is replaced
    without a packet judged otherwise."""
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    flows = [Flow(network.participants[name], Endpoint("udp", EDGE_V4, port), (name, port) not in BLOCKED)
             for name in ("CN", "US") for port in (PORT_A, PORT_B)]

    def more() -> None:
        goal = traffic.sent + 20
        wait.until(lambda: traffic.sent >= goal, 30, "traffic goes on")

    with Traffic(flows) as traffic:
        more()
        before = xdp_filter.programs()
        daemon.kill9()
        more()
        daemon.start()
        assert xdp_filter.programs() == before
        xdp_filter.load()
        more()
        daemon.terminate()
        daemon.change_config(limits={"meetings": 2048})
        daemon.start()
        more()
        assert set(xdp_filter.programs()).isdisjoint(before)
        assert xdp_filter.names() == [THEIRS, OURS]
    traffic.check()
    assert daemon.packets()["dropped_outside_scope"] == 0
    assert interface(daemon) == FILTERED


def test_killed_while_it_joins(make_daemon, network: Network, xdp_filter: XdpFilter, pins: Path):
    """No copy of the program stays behind, whenever a start over new maps is cut off."""
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    marks = daemon.bpf_dir / "dispatched" / INTERFACE

    def known_before_it_is_in() -> bool:
        return len(list(marks.iterdir())) > 1

    def both_are_in() -> bool:
        return bool(list(pins.glob("xdp/*/prog1-prog")))

    def only_the_new_one_is_in() -> bool:
        return bool(seen_both and not both_are_in())

    seen_both: list[bool] = []
    daemon.terminate()
    for number, moment in enumerate((known_before_it_is_in, both_are_in, only_the_new_one_is_in)):
        daemon.change_config(limits={"meetings": 2048 + number})
        daemon.launch()
        seen_both.clear()
        deadline = time.monotonic() + 60
        # Faster than any pause: the moments are short.
        while not moment() and "is filtering" not in daemon.new_log:
            seen_both += [True] * both_are_in()
            assert time.monotonic() < deadline, f"{moment.__name__}: {daemon.log}"
        daemon.kill9()
        check(expected(network, theirs=False))
    for left in (pins / "xdp").iterdir():
        os.utime(left, (0, 0))  # nobody is at work on it any more
    daemon.start()
    assert xdp_filter.names() == [OURS]
    assert len(list(marks.iterdir())) == 1
    assert len(list((pins / "xdp").iterdir())) == 1
    check(expected(network, theirs=False))


def test_other_modes(make_daemon, network: Network, xdp_filter: XdpFilter):
    daemon = blocking(make_daemon().start())
    modes: dict[str, Callable[[], bool]] = {"dispatcher": lambda: interface(daemon) == FILTERED,
                                            "native": lambda: "by" not in interface(daemon)}
    for mode, holds in modes.items():
        daemon.terminate()
        daemon.change_config(interfaces=[{"name": INTERFACE, "mode": mode}])
        daemon.start()
        assert holds(), interface(daemon)
        assert re.search(f"^<4>.*{INTERFACE}.*for a moment", daemon.new_log, re.MULTILINE)
        check(expected(network, theirs=False))


def test_native_mode_beside_a_dispatcher(make_daemon, xdp_filter: XdpFilter):
    xdp_filter.load()
    make_daemon().run_once().refused(INTERFACE, '"mode": "dispatcher"')
    assert xdp_filter.names() == [THEIRS]


def test_a_dispatcher_in_generic_mode_is_joined(make_daemon, network: Network, xdp_filter: XdpFilter):
    xdp_filter.load("skb")
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    assert interface(daemon) == FILTERED | {"ingress": "generic"}
    check(expected(network, theirs=False))


def test_no_native_mode(make_daemon, pins: Path):
    refused_start(make_daemon(interfaces=[{"name": "lo", "mode": "dispatcher"}]), "lo", '"generic"')


def test_no_native_mode_and_a_link_before(make_daemon, pins: Path):
    """A change that cannot be made takes nothing away."""
    daemon = make_daemon(interfaces=[{"name": "lo", "mode": "generic"}]).start()
    daemon.terminate()
    daemon.change_config(interfaces=[{"name": "lo", "mode": "dispatcher"}])
    daemon.run_once().refused("lo", "as before")
    assert interface(daemon) == {"name": "lo", "ingress": "generic", "egress": True}


def test_somebody_takes_the_dispatcher_away(make_daemon, network: Network, xdp_filter: XdpFilter):
    daemon = blocking(make_daemon(interfaces=FOR_US).start())
    daemon.kill9()
    xdp_filter.remove()
    assert interface(daemon, code=10) == FILTERED | {"ingress": "none"}
    daemon.start()
    assert interface(daemon) == FILTERED
    check(expected(network, theirs=False))


def test_an_interface_that_is_made_again(make_daemon, network: Network, pins: Path):
    """libxdp's pins of the one before do not stay, and hold nothing."""
    again = ("link add name again type veth peer name other", "link set again up", "link set other up")
    network.edge.ip(*again)
    daemon = make_daemon(interfaces=[{"name": "again", "mode": "dispatcher"}]).start()
    daemon.kill9()
    network.edge.ip("link delete again", *again)
    try:
        assert interface(daemon, code=10)["ingress"] == "none"
        daemon.start()
        assert interface(daemon)["ingress"] == "native"
        assert len(list((pins / "xdp").iterdir())) == 1
        daemon.terminate()
        daemon.detach().ok()
        assert list((pins / "xdp").iterdir()) == []
    finally:
        network.edge.ip("link delete again")
