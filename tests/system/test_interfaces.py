# SPDX-License-Identifier: Apache-2.0
"""Interfaces: how the program is attached, and what `status` says of it."""

from collections.abc import Iterator

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A
from lab.lab import Lab
from lab.network import INTERFACE, Network
from lab.paths import DATA
from lab.probes import check, everyone
from lab.shell import run
from lab.steps import refused_start, register

SECOND = "second.7"  # names may have dots, and bpffs reserves them
BLOCKED = {("CN", PORT_A)}


@pytest.fixture
def second_interface(network: Network) -> Iterator[str]:
    network.edge.ip(f"link add name {SECOND} type veth peer name other",
                    f"link set {SECOND} up", "link set other up")
    yield SECOND
    if SECOND in run(*network.edge.command("ip", "-brief", "link")).stdout:
        network.edge.ip(f"link delete {SECOND}")


def interfaces(daemon: Daemon, code: int = 0) -> dict[str, str]:
    status = daemon.ctl("--json", "status").exits(code).json
    return {entry["name"]: entry["ingress"] for entry in status["interfaces"]}


# What does not work.

def test_missing_interface(make_daemon):
    refused_start(make_daemon(interfaces=[{"name": "eth7", "mode": "native"}]), "eth7")


def test_native_mode_where_there_is_none(make_daemon):
    """The loopback interface has no native XDP."""
    refused_start(make_daemon(interfaces=[{"name": "lo", "mode": "native"}]), "lo", "native")


def test_one_bad_interface_of_two(make_daemon):
    refused_start(make_daemon(interfaces=[{"name": INTERFACE}, {"name": "eth7"}]), "eth7")


@pytest.mark.parametrize("mode", ["native", "dispatcher"])
def test_foreign_program(make_daemon, network: Network, foreign_program, mode: str):
    """It is named, and stays where it is."""
    daemon = make_daemon(interfaces=[{"name": INTERFACE, "mode": mode}])
    daemon.run_once().refused(INTERFACE, "foreign_pass")
    assert daemon.xdp_attached()
    check(everyone(network, ports=(PORT_A,)))


# Modes.

@pytest.mark.parametrize("mode, ingress", [("native", "native"), ("generic", "generic"),
                                           ("auto", "native")])
def test_modes(make_daemon, network: Network, mode: str, ingress: str):
    daemon = register(make_daemon(interfaces=[{"name": INTERFACE, "mode": mode}]).start())
    daemon.block("A", "--country", "CN")
    check(everyone(network, BLOCKED))
    assert interfaces(daemon) == {INTERFACE: ingress}
    daemon.kill9()
    assert interfaces(daemon) == {INTERFACE: ingress}
    check(everyone(network, BLOCKED))


def test_auto_without_native_warns(make_daemon):
    daemon = make_daemon(interfaces=[{"name": "lo", "mode": "auto"}]).start()
    assert interfaces(daemon) == {"lo": "generic"}
    assert any(line.startswith("<4>") and "lo" in line for line in daemon.log.splitlines())


# Several.

def test_two_interfaces(make_daemon, network: Network, second_interface: str):
    daemon = register(make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start())
    daemon.block("A", "--country", "CN")
    assert interfaces(daemon) == {INTERFACE: "native", SECOND: "native"}
    check(everyone(network, BLOCKED))
    daemon.kill9()
    assert interfaces(daemon) == {INTERFACE: "native", SECOND: "native"}
    daemon.start()
    daemon.terminate()
    daemon.detach().ok()
    wait.until(lambda: not daemon.xdp_attached(), 5, "no XDP on the interface")
    assert "xdp" not in run(*network.edge.command("ip", "link", "show", "dev", SECOND)).stdout


@pytest.mark.parametrize("alive", [True, False])
def test_a_lost_interface_is_status_10(make_daemon, network: Network, second_interface: str,
                                       alive: bool):
    daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start()
    network.edge.ip(f"link delete {SECOND}")
    if not alive:
        daemon.kill9()
    assert interfaces(daemon, code=10) == {INTERFACE: "native", SECOND: "none"}
    daemon.ctl("status").exits(10).says(SECOND)


def test_an_interface_that_leaves_the_configuration(make_daemon, network: Network,
                                                    second_interface: str):
    daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start()
    daemon.terminate()
    daemon.change_config(interfaces=[{"name": INTERFACE}])
    daemon.start()
    assert interfaces(daemon) == {INTERFACE: "native"}
    wait.until(lambda: "xdp" not in run(*network.edge.command("ip", "link", "show", "dev",
                                                              SECOND)).stdout,
               5, "no XDP on the interface that is not in the configuration")


