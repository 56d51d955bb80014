# SPDX-License-Identifier: Apache-2.0
"""What is dropped is judged a second time. The faults come from outside, into the pinned tables: the
product has no way to make one."""

import json
import re
from collections.abc import Callable

import pytest

from lab import country_db, pins, wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, Endpoint, endpoints
from lab.events import following, of_kind
from lab.lab import Lab
from lab.network import EDGE_V4, EDGE_V6, SITES, Network, overrides
from lab.probes import check, everyone
from lab.streams import send

UDP_A = [Endpoint("udp", address, PORT_A) for address in (EDGE_V4, EDGE_V6)]
UDP_B = Endpoint("udp", EDGE_V4, PORT_B)
A, B = 1, 2  # the daemon's own numbers of the meetings
NOTICED_S = 10


def status(daemon: Daemon) -> dict:
    return daemon.ctl.json("status")


def checked(daemon: Daemon) -> int:
    return status(daemon)["check"]["checked"]


def until_checked(daemon: Daemon, act: Callable[[], object], more: int = 1) -> None:
    """Acts until so many more drops have been judged again."""
    before = checked(daemon)
    wait.until(lambda: (act(), checked(daemon) >= before + more)[1], NOTICED_S,
               lambda: f"{more} more drops are checked: {status(daemon)['check']}\n{daemon.log}")


def expect_clean(daemon: Daemon) -> None:
    now = status(daemon)
    assert now["check"]["outside"] == 0, f"{now}\n{daemon.log}"
    assert now["packets"]["dropped_outside_scope"] == 0, now


def number_of(rule: str) -> int:
    return int(rule.removeprefix("r"))


def test_right_drops_are_found_right(meetings: Daemon, network: Network):
    """Both families, every kind of rule, fragments, and rules that change under traffic."""
    china, hong_kong = network.participants["CN"], network.participants["HK"]
    meetings.block("B", "--allow-only", "US")

    def everybody() -> None:
        for sender in (china, hong_kong):
            for end in UDP_A:
                send(sender, end, 3)
                send(sender, end, 1, size=3000)
            send(sender, UDP_B, 1)
    rule = meetings.block("A", "--country", "CN", "HK")
    until_checked(meetings, everybody, 10)
    for _ in range(10):
        everybody()
        meetings.ctl("rule", "monitor", rule).ok()
        everybody()
        meetings.ctl("rule", "enforce", rule).ok()
        everybody()
        meetings.ctl("unblock", rule).ok()
        everybody()
        rule = meetings.block("A", "--country", "CN", "HK", "--for", "1h")
    until_checked(meetings, everybody)
    expect_clean(meetings)
    assert meetings.rule(rule)["state"] == "active"


def test_a_new_database_is_checked_by_its_own_word(make_daemon, lab: Lab, network: Network):
    """CN's prefixes move to HK and back under traffic: what the one table dropped is never held against
    the other."""
    folder = lab.new_folder("database")
    sites = {prefix: code for prefix, code in overrides().items()}
    moved = {prefix: "HK" if code == "CN" else code for prefix, code in sites.items()}
    database = country_db.make_simple(folder / "places.mmdb", sites)
    daemon = make_daemon(geo={"databases": [str(database)], "overrides": {}}).start()
    daemon.add_meeting("A", *endpoints(PORT_A))
    daemon.block("A", "--country", "CN", "HK")

    def everybody() -> None:
        for name in ("CN", "HK"):
            send(network.participants[name], UDP_A[0], 3)
    until_checked(daemon, everybody)
    for places in (moved, sites, moved):
        country_db.make_simple(database, places)
        everybody()
        daemon.ctl("geo", "reload", "--force").ok()
        until_checked(daemon, everybody, 3)
    daemon.ctl("geo", "rollback").ok()
    until_checked(daemon, everybody, 3)
    expect_clean(daemon)


def test_the_check_goes_on_after_a_restart(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN")
    china = network.participants["CN"]
    until_checked(meetings, lambda: send(china, UDP_A[0], 1))
    meetings.kill9()
    send(china, UDP_A[0], 50)
    meetings.start()
    until_checked(meetings, lambda: send(china, UDP_A[0], 1))
    expect_clean(meetings)
    assert meetings.rule(rule)["state"] == "active"


# Faults.

def expect_suspended(daemon: Daemon, rule: str, act: Callable[[], object], *words: str) -> None:
    """Within a moment, with an alarm that says why, and says no address."""
    with following(daemon, "--json") as lines:
        wait.until(lambda: (act(), daemon.rule(rule)["state"] != "active")[1], NOTICED_S,
                   lambda: f"the rule is suspended: {status(daemon)['check']}\n{daemon.log}")
        event = wait.until(lambda: of_kind(lines, "rule_suspended"), 5, "the event")[0]
    now = daemon.rule(rule)
    assert now["state"] == "withdrawn" and now["suspended"], now
    assert event["rule"] == rule
    for word in words:
        assert word in event["why"] and word in daemon.log, (event, daemon.log)
    assert status(daemon)["check"]["outside"] > 0
    assert daemon.packets()["dropped_outside_scope"] > 0
    told = json.dumps(event) + daemon.log
    for site in SITES.values():
        assert site.v4 not in told and site.v6 not in told, told
    assert not re.search(r"203\.0\.113\.|198\.51\.100\.", told), told


def end(daemon: Daemon) -> None:
    """Before it is asked for what holds in every other test."""
    assert daemon.terminate() == 0


@pytest.mark.parametrize("family", [4, 6])
def test_a_rule_that_hits_another_country_is_suspended(meetings: Daemon, network: Network,
                                                       family: int):
    rule = meetings.block("A", "--country", "CN")
    other = meetings.block("B", "--country", "HK")
    until_checked(meetings, lambda: [send(network.participants["CN"], end, 1) for end in UDP_A])
    expect_clean(meetings)

    pins.widen_rule(meetings.bpf_dir, number_of(rule), number_of(other))
    into_a = next(end for end in UDP_A if end.family == family)
    expect_suspended(meetings, rule, lambda: send(network.participants["HK"], into_a, 1), "HK", "CN")
    check(everyone(network, {("HK", PORT_B)}))
    assert meetings.rule(other)["state"] == "active"
    until_checked(meetings, lambda: send(network.participants["HK"], UDP_B, 1))
    meetings.ctl("status").ok()
    rule = meetings.block("A", "--country", "CN")  # a new rule works
    check(everyone(network, {("HK", PORT_B), ("CN", PORT_A)}))
    end(meetings)


def test_a_rule_that_drops_what_it_shall_monitor_is_suspended(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN", "--monitor")
    pins.enforce_rule(meetings.bpf_dir, number_of(rule))
    expect_suspended(meetings, rule, lambda: send(network.participants["CN"], UDP_A[0], 1),
                     "only monitors")
    check(everyone(network))
    for layout in (None, 3):  # what was found stays on record
        meetings.kill9()
        if layout:
            pins.set_layout(meetings.bpf_dir, layout)
        meetings.start()
        assert meetings.packets()["dropped_outside_scope"] > 0
        assert meetings.rule(rule)["suspended"]
    end(meetings)


def test_a_rule_that_hits_another_meeting_is_suspended(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN")
    pins.give_policy(meetings.bpf_dir, B, A)
    expect_suspended(meetings, rule, lambda: send(network.participants["CN"], UDP_B, 1),
                     "another meeting")
    wait.until(lambda: everyone_gets_through(network), NOTICED_S, "the packets flow again")
    end(meetings)


def everyone_gets_through(network: Network) -> bool:
    try:
        check(everyone(network))
    except AssertionError:
        return False
    return True
