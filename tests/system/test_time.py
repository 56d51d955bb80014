# SPDX-License-Identifier: Apache-2.0
"""A rule keeps its time: it begins and ends by itself, also when nobody is there to end it."""

import time
from datetime import datetime, timedelta, timezone

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, Endpoint, as_options
from lab.network import EDGE_V4, Network
from lab.probes import check, everyone, product, reaches

UDP_A = Endpoint("udp", EDGE_V4, PORT_A)
# Times have whole seconds: a rule of 3 s lasts at least 2.
SHORT_S = 3


def at(seconds: float) -> str:
    moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def china(network: Network):
    return network.participants["CN"]


def wait_for_end(network: Network, rule: dict) -> None:
    """CN gets through again, and not before the rule's end."""
    wait.until(lambda: reaches(china(network), UDP_A, 0.1), SHORT_S + 5, "the rule ends")
    early = parse(rule["until"]) - datetime.now(timezone.utc)
    assert early < timedelta(milliseconds=100), f"ended {early} before its time"


def test_a_rule_ends_by_its_time(meetings: Daemon, network: Network):
    rule = meetings.rule(meetings.block("A", "--country", "CN", "--for", f"{SHORT_S}s"))
    check(product([china(network)], [UDP_A], False))
    wait_for_end(network, rule)
    wait.until(lambda: meetings.rule(rule["id"])["state"] == "expired", 5, "the rule is expired")
    check(everyone(network))


def test_a_rule_ends_with_the_daemon_dead(meetings: Daemon, network: Network):
    rule = meetings.rule(meetings.block("A", "--country", "CN", "--for", f"{SHORT_S}s"))
    meetings.kill9()
    check(product([china(network)], [UDP_A], False))
    wait_for_end(network, rule)
    meetings.start()
    assert meetings.rule(rule["id"])["state"] == "expired"
    check(everyone(network))


def test_until_and_for_say_the_same(meetings: Daemon):
    moment = at(7200)
    until = meetings.rule(meetings.block("A", "--country", "CN", "--until", moment))
    assert until["until"] == moment
    lasting = meetings.rule(meetings.block("A", "--country", "CN", "--for", "2h"))
    assert abs(parse(lasting["until"]) - parse(moment)) < timedelta(seconds=10)


def test_every_rule_has_an_end(make_daemon):
    daemon = make_daemon(policy={"max_duration": "2h"}).start()
    daemon.add_meeting("A", UDP_A)
    rule = daemon.rule(daemon.block("A", "--country", "CN"))
    assert parse(rule["until"]) - parse(rule["from"]) <= timedelta(hours=2)
    daemon.ctl("block", "A", "--country", "CN", "--for", "3h", "--yes").refused("2h")


def test_a_rule_begins_by_its_time(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN", "--from", at(SHORT_S), "--for", "1h")
    assert meetings.rule(rule)["state"] == "scheduled"
    begins = time.monotonic() + SHORT_S - 1
    check(everyone(network))
    assert time.monotonic() < begins, "the machine was too slow for this test"
    wait.until(lambda: not reaches(china(network), UDP_A, 0.3), SHORT_S + 5, "the rule begins")
    assert meetings.rule(rule)["state"] == "active"
    check(everyone(network, {("CN", PORT_A)}))


def test_a_rule_begins_with_the_daemon_dead(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN", "--from", at(SHORT_S), "--for", "1h")
    meetings.kill9()
    wait.until(lambda: not reaches(china(network), UDP_A, 0.3), SHORT_S + 5, "the rule begins")
    check(everyone(network, {("CN", PORT_A)}))


def test_a_meeting_takes_its_rules_along(daemon: Daemon, network: Network):
    daemon.ctl("meeting", "add", "A", *as_options(PORT_A), "--until", at(SHORT_S + 1)).ok()
    rule = daemon.block("A", "--country", "CN")
    check(product([china(network)], [UDP_A], False))
    wait.until(lambda: reaches(china(network), UDP_A, 0.1), SHORT_S + 6, "the meeting ends")
    wait.until(lambda: daemon.rule(rule)["state"] == "expired", 5, "the rule is expired")
    wait.until(lambda: daemon.ctl.json("meeting", "list") == [], 5, "the meeting is gone")


def test_times_that_make_no_sense_are_refused(meetings: Daemon):
    for options in (("--until", at(-60)), ("--from", at(600), "--until", at(300)),
                    ("--until", "tomorrow"), ("--for", "0s"), ("--for", "-1h"), ("--for", "1y"),
                    ("--for", "1h", "--until", at(600))):
        outcome = meetings.ctl("block", "A", "--country", "CN", *options, "--yes")
        assert outcome.code in (1, 2), (options, outcome)
        assert outcome.stderr.strip(), options
    assert meetings.ctl.json("rule", "list") == []