def test_another_mode_after_a_restart(make_daemon, network: Network):
    daemon = register(make_daemon().start())
    daemon.block("A", "--country", "CN")
    for mode in ("generic", "native"):
        daemon.terminate()
        daemon.change_config(interfaces=[{"name": INTERFACE, "mode": mode}])
        daemon.start()
        assert interfaces(daemon) == {INTERFACE: mode}
        check(everyone(network, BLOCKED))


def take_away(daemon: Daemon, *folders: str) -> None:
    for folder in folders:
        for link in (daemon.bpf_dir / folder).iterdir():
            link.unlink()


def test_links_that_somebody_took_away(meetings: Daemon, network: Network):
    """With the daemon dead, status says that nothing is filtered; a start repairs it."""
    meetings.block("A", "--country", "CN")
    meetings.kill9()
    take_away(meetings, "links", "egress")
    wait.until(lambda: not meetings.xdp_attached(), 5, "no XDP on the interface")
    meetings.ctl("status").exits(10)
    check(everyone(network))
    meetings.start()
    check(everyone(network, BLOCKED))


@pytest.mark.parametrize("taken, left", [("links", ("none", True)), ("egress", ("native", False))])
def test_one_direction_that_somebody_took_away(meetings: Daemon, network: Network, taken: str,
                                               left: tuple[str, bool]):
    """Nobody gets an answer with one direction cut off; status says which."""
    def shown() -> tuple[str, bool]:
        interface = meetings.ctl("--json", "status").json["interfaces"][0]
        return interface["ingress"], interface["egress"]
    meetings.block("A", "--country", "CN")
    meetings.kill9()
    take_away(meetings, taken)
    wait.until(lambda: shown() == left, 5, f"status shows {left}")
    meetings.ctl("status").exits(10)
    check(everyone(network, BLOCKED))
    meetings.start()
    assert shown() == ("native", True)
    check(everyone(network, BLOCKED))


# Followed as they come and go.

def filtered(daemon: Daemon, name: str) -> bool:
    entries = daemon.api("GET", "/v1/status").json["interfaces"]
    entry = next(each for each in entries if each["name"] == name)
    return entry["ingress"] == "native" and entry["egress"]


def wait_for_filter(daemon: Daemon, name: str, wanted: bool = True) -> None:
    wait.until(lambda: filtered(daemon, name) == wanted, 10,
               lambda: f"{name} filtered: {wanted}\n{daemon.log}")


def has_program(network: Network, device: str) -> bool:
    return "xdp" in run(*network.edge.command("ip", "link", "show", "dev", device)).stdout


def test_an_interface_that_is_made_anew(make_daemon, network: Network, second_interface: str):
    daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start()
    for _ in range(3):
        network.edge.ip(f"link delete {SECOND}")
        wait_for_filter(daemon, SECOND, False)
        network.edge.ip(f"link add name {SECOND} type veth peer name other")
        wait_for_filter(daemon, SECOND)
    daemon.ctl("status").ok()
    # Told once each time, whatever else the kernel told meanwhile.
    assert daemon.log.count(f"interface {SECOND} is not filtered") == 3
    assert daemon.log.count(f"interface {SECOND} is filtered again") == 3


def test_an_interface_that_may_come_later(make_daemon, network: Network):
    daemon = make_daemon(interfaces=[{"name": INTERFACE},
                                     {"name": SECOND, "required": False}]).start()
    daemon.ctl("status").exits(10).says(SECOND)
    network.edge.ip(f"link add name {SECOND} type veth peer name other")
    try:
        wait_for_filter(daemon, SECOND)
        daemon.ctl("status").ok()
    finally:
        network.edge.ip(f"link delete {SECOND}")


def test_an_interface_that_goes_does_not_keep_a_daemon_from_starting(
        make_daemon, network: Network, second_interface: str):
    """It was there: that is no mistake in writing."""
    daemon = register(make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start())
    daemon.block("A", "--country", "CN")
    daemon.kill9()
    network.edge.ip(f"link delete {SECOND}")
    daemon.start()
    check(everyone(network, BLOCKED))
    network.edge.ip(f"link add name {SECOND} type veth peer name other")
    wait_for_filter(daemon, SECOND)


