# SPDX-License-Identifier: Apache-2.0
"""`explain` asks the program in the kernel, and leaves no trace in it."""

import ipaddress
import struct

import pytest

from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_OTHER, Endpoint
from lab.network import EDGE_V4, EDGE_V6, SITES

UDP4, TCP4 = Endpoint("udp", EDGE_V4, PORT_A), Endpoint("tcp", EDGE_V4, PORT_A)
UDP6, TCP6 = Endpoint("udp", EDGE_V6, PORT_A), Endpoint("tcp", EDGE_V6, PORT_A)


def source(name: str, family: int) -> str:
    address = SITES[name].address(family)
    return f"{address}:51000" if family == 4 else f"[{address}]:51000"


@pytest.mark.parametrize("end", [UDP4, TCP4, UDP6, TCP6], ids=str)
def test_verdicts(meetings: Daemon, end: Endpoint):
    rule = meetings.block("A", "--country", "CN")
    answer = meetings.explain(source("CN", end.family), end)
    assert answer["verdict"] == "drop"
    assert (answer["country"], answer["meeting"], answer["rule"]) == ("CN", "A", rule)
    assert answer["prefix"] == SITES["CN"].prefixes[0 if end.family == 4 else 1]
    assert answer["order"] is None and answer["reason"]
    other = meetings.explain(source("HK", end.family), end)
    assert (other["verdict"], other["country"], other["meeting"]) == ("pass", "HK", "A")
    assert other["rule"] is None
    nowhere = meetings.explain(source("nowhere", end.family), end)
    assert (nowhere["verdict"], nowhere["country"]) == ("pass", None)


def test_every_reason_is_its_own(meetings: Daemon):
    """Other traffic, no rule, excepted, monitored, not started, dropped: six different answers."""
    def reason(name: str, end: Endpoint = UDP4) -> str:
        return meetings.explain(source(name, 4), end)["reason"]

    seen = [reason("CN", Endpoint("udp", EDGE_V4, PORT_OTHER)), reason("CN")]
    meetings.block("A", "--country", "HK", "--monitor")
    meetings.block("A", "--country", "TW", "--from", "2099-01-01T00:00:00Z",
                   "--until", "2099-01-02T00:00:00Z")
    meetings.block("A", "--country", "MO", "--except", SITES["MO"].prefixes[0])
    meetings.block("A", "--country", "CN")
    seen += [reason("HK"), reason("TW"), reason("MO"), reason("CN"), reason("nowhere")]
    assert len(set(seen)) == len(seen), seen


def test_no_counter_moves(meetings: Daemon):
    rule = meetings.block("A", "--country", "CN")
    before = meetings.rule(rule)
    for _ in range(50):
        assert meetings.explain(source("CN", 4), UDP4)["verdict"] == "drop"
        assert meetings.explain(source("CN", 6), TCP6)["verdict"] == "drop"
    assert meetings.rule(rule) == before
    assert meetings.packets()["dropped"] == 0


def test_the_dropped_endpoint_of_a_range(daemon: Daemon):
    daemon.add_meeting("A", f"udp:*:{PORT_A}-{PORT_A + 9}")
    daemon.block("A", "--country", "CN")
    for port, verdict in ((PORT_A - 1, "pass"), (PORT_A, "drop"), (PORT_A + 9, "drop"),
                          (PORT_A + 10, "pass")):
        for address in (EDGE_V4, EDGE_V6):
            end = Endpoint("udp", address, port)
            assert meetings_verdict(daemon, end) == verdict, str(end)


def meetings_verdict(daemon: Daemon, end: Endpoint) -> str:
    return daemon.explain(source("CN", end.family), end)["verdict"]


def udp_frame(name: str, tags: int = 0) -> bytes:
    """A frame as it arrives: Ethernet, 802.1Q tags, IPv4, UDP."""
    payload = b"hello"
    udp = struct.pack("!HHHH", 51000, PORT_A, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     ipaddress.IPv4Address(SITES[name].address(4)).packed,
                     ipaddress.IPv4Address(EDGE_V4).packed)
    vlan = b"".join(struct.pack("!HH", 0x8100, 7) for _ in range(tags))
    return bytes(12) + vlan + struct.pack("!H", 0x0800) + ip + udp


@pytest.mark.parametrize("tags", range(5))
def test_a_packet_as_it_was_seen(meetings: Daemon, tags: int):
    rule = meetings.block("A", "--country", "CN")
    answer = meetings.ctl.json("explain", "--packet", udp_frame("CN", tags).hex())
    assert (answer["verdict"], answer["rule"], answer["country"]) == ("drop", rule, "CN")
    other = meetings.ctl.json("explain", "--packet", udp_frame("US", tags).hex())
    assert other["verdict"] == "pass"
    assert meetings.packets()["dropped"] == 0


def test_a_packet_that_is_cut_off(meetings: Daemon):
    meetings.block("A", "--country", "CN")
    frame = udp_frame("CN")
    for length in range(14, 14 + 20 + 8):
        answer = meetings.ctl.json("explain", "--packet", frame[:length].hex())
        assert answer["verdict"] == "pass", (length, answer)


def test_for_people(meetings: Daemon):
    rule = meetings.block("A", "--country", "CN")
    text = meetings.ctl("explain", "--from", source("CN", 4), "--to", UDP4).ok().stdout
    for word in ("drop", "CN", "203.0.113.0/24", "A", rule):
        assert word in text, text


def test_bad_questions(meetings: Daemon):
    for options in (("--from", "203.0.113.10", "--to", UDP4), ("--from", source("CN", 4)),
                    ("--from", source("CN", 6), "--to", UDP4), ("--packet", "xyz"),
                    ("--packet", "abc"), ("--packet", ""), (),
                    ("--from", source("CN", 4), "--to", "udp:*:40000"),
                    ("--packet", "00", "--to", UDP4)):
        outcome = meetings.ctl("explain", *options)
        assert outcome.code in (1, 2), (options, outcome)
        assert outcome.stderr.strip(), options
