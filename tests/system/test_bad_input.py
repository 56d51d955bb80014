# SPDX-License-Identifier: Apache-2.0
"""What a running daemon refuses: with a reason, nothing half applied, the last good state in force.
"""

import re
import subprocess

import pytest

from lab import wait
from lab.client import each
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, PORT_C, endpoints, texts
from lab.network import EDGE_V4, Network
from lab.paths import REPOSITORY
from lab.probes import check, everyone, product

HTTP_TARGET = "/v1/meetings/M"


@pytest.fixture
def unchanged(meetings: Daemon, network: Network):
    """What happens in between leaves state and filtering as they were."""
    meetings.block("A", "--country", "CN")
    before = meetings.ctl("export").ok().stdout
    yield meetings
    assert meetings.ctl("export").ok().stdout == before
    check(everyone(network, {("CN", PORT_A)}, ports=(PORT_A, PORT_B, PORT_C)))


# Meetings and endpoints.

BAD_ENDPOINTS = (
    ("udp:198.18.0.1:0", ("port",)),
    ("udp:198.18.0.1:65536", ("port",)),
    ("udp:198.18.0.1:-1", ()),
    ("udp:198.18.0.1", ("port",)),
    ("udp:198.18.0.1:", ()),
    ("udp:198.18.0.1:40002-40001", ()),
    ("udp:198.18.0.1:40002-41026", ("1024",)),
    ("sctp:198.18.0.1:40002", ("udp", "tcp")),
    ("198.18.0.1:40002", ()),
    ("udp:198.18.0.256:40002", ()),
    ("udp:2001:db8::1:40002", ()),
    ("udp:[2001:db8::g]:40002", ()),
    ("udp:[198.18.0.1]:40002", ()),
    ("udp:edge.example:40002", ()),
    ("udp: 198.18.0.1:40002", ()),
    ("", ()),
)


def test_bad_endpoints(unchanged: Daemon):
    good = f"udp:{EDGE_V4}:{PORT_C}"

    def is_refused(case: tuple[str, tuple[str, ...]]) -> None:
        endpoint, words = case
        unchanged.api("PUT", HTTP_TARGET, {"endpoints": [good, endpoint]}).problem(400, *words)
        outcome = unchanged.ctl("meeting", "add", "M", "--endpoint", good, "--endpoint", endpoint)
        assert outcome.code in (1, 2), outcome
        outcome.says(*words)
    each(BAD_ENDPOINTS, is_refused)


def test_bad_identifiers(unchanged: Daemon):
    def is_refused(identifier: str) -> None:
        outcome = unchanged.ctl("meeting", "add", identifier, "--endpoint", texts(PORT_C)[0])
        assert outcome.code in (1, 2) and outcome.stderr.strip(), outcome
    each(("M" * 129, "", "two words", "caf\u00e9", "tab\there", "new\nline"), is_refused)
    body = {"endpoints": texts(PORT_C)}
    each(("M" * 129, "two%20words", "%00", "caf%C3%A9", "%zz", "%0A"),
         lambda path: unchanged.api("PUT", f"/v1/meetings/{path}", body).problem(400))


def test_identifiers_of_every_allowed_kind(daemon: Daemon):
    for identifier in ("M" * 128, "a/b", "a%b", "..", "?x=1#y", "'\"\\", "{}[]<>", "--json-ish"):
        if not identifier.startswith("-"):
            daemon.ctl("meeting", "add", identifier, "--endpoint", f"udp:{EDGE_V4}:{PORT_C}").ok()
            assert daemon.ctl.json("meeting", "show", identifier)["id"] == identifier
            assert daemon.ctl.json("meeting", "list")[0]["id"] == identifier
            daemon.ctl("meeting", "remove", identifier).ok()
    assert daemon.ctl.json("meeting", "list") == []


