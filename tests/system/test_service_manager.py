# SPDX-License-Identifier: Apache-2.0
"""What a service manager hears: ready, reloading, stopping, alive; and that no more than three
capabilities are needed for it all."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from lab.daemon import OPERATORS_GID, Daemon
from lab.endpoints import PORT_A
from lab.network import Network
from lab.probes import check, everyone
from lab.service_manager import ServiceManager
from lab.steps import register
from lab.users import User

BLOCKED = {("CN", PORT_A)}
CAPABILITIES = ("bpf", "net_admin", "perfmon")
NOBODY = 65534


@pytest.fixture
def manager(tmp_path) -> Iterator[Callable[..., ServiceManager]]:
    made: list[ServiceManager] = []

    def make(watchdog_s: float | None = None) -> ServiceManager:
        made.append(ServiceManager(tmp_path, watchdog_s))
        return made[-1]
    yield make
    for each in made:
        each.close()


def test_ready_when_the_filter_is_in_force(make_daemon, network: Network, manager):
    """Not a moment before: what waits for the unit may rely on it."""
    daemon = register(make_daemon().start())
    daemon.block("A", "--country", "CN")
    daemon.terminate()
    daemon.detach().ok()
    heard = manager()
    daemon.environment = heard.environment
    daemon.launch()
    status = heard.wait_for("READY")["STATUS"]
    check(everyone(network, BLOCKED))
    assert status == "Filtering 1 of 1 interfaces; 2 meetings, 1 active rules"
    assert daemon.api("GET", "/v1/status").status == 200
    daemon.terminate()
    assert "STOPPING" in heard.wait_for("STOPPING")


def test_a_reload_is_announced_and_ends(make_daemon, manager):
    daemon, heard = make_daemon(), manager()
    daemon.environment = heard.environment
    daemon.start()
    heard.wait_for("READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.hang_up()
    assert int(heard.wait_for("RELOADING")["MONOTONIC_USEC"]) >= before
    heard.wait_for("READY")
    # One that is refused ends as well.
    daemon.config_path.write_text("{", encoding="ascii")
    daemon.hang_up()
    heard.wait_for("RELOADING")
    heard.wait_for("READY")
    daemon.write_config()


def test_the_main_loop_feeds_the_watchdog(make_daemon, manager):
    daemon, heard = make_daemon(), manager(watchdog_s=0.4)
    daemon.environment = heard.environment
    daemon.start()
    for _ in range(5):
        heard.wait_for("WATCHDOG", 2)
    daemon.process.send_signal(signal.SIGSTOP)
    heard.drain()
    assert heard.next(1) is None
    daemon.process.send_signal(signal.SIGCONT)
    heard.wait_for("WATCHDOG", 2)


def run_as_nobody(daemon: Daemon, capabilities: tuple[str, ...]) -> Daemon:
    """As the unit does it: a user, and these capabilities alone."""
    for path in (daemon.directory, daemon.state_dir):
        os.chown(path, NOBODY, NOBODY)
    daemon.bpf_dir.mkdir(mode=0o700)
    os.chown(daemon.bpf_dir, NOBODY, NOBODY)
    wanted = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    daemon.wrapper = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                      f"--inh-caps={wanted}", f"--ambient-caps={wanted}",
                      f"--bounding-set={wanted}", "--no-new-privs")
    return daemon


def effective_capabilities(daemon: Daemon) -> int:
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("CapEff")), 16)


def test_three_capabilities_suffice(make_daemon, lab, network: Network):
    """Without root: start, rules, both directions, a restart, a reload, an end."""
    lab.bpffs.chmod(0o755)
    daemon = run_as_nobody(make_daemon(), CAPABILITIES)
    register(daemon.start())
    assert effective_capabilities(daemon) == 1 << 39 | 1 << 12 | 1 << 38
    daemon.block("A", "--country", "CN")
    check(everyone(network, BLOCKED))
    daemon.kill9()
    daemon.start()
    assert "adopted" in daemon.new_log
    daemon.reload(exempt=["203.0.113.0/24", "2001:db8:c::/48"])
    check(everyone(network))
    daemon.terminate()
    daemon.detach().ok()
    assert not daemon.xdp_attached()


@pytest.mark.parametrize("missing", CAPABILITIES)
def test_none_of_them_can_be_left_out(make_daemon, lab, missing: str):
    """The refusal says what is needed."""
    lab.bpffs.chmod(0o755)
    left = tuple(name for name in CAPABILITIES if name != missing)
    daemon = run_as_nobody(make_daemon(), left)
    daemon.run_once().refused("CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON")
    assert not daemon.xdp_attached()


def test_who_may_operate_as_a_group(make_daemon, lab, network: Network):
    """The daemon's own group is not asked: the configured one is."""
    lab.bpffs.chmod(0o755)
    daemon = run_as_nobody(make_daemon(), CAPABILITIES)
    daemon.start()
    answer = User(NOBODY + 1, (OPERATORS_GID,)).do(
        lambda: daemon.api("PUT", "/v1/meetings/M", {"endpoints": ["udp:198.18.0.1:41000"]}).status)
    assert answer == 201
