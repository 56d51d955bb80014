# SPDX-License-Identifier: Apache-2.0
"""Who may do what, and what is written down about it."""

import re

import pytest

from lab import wait
from lab.client import Control
from lab.daemon import OPERATORS, OPERATORS_GID, VIEWERS_GID, Daemon
from lab.endpoints import PORT_A, PORT_B, endpoints
from lab.network import SITES, Network
from lab.probes import check, everyone

UID, OWN_GID = 61234, 61234


@pytest.fixture(params=["primary", "supplementary"])
def membership(request) -> str:
    return request.param


def member(daemon: Daemon, group: int, membership: str) -> Control:
    if membership == "primary":
        return daemon.ctl.as_user(UID, group)
    return daemon.ctl.as_user(UID, OWN_GID, (group,))


def test_operators_may_change(meetings: Daemon, network: Network, membership: str):
    operator = member(meetings, OPERATORS_GID, membership)
    rule = operator.json("block", "A", "--country", "CN", "--yes")["id"]
    check(everyone(network, {("CN", PORT_A)}, ports=(PORT_A, PORT_B)))
    operator("rule", "monitor", rule).ok()
    operator("unblock", rule).ok()
    operator("meeting", "remove", "B").ok()
    operator("status").ok()


def test_viewers_may_only_read(meetings: Daemon, network: Network, membership: str):
    rule = meetings.block("A", "--country", "CN")
    viewer = member(meetings, VIEWERS_GID, membership)
    for question in (("status",), ("meeting", "list"), ("meeting", "show", "A"), ("rule", "list"),
                     ("rule", "show", rule), ("geo", "status"), ("geo", "lookup", "203.0.113.1"),
                     ("explain", "--from", "203.0.113.10:5", "--to", f"udp:198.18.0.1:{PORT_A}"),
                     ("export",)):
        viewer(*question).ok()
    for change in (("block", "A", "--country", "HK", "--yes"), ("unblock", rule),
                   ("rule", "monitor", rule), ("meeting", "remove", "A"),
                   ("meeting", "add", "C", "--endpoint", "udp:198.18.0.1:45000"),
                   ("geo", "reload")):
        viewer(*change).refused(f"group {OPERATORS}")
    check(everyone(network, {("CN", PORT_A)}, ports=(PORT_A, PORT_B)))


def test_others_are_refused(meetings: Daemon):
    stranger = meetings.ctl.as_user(UID, OWN_GID)
    for command in (("status",), ("meeting", "list"), ("export",), ("events",),
                    ("block", "A", "--country", "CN", "--yes")):
        outcome = stranger(*command)
        assert outcome.code in (1, 3), outcome
        assert outcome.stderr.strip()
        assert "A" not in outcome.stdout
    assert meetings.ctl.json("rule", "list") == []


def log_lines(daemon: Daemon, *words: str) -> list[str]:
    return [line for line in daemon.log.splitlines() if all(word in line for word in words)]


def test_changes_are_logged_with_the_user(meetings: Daemon, membership: str):
    operator, viewer = (member(meetings, group, membership)
                        for group in (OPERATORS_GID, VIEWERS_GID))
    viewer("block", "A", "--country", "HK", "--yes").refused()
    wait.until(lambda: log_lines(meetings, str(UID), "refused"), 5, "the refusal is logged")
    rule = operator.json("block", "A", "--country", "CN", "--yes")["id"]
    wait.until(lambda: log_lines(meetings, str(UID), rule), 5, "the rule is logged with its user")
    before = len(log_lines(meetings, str(UID)))
    operator("unblock", rule, "--why", "a test").ok()
    wait.until(lambda: len(log_lines(meetings, str(UID))) > before, 5, "its end is logged")


def test_the_log_has_priorities(meetings: Daemon):
    """<N> in front of each line is what the journal takes for its priority."""
    lines = meetings.log.splitlines()
    assert lines and all(re.match(r"<[0-7]>", line) for line in lines), meetings.log


def test_no_participants_address_is_written_down(meetings: Daemon, network: Network):
    meetings.block("A", "--country", "CN", "HK")
    check(everyone(network, {("CN", PORT_A), ("HK", PORT_A)}, ports=(PORT_A, PORT_B)))
    meetings.explain(f"{SITES['CN'].address(4)}:1000", endpoints(PORT_A)[0])
    meetings.ctl("geo", "lookup", SITES["CN"].address(6)).ok()
    # What is refused is not quoted either.
    stranger = meetings.ctl.as_user(UID, OWN_GID)
    for family in (4, 6):
        address = SITES["HK"].address(family)
        stranger("geo", "lookup", address)
        meetings.api("POST", f"/v1/geo/{address}", {})
        meetings.api("POST", "/v1/rules", {"meeting": "A", "countries": ["CN"],
                                           "except": [f"{address}/0"]})
        meetings.ctl("explain", "--from", f"{address}:1000", "--to", "nonsense")
    meetings.terminate()
    written = meetings.log.encode()
    for path in meetings.state_dir.rglob("*"):
        written += path.read_bytes() if path.is_file() else b""
    for site in SITES.values():
        for host in (10, 20):
            for family in (4, 6):
                assert site.address(family, host).encode() not in written


def test_nobody_writes_lines_into_the_log(meetings: Daemon):
    stranger = meetings.ctl.as_user(UID, OWN_GID)
    stranger("unblock", "r1\n<0>forged", "--why", "x\n<0>forged")
    meetings.api("PUT", "/v1/meetings/x%0A%3C0%3Eforged", {"endpoints": []})
    meetings.api("DELETE", "/v1/meetings/x%0D%0A%3C0%3Eforged")
    meetings.api("DELETE", "/v1/rules/r1%0A%3C0%3Eforged?why=%0A%3C0%3Eforged")
    rule = meetings.block("A", "--country", "CN")
    meetings.ctl("unblock", rule, "--why", "x\n<0>forged")
    assert not any(line.startswith("<0>") for line in meetings.log.splitlines()), meetings.log


def test_state_and_pins_are_private(meetings: Daemon):
    for directory in (meetings.state_dir, meetings.bpf_dir):
        for path in (directory, *directory.rglob("*")):
            assert path.stat().st_mode & 0o022 == 0, f"{path} is writable by others"
    for path in meetings.state_dir.rglob("*"):
        assert path.stat().st_mode & 0o004 == 0, f"{path} is readable by everybody"
