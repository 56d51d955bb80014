# SPDX-License-Identifier: Apache-2.0
"""meetfencectl as people and programs use it."""

import subprocess
import sys

from lab.client import Control, each
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, endpoints
from lab.lab import Lab
from lab.network import EDGE_V4, INTERFACE, Network
from lab.probes import check, everyone
from lab.shell import run

# Connects as often as it may, and keeps still until its stdin ends.
HOLD = """
import socket, sys
held = []
try:
    for _ in range(400):
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].settimeout(1)
        held[-1].connect(sys.argv[1])
except OSError:
    pass
print("held", flush=True)
sys.stdin.read()
"""

COMMANDS = ("status", "meeting add", "meeting list", "meeting show", "meeting remove", "block",
            "unblock", "rule list", "rule show", "rule enforce", "rule monitor", "explain",
            "geo lookup", "geo status", "geo reload", "geo rollback", "geo diff", "events", "apply", "diff", "export")


# Exit status.

def test_usage_is_2(meetings: Daemon):
    for words in (("blok", "A"), ("block",), ("block", "A"), ("block", "A", "--contry", "CN"),
                  ("meeting", "ad"), ("status", "extra"), ("rule", "show"), ("--nonsense",)):
        outcome = meetings.ctl(*words)
        assert outcome.code == 2, (words, outcome)
        assert outcome.stderr.strip(), words


def test_near_misses(meetings: Daemon):
    each(((("blok", "A"), "block"), (("meetings", "list"), "meeting"), (("meeting", "lst"), "list"),
          (("block", "A", "--contry", "CN"), "--country"), (("stauts",), "status")),
         lambda case: meetings.ctl(*case[0]).exits(2).says(case[1]))


def test_unreachable_is_3(lab: Lab):
    control = Control(lab.new_folder("nobody") / "control.sock")
    for words in (("meeting", "list"), ("block", "A", "--country", "CN", "--yes"), ("status",)):
        control(*words).exits(3).says(str(control.socket_path))


def test_refused_is_1(meetings: Daemon):
    meetings.ctl("meeting", "show", "Z").refused("Z")
    meetings.ctl("rule", "show", "r99").refused("r99")
    meetings.ctl("unblock", "r99").refused("r99")
    meetings.ctl("block", "Z", "--country", "CN", "--yes").refused("Z")


# Help.

def test_help_is_everywhere(meetings: Daemon):
    overview = meetings.ctl("--help").ok().stdout
    for command in COMMANDS:
        assert command.split()[0] in overview, command
        text = meetings.ctl(*command.split(), "--help").ok().stdout
        assert command in text, text


def test_version(meetings: Daemon):
    assert meetings.ctl("--version").ok().stdout.strip()


# Countries.

def test_country_names_are_refused_with_the_right_code(meetings: Daemon):
    def is_refused(case: tuple[str, tuple[str, ...]]) -> None:
        said, words = case
        outcome = meetings.ctl("block", "A", "--country", said, "--yes")
        assert outcome.code in (1, 2), outcome
        outcome.says(*words)
    each((("China", ("CN", "HK", "MO", "TW")), ("cn", ("CN",)), ("Hong Kong", ("HK",)),
          ("Taiwan", ("TW",)), ("UK", ("GB",)), ("USA", ("US",)), ("EU", ("EU",)), ("XY", ("XY",)),
          ("CHN", ("CHN",)), ("", ()), ("CN;HK", ("CN;HK",))), is_refused)
    assert meetings.ctl.json("rule", "list") == []


# Asking before acting.

def test_a_dry_run_changes_nothing(meetings: Daemon, network: Network):
    outcome = meetings.ctl("--json", "block", "A", "--country", "CN", "--dry-run").ok()
    assert outcome.json["id"] is None
    assert outcome.json["countries"] == ["CN"]
    assert meetings.ctl.json("rule", "list") == []
    meetings.ctl("block", "Z", "--country", "CN", "--dry-run").refused("Z")
    check(everyone(network))


# Output.

def test_tables_for_people(meetings: Daemon):
    rule = meetings.block("A", "--country", "CN")
    for words, seen in ((("meeting", "list"), ("A", "B")),
                        (("meeting", "show", "A"), ("A", "udp:")),
                        (("rule", "list"), (rule, "CN", "active")),
                        (("rule", "list", "A"), (rule,)),
                        (("rule", "show", rule), (rule, "CN")),
                        (("status",), (INTERFACE, "native")),
                        (("geo", "status"), ("v4",))):
        text = meetings.ctl(*words).ok().stdout
        assert "\x1b" not in text, "colour where nobody sees it"
        for word in seen:
            assert word in text, f"{words}: {word!r} is not in\n{text}"
        assert all(len(line) <= 120 for line in text.splitlines()), text
    assert rule not in meetings.ctl("rule", "list", "B").ok().stdout


