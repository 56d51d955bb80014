# SPDX-License-Identifier: Apache-2.0
"""What a monitoring system reads."""

import re

from lab.daemon import Daemon
from lab.endpoints import PORT_A, Endpoint
from lab.network import EDGE_V4, Network
from lab.orders import STRANGER, Desk, at, moment_of
from lab.streams import send

SAMPLE = re.compile(r'^(meetfence_[a-z_]+)(?:\{((?:[a-z]+="[^"\\]*",?)*)\})? (\S+)$')


def scrape(daemon: Daemon) -> dict[tuple[str, ...], float]:
    """Each sample once, and each of a family that was described before it."""
    answer = daemon.api("GET", "/metrics").expect(200)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    samples, described = {}, set()
    for line in answer.text.splitlines():
        if line.startswith("#"):
            described.add((line.split()[1], line.split()[2]))
            continue
        name, labels, value = SAMPLE.match(line).groups()
        assert {("HELP", name), ("TYPE", name)} <= described, line
        key = (name, *sorted(filter(None, (labels or "").split(","))))
        assert key not in samples, line
        samples[key] = float(value)
    return samples


def test_drops_rules_and_orders_are_counted(meetings: Daemon, network: Network):
    desk = Desk(meetings)
    review = at(3600)
    desk.approved("O-1", review=review)
    rule = desk.block("A")["id"]
    desk.record("O-2")
    before = scrape(meetings)
    send(network.participants["CN"], Endpoint("udp", EDGE_V4, PORT_A), 7)
    send(network.participants["US"], Endpoint("udp", EDGE_V4, PORT_A), 5)
    after = scrape(meetings)

    def moved(*key: str) -> float:
        return after[key] - before.get(key, 0)
    drop = ('direction="ingress"', 'reason="drop_country"', 'verdict="drop"')
    assert moved("meetfence_packets_total", *drop) == 7
    assert moved("meetfence_bytes_total", *drop) > 7 * 28
    assert moved("meetfence_rule_packets_total", 'order="O-1"', f'rule="{rule}"',
                 'verdict="drop"') == 7
    assert after["meetfence_dropped_outside_scope_total",] == 0
    assert after["meetfence_rules", 'state="active"'] == 1
    assert after["meetfence_orders", 'state="active"'] == 1
    assert after["meetfence_orders", 'state="recorded"'] == 1
    assert after["meetfence_order_review_timestamp_seconds", 'order="O-1"'] == (
        moment_of(review).timestamp())
    assert after["meetfence_orders_review_due",] == 0
    assert after["meetfence_audit_sequence",] == meetings.ctl.json("status")["audit"]["sequence"]


def test_only_who_may_look_may_read_them(meetings: Daemon):
    Desk(meetings).api(STRANGER)("GET", "/metrics").problem(403)
