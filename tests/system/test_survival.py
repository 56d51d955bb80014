# SPDX-License-Identifier: Apache-2.0
"""The filter outlives the daemon: not one packet is judged wrongly while it dies and comes back."""

import signal
import sqlite3
import threading
from contextlib import closing

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, PORT_OTHER, Endpoint, endpoints
from lab.lab import Lab
from lab.network import EDGE_V4, EDGE_V6, SITES, Network
from lab.pins import set_layout
from lab.probes import check, everyone
from lab.steps import register
from lab.streams import Flow, Traffic, send

UDP_A = Endpoint("udp", EDGE_V4, PORT_A)
BLOCKED = {("CN", PORT_A)}


def flows(network: Network, blocked: set[tuple[str, int]]) -> list[Flow]:
    return [Flow(network.participants[name], Endpoint("udp", address, port),
                 (name, port) not in blocked)
            for name in ("CN", "US") for port in (PORT_A, PORT_B)
            for address in (EDGE_V4, EDGE_V6)]


def more_of(traffic: Traffic, packets: int = 30) -> None:
    goal = traffic.sent + packets
    wait.until(lambda: traffic.sent >= goal, 30, "traffic goes on")


def test_kill9_and_restart_under_traffic(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    with Traffic(flows(network, BLOCKED)) as traffic:
        for _ in range(3):
            more_of(traffic)
            meetings.kill9()
            more_of(traffic)
            meetings.start()
        more_of(traffic)
    traffic.check()
    check(everyone(network, BLOCKED))


def test_kill9_during_the_start_under_traffic(meetings: Daemon, network: Network):
    """It dies at ever later moments of its start."""
    meetings.block("A", "--country", "CN")
    meetings.kill9()
    with Traffic(flows(network, BLOCKED)) as traffic:
        for step in range(8):
            meetings.launch()
            goal = traffic.sent + 1 + step
            wait.until(lambda goal=goal: traffic.sent >= goal, 30, "traffic goes on")
            meetings.kill9()
        meetings.start()
        more_of(traffic)
    traffic.check()
    assert meetings.packets()["dropped_outside_scope"] == 0


def test_rules_change_under_traffic(meetings: Daemon, network: Network):
    """What is not concerned by a change does not notice it."""
    meetings.block("A", "--country", "CN")
    with Traffic(flows(network, BLOCKED)) as traffic:
        for _ in range(20):
            rule = meetings.block("A", "--country", "HK", "TW")
            other = meetings.block("B", "--country", "HK")
            meetings.ctl("unblock", rule).ok()
            meetings.ctl("unblock", other).ok()
    traffic.check()


def test_nothing_changes_with_the_daemon_dead(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    meetings.kill9()
    check(everyone(network, BLOCKED))
    status = meetings.ctl("status")
    assert status.code == 0, status
    assert meetings.ctl("--json", "status").json["daemon"] != "running"
    meetings.ctl("rule", "list").exits(3)
    meetings.start()
    check(everyone(network, BLOCKED))


def test_counters_survive(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN")
    china = network.participants["CN"]

    def dropped(count: int) -> None:
        wait.until(lambda: meetings.rule(rule)["packets_dropped"] >= count, 5, f"{count} dropped")
        assert meetings.rule(rule)["packets_dropped"] == count

    send(china, UDP_A, 50)
    dropped(50)
    meetings.kill9()
    send(china, UDP_A, 25)
    meetings.start()
    dropped(75)
    meetings.terminate()
    meetings.start()
    dropped(75)
    assert meetings.packets()["dropped"] == 75


def test_the_dead_daemons_status_counts(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    meetings.kill9()
    send(network.participants["CN"], UDP_A, 40)
    status = wait.until(lambda: meetings.packets()["dropped"] >= 40 and
                        meetings.ctl.json("status"), 5, "40 are dropped")
    assert status["packets"]["dropped"] == 40
    assert status["packets"]["dropped_outside_scope"] == 0
    assert [interface["ingress"] for interface in status["interfaces"]] == ["native"]


def test_sigterm_leaves_the_filter_in_force(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    assert meetings.terminate() == 0
    assert meetings.xdp_attached()
    check(everyone(network, BLOCKED))


def test_sigint_ends_it_like_sigterm(meetings: Daemon):
    meetings.process.send_signal(signal.SIGINT)
    assert meetings.process.wait(15) == 0
    assert meetings.xdp_attached()


def test_detach_leaves_nothing(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    meetings.terminate()
    meetings.detach().ok()
    wait.until(lambda: not meetings.xdp_attached(), 5, "no XDP on the interface")
    left = list(meetings.bpf_dir.rglob("*")) if meetings.bpf_dir.exists() else []
    assert left == []
    check(everyone(network))


def test_detach_beside_a_running_daemon_is_refused(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    meetings.detach().refused()
    check(everyone(network, BLOCKED))


def test_a_second_daemon_on_the_same_state_is_refused(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    meetings.run_once().refused()
    check(everyone(network, BLOCKED))
    meetings.ctl("status").ok()


def test_after_a_reboot_the_rules_are_in_force_again(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN")
    gone = meetings.block("B", "--country", "HK")
    meetings.ctl("unblock", gone, "--why", "test").ok()
    before = meetings.ctl.json("meeting", "list")
    meetings.terminate()
    meetings.detach().ok()  # as after a boot: the kernel knows nothing
    check(everyone(network))
    meetings.start()
    check(everyone(network, BLOCKED))
    assert meetings.ctl.json("meeting", "list") == before
    assert meetings.rule(rule)["state"] == "active"
    assert meetings.rule(gone)["state"] == "withdrawn"


def test_kill9_between_changes(meetings: Daemon):
    """It dies while changes are being made. What the kernel does and what is on record agree
    afterwards, and a change that was answered is there."""
    meetings.block("A", "--country", "CN")
    for step in range(10):
        answered: list[str] = []
        changes = threading.Thread(target=change_without_end, args=(meetings, answered))
        changes.start()
        goal = 1 + step % 4
        wait.until(lambda: len(answered) >= goal, 20, "changes are made")
        meetings.kill9()
        changes.join()
        meetings.start()
        active = {rule["id"]: rule for rule in meetings.ctl.json("rule", "list")
                  if rule["state"] == "active"}
        # The last one answered was a block or an unblock; one more may have come through.
        assert len(active) <= 2, active
        blocked = any("HK" in rule["countries"] for rule in active.values())
        verdict = meetings.explain("198.51.100.10:1000", UDP_A)["verdict"]
        assert verdict == ("drop" if blocked else "pass"), active
        assert meetings.explain("203.0.113.10:1000", UDP_A)["verdict"] == "drop"
        for rule in active.values():
            if "HK" in rule["countries"]:
                meetings.ctl("unblock", rule["id"]).ok()


def change_without_end(daemon: Daemon, answered: list[str]) -> None:
    """Blocks and unblocks HK until nobody answers."""
    while True:
        outcome = daemon.ctl("--json", "block", "A", "--country", "HK", "--yes")
        if outcome.code != 0:
            return
        rule = outcome.json["id"]
        answered.append(rule)
        if daemon.ctl("unblock", rule).code != 0:
            return
        answered.append(rule)


def test_another_layout_is_replaced_under_traffic(meetings: Daemon, network: Network):
    """What an update of the package does: other maps, and no packet is judged wrongly meanwhile."""
    rule = meetings.block("A", "--country", "CN")
    meetings.kill9()
    set_layout(meetings.bpf_dir, 999)
    with Traffic(flows(network, BLOCKED)) as traffic:
        more_of(traffic)
        meetings.start()
        more_of(traffic)
    traffic.check()
    assert "layout" in meetings.log and "999" in meetings.log, meetings.log
    assert meetings.rule(rule)["state"] == "active"
    check(everyone(network, BLOCKED))
    meetings.kill9()
    check(everyone(network, BLOCKED))
    meetings.start()


def test_counters_of_layout_3_go_on(meetings: Daemon, network: Network):
    """The update that came with the running check: nothing the counters need has changed."""
    rule = meetings.block("A", "--country", "CN")
    send(network.participants["CN"], UDP_A, 30)
    wait.until(lambda: meetings.rule(rule)["packets_dropped"] == 30, 5, "30 are dropped")
    meetings.kill9()
    set_layout(meetings.bpf_dir, 3)
    meetings.start()
    assert "layout 3" in meetings.new_log, meetings.new_log
    assert meetings.rule(rule)["packets_dropped"] == 30
    assert meetings.packets()["dropped"] == 30
    send(network.participants["CN"], UDP_A, 5)
    wait.until(lambda: meetings.rule(rule)["packets_dropped"] == 35, 5, "and counts on")
    # Of an older layout nothing can be read.
    meetings.kill9()
    set_layout(meetings.bpf_dir, 2)
    meetings.start()
    assert meetings.rule(rule)["packets_dropped"] == 0


def test_a_downgrade_changes_nothing(meetings: Daemon, network: Network):
    """State of a later version: this one does not start, and the filter stays as it is."""
    meetings.block("A", "--country", "CN")
    meetings.terminate()
    path = meetings.state_dir / "meetfence.db"

    def set_schema(number: int) -> int:
        with closing(sqlite3.connect(path)) as database:
            before = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version = {number}")
        return before
    known = set_schema(99)
    with Traffic(flows(network, BLOCKED)) as traffic:
        meetings.run_once().refused("schema 99")
        more_of(traffic)
    traffic.check()
    set_schema(known)
    meetings.start()
    check(everyone(network, BLOCKED))


def test_other_limits_under_traffic(meetings: Daemon, network: Network):
    """The tables get another size; limits that what is there does not fit into are refused."""
    rule = meetings.block("A", "--country", "CN")
    send(network.participants["CN"], UDP_A, 30)
    wait.until(lambda: meetings.rule(rule)["packets_dropped"] == 30, 5, "30 are dropped")
    with Traffic(flows(network, BLOCKED)) as traffic:
        for limit in (1000, 2, 5000):
            meetings.terminate()
            meetings.change_config(limits={"meetings": limit})
            meetings.start()
            more_of(traffic)
    traffic.check()
    check(everyone(network, BLOCKED))
    assert meetings.rule(rule)["packets_dropped"] >= 30 + traffic.sent


def test_limits_below_what_is_there(make_daemon, network: Network):
    """More meetings than the new limit has room for: whatever the daemon does, nobody is let in
    or left out by it."""
    meetings = register(make_daemon(limits={"meetings": 5000}).start())
    meetings.block("A", "--country", "CN")
    for number in range(1200):
        meetings.api("PUT", f"/v1/meetings/M{number}",
                     {"endpoints": [f"udp:{EDGE_V4}:{20000 + number}"]}).expect(201)
    meetings.terminate()
    meetings.change_config(limits={"meetings": 1})
    with Traffic(flows(network, BLOCKED)) as traffic:
        meetings.launch()
        wait.until(lambda: not meetings.alive or "filtering" in meetings.new_log, 30, "it decides")
        more_of(traffic)
    traffic.check()
    if meetings.alive:
        meetings.ctl("meeting", "add", "N", "--endpoint", f"udp:{EDGE_V4}:30000").refused("1")
        meetings.kill9()
    else:
        assert "limits.meetings" in meetings.new_log, meetings.new_log
    check(everyone(network, BLOCKED))
    meetings.change_config(limits={"meetings": 5000})
    meetings.start()
    assert len(meetings.ctl.json("meeting", "list")) == 1202


def test_a_changed_configuration_is_in_force_after_a_restart(make_daemon, network: Network):
    daemon = register(make_daemon().start())
    daemon.block("A", "--country", "CN")
    for changes, blocked in (
            ({"exempt": list(SITES["CN"].prefixes)}, set()),
            ({"exempt": []}, BLOCKED),
            ({"geo": {"overrides": dict.fromkeys(SITES["CN"].prefixes, "FR")}}, set()),
            ({"geo": {"overrides": dict.fromkeys(SITES["US"].prefixes, "CN")}},
             {("US", PORT_A)})):
        daemon.terminate()
        daemon.change_config(**changes)
        daemon.start()
        check(everyone(network, blocked))


def test_two_daemons_do_not_notice_each_other(lab: Lab, make_daemon, meetings: Daemon,
                                              network: Network):
    neighbours = lab.network(("CN", "US"))
    other = register(make_daemon(neighbours).start())
    meetings.block("A", "--country", "CN")
    check(everyone(network, BLOCKED) | everyone(neighbours))
    other.block("B", "--country", "US")
    both = everyone(network, BLOCKED) | everyone(neighbours, {("US", PORT_B)})
    check(both)
    meetings.kill9()
    check(both)
    meetings.start()
    other.terminate()
    other.detach().ok()
    check(everyone(network, BLOCKED) | everyone(neighbours))
    assert meetings.packets()["dropped_outside_scope"] == 0


def test_other_traffic_of_the_host_is_counted_apart(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    other = [end for end in endpoints(PORT_OTHER) if end.transport == "udp"]
    for end in other:
        send(network.participants["CN"], end, 10)

    def of_other_traffic() -> int:
        reasons = meetings.ctl.json("status")["reasons"]
        return reasons.get("other_traffic", {"packets": 0})["packets"]
    wait.until(lambda: of_other_traffic() >= 20, 5, "20 packets are seen")
    status = meetings.ctl.json("status")
    assert status["packets"]["dropped"] == 0
    counted = sum(reason["packets"] for reason in status["reasons"].values())
    assert counted == status["packets"]["seen"]