def test_overlapping_endpoints(unchanged: Daemon):
    """A dedicated endpoint belongs to one meeting; the refusal names the one that has it."""
    good = f"udp:{EDGE_V4}:{PORT_C}"

    def is_refused(claimed: str) -> None:
        unchanged.api("PUT", HTTP_TARGET, {"endpoints": [good, claimed]}).problem(409, "A")
        unchanged.ctl("meeting", "add", "M", "--endpoint", good, "--endpoint", claimed).refused("A")
        assert unchanged.explain("203.0.113.10:1000", good)["meeting"] is None
    each((f"udp:{EDGE_V4}:{PORT_A}", f"udp:*:{PORT_A}",
          f"udp:{EDGE_V4}:{PORT_A - 5}-{PORT_A + 5}"), is_refused)


def test_the_same_port_of_the_other_transport_is_free(daemon: Daemon):
    daemon.add_meeting("A", f"udp:{EDGE_V4}:{PORT_A}")
    daemon.add_meeting("B", f"tcp:{EDGE_V4}:{PORT_A}")


# HTTP.

BAD_REQUESTS = (
    ("PUT", HTTP_TARGET, "{", 400, ("JSON",)),
    ("PUT", HTTP_TARGET, "", 400, ()),
    ("PUT", HTTP_TARGET, "[]", 400, ("object",)),
    ("PUT", HTTP_TARGET, "null", 400, ()),
    ("PUT", HTTP_TARGET, "[" * 100000, 400, ()),
    ("PUT", HTTP_TARGET, b"\xff\xfe\x00", 400, ()),
    ("PUT", HTTP_TARGET, {"endpoint": []}, 400, ("endpoint", "endpoints")),
    ("PUT", HTTP_TARGET, {"endpoints": "udp:198.18.0.1:40002"}, 400, ("endpoints",)),
    ("PUT", HTTP_TARGET, {"endpoints": [40002]}, 400, ("endpoints",)),
    ("PUT", HTTP_TARGET, {"endpoints": [], "until": "soon"}, 400, ("until",)),
    ("PUT", HTTP_TARGET, {"endpoints": [], "id": "N"}, 400, ("id",)),
    ("PUT", HTTP_TARGET, '{"endpoints": [], "endpoints": []}', 400, ("twice",)),
    ("POST", "/v1/rules", {"meeting": "A", "countries": []}, 400, ()),
    ("POST", "/v1/rules", {"meeting": "A"}, 400, ()),
    ("POST", "/v1/rules", {"countries": ["CN"]}, 400, ("meeting",)),
    ("POST", "/v1/rules", {"meeting": "A", "countries": ["cn"]}, 400, ("CN",)),
    ("POST", "/v1/rules", {"meeting": "A", "countries": ["EU"]}, 400, ("EU",)),
    ("POST", "/v1/rules", {"meeting": "A", "countries": ["CN", "XY"]}, 400, ("XY",)),
    ("POST", "/v1/rules", {"meeting": "A", "country": ["CN"]}, 400, ("countries",)),
    ("POST", "/v1/rules", {"meeting": "A", "countries": ["CN"], "mode": "on"}, 400, ("mode",)),
    ("POST", "/v1/rules", {"meeting": "A", "countries": ["CN"], "except": ["x"]}, 400, ("x",)),
    ("POST", "/v1/rules", {"meeting": "Z", "countries": ["CN"]}, 404, ("Z",)),
    ("GET", "/v1/rules/r99", None, 404, ("r99",)),
    ("GET", "/v1/rules/99x", None, 400, ("99x",)),
    ("DELETE", "/v1/rules/r99", None, 404, ("r99",)),
    ("PATCH", "/v1/rules/r1", {"mode": "off"}, 400, ("mode",)),
    ("PATCH", "/v1/rules/r1", {"untill": "2030-01-01T00:00:00Z"}, 400, ("untill", "until")),
    ("GET", "/v1/meetings/Z", None, 404, ("Z",)),
    ("DELETE", "/v1/meetings/Z", None, 404, ("Z",)),
    ("POST", "/v1/explain", {"from": "203.0.113.10", "to": "udp:198.18.0.1:40000"}, 400, ()),
    ("POST", "/v1/explain", {"from": "203.0.113.10:5"}, 400, ("to",)),
    ("POST", "/v1/explain", {"from": "[2001:db8::1]:5", "to": "udp:198.18.0.1:40000"}, 400, ()),
    ("POST", "/v1/explain", {"packet": "zz"}, 400, ()),
    ("GET", "/v1/geo/1.2.3", None, 400, ("1.2.3",)),
    ("GET", "/", None, 404, ()),
    ("GET", "/v1/meeting", None, 404, ()),
    ("GET", "/v2/meetings", None, 404, ()),
    ("GET", "/v1/../v1/status", None, 404, ()),
    ("POST", "/v1/status", {}, 405, ()),
    ("DELETE", "/v1/meetings", None, 405, ()),
    ("PUT", "/v1/rules/r1", {}, 405, ()),
    ("PATCH", "/v1/meetings/A", {}, 405, ()),
)


