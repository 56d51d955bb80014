# SPDX-License-Identifier: Apache-2.0
"""`meetfencectl doctor`: what it finds on a host where nothing is wrong, and where one thing is."""

from collections.abc import Iterator
from typing import Any

import pytest

from lab.client import Control, Outcome
from lab.daemon import VIEWERS_GID, Daemon
from lab.lab import Lab
from lab.network import INTERFACE, Network
from lab.paths import DATA
from lab.pins import set_layout
from lab.shell import run

NOBODY = 61234
INGRESS, EGRESS = f"interface.{INTERFACE}.ingress", f"interface.{INTERFACE}.egress"
Findings = dict[str, dict[str, Any]]


def by_check(outcome: Outcome) -> Findings:
    return {finding["check"]: finding for finding in outcome.json}


def examine(daemon: Daemon, *options: object, ctl: Control | None = None) -> Findings:
    """The findings; the status is 1 exactly where one of them is wrong."""
    outcome = (ctl or daemon.ctl)("--json", "doctor", *options)
    findings = by_check(outcome)
    for finding in findings.values():
        assert (finding["remedy"] is None) == (finding["state"] == "good"), finding
    outcome.exits(1 if in_state(findings, "wrong") else 0)
    return findings


def in_state(findings: Findings, state: str) -> set[str]:
    return {check for check, finding in findings.items() if finding["state"] == state}


def test_nothing_is_wrong(meetings: Daemon):
    findings = examine(meetings)
    assert in_state(findings, "wrong") == in_state(findings, "unknown") == set(), findings
    good = in_state(findings, "good")
    kernel = {f"kernel.{name}" for name in ("programs", "maps", "test_run", "ingress", "egress")}
    assert good >= {"daemon", "daemon.version", "pins", "scope", "audit", INGRESS, EGRESS, *kernel}
    text = meetings.ctl("doctor").ok().stdout
    assert "Nothing is wrong" in text and text.isascii(), text


def test_generic_mode_is_a_hint(make_daemon):
    daemon = make_daemon(interfaces=[{"name": INTERFACE, "mode": "generic"}]).start()
    findings = examine(daemon)
    assert findings[INGRESS]["state"] == "hint" and "generic" in findings[INGRESS]["text"]
    assert in_state(findings, "wrong") == set()


def test_a_dead_daemon(meetings: Daemon):
    """What it left in the kernel is looked at all the same."""
    meetings.kill9()
    findings = examine(meetings)
    assert in_state(findings, "wrong") == {"daemon"}
    assert in_state(findings, "good") >= {"pins", INGRESS, EGRESS}


@pytest.mark.parametrize("folder, check", [("links", INGRESS), ("egress", EGRESS)])
def test_a_link_that_somebody_took_away(meetings: Daemon, folder: str, check: str):
    for link in (meetings.bpf_dir / folder).iterdir():
        link.unlink()
    findings = examine(meetings)
    assert in_state(findings, "wrong") == {check}
    assert "systemctl restart" in findings[check]["remedy"]


def test_a_missing_interface(make_daemon, network: Network):
    network.edge.ip("link add name gone0 type veth peer name gone1")
    daemon = make_daemon(interfaces=[{"name": INTERFACE}, {"name": "gone0"}]).start()
    network.edge.ip("link delete gone0")
    assert in_state(examine(daemon), "wrong") == {"interface.gone0.exists"}


def test_a_foreign_xdp_program(make_daemon, foreign_program):
    """Why the daemon does not start: by its configuration, since it never ran."""
    daemon = make_daemon()
    findings = examine(daemon, "--config", daemon.config_path)
    assert {"daemon", INGRESS} <= in_state(findings, "wrong")
    assert "'foreign_pass'" in findings[INGRESS]["text"]


@pytest.fixture
def foreign_filter(lab: Lab, network: Network) -> Iterator[str]:
    program = lab.new_folder("foreign-filter") / "filter.o"
    machine = run("uname", "-m").stdout.strip()
    run("clang-14", "-O2", "-g", "-target", "bpf", f"-I/usr/include/{machine}-linux-gnu", "-c",
        str(DATA / "egress_drop.bpf.c"), "-o", str(program))
    tc = network.edge.command("tc")
    run(*tc, "qdisc", "add", "dev", INTERFACE, "clsact")
    run(*tc, "filter", "add", "dev", INTERFACE, "ingress", "bpf", "da", "obj", program, "sec", "tc")
    yield "ours"  # the name of the first program in that file
    run(*tc, "qdisc", "delete", "dev", INTERFACE, "clsact")


def test_a_foreign_filter_is_named(foreign_filter: str, daemon: Daemon):
    found = examine(daemon)[f"interface.{INTERFACE}.programs"]
    assert found["state"] == "hint"
    assert f"'{foreign_filter}'" in found["text"] and "tc ingress" in found["text"]


def test_pins_of_another_layout(meetings: Daemon):
    meetings.kill9()
    set_layout(meetings.bpf_dir, 99)
    findings = examine(meetings)
    assert findings["pins"]["state"] == "wrong" and "layout 99" in findings["pins"]["text"]


def test_pins_that_others_can_write(meetings: Daemon):
    meetings.bpf_dir.chmod(0o777)
    findings = examine(meetings)
    assert in_state(findings, "wrong") == {"host.bpffs"}
    assert findings["host.bpffs"]["remedy"] == f"chmod 0700 {meetings.bpf_dir}"
    meetings.bpf_dir.chmod(0o700)


def test_somebody_else_is_told_what_they_cannot_see(meetings: Daemon):
    viewer = meetings.ctl.as_user(NOBODY, VIEWERS_GID)
    findings = examine(meetings, ctl=viewer)
    assert in_state(findings, "wrong") == set(), findings
    assert {"host.permissions", "kernel", "pins"} <= in_state(findings, "unknown")
    assert "root" in findings["kernel"]["remedy"]
    assert {"daemon", INGRESS, "scope"} <= in_state(findings, "good"), "the daemon tells them"
    stranger = examine(meetings, ctl=meetings.ctl.as_user(NOBODY, NOBODY))
    assert stranger["daemon"]["state"] == "unknown"
