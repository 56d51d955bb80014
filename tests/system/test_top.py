# SPDX-License-Identifier: Apache-2.0
"""`meetfencectl top`: rates under traffic, in a pipe and at a terminal, and every way out of it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, endpoints
from lab.network import Network
from lab.streams import Flow, Traffic
from lab.terminal import ENTER, LEAVE, Terminal

PER_SECOND = 100


@pytest.fixture
def busy(meetings: Daemon, network: Network) -> Iterator[Daemon]:
    """A rule keeps CN out of A; somebody there goes on sending, and somebody in B as well."""
    meetings.block("A", "--country", "CN")
    flows = [Flow(network.participants["CN"], endpoints(PORT_A)[0], passes=False),
             Flow(network.participants["US"], endpoints(PORT_B)[0], passes=True)]
    with Traffic(flows, PER_SECOND):
        yield meetings


def top(daemon: Daemon) -> Terminal:
    return Terminal(daemon.ctl.command("top"))


def test_rates_for_programs(busy: Daemon):
    lines = busy.ctl("--json", "top", "--count", "2").ok().stdout.splitlines()
    rounds = [json.loads(line) for line in lines]
    assert len(rounds) == 2
    for told in rounds:
        dropped = told["countries"]["CN"]["dropped"]
        # A busy machine sends late; never more than it was asked to.
        assert PER_SECOND / 4 < dropped["packets_per_s"] < 2 * PER_SECOND, told
        assert dropped["bits_per_s"] > 8 * 60 * dropped["packets_per_s"]
        assert told["meetings"]["A"]["dropped"] == dropped == told["rules"][0]["dropped"]
        # Of the status, which is asked for a moment later: of two samples, some packets more or less.
        for other in told["directions"]["ingress"]["dropped"], told["reasons"]["drop_country"]:
            assert other["packets_per_s"] == pytest.approx(dropped["packets_per_s"], abs=20), told
        assert told["directions"]["egress"]["passed"]["bits_per_s"] > 0, "the echoes to B"
        assert told["directions"]["egress"]["dropped"]["packets_per_s"] == 0


def test_lines_in_a_pipe(busy: Daemon):
    lines = busy.ctl("top", "--count", "1").ok().stdout.splitlines()
    assert any("country    CN " in line and "dropped" in line for line in lines), lines
    assert not any("\x1b" in line for line in lines)
    with subprocess.Popen(busy.ctl.command("top"), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout.readline(), "a line comes before the end"
        process.stdout.close()  # as `| head -1` does
        assert process.wait(10) in (0, -signal.SIGPIPE)
        assert process.stderr.read() == b"", "it ends quietly"


def test_a_page_at_a_terminal(busy: Daemon):
    with top(busy) as terminal:
        page = terminal.until("drop_country")
        assert len(page) == 30 and all(len(line) < 100 for line in page), page
        assert any(line.startswith("meetfence ") and "eth0 native" in line for line in page)
        assert any("CN China" in line for line in page) and any("r1 A CN" in line for line in page)
        terminal.press("s")
        terminal.until("sort by: bits")
        terminal.press("p")
        terminal.until("PAUSED")
        terminal.press("q")
        assert terminal.ends(0) == ""


def test_a_resized_window_is_filled(busy: Daemon):
    with top(busy) as terminal:
        terminal.until("drop_country")
        terminal.resize(40, 130)
        terminal.until("WOULD/s")  # there is room for more columns
        assert len(terminal.page) == 40
        terminal.press("q")
        terminal.ends(0)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_the_terminal_as_it_was(daemon: Daemon, name: str):
    with top(daemon) as terminal:
        terminal.until("q quit")
        terminal.process.send_signal(getattr(signal, name))
        assert terminal.ends(0) == ""


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it(daemon: Daemon):
    with top(daemon) as terminal:
        terminal.until("q quit")
        terminal.process.send_signal(signal.SIGTSTP)
        wait.until(lambda: terminal.read().endswith(LEAVE), 5, "the terminal is given back")
        assert terminal.current_settings() == terminal.settings
        terminal.process.send_signal(signal.SIGCONT)
        wait.until(lambda: terminal.read().count(ENTER) == 2, 5, "the page is there again")
        terminal.press("q")
        terminal.ends(0)


def test_a_daemon_that_dies_is_told(daemon: Daemon):
    with top(daemon) as terminal:
        terminal.until("q quit")
        daemon.kill9()
        assert "meetfenced" in terminal.ends(3)


def test_a_daemon_that_hangs_does_not_hold_the_keys(daemon: Daemon):
    with top(daemon) as terminal:
        terminal.until("q quit")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        try:
            terminal.until("no answer for")
            terminal.press("q")
            assert terminal.ends(0) == ""
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)


def test_only_active_rules_are_asked_for(meetings: Daemon):
    rule = meetings.block("A", "--country", "CN")
    meetings.ctl("unblock", rule).ok()
    meetings.block("A", "--country", "HK")
    listed = {state: [rule["id"] for rule in meetings.api("GET", f"/v1/rules?state={state}").json]
              for state in ("active", "withdrawn", "suspended", "expired")}
    assert listed == {"active": ["r2"], "withdrawn": ["r1"], "suspended": [], "expired": []}
    meetings.api("GET", "/v1/rules?state=activ").problem(400, "active", "suspended", "activ")
    counted = meetings.api("GET", "/v1/rules?state=active&counted=true").expect(200).json
    assert counted == [], "it has not met a packet yet"