def on_terminal(daemon: Daemon, **environment: str) -> str:
    variables = [f"{name}={value}" for name, value in environment.items()]
    command = " ".join(daemon.ctl.command("explain", "--from", "203.0.113.10:5", "--to",
                                          endpoints(PORT_A)[0]))
    return run("env", *variables, "script", "-qec", command, "/dev/null").stdout


def test_colour_on_a_terminal_only_where_it_is_wanted(meetings: Daemon):
    assert "\x1b[" in on_terminal(meetings, TERM="xterm", NO_COLOR="")
    assert "\x1b[" not in on_terminal(meetings, TERM="xterm", NO_COLOR="1")
    assert "\x1b[" not in on_terminal(meetings, TERM="dumb", NO_COLOR="")


def test_json_everywhere(meetings: Daemon):
    rule = meetings.block("A", "--country", "CN")
    assert [meeting["id"] for meeting in meetings.ctl.json("meeting", "list")] == ["A", "B"]
    shown = meetings.ctl.json("meeting", "show", "A")
    assert sorted(shown["endpoints"]) == sorted(str(end) for end in endpoints(PORT_A))
    assert [entry["id"] for entry in meetings.ctl.json("rule", "list")] == [rule]
    assert meetings.ctl.json("rule", "list", "B") == []
    assert meetings.ctl.json("unblock", rule)["state"] == "withdrawn"
    assert meetings.ctl.json("geo", "status")["prefixes_v4"] > 0


def test_the_rule_is_as_the_contract_says(meetings: Daemon):
    rule = meetings.rule(meetings.block("A", "--country", "HK", "CN"))
    assert set(rule) >= {"id", "meeting", "countries", "basis", "order", "mode", "state", "from",
                         "until", "packets_dropped", "bytes_dropped"}
    assert rule["meeting"] == "A" and sorted(rule["countries"]) == ["CN", "HK"]
    assert (rule["basis"], rule["order"], rule["mode"]) == ("host", None, "enforce")
    assert rule["state"] == "active"


def test_the_status_is_as_the_contract_says(meetings: Daemon):
    meetings.block("A", "--country", "CN")
    status = meetings.ctl.json("status")
    assert status["interfaces"][0]["name"] == INTERFACE
    assert status["interfaces"][0]["ingress"] == "native"
    assert status["interfaces"][0]["egress"] is True
    assert set(status["geo"]) >= {"prefixes_v4", "prefixes_v6", "build", "generation"}
    assert (status["meetings"], status["rules_active"]) == (2, 1)
    assert set(status["packets"]) >= {"seen", "passed", "dropped", "dropped_outside_scope"}
    assert status["version"]


# HTTP, where it is more than the tool shows.

def test_put_is_idempotent(daemon: Daemon):
    body = {"endpoints": [f"udp:{EDGE_V4}:{PORT_B}"]}
    assert daemon.api("PUT", "/v1/meetings/M", body).status == 201
    first = daemon.api("GET", "/v1/meetings/M").expect(200).json
    assert daemon.api("PUT", "/v1/meetings/M", body).status == 200
    assert daemon.api("GET", "/v1/meetings/M").json == first
    assert daemon.api("DELETE", "/v1/meetings/M").status == 204
    daemon.api("DELETE", "/v1/meetings/M").problem(404)


def test_rules_over_http(meetings: Daemon):
    created = meetings.api("POST", "/v1/rules", {"meeting": "A", "countries": ["CN"]}).expect(201)
    rule = created.json["id"]
    assert rule == "r1"
    path = f"/v1/rules/{rule}"
    assert meetings.api("PATCH", path, {"mode": "monitor"}).expect(200).json["mode"] == "monitor"
    assert meetings.api("DELETE", f"{path}?why=done").expect(200).json["state"] == "withdrawn"
    assert meetings.api("GET", path).json["state"] == "withdrawn"
    again = meetings.api("POST", "/v1/rules", {"meeting": "A", "countries": ["CN"]}).expect(201)
    assert again.json["id"] == "r2"
    dry = meetings.api("POST", "/v1/rules?dry_run=true", {"meeting": "A", "countries": ["CN"]})
    assert dry.expect(200).json["id"] is None


def test_many_clients_at_once(meetings: Daemon):
    """Connections that say nothing, and be they a stranger's, do not keep an operator waiting."""
    holder = subprocess.Popen(
        ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", sys.executable, "-c", HOLD,
         str(meetings.socket_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        meetings.ctl("status", seconds=10).ok()
        meetings.ctl("block", "A", "--country", "CN", "--yes", seconds=10).ok()
    finally:
        holder.communicate()
    meetings.ctl("status", seconds=10).ok()
