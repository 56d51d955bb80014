# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: another configuration takes the place of the one in force, wholly or not at all."""

import json

import pytest

from lab import wait
from lab.country_db import make_simple
from lab.daemon import OPERATORS, VIEWERS, Daemon, DidNotReload
from lab.endpoints import PORT_A, Endpoint
from lab.lab import Lab
from lab.network import EDGE_V4, INTERFACE, NOWHERE, SITES, Network, overrides
from lab.orders import Desk
from lab.probes import check, everyone
from lab.steps import register
from lab.streams import Traffic
from lab.users import User
from test_survival import flows, more_of

BLOCKED = {("CN", PORT_A)}
UDP_A = Endpoint("udp", EDGE_V4, PORT_A)


def test_what_follows_a_reload(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    for changes, blocked in (
            ({"exempt": list(SITES["CN"].prefixes)}, set()),
            ({"exempt": []}, BLOCKED),
            ({"geo": {"overrides": dict.fromkeys(SITES["CN"].prefixes, "FR")}}, set()),
            ({"geo": {"overrides": dict.fromkeys(SITES["US"].prefixes, "CN")}}, {("US", PORT_A)})):
        meetings.reload(**changes)
        check(everyone(network, blocked))


def test_no_packet_notices_a_reload(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    with Traffic(flows(network, BLOCKED)) as traffic:
        for number in range(4):
            meetings.reload(exempt=[f"192.0.2.{200 + number}/32"])
            more_of(traffic)
    traffic.check()


def test_policy_and_groups(meetings: Daemon):
    desk = Desk(meetings)
    meetings.reload(policy={"approvals": 2, "max_duration": "1h"})
    meetings.ctl("block", "A", "--country", "CN", "--for", "2h", "--yes").refused("1h")
    desk.record("O-1")
    assert meetings.api("GET", "/v1/orders/O-1").json["approvals_needed"] == 2
    member_of_viewers = User(4711, (60,))
    change = lambda: meetings.api("PUT", "/v1/meetings/M",
                                  {"endpoints": ["udp:198.18.0.1:41000"]}).status
    assert member_of_viewers.do(change) == 403
    meetings.reload(control={"operators": VIEWERS, "viewers": OPERATORS})
    assert member_of_viewers.do(change) == 201


def test_interfaces_come_and_go(meetings: Daemon, network: Network):
    network.edge.ip("link add name more type veth peer name other", "link set more up",
                    "link set other up")
    try:
        meetings.reload(interfaces=[{"name": INTERFACE}, {"name": "more"}])
        names = {each["name"]: each["ingress"] for each in meetings.ctl.json("status")["interfaces"]}
        assert names == {INTERFACE: "native", "more": "native"}
        meetings.reload(interfaces=[{"name": INTERFACE}])
        assert [each["name"] for each in meetings.ctl.json("status")["interfaces"]] == [INTERFACE]
        meetings.ctl("status").ok()
    finally:
        network.edge.ip("link delete more")


@pytest.mark.parametrize("changes, words", [
    ({"interfaces": [{"name": INTERFACE}, {"name": "eth7"}]}, "eth7"),
    ({"geo": {"databases": ["/nowhere/country.mmdb"]}}, "/nowhere/country.mmdb"),
    ({"geo": {"agreement": "some"}}, "agreement"),
])
def test_nothing_of_a_bad_one_is_taken(meetings: Daemon, network: Network, changes, words: str):
    """What is good in it is left out as well: half a configuration is nobody's."""
    meetings.block("A", "--country", "CN")
    good = {"exempt": list(SITES["CN"].prefixes)}
    with pytest.raises(DidNotReload) as refusal:
        meetings.reload(**good, **changes)
    assert words in str(refusal.value)
    check(everyone(network, BLOCKED))
    meetings.ctl("status").ok()
    assert [entry["name"] for entry in meetings.ctl.json("status")["interfaces"]] == [INTERFACE]
    # And it goes on being one that can be reloaded.
    back = {"interfaces": [{"name": INTERFACE}],
            "geo": {"databases": [], "agreement": "all", "overrides": overrides()}}
    meetings.reload(**good, **back)
    check(everyone(network))


def test_what_takes_a_restart_is_named(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN")
    meetings.reload(limits={"meetings": 2000}, exempt=["192.0.2.99/32"])
    assert "limits.meetings" in meetings.new_log and "restart" in meetings.new_log
    assert meetings.rule(rule)["state"] == "active"
    check(everyone(network, BLOCKED))


def test_the_audit_log_knows(meetings: Daemon):
    """Who reads it later can tell how many approvals were asked for, and when that changed."""
    meetings.reload(policy={"approvals": 3})
    lines = meetings.ctl("--json", "audit", "show").ok().stdout.splitlines()
    entries = [entry for entry in map(json.loads, lines)
               if entry["what"] in ("daemon_started", "configuration_loaded")]
    assert [entry["body"]["approvals"] for entry in entries] == [1, 3]


def test_a_database_that_is_configured_later(lab: Lab, meetings: Daemon):
    """From then on it is watched, too."""
    path = lab.new_folder("database") / "country.mmdb"
    nowhere = SITES[NOWHERE].prefixes[0]

    def country() -> str | None:
        return meetings.explain(SITES[NOWHERE].address(4) + ":1000", UDP_A)["country"]
    make_simple(path, {nowhere: "FR"})
    assert country() is None
    meetings.reload(geo={"databases": [str(path)]})
    assert country() == "FR"
    make_simple(path.with_suffix(".new"), {nowhere: "SE"}).rename(path)
    wait.until(lambda: country() == "SE", 20, "the new file is in force")


def test_a_rollback_outlives_a_reload(lab: Lab, meetings: Daemon):
    """Databases that somebody went back from do not come again with another line of the file."""
    path = lab.new_folder("database") / "country.mmdb"
    nowhere = SITES[NOWHERE].prefixes[0]

    def country() -> str | None:
        return meetings.explain(SITES[NOWHERE].address(4) + ":1000", UDP_A)["country"]
    make_simple(path, {nowhere: "FR"})
    meetings.reload(geo={"databases": [str(path)]})
    make_simple(path.with_suffix(".new"), {nowhere: "SE"}).rename(path)
    wait.until(lambda: country() == "SE", 20, "the new file is in force")
    meetings.ctl("geo", "rollback").ok()
    assert country() == "FR"
    meetings.reload(exempt=["192.0.2.99/32"])
    assert country() == "FR"
    assert meetings.ctl.json("geo", "status")["rolled_back"]


def test_a_file_that_is_no_configuration_is_on_record(meetings: Daemon):
    meetings.config_path.write_text("{", encoding="ascii")
    meetings.hang_up()
    wait.until(lambda: "<3>configuration" in meetings.log, 10, "it is refused")
    lines = meetings.ctl("--json", "audit", "show").ok().stdout.splitlines()
    assert json.loads(lines[-1])["what"] == "configuration_refused"
    meetings.write_config()