def test_bad_requests(unchanged: Daemon):
    def is_refused(case: tuple) -> None:
        method, path, body, status, words = case
        answer = unchanged.api(method, path, body).problem(status, *words)
        assert status != 405 or answer.headers["Allow"]
    each(BAD_REQUESTS, is_refused)


def test_a_body_without_measure(unchanged: Daemon):
    """It is refused before it has arrived."""
    answer = unchanged.api.raw(b"PUT /v1/meetings/M HTTP/1.1\r\nHost: x\r\n"
                               b"Content-Length: 67108865\r\n\r\n{")
    assert answer.split(b" ")[1] == b"413", answer[:200]


NO_HTTP = (
    b"\x00" * 100,
    b"GET\r\n\r\n",
    b"GET /v1/status HTTP/9.9\r\n\r\n",
    b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"PUT /v1/meetings/M HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"PUT /v1/meetings/M HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"PUT /v1/meetings/M HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
)


def test_bytes_that_are_not_http(unchanged: Daemon):
    def is_refused(data: bytes) -> None:
        answer = unchanged.api.raw(data)
        assert answer == b"" or answer.split(b" ", 2)[1].startswith(b"4"), answer[:200]
        unchanged.ctl("status").ok()
    each(NO_HTTP, is_refused)


# Limits: enforced before anything is written.

def test_limit_of_meetings(make_daemon, network: Network):
    daemon = make_daemon(limits={"meetings": 2}).start()
    daemon.add_meeting("A", *endpoints(PORT_A))
    daemon.add_meeting("B", *endpoints(PORT_B))
    daemon.ctl("meeting", "add", "C", "--endpoint", texts(PORT_C)[0]).refused("2")
    daemon.api("PUT", "/v1/meetings/C", {"endpoints": texts(PORT_C)}).problem(507, "2")
    assert [meeting["id"] for meeting in daemon.ctl.json("meeting", "list")] == ["A", "B"]
    daemon.block("A", "--country", "CN")
    check(everyone(network, {("CN", PORT_A)}, ports=(PORT_A, PORT_B, PORT_C)))
    # A place that is given back can be taken, again and again.
    for _ in range(5):
        daemon.ctl("meeting", "remove", "B").ok()
        daemon.add_meeting("B", *endpoints(PORT_B))


def test_limit_of_rules_in_a_meeting(meetings: Daemon, network: Network):
    for _ in range(16):
        rule = meetings.block("A", "--country", "CN")
    meetings.ctl("block", "A", "--country", "CN", "HK", "--yes").refused("16")
    assert len(meetings.ctl.json("rule", "list", "A")) == 16
    check(everyone(network, {("CN", PORT_A)}))
    meetings.ctl("unblock", rule).ok()
    meetings.block("A", "--country", "HK")
    check(everyone(network, {("CN", PORT_A), ("HK", PORT_A)}))


