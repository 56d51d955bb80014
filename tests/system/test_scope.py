# SPDX-License-Identifier: Apache-2.0
"""This meeting, this country, and nobody else."""

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, PORT_C, PORT_D, PORT_OTHER, Endpoint, endpoints
from lab.network import (EDGE_SECOND_V4, EDGE_SECOND_V6, EDGE_V4, EDGE_V6, SECOND_HOST, SITES,
                         Network)
from lab.probes import check, everyone, product, reaches
from lab.streams import send

UDP_A = Endpoint("udp", EDGE_V4, PORT_A)


def test_nothing_is_blocked_without_a_rule(meetings: Daemon, network: Network):
    check(everyone(network))
    assert meetings.packets()["dropped"] == 0


def test_one_country_in_one_meeting(meetings: Daemon, network: Network):
    """HK, MO and TW are countries of their own, and what no database places is never blocked."""
    rule = meetings.block("A", "--country", "CN")
    check(everyone(network, {("CN", PORT_A)}))
    meetings.ctl("unblock", rule).ok()
    check(everyone(network))


def test_several_countries(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN", "US")
    meetings.block("B", "--country", "HK")
    check(everyone(network, {("CN", PORT_A), ("US", PORT_A), ("HK", PORT_B)}))


def test_two_rules_of_one_meeting_are_apart(meetings: Daemon, network: Network):
    first = meetings.block("A", "--country", "CN")
    meetings.block("A", "--country", "CN", "HK")
    meetings.ctl("unblock", first).ok()
    check(everyone(network, {("CN", PORT_A), ("HK", PORT_A)}))


def test_a_rule_of_a_removed_meeting_ends(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN")
    meetings.ctl("meeting", "remove", "A").ok()
    check(everyone(network))
    assert meetings.rule(rule)["state"] in ("withdrawn", "expired")
    # A meeting that comes later under the same name does not inherit it.
    meetings.add_meeting("A", *endpoints(PORT_A))
    check(everyone(network))


@pytest.mark.parametrize("size", [3000, 20000])
def test_fragments_follow_their_first(meetings: Daemon, network: Network, size: int):
    meetings.block("A", "--country", "CN")
    ends = [end for port in (PORT_A, PORT_B) for end in endpoints(port) if end.transport == "udp"]
    expected = product(network.participants.values(), ends, True, size=size)
    check({probe: probe.participant.name != "CN" or probe.endpoint.port != PORT_A
           for probe in expected})


def test_bulk_tcp_is_untouched(meetings: Daemon, network: Network):
    """Large segments come in frames of several buffers."""
    meetings.block("A", "--country", "CN")
    ends = [end for end in endpoints(PORT_A) if end.transport == "tcp"]
    check(product([network.participants["US"]], ends, True, size=60000))


def test_an_established_connection_is_cut_and_comes_back(meetings: Daemon, network: Network):
    with network.participants["CN"].socket(4, Endpoint("tcp", EDGE_V4, PORT_A).kind) as sock:
        sock.settimeout(10)
        sock.connect((EDGE_V4, PORT_A))
        sock.sendall(b"one")
        assert sock.recv(16) == b"one"
        rule = meetings.block("A", "--country", "CN")
        sock.sendall(b"two")
        sock.settimeout(0.6)
        with pytest.raises(TimeoutError):
            sock.recv(16)
        meetings.ctl("unblock", rule).ok()
        sock.settimeout(10)
        assert sock.recv(16) == b"two"


# Which endpoints are meant.

def test_only_the_named_transport_and_address(daemon: Daemon, network: Network):
    daemon.add_meeting("A", UDP_A)
    daemon.block("A", "--country", "CN")
    others = [end for end in endpoints(PORT_A) if end != UDP_A]
    others += [Endpoint("udp", EDGE_SECOND_V4, PORT_A), Endpoint("udp", EDGE_V4, PORT_B)]
    china = [network.participants["CN"]]
    check(product(china, [UDP_A], False) | product(china, others, True))


def test_any_local_address(daemon: Daemon, network: Network):
    daemon.add_meeting("A", f"udp:*:{PORT_A}")
    daemon.block("A", "--country", "CN")
    ends = [Endpoint("udp", address, PORT_A)
            for address in (EDGE_V4, EDGE_V6, EDGE_SECOND_V4, EDGE_SECOND_V6)]
    china = [network.participants["CN"]]
    check(product(china, ends, False) | product([network.participants["HK"]], ends, True) |
          product(china, [Endpoint("tcp", EDGE_V4, PORT_A)], True) |
          product(china, [Endpoint("udp", EDGE_V4, PORT_B)], True))


def test_a_range_of_ports(daemon: Daemon, network: Network):
    daemon.add_meeting("A", f"udp:{EDGE_V4}:{PORT_B}-{PORT_C}")
    daemon.block("A", "--country", "CN")
    inside = [Endpoint("udp", EDGE_V4, port) for port in (PORT_B, PORT_C)]
    outside = [Endpoint("udp", EDGE_V4, port) for port in (PORT_A, PORT_D)]
    china = [network.participants["CN"]]
    check(product(china, inside, False) | product(china, outside, True) |
          product([network.participants["US"]], inside, True))


def test_two_meetings_on_one_port_of_two_addresses(daemon: Daemon, network: Network):
    second = Endpoint("udp", EDGE_SECOND_V4, PORT_A)
    daemon.add_meeting("A", UDP_A)
    daemon.add_meeting("B", second)
    daemon.block("B", "--country", "CN")
    china = [network.participants["CN"]]
    check(product(china, [UDP_A], True) | product(china, [second], False))


def test_a_meeting_moves_to_another_endpoint(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN")
    meetings.api("PUT", "/v1/meetings/A",
                 {"endpoints": [str(end) for end in endpoints(PORT_C)]}).expect(200)
    check(everyone(network, {("CN", PORT_C)}, ports=(PORT_A, PORT_B, PORT_C, PORT_OTHER)))


# Who is left alone.

def test_monitor_counts_and_passes(meetings: Daemon, network: Network):
    rule = meetings.block("A", "--country", "CN", "--monitor")
    check(everyone(network))
    send(network.participants["CN"], UDP_A, 20)
    counted = wait.until(lambda: meetings.rule(rule)["packets_would_drop"] >= 20 and
                         meetings.rule(rule), 5, "20 packets are counted")
    assert counted["mode"] == "monitor"
    assert counted["packets_dropped"] == 0
    meetings.ctl("rule", "enforce", rule).ok()
    check(everyone(network, {("CN", PORT_A)}))
    meetings.ctl("rule", "monitor", rule).ok()
    check(everyone(network))


def test_except_is_left_alone(meetings: Daemon, network: Network):
    """The exception is the rule's own: a second rule does not know it."""
    china = SITES["CN"]
    rule = meetings.block("A", "--country", "CN", "--except",
                          f"{china.address(4, SECOND_HOST)}/32",
                          f"{china.address(6, SECOND_HOST)}/128")
    sender = [network.participants["CN"]]
    check(product(sender, endpoints(PORT_A), False) |
          product(sender, endpoints(PORT_A), True, host=SECOND_HOST))
    assert len(meetings.rule(rule)["except"]) == 2
    assert meetings.rule(rule)["packets_passed"] > 0
    meetings.block("A", "--country", "CN")
    check(product(sender, endpoints(PORT_A), False, host=SECOND_HOST))


def test_exempt_is_never_filtered(make_daemon, network: Network):
    china = SITES["CN"]
    daemon = make_daemon(exempt=[f"{china.address(4, SECOND_HOST)}/32",
                                 f"{china.address(6, SECOND_HOST)}/128"]).start()
    daemon.add_meeting("A", *endpoints(PORT_A))
    daemon.block("A", "--country", "CN")
    sender = [network.participants["CN"]]
    check(product(sender, endpoints(PORT_A), False) |
          product(sender, endpoints(PORT_A), True, host=SECOND_HOST))


# What is counted.

@pytest.mark.parametrize("address", [EDGE_V4, EDGE_V6])
def test_counters_are_exact(meetings: Daemon, network: Network, address: str):
    rule = meetings.block("A", "--country", "CN", "HK")
    end = Endpoint("udp", address, PORT_A)
    for name, count in {"CN": 70, "HK": 30, "US": 50}.items():
        send(network.participants[name], end, count, size=100)
    counted = wait.until(lambda: meetings.rule(rule)["packets_dropped"] >= 100 and
                         meetings.rule(rule), 5, "100 packets are counted")
    frame = 14 + (20 if end.family == 4 else 40) + 8 + 100
    assert counted["packets_dropped"] == 100
    assert counted["bytes_dropped"] == 100 * frame
    assert counted["by_country"]["CN"]["packets_dropped"] == 70
    assert counted["by_country"]["HK"]["packets_dropped"] == 30
    assert set(counted["by_country"]) == {"CN", "HK"}
    assert meetings.packets()["dropped"] == 100


def test_unblocking_is_in_force_when_the_answer_arrives(meetings: Daemon, network: Network):
    china = network.participants["CN"]
    for _ in range(5):
        rule = meetings.block("A", "--country", "CN")
        send(china, UDP_A, 5)
        wait.until(lambda rule=rule: meetings.rule(rule)["packets_dropped"] == 5, 5,
                   "every packet after the answer is dropped")
        meetings.ctl("unblock", rule).ok()
        assert reaches(china, UDP_A, 5)
        assert meetings.rule(rule)["packets_dropped"] == 5
