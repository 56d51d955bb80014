# SPDX-License-Identifier: Apache-2.0
"""The stream of events: that something was dropped, where, and never whose."""

import json
import re

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, Endpoint
from lab.events import following
from lab.network import EDGE_V4, EDGE_V6, SITES, Network
from lab.streams import send

UDP_A = Endpoint("udp", EDGE_V4, PORT_A)


def drops_of(lines: list[str], country: str) -> list[dict]:
    return [event for event in map(json.loads, lines) if event.get("country") == country]


def test_a_drop_is_seen(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN", "HK")
    with following(meetings, "--json") as lines:
        def seen(country: str) -> list[dict]:
            send(network.participants[country], UDP_A, 1)
            return drops_of(list(lines), country)
        for country in ("CN", "HK"):
            event = wait.until(lambda country=country: seen(country), 10, f"a drop of {country}")[0]
            assert (event["meeting"], event["rule"]) == ("A", rule)


def test_events_are_few(meetings: Daemon, network: Network):
    """The first drop of a country, then one at most in a while: a flood is not repeated here."""
    meetings.block("A", "--country", "CN")
    with following(meetings, "--json") as lines:
        wait.until(lambda: (send(network.participants["CN"], UDP_A, 1),
                            drops_of(list(lines), "CN"))[1], 10, "a drop of CN")
        send(network.participants["CN"], UDP_A, 3000)
        wait.until(lambda: meetings.packets()["dropped"] >= 3000, 10, "3000 are dropped")
        assert len(drops_of(list(lines), "CN")) < 30


def test_no_address_in_an_event(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    ends = (UDP_A, Endpoint("udp", EDGE_V6, PORT_A))
    for options in (("--json",), ()):
        with following(meetings, *options) as lines:
            wait.until(lambda: [send(network.participants["CN"], end, 1) for end in ends] and
                       any("CN" in line for line in list(lines)), 20, "a drop of CN")
            text = "".join(lines)
        for site in SITES.values():
            assert site.v4 not in text and site.v6 not in text, text
        assert not re.search(r"\d+\.\d+\.\d+\.\d+", text), text


def test_what_was_is_told_without_following(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    send(network.participants["CN"], UDP_A, 1)

    def told() -> list[dict]:
        answer = meetings.ctl("--json", "events").ok().stdout
        return drops_of(answer.splitlines(), "CN")
    assert wait.until(told, 5, "the drop is told")[0]["meeting"] == "A"
    answer = meetings.api("GET", "/v1/events?follow=false").expect(200)
    assert answer.content_type.startswith("application/x-ndjson")


def test_a_change_is_an_event_too(meetings: Daemon):
    with following(meetings, "--json") as lines:
        rule = meetings.block("A", "--country", "CN")
        wait.until(lambda: any(f'"{rule}"' in line for line in list(lines)), 5, "the new rule")
    meetings.ctl("status").ok()  # the follower's end is not the daemon's


def test_the_daemon_stops_while_somebody_follows(meetings: Daemon):
    for _ in range(5):
        with following(meetings, "--json") as lines:
            rule = meetings.block("A", "--country", "CN")
            wait.until(lambda: lines, 5, "the follower is there")
            assert meetings.terminate() == 0, meetings.new_log
        meetings.start()
        meetings.ctl("unblock", rule).ok()