def test_limit_of_addresses_on_a_port(daemon: Daemon, network: Network):
    ends = [f"udp:198.18.1.{number}:{PORT_A}" for number in range(1, 17)]
    daemon.add_meeting("A", *ends)
    last = f"udp:{EDGE_V4}:{PORT_A}"
    daemon.ctl("meeting", "add", "B", "--endpoint", f"udp:{EDGE_V4}:{PORT_B}", "--endpoint",
               last).refused("16")
    assert [meeting["id"] for meeting in daemon.ctl.json("meeting", "list")] == ["A"]
    for end in ends:
        assert daemon.explain("203.0.113.10:1000", end)["meeting"] == "A"
    check(product(network.participants.values(), endpoints(PORT_A), True))


def all_countries() -> list[str]:
    text = (REPOSITORY / "model" / "countries.inc").read_text(encoding="utf-8")
    return re.findall(r'COUNTRY\("([A-Z]{2})"', text)


def test_counters_run_out(make_daemon, network: Network):
    """Every country of every rule has counters of its own; when there are no more, the rule is
    refused, and what is given back is found again."""
    daemon = make_daemon(limits={"meetings": 2}).start()
    daemon.add_meeting("A", *endpoints(PORT_A))
    daemon.add_meeting("B", *endpoints(PORT_B))
    world = {"countries": all_countries()}
    for round_ in range(3):
        made = []
        while (answer := daemon.api("POST", "/v1/rules", {
                "meeting": "A" if len(made) < 16 else "B", **world})).status == 201:
            made.append(answer.json["id"])
        answer.problem(507)
        assert 16 <= len(made) < 32
        active = [rule for rule in daemon.ctl.json("rule", "list") if rule["state"] == "active"]
        assert len(active) == len(made)
        for rule in made:
            daemon.ctl("unblock", rule).ok()
    check(everyone(network))


def test_exceptions_run_out(meetings: Daemon, network: Network):
    def prefixes(count: int) -> list[str]:
        return [f"2001:db8:{0x8000 + (number >> 8):x}:{number & 255:x}::/64"
                for number in range(count)]

    china = {"meeting": "A", "countries": ["CN"]}
    before = meetings.ctl("export").ok().stdout
    meetings.api("POST", "/v1/rules", {**china, "except": prefixes(65536 + 1)}).problem(507)
    assert meetings.ctl("export").ok().stdout == before
    check(everyone(network))
    many = {**china, "except": prefixes(40000)}
    for _ in range(2):
        # What was given back is free when no packet can be reading it any more.
        rule = wait.until(lambda: (answer := meetings.api("POST", "/v1/rules", many)).status == 201
                          and answer.json["id"], 10, "there is room")
        meetings.api("POST", "/v1/rules", many).problem(507)
        check(everyone(network, {("CN", PORT_A)}))
        meetings.ctl("unblock", rule).ok()
    check(everyone(network))


def test_many_at_once(daemon: Daemon):
    """Forty changes by forty tools: all are there, none is half there."""
    tools = [subprocess.Popen(daemon.ctl.command("meeting", "add", f"M{number}", "--endpoint",
                                                 f"udp:{EDGE_V4}:{41000 + number}"),
                              stdout=subprocess.DEVNULL) for number in range(40)]
    assert [tool.wait(30) for tool in tools] == [0] * 40
    assert len(daemon.ctl.json("meeting", "list")) == 40
    for number in range(40):
        answer = daemon.explain("203.0.113.10:5", f"udp:{EDGE_V4}:{41000 + number}")
        assert answer["meeting"] == f"M{number}"


def test_churn_leaves_no_residue(daemon: Daemon, network: Network):
    """Whatever is given back is found free again: no table fills up by and by."""
    for round_ in range(40):
        daemon.add_meeting(f"M{round_}", f"udp:{EDGE_V4}:{PORT_A}-{PORT_A + 500}")
        daemon.block(f"M{round_}", "--country", "CN", "HK", "--except", "203.0.113.7/32")
        daemon.ctl("meeting", "remove", f"M{round_}").ok()
    check(everyone(network))