def test_the_filter_stays_on_a_renamed_device(make_daemon, network: Network,
                                              second_interface: str):
    """Until another device has the name."""
    daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start()
    network.edge.ip(f"link set {SECOND} down", f"link set {SECOND} name renamed")
    try:
        for restart in (False, True):
            if restart:
                daemon.kill9()
                daemon.ctl("status").ok()
                daemon.start()
            assert filtered(daemon, SECOND) and has_program(network, "renamed")
            entry = daemon.ctl.json("status")["interfaces"][1]
            assert entry["device"] == "renamed", entry
            assert f"{SECOND} (now renamed)" in daemon.ctl("status").ok().stdout
        network.edge.ip(f"link add name {SECOND} type veth peer name another")
        wait_for_filter(daemon, SECOND)
        wait.until(lambda: has_program(network, SECOND) and not has_program(network, "renamed"), 10,
                   "the program is where the name is")
        assert "device" not in daemon.ctl.json("status")["interfaces"][1]
    finally:
        network.edge.ip("link delete renamed")


def test_a_foreign_program_on_what_comes_back(make_daemon, network: Network,
                                              second_interface: str, lab: Lab):
    """It is named, left alone, and the rest goes on being filtered; once it is gone, ours runs."""
    program = lab.new_folder("foreign") / "foreign.o"
    run("clang-14", "-O2", "-target", "bpf", "-c", str(DATA / "foreign.bpf.c"), "-o", str(program))
    daemon = register(make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start())
    daemon.block("A", "--country", "CN")
    network.edge.ip(f"link delete {SECOND}")
    wait_for_filter(daemon, SECOND, False)
    # It comes to life under another name, so that the foreign program is there first.
    network.edge.ip("link add name early type veth peer name other")
    run(*network.edge.command("ip", "link", "set", "dev", "early", "xdpdrv", "obj", program, "sec",
                              "xdp"))
    network.edge.ip(f"link set early name {SECOND}")
    wait.until(lambda: "foreign_pass" in daemon.log, 10, "it is named")
    daemon.ctl("status").exits(10)
    check(everyone(network, BLOCKED))
    run(*network.edge.command("ip", "link", "set", "dev", SECOND, "xdpdrv", "off"))
    network.edge.ip(f"link set {SECOND} up")  # whatever changes makes it look again
    wait_for_filter(daemon, SECOND)


# Names that change while the filter is on.

def devices_with_programs(network: Network, *names: str) -> list[bool]:
    return [has_program(network, name) for name in names]


def test_a_renamed_device_that_is_configured_by_its_new_name(make_daemon, network: Network,
                                                             second_interface: str):
    """Ours is on it already, under its old name: that is nobody else's program."""
    for reload in (True, False):
        daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND}]).start()
        network.edge.ip(f"link set {SECOND} down", f"link set {SECOND} name renamed")
        wanted = {"interfaces": [{"name": INTERFACE}, {"name": "renamed"}]}
        if reload:
            daemon.reload(**wanted)
        else:
            daemon.terminate()
            daemon.change_config(**wanted)
            daemon.start()
        daemon.ctl("status").ok()
        assert filtered(daemon, "renamed") and has_program(network, "renamed")
        daemon.terminate()
        daemon.detach().ok()
        wait.until(lambda: not has_program(network, "renamed"), 5, "it is taken off")
        network.edge.ip(f"link set renamed name {SECOND}", f"link set {SECOND} up")


@pytest.mark.parametrize("alive", [True, False])
def test_two_devices_that_exchange_their_names(make_daemon, network: Network,
                                               second_interface: str, alive: bool):
    network.edge.ip("link add name third type veth peer name another")
    try:
        daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": SECOND},
                                         {"name": "third"}]).start()
        if not alive:
            daemon.kill9()
        network.edge.ip(f"link set {SECOND} down", f"link set {SECOND} name between",
                        f"link set third name {SECOND}", "link set between name third")
        if not alive:
            daemon.start()
        wait_for_filter(daemon, SECOND)
        wait_for_filter(daemon, "third")
        assert devices_with_programs(network, SECOND, "third") == [True, True]
        daemon.ctl("status").ok()
        daemon.terminate()
        daemon.detach().ok()
        wait.until(lambda: devices_with_programs(network, SECOND, "third") == [False, False], 5,
                   "both are taken off")
    finally:
        network.edge.ip("link delete third")


def test_a_mode_that_is_refused_leaves_the_old_one(make_daemon, network: Network):
    """The loopback has no native XDP: what filtered it goes on."""
    daemon = make_daemon(interfaces=[{"name": "lo", "mode": "generic"}]).start()
    daemon.terminate()
    daemon.change_config(interfaces=[{"name": "lo", "mode": "native"}])
    daemon.run_once().refused("lo", "native", "as before")
    assert has_program(network, "lo")
    daemon.change_config(interfaces=[{"name": "lo", "mode": "generic"}])
    daemon.start()
    assert interfaces(daemon) == {"lo": "generic"}
